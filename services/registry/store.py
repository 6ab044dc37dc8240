"""Where the register is kept: one document a unit, person, account, edition, opinion, ruling; and each draft."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from services.registry.domain.records import State
from shared.storage import ASCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Change, Offer, Stored
from shared.storage.database import Database


class Store(Protocol):
    """What the handlers need of storage."""

    async def get(self, key: str) -> Stored[State]:
        """Return a record; ``version`` 0 where there is none."""
        ...

    async def all(self, prefix: str) -> list[Stored[State]]:
        """Return all records whose key begins with ``prefix``, in order of key."""
        ...

    async def called(self, keys: Iterable[str]) -> dict[str, Stored[State]]:
        """Return the records of these keys, as far as there are any."""
        ...

    async def page(self, prefix: str, after: str, limit: int) -> list[Stored[State]]:
        """Return one page of the records whose key begins with ``prefix``, in order of key, after ``prefix + after``."""
        ...

    async def save(self, change: Change[State]) -> None:
        """Write a record with its events, together or not at all. Raises ``StaleWriteError``."""
        ...


class Published(Protocol):
    """What the handlers need of the periods that scoring published."""

    async def before(self) -> date | None:
        """Return the first day that is not published yet; None: nothing is."""
        ...


class Proposals(Store, Protocol):
    """What the handlers need of the editions that were proposed."""

    async def waiting(self) -> list[State]:
        """Return the proposals that wait for approval, the oldest first, and no more than anybody reads."""
        ...

    async def fault(self, key: str) -> str:
        """Say what is wrong with a proposal's seal; empty where it is as it was proposed."""
        ...


def prefix_query(prefix: str) -> dict[str, Any]:
    """Return the query for the records whose key begins with ``prefix``."""
    return {"_id": {"$gte": prefix, "$lt": prefix[:-1] + chr(ord(prefix[-1]) + 1)}}


def page_query(prefix: str, after: str) -> dict[str, Any]:
    """Return the query for the records whose key begins with ``prefix`` and lies after ``prefix + after``."""
    return {"_id": {"$gt": f"{prefix}{after}", "$lt": prefix_query(prefix)["_id"]["$lt"]}}


class MongoStore:
    """The register in the directory collection, which every other service has a copy of."""

    def __init__(self, collection: Aggregates[State]) -> None:
        """No IO happens here."""
        self._collection = collection

    async def get(self, key: str) -> Stored[State]:
        """See :class:`Store`."""
        return await self._collection.get(key)

    async def all(self, prefix: str) -> list[Stored[State]]:
        """See :class:`Store`."""
        return await self._collection.find(prefix_query(prefix), sort=[("_id", ASCENDING)])

    async def called(self, keys: Iterable[str]) -> dict[str, Stored[State]]:
        """See :class:`Store`."""
        return await self._collection.get_many(keys)

    async def page(self, prefix: str, after: str, limit: int) -> list[Stored[State]]:
        """See :class:`Store`. The index of the keys serves it."""
        query = page_query(prefix, after)
        return await self._collection.find(query, sort=[("_id", ASCENDING)], limit=limit)

    async def save(self, change: Change[State]) -> None:
        """See :class:`Store`."""
        await self._collection.save(change)


MOST_WAITING = 100
WAITING = {"waiting": {"$type": "date"}}
PROPOSAL_INDEXES = (IndexModel([("waiting", ASCENDING)], partialFilterExpression=WAITING),)


def index_of(proposal: State) -> dict[str, Any]:
    """Return the field that proposals are queried by: since when one waits, none once it is in force."""
    return {"waiting": datetime.fromisoformat(proposal["proposed_at"]) if proposal["waits_for"] else None}


class MongoProposals(MongoStore):
    """Proposals in MongoDB."""

    async def waiting(self) -> list[State]:
        """See :class:`Proposals`."""
        found = await self._collection.find(WAITING, sort=[("waiting", ASCENDING)], limit=MOST_WAITING)
        return [stored.state for stored in found if stored.state]

    async def fault(self, key: str) -> str:
        """See :class:`Proposals`."""
        return await self._collection.fault(key)


class MongoPublished:
    """The months that scoring published, as its events told them."""

    def __init__(self, collection: Aggregates[State]) -> None:
        """No IO happens here."""
        self._collection = collection

    async def before(self) -> date | None:
        """See :class:`Published`."""
        state = (await self._collection.get(PUBLISHED)).state
        return date.fromisoformat(state["before"]) if state else None


PUBLISHED = "published"
"""The one document about what is published."""


def proposals_in(database: Database, offer: Offer) -> Aggregates[State]:
    """Return the collection of drafts with what was decided about them."""
    return Aggregates(database, "proposals", load=_same, dump=_same, offer=offer)


def published_in(database: Database) -> Aggregates[State]:
    """Return the collection that knows what is published. It tells no events of its own."""
    return Aggregates(database, "published", load=_same, dump=_same)


def _same(state: Mapping[str, Any] | State) -> State:
    return dict(state)
