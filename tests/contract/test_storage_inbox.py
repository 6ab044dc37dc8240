"""The inbox: gaps, forks, early events, and what is set aside."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.inbox.store import Inbox, Parked, Receipt, Waiting
from shared.storage.database import Database
from shared.storage.lease import Lease
from tests.contract.message_path import NOON, eventually

pytestmark = pytest.mark.connected

SOURCE = "jiandu/writer/chongqing/1"


def receipts(*numbers: int, hash_: str = "h") -> list[Receipt]:
    return [Receipt(SOURCE, number, f"{hash_}{number}") for number in numbers]


def a_parked(id_: str = "e1", sequence: int = 1) -> Parked:
    return Parked(
        id=id_,
        fingerprint="failing:t:here",
        reason="why",
        type="t",
        subject="s",
        body=b"{}",
        attempts=1,
        parked_at=NOON,
        source=SOURCE,
        sequence=sequence,
    )


@pytest.fixture
async def inbox(database: Database) -> Inbox:
    inbox = Inbox(database)
    await inbox.ensure_indexes()
    return inbox


# --- gaps


async def test_gaps_are_what_is_between_and_what_a_source_announced_beyond(inbox: Inbox) -> None:
    await inbox.heard({SOURCE: 9})
    await inbox.record(receipts(1, 2, 5, 7))

    (gaps,) = await inbox.gaps()

    # 1 and 2 are there; 3-4, 6 and 8-9 are not.
    assert (gaps.received, gaps.head) == (2, 9)
    assert gaps.missing == ((3, 4), (6, 6), (8, 9))


async def test_a_source_heard_of_for_the_first_time_is_missing_from_its_beginning(inbox: Inbox) -> None:
    """INVARIANT: who begins to follow gets the whole history.

    What breaks it: taking the first number that arrives for the beginning.
    """
    await inbox.heard({SOURCE: 57})
    await inbox.record(receipts(57))

    (gaps,) = await inbox.gaps()

    assert (gaps.received, gaps.missing) == (0, ((1, 56),))


async def test_a_gap_closes_when_it_is_filled_in_whatever_order(inbox: Inbox) -> None:
    await inbox.heard({SOURCE: 1})
    found = []
    for numbers in ([10, 3], [1, 2], [9, 5], [4, 6, 7], [8]):
        await inbox.record(receipts(*numbers))
        found.append((await inbox.gaps())[0])

    assert [gaps.received for gaps in found] == [0, 3, 3, 7, 10]
    assert found[-1].missing == ()


async def test_looking_for_gaps_costs_what_is_new_not_what_there_is(database: Database, inbox: Inbox) -> None:
    """INVARIANT: the cost does not grow with history, not even behind a gap that is never filled.

    What breaks it: counting from the gapless mark; one lost event would make each look dearer for ever.
    """
    await inbox.heard({SOURCE: 1})
    await inbox.record(receipts(*(number for number in range(1, 5001) if number % 1000)))
    await inbox.gaps()
    await inbox.record(receipts(5001, 5002, 5003))
    await database.client[database.name].command("profile", 2)

    (gaps,) = await inbox.gaps()

    await database.client[database.name].command("profile", 0)
    rows = await database.collection("system.profile").find({"ns": f"{database.name}.received"}).to_list(None)
    # Five gaps asked for, three numbers new, and where each question ends.
    assert sum(row["keysExamined"] for row in rows) <= 20
    assert (gaps.received, len(gaps.missing)) == (999, 5)


# --- forks


async def test_other_bytes_under_a_known_number_are_a_fork_and_the_same_bytes_are_not(inbox: Inbox) -> None:
    """INVARIANT: one number has one event, and one id has one body.

    What breaks it: comparing event ids; a log that was restored and went on gives old ids to new facts.
    """
    await inbox.record(receipts(1, 2, 3))

    again = receipts(2, 4)
    other = receipts(3, hash_="other")

    assert await inbox.forks([*again, *other]) == [2]
    assert await inbox.record([*again, *other]) == [2]
    assert await inbox.forks(receipts(3)) == []


# --- early events


async def test_an_event_may_wait_for_two_documents_and_is_forgotten_for_each_alone(inbox: Inbox) -> None:
    """INVARIANT: what one collection has applied still waits for the other.

    What breaks it: keeping an early event under its id alone.
    """
    early = [Waiting("cases", "s", "e1", b"{}"), Waiting("tasks", "s", "e1", b"{}")]
    await inbox.wait(early)
    await inbox.wait(early)

    await inbox.no_longer_waiting(["cases:e1"])

    assert await inbox.waiting_for("cases", ["s"]) == []
    assert await inbox.waiting_for("tasks", ["s"]) == [early[1]]


# --- set aside


async def test_a_message_set_aside_twice_keeps_its_first_attempts(inbox: Inbox) -> None:
    first = replace(a_parked(), due=NOON)
    await inbox.set_aside([first])
    await inbox.failed_again(first, reason="again", fingerprint="f", due=NOON + timedelta(seconds=10))

    await inbox.set_aside([first])

    (kept,) = await inbox.due(NOON + timedelta(seconds=10), 10)
    assert (kept.attempts, kept.reason) == (2, "again")


async def test_two_replicas_that_try_at_once_count_one_failure(inbox: Inbox) -> None:
    first = replace(a_parked(), due=NOON)
    await inbox.set_aside([first])
    for _ in range(2):
        await inbox.failed_again(first, reason="again", fingerprint="f", due=NOON)

    (kept,) = await inbox.due(NOON, 10)
    assert kept.attempts == 2


async def test_a_fork_cannot_be_tried_again(inbox: Inbox) -> None:
    await inbox.set_aside([a_parked("e1"), replace(a_parked("fork:e2"), kind="fork")])

    assert await inbox.try_again(["e1", "fork:e2"], NOON) == 1
    assert [one.id for one in await inbox.parked()] == ["fork:e2"]


async def test_a_discarded_message_is_kept_with_who_and_why(database: Database, inbox: Inbox) -> None:
    await inbox.set_aside([a_parked()])

    await inbox.discard(await inbox.parked(), "sent by mistake", "ops", NOON)

    row = await database.collection("discarded").find_one({"_id": "e1"})
    assert (row["why"], row["by"], row["at"]) == ("sent by mistake", "ops", NOON)
    assert await inbox.parked() == []


# --- leases


async def test_one_of_two_holds_a_lease_and_the_other_after_its_end(database: Database) -> None:
    one, two = (Lease(database, "job", owner, timedelta(seconds=0.4)) for owner in ("one", "two"))

    assert [await one.hold(), await two.hold(), await one.hold()] == [True, False, True]
    await eventually(two.hold, "the lease ends", within_s=3)
    assert not await one.hold()
    await one.release()
    assert not await one.hold()
    await two.release()
    assert await one.hold()


# --- cost


async def test_no_question_to_the_inbox_reads_a_whole_collection(database: Database, inbox: Inbox) -> None:
    """INVARIANT: every query has an index.

    What breaks it: a new query, or an index that another field order replaced.
    """
    await inbox.heard({SOURCE: 9})
    await inbox.record(receipts(1, 2, 5))
    await inbox.gaps()
    await database.client[database.name].command("profile", 2)

    await inbox.record(receipts(2, 3))
    await inbox.forks(receipts(2, 3))
    await inbox.gaps()
    await inbox.wait([Waiting("cases", "s", "e1", b"{}")])
    await inbox.waiting_for("cases", ["s", "t"])
    await inbox.waiting_after("", 10)
    await inbox.no_longer_waiting(["cases:e1"])
    await inbox.set_aside([a_parked(), replace(a_parked("e2"), due=NOON)])
    await inbox.due(NOON, 10)
    await inbox.aside(SOURCE)
    await inbox.parked("failing:t:here")
    await inbox.parked(ids=["e1"])
    await inbox.try_again(["e1"], NOON)
    await inbox.unpark(["e1"])

    await database.client[database.name].command("profile", 0)
    rows = await database.collection("system.profile").find({"op": {"$ne": "insert"}}).to_list(None)
    read_whole = {row["ns"].partition(".")[2] for row in rows if row.get("planSummary") == "COLLSCAN"}
    # One row a source: it is read whole on purpose.
    assert read_whole == {"received_heads"}
