"""Seals: every document carries a keyed hash of itself, so that a change by hand is seen and named.

Only who knows the service's key can make one. What the log says of a document is compared with it as well: so one
that is gone, or whose earlier content was put back with its earlier seal, is named too.
"""

import hmac
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
import orjson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from shared.storage.database import Collection, Database, asking
from shared.storage.log import Log

BOOKKEEPING = frozenset(
    {
        "discarded",
        "leases",
        "log",
        "log_positions",
        "parked",
        "received",
        "received_heads",
        "vault",
        "waiting",
    }
)
"""Collections without seals: the log is a chain, keys prove themselves, the others are only on their way."""

OWN = frozenset({"_id", "state", "version", "applied", "ordinals", "pending", "writes", "seal"})
"""Fields that every document has. All others are there to be queried by."""

_OUTSIDE = frozenset({"_id", "state", "pending", "writes", "seal"})
"""Fields that the seal takes in by themselves, or that change without a new version."""

_PAGE = 200


def key_of(site_key: bytes) -> bytes:
    """Return the key for seals: another one than that for the vault, which it is made from."""
    return hmac.digest(site_key, b"jiandu: seals of documents", "sha256")


def packed(state: Mapping[str, Any], options: CodecOptions[Any]) -> RawBSONDocument:
    """Return a state as the bytes that are stored, so that it is put into bytes once."""
    return RawBSONDocument(bson.encode(state, codec_options=options))


def seal(
    database: Database, where: tuple[str, str], state: RawBSONDocument, fields: Mapping[str, Any]
) -> bytes:
    """Return the seal of a document.

    Args:
        database: Has the key and says how values become bytes.
        where: Collection and id: a seal fits in one place only.
        state: The state, as it is stored.
        fields: All other fields; those outside the seal are left out.
    """
    known = {name: fields[name] for name in sorted(fields) if name not in _OUTSIDE}
    about = bson.encode({"where": list(where), "fields": known}, codec_options=database.options)
    return hmac.digest(database.seal_key, about + state.raw, "sha256")


@dataclass(frozen=True, slots=True)
class Edited:
    """A document that is not as the service left it."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a check of one collection found.

    Attributes:
        collection: Its name; empty for documents of which the log alone still knows.
        documents: How many were looked at.
    """

    collection: str
    documents: int
    edited: tuple[Edited, ...]


async def check_documents(database: Database, log: Log) -> list[Sealed]:
    """Look at every document of a service: its seal, and the events that it told."""
    names = sorted(set(await database.collections()) - BOOKKEEPING)
    found = [await _checked(database, log, name) for name in names]
    gone = [one async for one in _gone(database, log, names)]
    return [*found, Sealed("", 0, tuple(gone))] if gone else found


async def fault_in(database: Database, name: str, key: str) -> str:
    """Say what is wrong with one document's seal; empty where it fits, or there is no such document."""
    with asking():
        row = await _raw(database, name).find_one({"_id": key})
    return "" if row is None else _fault(database, name, row)


def _raw(database: Database, name: str) -> Collection:
    raw = CodecOptions(
        document_class=RawBSONDocument, uuid_representation=database.options.uuid_representation
    )
    return database.collection(name).with_options(codec_options=raw)


async def _checked(database: Database, log: Log, name: str) -> Sealed:
    cursor = _raw(database, name).find({}, {"writes": 0})
    count, edited = 0, list[Edited]()
    while True:
        with asking():
            rows: list[RawBSONDocument] = await cursor.to_list(_PAGE)
        if not rows:
            return Sealed(name, count, tuple(edited))
        count += len(rows)
        faults = {str(row["_id"]): _fault(database, name, row) for row in rows}
        sound = [row for row in rows if not faults[str(row["_id"])]]
        for key in await _differing(log, sound):
            faults[key] = await _untold(database, log, name, key)
        edited += [Edited(key, reason) for key, reason in faults.items() if reason]


def _fault(database: Database, name: str, row: RawBSONDocument) -> str:
    state, given = row.get("state"), row.get("seal")
    if not isinstance(state, RawBSONDocument):
        return "it is no document of the service"
    if not isinstance(given, bytes):
        return "it carries no seal"
    if not hmac.compare_digest(given, seal(database, (name, str(row["_id"])), state, row)):
        return "it was changed outside the service: its seal does not fit"
    return ""


async def _differing(log: Log, rows: Sequence[RawBSONDocument]) -> list[str]:
    """Return the documents of which the log does not hold as many events as they told."""
    told = await log.counts([str(row["_id"]) for row in rows])
    return [str(row["_id"]) for row in rows if dict(row["ordinals"]) != told.get(str(row["_id"]), {})]


async def _untold(database: Database, log: Log, name: str, key: str) -> str:
    """Say what differs between a document and the log, whatever happens to both meanwhile.

    What the document had told before the log was read is in the log, or pending; what the log held before the
    document was read again, the document knows of.
    """
    collection = database.collection(name)
    with asking():
        before = await collection.find_one({"_id": key}, {"ordinals": 1, "pending": 1})
    entries = [orjson.loads(entry.body) for entry in await log.about(key)]
    with asking():
        after = await collection.find_one({"_id": key}, {"ordinals": 1})
    if before is None or after is None:
        return "it went while it was looked at"
    logged = {(one["source"], one["ordinal"]) for one in entries}
    there = logged | {(one["source"], one["ordinal"]) for one in before["pending"]}
    for source, last in before["ordinals"].items():
        if missing := next((turn for turn in range(1, last + 1) if (source, turn) not in there), 0):
            return f"its event {missing} is not in the log {source}"
    beyond = sorted(one for one in logged if one[1] > after["ordinals"].get(one[0], 0))
    if beyond:
        source, turn = beyond[0]
        return f"the log {source} holds its event {turn}, which it does not know: an earlier content was put back"
    return ""


async def _gone(database: Database, log: Log, names: Iterable[str]) -> AsyncIterator[Edited]:
    async for left in log.subjects():
        for name in names:
            with asking():
                rows = (
                    await database.collection(name)
                    .find({"_id": {"$in": list(left)}}, {"_id": 1})
                    .to_list(None)
                )
            left -= {row["_id"] for row in rows}
        for subject in sorted(left):
            yield Edited(subject, "it is gone; the log knows what it told")
