"""Closing, restating and folding again, on real MongoDB and RabbitMQ. July 2026 is closed on 10 August."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from httpx2 import Response

from jiandu.scoring.backtest import play, read
from jiandu.stack.stack import Stack
from services.scoring.api.published import MonthResultView
from shared.events.scoring import ScorePosted
from tests.builders_facts import case_id
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for
from tests.contract.scoring_world import Api, World, a_world

pytestmark = pytest.mark.connected

JULY, BRANCH = "2026-07", "chongqing-branch"


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("scoring")
    async with a_world(settings_for(servers.mongo_url, servers.broker.vhost(name), name)) as world:
        told = world.told.organisation()
        for case, unit in (("a", BRANCH), ("b", "wuxi-branch")):
            told.registered(case, "2026-07-02 09:00", unit)
            told.found_valid(case, "2026-07-02 10:00", unit)
            told.missed(case, "2026-07-03 00:00", unit=unit)
        await world.arrived()
        yield world


async def close(world: World, key: str, **body: str) -> Response:
    """Close July. What was just told, the last publication too, may still be on its way."""
    director = Api(world, "director")
    answer = await director.post(f"/periods/{JULY}/close", body, key=key)
    while answer.status_code == 503:
        await world.arrived()
        answer = await director.post(f"/periods/{JULY}/close", body, key=key)
    return answer


async def test_a_period_that_runs_is_not_closed(world: World) -> None:
    api = Api(world, "director")

    answers = [await api.post(f"/periods/{period}/close", {}) for period in ("2026-08", "2026-Q3", "2099-12")]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(409, "period-order")}


@pytest.mark.parametrize("period", ["1999-01", "2026-13", "9999-12", "0000", "0000-01", "٢٠٢٦-07"])
async def test_a_period_that_no_rulebook_and_no_calendar_holds_is_not_closed(
    world: World, period: str
) -> None:
    refused = await Api(world, "director").post(f"/periods/{period}/close", {})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1500000000"])
async def test_a_period_is_not_closed_as_of_the_ends_of_time(world: World, at: str) -> None:
    refused = await Api(world, "director").post(f"/periods/{JULY}/close", {"at": at})

    assert [one["field"] for one in refused.json()["problems"]] == ["at"]


async def test_a_quarter_without_its_months_is_not_closed(world: World) -> None:
    refused = await Api(world, "director").post("/periods/2026-Q2/close", {})

    assert (refused.status_code, refused.json()["code"]) == (409, "period-order")
    assert "2026-04, 2026-05, 2026-06" in refused.json()["detail"]


async def test_a_period_waits_for_facts_that_are_on_their_way(world: World) -> None:
    """INVARIANT: nothing is published while a source has told more than has arrived.

    What breaks it: reading the watermark without looking for gaps.
    """
    world.told.registered("late-1", "2026-07-20 09:00")
    world.told.registered("late-2", "2026-07-20 10:00")
    first, second = world.bodies()
    await world.send(second)
    for _ in range(100):
        if (await world.service.use.scores.watermark())["missing"]:
            break
        await asyncio.sleep(0.05)

    refused = await Api(world, "director").post(f"/periods/{JULY}/close", {})
    await world.send(first)
    await world.arrived()

    assert (refused.status_code, refused.json()["code"]) == (503, "facts-on-their-way")
    assert refused.headers["retry-after"]


@pytest.mark.rule("JK-21", "JK-22")
async def test_july_is_closed_restated_and_folded_again(world: World, tmp_path: Path) -> None:
    """INVARIANT: what was published stays, a late fact makes a version of its own, and backtest gives both bytes.

    What breaks it: writing the new version over the old, or folding past a version's watermark.
    """
    director, head = Api(world, "director"), Api(world, "head")
    opened = await director.get(f"/periods/{JULY}")

    first = await close(world, "close-july-1")
    unchanged = await close(world, "close-july-2")
    assert (opened.status_code, first.status_code, first.json()["version"]) == (404, 201, 1)
    assert unchanged.json() == first.json()
    old = (await director.get(f"/periods/{JULY}")).content
    assert hashlib.sha256(old).hexdigest() == first.json()["result_hash"]

    # It happened on 4 July, and is told after July was published.
    world.told.missed("a", "2026-07-04 00:00", clock="plan")
    await world.arrived()
    repeated = await close(world, "close-july-1")
    reused = await close(world, "close-july-1", at="2026-08-09T00:00:00Z")
    both = await asyncio.gather(*(close(world, f"close-july-{n}") for n in (3, 4)))
    await world.arrived()

    assert (repeated.json(), reused.status_code) == (first.json(), 409)
    assert [one.json()["version"] for one in both] == [2, 2]
    new = (await director.get(f"/periods/{JULY}")).content
    assert (await director.get(f"/periods/{JULY}", version=1)).content == old != new
    shown = MonthResultView.model_validate_json(new)
    assert shown.model_dump(mode="json", exclude_unset=True) == orjson.loads(new)
    assert hashlib.sha256(new).hexdigest() == both[0].json()["result_hash"]
    assert (await director.get(f"/periods/{JULY}", version=3)).status_code == 404
    (listed,) = (await head.get("/periods")).json()["items"]
    assert "result" not in listed
    assert [one["version"] for one in listed["versions"]] == [1, 2]
    closed = [orjson.loads(one.body)["data"] for one in await world.entries("period.closed.v1")]
    assert [(one["period"], one["version"]) for one in closed] == [(JULY, 1), (JULY, 2)]

    exported = await director.get("/export")
    assert b'"sealed"' not in exported.content
    file = tmp_path / "export.jsonl"
    lines = exported.content.splitlines(keepends=True)
    file.write_bytes(b"".join([*reversed(lines), *lines[:5]]))
    facts, published = read(file)
    assert [one.equal for one in play(facts, published, an_edition())] == [True, True]


async def test_rankings_are_everyone_s_and_sheets_are_one_s_own(world: World) -> None:
    """What breaks it: handing out the whole result, or another branch's sheet."""
    await close(world, "close-july-9")
    head = Api(world, "head")

    ranked = (await head.get(f"/periods/{JULY}/rankings")).json()
    fair = (await head.get(f"/periods/{JULY}/rankings/monthly/fair")).json()
    unknown = await head.get(f"/periods/{JULY}/rankings/yearly/fair")
    own = (await Api(world, "hr").get(f"/scorecards/{JULY}/{BRANCH}")).json()

    assert [(row["unit"], row["rank"]) for row in fair["rows"] if row["rank"]] == [
        (row["unit"], row["rank"]) for row in ranked["rankings"][0]["rows"]
    ]
    assert (fair["ranking"], fair["version"], unknown.status_code) == ("monthly", ranked["version"], 404)
    assert {row["unit"] for row in ranked["rankings"][0]["rows"]} >= {BRANCH, "wuxi-branch"}
    assert {one["unit"] for one in ranked["recommendations"]} <= {BRANCH}
    assert {one["unit"] for one in (*own["scorecards"], *own["postings"])} == {BRANCH}
    for path in (f"/scorecards/{JULY}/wuxi-branch", f"/periods/{JULY}"):
        assert (await head.get(path)).status_code == 404
    assert (await head.get("/export")).status_code == 403


async def test_an_upheld_dispute_takes_the_points_back_in_the_month_of_the_ruling(world: World) -> None:
    await close(world, "close-july-9")
    director, path = Api(world, "director"), f"/matters/{case_id('b')}/postings"
    (posting,) = (await director.get(path)).json()["items"]
    body = {"unit": "wuxi-branch", "upheld": True, "reasons": "证据不足"}
    rule = f"/postings/{posting['id']}/ruling"

    other_unit = await director.post(rule, {**body, "unit": BRANCH})
    ruled = await director.post(rule, body, key="ruling-0001")
    again = await director.post(rule, body, key="ruling-0001")
    elsewhere = await director.post("/postings/none/ruling", body, key="ruling-0001")
    await world.arrived()

    assert (other_unit.status_code, ruled.status_code, elsewhere.status_code) == (422, 201, 409)
    assert again.json() == ruled.json()
    found = (await director.get(path)).json()["items"]
    assert [(one["month"], Decimal(one["points"]) + Decimal(posting["points"])) for one in found] == [
        (JULY, 2 * Decimal(posting["points"])),
        ("2026-08", Decimal(0)),
    ]
    assert found[1]["reverses"] == posting["id"]
    told = [
        ScorePosted.model_validate(orjson.loads(one.body)["data"])
        for one in await world.entries("score.posted.v1")
        if one.subject == case_id("b")
    ]
    assert [one.posting for one in told] == [posting["id"], found[1]["id"]]
