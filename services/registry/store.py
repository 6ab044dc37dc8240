"""Where the register is kept: one document a unit, person, account, edition, opinion, ruling."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.registry.domain import State
from shared.storage import Aggregates, Change, Database, Stored


class Store(Protocol):
    """What the handlers need of storage."""

    async def get(self, key: str) -> Stored[State]:
        """Return a record; ``version`` 0 where there is none."""
        ...

    async def all(self, prefix: str) -> list[Stored[State]]:
        """Return all records whose key begins with ``prefix`` (all, where it is empty), in order of key."""
        ...

    async def save(self, change: Change[State]) -> None:
        """Write a record with its events, together or not at all. Raises ``StaleWriteError``."""
        ...


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
        query = {"_id": {"$gte": prefix, "$lt": prefix[:-1] + chr(ord(prefix[-1]) + 1)}} if prefix else {}
        return await self._collection.find(query, sort=[("_id", 1)])

    async def save(self, change: Change[State]) -> None:
        """See :class:`Store`."""
        await self._collection.save(change)


def proposals_in(database: Database) -> Aggregates[State]:
    """Return the collection of editions that wait for approval. They tell no events of their own."""
    return Aggregates(database, "proposals", load=_same, dump=_same)


def _same(state: Mapping[str, Any] | State) -> State:
    return dict(state)
