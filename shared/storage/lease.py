"""A lease: one replica does a job, so that the others need not. It saves work; it guards nothing."""

from datetime import timedelta

from pymongo import ReturnDocument

from shared.storage.database import Database, driver_errors


class Lease:
    """A named lease in the service's database, measured by the database's clock."""

    def __init__(
        self, database: Database, name: str, owner: str, lasts: timedelta = timedelta(seconds=6)
    ) -> None:
        """Nothing is taken yet."""
        self._collection = database.collection("leases")
        self._name, self._owner, self._lasts = name, owner, lasts
        self._exists = False

    async def hold(self) -> bool:
        """Take or renew the lease. Returns whether this owner has it now."""
        with driver_errors():
            if not self._exists:
                # $expr and upsert exclude each other, so the lease is made first: free, and long over.
                blank = {"owner": {"$ifNull": ["$owner", ""]}, "until": {"$ifNull": ["$until", "$$NOW"]}}
                await self._collection.update_one({"_id": self._name}, [{"$set": blank}], upsert=True)
                self._exists = True
            until = {"$add": ["$$NOW", int(self._lasts.total_seconds() * 1000)]}
            found = await self._collection.find_one_and_update(
                {
                    "_id": self._name,
                    "$expr": {"$or": [{"$eq": ["$owner", self._owner]}, {"$lte": ["$until", "$$NOW"]}]},
                },
                [{"$set": {"owner": self._owner, "until": until}}],
                return_document=ReturnDocument.AFTER,
            )
        return found is not None

    async def release(self) -> None:
        """Give the lease up, so that another replica need not wait for its end."""
        with driver_errors():
            await self._collection.update_one(
                {"_id": self._name, "owner": self._owner}, [{"$set": {"owner": "", "until": "$$NOW"}}]
            )
