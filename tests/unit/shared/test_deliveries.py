"""What a delivery must look like before anything else trusts it."""

from typing import Any

import orjson
import pytest

from shared.inbox.deliveries import Arrived, Failure, UnreadableError, read, read_head


def an_envelope(**more: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON value, also a wrong one
    return {
        "id": "e1",
        "source": "jiandu/intake/chongqing/1",
        "type": "tally.added.v1",
        "subject": "s",
        "time": "2026-05-04T04:00:00Z",
        "recordedtime": "2026-05-04T04:00:00Z",
        "sequence": 1,
        "ordinal": 1,
        "data": {},
        **more,
    }


def test_an_envelope_is_read_as_it_came() -> None:
    assert read(orjson.dumps(an_envelope(data={"n": 1}))) == an_envelope(data={"n": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"source": "jiandu/intake/chongqing"},
        {"source": "jiandu/intake/chong#qing/1"},
        {"source": "jiandu/intake/../1"},
        {"source": "other/intake/chongqing/1"},
        {"sequence": 0},
        {"sequence": -1},
        {"sequence": True},
        {"sequence": 1.0},
        {"sequence": 1 << 53},
        {"ordinal": 0},
        {"ordinal": "1"},
        {"subject": None},
        {"recordedtime": 5},
        {"data": []},
    ],
    ids=str,
)
def test_an_envelope_with_a_field_that_cannot_be_trusted_is_unreadable(wrong: dict[str, Any]) -> None:
    """INVARIANT: nothing that a stranger writes into an envelope can stop the consumer.

    What breaks it: a check that takes True for a number, or a source that reaches into another's keys.
    """
    with pytest.raises(UnreadableError, match=f"fields missing or wrong: {next(iter(wrong))}"):
        read(orjson.dumps(an_envelope(**wrong)))


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'"text"', b"{}", b"NaN", b'{"a":1'])
def test_what_is_no_envelope_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"source": "jiandu/a/b/1", "head": "9"}',
        b'{"source": "jiandu/a/b/1", "head": true}',
        b'{"source": "jiandu/a/b/1", "head": -1}',
        b'{"source": "x", "head": 1}',
        b'{"source": ["jiandu/a/b/1"], "head": 1}',
    ],
)
def test_what_is_no_announcement_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_head(body)


def test_an_announcement_names_a_source_and_how_far_it_reaches() -> None:
    assert read_head(b'{"source": "jiandu/intake/wuxi/1", "head": 9}') == ("jiandu/intake/wuxi/1", 9)


def test_failures_of_one_cause_have_one_place_whatever_they_say() -> None:
    """INVARIANT: what fails alike is one group, so that it is mended and replayed at once.

    What breaks it: grouping by the text, which names the record.
    """

    def follow(subject: str) -> None:
        message = f"{subject} has no plan"
        raise LookupError(message)

    failures = []
    for subject in ("a", "b"):
        one = Arrived(an_envelope(subject=subject), b"")
        try:
            follow(subject)
        except LookupError as error:
            one.fail(error)
        failures.append(one.failure)

    assert failures == [
        Failure(f"LookupError: {subject} has no plan", "LookupError in test_deliveries.py:follow")
        for subject in ("a", "b")
    ]
