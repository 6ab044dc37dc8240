"""Seals: what was changed in the database by hand is named. Each test edits as somebody with the database's password."""

import asyncio
from typing import Any

import pytest

from shared.outbox.integrity import check_documents
from shared.outbox.log import Log
from shared.storage.aggregates import Aggregates, Stored, change_of
from shared.storage.database import Database
from tests.contract.message_path import State, a_stamp, added, documents

pytestmark = pytest.mark.connected

FITS_NOT = "it was changed outside the service: its seal does not fit"


@pytest.fixture
async def things(database: Database) -> Aggregates[State]:
    """Three documents, each with one event in the log, and nothing pending."""
    things, log = documents(database), Log(database)
    await things.ensure_indexes()
    await log.ensure_indexes()
    for key in "abc":
        await told(things, Stored(key), log, 1)
    return things


async def told(things: Aggregates[State], stored: Stored[State], log: Log, n: int) -> None:
    """Write a document with an event, and bring the event into the log as the relay does."""
    change = change_of(stored, {"n": n}, added(n), a_stamp("writer"), index={"n": n, "due": None})
    await things.save(change)
    (entry,) = await log.append(change.drafts)
    await things.clear({stored.id: [entry.event]})


async def named(database: Database) -> dict[tuple[str, str], str]:
    found = await check_documents(database, Log(database))
    return {(one.collection, edited.id): edited.reason for one in found for edited in one.edited}


async def test_what_the_service_wrote_holds(things: Aggregates[State], database: Database) -> None:
    """Also where a change names some of the index fields only, and while an event is still pending."""
    stored = await things.get("a")
    await things.save(change_of(stored, {"n": 2}, added(2), a_stamp("writer"), index={"due": None}))

    (checked,) = await check_documents(database, Log(database))

    assert (checked.collection, checked.documents, checked.edited) == ("things", 3, ())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"$set": {"state.n": 9}}, id="its state"),
        pytest.param({"$set": {"n": 9}}, id="a field that it is found by"),
        pytest.param({"$set": {"extra": 1}}, id="a field more"),
        pytest.param({"$unset": {"due": ""}}, id="a field less"),
        pytest.param({"$set": {"version": 7}}, id="its version"),
        pytest.param({"$set": {"ordinals": {}}}, id="what it told"),
    ],
)
async def test_an_edited_document_is_named(
    things: Aggregates[State], database: Database, edit: dict[str, Any]
) -> None:
    """INVARIANT: nobody changes a document without the service's key and stays unseen (FIELD vector 7).

    What breaks it: a seal over the state alone. What a document is found by decides what a month is folded from.
    """
    await things.collection.update_one({"_id": "b"}, edit)

    assert await named(database) == {("things", "b"): FITS_NOT}


async def test_a_document_in_another_s_place_is_named(things: Aggregates[State], database: Database) -> None:
    other = await things.collection.find_one({"_id": "a"})

    await things.collection.replace_one({"_id": "b"}, {**other, "_id": "b"})

    assert await named(database) == {("things", "b"): FITS_NOT}


async def test_a_document_without_a_seal_is_named(things: Aggregates[State], database: Database) -> None:
    await things.collection.update_one({"_id": "b"}, {"$unset": {"seal": ""}})
    await database.collection("slipped-in").insert_one({"_id": "x", "n": 1})

    assert await named(database) == {
        ("things", "b"): "it carries no seal",
        ("slipped-in", "x"): "it is no document of the service",
    }


async def test_an_earlier_content_that_was_put_back_is_named(
    things: Aggregates[State], database: Database
) -> None:
    """Its seal fits; but the log knows of an event that it has not told yet."""
    earlier = await things.collection.find_one({"_id": "b"})
    await told(things, await things.get("b"), Log(database), 2)

    await things.collection.replace_one({"_id": "b"}, earlier)

    assert await named(database) == {
        ("things", "b"): "the log jiandu/writer/chongqing/1 holds its event 2, which it does not know: "
        "an earlier content was put back"
    }


async def test_a_document_that_was_removed_is_named(things: Aggregates[State], database: Database) -> None:
    await things.collection.delete_one({"_id": "b"})

    assert await named(database) == {("", "b"): "it is gone; the log knows what it told"}


async def test_an_event_that_was_taken_out_of_the_log_is_named_by_what_told_it(
    things: Aggregates[State], database: Database
) -> None:
    await database.collection("log").delete_one({"subject": "c"})

    assert await named(database) == {
        ("things", "c"): "its event 1 is not in the log jiandu/writer/chongqing/1"
    }


async def test_another_key_makes_no_seal_that_fits(things: Aggregates[State], database: Database) -> None:
    """What breaks it: a hash without a key, which anybody who edits can make anew."""
    forger = documents(Database(database.client, database.name, b"another key"))

    await forger.save(change_of(await forger.get("b"), {"n": 9}, (), None, index={}))

    assert await named(database) == {("things", "b"): FITS_NOT}


async def test_documents_that_change_while_they_are_looked_at_are_not_named(
    things: Aggregates[State], database: Database
) -> None:
    async def write() -> None:
        log = Log(database)
        for n in range(30):
            await told(things, await things.get("a"), log, n)

    _, *found = await asyncio.gather(write(), *(named(database) for _ in range(10)))

    assert found == [{}] * 10
