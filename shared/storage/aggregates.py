"""Documents whose state, pending events and next due moment are written together or not at all.

A save is a version-filtered ``$set`` of the state plus a ``$push`` of the new pending events. It never
replaces the document, so the sequencer may take pending events away at the same time. The seal covers all but those.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from bson.errors import BSONError
from pymongo import ASCENDING, IndexModel, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure

from shared.errors import StaleWriteError, SupervisionError, TransientError
from shared.events import Happened, event_id, iso, source_of
from shared.runtime.ids import fresh
from shared.storage.database import (
    DUPLICATE,
    Collection,
    Database,
    DatabaseDownError,
    driver_errors,
    refusals,
)
from shared.storage.seals import OWN, fault_in, packed, seal
from shared.storage.write_batching import WriteBatcher

S = TypeVar("S")

Offer = Callable[[str, str, Sequence[dict[str, Any]]], None]
"""Gets collection, document id and drafts, right after they are durable."""

PENDING_CAP = 500
"""Pending events of one document. A write on top of so many is refused; nothing is ever dropped."""

_TOKENS = 8
"""Last writes that a document remembers by token. More than the writes that fit between a write and its check."""


_TOO_LARGE = 10334


class OutboxFullError(TransientError):
    """Too many events of this record still wait for the log."""

    code = "outbox-full"


class UnstorableError(SupervisionError):
    """This record cannot be stored as it is, now or later."""

    code = "unstorable"


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
    index: Mapping[str, Any] = field(default_factory=dict)


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
                "unit": item.unit or stamp.unit,
                "edition": stamp.edition,
                "editionhash": stamp.edition_hash,
                "ordinal": ordinal,
                "recordedtime": iso(stamp.recorded),
                "correlationid": stamp.correlation,
                "causationid": stamp.causation,
                "data": item.event.model_dump(mode="json"),
            }
        )
    reached = dict(stored.applied if applied is None else applied)
    return Change(stored, state, index, drafts, ordinals, reached, fresh())


def _same(state: Any) -> Any:  # noqa: ANN401  # the state is the document
    return state


class Aggregates(Generic[S]):
    """One collection of documents.

    Args:
        load, dump: Between the state and a JSON-like dict. Left out where the state is one.
        offer: Told of drafts right after they are durable; a hint that saves the sequencer a query.
        indexes: What the collection's queries need.

    Attributes:
        save: Writes one change, at one go with those that come meanwhile. Raises what ``save_many`` returns for it.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        load: Callable[[dict[str, Any]], S] = _same,
        dump: Callable[[S], dict[str, Any]] = _same,
        offer: Offer | None = None,
        indexes: Sequence[IndexModel] = (),
    ) -> None:
        """No IO happens here."""
        self.name = name
        self._database = database
        self.collection: Collection = database.collection(name)
        self._load, self._dump, self._offer, self._indexes = load, dump, offer, indexes
        self.save: WriteBatcher[Change[S], None] = WriteBatcher(self.save_many)

    async def ensure_indexes(self) -> None:
        """Create the index on pending events and the collection's own."""
        with driver_errors():
            await self.collection.create_indexes(
                [IndexModel([("pending.id", ASCENDING)], sparse=True), *self._indexes]
            )

    def _stored(self, document: Mapping[str, Any]) -> Stored[S]:
        return Stored(
            id=document["_id"],
            version=document["version"],
            state=self._load(document["state"]),
            applied=document.get("applied", {}),
            ordinals=document.get("ordinals", {}),
            index={name: value for name, value in document.items() if name not in OWN},
        )

    async def fault(self, key: str) -> str:
        """Say what is wrong with a document's seal, before something is decided by it; empty where it fits."""
        return await fault_in(self._database, self.name, key)

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
        with driver_errors():
            cursor = self.collection.find(query, {"pending": 0, "writes": 0}, limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            rows = await cursor.to_list(None)
        return [self._stored(row) for row in rows]

    async def versions(self) -> dict[str, int]:
        """Return id → version of every document. For small collections that a process keeps a copy of."""
        with driver_errors():
            rows = await self.collection.find({}, {"version": 1}).to_list(None)
        return {row["_id"]: row["version"] for row in rows}

    async def walk(
        self, query: Mapping[str, Any], names: Sequence[str], page: int = 1000
    ) -> AsyncIterator[dict[str, Any]]:
        """Walk some fields of the documents that ``query`` selects, a page at a time, without their state."""
        cursor = self.collection.find(query, {"_id": 0, **dict.fromkeys(names, 1)})
        rows: list[dict[str, Any]] | None = None
        while rows is None or rows:
            with driver_errors():
                rows = await cursor.to_list(page)
            for row in rows:
                yield row

    async def save_many(self, changes: Sequence[Change[S]]) -> list[Exception | None]:
        """Write many changes with one call.

        Returns:
            ``None`` or an error for each, in order. ``StaleWriteError``: another write came first; load
            again and decide again. ``OutboxFullError``: its events wait for the log. ``UnstorableError``:
            never.

        Raises:
            DatabaseDownError: What was written is not known. Saving the same changes again is safe.
        """
        outcomes = await self._written(changes)
        if self._offer:
            for change, outcome in zip(changes, outcomes, strict=True):
                if outcome is None and change.drafts:
                    self._offer(self.name, change.stored.id, change.drafts)
        return outcomes

    async def _written(self, changes: Sequence[Change[S]]) -> list[Exception | None]:
        codes: dict[int, int] = {}
        try:
            with driver_errors():
                result = await self.collection.bulk_write(
                    [self._operation(change) for change in changes], ordered=False
                )
            if result.matched_count + result.inserted_count == len(changes):
                return [None] * len(changes)
        except BulkWriteError as error:
            codes = refusals(error)
        except (BSONError, OverflowError, UnicodeError, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code != _TOO_LARGE:
                raise
            # One of them cannot be put into bytes, and the driver does not say which. Any that it sent before
            # are found by their tokens.
            if len(changes) == 1:
                return [_unstorable(changes[0], type(error).__name__)]
            return [outcome for change in changes for outcome in await self._written([change])]
        outcomes = await self._outcomes(changes)
        for position, code in codes.items():
            if code != DUPLICATE:
                outcomes[position] = _unstorable(changes[position], f"code {code}")
        return outcomes

    def _operation(self, change: Change[S]) -> InsertOne[Any] | UpdateOne:
        stored, state = change.stored, packed(self._dump(change.state), self._database.options)
        fields = {
            "version": stored.version + 1,
            "applied": change.applied,
            "ordinals": change.ordinals,
            **change.index,
        }
        # A change may name some of the index fields only; the seal covers those that stay as well.
        sealed = seal(self._database, (self.name, stored.id), state, {**stored.index, **fields})
        fields |= {"state": state, "seal": sealed}
        if stored.version == 0:
            return InsertOne(
                {"_id": stored.id, **fields, "pending": list(change.drafts), "writes": [change.token]}
            )
        return UpdateOne(
            {
                "_id": stored.id,
                "version": stored.version,
                f"pending.{PENDING_CAP - 1}": {"$exists": False},
            },
            {
                "$set": fields,
                "$push": {
                    "pending": {"$each": list(change.drafts)},
                    # The driver's bulk result does not say which of many updates matched nothing.
                    "writes": {"$each": [change.token], "$slice": -_TOKENS},
                },
            },
        )

    async def _outcomes(self, changes: Sequence[Change[S]]) -> list[Exception | None]:
        """Say what became of each change, by the tokens that the documents hold now."""
        ids = [change.stored.id for change in changes]
        with driver_errors():
            rows = await self.collection.find({"_id": {"$in": ids}}, {"writes": 1, "version": 1}).to_list(
                None
            )
        now = {row["_id"]: row for row in rows}
        return [_outcome(change, now.get(change.stored.id)) for change in changes]

    async def pending(self, limit: int) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return documents with events that are not in the log yet."""
        with driver_errors():
            cursor = self.collection.find({"pending.id": {"$exists": True}}, {"pending": 1}, limit=limit)
            return [(row["_id"], row["pending"]) for row in await cursor.to_list(None)]

    async def clear(self, logged: Mapping[str, Sequence[str]]) -> None:
        """Take events that are in the log off their documents (id → event ids). Leaves versions alone."""
        events = [event for some in logged.values() for event in some]
        # One statement for all, at two thirds of the cost: an event's id is on one document only.
        with driver_errors():
            await self.collection.update_many(
                {"_id": {"$in": list(logged)}}, {"$pull": {"pending": {"id": {"$in": events}}}}
            )


def _outcome(change: Change[Any], now: Mapping[str, Any] | None) -> Exception | None:
    key, version = change.stored.id, change.stored.version
    if now is not None and change.token in now["writes"]:
        return None
    if (now["version"] if now else 0) != version:
        return StaleWriteError(f"Record {key} was changed meanwhile. Try again.")
    if version == 0:
        return DatabaseDownError(f"The database did not keep record {key}. Try again.")
    return OutboxFullError(f"Record {key} has too many events waiting for the log.")


def _unstorable(change: Change[Any], why: str) -> UnstorableError:
    # Not the driver's words: they quote the record.
    return UnstorableError(
        f"Record {change.stored.id} cannot be stored ({why}): too large, or not text and numbers."
    )
