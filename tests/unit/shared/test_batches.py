"""Many events in one message: nothing lost, nothing changed, no message too large."""

from hypothesis import given
from hypothesis import strategies as st

from shared.broker.messages import pack, unpack
from shared.events import to_bytes
from shared.outbox.log import Entry
from shared.outbox.publisher import MOST_BYTES, MOST_EVENTS, batches

texts = st.text(max_size=40).map(lambda text: to_bytes({"data": text, "lines": ["a\n", ",\n", text]}))


def entry(sequence: int, size: int) -> Entry:
    return Entry("jiandu/intake/chongqing/1", sequence, f"e{sequence}", "t", "s", b"x" * size, "", "")


@given(st.lists(texts, min_size=1, max_size=20))
def test_every_event_arrives_in_the_bytes_that_its_log_has_hashed(bodies: list[bytes]) -> None:
    """INVARIANT: packing and unpacking changes no byte.

    What breaks it: a serializer that puts line breaks into what it writes.
    """
    assert unpack(pack(bodies)) == bodies


def test_a_single_event_as_a_message_is_understood() -> None:
    assert unpack(b'{"id":"a"}') == [b'{"id":"a"}']


def test_entries_are_parted_by_number_and_by_size_in_their_order() -> None:
    # 64 at most: 150 = 64 + 64 + 22.
    by_number = [len(some) for some in batches([entry(at, 10) for at in range(150)])]
    # 128 KB at most: three of 40 KB are 120 KB, a fourth would make 160.
    by_size = [len(some) for some in batches([entry(at, 40 * 1024) for at in range(7)])]

    assert by_number == [MOST_EVENTS, MOST_EVENTS, 22]
    assert by_size == [3, 3, 1]
    assert list(batches([])) == []


def test_an_event_larger_than_a_batch_travels_alone() -> None:
    sizes = [10, MOST_BYTES + 1, 10]

    assert [len(some) for some in batches([entry(at, size) for at, size in enumerate(sizes)])] == [1, 1, 1]
