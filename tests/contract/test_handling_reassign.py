"""Cases of units that closed and of people who left, as the running service lets them go on."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from jiandu.stack.stack import Stack
from shared.events.registry import PersonLeft, UnitClosed
from tests.builders_facts import at
from tests.conftest import FreshName
from tests.contract.callback_world import until
from tests.contract.handling_world import BRANCH, NOW, Api, World, a_world

pytestmark = pytest.mark.connected


@pytest.fixture
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    async with a_world(servers, fresh_name("reassign")) as world:
        yield world


async def test_open_cases_follow_who_is_there(world: World) -> None:
    """Wuxi's branch closes on 3 July into its company; the officer of Chongqing leaves then, and the head follows.

    What breaks it: waiting for somebody to notice.
    """
    mine = await world.registered(101, NOW - timedelta(hours=1))
    other = await world.registered(102, NOW - timedelta(hours=1), "wuxi-branch")
    await world.there()
    officer = Api(world, "officer")
    assert (await officer.do(mine, do="assign", department="客服", person="officer")).status_code == 200
    head, day = "head", date(2026, 7, 3)
    told = world.told
    told.tell(
        "registry",
        "unit/wuxi-branch",
        "wuxi-branch",
        NOW,
        UnitClosed(unit="wuxi-branch", closes_on=day, successor="wuxi"),
    )
    left = PersonLeft(person="officer", unit=BRANCH, on=day, successor=head)
    told.tell("registry", "person/officer", BRANCH, NOW, left)
    await world.there()

    async def charged(case: str) -> tuple[str, str]:
        found = await world.service.use.get(case)
        return found.unit, found.person

    assert await charged(str(other)) == ("wuxi-branch", "")
    refused = await Api(world, "head").do(mine, do="assign", department="客服", person="officer", at=None)
    world.now = at("2026-07-04 09:00")

    async def moved() -> bool:
        return await charged(str(other)) == ("wuxi", "") and await charged(str(mine)) == (BRANCH, head)

    await until(moved, within_s=60)
    gone = await Api(world, "head").do(mine, do="assign", department="客服", person="officer")
    transferred: list[dict[str, Any]] = []

    async def logged() -> bool:
        entries = [orjson.loads(one.body) for one in await world.service.context.log.about(str(other))]
        transferred[:] = [one for one in entries if one["type"] == "case.transferred.v1"]
        return bool(transferred)

    await until(logged)

    assert refused.status_code == 200
    assert (gone.status_code, gone.json()["problems"][0]["field"]) == (422, "person")
    assert [(one["time"], one["data"]["by"]) for one in transferred] == [("2026-07-02T16:00:00Z", "registry")]
    assert datetime.fromisoformat(transferred[0]["time"]) == datetime(2026, 7, 2, 16, tzinfo=UTC)
