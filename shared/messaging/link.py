"""One connection to the broker, made again whenever it breaks.

A plain connection under one supervising loop, rather than a self-healing one: there is a single place
where a connection starts, and everything is declared anew there, so nothing can be half alive.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError

from shared.errors import TransientError
from shared.messaging.topology import Topology

log = structlog.get_logger(__name__)

BROKEN = (AMQPError, ConnectionError, OSError, asyncio.TimeoutError, RuntimeError)
"""What a broken connection raises, depending on where it is noticed."""


class BrokerDownError(TransientError):
    """The broker does not answer."""

    code = "broker-unavailable"


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """Hold one plain connection open."""
    connection = await aio_pika.connect(url, timeout=5, client_properties={"connection_name": name}, heartbeat=20)
    try:
        yield connection
    finally:
        await connection.close()


async def declare(channel: AbstractChannel, wanted: Topology) -> None:
    """Declare everything that ``wanted`` names. Doing it again changes nothing."""
    for exchange in wanted.exchanges:
        await channel.declare_exchange(exchange.name, aio_pika.ExchangeType.TOPIC, durable=True)
    for exchange in wanted.exchanges:
        if exchange.into:
            target = await channel.get_exchange(exchange.into, ensure=False)
            await target.bind(exchange.name, "#")
    for queue in wanted.queues:
        declared = await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        for source, key in queue.bindings:
            await declared.bind(source, key)


async def supervise(name: str, session: Callable[[], Awaitable[None]], *, pause_s: float = 0.5) -> None:
    """Run ``session`` again and again; a broken connection starts the next one after a pause."""
    quiet = False
    while True:
        try:
            await session()
        except BROKEN as error:
            # One line when it breaks, not one each half second for as long as it is down.
            (log.debug if quiet else log.warning)("broker.lost", link=name, error=repr(error))
            quiet = True
        else:
            quiet = False
        await asyncio.sleep(pause_s)
