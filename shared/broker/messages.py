"""Many events in one message: what the broker, the wire and the acknowledgement cost, they cost once.

The form is the batch of the CloudEvents JSON format, a JSON array. Each event stands on a line of its own,
in the very bytes that its log has hashed, so that a reader has those bytes without writing JSON again.
"""

from collections.abc import Sequence

BATCH_TYPE = "application/cloudevents-batch+json"

HEAD_TYPE = "jiandu.log.head"
"""Type of the message that says how far a log reaches."""

KEYS_HEADER = "x-jiandu-keys"
"""Customer keys beside the events: key id → wrapped key."""

_FIRST, _BETWEEN, _LAST = b"[\n", b",\n", b"\n]"


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
