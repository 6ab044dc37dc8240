"""The customers' keys of one service, sealed. An erased key leaves a mark, so that it cannot come back."""

from collections.abc import Mapping, Sequence

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.storage.database import Database, driver_errors, refusals


class KeyStore:
    """Sealed keys by id."""

    def __init__(self, database: Database) -> None:
        """No IO happens here."""
        self._collection = database.collection("vault")

    async def add(self, sealed: Mapping[str, str]) -> None:
        """Store keys where there are none yet; leave those there are, and those erased."""
        if not sealed:
            return
        operations = [
            UpdateOne({"_id": key_id}, {"$setOnInsert": {"key": key}}, upsert=True)
            for key_id, key in sealed.items()
        ]
        try:
            with driver_errors():
                await self._collection.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            refusals(error)
            raise

    async def get(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the sealed keys that there are; an erased one is an empty string."""
        with driver_errors():
            rows = await self._collection.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {row["_id"]: row["key"] for row in rows}

    async def erase(self, key_id: str) -> None:
        """Destroy a key. What was sealed under it can never be opened again."""
        with driver_errors():
            await self._collection.update_one({"_id": key_id}, {"$set": {"key": ""}}, upsert=True)
