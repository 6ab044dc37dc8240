"""Many events in one message: what the broker, the wire and the acknowledgement cost, they cost once.

The form is the batch of the CloudEvents JSON format, a JSON array. Each event stands on a line of its own,
in the very bytes that its log has hashed, so that a reader has those bytes without writing JSON again.
"""

from collections.abc import Iterator, Sequence

from shared.storage import Entry

BATCH_TYPE = "application/cloudevents-batch+json"

MOST_EVENTS = 64
MOST_BYTES = 128 * 1024
"""A parcel holds no more, unless its only event is larger. With the prefetch it bounds a consumer's memory."""

_FIRST, _BETWEEN, _LAST = b"[\n", b",\n", b"\n]"


def parcels(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Part consecutive entries of one log into what goes in one message each."""
    first = size = 0
    for at, entry in enumerate(entries):
        size += len(entry.body)
        if at > first and (at - first == MOST_EVENTS or size > MOST_BYTES):
            yield entries[first:at]
            first, size = at, len(entry.body)
    if entries:
        yield entries[first:]


def pack(bodies: Sequence[bytes]) -> bytes:
    """Return the message that carries these events.

    >>> pack([b'{"id":"a"}', b'{"id":"b"}'])
    b'[\\n{"id":"a"},\\n{"id":"b"}\\n]'
    """
    return _FIRST + _BETWEEN.join(bodies) + _LAST


def unpack(message: bytes) -> list[bytes]:
    """Return the events in a message, each as its own bytes. A message in another form is one of its own.

    >>> unpack(b'[\\n{"id":"a"},\\n{"id":"b"}\\n]')
    [b'{"id":"a"}', b'{"id":"b"}']
    >>> unpack(b'{"id":"a"}')
    [b'{"id":"a"}']
    """
    if message.startswith(_FIRST) and message.endswith(_LAST):
        # Compact JSON has no line break inside: the ones here stand between events.
        return message[len(_FIRST) : -len(_LAST)].split(_BETWEEN)
    return [message]
