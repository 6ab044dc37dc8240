"""What scoring lists, page by page, and who sees what of it, on real MongoDB and RabbitMQ. Now is 10 August 2026."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from jiandu.stack.stack import Stack
from services.scoring.store import (
    BY_ID,
    BY_TIME,
    again_query,
    facts_query,
    inspections_query,
    outdated_query,
    posted_query,
    touching_query,
)
from shared.storage.aggregates import Aggregates
from tests.builders_facts import at, case_id
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for
from tests.contract.scoring_world import Api, World, a_world

pytestmark = pytest.mark.connected

BRANCH, WUXI = "chongqing-branch", "wuxi-branch"


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    """Five complaints of Chongqing and two of Wuxi miss two steps each in July; one inspection a week of each."""
    name = fresh_name("lists")
    async with a_world(settings_for(servers.mongo_url, servers.broker.vhost(name), name)) as world:
        told = world.told.organisation()
        for number in range(7):
            case, unit = f"case-{number}", BRANCH if number < 5 else WUXI
            told.registered(case, "2026-07-02 09:00", unit)
            told.found_valid(case, "2026-07-02 10:00", unit)
            told.missed(case, "2026-07-03 00:00", "facts", unit)
            told.missed(case, "2026-07-05 00:00", "plan", unit)
        for day in ("02", "09", "16", "23", "30"):
            for unit in (BRANCH, WUXI):
                told.inspected(f"{unit}-{day}", f"2026-07-{day} 10:00", "archives", unit)
        told.inspected("august", "2026-08-01 00:00", "archives", BRANCH)
        for month in ("2026-05", "2026-06", "2026-07"):
            told.fulfilled("analysis-report", month, "2026-08-03 10:00", BRANCH)
        await world.arrived()
        for month in ("2026-05", "2026-06", "2026-07"):
            assert (await Api(world, "director").post(f"/periods/{month}/close", {})).status_code == 201
            await world.arrived()
        yield world


async def paged(api: Api, what: str, limit: int, **query: str | int) -> list[list[dict[str, Any]]]:
    """Return every page of a list."""
    pages: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await api.get(f"/{what}", limit=limit, cursor=cursor, **query)).json()
        pages.append(answer["items"])
        cursor = answer["next"]
    return pages


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("postings", {"month": "2026-07"}),
        ("postings", {"month": "2026-07", "unit": BRANCH}),
        ("inspections", {"month": "2026-07"}),
        ("inspections", {"month": "2026-07", "unit": BRANCH}),
        ("duties", {}),
        ("periods", {}),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_small_pages_show_what_one_page_shows(
    world: World, what: str, query: dict[str, str], limit: int
) -> None:
    """INVARIANT: every row comes once, in one order, however the pages are cut.

    What breaks it: a cursor that names no row of its own, so that rows of one moment are skipped or come twice.
    """
    api = Api(world, "director")

    (whole,) = await paged(api, what, 200, **query)
    pages = await paged(api, what, limit, **query)

    assert [row for page in pages for row in page] == whole
    # A matter's two postings stay together.
    assert max(len(page) for page in pages) <= limit + (what == "postings")
    assert len(whole) >= 3


@pytest.mark.parametrize("what", ["postings", "inspections", "duties", "periods"])
async def test_a_cursor_that_no_list_gave_is_refused(world: World, what: str) -> None:
    query = {} if what in {"duties", "periods"} else {"month": "2026-07"}
    for cursor in ("x", "\0", "MDAwMS0wMS0wMVQwMDowMDowMCswMDowMHx4", "9" * 2001):
        answer = await Api(world, "director").get(f"/{what}", cursor=cursor, **query)
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "cursor"), cursor


@pytest.mark.parametrize("month", ["0000-01", "9999-12", "2026-13", "2026-7"])
async def test_a_month_outside_the_bounds_is_named(world: World, month: str) -> None:
    for what in ("postings", "inspections"):
        refused = await Api(world, "director").get(f"/{what}", month=month)
        assert [one["field"] for one in refused.json()["problems"]] == ["month"]


async def test_an_inspection_counts_in_the_month_of_the_group_s_own_zone(world: World) -> None:
    """Midnight of 1 August in Chongqing is still July in UTC."""

    async def seen(month: str) -> set[str]:
        found = (await Api(world, "director").get("/inspections", month=month)).json()["items"]
        return {one["at"] for one in found}

    assert await seen("2026-08") == {"2026-07-31T16:00:00Z"}
    assert len(await seen("2026-07")) == 5


async def test_everyone_sees_the_postings_of_their_own_subtree(world: World) -> None:
    async def units(account: str) -> set[str]:
        found = await Api(world, account).get("/postings", month="2026-07")
        return {one["unit"] for one in found.json()["items"]}

    assert await units("director") >= {BRANCH, "wuxi-branch"}
    assert await units("head") == await units("hr") == {BRANCH}
    assert await units("wuxi-head") == {"wuxi-branch"}
    foreign = await Api(world, "wuxi-head").get("/postings", month="2026-07", unit=BRANCH)
    theirs = await Api(world, "wuxi-head").get(f"/matters/{case_id('ours')}/postings")
    assert (foreign.status_code, theirs.json()["items"]) == (404, [])


async def test_duties_are_shown_to_those_who_see_the_unit(world: World) -> None:
    found = (await Api(world, "head").get("/duties")).json()["items"]

    assert {one["unit"] for one in found} <= {BRANCH, "chongqing-sales"}
    assert "analysis-report" in {one["obligation"] for one in found}
    for when in ("1999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        refused = await Api(world, "head").get("/duties", at=when)
        assert [one["field"] for one in refused.json()["problems"]] == ["at"]
    assert (await Api(world, "head").get("/duties", at="2099-12-31T23:59:59Z")).status_code == 200


async def test_inspections_are_shown_to_those_who_see_the_unit(world: World) -> None:
    async def units(account: str) -> set[str]:
        found = (await Api(world, account).get("/inspections", month="2026-07")).json()
        return {one["unit"] for one in found["items"]}

    assert await units("supervisor") == {BRANCH, WUXI}
    assert await units("hr") == {BRANCH}
    assert (await Api(world, "hr").get("/inspections", month="2026-07", unit=WUXI)).status_code == 404


# --- what a look costs

Sort = Sequence[tuple[str, int]]


async def test_every_query_uses_an_index_and_sorts_by_it(world: World) -> None:
    """INVARIANT: a look costs what it returns, however many matters there are.

    What breaks it: a field in a query that no index holds, or a page in another order than an index gives.
    """
    context = world.service.use.scores.context()
    # Of few documents that nearly all match, the planner would rather walk all by their id.
    await world.service.use.scores.store.subjects.collection.insert_many(
        {
            "_id": f"-{month}-{number}",
            "months": [month],
            "postings": [{"unit": BRANCH, "month": month}],
            "basis": context,
        }
        for month in ("2025-01", "2025-02")
        for number in range(200)
    )
    store, now = world.service.use.scores.store, world.clock()
    july = (at("2026-07-01"), at("2026-08-01"))
    asked: list[tuple[Aggregates[Any], dict[str, Any], Sort]] = [
        (store.subjects, touching_query("2026-07"), BY_ID),
        (store.subjects, posted_query([BRANCH], "2026-07", case_id("case-1")), BY_ID),
        (store.subjects, posted_query([BRANCH, WUXI], "2026-07"), BY_ID),
        (store.subjects, posted_query(None, "2026-07"), BY_ID),
        (store.subjects, {"postings.id": "x"}, ()),
        (store.subjects, outdated_query(world.service.use.scores.context()), ()),
        (store.subjects, again_query(now), ()),
        (store.unit_facts, facts_query(["duty.fulfilled.v1"]), ()),
        (store.unit_facts, facts_query(["duty.fulfilled.v1"], now), ()),
        (store.unit_facts, inspections_query(None, *july), BY_TIME),
        (store.unit_facts, inspections_query([BRANCH], *july, (now, "x")), BY_TIME),
        (store.periods, store._newest(), ()),
        (store.periods, {"_id": {"$in": ["period/2026-07"]}}, ()),
    ]
    for collection, query, sort in asked:
        find = {"find": collection.name, "filter": query, **({"sort": dict(sort)} if sort else {})}
        command = {"explain": find, "verbosity": "queryPlanner"}
        plan = str((await collection.collection.database.command(command))["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in plan, query
        assert "'stage': 'SORT'" not in plan, query
        assert collection is not store.subjects or "'indexName': '_id_'" not in plan, query
