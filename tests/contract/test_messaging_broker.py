"""A broker that is away, blocked, emptied, or robbed of a queue: everything arrives all the same (R3, R9, R10).

What is done to a whole broker is done to one of our own; the session's goes on undisturbed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
from aiormq.channel import Channel

from jiandu.stack.broker import Broker
from jiandu.stack.guard import guarded
from jiandu.stack.stack import Stack
from jiandu.stack.state import StateFile
from shared.broker import connection, metrics
from shared.outbox.publisher import WINDOW
from shared.storage.database import Database
from tests.conftest import FreshName
from tests.contract.message_path import Reader, Writer, a_channel, eventually

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of our own, not running yet."""
    folder = tmp_path_factory.mktemp("broker")
    with guarded(folder):
        own = Broker(StateFile(folder))
        own.install()
        yield own
        own.stop()


@pytest.fixture
async def pair(
    servers: Stack, database: Database, other_database: Database, fresh_name: FreshName
) -> tuple[Writer, Reader]:
    writer = await Writer.on(other_database, servers.amqp_url, fresh_name("writer"))
    return writer, await Reader.on(database, servers.amqp_url, fresh_name("reader"), writer.name)


@pytest.fixture
async def own_pair(
    broker: Broker, database: Database, other_database: Database, fresh_name: FreshName
) -> tuple[Writer, Reader]:
    writer = await Writer.on(other_database, broker.url, fresh_name("writer"))
    return writer, await Reader.on(database, broker.url, fresh_name("reader"), writer.name)


@pytest.fixture
def quick_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PUBLISH_TIMEOUT_S", 0.5)


async def tell_all(writer: Writer, turn: int, things: int = 100) -> None:
    await asyncio.gather(*(writer.tell(f"s{at}", turn) for at in range(things)))


def all_of(*turns: int, things: int = 100) -> dict[str, list[int]]:
    return {f"s{at}": list(turns) for at in range(things)}


async def test_a_broker_that_is_away_at_the_start_and_then_killed_and_emptied_costs_nothing(
    broker: Broker, own_pair: tuple[Writer, Reader]
) -> None:
    """INVARIANT: everything in the broker can be rebuilt from the logs; confirms are not the safety net.

    What breaks it: believing a confirm, or a new consumer that begins with what it is sent.
    """
    writer, reader = own_pair
    broker.stop()
    async with writer.relaying():
        async with reader.reading():
            await tell_all(writer, 1)
            await asyncio.to_thread(broker.start)
            await reader.wait_for(all_of(1), within_s=40)
        await tell_all(writer, 2)
        await eventually(lambda: is_published(writer, 200), "all is confirmed")

        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.wipe)
        await asyncio.to_thread(broker.start)

        async with reader.reading():
            # No further event tells of those that were lost; only the announced head does.
            await reader.wait_for(all_of(1, 2), within_s=40)
            await tell_all(writer, 3)
            await reader.wait_for(all_of(1, 2, 3), within_s=40)
            await reader.wait_received(writer.source, 300)


async def is_published(writer: Writer, sequence: int) -> bool:
    return await writer.log.published(writer.source) >= sequence


@pytest.mark.usefixtures("quick_timeout")
async def test_a_blocked_broker_holds_up_publishing_and_nothing_else(
    broker: Broker, own_pair: tuple[Writer, Reader]
) -> None:
    """INVARIANT: while an alarm stands, events are accepted and wait in the log; then they go (R10).

    What breaks it: a publish without a timeout; it waits for a confirm that the broker no longer owes.
    """
    writer, reader = own_pair
    await asyncio.to_thread(broker.start)
    async with writer.relaying(announce_s=60) as relay, reader.reading():
        await tell_all(writer, 1, things=20)
        await reader.wait_for(all_of(1, things=20))

        await asyncio.to_thread(broker.control, "set_vm_memory_high_watermark", "0.000001")
        await tell_all(writer, 2, things=20)

        async def gave_up() -> bool:
            return relay._publisher._window < WINDOW

        await eventually(gave_up, "the publisher gives the window up and tries a smaller one")
        assert await reader.seen() == all_of(1, things=20)
        assert (await writer.log.head(writer.source))[0] == 40

        await asyncio.to_thread(broker.control, "set_vm_memory_high_watermark", "absolute", "1GB")
        await reader.wait_for(all_of(1, 2, things=20), within_s=40)
        assert writer.supervisor.failing() == {}


async def test_a_deleted_queue_is_declared_again_and_what_was_in_it_comes_from_the_log(
    pair: tuple[Writer, Reader],
) -> None:
    writer, reader = pair
    async with writer.relaying(), reader.reading(), a_channel(reader.url) as channel:
        await tell_all(writer, 1, things=30)
        await reader.wait_for(all_of(1, things=30))

        queue = await channel.get_queue(reader.wanted.main, ensure=False)
        await queue.delete(if_unused=False, if_empty=False)
        await tell_all(writer, 2, things=30)

        await reader.wait_for(all_of(1, 2, things=30))


async def test_a_consumer_whose_queue_another_replica_declared_again_does_not_stay_a_zombie(
    pair: tuple[Writer, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: a consumer that gets nothing starts anew, whatever the broker says of the queue.

    What breaks it: asking whether the queue has a consumer; another replica's answers for this one.
    """
    writer, reader = pair
    monkeypatch.setattr(connection, "WATCH_EVERY_S", 0.2)
    monkeypatch.setattr(connection, "QUIET_S", 1.5)
    # The broker's word that the consumer is gone does not come: it has been seen to be left out.
    monkeypatch.setattr(Channel, "_on_cancel_frame", _deaf)
    async with writer.relaying(), reader.reading(), a_channel(reader.url) as channel:
        await tell_all(writer, 1, things=30)
        await reader.wait_for(all_of(1, things=30))

        queue = await channel.get_queue(reader.wanted.main, ensure=False)
        await queue.delete(if_unused=False, if_empty=False)
        await connection.declare(channel, reader.wanted)
        strangers = await channel.get_queue(reader.wanted.main, ensure=False)
        # Another consumer stands by, takes one and keeps it: what is left is for ours, once it is back.
        await channel.set_qos(prefetch_count=1)
        await strangers.consume(asyncio.Queue[object]().put)
        await tell_all(writer, 2, things=30)

        await reader.wait_for(all_of(1, 2, things=30))


async def _deaf(channel: Channel, frame: object) -> None:
    """Hear nothing."""


async def test_events_of_a_removed_binding_are_noticed_and_filled_in(pair: tuple[Writer, Reader]) -> None:
    """INVARIANT: nothing is silently unroutable (R9): gaps are found, the way is mended, the log sends again.

    What breaks it: sending again along a binding that is still missing.
    """
    writer, reader = pair
    async with writer.relaying(), reader.reading(), a_channel(reader.url) as channel:
        await tell_all(writer, 1, things=30)
        await reader.wait_for(all_of(1, things=30))
        returned = metrics.UNROUTABLE._value.get()

        queue = await channel.get_queue(reader.wanted.main, ensure=False)
        last = 1
        while metrics.UNROUTABLE._value.get() == returned:
            # More than once where the reader was quick to see to its binding again.
            last += 1
            await queue.unbind(f"jiandu.from.{writer.name}", "#")
            await tell_all(writer, last, things=30)
            await eventually(partial(is_published, writer, 30 * last), "the writer goes on")
            assert last < 12

        # The announcements of the log's head are lost with the binding, too; the next event tells.
        await queue.bind(f"jiandu.from.{writer.name}", "#")
        await tell_all(writer, last + 1, things=1)
        so_far = list(range(1, last + 1))
        await reader.wait_for({**all_of(*so_far, things=30), "s0": [*so_far, last + 1]})


async def test_a_lost_binding_is_declared_again_without_anybody_asking(
    pair: tuple[Writer, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: a consumer sees to its own bindings.

    What breaks it: declaring only when connecting; a lost binding loses the announcements as well.
    """
    writer, reader = pair
    monkeypatch.setattr(connection, "WATCH_EVERY_S", 0.1)
    async with writer.relaying(), reader.reading(), a_channel(reader.url) as channel:
        await tell_all(writer, 1, things=5)
        await reader.wait_for(all_of(1, things=5))

        queue = await channel.get_queue(reader.wanted.main, ensure=False)
        await queue.unbind(f"jiandu.from.{writer.name}", "#")
        await tell_all(writer, 2, things=5)

        await reader.wait_for(all_of(1, 2, things=5))


async def test_a_writer_without_any_reader_goes_on_and_a_late_reader_gets_everything(
    pair: tuple[Writer, Reader],
) -> None:
    writer, reader = pair
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(writer.relaying())
        await tell_all(writer, 1)
        await tell_all(writer, 2)
        await eventually(lambda: is_published(writer, 200), "all is sent, to nobody")

        # With gaps of a minute's age: who has nothing of a source asks at once.
        await stack.enter_async_context(reader.reading(gaps_after_s=60))
        await reader.wait_for(all_of(1, 2))
