"""What the system says by itself, over HTTP, on real MongoDB: swept after an outage, told to its roles and no others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from jiandu.stack.stack import Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.conftest import FreshName
from tests.contract.callback_world import until
from tests.contract.handling_world import BRANCH, NOW, Api, World, a_world
from tests.unit.rulebook.editions import changed

pytestmark = pytest.mark.connected

HEAD = "from: 2005-05-28, source: JK-04, title: {zh: 提醒, en: word}"
ALERTS = f"""alerts:
  announce: {{{HEAD}, on: registered, to: branch-head}}
  remind: {{{HEAD}, on: deadline, clocks: facts, before: {{hours: 4}}, to: [branch-officer, branch-head]}}
  press: {{{HEAD}, on: deadline, clocks: facts, after: {{days: 1}}, to: company-leader}}
  back: {{{HEAD}, on: transferred, to_origin: true}}
appeals:
"""


def an_edition_that_speaks() -> Edition:
    return edition_from_files(changed("procedures.yaml", "appeals:\n", ALERTS))


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    async with a_world(servers, fresh_name("handling"), an_edition_that_speaks()) as world:
        yield world


async def heard(world: World, account: str, **query: str | int) -> list[dict[str, Any]]:
    answer = await Api(world, account).get("/alerts", **query)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def told_of(world: World, case: UUID) -> list[tuple[str, bool | None, str]]:
    """Return what was said and missed of a case's facts, in the order of the log: word, lateness, moment."""
    log = (await Api(world, "leader").get(f"/{case}/history", limit=200)).json()["items"]
    return [
        (one["data"].get("alert", "miss"), one["data"].get("late"), one["time"])
        for one in log
        if one["type"] == "alert.raised.v1"
        or (one["type"] == "deadline.missed.v1" and one["data"]["clock"] == "facts")
    ]


async def test_an_announcement_reaches_its_role_where_its_unit_sees_the_case(world: World) -> None:
    """INVARIANT: nobody hears of a case that is another unit's.

    What breaks it: a list by role alone.
    """
    by_head = await heard(world, "head", limit=200)

    assert {one["alert"] for one in by_head} == {"announce"}
    assert {one["unit"] for one in by_head} == {BRANCH}
    # Thirty cases, every third of them Wuxi's.
    assert len(by_head) == 20
    assert await heard(world, "officer") == []
    assert await heard(world, "wuxi") == []


async def test_pages_of_alerts_neither_lose_nor_repeat_a_case(world: World) -> None:
    head, seen, cursor = Api(world, "head"), [], ""
    while True:
        query: dict[str, str | int] = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = (await head.get("/alerts", **query)).json()
        seen += [one["complaint_id"] for one in page["items"]]
        if not (cursor := page["next"] or ""):
            break

    assert len(seen) == len(set(seen)) == 20


async def test_what_was_missed_while_nobody_swept_is_told_once_in_order_and_marked_late(world: World) -> None:
    """INVARIANT: an outage of the sweep loses no alert and doubles none (FIELD, vector 4).

    What breaks it: reminders kept beside the cases.
    """
    case = UUID(int=100)
    await world.registered(100, NOW)
    await world.there()
    world.now = NOW + timedelta(days=4)

    await world.service.use.sweep()
    await world.service.use.sweep()

    async def in_the_log() -> bool:
        return any(word == "press" for word, *_ in await told_of(world, case))

    # The relay brings it there in its own time.
    await until(in_the_log, within_s=60)
    told = await told_of(world, case)
    assert [one[:2] for one in told] == [
        ("announce", False),
        ("remind", True),
        ("miss", None),
        ("press", True),
    ]
    assert [one[2] for one in told] == sorted(one[2] for one in told)
    (mine,) = [one for one in await heard(world, "leader", limit=200) if one["complaint_id"] == str(case)]
    assert (mine["alert"], mine["title_zh"], mine["late"]) == ("press", "提醒", True)


async def test_who_passed_a_case_on_hears_of_it_without_seeing_it(world: World) -> None:
    case = UUID(int=3)

    done = await Api(world, "supervisor").do(case, do="transfer", to_unit="group", reason="超出权限")
    (told,) = [one for one in await heard(world, "wuxi", limit=200) if one["complaint_id"] == str(case)]
    seen = await Api(world, "wuxi").get(f"/{case}")

    assert done.status_code == 200
    # What its role heard of the case before is no longer shown: another unit's case is out of sight.
    assert (told["alert"], told["unit"]) == ("back", "group")
    assert seen.status_code == 404
