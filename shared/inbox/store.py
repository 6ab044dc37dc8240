"""What a consumer remembers of deliveries: which numbers arrived, what waits, what is set aside."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from shared.storage.database import DUPLICATE, Database, driver_errors, refusals
from shared.storage.numbering import entries_after, entry_id

_PAGE = 10_000
_QUESTIONS = 200
"""Gaps that one query asks for."""


class Receipt(NamedTuple):
    """That an event arrived and is settled: its number in its source's log, and the hash of its bytes."""

    source: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that is early for one document."""

    collection: str
    key: str
    event: str
    body: bytes

    @property
    def id(self) -> str:
        """Two documents may wait for the same event, each for a reason of its own."""
        return f"{self.collection}:{self.event}"


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that could not be applied, with why. Only later events of its own subject wait for it.

    Attributes:
        id: The event's id; for what is no event of ours, its kind and the hash of its bytes.
        kind: ``failing``, ``fork`` or ``unreadable``.
        attempts: Tries that failed.
        due: Next try; ``None``: parked, until an operator decides.
        wrapped: The customer key that came beside the event.
        skip: An operator gave it up: it counts as applied without an effect.
    """

    id: str
    fingerprint: str
    reason: str
    type: str
    subject: str
    body: bytes
    attempts: int
    parked_at: datetime
    kind: str = "failing"
    source: str = ""
    sequence: int = 0
    due: datetime | None = None
    wrapped: str = ""
    skip: bool = False


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing from one source: numbers up to ``head`` that are not settled here."""

    source: str
    received: int
    head: int
    missing: tuple[tuple[int, int], ...]


class Inbox:
    """The inbox of one consuming service."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        self._receipts = database.collection("received")
        self._heads = database.collection("received_heads")
        self._waiting = database.collection("waiting")
        self._parked = database.collection("parked")
        self._discarded = database.collection("discarded")

    async def ensure_indexes(self) -> None:
        """Waiting events are looked up by document, those set aside by due time and by fingerprint."""
        with driver_errors():
            await self._waiting.create_index([("collection", ASCENDING), ("key", ASCENDING)])
            await self._parked.create_index([("fingerprint", ASCENDING), ("_id", ASCENDING)])
            await self._parked.create_index("due", sparse=True)
            await self._parked.create_index([("source", ASCENDING), ("sequence", ASCENDING)])

    # --- receipts

    async def forks(self, receipts: Sequence[Receipt]) -> list[int]:
        """Return the positions of those whose number is settled with other bytes: a fork of its source's log."""
        ids = [entry_id(one.source, one.sequence) for one in receipts]
        with driver_errors():
            rows = await self._receipts.find({"_id": {"$in": ids}}).to_list(None)
        known = {row["_id"]: row["hash"] for row in rows}
        return [
            position
            for position, (one, key) in enumerate(zip(receipts, ids, strict=True))
            if known.get(key, one.hash) != one.hash
        ]

    async def record(self, receipts: Sequence[Receipt]) -> list[int]:
        """Note that events are settled. Insert-only; what is noted already stays as it is.

        Returns:
            Positions of forks, as :meth:`forks`.
        """
        if not receipts:
            return []
        rows = [{"_id": entry_id(one.source, one.sequence), "hash": one.hash} for one in receipts]
        try:
            with driver_errors():
                await self._receipts.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            refused = refusals(error)
            if set(refused.values()) != {DUPLICATE}:
                raise
            seen = sorted(refused)
            return [seen[fork] for fork in await self.forks([receipts[position] for position in seen])]
        return []

    async def heard(self, heads: Mapping[str, int]) -> None:
        """Note how far sources say their logs reach."""
        if not heads:
            return
        with driver_errors():
            await self._heads.bulk_write(
                [
                    UpdateOne({"_id": source}, {"$max": {"head": head}}, upsert=True)
                    for source, head in heads.items()
                ],
                ordered=False,
            )

    async def gaps(self) -> list[Gaps]:
        """Say how far each source is settled without a gap, and what is missing above that.

        The cost follows what arrived since the last call and what is missing, never the history: each
        source's row holds how far it was looked at, with the gaps left behind.
        """
        with driver_errors():
            rows = await self._heads.find({}).to_list(None)
        return [await self._gaps_of(row) for row in rows]

    async def _gaps_of(self, row: Mapping[str, Any]) -> Gaps:
        source, looked = row["_id"], row.get("looked", 0)
        gaps = [(first, last) for first, last in row.get("gaps", ())]
        left = await self._still_missing(source, gaps)
        reached = looked
        while arrived := await self._arrived({"_id": entries_after(source, reached)}):
            left.extend(_between(reached, arrived, arrived[-1]))
            reached = arrived[-1]
        if reached != looked or left != gaps:
            # Another replica may write what it saw a moment ago: an older pair is as true, only less far.
            with driver_errors():
                await self._heads.update_one({"_id": source}, {"$set": {"looked": reached, "gaps": left}})
        head = max(row.get("head", 0), reached)
        missing = [*left, (reached + 1, head)] if head > reached else left
        return Gaps(source, missing[0][0] - 1 if missing else reached, head, tuple(missing))

    async def _still_missing(self, source: str, gaps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        left: list[tuple[int, int]] = []
        for some in _together(gaps):
            spans = [
                {"_id": {"$gte": entry_id(source, one), "$lte": entry_id(source, two)}} for one, two in some
            ]
            arrived = await self._arrived({"$or": spans})
            for first, last in some:
                here = arrived[bisect_left(arrived, first) : bisect_right(arrived, last)]
                # A full page may end inside a gap. What it did not reach stays missing till the next look.
                left.extend(_between(first - 1, here, last))
        return left

    async def _arrived(self, query: Mapping[str, Any]) -> list[int]:
        with driver_errors():
            cursor = self._receipts.find(query, {"_id": 1}).sort("_id", ASCENDING).limit(_PAGE)
            rows = await cursor.to_list(None)
        return [int(row["_id"].rpartition("#")[2]) for row in rows]

    async def watermark(self) -> dict[str, int]:
        """Return source → the sequence up to which everything is settled."""
        return {gap.source: gap.received for gap in await self.gaps()}

    # --- early events

    async def wait(self, early: Iterable[Waiting]) -> None:
        """Keep events that are early for a document, durably."""
        rows = [
            {
                "_id": one.id,
                "collection": one.collection,
                "key": one.key,
                "event": one.event,
                "body": one.body,
            }
            for one in early
        ]
        if not rows:
            return
        try:
            with driver_errors():
                await self._waiting.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            if set(refusals(error).values()) != {DUPLICATE}:
                raise

    async def waiting_for(self, collection: str, keys: Sequence[str]) -> list[Waiting]:
        """Return the events that are early for documents of ``collection``."""
        with driver_errors():
            cursor = self._waiting.find({"collection": collection, "key": {"$in": list(keys)}})
            rows = await cursor.to_list(None)
        return [Waiting(row["collection"], row["key"], row["event"], bytes(row["body"])) for row in rows]

    async def no_longer_waiting(self, ids: Sequence[str]) -> None:
        """Forget early events (:attr:`Waiting.id`) that are settled now."""
        if ids:
            with driver_errors():
                await self._waiting.delete_many({"_id": {"$in": list(ids)}})

    async def waiting_after(self, id_: str, limit: int) -> list[Waiting]:
        """Return some of all early events, in order of :attr:`Waiting.id`: to look at each from time to time."""
        with driver_errors():
            rows = await self._waiting.find({"_id": {"$gt": id_}}).sort("_id", 1).limit(limit).to_list(None)
        return [Waiting(row["collection"], row["key"], row["event"], bytes(row["body"])) for row in rows]

    async def waiting_count(self) -> int:
        """Return how many events are early."""
        with driver_errors():
            return int(await self._waiting.estimated_document_count())

    # --- set aside: in the retry queue, and parked after it

    async def set_aside(self, messages: Sequence[Parked]) -> None:
        """Keep messages that could not be applied, durably. One that is kept already stays as it is."""
        if not messages:
            return
        operations = [
            UpdateOne({"_id": one.id}, {"$setOnInsert": _row_of(one)}, upsert=True) for one in messages
        ]
        try:
            with driver_errors():
                await self._parked.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            refusals(error)
            raise

    async def failed_again(self, one: Parked, *, reason: str, fingerprint: str, due: datetime | None) -> None:
        """Count a try that failed, unless another replica counted it; ``due`` ``None`` parks the message."""
        change: dict[str, Any] = {
            "$set": {"reason": reason, "fingerprint": fingerprint},
            "$inc": {"attempts": 1},
        }
        if due is None:
            change["$unset"] = {"due": ""}
        else:
            change["$set"]["due"] = due
        with driver_errors():
            await self._parked.update_one({"_id": one.id, "attempts": one.attempts}, change)

    async def due(self, now: datetime, limit: int) -> list[Parked]:
        """Return messages whose next try has come, the oldest first."""
        with driver_errors():
            rows = await self._parked.find({"due": {"$lte": now}}).sort("due", 1).limit(limit).to_list(None)
        return [_parked(row) for row in rows]

    async def aside(self, source: str) -> list[int]:
        """Return the numbers of ``source`` that are set aside: missing here, but not lost."""
        with driver_errors():
            rows = await self._parked.find({"source": source}, {"sequence": 1, "_id": 0}).to_list(None)
        return sorted(row["sequence"] for row in rows)

    async def parked(
        self, fingerprint: str | None = None, limit: int = 1000, *, ids: Sequence[str] | None = None
    ) -> list[Parked]:
        """Return parked messages, grouped by fingerprint. Those in the retry queue are not parked yet."""
        query: dict[str, Any] = {"due": {"$exists": False}}
        if fingerprint is not None:
            query["fingerprint"] = fingerprint
        if ids is not None:
            query["_id"] = {"$in": list(ids)}
        with driver_errors():
            cursor = self._parked.find(query).sort([("fingerprint", 1), ("_id", 1)]).limit(limit)
            rows = await cursor.to_list(None)
        return [_parked(row) for row in rows]

    async def count_aside(self, ids: Sequence[str]) -> int:
        """Return how many of these are still set aside."""
        with driver_errors():
            return int(await self._parked.count_documents({"_id": {"$in": list(ids)}}))

    async def aside_counts(self) -> tuple[int, int]:
        """Return how many messages are in the retry queue, and how many are parked."""
        with driver_errors():
            waiting = await self._parked.count_documents({"due": {"$exists": True}})
            return int(waiting), int(await self._parked.count_documents({})) - int(waiting)

    async def try_again(self, ids: Sequence[str], now: datetime) -> int:
        """Put parked messages back in the retry queue, due now. Returns how many."""
        with driver_errors():
            result = await self._parked.update_many(
                {"_id": {"$in": list(ids)}, "kind": {"$ne": "fork"}, "due": {"$exists": False}},
                {"$set": {"due": now, "attempts": 0}},
            )
        return int(result.modified_count)

    async def discard(self, parked: Sequence[Parked], reason: str, by: str, now: datetime) -> None:
        """Give messages up: kept with who and why, and counted as applied without an effect."""
        for one in parked:
            row = {**_row_of(replace(one, due=None)), "why": reason, "by": by, "at": now}
            with driver_errors():
                await self._discarded.update_one({"_id": one.id}, {"$setOnInsert": row}, upsert=True)
                if one.kind == "failing":
                    await self._parked.update_one({"_id": one.id}, {"$set": {"skip": True, "due": now}})
                else:
                    await self._parked.delete_one({"_id": one.id})

    async def unpark(self, ids: Sequence[str]) -> int:
        """Remove messages that are settled now. Returns how many."""
        if not ids:
            return 0
        with driver_errors():
            return int((await self._parked.delete_many({"_id": {"$in": list(ids)}})).deleted_count)


def _between(after: int, numbers: Sequence[int], last: int) -> list[tuple[int, int]]:
    """Return the gaps in ``numbers``, which lie above ``after``, up to ``last``.

    >>> _between(0, [2, 3, 6], 8)
    [(1, 1), (4, 5), (7, 8)]
    """
    gaps = []
    for number in (*numbers, last + 1):
        if number > after + 1:
            gaps.append((after + 1, number - 1))
        after = number
    return gaps


def _together(gaps: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Group gaps so that one question asks for many small ones, and none for more than a page of numbers."""
    some: list[tuple[int, int]] = []
    numbers = 0
    for first, last in gaps:
        size = last - first + 1
        if some and (len(some) >= _QUESTIONS or numbers + size > _PAGE):
            yield some
            some, numbers = [], 0
        some.append((first, last))
        numbers += size
    if some:
        yield some


_KEPT = (
    "kind",
    "fingerprint",
    "reason",
    "type",
    "subject",
    "source",
    "sequence",
    "body",
    "wrapped",
    "attempts",
    "parked_at",
)


def _row_of(one: Parked) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in _KEPT}
    return row if one.due is None else {**row, "due": one.due}


def _parked(row: Mapping[str, Any]) -> Parked:
    kept = {name: row[name] for name in (*_KEPT, "due", "skip") if name in row}
    return Parked(**{**kept, "id": row["_id"], "body": bytes(row["body"])})
