"""A writer and a reader on the real servers: the smallest service pair that the message path can carry."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypedDict, Unpack

import aio_pika

from shared.broker.topology import REQUESTS, Exchange, Queue, Topology
from shared.events import Event, Happened
from shared.inbox.applier import Decision, Subscription
from shared.inbox.consumer import Consumer
from shared.inbox.deliveries import Record
from shared.inbox.store import Inbox
from shared.outbox.log import Entry, Log
from shared.outbox.sequencer import Offers, Relay
from shared.runtime.clock import utc_now
from shared.runtime.supervisor import TaskSupervisor
from shared.storage.aggregates import Aggregates, Offer, Stamp, Stored, change_of
from shared.storage.database import Database
from shared.storage.lease import Lease

State = dict[str, Any]
NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)


class Added(Event):
    """A number was added to a tally."""

    TYPE: ClassVar[str] = "tally.added.v1"

    n: int


def a_stamp(service: str, stream: str = "chongqing") -> Stamp:
    return Stamp(service=service, stream=stream, group="jinke", unit=stream, recorded=NOON, correlation="c")


def added(*numbers: int) -> list[Happened]:
    return [Happened(Added(n=n), NOON) for n in numbers]


def documents(database: Database, name: str = "things", offer: Offer | None = None) -> Aggregates[State]:
    return Aggregates(database, name, load=lambda state: state, dump=lambda state: state, offer=offer)


async def eventually(
    true: Callable[[], Awaitable[bool]], what: str = "what was waited for", within_s: float = 20
) -> None:
    """Wait for a condition, with a limit."""
    until = time.monotonic() + within_s
    while not await true():
        assert time.monotonic() < until, f"{what} did not come about within {within_s} s"
        await asyncio.sleep(0.05)


class MovingClock:
    """The real clock, which a test may push on."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


# --- topology

_QUORUM = (("x-queue-type", "quorum"),)


def writers(name: str) -> Topology:
    """What a writer called ``name`` declares."""
    own, requests = f"jiandu.from.{name}", f"jiandu.{name}.requests"
    return Topology(
        (Exchange(REQUESTS), Exchange(own)),
        (Queue(requests, ((REQUESTS, name),), _QUORUM),),
        own,
        f"jiandu.{name}",
        requests,
    )


def readers(name: str, of: str) -> Topology:
    """What a reader called ``name`` declares, who follows the writer ``of``."""
    main = f"jiandu.{name}"
    exchange = f"jiandu.from.{of}"
    return Topology(
        (Exchange(REQUESTS), Exchange(exchange)),
        (Queue(main, ((exchange, "#"),), _QUORUM),),
        exchange,
        main,
        f"{main}.requests",
    )


# --- the writer


@dataclass
class Writer:
    """A service that tells events about things."""

    name: str
    database: Database
    url: str
    log: Log
    things: Aggregates[State]
    offers: Offers = field(default_factory=Offers)
    supervisor: TaskSupervisor = field(default_factory=TaskSupervisor)

    @property
    def source(self) -> str:
        return a_stamp(self.name).source

    @classmethod
    async def on(cls, database: Database, url: str, name: str) -> "Writer":
        offers = Offers()
        writer = cls(name, database, url, Log(database), documents(database, offer=offers), offers)
        await writer.log.ensure_indexes()
        await writer.things.ensure_indexes()
        return writer

    async def tell(self, subject: str, *numbers: int) -> None:
        """Add numbers to a thing; each is an event."""
        stored = await self.things.get(subject)
        total = (stored.state or {"total": 0})["total"] + sum(numbers)
        await self.things.save(
            change_of(stored, {"total": total}, added(*numbers), a_stamp(self.name), index={})
        )

    def drafts(self, stored: Stored[State], *numbers: int) -> list[dict[str, Any]]:
        """Return events about a thing that nobody saves."""
        return list(change_of(stored, {}, added(*numbers), a_stamp(self.name), index={}).drafts)

    def drafts_about(self, subject: str, *numbers: int) -> list[dict[str, Any]]:
        """Return the first events about a thing."""
        return self.drafts(Stored(subject), *numbers)

    async def log_directly(self, subjects: Sequence[str], each: int) -> list[Entry]:
        """Put events in the log, ``each`` about every subject, taking turns. Returns the entries."""
        return await self.log.append(
            [
                draft
                for turn in range(each)
                for subject in subjects
                for draft in self.drafts(Stored(subject, ordinals={self.source: turn}), turn + 1)
            ]
        )

    def a_relay(self, *, announce_s: float = 0.3, poll_s: float = 0.05) -> Relay:
        return Relay(
            self.log,
            Lease(self.database, "relay", f"{id(self)}"),
            self.offers,
            [self.things],
            writers(self.name),
            self.url,
            announce_s=announce_s,
            poll_s=poll_s,
            supervisor=self.supervisor,
        )

    @asynccontextmanager
    async def relaying(self, **more: float) -> AsyncIterator[Relay]:
        """Run the relay."""
        self.supervisor = TaskSupervisor()
        async with AsyncExitStack() as stack:
            relay = self.a_relay(**more)
            await relay.run(stack)
            yield relay


# --- the reader

Decide = Callable[[Stored[State], Sequence[Record]], Decision[State] | None]
After = Callable[[Sequence[str]], Awaitable[None]]


class Options(TypedDict, total=False):
    """What a test may choose of a consumer."""

    gaps_after_s: float
    retry_s: Sequence[float]
    keep_keys: Callable[[Mapping[str, str]], Awaitable[None]]


def tally(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
    """Add up, and keep the order in which it was added."""
    seen = [*(stored.state or {"seen": []})["seen"], *(record["data"]["n"] for record in records)]
    return Decision({"seen": seen, "total": sum(seen)})


@dataclass
class Reader:
    """A service that adds up what it follows."""

    name: str
    of: str
    database: Database
    url: str
    inbox: Inbox
    tallies: Aggregates[State]
    clock: MovingClock = field(default_factory=MovingClock)
    supervisor: TaskSupervisor = field(default_factory=TaskSupervisor)

    @classmethod
    async def on(cls, database: Database, url: str, name: str, of: str) -> "Reader":
        reader = cls(name, of, database, url, Inbox(database), documents(database, "tallies"))
        await reader.inbox.ensure_indexes()
        await reader.tallies.ensure_indexes()
        return reader

    @property
    def wanted(self) -> Topology:
        return readers(self.name, self.of)

    def subscription(
        self, decide: Decide = tally, *, ordered: bool = True, after: After | None = None
    ) -> Subscription[State]:
        return Subscription(self.tallies, lambda record: str(record["subject"]), decide, ordered, after)

    @asynccontextmanager
    async def reading(
        self, *subscriptions: Subscription[Any], **options: Unpack[Options]
    ) -> AsyncIterator[Consumer]:
        """Run the consumer."""
        self.supervisor = TaskSupervisor()
        async with AsyncExitStack() as stack:
            consumer = Consumer(
                self.inbox,
                subscriptions or (self.subscription(),),
                self.wanted,
                self.url,
                self.clock,
                supervisor=self.supervisor,
                gaps_after_s=options.get("gaps_after_s", 0.4),
                gaps_every_s=0.2,
                retry_s=options.get("retry_s", (0.2, 0.2)),
                keep_keys=options.get("keep_keys"),
            )
            await consumer.run(stack)
            yield consumer

    async def seen(self) -> dict[str, list[int]]:
        """Return what was added to each tally, in order."""
        return {stored.id: (stored.state or {})["seen"] for stored in await self.tallies.find({})}

    async def wait_for(self, expected: dict[str, list[int]], within_s: float = 20) -> None:
        """Wait until the tallies are as expected; shows them when they do not become so."""
        until = time.monotonic() + within_s
        while (found := await self.seen()) != expected:
            if time.monotonic() > until:
                differ = {key for key in expected | found if expected.get(key) != found.get(key)}
                some = sorted(differ)[:3]
                assert {key: found.get(key) for key in some} == {key: expected.get(key) for key in some}
            await asyncio.sleep(0.05)

    async def wait_received(self, source: str, sequence: int) -> None:
        """Wait until everything of a source up to ``sequence`` is settled."""

        async def received() -> bool:
            return (await self.inbox.watermark()).get(source, 0) >= sequence

        await eventually(received, f"{source} up to {sequence}")


# --- by hand


@asynccontextmanager
async def a_channel(url: str) -> AsyncIterator[Any]:
    """A channel to speak to the broker past the code under test."""
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        yield channel


async def deliver(url: str, queue: str, bodies: Iterable[bytes]) -> None:
    """Put messages into ``queue``, in this order."""
    async with a_channel(url) as channel:
        messages = [aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT) for body in bodies]
        await asyncio.gather(*(channel.default_exchange.publish(message, queue) for message in messages))


async def left_in(url: str, queue: str) -> int:
    """Return how many messages are ready in ``queue``."""
    async with a_channel(url) as channel:
        found = await channel.declare_queue(queue, passive=True)
        return int(found.declaration_result.message_count or 0)


class Proxy:
    """A line to a server that a test can cut and mend."""

    def __init__(self, port: int) -> None:
        """``port`` is the server's, on this machine."""
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Listen; gives the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.drop()

    def drop(self) -> None:
        """Break every connection."""
        for writer in list(self._open):
            writer.transport.abort()

    def break_off(self) -> None:
        """Break every connection and let no new one through."""
        self.cut = True
        self.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, there_writer}
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A line that was cut is what this is for.
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()
