"""One connection to one service's database.

The driver is Motor, as the design card asks; only calls that PyMongo's async client also has are used.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import ConnectionFailure, ExecutionTimeout, NotPrimaryError, PyMongoError

from shared import clock
from shared.errors import TransientError

Collection = Any
"""A driver collection. The driver is untyped; its values never leave this package untyped."""


class DatabaseDownError(TransientError):
    """The database does not answer. Nothing was accepted; the same call may succeed soon."""

    code = "database-unavailable"


@dataclass(frozen=True, slots=True)
class Database:
    """The database of one service at one site."""

    client: Any
    name: str

    def collection(self, name: str) -> Collection:
        """Return the collection called ``name``."""
        return self.client[self.name][name]

    async def ping(self) -> None:
        """Ask the primary for its time and correct this process's clock to it.

        Raises:
            DatabaseDownError: No primary answers.
        """
        before = datetime.now(UTC)  # noqa: TID251  # half the round trip is taken off the reading
        try:
            hello = await self.client.admin.command("hello")
        except PyMongoError as error:
            msg = "The database does not answer. Check that mongod runs and JIANDU_MONGO_URL is right."
            raise DatabaseDownError(msg) from error
        trip = datetime.now(UTC) - before  # noqa: TID251  # as above
        if trip < timedelta(seconds=1):
            # A command answers in UTC without saying so.
            clock.discipline(hello["localTime"].replace(tzinfo=UTC) + trip / 2)

    async def drop(self) -> None:
        """Remove the database. For tests and for `make clean`."""
        await self.client.drop_database(self.name)


TRANSIENT = (ConnectionFailure, NotPrimaryError, ExecutionTimeout)
"""Driver errors after which the same call may succeed."""


@asynccontextmanager
async def open_database(url: str, name: str) -> AsyncIterator[Database]:
    """Hold a connection open: majority and journal on every write, majority on every read."""
    client: Any = AsyncIOMotorClient(
        url,
        tz_aware=True,
        w="majority",
        journal=True,
        wTimeoutMS=10_000,
        retryWrites=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=5_000,
        uuidRepresentation="standard",
        maxPoolSize=40,
    )
    try:
        yield Database(client, name)
    finally:
        client.close()
