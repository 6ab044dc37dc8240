"""The machine's raw ceilings: what one process can publish with confirms, and update with journal."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import aio_pika

from shared.storage.database import open_database

BODY = b"x" * 900
"""About the size of an event."""

MESSAGES = 6_000
UPDATES = 4_000
IN_FLIGHT = 256


async def confirmed_publishes(amqp_url: str) -> float:
    """Return persistent, confirmed publishes per second into one quorum queue, by one aio-pika process."""
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        name = f"bench.{uuid4().hex}"
        queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            async with gate:
                message = aio_pika.Message(BODY, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, name)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(MESSAGES)))
        seconds = time.perf_counter() - began
        await queue.delete(if_unused=False, if_empty=False)
    return MESSAGES / seconds


async def journaled_updates(mongo_url: str) -> float:
    """Return single-document updates per second, majority and journal, by one process with 64 at once."""
    async with open_database(mongo_url, "bench_ceiling") as database:
        collection = database.collection("documents")
        await collection.insert_many([{"_id": number, "n": 0, "body": BODY} for number in range(1_000)])
        gate = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            async with gate:
                await collection.update_one({"_id": number % 1_000}, {"$inc": {"n": 1}})

        began = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(UPDATES)))
        seconds = time.perf_counter() - began
        await database.drop()
    return UPDATES / seconds


def folder_of(name: str) -> Path:
    """Return where a measurement's own servers live."""
    return Path(__file__).parent.parent / ".stack" / f"bench-{name}"
