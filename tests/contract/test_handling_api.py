"""Handling over HTTP, on real MongoDB and RabbitMQ: the shell around the decisions. Now is 1 July 2026, 10:00."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aio_pika
import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from jiandu.stack.stack import Stack
from services.handling.app import Parts, create_app, serving
from services.handling.store import LIVE, NEWEST_FIRST, Page, due_query, page_query
from shared.events.intake import ComplaintRegistered, ImportDeclared
from shared.messaging import topology
from shared.messaging.link import declare
from shared.storage import open_database
from tests.builders_facts import SEALED, at
from tests.conftest import FreshName
from tests.contract import scoring_world
from tests.contract.callback_world import PASSWORD, settings_for, until

pytestmark = pytest.mark.connected

BRANCH = "chongqing-branch"
NOW = at("2026-07-01 10:00")
ACCOUNTS = {
    "supervisor": ("group", "supervisor"),
    "officer": (BRANCH, "branch-officer"),
    "wuxi": ("wuxi-branch", "branch-officer"),
    "caller": (BRANCH, "caller"),
    "importer": ("chongqing", "importer"),
}


@dataclass
class World(scoring_world.World):
    """Handling, and the others as it hears them."""

    parts: Any
    now: datetime = NOW
    used: int = field(default=0)

    async def registered(
        self, number: int, received: datetime, unit: str = BRANCH, *, imported: bool = False
    ) -> UUID:
        """Tell of a registration."""
        complaint = UUID(int=number)
        event = ComplaintRegistered(
            complaint_id=complaint,
            number=str(number),
            site="chongqing",
            unit=unit,
            kind="complaint",
            class_="general",
            channel="visit",
            received_at=received,
            registered_at=received,
            registered_by="clerk",
            complete=True,
            customer="c",
            sealed=SEALED,
            command_key="k",
            imported=imported,
        )
        self.told.tell("intake", str(complaint), unit, received, event)
        return complaint

    async def there(self) -> None:
        """Send what was told, and wait until it has arrived."""
        await self.send()
        wanted = {one["source"]: one["sequence"] for one in self.told.envelopes}

        async def arrived() -> bool:
            received = await self.parts.base.inbox.watermark()
            return all(received.get(source, 0) >= count for source, count in wanted.items())

        await until(arrived, within_s=60)


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("handling")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(servers.mongo_url, settings.database("handling"))
        )
        stack.push_async_callback(database.drop)
        connection = await aio_pika.connect(settings.amqp_url.get_secret_value())
        stack.push_async_callback(connection.close)
        channel = await connection.channel()
        await declare(channel, topology("handling", "group"))
        parts: Parts = await stack.enter_async_context(serving(settings))
        world = World(channel, parts, "jinke")
        parts.base.clock = lambda: world.now
        scoring_world.directory(world, ACCOUNTS)
        world.told.organisation()
        await world.there()
        for number in range(1, 31):
            unit = "wuxi-branch" if number % 3 == 0 else BRANCH
            # Two at a time share their moment, so that a page may end between them.
            await world.registered(number, NOW - timedelta(minutes=number // 2), unit)
        await world.there()
        yield world


class Api:
    """The service as one account sees it."""

    def __init__(self, world: World, account: str) -> None:
        app = create_app()
        base = world.parts.base
        app.state.front, app.state.use = base, world.parts.use
        self._world = world
        self._client = AsyncClient(transport=ASGITransport(app=app), base_url="http://handling")
        token = base.access.sign_in(account, PASSWORD, base.clock()).token
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str = "", **query: str | int) -> Response:
        return await self._client.get(f"/v1/cases{path}", params=query, headers=self._headers)

    async def do(self, complaint: UUID, key: str = "", **body: object) -> Response:
        self._world.used += 1
        headers = {**self._headers, "Idempotency-Key": key or f"key-{self._world.used:06d}"}
        path = f"/v1/cases/{complaint}/commands"
        return await self._client.post(path, json=body, headers=headers)


async def walked(api: Api, **query: str | int) -> list[str]:
    """Return the ids on all pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await api.get("", **query, **({"cursor": cursor} if cursor else {}))).json()
        found += [one["complaint_id"] for one in page["cases"]]
        cursor = page["next"]
        if cursor is None:
            return found


async def test_pages_hold_every_case_once_the_newest_first(world: World) -> None:
    """What breaks it: a cursor of the moment alone, where two cases share one."""
    # Every third of thirty is Wuxi's: twenty are the branch's.
    mine = await walked(Api(world, "officer"), limit=3)
    all_ = await walked(Api(world, "supervisor"), limit=7, status="open")

    assert (len(mine), len(set(mine)), len(set(all_))) == (20, 20, 30)
    assert set(mine) < set(all_)
    assert all_[0] == str(UUID(int=1))
    assert (await Api(world, "officer").get(cursor="x")).status_code == 422
    assert (await Api(world, "officer").get(status="x")).status_code == 422


@pytest.mark.parametrize("path", ["/{}", "/{}/history"])
async def test_a_foreign_case_looks_like_one_that_is_not_here(world: World, path: str) -> None:
    api = Api(world, "wuxi")

    foreign, missing = await api.get(path.format(UUID(int=1))), await api.get(path.format(UUID(int=9_999)))

    assert (foreign.status_code, missing.json()["code"]) == (404, "not-yet-here")
    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    assert foreign.headers["retry-after"] == missing.headers["retry-after"]


async def test_a_foreign_case_is_not_commanded(world: World) -> None:
    withdraw = {"do": "withdraw", "reason": "x"}

    foreign = await Api(world, "wuxi").do(UUID(int=1), **withdraw)
    missing = await Api(world, "wuxi").do(UUID(int=9_999), **withdraw)

    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}


async def test_a_command_is_carried_out_once_per_key(world: World) -> None:
    api, case = Api(world, "officer"), UUID(int=2)

    first = await api.do(case, key="withdraw-1", do="withdraw", reason="业主撤回")
    again = await api.do(case, key="withdraw-1", do="withdraw", reason="业主撤回")
    other = await api.do(case, key="withdraw-1", do="withdraw", reason="另一理由")

    assert (first.status_code, again.json(), other.status_code) == (200, first.json(), 409)
    assert other.json()["code"] == "idempotency-key-reused"


async def test_of_two_commands_at_once_the_second_is_judged_on_what_the_first_left(world: World) -> None:
    """INVARIANT: a write that lost decides anew.

    What breaks it: saving what was read before.
    """
    api, case = Api(world, "officer"), UUID(int=4)

    answers = await asyncio.gather(*(api.do(case, do="withdraw", reason=str(n)) for n in range(4)))

    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]


async def test_rights_are_asked_for_each_command(world: World) -> None:
    case = UUID(int=5)
    late = {"do": "withdraw", "reason": "x", "at": "2026-07-01T01:59:00Z"}

    assert (await Api(world, "caller").get()).status_code == 403
    assert (await Api(world, "officer").do(case, **late)).status_code == 403
    refused = await Api(world, "supervisor").do(case, do="transfer", to_unit="nowhere", reason="x")
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "to_unit")
    assert (await Api(world, "importer").do(case, **late)).status_code == 200


@pytest.mark.rule("QS-10")
async def test_the_history_is_as_it_was_written_and_names_nobody(world: World) -> None:
    async def logged() -> bool:
        return bool((await Api(world, "officer").get(f"/{UUID(int=1)}/history")).json())

    await until(logged)
    found = await Api(world, "officer").get(f"/{UUID(int=1)}/history")

    assert found.json()[0]["type"] == "case.opened.v1"
    assert SEALED.box not in [one["data"].get("sealed", {}).get("box", "") for one in found.json()]


async def test_every_query_uses_an_index(world: World) -> None:
    """What breaks it: a filter that no index holds."""
    before = (NOW, str(UUID(int=9)))
    pages = [
        Page(None),
        Page([BRANCH], before=before),
        Page(None, status="open", before=before),
        Page([BRANCH], status="open"),
        Page(None, overdue=True),
        Page([BRANCH], overdue=True, before=before),
    ]
    collection = world.parts.cases.collection
    asked: list[tuple[dict[str, Any], dict[str, int]]] = [
        (page_query(one), dict(NEWEST_FIRST)) for one in pages
    ]
    for query, sort in [*asked, (due_query(LIVE, NOW), {"due": 1})]:
        find = {"find": collection.name, "filter": query, "sort": sort}
        plan = await collection.database.command({"explain": find, "verbosity": "queryPlanner"})
        winning = str(plan["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in winning, query


async def test_the_sweep_tells_live_deadlines_and_entered_ones_only_as_far_as_declared(world: World) -> None:
    """INVARIANT: nobody speaks for a history that is still being entered.

    What breaks it: sweeping entered cases up to now.
    """
    received = NOW - timedelta(days=1)
    live = await world.registered(101, received)
    entered = await world.registered(102, received - timedelta(days=60), imported=True)
    many = [await world.registered(number, received) for number in range(200, 650)]
    await world.there()
    world.now = NOW + timedelta(days=30)
    log = world.parts.base.log

    async def missed(case: UUID) -> int:
        return sum(one.type == "deadline.missed.v1" for one in await log.about(str(case)))

    async def swept() -> bool:
        # More than two batches.
        due = world.parts.cases.collection.count_documents(due_query(LIVE, world.now))
        told = [await missed(case) for case in (live, many[-1])]
        return bool(await due == 0 and all(told))

    await until(swept, within_s=90)
    assert await missed(entered) == 0

    event = ImportDeclared(unit=BRANCH, complete_up_to=datetime(2026, 6, 30, tzinfo=UTC), by="importer")
    world.told.tell("intake", f"import/{BRANCH}", BRANCH, NOW, event)
    await world.there()

    async def told() -> bool:
        return await missed(entered) > 0

    await until(told)
    overdue = await walked(Api(world, "officer"), overdue="true", limit=200)
    assert {str(live), str(entered), str(many[0])} <= set(overdue)
    world.now = NOW
