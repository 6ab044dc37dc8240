"""The message path alone (P3b): log → broker → consumer → documents, against a bare confirmed publish.

Run: python -m bench.message_path --mongo-url … --amqp-url …

Publisher and consumer are processes of their own, as they are in the product. The ceiling is one process
of aio-pika that publishes the same bodies, persistent, mandatory and confirmed, as fast as it can.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4, uuid5

import aio_pika
import uvloop

from shared.broker.connection import declare
from shared.broker.topology import REQUESTS, Exchange, Queue, Topology
from shared.events import Event, Happened, Sealed, source_of
from shared.inbox.applier import Decision, Subscription
from shared.inbox.consumer import Consumer
from shared.inbox.deliveries import Record
from shared.inbox.store import Inbox
from shared.outbox.log import Log
from shared.outbox.sequencer import Offers, Relay
from shared.runtime.clock import utc_now
from shared.storage.aggregates import Aggregates, Stamp, Stored, change_of
from shared.storage.database import Database, open_database
from shared.storage.lease import Lease

State = dict[str, Any]
QUORUM = (("x-queue-type", "quorum"),)
EACH = 8
"""Events about one complaint."""


class Stepped(Event):
    """A step, as large as the product's usually are."""

    TYPE: ClassVar[str] = "step.completed.v1"

    step: str
    by: str
    evidence: tuple[str, ...]
    sealed: Sealed


@dataclass(frozen=True)
class Rates:
    """Events a second."""

    events: int
    body_bytes: int
    ceiling: float
    path: float
    publishing: float

    @property
    def ratio(self) -> float:
        """The path's share of the ceiling. P3b promises at least 0.5."""
        return self.path / self.ceiling


@dataclass(frozen=True)
class Place:
    """Where one run happens: two fresh databases, an exchange and a queue."""

    mongo_url: str
    amqp_url: str
    name: str

    @property
    def source(self) -> str:
        """The log that is carried."""
        return source_of(self.name, "chongqing")

    def writers(self) -> Topology:
        """What the publisher declares."""
        requests = f"jiandu.{self.name}.requests"
        exchange = f"jiandu.from.{self.name}"
        queue = Queue(requests, ((REQUESTS, self.name),), QUORUM)
        return Topology(
            (Exchange(REQUESTS), Exchange(exchange)), (queue,), exchange, f"jiandu.{self.name}", requests
        )

    def readers(self) -> Topology:
        """What the consumer declares."""
        main, exchange = f"jiandu.{self.name}reader", f"jiandu.from.{self.name}"
        return Topology(
            (Exchange(REQUESTS), Exchange(exchange)),
            (Queue(main, ((exchange, "#"),), QUORUM),),
            exchange,
            main,
            f"{main}.requests",
        )


def drafts_of(place: Place, count: int) -> list[dict[str, Any]]:
    """Return events of many complaints, taking turns."""
    stamp = Stamp(
        service=place.name,
        stream="chongqing",
        group="jinke",
        unit="chongqing-branch",
        recorded=utc_now(),
        correlation=uuid4().hex,
        edition="2005-05-28",
        edition_hash="0" * 64,
    )
    sealed = Sealed(key="0" * 32, box="A" * 160)
    step = Stepped(step="contacted", by="zhang-wei", evidence=(uuid4().hex,), sealed=sealed)
    subjects = [str(uuid5(UUID(int=0), str(number))) for number in range(-(-count // EACH))]
    turns = [
        draft
        for turn in range(EACH)
        for subject in subjects
        for draft in change_of(
            Stored(subject, ordinals={place.source: turn}), {}, [Happened(step, utc_now())], stamp, index={}
        ).drafts
    ]
    return turns[:count]


async def ceiling(amqp_url: str, bodies: Sequence[bytes], window: int = 512) -> float:
    """Return how many confirmed publishes a second one process of aio-pika makes."""
    connection = await aio_pika.connect(amqp_url)
    async with connection, connection.channel(on_return_raises=True) as channel:
        queue = await channel.declare_queue(
            f"bench.{uuid4().hex}", durable=True, arguments={"x-queue-type": "quorum"}
        )
        began = time.perf_counter()
        for start in range(0, len(bodies), window):
            await asyncio.gather(
                *(
                    channel.default_exchange.publish(
                        aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                        queue.name,
                        mandatory=True,
                    )
                    for body in bodies[start : start + window]
                )
            )
        took = time.perf_counter() - began
        await queue.delete(if_unused=False, if_empty=False)
    return len(bodies) / took


async def _publish(place: Place, count: int) -> None:
    async with open_database(place.mongo_url, f"{place.name}_w") as database, AsyncExitStack() as stack:
        log = Log(database)
        relay = Relay(log, Lease(database, "relay", "bench"), Offers(), [], place.writers(), place.amqp_url)
        await relay.run(stack)
        await _until(lambda: log.published(place.source), count)


async def _until(reached: Callable[[], Awaitable[int]], count: int) -> None:
    for _ in range(30_000):
        if await reached() >= count:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{count} were not reached in ten minutes")


def _tally(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
    state = stored.state or {"steps": []}
    return Decision({"steps": [*state["steps"], *(record["data"]["step"] for record in records)]})


def _documents(database: Database) -> Aggregates[State]:
    return Aggregates(database, "cases", load=lambda state: state, dump=lambda state: state)


async def _follow(place: Place, count: int) -> None:
    async with open_database(place.mongo_url, f"{place.name}_r") as database, AsyncExitStack() as stack:
        cases = _documents(database)
        subscription: Subscription[State] = Subscription(cases, lambda record: str(record["subject"]), _tally)
        consumer = Consumer(Inbox(database), [subscription], place.readers(), place.amqp_url, utc_now)
        await consumer.run(stack)
        await _until(database.collection("received").estimated_document_count, count)


def _process(work: Callable[[Place, int], Coroutine[Any, Any, None]], place: Place, count: int) -> None:
    uvloop.run(work(place, count))


async def path(place: Place, count: int) -> tuple[float, float]:
    """Return how many events a second reach the documents, and how many the publisher sends meanwhile."""
    async with (
        open_database(place.mongo_url, f"{place.name}_w") as writers,
        open_database(place.mongo_url, f"{place.name}_r") as readers,
    ):
        log, inbox = Log(writers), Inbox(readers)
        await log.ensure_indexes()
        await inbox.ensure_indexes()
        await _documents(readers).ensure_indexes()
        drafts = drafts_of(place, count)
        for start in range(0, count, 2000):
            await log.append(drafts[start : start + 2000])
        connection = await aio_pika.connect(place.amqp_url)
        async with connection, connection.channel() as channel:
            await declare(channel, place.readers())
            processes = [
                multiprocessing.get_context("spawn").Process(target=_process, args=(work, place, count))
                for work in (_publish, _follow)
            ]
            for process in processes:
                process.start()
            rates = await _measured(writers, readers, place, count)
            for process in processes:
                await asyncio.to_thread(process.join)
            for queue in (*place.readers().queues, *place.writers().queues):
                await channel.queue_delete(queue.name)
        if (await inbox.watermark())[place.source] != count:
            raise RuntimeError("Something is missing.")
        await writers.drop()
        await readers.drop()
    return rates


async def _measured(writers: Database, readers: Database, place: Place, count: int) -> tuple[float, float]:
    """Count from the first event that arrived, so that starting the processes is not measured."""
    received, log = readers.collection("received"), Log(writers)
    first, sent, began, sent_at = 0, 0, 0.0, 0.0
    while (now := await received.estimated_document_count()) < count:
        if not first and now:
            first, began = now, time.perf_counter()
        if not sent_at and first and await log.published(place.source) >= count:
            sent_at = time.perf_counter()
        await asyncio.sleep(0.02)
    ended = time.perf_counter()
    sent = count - first
    return sent / (ended - began), sent / ((sent_at or ended) - began)


async def measure(mongo_url: str, amqp_url: str, events: int) -> Rates:
    """Measure path and ceiling side by side: the ceiling before and after, the mean of both counts."""
    place = Place(mongo_url, amqp_url, f"bench{uuid4().hex[:8]}")
    sample = drafts_of(place, min(events, 5000))
    bodies = [json.dumps(draft, ensure_ascii=False).encode() for draft in sample]
    before = await ceiling(amqp_url, bodies)
    carried, publishing = await path(place, events)
    after = await ceiling(amqp_url, bodies)
    return Rates(events, len(bodies[0]), 2 / (1 / before + 1 / after), carried, publishing)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mongo-url", default=os.environ.get("JIANDU_MONGO_URL"), required=False)
    parser.add_argument("--amqp-url", default=os.environ.get("JIANDU_AMQP_URL"), required=False)
    parser.add_argument("--events", type=int, default=20_000)
    given = parser.parse_args()
    rates = uvloop.run(measure(given.mongo_url, given.amqp_url, given.events))
    where = {"at": datetime.now(UTC).isoformat(), "cpus": os.cpu_count(), "machine": platform.machine()}
    print(json.dumps({**asdict(rates), "ratio": round(rates.ratio, 3), **where}, indent=2))


if __name__ == "__main__":
    main()
