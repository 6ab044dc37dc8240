"""One connection to the broker, made again whenever it breaks.

A plain connection under one supervising loop, rather than a self-healing one: there is a single place
where a connection starts, and everything is declared anew there, so nothing can be half alive.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aio_pika
import structlog
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    HeadersType,
)
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, PublishError

from shared.broker.topology import Topology
from shared.errors import TransientError
from shared.runtime.ids import fresh
from shared.runtime.supervisor import ended

log = structlog.get_logger(__name__)

PUBLISH_TIMEOUT_S = 10
"""A blocked broker (an alarm) answers nothing at all, so every publish needs an end of its own."""

WATCH_EVERY_S = 3.0
QUIET_S = 60.0
"""Silence after which a consumer is started anew. Logs are announced every few seconds, so it is unusual."""

_DECLARED_EACH = 5
"""Looks at a consumer between declaring everything anew."""

_CLOSE_TIMEOUT_S = 3


class BrokerDownError(TransientError):
    """The broker does not answer."""

    code = "broker-unavailable"


Delivery = AbstractIncomingMessage
Exchange = AbstractExchange

UnroutableError = PublishError
"""The broker has no queue for a message."""

BROKEN = (*CONNECTION_EXCEPTIONS, TimeoutError, TransientError)
"""What a broken connection raises, depending on where it is noticed, and a database that is away."""


class _Connection(aio_pika.Connection):
    """A connection that closes itself when it cannot be made; else the library does so while it is collected."""

    async def connect(self, timeout: float | int | None = None) -> None:  # noqa: ASYNC109  # the library's own name
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()
            raise


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """Hold one plain connection open."""
    connection = await aio_pika.connect(
        url,
        timeout=5,
        client_properties={"connection_name": name},
        heartbeat=20,
        connection_class=_Connection,
    )
    try:
        yield connection
    finally:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await connection.close()
        except BROKEN as error:
            log.debug("broker.close", link=name, error=repr(error))


async def declare(channel: AbstractChannel, wanted: Topology) -> None:
    """Declare everything that ``wanted`` names. Doing it again changes nothing."""
    for exchange in wanted.exchanges:
        await channel.declare_exchange(
            exchange.name, aio_pika.ExchangeType.TOPIC, durable=True, timeout=PUBLISH_TIMEOUT_S
        )
    for exchange in wanted.exchanges:
        if exchange.into:
            target = await channel.get_exchange(exchange.into, ensure=False)
            await target.bind(exchange.name, "#", timeout=PUBLISH_TIMEOUT_S)
    for queue in wanted.queues:
        declared = await channel.declare_queue(
            queue.name, durable=True, arguments=dict(queue.arguments), timeout=PUBLISH_TIMEOUT_S
        )
        for source, key in queue.bindings:
            await declared.bind(source, key, timeout=PUBLISH_TIMEOUT_S)


def message_of(
    body: bytes,
    *,
    type_: str | None = None,
    content_type: str | None = None,
    headers: HeadersType | None = None,
    lasts_s: float | None = None,
) -> aio_pika.Message:
    """Return a persistent message.

    Its id is fresh for each attempt: the library matches returns by it, and two alike in flight hang.
    """
    return aio_pika.Message(
        body,
        type=type_,
        content_type=content_type,
        headers=headers,
        expiration=lasts_s,
        message_id=fresh(),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


Arrivals = asyncio.Queue[Delivery]


async def consume(
    channel: AbstractChannel, wanted: Topology, queue: str, work: Callable[[Arrivals], Awaitable[None]]
) -> None:
    """Let ``work`` have what arrives in ``queue``, for as long as channel, queue and consumer are there.

    Returns when nothing arrived for long: a queue that is deleted and declared again at once has been
    seen to forget its consumer without a word, and another replica's consumer would answer for it.

    Raises:
        BrokerDownError: One of them is gone.
    """
    watch = _Watch(channel, wanted, queue)
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(lambda _: watch.cancelled.set())
    source = await channel.get_queue(queue, ensure=False)
    await source.consume(watch.arrived, timeout=PUBLISH_TIMEOUT_S)
    working = asyncio.ensure_future(work(watch.arrivals))
    watching = asyncio.create_task(watch.run())
    try:
        done, _ = await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await ended(working)
        await ended(watching)


class _Watch:
    """What tells whether a consumer still is one."""

    def __init__(self, channel: AbstractChannel, wanted: Topology, queue: str) -> None:
        self.arrivals: Arrivals = asyncio.Queue()
        self.cancelled = asyncio.Event()
        self._channel, self._wanted, self._queue = channel, wanted, queue
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()

    async def arrived(self, message: Delivery) -> None:
        self._last = self._loop.time()
        self.arrivals.put_nowait(message)

    async def run(self) -> None:
        for turn in itertools.count(1):
            await soon(self.cancelled, WATCH_EVERY_S)
            if self._channel.is_closed or self.cancelled.is_set():
                break
            found = await self._channel.declare_queue(self._queue, passive=True, timeout=PUBLISH_TIMEOUT_S)
            if not found.declaration_result.consumer_count:
                break
            if self._loop.time() - self._last > QUIET_S and self.arrivals.empty():
                return
            if turn % _DECLARED_EACH == 0:
                # A binding that somebody removed does not say so; it is only missing.
                await declare(self._channel, self._wanted)
        msg = f"Queue {self._queue} lost its consumer."
        raise BrokerDownError(msg)


async def soon(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for ``event``, but not longer than ``timeout_s``."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
