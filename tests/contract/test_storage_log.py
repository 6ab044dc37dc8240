"""The log: gapless, chained, each event once, whoever appends; and whoever tampers is found."""

import asyncio
from typing import Any

import orjson
import pytest

from shared.events import GENESIS, chain_hash
from shared.outbox.log import Log, verify
from shared.storage.aggregates import Stored, change_of
from shared.storage.database import Database
from tests.contract.message_path import a_stamp, added

pytestmark = pytest.mark.connected

SOURCE = a_stamp("writer").source


def drafts_about(subject: str, count: int) -> list[dict[str, Any]]:
    return list(change_of(Stored(subject), {}, added(*range(count)), a_stamp("writer"), index={}).drafts)


@pytest.fixture
async def log(database: Database) -> Log:
    log = Log(database)
    await log.ensure_indexes()
    return log


async def test_the_bytes_that_are_kept_hold_the_sequence_and_chain_from_genesis(log: Log) -> None:
    await log.append(drafts_about("a", 2))

    first, second = await log.read(SOURCE, 0, 10)

    assert [orjson.loads(entry.body)["sequence"] for entry in (first, second)] == [1, 2]
    assert first.hash == chain_hash(GENESIS, first.body)
    assert second.hash == chain_hash(first.hash, second.body)


async def test_appending_again_logs_nothing_twice(log: Log) -> None:
    """INVARIANT: an event is in the log once, however often its draft is offered.

    What breaks it: an index on the event id that is not unique.
    """
    drafts = drafts_about("a", 5)

    assert len(await log.append(drafts[:3])) == 3
    assert [entry.event for entry in await log.append(drafts)] == [draft["id"] for draft in drafts[3:]]
    assert len(await log.read(SOURCE, 0, 100)) == 5


async def test_sequencers_that_race_leave_one_gapless_chain(database: Database, log: Log) -> None:
    """INVARIANT: the unique sequence is the fence; a lease only saves work.

    What breaks it: numbers from a counter, or a head that is not read again after losing.
    """
    rivals = [Log(database) for _ in range(4)]
    shared = [drafts_about(f"s{at}", 4) for at in range(30)]

    # Each of the four offers all 30 subjects, every one beginning elsewhere: 120 events, offered 480 times.
    async def offer(rival: Log, begin: int) -> None:
        for at in range(30):
            await rival.append(shared[(begin + at) % 30])

    await asyncio.gather(*(offer(rival, 7 * number) for number, rival in enumerate(rivals)))

    verdict = await log.check(SOURCE)
    entries = await log.read(SOURCE, 0, 1000)
    assert (verdict.entries, verdict.broken_at) == (120, None)
    assert len({entry.event for entry in entries}) == 120


async def test_a_head_that_another_process_moved_on_is_read_again(database: Database, log: Log) -> None:
    stale = Log(database)
    assert await stale.head(SOURCE) == (0, GENESIS)
    await log.append(drafts_about("a", 3))

    (entry,) = await stale.append(drafts_about("b", 1))

    assert entry.sequence == 4
    assert (await log.check(SOURCE)).entries == 4


async def test_the_published_position_never_goes_back(log: Log) -> None:
    entries = await log.append(drafts_about("a", 3))

    await log.set_published(entries[2])
    await log.set_published(entries[0])

    position = await log.position(SOURCE)
    assert (position.sequence, position.hash) == (3, entries[2].hash)


async def test_sources_are_told_apart_though_one_begins_like_another(log: Log) -> None:
    for stream in ("a", "ab", "a-b"):
        stamp = a_stamp("writer", stream)
        await log.append(change_of(Stored("x"), {}, added(1), stamp, index={}).drafts)

    assert await log.sources() == ["jiandu/writer/a-b/1", "jiandu/writer/a/1", "jiandu/writer/ab/1"]
    assert len(await log.read("jiandu/writer/a/1", 0, 10)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"source": "jiandu/writer/wuxi/1"},
        {"sequence": 7},
        {"sequence": "5"},
        {"event": "another"},
        {"type": "tally.removed.v1"},
        {"subject": "b"},
        {"body": b"{}"},
        {"body": "text"},
        {"previous": GENESIS},
        {"hash": GENESIS},
    ],
    ids=lambda change: f"{next(iter(change))} {type(next(iter(change.values()))).__name__}",
)
async def test_whatever_column_is_changed_verify_names_the_entry(
    database: Database, log: Log, change: dict[str, Any]
) -> None:
    """INVARIANT: no column of an entry can be changed unseen.

    What breaks it: a check of the chain alone; columns that repeat the body could then lie.
    """
    await log.append(drafts_about("a", 9))

    await database.collection("log").update_one({"_id": f"{SOURCE}#{5:012d}"}, {"$set": change})

    verdict = await log.check(SOURCE)
    assert (verdict.entries, verdict.broken_at) == (4, 5)


@pytest.mark.parametrize("gone", [[1], [5], [9], [6, 7, 8, 9], list(range(1, 10))])
async def test_whatever_is_deleted_verify_names_the_first_that_is_missing(
    database: Database, log: Log, gone: list[int]
) -> None:
    """INVARIANT: nothing that was published can be deleted unseen, the end of the log included.

    What breaks it: a walk over what is there; it cannot see what is cut off the end.
    """
    entries = await log.append(drafts_about("a", 9))
    await log.set_published(entries[-1])

    await database.collection("log").delete_many({"sequence": {"$in": gone}})

    assert (await log.check(SOURCE)).broken_at == gone[0]


async def test_an_entry_slipped_in_or_moved_is_found(database: Database, log: Log) -> None:
    await log.append(drafts_about("a", 4))
    entries = database.collection("log")
    third = await entries.find_one({"sequence": 3})

    await entries.insert_one({**third, "_id": f"{SOURCE}#{2:012d}x", "event": "slipped in"})
    slipped = await log.check(SOURCE)
    await entries.delete_one({"event": "slipped in"})
    await entries.delete_one({"sequence": 3})
    await entries.insert_one({**third, "_id": f"{SOURCE}#{3:012d}x"})
    moved = await log.check(SOURCE)

    assert (slipped.broken_at, moved.broken_at) == (3, 3)


async def test_a_log_written_anew_with_a_chain_of_its_own_is_found(database: Database, log: Log) -> None:
    """INVARIANT: a forger who works out every hash anew is found by what was published.

    What breaks it: a position that keeps the number and not the hash.
    """
    entries = await log.append(drafts_about("a", 4))
    await log.set_published(entries[2])
    await database.collection("log").delete_many({})
    await Log(database).append(drafts_about("forged", 4))

    assert (await log.check(SOURCE)).broken_at == 3


async def test_a_check_that_goes_on_where_another_ended_finds_the_same(log: Log) -> None:
    entries = await log.append(drafts_about("a", 6))

    halves = verify(SOURCE, entries[3:], verify(SOURCE, entries[:3]))

    assert halves == verify(SOURCE, entries)
    assert halves.entries == 6
