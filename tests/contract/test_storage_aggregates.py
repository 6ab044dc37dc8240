"""Documents: state, pending events and index fields are written together or not at all."""

import asyncio
from typing import Any

import pytest

from shared.errors import StaleWriteError
from shared.storage.aggregates import (
    PENDING_CAP,
    Aggregates,
    Change,
    OutboxFullError,
    Stored,
    UnstorableError,
    change_of,
)
from shared.storage.database import Database
from tests.contract.message_path import State, a_stamp, added, documents

pytestmark = pytest.mark.connected


@pytest.fixture
async def things(database: Database) -> Aggregates[State]:
    things = documents(database)
    await things.ensure_indexes()
    return things


def a_change(stored: Stored[State], n: int, *numbers: int) -> Change[State]:
    return change_of(stored, {"n": n}, added(*numbers), a_stamp("writer"), index={"n": n})


async def raw(things: Aggregates[State], key: str) -> dict[str, Any]:
    found: dict[str, Any] = await things.collection.find_one({"_id": key})
    return found


async def test_state_events_and_index_fields_are_written_together(things: Aggregates[State]) -> None:
    await things.save(a_change(Stored("a"), 1, 7, 8))

    document = await raw(things, "a")

    assert (document["state"], document["version"], document["n"]) == ({"n": 1}, 1, 1)
    assert [draft["data"]["n"] for draft in document["pending"]] == [7, 8]
    assert [draft["ordinal"] for draft in document["pending"]] == [1, 2]


async def test_of_two_writers_from_one_version_the_second_is_refused_and_leaves_nothing(
    things: Aggregates[State],
) -> None:
    """INVARIANT: a write that is not based on the newest version changes nothing, not even pending events.

    What breaks it: a filter without the version; both events would be told, and one of the states lost.
    """
    await things.save(a_change(Stored("a"), 1))
    stored = await things.get("a")

    await things.save(a_change(stored, 2, 20))
    with pytest.raises(StaleWriteError):
        await things.save(a_change(stored, 3, 30))

    document = await raw(things, "a")
    assert (document["state"], document["version"]) == ({"n": 2}, 2)
    assert [draft["data"]["n"] for draft in document["pending"]] == [20]


async def test_an_insert_does_not_overwrite_a_document_that_came_first(things: Aggregates[State]) -> None:
    await things.save(a_change(Stored("a"), 1))

    with pytest.raises(StaleWriteError):
        await things.save(a_change(Stored("a"), 2))

    assert (await things.get("a")).state == {"n": 1}


async def test_among_many_shared_writes_exactly_those_that_lost_are_told_so(
    things: Aggregates[State],
) -> None:
    """INVARIANT: each caller of a shared write learns what became of its own change.

    What breaks it: judging by the bulk's counts; they say how many lost, and not which.
    """
    await things.save_many([a_change(Stored(f"d{at}"), 0) for at in range(20)])
    stored = await things.get_many([f"d{at}" for at in range(20)])
    # Two writers for each of 20 documents, in one shared write: 20 win, 20 lose.
    changes = [a_change(stored[f"d{at % 20}"], 100 + at, at) for at in range(40)]

    answers = await asyncio.gather(*(things.save(change) for change in changes), return_exceptions=True)

    won = {
        change.stored.id: change.state for change, answer in zip(changes, answers, strict=True) if not answer
    }
    assert len(won) == 20
    assert sum(isinstance(answer, StaleWriteError) for answer in answers) == 20
    assert won == {one.id: one.state for one in (await things.get_many(won)).values()}


async def test_saving_a_change_again_whose_answer_was_lost_says_that_it_is_saved(
    things: Aggregates[State],
) -> None:
    """INVARIANT: an unknown outcome can be asked for by saving again: the event is told once.

    What breaks it: a token that is new for each attempt; the change would look like a stranger's.
    """
    await things.save_many([a_change(Stored("a"), 1)])
    change = a_change(await things.get("a"), 2, 20)

    assert await things.save_many([change]) == [None]
    assert await things.save_many([change]) == [None]

    document = await raw(things, "a")
    assert (document["version"], len(document["pending"])) == (2, 1)


@pytest.mark.parametrize(
    "bad",
    [{"n": 1 << 70}, {"text": "\ud800"}, {"text": "x" * 17_000_000}],
    ids=["a number beyond 64 bits", "half a character", "more than a document holds"],
)
async def test_a_record_that_cannot_be_stored_fails_alone(things: Aggregates[State], bad: State) -> None:
    """INVARIANT: one bad item of a shared write fails alone.

    What breaks it: the driver refuses the whole bulk before it sends anything.
    """
    changes = [
        change_of(Stored(key), state, (), None, index={}) for key, state in (("good", {}), ("bad", bad))
    ]

    good, refused = await asyncio.gather(*(things.save(change) for change in changes), return_exceptions=True)

    assert good is None
    assert isinstance(refused, UnstorableError)
    assert "xxx" not in str(refused)
    assert [stored.id for stored in await things.find({})] == ["good"]


async def test_beyond_the_cap_events_are_refused_and_none_is_dropped(things: Aggregates[State]) -> None:
    """INVARIANT: a full outbox refuses the whole write.

    What breaks it: `$slice` on pending, which would drop the oldest.
    """
    await things.save(a_change(Stored("a"), 1, *range(PENDING_CAP)))
    stored = await things.get("a")

    with pytest.raises(OutboxFullError):
        await things.save(a_change(stored, 2, 1))
    pending = (await raw(things, "a"))["pending"]
    await things.clear({"a": [pending[0]["id"]]})
    await things.save(a_change(stored, 2, 1))

    document = await raw(things, "a")
    # 500 - 1 taken off + 1 new.
    assert (document["version"], len(document["pending"])) == (2, PENDING_CAP)


async def test_clearing_takes_off_exactly_the_logged_events_and_no_version(things: Aggregates[State]) -> None:
    """INVARIANT: the sequencer clears by event id and leaves the version alone.

    What breaks it: emptying the list; an event that was added meanwhile would never be logged.
    """
    await things.save(a_change(Stored("a"), 1, 10, 11))
    ((_, logged),) = await things.pending(10)
    await things.save(a_change(await things.get("a"), 2, 12))

    await things.clear({"a": [draft["id"] for draft in logged]})

    document = await raw(things, "a")
    assert [draft["data"]["n"] for draft in document["pending"]] == [12]
    assert document["version"] == 2


async def test_a_cleared_document_is_no_longer_in_the_index_of_pending_events(
    things: Aggregates[State],
) -> None:
    await things.save_many([a_change(Stored(f"d{at}"), 0, at) for at in range(50)])
    await things.clear({key: [draft["id"] for draft in drafts] for key, drafts in await things.pending(49)})

    plan = await things.collection.find({"pending.id": {"$exists": True}}).explain()

    assert plan["executionStats"]["totalKeysExamined"] == 1
    assert plan["executionStats"]["totalDocsExamined"] == 1
