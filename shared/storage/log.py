"""The append-only log of a service: gapless per source, hash-chained, the exact bytes that were sent.

It is outbox, audit trail and replay source. Everything in the broker can be rebuilt from it.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from shared.events import GENESIS, chain_hash, to_bytes
from shared.storage.database import Database

_DUPLICATE = 11000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in a log."""

    source: str
    sequence: int
    event: str
    type: str
    subject: str
    body: bytes
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of one log found: how many entries hold, and the first that does not."""

    source: str
    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""


def _key(source: str, sequence: int) -> str:
    return f"{source}#{sequence:012d}"


def verify(source: str, entries: Iterable[Entry], after: Verdict | None = None) -> Verdict:
    """Check sequence, chain and content of consecutive entries; ``after`` continues an earlier check."""
    count, head = (after.entries, after.head) if after else (0, GENESIS)
    for entry in entries:
        reason = ""
        if entry.sequence != count + 1:
            reason = f"entry {count + 1} is missing"
        elif entry.previous != head or chain_hash(head, entry.body) != entry.hash:
            reason = "its bytes or its place in the chain were changed"
        else:
            record = orjson.loads(entry.body)
            told = (record["source"], record["sequence"], record["id"], record["type"], record["subject"])
            if told != (entry.source, entry.sequence, entry.event, entry.type, entry.subject):
                reason = "its columns differ from its body"
        if reason:
            return Verdict(source, count, head, count + 1, reason)
        count, head = count + 1, entry.hash
    return Verdict(source, count, head)


class Log:
    """The log of one service's database."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        self._entries = database.collection("log")
        self._positions = database.collection("log_positions")
        self._heads: dict[str, tuple[int, str]] = {}

    async def ensure_indexes(self) -> None:
        """The unique sequence is the fence between sequencers; the unique event id stops doubles."""
        await self._entries.create_index("event", unique=True)
        await self._entries.create_index([("subject", ASCENDING)])

    async def head(self, source: str, *, fresh: bool = False) -> tuple[int, str]:
        """Return last sequence and hash of ``source``; (0, genesis) for an empty log."""
        if fresh or source not in self._heads:
            cursor = self._entries.find(
                {"_id": {"$gte": _key(source, 0), "$lt": f"{source}$"}}, {"sequence": 1, "hash": 1}
            )
            last = await cursor.sort("_id", DESCENDING).limit(1).to_list(1)
            self._heads[source] = (last[0]["sequence"], last[0]["hash"]) if last else (0, GENESIS)
        return self._heads[source]

    async def append(self, drafts: Sequence[dict[str, Any]]) -> list[Entry]:
        """Give drafts of one source their sequence and make them durable, in order.

        A draft that is in the log already is left out. Safe when several sequencers run: who loses
        the race for a number reads the head again.
        """
        source = drafts[0]["source"]
        waiting = list(drafts)
        written: list[Entry] = []
        while waiting:
            sequence, previous = await self.head(source)
            entries = []
            for draft in waiting:
                sequence += 1
                body = to_bytes({**draft, "sequence": sequence})
                entry = Entry(
                    source,
                    sequence,
                    draft["id"],
                    draft["type"],
                    draft["subject"],
                    body,
                    previous,
                    chain_hash(previous, body),
                )
                entries.append(entry)
                previous = entry.hash
            done = await self._insert(entries)
            written.extend(entries[:done])
            if done:
                self._heads[source] = (entries[done - 1].sequence, entries[done - 1].hash)
            waiting = waiting[done:]
            if waiting:
                await self.head(source, fresh=True)
                logged = await self._known([draft["id"] for draft in waiting])
                waiting = [draft for draft in waiting if draft["id"] not in logged]
        return written

    async def _insert(self, entries: Sequence[Entry]) -> int:
        documents = [
            {
                "_id": _key(entry.source, entry.sequence),
                "source": entry.source,
                "sequence": entry.sequence,
                "event": entry.event,
                "type": entry.type,
                "subject": entry.subject,
                "body": entry.body,
                "previous": entry.previous,
                "hash": entry.hash,
            }
            for entry in entries
        ]
        try:
            await self._entries.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            fault = error.details["writeErrors"][0]
            if fault["code"] != _DUPLICATE:
                raise
            return int(fault["index"])
        return len(entries)

    async def _known(self, events: Sequence[str]) -> set[str]:
        cursor = self._entries.find({"event": {"$in": list(events)}}, {"event": 1})
        return {document["event"] for document in await cursor.to_list(None)}

    async def sources(self) -> list[str]:
        """Return every source that has entries here."""
        found: list[str] = []
        after = ""
        while True:
            row = await self._entries.find_one({"_id": {"$gt": after}}, {"source": 1}, sort=[("_id", ASCENDING)])
            if row is None:
                return found
            found.append(row["source"])
            after = f"{row['source']}$"

    async def read(self, source: str, after: int, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries of ``source`` with a sequence above ``after``."""
        cursor = self._entries.find({"_id": {"$gt": _key(source, after), "$lt": f"{source}$"}})
        return [_entry(row) for row in await cursor.sort("_id", ASCENDING).limit(limit).to_list(None)]

    async def about(self, subject: str) -> list[Entry]:
        """Return everything the log holds about ``subject``."""
        return [_entry(row) for row in await self._entries.find({"subject": subject}).sort("_id", 1).to_list(None)]

    async def every(self, source: str, page: int = 1000) -> AsyncIterator[list[Entry]]:
        """Walk the whole log of ``source``, a page at a time."""
        after = 0
        while entries := await self.read(source, after, page):
            yield entries
            after = entries[-1].sequence

    async def published(self, source: str) -> int:
        """Return the last sequence that the broker confirmed."""
        row = await self._positions.find_one({"_id": source})
        return int(row["published"]) if row else 0

    async def set_published(self, source: str, sequence: int) -> None:
        """Remember that the broker confirmed everything up to ``sequence``."""
        await self._positions.update_one({"_id": source}, {"$max": {"published": sequence}}, upsert=True)


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        row["source"],
        row["sequence"],
        row["event"],
        row["type"],
        row["subject"],
        bytes(row["body"]),
        row["previous"],
        row["hash"],
    )
