"""What an operator sees and does, over HTTP and on the command line."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import typer
import uvicorn
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from typer.testing import CliRunner

from jiandu.operations import cli as operations
from jiandu.stack.processes import free_port
from jiandu.stack.stack import Stack
from shared.broker import connection
from shared.errors import UnauthenticatedError
from shared.identity.access import Caller, Session
from shared.inbox.applier import Decision
from shared.inbox.deliveries import Record
from shared.inbox.store import Inbox
from shared.outbox.log import Entry, Log
from shared.runtime.clock import utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.storage.aggregates import Stored, change_of
from shared.storage.database import Database
from tests.conftest import FreshName
from tests.contract.message_path import Reader, State, Writer, a_channel, deliver, eventually, tally

pytestmark = pytest.mark.connected

BAD: list[int] = []


class Doorkeeper:
    """Knows an operator and a clerk by their tokens."""

    def recognise(self, token: str, now: datetime) -> Caller:
        rights = {"ops": frozenset({"operations.manage"}), "clerk": frozenset[str]()}
        if token not in rights:
            message = "unknown"
            raise UnauthenticatedError(message)
        return Caller(token, token, "group", token, rights[token], sees_all=True)

    def operates(self, caller: Caller) -> bool:
        return caller.sees_all

    def sign_in(self, account: str, password: str, now: datetime) -> Session:
        return Session(account, now, self.recognise(account, now))


@dataclass
class HttpContext:
    """As much of a service as the routes need."""

    inbox: Inbox
    log: Log
    database: Database
    access: Doorkeeper
    unwell: dict[str, str]

    clock = staticmethod(utc_now)

    async def ready(self) -> dict[str, str]:
        return {}

    def failing(self) -> dict[str, str]:
        return self.unwell


def picky(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
    if any(record["data"]["n"] in BAD for record in records):
        message = "not this one"
        raise LookupError(message)
    return tally(stored, records)


@pytest.fixture
async def writer(servers: Stack, other_database: Database, fresh_name: FreshName) -> Writer:
    return await Writer.on(other_database, servers.amqp_url, fresh_name("writer"))


@pytest.fixture
async def reader(servers: Stack, database: Database, fresh_name: FreshName, writer: Writer) -> Reader:
    reader = await Reader.on(database, servers.amqp_url, fresh_name("reader"), writer.name)
    async with a_channel(reader.url) as channel:
        await connection.declare(channel, reader.wanted)
    return reader


def not_opened(settings: Settings) -> AbstractAsyncContextManager[Service[None]]:
    """Stand for a service: the routes get their context from the test."""
    raise NotImplementedError


@pytest.fixture
def app(writer: Writer, reader: Reader) -> FastAPI:
    app = service_app("reader", not_opened)
    app.state.context = HttpContext(reader.inbox, writer.log, writer.database, Doorkeeper(), {})
    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[AsyncClient]:
    headers = {"Authorization": "Bearer ops"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://reader", headers=headers) as client:
        yield client


@pytest.fixture
async def parked(writer: Writer, reader: Reader) -> AsyncIterator[list[Entry]]:
    """Three subjects with two events each; the second of each is parked, and then the reader goes on."""
    BAD[:] = [2]
    entries = await writer.log_directly(["a", "b", "c"], 3)
    told = {writer.source: 3}
    await writer.things.save_many(
        [change_of(Stored(key, ordinals=told), {}, (), None, index={}) for key in "abc"]
    )
    async with reader.reading(reader.subscription(picky), retry_s=()):
        await deliver(reader.url, reader.wanted.main, [entry.body for entry in entries] + [b"garbage"])

        async def all_parked() -> bool:
            return len(await reader.inbox.parked()) == 4

        await eventually(all_parked, "three and the garbage are parked")
        yield entries


async def test_parked_messages_are_shown_in_groups_with_what_is_sealed_masked(
    http: AsyncClient, parked: list[Entry], reader: Reader
) -> None:
    sealed = {"key": "c1", "box": "c2VjcmV0"}
    body = parked[3].body.replace(b'"n":2', b'"n":2,"sealed":{"box":"c2VjcmV0","key":"c1"}')
    await reader.database.collection("parked").update_one({"_id": parked[3].event}, {"$set": {"body": body}})

    groups = (await http.get("/v1/operations/parked")).json()["items"]

    assert [(group["count"], group["kind"]) for group in groups] == [(3, "failing"), (1, "unreadable")]
    shown = {one["id"]: one for one in groups[0]["messages"]}
    assert shown[parked[3].event]["body"]["data"] == {"n": 2, "sealed": {**sealed, "box": "***"}}
    assert shown[parked[3].event]["reason"] == "LookupError: not this one"
    assert groups[1]["messages"][0]["body"] is None


async def test_a_group_is_replayed_once_its_cause_is_mended(
    http: AsyncClient, parked: list[Entry], reader: Reader
) -> None:
    (group, _) = (await http.get("/v1/operations/parked")).json()["items"]
    BAD.clear()

    answer = await http.post("/v1/operations/parked/replay", json={"fingerprint": group["fingerprint"]})

    assert answer.json() == {"count": 3}
    await reader.wait_for({key: [1, 2, 3] for key in "abc"})

    async def only_garbage_is_left() -> bool:
        status = (await http.get("/v1/operations/log")).json()
        return (status["waiting"], status["retrying"], status["parked"]) == (0, 0, 1)

    await eventually(only_garbage_is_left, "only the garbage is left")


async def test_a_discarded_message_is_gone_and_what_waited_for_it_goes_on(
    http: AsyncClient, parked: list[Entry], reader: Reader
) -> None:
    body = {"ids": [parked[3].event], "reason": "sent by a test"}

    assert (await http.post("/v1/operations/parked/discard", json=body)).json() == {"count": 1}

    await reader.wait_for({"a": [1, 3], "b": [1], "c": [1]})
    assert len(await reader.inbox.parked()) == 3


async def test_the_state_of_the_logs_names_heads_gaps_and_what_is_set_aside(
    http: AsyncClient, parked: list[Entry], writer: Writer, reader: Reader
) -> None:
    await reader.inbox.heard({writer.source: 12})

    status = (await http.get("/v1/operations/log")).json()

    assert status["own"] == [{"source": writer.source, "head": 9, "published": 0}]
    # 4, 5 and 6 are parked; 10 to 12 were announced and never came.
    assert status["followed"] == [
        {
            "source": writer.source,
            "head": 12,
            "received": 3,
            "missing": 6,
            "gaps": [[4, 6], [10, 12]],
            "holes": [[4, 6], [10, 12]],
            "aside": 3,
        }
    ]
    assert (status["waiting"], status["parked"]) == (3, 4)


async def test_verifying_names_the_first_broken_entry(
    http: AsyncClient, parked: list[Entry], writer: Writer
) -> None:
    await writer.database.collection("log").update_one({"sequence": 5}, {"$set": {"subject": "z"}})

    (verdict,) = (await http.post("/v1/operations/log/verify")).json()["logs"]

    assert (verdict["holds"], verdict["entries"], verdict["broken_at"]) == (False, 4, 5)
    assert verdict["reason"] == "its columns differ from its body"


async def test_verifying_names_the_documents_that_were_edited(
    http: AsyncClient, parked: list[Entry], writer: Writer
) -> None:
    await writer.things.collection.update_one({"_id": "b"}, {"$set": {"state": {"total": 1000}}})
    await writer.things.collection.delete_one({"_id": "c"})

    found = (await http.post("/v1/operations/log/verify")).json()["documents"]

    assert [(one["collection"], one["documents"], one["holds"], one["edited"]) for one in found] == [
        ("things", 2, False, 1),
        ("", 0, False, 1),
    ]
    assert [(each["id"], each["reason"]) for one in found for each in one["named"]] == [
        ("b", "it was changed outside the service: its seal does not fit"),
        ("c", "it is gone; the log knows what it told"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/parked"),
        ("POST", "/parked/replay"),
        ("POST", "/parked/discard"),
        ("GET", "/log"),
        ("POST", "/log/verify"),
    ],
)
async def test_only_who_has_the_right_operates(http: AsyncClient, method: str, path: str) -> None:
    body = {"ids": ["x"], "reason": "because"} if "discard" in path else {"ids": ["x"]}
    for token, status in (("clerk", 403), ("nobody", 401)):
        answer = await http.request(
            method, f"/v1/operations{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["a"], "fingerprint": "f"}, {"ids": ["a"], "all": True}]
)
async def test_it_must_be_said_which_messages_are_meant(http: AsyncClient, body: dict[str, Any]) -> None:
    assert (await http.post("/v1/operations/parked/replay", json=body)).status_code == 422


async def test_a_process_whose_tasks_cannot_go_on_is_not_alive(http: AsyncClient, app: FastAPI) -> None:
    assert (await http.get("/health/live")).status_code == 200

    app.state.context.unwell["relay-sequencer"] = "ended 3 times in a row"

    answer = await http.get("/health/live")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")


async def test_the_commands_list_replay_discard_show_and_verify(
    app: FastAPI, parked: list[Entry], reader: Reader, writer: Writer
) -> None:
    port = free_port(set())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    commands = typer.Typer()
    commands.add_typer(operations.parked_app)
    commands.add_typer(operations.log_app)

    async def run(*words: str) -> tuple[int, str]:
        here = ["--url", f"http://127.0.0.1:{port}", "--account", "ops", "--password", "x"]
        line = [words[0], *here, *words[1:]]
        done = await asyncio.to_thread(CliRunner().invoke, commands, line, env={"COLUMNS": "80"})
        return done.exit_code, done.output

    async def up() -> bool:
        return server.started

    await eventually(up, "the server is up")
    try:
        _, listed = await run("parked", "list")
        # Whole, however narrow the terminal: they are copied into the next command.
        assert "  why      LookupError: not this one\n" in listed
        (failing, unreadable) = (
            await reader.inbox.parked(limit=1),
            await reader.inbox.parked("unreadable:?:not JSON"),
        )
        assert f"  group    {failing[0].fingerprint}\n  example  {failing[0].id}\n" in listed
        assert f"  group    unreadable:?:not JSON\n  example  {unreadable[0].id}\n" in listed
        code, told = await run("parked", "discard", parked[4].event, "--reason", "x")
        assert (code, "3 letters or more" in told) == (2, True)
        code, told = await run("parked", "discard", parked[4].event, "--reason", "a test")
        assert (code, told.endswith(": 1 message given up.\n")) == (0, True)
        await reader.wait_for({"a": [1], "b": [1, 3], "c": [1]})
        BAD.clear()
        code, told = await run("parked", "replay", parked[3].event, parked[5].event, "--json")
        assert (code, '"count": 2' in told) == (0, True)
        await reader.wait_for({"a": [1, 2, 3], "b": [1, 3], "c": [1, 2, 3]})

        async def settled() -> bool:
            return "0 events early, 0 tried again, 1 parked" in (await run("log", "status"))[1]

        await eventually(settled, "the status says that all is settled")
        assert (await run("log", "verify"))[0] == 0
        await writer.things.collection.update_one({"_id": "a"}, {"$set": {"state": {"total": 1000}}})
        code, verdict = await run("log", "verify")
        assert (code, "things a: it was changed outside the service" in verdict) == (1, True)
        await writer.database.collection("log").delete_one({"sequence": 2})
        code, verdict = await run("log", "verify")
        assert (code, "broken at 2: entry 2 is missing" in verdict) == (1, True)
        assert (await run("parked", "replay", "x", "--group", "y"))[0] == 2
        code, told = await run("parked", "replay", "nothing", "--json")
        assert (code, '"count": 0' in told, "not parked, so not tried again: 1 of 1, nothing." in told) == (
            1,
            True,
            True,
        )
    finally:
        server.should_exit = True
        await serving
