"""Pure: a command that was answered once is answered the same way again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import KeyReusedError

MOST = 50
"""Commands remembered with one record. A key is repeated within minutes, never fifty commands later."""


@dataclass(frozen=True, slots=True)
class Command:
    """What came beside a command's body.

    Attributes:
        key: The caller's own key for it.
        digest: Hash of the body that the key is tied to.
        request: Id of the request, for tracing.
    """

    key: str
    digest: str
    request: str


Remembered = tuple[Mapping[str, Any], ...]


def recall(remembered: Sequence[Mapping[str, Any]], command: Command) -> Mapping[str, Any] | None:
    """Return the first answer to ``command``; None when it is new. Raises ``KeyReusedError``."""
    for one in remembered:
        if one["key"] == command.key:
            if one["digest"] != command.digest:
                raise reused()
            answer: Mapping[str, Any] = one["answer"]
            return answer
    return None


def remember(
    remembered: Sequence[Mapping[str, Any]], command: Command, answer: Mapping[str, Any]
) -> Remembered:
    """Keep the answer to ``command``."""
    return (*remembered, {"key": command.key, "digest": command.digest, "answer": dict(answer)})[-MOST:]


def reused() -> KeyReusedError:
    """Return the error of a key that came with another body."""
    return KeyReusedError(
        "This Idempotency-Key was used with another body. Send the first body again, or take a new key."
    )
