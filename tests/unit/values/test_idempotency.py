"""The same command again gets its first answer; the same key with other words gets none."""

import hashlib

import pytest

from shared.errors import KeyReusedError
from shared.values.idempotency import MOST, Command, Digest, Remembered, must_be_same, recall, remember

BODY, ORDERED, OTHER = b'{"do": "close", "at": 1}', b'{"at":1,"do":"close"}', b'{"do":"close","at":2}'


def test_a_key_is_tied_to_what_is_said_and_not_to_how_it_is_written() -> None:
    assert Digest.of(BODY) == Digest.of(ORDERED)
    assert Digest.of(BODY) != Digest.of(OTHER)
    assert Digest.of(b"a,b\n1,2\n") != Digest.of(b"a,b\n1,3\n")


@pytest.mark.parametrize("depth", [200, 300, 1000, 5000])
def test_a_body_that_is_nested_too_deeply_to_be_put_in_order_stands_for_its_bytes(depth: int) -> None:
    assert Digest.of(b"[" * depth + b"]" * depth) == Digest.of(b"[" * depth + b"]" * depth)
    assert Digest.of(b"[" * depth + b"]" * depth) != Digest.of(b"[" * (depth + 1) + b"]" * (depth + 1))


def test_a_key_that_the_release_before_tied_to_bytes_still_fits_them() -> None:
    """INVARIANT: a call that is repeated across an upgrade gets its first answer.

    What breaks it: comparing the new hash alone; records of before hold the hash of the bytes.
    """
    known = hashlib.sha256(BODY).hexdigest()

    must_be_same(known, Digest.of(BODY))
    must_be_same(f"p1/{known}", Digest.of(BODY).about("p1"))
    with pytest.raises(KeyReusedError):
        must_be_same(known, Digest.of(OTHER))
    with pytest.raises(KeyReusedError):
        must_be_same(f"p2/{known}", Digest.of(BODY).about("p1"))


def test_a_record_remembers_the_last_commands_and_no_more() -> None:
    remembered: Remembered = ()
    for number in range(MOST + 1):
        remembered = remember(remembered, Command(f"key-{number}", "d", "r"), {"number": number})

    assert recall(remembered, Command(f"key-{MOST}", "d", "r")) == {"number": MOST}
    assert recall(remembered, Command("key-1", "d", "r")) == {"number": 1}
    assert recall(remembered, Command("key-0", "d", "r")) is None
