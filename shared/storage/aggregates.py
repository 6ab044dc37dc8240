"""Documents whose state, pending events and next due moment are written together or not at all.

A save is a version-filtered ``$set`` of the state plus a ``$push`` of the new pending events. It never
replaces the document, so the sequencer may take pending events away at the same time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import uuid4

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from shared.errors import StaleWriteError, TransientError
from shared.events import Happened, event_id, iso, source_of
from shared.storage.combine import Combined
from shared.storage.database import TRANSIENT, Collection, Database, DatabaseDownError

S = TypeVar("S")

Offer = Callable[[str, str, Sequence[dict[str, Any]]], None]
"""Gets collection, document id and drafts, right after they are durable."""

PENDING_CAP = 500
"""Pending events of one document. More is refused, never dropped."""


class OutboxFullError(TransientError):
    """Too many events of this record still wait for the log."""

    code = "outbox-full"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every event of one decision carries besides its data."""

    service: str
    stream: str
    group: str
    unit: str
    recorded: datetime
    correlation: str
    causation: str | None = None
    edition: str = ""
    edition_hash: str = ""
    epoch: int = 1

    @property
    def source(self) -> str:
        """The log that the events go to."""
        return source_of(self.service, self.stream, self.epoch)


@dataclass(frozen=True, slots=True)
class Stored(Generic[S]):
    """A document as read. ``version`` 0 and ``state`` None: it is not there yet."""

    id: str
    version: int = 0
    state: S | None = None
    applied: Mapping[str, int] = field(default_factory=dict)
    ordinals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change(Generic[S]):
    """A write that is ready to be made."""

    stored: Stored[S]
    state: S
    index: Mapping[str, Any]
    drafts: Sequence[dict[str, Any]]
    ordinals: Mapping[str, int]
    applied: Mapping[str, int]
    token: str


def change_of(
    stored: Stored[S],
    state: S,
    happened: Iterable[Happened],
    stamp: Stamp | None,
    *,
    index: Mapping[str, Any],
    applied: Mapping[str, int] | None = None,
) -> Change[S]:
    """Turn a decision into a write: number its events and draft their envelopes.

    Args:
        happened: Events of the decision, in order. Needs ``stamp`` where there are any.
        index: Fields to query by, besides the state; may hold ``due``.
        applied: Ordinals applied per source, where the decision followed events.

    Example:
        >>> change_of(Stored("a"), {"n": 1}, [], None, index={}).stored.version
        0
    """
    drafts: list[dict[str, Any]] = []
    ordinals = dict(stored.ordinals)
    for item in happened:
        if stamp is None:
            msg = "Events need a stamp."
            raise ValueError(msg)
        source = stamp.source
        ordinal = ordinals.get(source, 0) + 1
        ordinals[source] = ordinal
        drafts.append(
            {
                "specversion": "1.0",
                "id": str(event_id(source, stored.id, ordinal)),
                "source": source,
                "type": item.event.TYPE,
                "subject": stored.id,
                "time": iso(item.time),
                "datacontenttype": "application/json",
                "group": stamp.group,
                "unit": stamp.unit,
                "edition": stamp.edition,
                "editionhash": stamp.edition_hash,
                "ordinal": ordinal,
                "recordedtime": iso(stamp.recorded),
                "correlationid": stamp.correlation,
                "causationid": stamp.causation,
                "data": item.event.model_dump(mode="json"),
            }
        )
    return Change(
        stored, state, index, drafts, ordinals, dict(stored.applied if applied is None else applied), uuid4().hex  # noqa: TID251  # names this write, not a fact
    )


class Aggregates(Generic[S]):
    """One collection of documents.

    Args:
        load, dump: Between the state and a JSON-like dict.
        offer: Told of drafts right after they are durable; a hint that saves the sequencer a query.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        load: Callable[[dict[str, Any]], S],
        dump: Callable[[S], dict[str, Any]],
        offer: Offer | None = None,
    ) -> None:
        """No IO happens here."""
        self.name = name
        self.collection: Collection = database.collection(name)
        self._load, self._dump, self._offer = load, dump, offer
        self.save: Combined[Change[S], None] = Combined(self.save_many)

    async def ensure_indexes(self, *more: Any) -> None:  # noqa: ANN401  # pymongo's index models
        """Create the index on pending events and the indexes given."""
        await self.collection.create_index("pending.id", sparse=True)
        if more:
            await self.collection.create_indexes(list(more))

    def _stored(self, document: Mapping[str, Any]) -> Stored[S]:
        return Stored(
            id=document["_id"],
            version=document["version"],
            state=self._load(document["state"]),
            applied=document.get("applied", {}),
            ordinals=document.get("ordinals", {}),
        )

    async def get(self, key: str) -> Stored[S]:
        """Return the document; ``version`` 0 where there is none."""
        return (await self.get_many([key]))[key]

    async def get_many(self, keys: Iterable[str]) -> dict[str, Stored[S]]:
        """Return all documents asked for with one read; missing ones have ``version`` 0."""
        wanted = list(dict.fromkeys(keys))
        found = await self.find({"_id": {"$in": wanted}})
        by_id = {stored.id: stored for stored in found}
        return {key: by_id.get(key, Stored(key)) for key in wanted}

    async def find(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
    ) -> list[Stored[S]]:
        """Return the documents that ``query`` selects."""
        try:
            cursor = self.collection.find(query, {"pending": 0, "writes": 0}, limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            return [self._stored(document) for document in await cursor.to_list(None)]
        except TRANSIENT as error:
            msg = "The database does not answer."
            raise DatabaseDownError(msg) from error

    async def save_many(self, changes: Sequence[Change[S]]) -> list[None | Exception]:
        """Write many changes with one call. Returns ``None`` or an error for each, in order.

        ``StaleWriteError``: another write came first; load again and decide again.
        """
        operations = [self._operation(change) for change in changes]
        try:
            result = await self.collection.bulk_write(operations, ordered=False)
            failed = result.matched_count + result.inserted_count < len(changes)
        except BulkWriteError as error:
            if any(fault["code"] != _DUPLICATE for fault in error.details["writeErrors"]):
                raise
            failed = True
        except TRANSIENT as error:
            msg = "The database did not confirm the write."
            raise DatabaseDownError(msg) from error
        outcomes = await self._outcomes(changes) if failed else [None] * len(changes)
        if self._offer:
            for change, outcome in zip(changes, outcomes, strict=True):
                if outcome is None and change.drafts:
                    self._offer(self.name, change.stored.id, change.drafts)
        return list(outcomes)

    def _operation(self, change: Change[S]) -> InsertOne[Any] | UpdateOne:
        stored = change.stored
        fields = {
            "state": self._dump(change.state),
            "version": stored.version + 1,
            "applied": change.applied,
            "ordinals": change.ordinals,
            **change.index,
        }
        if stored.version == 0:
            return InsertOne({"_id": stored.id, **fields, "pending": list(change.drafts), "writes": [change.token]})
        return UpdateOne(
            {"_id": stored.id, "version": stored.version, f"pending.{PENDING_CAP}": {"$exists": False}},
            {
                "$set": fields,
                "$push": {
                    "pending": {"$each": list(change.drafts)},
                    # The driver's bulk result does not say which of many updates matched nothing.
                    "writes": {"$each": [change.token], "$slice": -8},
                },
            },
        )

    async def _outcomes(self, changes: Sequence[Change[S]]) -> list[None | Exception]:
        ids = [change.stored.id for change in changes]
        cursor = self.collection.find({"_id": {"$in": ids}}, {"writes": 1, "version": 1})
        now = {document["_id"]: document for document in await cursor.to_list(None)}
        outcomes: list[None | Exception] = []
        for change in changes:
            document = now.get(change.stored.id, {"writes": (), "version": 0})
            if change.token in document["writes"]:
                outcomes.append(None)
            elif document["version"] == change.stored.version:
                outcomes.append(OutboxFullError(f"Record {change.stored.id} has too many events waiting for the log."))
            else:
                outcomes.append(StaleWriteError(f"Record {change.stored.id} was changed meanwhile. Try again."))
        return outcomes

    async def pending(self, limit: int) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return documents with events that are not in the log yet."""
        cursor = self.collection.find({"pending.id": {"$exists": True}}, {"pending": 1}, limit=limit)
        return [(document["_id"], document["pending"]) for document in await cursor.to_list(None)]

    async def clear(self, logged: Mapping[str, Sequence[str]]) -> None:
        """Take events that are in the log off their documents (id → event ids). Leaves versions alone."""
        await self.collection.bulk_write(
            [
                UpdateOne({"_id": key}, {"$pull": {"pending": {"id": {"$in": list(events)}}}})
                for key, events in logged.items()
            ],
            ordered=False,
        )


_DUPLICATE = 11000

DRIVER_ERROR = PyMongoError
