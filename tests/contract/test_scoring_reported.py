"""Reported figures and rosters, on real MongoDB and RabbitMQ. Now is 10 August 2026."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from jiandu.stack.stack import Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for
from tests.contract.scoring_world import Api, World, a_world

pytestmark = pytest.mark.connected

BRANCH = "chongqing-branch"
MORE = """
figures:
  turnover:
    from: 2005-05-28
    source: JK-26
    title: {zh: 营业额, en: turnover}
    every: month
    of: branch
    measure: money
    by: branch-head
rosters:
  hotline:
    from: 2005-05-28
    source: JK-26
    title: {zh: 热线值班, en: hotline}
    of: branch
"""
HEAD = "    at: branch\n    rights:\n      - complaints.register\n"
TURNOVER = {"figure": "turnover", "unit": BRANCH, "period": "2026-07", "value": "1200.5"}
SHIFT = {
    "roster": "hotline",
    "unit": BRANCH,
    "person": "officer",
    "start": "2026-08-20T00:00:00Z",
    "end": "2026-08-20T12:00:00Z",
}


def an_edition_with_more() -> Edition:
    """Return jinke, where heads of branches report turnover and keep a roster of the hotline."""
    files = dict(an_edition().files)
    files["obligations.yaml"] += MORE
    rights = "      - figures.report\n      - rosters.keep\n"
    files["rights.yaml"] = files["rights.yaml"].replace(HEAD, HEAD + rights, 1)
    return edition_from_files(files)


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("scoring")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    async with a_world(settings, edition=an_edition_with_more()) as world:
        world.told.organisation()
        await world.arrived()
        yield world


async def listed(world: World, path: str, month: str, account: str = "head") -> Any:  # noqa: ANN401  # JSON
    return (await Api(world, account).get(path, month=month)).json()


async def figures(world: World, month: str, account: str = "head") -> Any:  # noqa: ANN401  # JSON
    return (await listed(world, "/figures", month, account))["items"]


@pytest.mark.rule("LN-25")
async def test_the_figure_told_last_stands_for_its_month_and_those_after_it(world: World) -> None:
    made = await Api(world, "head").post("/figures", {**TURNOVER, "value": "1"})
    again = await Api(world, "head").post("/figures", TURNOVER, key="turnover-0001")
    same = await Api(world, "head").post("/figures", TURNOVER, key="turnover-0001")
    await world.arrived()

    assert (made.status_code, again.status_code, same.json()) == (201, 201, again.json())
    stands = {"figure": "turnover", "unit": BRANCH, "value": "1200.5", "with_problem_users": "1200.5"}
    assert await figures(world, "2026-07") == [stands]
    assert await figures(world, "2026-08") == [stands]
    assert await figures(world, "2026-06") == []
    assert await figures(world, "2026-07", "wuxi-head") == []


@pytest.mark.rule("LN-25")
@pytest.mark.parametrize(
    ("account", "change", "status"),
    [
        pytest.param("officer", {}, 403, id="another role"),
        pytest.param("wuxi-head", {}, 404, id="of another branch"),
        pytest.param("head", {"figure": "weather"}, 422, id="an unknown figure"),
        pytest.param("head", {"period": "2026-09"}, 422, id="of a month that has not begun"),
        pytest.param("head", {"value": "1E-400000"}, 422, id="no number to count with"),
    ],
)
async def test_a_figure_is_refused_from_another_or_where_it_is_none(
    world: World, account: str, change: dict[str, str], status: int
) -> None:
    assert (await Api(world, account).post("/figures", {**TURNOVER, **change})).status_code == status


@pytest.mark.rule("LN-32")
async def test_a_roster_shows_its_shifts_and_the_times_that_none_covers(world: World) -> None:
    made = await Api(world, "head").post("/rosters", SHIFT)
    await world.arrived()

    shown = await listed(world, "/rosters", "2026-08")

    assert made.status_code == 201
    assert [(one["person"], one["unit"]) for one in shown["shifts"]] == [("officer", BRANCH)]
    # August runs from 31 July 16:00 UTC to 31 August 16:00 UTC; one shift lies in it.
    assert [(one["start"], one["end"]) for one in shown["gaps"]] == [
        ("2026-07-31T16:00:00Z", "2026-08-20T00:00:00Z"),
        ("2026-08-20T12:00:00Z", "2026-08-31T16:00:00Z"),
    ]
    assert (await listed(world, "/rosters", "2026-08", "wuxi-head"))["shifts"] == []


@pytest.mark.rule("LN-32")
@pytest.mark.parametrize(
    ("account", "change", "status"),
    [
        ("officer", {}, 403),
        ("wuxi-head", {}, 404),
        ("head", {"person": "nobody"}, 422),
        ("head", {"end": "2026-08-19T00:00:00Z"}, 422),
        ("head", {"roster": "weather"}, 422),
    ],
)
async def test_a_shift_is_refused_from_another_or_where_it_is_none(
    world: World, account: str, change: dict[str, str], status: int
) -> None:
    assert (await Api(world, account).post("/rosters", {**SHIFT, **change})).status_code == status
