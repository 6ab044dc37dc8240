"""The integrity of a service's documents: each one's seal, and the events that the log says it told."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import orjson

from shared.outbox.log import Log
from shared.storage.database import Database, driver_errors
from shared.storage.seals import Raw, fault_of, raw_collection

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

_PAGE = 200


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


async def _checked(database: Database, log: Log, name: str) -> Sealed:
    cursor = raw_collection(database, name).find({}, {"writes": 0})
    count, edited = 0, list[Edited]()
    while True:
        with driver_errors():
            rows: list[Raw] = await cursor.to_list(_PAGE)
        if not rows:
            return Sealed(name, count, tuple(edited))
        count += len(rows)
        faults = {str(row["_id"]): fault_of(database, name, row) for row in rows}
        sound = [row for row in rows if not faults[str(row["_id"])]]
        for key in await _differing(log, sound):
            faults[key] = await _untold(database, log, name, key)
        edited += [Edited(key, reason) for key, reason in faults.items() if reason]


async def _differing(log: Log, rows: Sequence[Raw]) -> list[str]:
    """Return the documents of which the log does not hold as many events as they told."""
    told = await log.counts([str(row["_id"]) for row in rows])
    return [str(row["_id"]) for row in rows if dict(row["ordinals"]) != told.get(str(row["_id"]), {})]


async def _untold(database: Database, log: Log, name: str, key: str) -> str:
    """Say what differs between a document and the log, whatever happens to both meanwhile.

    What the document had told before the log was read is in the log, or pending; what the log held before the
    document was read again, the document knows of.
    """
    collection = database.collection(name)
    with driver_errors():
        before = await collection.find_one({"_id": key}, {"ordinals": 1, "pending": 1})
    entries = [orjson.loads(entry.body) for entry in await log.about(key)]
    with driver_errors():
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
            with driver_errors():
                rows = (
                    await database.collection(name)
                    .find({"_id": {"$in": list(left)}}, {"_id": 1})
                    .to_list(None)
                )
            left -= {row["_id"] for row in rows}
        for subject in sorted(left):
            yield Edited(subject, "it is gone; the log knows what it told")
