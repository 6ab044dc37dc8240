"""From the documents to the log, and from the log to the broker.

The sequencer appends pending events to the log; the publisher tails the log. With several replicas one
holds the lease and does both; the log's unique sequence is the fence if two believe they hold it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import aio_pika
import orjson
import structlog
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError, PublishError

from shared.events import stream_of
from shared.messaging import link
from shared.messaging.metrics import LOGGED, PUBLISHED, RESENT, UNROUTABLE
from shared.messaging.topology import Topology
from shared.storage import Entry, Lease, Log
from shared.storage.aggregates import DRIVER_ERROR

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/cloudevents+json"
HEAD_TYPE = "jiandu.log.head"
PUBLISH_TIMEOUT_S = 10
WINDOW = 512
"""Unconfirmed publishes at once. It bounds the broker's queues, which have no length limit."""


class Pending(Protocol):
    """A collection with pending events."""

    name: str

    async def pending(self, limit: int) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return documents with events that are not in the log yet."""
        ...

    async def clear(self, logged: Mapping[str, Sequence[str]]) -> None:
        """Take logged events off their documents."""
        ...


Attach = Callable[[Sequence[Entry]], Awaitable[Mapping[str, str]]]
"""Returns, by event id, the wrapped customer key that travels beside an event and is never logged."""


@dataclass(frozen=True, slots=True)
class _Offer:
    collection: str
    document: str
    drafts: Sequence[dict[str, Any]]


class Relay:
    """Sequencer and publisher of one service.

    Args:
        collections: Every collection that can hold pending events.
        attach: Looks up keys to send beside events with sealed data.
        poll_s: How soon events are found that no offer told of (a crash, another replica).
    """

    def __init__(  # noqa: PLR0913  # the composition root names each
        self,
        log_: Log,
        lease: Lease,
        collections: Sequence[Pending],
        wanted: Topology,
        amqp_url: str,
        *,
        attach: Attach | None = None,
        poll_s: float = 0.25,
        announce_s: float = 5.0,
    ) -> None:
        """Nothing runs yet."""
        self._log, self._lease, self._wanted, self._url = log_, lease, wanted, amqp_url
        self._collections = {collection.name: collection for collection in collections}
        self._attach, self._poll_s, self._announce_s = attach, poll_s, announce_s
        self._offers: asyncio.Queue[_Offer] = asyncio.Queue()
        self._fresh: dict[str, deque[Entry]] = {}
        self._news = asyncio.Event()
        self._held = asyncio.Event()
        self._published: dict[str, int] = {}

    def offer(self, collection: str, document: str, drafts: Sequence[dict[str, Any]]) -> None:
        """Tell of drafts that are durable now. Losing the hint loses nothing."""
        if self._held.is_set():
            self._offers.put_nowait(_Offer(collection, document, drafts))

    async def run(self, stack: AsyncExitStack) -> None:
        """Start sequencer, publisher and request server; ``stack`` ends them."""
        for name, work in (
            ("lease", self._keep_lease),
            ("sequencer", self._sequence),
            ("publisher", lambda: link.supervise("publisher", self._publish)),
            ("requests", lambda: link.supervise("requests", self._serve_requests)),
        ):
            task = asyncio.create_task(work(), name=f"relay-{name}")
            stack.push_async_callback(_ended, task)
        stack.push_async_callback(self._lease.release)

    async def _keep_lease(self) -> None:
        while True:
            try:
                held = await self._lease.hold()
            except DRIVER_ERROR as error:
                log.warning("relay.lease-unknown", error=repr(error))
                held = False
            if held and not self._held.is_set():
                self._fresh.clear()
                self._published.clear()
                self._held.set()
            elif not held:
                self._held.clear()
            await asyncio.sleep(1.5)

    # --- documents → log

    async def _sequence(self) -> None:
        swept = 0.0
        while True:
            await self._held.wait()
            try:
                offers = await self._collect()
                if not offers or time.monotonic() - swept > 4 * self._poll_s:
                    offers += await self._sweep({offer.document for offer in offers})
                    swept = time.monotonic()
                if offers:
                    await self._append(offers)
            except DRIVER_ERROR as error:
                log.warning("relay.database-lost", error=repr(error))
                await asyncio.sleep(1)

    async def _collect(self) -> list[_Offer]:
        try:
            offers = [await asyncio.wait_for(self._offers.get(), self._poll_s)]
        except asyncio.TimeoutError:
            return []
        while not self._offers.empty() and len(offers) < WINDOW:
            offers.append(self._offers.get_nowait())
        return offers

    async def _sweep(self, told: set[str]) -> list[_Offer]:
        """Find pending events that no offer told of."""
        return [
            _Offer(collection.name, document, drafts)
            for collection in self._collections.values()
            for document, drafts in await collection.pending(WINDOW)
            if document not in told
        ]

    async def _append(self, offers: Sequence[_Offer]) -> None:
        by_source: dict[str, dict[str, dict[str, Any]]] = {}
        logged: dict[str, dict[str, list[str]]] = {}
        for offer in offers:
            events = logged.setdefault(offer.collection, {}).setdefault(offer.document, [])
            for draft in offer.drafts:
                by_source.setdefault(draft["source"], {})[draft["id"]] = draft
                events.append(draft["id"])
        for source, drafts in by_source.items():
            entries = await self._log.append(list(drafts.values()))
            LOGGED.inc(len(entries))
            fresh = self._fresh.setdefault(source, deque(maxlen=4 * WINDOW))
            fresh.extend(entries)
            self._news.set()
        for collection, documents in logged.items():
            await self._collections[collection].clear(documents)

    # --- log → broker

    async def _publish(self) -> None:
        await self._held.wait()
        async with link.connected(self._url, f"{self._wanted.main} publisher") as connection:
            channel = await connection.channel(on_return_raises=True)
            await link.declare(channel, self._wanted)
            exchange = await channel.get_exchange(self._wanted.publishes_to, ensure=False)
            announced = 0.0
            for source in await self._log.sources():
                self._fresh.setdefault(source, deque(maxlen=4 * WINDOW))
            while self._held.is_set():
                busy = False
                for source in sorted(self._fresh):
                    busy |= await self._publish_some(exchange, source)
                if time.monotonic() - announced > self._announce_s:
                    await self._announce(exchange)
                    announced = time.monotonic()
                if not busy:
                    self._news.clear()
                    await _soon(self._news, self._poll_s)
                if channel.is_closed:
                    raise link.BrokerDownError

    async def _publish_some(self, exchange: AbstractExchange, source: str) -> bool:
        if source not in self._published:
            self._published[source] = await self._log.published(source)
            self._fresh.setdefault(source, deque(maxlen=4 * WINDOW))
        done, fresh = self._published[source], self._fresh[source]
        while fresh and fresh[0].sequence <= done:
            fresh.popleft()
        if fresh and fresh[0].sequence == done + 1:
            entries = [fresh[at] for at in range(min(len(fresh), WINDOW))]
        else:
            entries = await self._log.read(source, done, WINDOW)
        if not entries:
            return False
        await self._send(exchange, entries)
        self._published[source] = entries[-1].sequence
        await self._log.set_published(source, entries[-1].sequence)
        return True

    async def _send(self, exchange: AbstractExchange, entries: Sequence[Entry]) -> None:
        keys = await self._attach(entries) if self._attach else {}
        results = await asyncio.gather(
            *(self._send_one(exchange, entry, keys.get(entry.event)) for entry in entries), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        PUBLISHED.inc(len(entries))

    async def _send_one(self, exchange: AbstractExchange, entry: Entry, key: str | None) -> None:
        message = aio_pika.Message(
            entry.body,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            # Fresh for each attempt: aiormq matches returns by it, and two alike in flight hang.
            message_id=uuid4().hex,  # noqa: TID251  # the transport's, not a fact's
            type=entry.type,
            headers={"x-jiandu-key": key} if key else None,
        )
        try:
            await exchange.publish(message, stream_of(entry.source), mandatory=True, timeout=PUBLISH_TIMEOUT_S)
        except PublishError:
            # Nobody has a queue for it now. Whoever should have one finds the hole and asks again.
            UNROUTABLE.inc()
        except DeliveryError as error:
            raise link.BrokerDownError(f"The broker refused entry {entry.sequence} of {entry.source}.") from error

    async def _announce(self, exchange: AbstractExchange) -> None:
        """Say how far each log reaches, so that a consumer that lost everything still learns of it."""
        for source in await self._log.sources():
            sequence, _ = await self._log.head(source)
            message = aio_pika.Message(
                orjson.dumps({"source": source, "head": sequence}),
                type=HEAD_TYPE,
                message_id=uuid4().hex,  # noqa: TID251  # the transport's, not a fact's
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                expiration=60,
            )
            await exchange.publish(message, stream_of(source), mandatory=False, timeout=PUBLISH_TIMEOUT_S)

    # --- asked to send again

    async def _serve_requests(self) -> None:
        await self._held.wait()
        async with link.connected(self._url, f"{self._wanted.main} requests") as connection:
            channel = await connection.channel(on_return_raises=True)
            await channel.set_qos(prefetch_count=4)
            await link.declare(channel, self._wanted)
            exchange = await channel.get_exchange(self._wanted.publishes_to, ensure=False)
            queue = await channel.get_queue(self._wanted.requests, ensure=False)

            async def serve(message: AbstractIncomingMessage) -> None:
                wanted = orjson.loads(message.body)
                await self._send_again(exchange, wanted["source"], int(wanted["first"]), int(wanted["last"]))
                await message.ack()

            await queue.consume(serve)
            await watch(channel, self._wanted.requests)

    async def _send_again(self, exchange: AbstractExchange, source: str, first: int, last: int) -> None:
        after = first - 1
        while after < last and (entries := await self._log.read(source, after, min(WINDOW, last - after))):
            await self._send(exchange, entries)
            RESENT.inc(len(entries))
            after = entries[-1].sequence
        log.info("relay.sent-again", source=source, first=first, last=last)


async def watch(channel: AbstractChannel, queue: str, *, every_s: float = 3.0) -> None:
    """Return never while ``queue`` has a consumer; raise when channel, queue or consumer is gone."""
    while True:
        await asyncio.sleep(every_s)
        if channel.is_closed:
            raise link.BrokerDownError("The channel was closed.")
        found = await channel.declare_queue(queue, passive=True)
        if not found.declaration_result.consumer_count:
            raise link.BrokerDownError(f"Queue {queue} lost its consumer.")


async def _soon(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except asyncio.TimeoutError:
        return


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
