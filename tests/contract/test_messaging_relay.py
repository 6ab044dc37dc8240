"""From the documents through the log to the broker: every event once in the log, whoever sequences."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest

from jiandu.stack.stack import Stack
from shared.broker import connection
from shared.broker.messages import HEAD_TYPE
from shared.outbox.log import Entry
from shared.outbox.publisher import WINDOW
from shared.outbox.sequencer import Relay
from shared.runtime.supervisor import TaskSupervisor
from shared.storage.database import Database
from shared.storage.lease import Lease
from tests.conftest import FreshName
from tests.contract.message_path import Reader, Writer, a_channel, deliver, eventually, writers

pytestmark = pytest.mark.connected


@pytest.fixture
async def writer(servers: Stack, other_database: Database, fresh_name: FreshName) -> Writer:
    return await Writer.on(other_database, servers.amqp_url, fresh_name("writer"))


@pytest.fixture
async def reader(servers: Stack, database: Database, fresh_name: FreshName, writer: Writer) -> Reader:
    return await Reader.on(database, servers.amqp_url, fresh_name("reader"), writer.name)


async def nothing_pends(writer: Writer) -> bool:
    return not await writer.things.pending(1)


async def published(writer: Writer, sequence: int) -> bool:
    return await writer.log.published(writer.source) >= sequence


async def test_what_is_saved_is_logged_published_followed_and_no_longer_pending(
    writer: Writer, reader: Reader
) -> None:
    async with writer.relaying(), reader.reading():
        for turn in range(1, 6):
            await asyncio.gather(*(writer.tell(f"s{at}", turn) for at in range(20)))
        await reader.wait_for({f"s{at}": [1, 2, 3, 4, 5] for at in range(20)})
        await eventually(lambda: nothing_pends(writer), "nothing pends")
        await eventually(lambda: published(writer, 100), "the position is noted")

    assert (await writer.log.check(writer.source)).entries == 100


async def test_what_a_crash_left_outside_the_log_is_found(writer: Writer, reader: Reader) -> None:
    """INVARIANT: an offer is a hint; losing it loses nothing (R2).

    What breaks it: a sequencer that lives on offers alone.
    """
    # Saved while no relay runs: nobody was told. More than one look finds.
    await asyncio.gather(*(writer.tell(f"s{at}", 1) for at in range(WINDOW + 50)))

    async with writer.relaying(), reader.reading():
        await reader.wait_for({f"s{at}": [1] for at in range(WINDOW + 50)}, within_s=40)


async def test_nothing_is_published_that_is_not_in_the_log(writer: Writer, reader: Reader) -> None:
    """INVARIANT: first durable in the log, then sent.

    What breaks it: publishing from the offer; a crash in between would send what never was.
    """
    append, held = writer.log.append, asyncio.Event()
    held.set()

    async def append_later(drafts: Sequence[dict[str, Any]]) -> list[Entry]:
        await held.wait()
        return await append(drafts)

    writer.log.append = append_later  # type: ignore[assignment,method-assign]  # holds the log's door
    async with writer.relaying(), reader.reading():
        await writer.tell("a", 1)
        await reader.wait_for({"a": [1]})
        held.clear()
        await writer.tell("a", 2)
        await asyncio.sleep(1)
        assert await reader.seen() == {"a": [1]}
        held.set()
        await reader.wait_for({"a": [1, 2]})


async def test_four_relays_on_one_database_log_each_event_once_without_a_gap(
    writer: Writer, reader: Reader, servers: Stack
) -> None:
    """INVARIANT: a lease saves work and guards nothing (R6).

    What breaks it: trusting the lease; one that was paused past its end still believes that it holds it.
    """
    supervisor = TaskSupervisor()
    async with AsyncExitStack() as stack:
        for number in range(4):
            rival = await Writer.on(writer.database, servers.amqp_url, writer.name)
            # Each has a lease of its own name, so that all four believe they are the one.
            relay = Relay(
                rival.log,
                Lease(writer.database, f"relay-{number}", "me"),
                rival.offers,
                [rival.things],
                writers(writer.name),
                servers.amqp_url,
                poll_s=0.02,
                announce_s=0.5,
                supervisor=supervisor,
            )
            await relay.run(stack)
        async with reader.reading():
            for turn in range(1, 4):
                await asyncio.gather(*(writer.tell(f"s{at}", turn, turn) for at in range(50)))
            await reader.wait_for({f"s{at}": [1, 1, 2, 2, 3, 3] for at in range(50)}, within_s=40)
            await eventually(lambda: nothing_pends(writer), "nothing pends")
        assert supervisor.failing() == {}

    verdict = await writer.log.check(writer.source)
    # 50 things x 3 turns x 2 events.
    assert (verdict.entries, verdict.broken_at) == (300, None)


async def test_numbers_that_another_sequencer_wrote_in_between_are_published_too(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: the publisher follows the log, not what was told to it.

    What breaks it: publishing what is at hand from its first number to its last.
    """
    async with writer.relaying(announce_s=60) as relay, reader.reading(gaps_after_s=3600):
        await writer.tell("first", 1)
        await reader.wait_for({"first": [1]})
        strange = (await Writer.on(writer.database, writer.url, writer.name)).log
        before = await writer.log.append(writer.drafts_about("a", 1))
        await strange.append(writer.drafts_about("b", 1))
        after = await writer.log.append(writer.drafts_about("c", 1))
        relay._publisher.logged([*before, *after])

        await reader.wait_for({"first": [1], "a": [1], "b": [1], "c": [1]})


async def test_a_backlog_larger_than_what_is_at_hand_is_read_from_the_log(
    writer: Writer, reader: Reader
) -> None:
    async with writer.relaying() as relay, reader.reading():
        await writer.tell("first", 1)
        await reader.wait_for({"first": [1]})
        # At hand are the last 2,048; here come 2,500 at once.
        entries = await writer.log_directly([f"s{at}" for at in range(250)], 10)
        relay._publisher.logged(entries)

        await reader.wait_for({"first": [1], **{f"s{at}": list(range(1, 11)) for at in range(250)}}, 40)


async def test_a_published_position_that_was_not_noted_only_sends_twice(
    writer: Writer, reader: Reader
) -> None:
    async with writer.relaying(), reader.reading():
        await asyncio.gather(*(writer.tell(f"s{at}", 1) for at in range(30)))
        await reader.wait_received(writer.source, 30)
    await writer.database.collection("log_positions").delete_many({})

    async with writer.relaying(), reader.reading():
        await writer.tell("s0", 2)
        await reader.wait_received(writer.source, 31)

    assert await reader.seen() == {"s0": [1, 2], **{f"s{at}": [1] for at in range(1, 30)}}


async def test_a_replica_takes_over_when_the_one_that_relays_ends(
    writer: Writer, reader: Reader, servers: Stack
) -> None:
    """INVARIANT: stopping gives the lease up, and keeps it given up.

    What breaks it: releasing it while a task still runs that renews it.
    """
    other = await Writer.on(writer.database, servers.amqp_url, writer.name)
    async with reader.reading():
        async with writer.relaying():
            await writer.tell("a", 1)
            await reader.wait_for({"a": [1]})
        rival = Lease(writer.database, "relay", "somebody", timedelta(milliseconds=1))
        assert await rival.hold()
        async with other.relaying():
            await other.tell("a", 2)
            await reader.wait_for({"a": [1, 2]})


async def test_sources_announce_how_far_they_reach(writer: Writer) -> None:
    heard: list[dict[str, Any]] = []
    async with a_channel(writer.url) as channel:
        await connection.declare(channel, writers(writer.name))
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(f"jiandu.from.{writer.name}", "#")
        async with writer.relaying(announce_s=0.1):
            await writer.tell("a", 1, 2, 3)

            async def announced() -> bool:
                message = await queue.get(fail=False)
                if message is not None and message.type == HEAD_TYPE:
                    heard.append(orjson.loads(message.body))
                return {"source": writer.source, "head": 3} in heard

            await eventually(announced, "the head is announced")


async def test_a_request_that_nobody_can_read_does_not_stop_the_others(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: a bad request is put away, and the next is served.

    What breaks it: an error in the callback; four of them and nobody serves gaps any more.
    """
    async with a_channel(writer.url) as channel:
        await connection.declare(channel, writers(writer.name))
    await writer.log_directly(["a"], 3)
    bad = [b"\xff", b"[]", b"{}", b'{"source": 1}', b'{"source": "x", "first": "y", "last": 2}']
    await deliver(writer.url, f"jiandu.{writer.name}.requests", bad)
    await writer.log.set_published((await writer.log.read(writer.source, 2, 1))[0])

    async with writer.relaying(), reader.reading():
        await reader.wait_for({"a": [1, 2, 3]})
