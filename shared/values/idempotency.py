"""A command that was answered once is answered the same way again. Pure.

Its key is the caller's own; a record that commands change keeps the last answers beside what they changed, so both
are written together. A key stands for what was said with it, not for the bytes: the same JSON in another order is the
same command.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import KeyReusedError

MOST = 50
"""Commands remembered with one record. A key is repeated within minutes, never fifty commands later."""


@dataclass(frozen=True, slots=True)
class Command:
    """What came beside a command's body.

    Attributes:
        key: The caller's own key for it.
        digest: Hash of what its body says; see :class:`Digest`.
        request: Id of the request, for tracing.
    """

    key: str
    digest: str
    request: str


Remembered = tuple[Mapping[str, Any], ...]


class Digest(str):
    """The hash of what a body says."""

    __slots__ = ("_about", "_body")
    _about: str
    _body: bytes

    @classmethod
    def of(cls, body: bytes) -> "Digest":
        """Return the hash of what a body says; of its bytes, where it is no JSON.

        Example:
            >>> Digest.of(b'{"a": 1, "b": 2}') == Digest.of(b'{"b":2,"a":1}')
            True
        """
        try:
            said = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
        except (
            orjson.JSONDecodeError,
            orjson.JSONEncodeError,
        ):  # a sheet, or what the route is about to refuse
            said = body
        return cls._made(hashlib.sha256(said).hexdigest(), "", body)

    def about(self, *parts: str) -> "Digest":
        """Return the digest of a command that is said partly by its address."""
        about = "".join(f"{part}/" for part in parts)
        return self._made(about + self, about + self._about, self._body)

    @property
    def of_bytes(self) -> str:
        """Return the hash of the body's bytes, which records of earlier releases hold."""
        return self._about + hashlib.sha256(self._body).hexdigest()

    @classmethod
    def _made(cls, said: str, about: str, body: bytes) -> "Digest":
        made = cls(said)
        made._about, made._body = about, body
        return made


def must_be_same(known: str, digest: str) -> None:
    """Refuse a key that came before with another body. Raises ``KeyReusedError``."""
    if known != digest and not (isinstance(digest, Digest) and known == digest.of_bytes):
        msg = "This Idempotency-Key was used with another body. Send the first body again, or take a new key."
        raise KeyReusedError(msg)


def recall(remembered: Sequence[Mapping[str, Any]], command: Command) -> Mapping[str, Any] | None:
    """Return the first answer to ``command``; None when it is new. Raises ``KeyReusedError``."""
    for one in remembered:
        if one["key"] == command.key:
            must_be_same(one["digest"], command.digest)
            answer: Mapping[str, Any] = one["answer"]
            return answer
    return None


def remember(
    remembered: Sequence[Mapping[str, Any]], command: Command, answer: Mapping[str, Any]
) -> Remembered:
    """Keep the answer to ``command``."""
    return (*remembered, {"key": command.key, "digest": command.digest, "answer": dict(answer)})[-MOST:]
