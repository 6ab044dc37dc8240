"""What the calendar and a run of months bring about, on real MongoDB and RabbitMQ.

Two branches, Chongqing's and Wuxi's. A clean month comes to 100; each missed step takes 2 (JK-15), an analysis
report that was not sent 20.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest
from httpx2 import Response

from jiandu.scoring.backtest import play, read
from jiandu.stack.stack import Stack
from services.scoring.jobs import jobs
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for, until
from tests.contract.scoring_world import AUGUST, TENTH, Api, World, a_world

pytestmark = pytest.mark.connected

CHONGQING, WUXI = "chongqing-branch", "wuxi-branch"
SITES = {CHONGQING: "chongqing", WUXI: "wuxi"}


class Opened(Protocol):
    """Opens a world."""

    def __call__(self, *, since: str = AUGUST, now: str = TENTH) -> AbstractAsyncContextManager[World]:
        """Open one, on a database and a virtual host of its own."""


@pytest.fixture
def opened(servers: Stack, fresh_name: FreshName) -> Opened:
    def open_(*, since: str = AUGUST, now: str = TENTH) -> AbstractAsyncContextManager[World]:
        name = fresh_name("schedule")
        return a_world(
            settings_for(servers.mongo_url, servers.broker.vhost(name), name), since=since, now=now
        )

    return open_


@pytest.fixture
async def august(opened: Opened) -> AsyncIterator[World]:
    """10 August 2026. Months before August are closed by hand."""
    async with opened() as world:
        world.told.organisation(*SITES.values())
        yield world


def a_month(world: World, month: str, misses: dict[str, int], *, without: tuple[str, ...] = ()) -> None:
    """Tell of a month in which each branch misses so many steps of one complaint."""
    for unit, count in misses.items():
        world.told.clean_month(SITES[unit], month, without)
        missed(world, month, unit, *(f"step-{number}" for number in range(count)))


def missed(world: World, month: str, unit: str, *steps: str) -> None:
    case = f"{unit}/{month}"
    world.told.registered(case, f"{month}-02 09:00", unit)
    world.told.found_valid(case, f"{month}-02 10:00", unit)
    for step in steps:
        world.told.missed(case, f"{month}-04 00:00", step, unit)


async def close(world: World, period: str) -> Response:
    """Close a period once everything, the publication before too, has arrived."""
    await world.arrived()
    answer = await Api(world, "director").post(f"/periods/{period}/close", {})
    assert answer.status_code == 201, answer.text
    return answer


async def rankings(world: World, period: str, account: str = "director", **query: int) -> dict[str, Any]:
    found: dict[str, Any] = (await Api(world, account).get(f"/periods/{period}/rankings", **query)).json()
    return found


def ranks(found: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(row["rank"], row["unit"], row["shown"]) for row in found["rankings"][0]["rows"]]


def advised(found: dict[str, Any]) -> list[str]:
    return [one["unit"] for one in found["recommendations"]]


async def told(world: World, kind: str, period: str) -> list[dict[str, Any]]:
    data = [orjson.loads(one.body)["data"] for one in await world.entries(kind)]
    return [one for one in data if one["period"] == period]


# --- by the 10th


@pytest.mark.rule("JK-21")
async def test_a_month_is_published_by_itself_on_the_10th_or_the_next_working_day(opened: Opened) -> None:
    """INVARIANT: HR has the scores on the day, though nobody ordered it, and never before facts that are on their way.

    What breaks it: publishing on the 10th whatever day it is, or taking what has arrived for all there is.
    """
    # 10 May 2026 is a Sunday, so April's scores go out on Monday the 11th.
    async with opened(since="2026-04-01", now="2026-05-10 23:59") as world:
        world.told.organisation(*SITES.values())
        a_month(world, "2026-04", {CHONGQING: 1, WUXI: 0})
        await world.arrived()
        look = dict(jobs(world.service.use.scores, world.service.use.disputes))["publication"]

        await look()
        on_sunday = await world.service.use.scores.store.published()
        world.told.registered("late-1", "2026-04-20 09:00", WUXI)
        world.told.registered("late-2", "2026-04-20 10:00", WUXI)
        first, second = world.bodies()
        await world.send(second)

        async def one_is_missing() -> bool:
            return bool((await world.service.use.scores.watermark())["missing"])

        await until(one_is_missing)
        world.stand_at("2026-05-11 00:00")
        await look()
        while_one_is_missing = await world.service.use.scores.store.published()
        await world.send(first)

        async def is_published() -> bool:
            return bool(await world.service.use.scores.store.published())

        await until(is_published)
        (listed,) = (await Api(world, "hr").get("/periods")).json()["items"]
        card = await Api(world, "hr").get(f"/scorecards/2026-04/{CHONGQING}")

    assert (on_sunday, while_one_is_missing) == (set(), set())
    # Not March: it was over when supervision began.
    assert (listed["period"], listed["version"], listed["by"]) == ("2026-04", 1, "schedule")
    assert listed["as_of"] == "2026-05-10T16:00:00+00:00"
    # 100 - 2 for the step.
    assert [one["total"] for one in card.json()["scorecards"]] == ["98"]


# --- the quarter


@pytest.mark.rule("JK-22", "JK-23")
async def test_a_quarter_is_restated_on_the_restated_month_and_the_star_goes_to_another(
    august: World, tmp_path: Path
) -> None:
    """INVARIANT: a quarter rests on published months, and each version of it stays.

    What breaks it: folding the quarter from the facts, or changing it along with a month.
    """
    # Chongqing 98, 100, 100: 298 / 3. Wuxi 100, 96, 100: 296 / 3.
    for month, misses in (("2026-04", (1, 0)), ("2026-05", (0, 2)), ("2026-06", (0, 0))):
        a_month(august, month, dict(zip((CHONGQING, WUXI), misses, strict=True)))
    for period in ("2026-04", "2026-05", "2026-06"):
        await close(august, period)
    first = (await close(august, "2026-Q2")).json()
    before = await rankings(august, "2026-Q2")

    # Three steps that were missed in June, told in August. Chongqing 98, 100, 94: 292 / 3.
    missed(august, "2026-06", CHONGQING, "facts", "plan", "notice")
    june = (await close(august, "2026-06")).json()
    untouched = await rankings(august, "2026-Q2")
    second = (await close(august, "2026-Q2")).json()
    again = (await close(august, "2026-Q2")).json()
    after = await rankings(august, "2026-Q2")

    assert [one["version"] for one in (first, june, second, again)] == [1, 2, 2, 2]
    assert ranks(before) == [(1, CHONGQING, "99.333333"), (2, WUXI, "98.666667")]
    assert ranks(after) == [(1, WUXI, "98.666667"), (2, CHONGQING, "97.333333")]
    assert untouched == before == await rankings(august, "2026-Q2", version=1)
    awards = await told(august, "award.granted.v1", "2026-Q2")
    assert [(one["unit"], one["amount"]) for one in awards] == [(CHONGQING, "1000"), (WUXI, "1000")]
    closed = await told(august, "period.closed.v1", "2026-Q2")
    assert [(one["version"], one["result_hash"]) for one in closed] == [
        (1, first["result_hash"]),
        (2, second["result_hash"]),
    ]
    await august.arrived()
    file = tmp_path / "export.jsonl"
    file.write_bytes((await Api(august, "director").get("/export")).content)
    played = play(*read(file), an_edition())
    # Three months and the quarter; June and the quarter twice.
    assert [one.equal for one in played] == [True] * 6


# --- three months under 80


@pytest.mark.rule("JK-24")
async def test_three_months_under_80_bring_advice_each_further_month_again_and_a_restated_one_none(
    august: World,
) -> None:
    """INVARIANT: advice rests on published scores and goes, visibly, with the scores that gave cause.

    What breaks it: a run over months as they stand now, or a version that takes the advice of the last one along.
    """
    # Both without the analysis report: 80. A missed step more: 78. Wuxi's June comes to 80 exactly.
    for month, wuxi in (("2026-04", 1), ("2026-05", 1), ("2026-06", 0), ("2026-07", 1)):
        a_month(august, month, {CHONGQING: 1, WUXI: wuxi}, without=("analysis-report",))
    for period in ("2026-04", "2026-05", "2026-06", "2026-07"):
        await close(august, period)

    assert ranks(await rankings(august, "2026-06")) == [(1, WUXI, "80"), (2, CHONGQING, "78")]
    by_month = [advised(await rankings(august, month)) for month in ("2026-05", "2026-06", "2026-07")]
    assert by_month == [[], [CHONGQING], [CHONGQING]]
    seen = [advised(await rankings(august, "2026-06", account)) for account in ("head", "wuxi-head")]
    assert seen == [[CHONGQING], []]
    (advice,) = await told(august, "recommendation.made.v1", "2026-06")
    assert (advice["unit"], advice["rule"], advice["clause"]) == (CHONGQING, "replace-head", "JK-24")
    assert "更换主要负责人" in advice["text_zh"]

    # May's report was sent in time after all, and is entered in August: June is 98.
    august.told.fulfilled("analysis-report", "2026-05", "2026-06-04 10:00", CHONGQING)
    restated = [(await close(august, period)).json()["version"] for period in ("2026-06", "2026-07")]

    assert restated == [2, 2]
    assert [advised(await rankings(august, month)) for month in ("2026-06", "2026-07")] == [[], []]
    assert advised(await rankings(august, "2026-06", version=1)) == [CHONGQING]
