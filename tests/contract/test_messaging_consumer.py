"""From the broker to the documents, on the real servers: disorder, doubles, poison, outages, rivals."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import aio_pika
import orjson
import pytest

from jiandu.stack.stack import Stack
from shared.broker import connection
from shared.broker.messages import KEYS_HEADER, pack
from shared.errors import TransientError
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.inbox.store import Receipt
from shared.outbox.log import Entry
from shared.runtime import supervisor
from shared.storage.aggregates import Stored
from shared.storage.database import Database, open_database
from tests.conftest import FreshName
from tests.contract.message_path import (
    Decide,
    Proxy,
    Reader,
    State,
    Writer,
    a_channel,
    deliver,
    documents,
    eventually,
    left_in,
    tally,
)

pytestmark = pytest.mark.connected


@pytest.fixture
async def writer(servers: Stack, other_database: Database, fresh_name: FreshName) -> Writer:
    return await Writer.on(other_database, servers.amqp_url, fresh_name("writer"))


@pytest.fixture
async def reader(servers: Stack, database: Database, fresh_name: FreshName, writer: Writer) -> Reader:
    reader = await Reader.on(database, servers.amqp_url, fresh_name("reader"), writer.name)
    async with a_channel(reader.url) as channel:
        await connection.declare(channel, reader.wanted)
    return reader


def bodies(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.body for entry in entries]


def ones_failing(bad: Sequence[int]) -> Decide:
    """A ``decide`` that cannot stand the numbers ``bad``, until they are taken out of the list."""

    def decide(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
        for record in records:
            if record["data"]["n"] in bad:
                message = f"cannot stand {record['data']['n']} of {stored.id}"
                raise ValueError(message)
        return tally(stored, records)

    return decide


# --- disorder


async def test_doubled_and_shuffled_events_leave_what_ordered_ones_would(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: duplicates and disorder are harmless (R7).

    What breaks it: no last ordinal in the document, or a window after which a double is new again.
    """
    subjects = [f"s{at}" for at in range(100)]
    entries = await writer.log_directly(subjects, 20)
    chance = random.Random(7)
    sent = bodies(entries) + chance.sample(bodies(entries), 200)
    # Each stays within about 200 places of where it belongs.
    mixed = [
        body for _, body in sorted(enumerate(sent), key=lambda pair: pair[0] % 2000 + chance.uniform(0, 200))
    ]
    await deliver(reader.url, reader.wanted.main, mixed)

    async with reader.reading():
        await reader.wait_for({subject: list(range(1, 21)) for subject in subjects})
        await reader.wait_received(writer.source, 2000)

    assert await reader.inbox.waiting_count() == 0
    assert await left_in(reader.url, reader.wanted.main) == 0


async def test_the_whole_log_delivered_again_changes_nothing(writer: Writer, reader: Reader) -> None:
    """INVARIANT: an effect is idempotent for ever, however late its event comes again.

    What breaks it: dedupe by time, by a cache, or by receipts that are pruned.
    """
    entries = await writer.log_directly(["a", "b"], 50)
    async with reader.reading():
        await deliver(reader.url, reader.wanted.main, bodies(entries))
        await reader.wait_for({"a": list(range(1, 51)), "b": list(range(1, 51))})
        before = {one.id: one.version for one in await reader.tallies.find({})}
        await reader.database.collection("received").delete_many({})

        await deliver(reader.url, reader.wanted.main, bodies(entries))
        await reader.wait_received(writer.source, 100)

    assert {one.id: one.version for one in await reader.tallies.find({})} == before


async def test_an_early_event_is_never_forgotten_between_two_replicas(
    writer: Writer, reader: Reader, servers: Stack
) -> None:
    """INVARIANT: what waits is found by whoever applies what it waits for, also in another process.

    What breaks it: looking for early events before the write instead of after it.
    """
    other = Reader(reader.name, reader.of, reader.database, reader.url, reader.inbox, reader.tallies)
    subjects = [f"s{at}" for at in range(60)]
    entries = await writer.log_directly(subjects, 8)
    # Neighbours in the queue go to different replicas, the later one of a subject often first.
    chance = random.Random(3)
    mixed = sorted(entries, key=lambda entry: (chance.randrange(8), entry.subject))

    async with reader.reading(), other.reading():
        await deliver(reader.url, reader.wanted.main, bodies(mixed))
        await reader.wait_for({subject: list(range(1, 9)) for subject in subjects})


async def test_an_event_that_opens_nothing_waits_for_the_one_that_does(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: ``None`` means later, for ordered and for unordered followings alike.

    What breaks it: acknowledging what nothing was done with.
    """

    def opened_by_one(stored: Stored[State], records: Sequence[Record]) -> Decision[State] | None:
        numbers = {record["data"]["n"] for record in records} | set((stored.state or {}).get("seen", ()))
        return Decision({"seen": sorted(numbers)}) if 1 in numbers else None

    first, second, third = await writer.log_directly(["a"], 3)
    async with reader.reading(reader.subscription(opened_by_one, ordered=False)):
        await deliver(reader.url, reader.wanted.main, bodies([third, second]))
        await eventually(lambda: _waits(reader, 2), "two events wait")
        await deliver(reader.url, reader.wanted.main, [first.body])
        await reader.wait_for({"a": [1, 2, 3]})
        await eventually(lambda: _waits(reader, 0), "nothing waits")


async def _waits(reader: Reader, count: int) -> bool:
    return await reader.inbox.waiting_count() == count


# --- poison


async def test_poison_is_parked_in_groups_and_nothing_good_with_it(writer: Writer, reader: Reader) -> None:
    """INVARIANT: a bad message harms no other, not even an earlier one of its own subject (R8).

    What breaks it: giving up a batch, or all of a subject's events in hand, for the one that fails.
    """
    bad = [21, 22]
    subjects = [f"s{at}" for at in range(25)]
    # 20 good events about each of 25 subjects; ten subjects go on with two that cannot be applied.
    good = await writer.log_directly(subjects, 20)
    poison = await _more(writer, subjects[:10], 20, 2)
    garbage = [
        b"\xff\xfe",
        b"[1]",
        orjson.dumps({"id": "x"}),
        good[0].body.replace(b'"ordinal":1', b'"ordinal":0'),
    ]
    sent = bodies([*good, *poison]) + garbage
    random.Random(1).shuffle(sent)
    async with reader.reading(reader.subscription(ones_failing(bad))) as consumer:
        await deliver(reader.url, reader.wanted.main, sent)
        await reader.wait_for({subject: list(range(1, 21)) for subject in subjects})
        # The second bad one of a subject waits for the first, which is parked: 10, and 4 unreadable.
        await eventually(lambda: _parked(reader, 14), "14 are parked")
        parked = await reader.inbox.parked()
        groups = Counter(one.fingerprint for one in parked)
        assert {one.subject for one in parked if one.kind == "failing"} == set(subjects[:10])
        assert groups["failing:tally.added.v1:ValueError in test_messaging_consumer.py:decide"] == 10
        assert sum(one.kind == "unreadable" for one in parked) == 4
        assert all(one.attempts == 3 for one in parked if one.kind == "failing")

        bad.clear()
        await consumer.replay([one.id for one in parked if one.kind == "failing"])
        await reader.wait_for(
            {subject: list(range(1, 23 if subject in subjects[:10] else 21)) for subject in subjects}
        )
        await eventually(lambda: _parked(reader, 4), "only garbage is left")
        await reader.wait_received(writer.source, 520)


async def _more(writer: Writer, subjects: Sequence[str], after: int, count: int) -> list[Entry]:
    numbers = range(after + 1, after + 1 + count)
    begun: list[Stored[State]] = [Stored(subject, ordinals={writer.source: after}) for subject in subjects]
    return await writer.log.append([draft for one in begun for draft in writer.drafts(one, *numbers)])


async def _parked(reader: Reader, count: int) -> bool:
    return len(await reader.inbox.parked()) == count


async def test_what_is_parked_stays_missing_but_is_not_asked_for_again(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: a watermark passes nothing that was not applied, and nobody resends what is here.

    What breaks it: a receipt for a parked event; or gaps that do not know what is set aside.
    """
    entries = await writer.log_directly(["a", "b"], 2)
    async with reader.reading(reader.subscription(ones_failing([1])), gaps_after_s=0) as consumer:
        await deliver(reader.url, reader.wanted.main, bodies(entries))
        await eventually(lambda: _parked(reader, 2), "both first ones are parked")

        (gaps,) = await reader.inbox.gaps()
        asked = await consumer._gaps.old()

    assert (gaps.received, gaps.missing) == (0, ((1, 2),))
    assert asked == []


async def test_a_discarded_event_lets_those_that_wait_for_it_go_on(writer: Writer, reader: Reader) -> None:
    entries = await writer.log_directly(["a"], 4)
    async with reader.reading(reader.subscription(ones_failing([2]))):
        await deliver(reader.url, reader.wanted.main, bodies(entries))
        await eventually(lambda: _parked(reader, 1), "the second is parked")
        await reader.wait_for({"a": [1]})

        await reader.inbox.discard(await reader.inbox.parked(), "nonsense", "ops", reader.clock())

        await reader.wait_for({"a": [1, 3, 4]})
        await reader.wait_received(writer.source, 4)


async def test_a_failure_that_passes_by_itself_is_never_parked(writer: Writer, reader: Reader) -> None:
    """INVARIANT: what waits for an edition on its way is good, and stays so for as long as it takes.

    What breaks it: counting every failure alike.
    """
    missing = [True]
    tries: list[int] = []

    def decide(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
        tries.append(1)
        if missing:
            raise TransientError("no edition yet")
        return tally(stored, records)

    entries = await writer.log_directly(["a"], 1)
    async with reader.reading(reader.subscription(decide), retry_s=(0.05, 0.05)):
        await deliver(reader.url, reader.wanted.main, bodies(entries))

        async def tried() -> bool:
            return len(tries) > 6

        await eventually(tried, "it is tried again and again")
        assert await reader.inbox.parked() == []
        missing.clear()
        await reader.wait_for({"a": [1]})


async def test_one_following_that_fails_does_not_keep_the_event_from_another(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: each subscription stands for itself, on the first try and on the next.

    What breaks it: a mark on the event that the next following takes for its own.
    """
    others = documents(reader.database, "others")
    bad = [1]
    good = Subscription(others, lambda record: str(record["subject"]), tally)
    entries = await writer.log_directly(["a"], 2)
    async with reader.reading(reader.subscription(ones_failing(bad)), good, retry_s=(0.3, 600)):
        await deliver(reader.url, reader.wanted.main, bodies(entries))

        async def other_is_done() -> bool:
            return (await others.get("a")).state == {"seen": [1, 2], "total": 3}

        await eventually(other_is_done, "the other following goes on")
        assert await reader.seen() == {}
        bad.clear()
        await reader.wait_for({"a": [1, 2]})

    assert (await others.get("a")).state == {"seen": [1, 2], "total": 3}


async def test_another_event_under_a_known_number_is_parked_as_a_fork_and_has_no_effect(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: a log that was rewritten is reported, not followed.

    What breaks it: dedupe by event id alone; the same id with other content would pass for a double.
    """
    first, second = await writer.log_directly(["a"], 2)
    same_id = second.body.replace(b'"n":2', b'"n":9')
    other_subject = second.body.replace(b'"subject":"a"', b'"subject":"b"').replace(
        second.event.encode(), first.event[::-1].encode()
    )
    async with reader.reading():
        await deliver(reader.url, reader.wanted.main, bodies([first, second]))
        await reader.wait_received(writer.source, 2)
        await deliver(reader.url, reader.wanted.main, [same_id, other_subject])
        await eventually(lambda: _parked(reader, 2), "two forks")

    assert {one.kind for one in await reader.inbox.parked()} == {"fork"}
    assert await reader.seen() == {"a": [1, 2]}


# --- outages


async def test_a_database_that_goes_away_in_the_middle_loses_and_doubles_nothing(
    writer: Writer, reader: Reader, servers: Stack
) -> None:
    """INVARIANT: acknowledged means durable (R3), also where the consumer ends before the database is back.

    What breaks it: acknowledging before the write is confirmed.
    """
    subjects = [f"s{at}" for at in range(50)]
    entries = await writer.log_directly(subjects, 20)
    proxy = Proxy(int(servers.mongo_url.rpartition(":")[2].partition("/")[0]))
    async with (
        proxy.running() as port,
        open_database(f"mongodb://127.0.0.1:{port}/?directConnection=true", reader.database.name) as behind,
    ):
        cut_off = await Reader.on(behind, reader.url, reader.name, reader.of)
        async with cut_off.reading():
            await deliver(reader.url, reader.wanted.main, bodies(entries[:500]))
            proxy.break_off()
            await deliver(reader.url, reader.wanted.main, bodies(entries[500:]))
            began = time.monotonic()
        took = time.monotonic() - began
        proxy.cut = False
        async with cut_off.reading():
            for _ in range(4):
                await asyncio.sleep(0.1)
                proxy.drop()
            await reader.wait_for({subject: list(range(1, 21)) for subject in subjects}, within_s=30)
            await reader.wait_received(writer.source, 1000)

    assert took < 10


async def test_a_key_beside_an_event_that_is_none_keeps_only_its_own_event_back(
    writer: Writer, reader: Reader
) -> None:
    """INVARIANT: a bad key is a bad message, and harms no other.

    What breaks it: keeping the keys of a batch all together or not at all.
    """
    kept: dict[str, str] = {}
    mended: list[int] = []

    async def keep(wrapped: Mapping[str, str]) -> None:
        if "broken" in wrapped.values() and not mended:
            raise LookupError("no key")
        kept.update(wrapped)

    one, two = await writer.log_directly(["a", "b"], 1)
    sealed = [
        entry.body.replace(b'"n":1', b'"n":1,"sealed":{"box":"","key":"%s"}' % key)
        for entry, key in ((one, b"c1"), (two, b"c2"))
    ]
    async with reader.reading(keep_keys=keep):
        async with a_channel(reader.url) as channel:
            message = aio_pika.Message(pack(sealed), headers={KEYS_HEADER: {"c1": "good", "c2": "broken"}})
            await channel.default_exchange.publish(message, reader.wanted.main)
        await eventually(lambda: _parked(reader, 1), "the event with the broken key is parked")
        assert (kept, await reader.seen()) == ({"c1": "good"}, {"a": [1]})

        mended.append(1)
        await reader.inbox.try_again([two.event], reader.clock())
        await reader.wait_for({"a": [1], "b": [1]})

    assert kept == {"c1": "good", "c2": "broken"}


async def test_stopping_finishes_the_batch_in_hand_and_is_soon(writer: Writer, reader: Reader) -> None:
    """INVARIANT: a graceful stop takes less than 10 s and leaves nothing half done (R11).

    What breaks it: cancelling the write; or waiting for a queue that others fill.
    """
    slow: list[float] = []

    async def after(keys: Sequence[str]) -> None:
        slow.append(1)
        await asyncio.sleep(0.5)

    entries = await writer.log_directly([f"s{at}" for at in range(20)], 5)
    async with reader.reading(reader.subscription(after=after)):
        await deliver(reader.url, reader.wanted.main, bodies(entries))

        async def in_hand() -> bool:
            return bool(slow)

        await eventually(in_hand, "a batch is in hand")
        began = time.monotonic()
    took = time.monotonic() - began

    applied = sum(len(seen) for seen in (await reader.seen()).values())

    async def rest_is_back() -> bool:
        return await left_in(reader.url, reader.wanted.main) == 100 - applied

    assert took < 5
    assert applied > 0
    await eventually(rest_is_back, "what was not applied is in the queue, and nothing else")


async def test_a_failing_callback_stops_nothing_and_is_told_again(writer: Writer, reader: Reader) -> None:
    told: list[str] = []

    async def after(keys: Sequence[str]) -> None:
        told.extend(keys)
        if len(told) == 1:
            raise ValueError("not now")

    entries = await writer.log_directly(["a", "b"], 1)
    async with reader.reading(reader.subscription(after=after)):
        await deliver(reader.url, reader.wanted.main, [entries[0].body])
        await reader.wait_for({"a": [1]})
        await deliver(reader.url, reader.wanted.main, [entries[1].body])
        await reader.wait_for({"a": [1], "b": [1]})

        async def told_again() -> bool:
            return told == ["a", "a", "b"]

        await eventually(told_again, "a is told again with b")


async def test_a_task_that_fails_for_a_reason_nobody_foresaw_is_started_again_and_told_of(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: no task dies in silence; a service that cannot go on says so.

    What breaks it: a bare create_task.
    """
    monkeypatch.setattr(supervisor, "_PAUSES_S", (0.05,))
    broken = [True]
    record = reader.inbox.record

    async def unforeseen(receipts: Sequence[Receipt]) -> list[int]:
        if broken:
            raise LookupError("unforeseen")
        return await record(receipts)

    monkeypatch.setattr(reader.inbox, "record", unforeseen)
    entries = await writer.log_directly(["a"], 1)
    async with reader.reading():
        await deliver(reader.url, reader.wanted.main, bodies(entries))

        async def unwell() -> bool:
            return "consumer-deliveries" in reader.supervisor.failing()

        await eventually(unwell, "the service says that it is unwell")
        broken.clear()
        await reader.wait_received(writer.source, 1)

    assert await reader.seen() == {"a": [1]}
