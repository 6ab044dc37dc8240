"""What a delivery must look like before anything else trusts it."""

import hashlib
import re
import traceback
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import TransientError
from shared.events.envelope import customer_key_of
from shared.inbox.store import Receipt

Record = dict[str, Any]
"""An envelope as it came: a dict with the fields of :class:`shared.events.Envelope`."""

_FIELDS: dict[str, type] = {
    "id": str,
    "source": str,
    "type": str,
    "subject": str,
    "time": str,
    "recordedtime": str,
    "sequence": int,
    "ordinal": int,
    "data": dict,
}
_SOURCE = re.compile(r"jiandu/[a-z][a-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9._-]*/[0-9]+")
_MOST = 1 << 53
"""Numbers above this are not the same number in every reader of JSON."""

_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event could not be applied.

    Attributes:
        where: Kind and place of the error: what fails alike is mended alike.
        passing: It is expected to pass by itself.
    """

    reason: str
    where: str
    passing: bool = False

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Describe ``error``."""
        return cls(
            f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS],
            f"{type(error).__name__} in {_place(error)}",
            isinstance(error, TransientError),
        )


@dataclass(slots=True, eq=False)
class Arrived:
    """One event in hand.

    Attributes:
        wrapped: The customer key that came beside it.
        failure: Why it could not be applied, where it could not.
        settled: It was applied, or had been before.
    """

    record: Record
    body: bytes
    wrapped: str = ""
    failure: Failure | None = None
    settled: bool = False

    @property
    def receipt(self) -> Receipt:
        """What is noted once it is settled."""
        return Receipt(self.record["source"], self.record["sequence"], digest(self.body))

    def fail(self, error: Exception) -> None:
        """Note why it could not be applied."""
        self.failure = Failure.of(error)


class UnreadableError(Exception):
    """This is no event of ours."""


def key_beside(record: Record, keys: object) -> str:
    """Return the wrapped key for an event out of those that came with its message; "" where there is none."""
    found = keys.get(customer_key_of(record)) if isinstance(keys, dict) else None
    return found if isinstance(found, str) else ""


def digest(body: bytes) -> str:
    """Return the hash by which two bodies are told apart."""
    return hashlib.sha256(body).hexdigest()


def read(body: bytes) -> Record:
    """Return the envelope in ``body``.

    Raises:
        UnreadableError: It is none.
    """
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableError("not JSON") from error
    if not isinstance(record, dict):
        raise UnreadableError("not a JSON object")
    wrong = [name for name, kind in _FIELDS.items() if type(record.get(name)) is not kind]
    if not wrong:
        wrong = [name for name in ("sequence", "ordinal") if not 0 < record[name] < _MOST]
    if not wrong and not _SOURCE.fullmatch(record["source"]):
        wrong = ["source"]
    if wrong:
        raise UnreadableError(f"fields missing or wrong: {', '.join(wrong)}")
    return record


def read_head(body: bytes) -> tuple[str, int]:
    """Return what an announcement says: a source and how far its log reaches.

    Raises:
        UnreadableError: It says neither.
    """
    try:
        told = orjson.loads(body)
        source, head = told["source"], told["head"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError("not an announcement") from error
    if (
        type(source) is not str
        or type(head) is not int
        or not 0 <= head < _MOST
        or not _SOURCE.fullmatch(source)
    ):
        raise UnreadableError("not an announcement")
    return source, head


def _place(error: Exception) -> str:
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename
    ]
    # By name, not by line: the group outlives an edit of the file.
    return f"{ours[-1].filename.rpartition('/')[2]}:{ours[-1].name}" if ours else "unknown"
