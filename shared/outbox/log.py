"""The append-only log of a service: gapless per source, hash-chained, the exact bytes that were sent.

It is outbox, audit trail and replay source. Everything in the broker can be rebuilt from it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from shared.events import GENESIS, chain_hash, to_bytes
from shared.storage.database import DUPLICATE, Database, driver_errors, refusals
from shared.storage.numbering import entries_after, entry_id

_COLUMNS = {"source": "source", "sequence": "sequence", "event": "id", "type": "type", "subject": "subject"}
"""Columns of an entry, each with the field of its body that it repeats."""


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
    misplaced: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of one log found: how many entries hold, and the first that does not."""

    source: str
    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a log was published: what the broker confirmed, and the hash that stood there."""

    sequence: int = 0
    hash: str = GENESIS


def verify(source: str, entries: Iterable[Entry], after: Verdict | None = None) -> Verdict:
    """Check sequence, chain and content of consecutive entries; ``after`` continues an earlier check."""
    count, head = (after.entries, after.head) if after else (0, GENESIS)
    for entry in entries:
        reason = _fault(entry, count + 1, head)
        if reason:
            return Verdict(source, count, head, count + 1, reason)
        count, head = count + 1, entry.hash
    return Verdict(source, count, head)


def _fault(entry: Entry, expected: int, head: str) -> str:
    if entry.sequence != expected:
        return f"entry {expected} is missing"
    if entry.previous != head or chain_hash(head, entry.body) != entry.hash:
        return "its bytes or its place in the chain were changed"
    try:
        record = orjson.loads(entry.body)
        told = {column: record[name] for column, name in _COLUMNS.items()}
    except (ValueError, KeyError, TypeError):
        return "its body is not an event"
    if entry.misplaced or any(getattr(entry, column) != value for column, value in told.items()):
        return "its columns differ from its body"
    return ""


class Log:
    """The log of one service's database."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        self._entries = database.collection("log")
        self._positions = database.collection("log_positions")
        self._heads: dict[str, tuple[int, str]] = {}

    async def ensure_indexes(self) -> None:
        """The unique sequence is the fence between sequencers; the unique event id stops doubles."""
        with driver_errors():
            await self._entries.create_index("event", unique=True)
            await self._entries.create_index([("subject", ASCENDING)])

    # --- writing

    async def append(self, drafts: Sequence[Mapping[str, Any]]) -> list[Entry]:
        """Give drafts of one source their sequence and make them durable, in order.

        A draft that is in the log already is left out. Safe when several sequencers run: who loses
        the race for a number reads the head again.

        Raises:
            DatabaseDownError: What was written is not known. Appending the same drafts again is safe.
        """
        source = drafts[0]["source"]
        waiting = list(drafts)
        written: list[Entry] = []
        while waiting:
            entries = _chained(source, waiting, *await self.head(source))
            # Whatever happens to the write, the head is not what it was.
            del self._heads[source]
            done = await self._insert(entries)
            written.extend(entries[:done])
            waiting = waiting[done:]
            if waiting:
                logged = await self._known([draft["id"] for draft in waiting])
                waiting = [draft for draft in waiting if draft["id"] not in logged]
            else:
                self._heads[source] = (entries[-1].sequence, entries[-1].hash)
        return written

    async def _insert(self, entries: Sequence[Entry]) -> int:
        """Insert in order up to the first that is there already. Returns how many went in."""
        rows = [
            {
                "_id": entry_id(entry.source, entry.sequence),
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
            with driver_errors():
                await self._entries.insert_many(rows, ordered=True)
        except BulkWriteError as error:
            refused = refusals(error)
            if set(refused.values()) != {DUPLICATE}:
                raise
            return min(refused)
        return len(entries)

    async def _known(self, events: Sequence[str]) -> set[str]:
        with driver_errors():
            rows = await self._entries.find({"event": {"$in": list(events)}}, {"event": 1}).to_list(None)
        return {row["event"] for row in rows}

    def forget_heads(self) -> None:
        """Read every head anew when it is next asked for: another process may have appended."""
        self._heads.clear()

    # --- reading

    async def head(self, source: str, *, fresh: bool = False) -> tuple[int, str]:
        """Return last sequence and hash of ``source``; (0, genesis) for an empty log."""
        if fresh or source not in self._heads:
            with driver_errors():
                cursor = self._entries.find({"_id": entries_after(source, 0)}, {"sequence": 1, "hash": 1})
                last = await cursor.sort("_id", DESCENDING).limit(1).to_list(1)
            self._heads[source] = (last[0]["sequence"], last[0]["hash"]) if last else (0, GENESIS)
        return self._heads[source]

    async def sources(self) -> list[str]:
        """Return every source that has entries here."""
        found: list[str] = []
        after = ""
        while True:
            with driver_errors():
                row = await self._entries.find_one(
                    {"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", ASCENDING)]
                )
            if row is None:
                return found
            found.append(row["_id"].partition("#")[0])
            after = f"{found[-1]}$"

    async def read(self, source: str, after: int, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries of ``source`` with a sequence above ``after``."""
        return [_entry(row) for row in await self._rows(entries_after(source, after), limit)]

    async def _rows(self, span: Mapping[str, str], limit: int) -> list[dict[str, Any]]:
        with driver_errors():
            rows: list[dict[str, Any]] = (
                await self._entries.find({"_id": span}).sort("_id", ASCENDING).limit(limit).to_list(None)
            )
        return rows

    async def about(self, subject: str) -> list[Entry]:
        """Return everything the log holds about ``subject``."""
        with driver_errors():
            rows = await self._entries.find({"subject": subject}).sort("_id", 1).to_list(None)
        return [_entry(row) for row in rows]

    async def counts(self, subjects: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return how many events the log holds about each subject: subject → source → number."""
        with driver_errors():
            cursor = self._entries.find({"subject": {"$in": list(subjects)}}, {"subject": 1, "source": 1})
            rows = await cursor.to_list(None)
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            told = found.setdefault(row["subject"], {})
            told[row["source"]] = told.get(row["source"], 0) + 1
        return found

    async def subjects(self, page: int = 1000) -> AsyncIterator[set[str]]:
        """Walk everything that the log holds events about, a page at a time."""
        cursor = self._entries.find({}, {"_id": 0, "subject": 1}).sort("subject", ASCENDING)
        rows: list[dict[str, Any]] | None = None
        while rows is None or rows:
            with driver_errors():
                rows = await cursor.to_list(page)
            yield {row["subject"] for row in rows}

    async def every(self, source: str, page: int = 1000) -> AsyncIterator[list[Entry]]:
        """Walk the whole log of ``source``, a page at a time."""
        async for rows in self._pages(source, page):
            yield [_entry(row) for row in rows]

    async def _pages(self, source: str, page: int = 1000) -> AsyncIterator[list[dict[str, Any]]]:
        span = entries_after(source, 0)
        while rows := await self._rows(span, page):
            yield rows
            # By what the index says, not by a column that somebody may have changed.
            span = {**span, "$gt": rows[-1]["_id"]}

    async def check(self, source: str) -> Verdict:
        """Verify the whole log of ``source``, and that nothing that was published is gone from it."""
        verdict = Verdict(source, 0, GENESIS)
        position = await self.position(source)
        async for rows in self._pages(source):
            for row in rows:
                try:
                    entry = _entry(row)
                except (KeyError, TypeError, ValueError):
                    reason = "its columns are missing or of another type"
                    return Verdict(source, verdict.entries, verdict.head, verdict.entries + 1, reason)
                verdict = verify(source, [entry], verdict)
                if verdict.broken_at:
                    return verdict
                if entry.sequence == position.sequence and entry.hash != position.hash:
                    reason = "it was published with another hash: the log up to here was written anew"
                    return Verdict(source, verdict.entries, verdict.head, entry.sequence, reason)
        if verdict.entries < position.sequence:
            reason = f"entry {verdict.entries + 1} is missing; {position.sequence} were published"
            return Verdict(source, verdict.entries, verdict.head, verdict.entries + 1, reason)
        return verdict

    # --- how far it was published

    async def position(self, source: str) -> Position:
        """Return the last sequence that the broker confirmed, with its hash."""
        with driver_errors():
            row = await self._positions.find_one({"_id": source})
        return Position(int(row["published"]), row["hash"]) if row else Position()

    async def published(self, source: str) -> int:
        """Return the last sequence that the broker confirmed."""
        return (await self.position(source)).sequence

    async def published_sources(self) -> list[str]:
        """Return every source of which something was published."""
        with driver_errors():
            rows = await self._positions.find({}, {"_id": 1}).to_list(None)
        return [row["_id"] for row in rows]

    async def set_published(self, last: Entry) -> None:
        """Remember that the broker confirmed everything of a source up to ``last``. Never goes back."""
        with driver_errors():
            await self._positions.update_one({"_id": last.source}, [{"$set": _further(last)}], upsert=True)


def _chained(source: str, drafts: Sequence[Mapping[str, Any]], sequence: int, previous: str) -> list[Entry]:
    entries = []
    for draft in drafts:
        sequence += 1
        body = to_bytes({**draft, "sequence": sequence})
        chained = chain_hash(previous, body)
        entries.append(
            Entry(source, sequence, draft["id"], draft["type"], draft["subject"], body, previous, chained)
        )
        previous = chained
    return entries


def _further(last: Entry) -> dict[str, Any]:
    """Return the pipeline stage that sets number and hash together, where the number is higher."""
    higher = {"$gt": [last.sequence, {"$ifNull": ["$published", 0]}]}
    return {
        "published": {"$cond": [higher, last.sequence, "$published"]},
        "hash": {"$cond": [higher, last.hash, "$hash"]},
    }


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        row["source"],
        row["sequence"],
        row["event"],
        row["type"],
        row["subject"],
        bytes(row["body"]),
        row["previous"],
        row["hash"],
        misplaced=row["_id"] != entry_id(row["source"], row["sequence"]),
    )
