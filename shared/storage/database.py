"""One connection to one service's database, and how it says that it cannot answer now.

The driver is Motor, as the design card asks; only calls that PyMongo's async client also has are used.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from shared.errors import TransientError
from shared.runtime import clock

Collection = Any
"""A driver collection. The driver is untyped; its values never leave this package untyped."""

DUPLICATE = 11000

_SILENCE_MS = 20_000
"""A server that says nothing for so long is given up: a frozen one would hold every caller for ever."""

_GOODBYE_S = 3.0

_PASSING = frozenset({50, 64, 91, 189, 262, 10107, 11600, 11601, 11602, 13435, 13436, 14031})
"""Codes of a server that stops, steps down, was interrupted, cannot reach its majority or has a full disk."""


class DatabaseDownError(TransientError):
    """The database does not answer. Nothing was accepted; the same call may succeed soon."""

    code = "database-unavailable"


TRANSIENT = (ConnectionFailure, ExecutionTimeout, WTimeoutError)
"""Driver errors after which the same call may succeed."""


@contextmanager
def driver_errors() -> Iterator[None]:
    """Around every call to the driver: tells *not now* from a fault of ours.

    Raises:
        DatabaseDownError: The same call may succeed soon. A write may have happened or not.
    """
    try:
        yield
    except TRANSIENT as error:
        raise DatabaseDownError(_SILENT) from error
    except BulkWriteError:
        raise  # `refusals` knows more of it
    except OperationFailure as error:
        if error.code in _PASSING or error.has_error_label("RetryableWriteError"):
            raise DatabaseDownError(_SILENT) from error
        raise


_SILENT = "The database does not answer. Nothing was accepted; try again in a moment."


def refusals(error: BulkWriteError) -> dict[int, int]:
    """Return the positions of the writes that were refused, each with the server's code.

    Raises:
        DatabaseDownError: What is durable is not known, or the server cannot write now.
    """
    details: Mapping[str, Any] = error.details or {}
    codes = {int(fault["index"]): int(fault["code"]) for fault in details.get("writeErrors", ())}
    if details.get("writeConcernErrors") or _PASSING.intersection(codes.values()):
        msg = "The database did not confirm the write."
        raise DatabaseDownError(msg) from error
    return codes


@dataclass(frozen=True, slots=True)
class Database:
    """The database of one service at one site.

    Attributes:
        seal_key: Seals its documents.
    """

    client: Any
    name: str
    seal_key: bytes = field(default=b"", repr=False)

    @property
    def options(self) -> Any:  # noqa: ANN401  # the driver is untyped
        """Return how values become bytes and come back."""
        return self.client.codec_options

    async def collections(self) -> list[str]:
        """Return the names of the collections that there are."""
        with driver_errors():
            names: list[str] = await self.client[self.name].list_collection_names()
        return names

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


@asynccontextmanager
async def open_database(url: str, name: str, seal_key: bytes = b"") -> AsyncIterator[Database]:
    """Hold a connection open: majority and journal on every write, majority on every read.

    Args:
        seal_key: The service's key for seals. Who has none writes documents that the service does not own to.
    """
    client: Any = AsyncIOMotorClient(
        url,
        tz_aware=True,
        w="majority",
        journal=True,
        wTimeoutMS=10_000,
        retryWrites=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=5_000,
        socketTimeoutMS=_SILENCE_MS,
        uuidRepresentation="standard",
        maxPoolSize=40,
    )
    try:
        yield Database(client, name, seal_key)
    finally:
        # It says goodbye to the server, which may be long in hearing it.
        await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(client.close))}, timeout=_GOODBYE_S)
