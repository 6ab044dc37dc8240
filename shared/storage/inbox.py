"""What a consumer remembers of deliveries: which numbers arrived, what waits, what is parked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from shared.storage.database import Database

_DUPLICATE = 11000


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that could not be applied, with why. Nothing else waits for it."""

    id: str
    fingerprint: str
    reason: str
    type: str
    subject: str
    body: bytes
    attempts: int
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Holes:
    """What is missing from one source: numbers between ``received`` and ``head`` that never came."""

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

    async def ensure_indexes(self) -> None:
        """Waiting events are looked up by subject, parked ones by fingerprint."""
        await self._waiting.create_index([("subject", ASCENDING)])
        await self._parked.create_index([("fingerprint", ASCENDING), ("_id", ASCENDING)])

    async def record(self, events: Sequence[tuple[str, int, str]]) -> list[int]:
        """Note that (source, sequence, event id) arrived. Insert-only.

        Returns:
            Positions whose number came before with another event: a fork of the source's log.
        """
        if not events:
            return []
        documents = [{"_id": f"{source}#{number:012d}", "event": event} for source, number, event in events]
        try:
            await self._receipts.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            faults = error.details["writeErrors"]
            if any(fault["code"] != _DUPLICATE for fault in faults):
                raise
            seen = [documents[fault["index"]]["_id"] for fault in faults]
            cursor = self._receipts.find({"_id": {"$in": seen}})
            known = {row["_id"]: row["event"] for row in await cursor.to_list(None)}
            return [
                fault["index"]
                for fault in faults
                if known[documents[fault["index"]]["_id"]] != documents[fault["index"]]["event"]
            ]
        return []

    async def heard(self, heads: Mapping[str, int]) -> None:
        """Note how far sources say their logs reach."""
        if heads:
            await self._heads.bulk_write(
                [UpdateOne({"_id": source}, {"$max": {"head": head}}, upsert=True) for source, head in heads.items()],
                ordered=False,
            )

    async def holes(self, most: int = 10_000) -> list[Holes]:
        """Move each source's gapless mark on, and say what is missing above it."""
        found = []
        for row in await self._heads.find({}).to_list(None):
            source, received, head = row["_id"], row.get("received", 0), row["head"]
            cursor = self._receipts.find(
                {"_id": {"$gt": f"{source}#{received:012d}", "$lt": f"{source}$"}}, {"_id": 1}
            )
            numbers = [int(one["_id"][-12:]) for one in await cursor.sort("_id", 1).limit(most).to_list(None)]
            mark, missing = received, []
            for number in numbers:
                if number > mark + 1:
                    missing.append((mark + 1, number - 1))
                mark = number
            full = len(numbers) == most
            if not full and head > mark:
                missing.append((mark + 1, head))
            gapless = missing[0][0] - 1 if missing else mark
            if gapless > received:
                await self._heads.update_one({"_id": source}, {"$max": {"received": gapless, "head": gapless}})
            found.append(Holes(source, gapless, max(head, mark), tuple(missing)))
        return found

    async def watermark(self) -> dict[str, int]:
        """Return source → the sequence up to which everything arrived."""
        return {hole.source: hole.received for hole in await self.holes()}

    async def wait(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Keep events that are early for their subject, durably."""
        documents = [
            {"_id": event["id"], "subject": event["subject"], "event": dict(event)} for event in events
        ]
        if not documents:
            return
        try:
            await self._waiting.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if any(fault["code"] != _DUPLICATE for fault in error.details["writeErrors"]):
                raise

    async def waiting_for(self, subjects: Sequence[str]) -> list[dict[str, Any]]:
        """Return the early events of ``subjects``."""
        cursor = self._waiting.find({"subject": {"$in": list(subjects)}})
        return [row["event"] for row in await cursor.to_list(None)]

    async def no_longer_waiting(self, events: Sequence[str]) -> None:
        """Forget early events that have been applied now."""
        if events:
            await self._waiting.delete_many({"_id": {"$in": list(events)}})

    async def waiting_count(self) -> int:
        """Return how many events are early."""
        return int(await self._waiting.estimated_document_count())

    async def park(self, parked: Parked) -> None:
        """Put a message aside, durably. Parking it again only counts the attempt."""
        await self._parked.update_one(
            {"_id": parked.id},
            {
                "$setOnInsert": {"parked_at": parked.parked_at, "body": parked.body},
                "$set": {
                    "fingerprint": parked.fingerprint,
                    "reason": parked.reason,
                    "type": parked.type,
                    "subject": parked.subject,
                    "attempts": parked.attempts,
                },
            },
            upsert=True,
        )

    async def parked(self, fingerprint: str | None = None, limit: int = 1000) -> list[Parked]:
        """Return parked messages, grouped by fingerprint."""
        query = {"fingerprint": fingerprint} if fingerprint else {}
        cursor = self._parked.find(query).sort([("fingerprint", 1), ("_id", 1)]).limit(limit)
        return [
            Parked(
                row["_id"],
                row["fingerprint"],
                row["reason"],
                row["type"],
                row["subject"],
                bytes(row["body"]),
                row["attempts"],
                row["parked_at"],
            )
            for row in await cursor.to_list(None)
        ]

    async def unpark(self, ids: Sequence[str]) -> int:
        """Remove parked messages, after they were replayed or discarded. Returns how many."""
        return int((await self._parked.delete_many({"_id": {"$in": list(ids)}})).deleted_count)
