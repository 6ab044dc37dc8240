"""FIELD's acceptance vectors 6 and 7, on real MongoDB and RabbitMQ. Now is 5 August 2026; July is closed on it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import orjson
import pytest

from jiandu.stack.stack import Stack
from shared.events.scoring import PeriodClosed, RankingPublished, ScorePosted
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.builders_facts import SITES, case_id
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for, until
from tests.contract.scoring_world import ACCOUNTS, Api, World, a_world

pytestmark = pytest.mark.connected

JULY, BRANCH, NOW = "2026-07", "chongqing-branch", "2026-08-05 10:00"

ARBITRATION = """\
  arbitration:
    from: 2005-05-28
    source: JK-15
    title: {zh: 争议仲裁, en: arbitration}
    within: {days: 30}
    decided_within: {days: 20}
    right: disputes.rule
    against: posting
    standing: charged-unit
    advises: supervisor
    advised_within: {days: 10}
    decides: [centre-director]
    restates: true
"""


def an_edition_with_arbitration() -> Edition:
    """Return jinke, where postings are disputed as in ZY-04: advised on, then ruled, and restated."""
    files = dict(an_edition().files)
    files["procedures.yaml"] = files["procedures.yaml"].replace("appeals:\n", "appeals:\n" + ARBITRATION, 1)
    adviser = "      - inspections.record\n      - findings.record\n      - scores.read\n"
    files["rights.yaml"] = files["rights.yaml"].replace(adviser, adviser + "      - disputes.advise\n")
    head = "    at: branch\n    rights:\n      - complaints.register\n"
    files["rights.yaml"] = files["rights.yaml"].replace(head, head + "      - disputes.lodge\n", 1)
    return edition_from_files(files)


@pytest.fixture
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    """July is published: every branch had one complaint, and Chongqing missed a deadline of it."""
    name = fresh_name("scoring")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    accounts = {**ACCOUNTS, "operator": ("group", "operator")}
    async with a_world(settings, now=NOW, accounts=accounts, edition=an_edition_with_arbitration()) as world:
        told = world.told.organisation()
        for site in SITES:
            told.registered(site, "2026-07-20 09:00", f"{site}-branch", site=site)
            told.found_valid(site, "2026-07-20 10:00", unit=f"{site}-branch")
        told.missed("chongqing", "2026-07-30 00:00")
        await world.arrived()

        async def closed() -> bool:
            answer = await Api(world, "director").post(f"/periods/{JULY}/close", {}, key="close-july-1")
            return answer.status_code == 201

        await until(closed)
        await world.arrived()
        yield world


async def ranks(world: World, version: int) -> dict[str, int]:
    found = (await Api(world, "director").get(f"/periods/{JULY}/rankings", version=version)).json()
    rows = next(one["rows"] for one in found["rankings"] if one["ranking"] == "monthly")
    assert found["version"] == version
    return {row["unit"].removesuffix("-branch"): row["rank"] for row in rows}


async def told(world: World, kind: str) -> list[dict[str, Any]]:
    return [orjson.loads(one.body)["data"] for one in await world.entries(kind)]


async def verified(world: World) -> dict[str, Any]:
    answer = await Api(world, "operator").post("/operations/log/verify", {})
    found: dict[str, Any] = answer.json()
    return found


async def test_vector_6_an_appeal_upheld_after_publication_restates_the_ranking(world: World) -> None:
    """FIELD vector 6: the restated ranking moves, both editions are kept, and the chain holds.

    Four branches with one complaint each; all lose the same by the duties that nobody did, Chongqing one deadline
    more. Without it the four are level, and share the first place.
    """
    published = (await Api(world, "director").get(f"/periods/{JULY}")).content
    before = await ranks(world, 1)
    found = (await Api(world, "head").get(f"/matters/{case_id('chongqing')}/postings")).json()["items"]
    posting = next(one for one in found if one["sheet"] == "branch-scorecard")

    body = {"against": "posting", "about": posting["id"], "grounds": "已按期完成", "evidence": ["现场记录"]}
    path = f"/disputes/{(await Api(world, 'head').post('/disputes', body)).json()['id']}"
    advice = {"uphold": True, "reasons": "现场记录属实"}
    advised = await Api(world, "supervisor").post(f"{path}/advice", advice)
    ruling = {"upheld": True, "reasons": "同意建议"}
    ruled = await Api(world, "director").post(f"{path}/ruling", ruling)

    async def restated() -> bool:
        return bool((await Api(world, "director").get("/periods")).json()["items"][0]["version"] == 2)

    await until(restated)
    await world.arrived()

    assert (advised.status_code, ruled.status_code) == (201, 201)
    assert before == {"chongqing": 4, "chengdu": 1, "changsha": 1, "wuxi": 1}
    assert await ranks(world, 2) == {"chongqing": 1, "chengdu": 1, "changsha": 1, "wuxi": 1}
    assert await ranks(world, 1) == before
    assert (await Api(world, "director").get(f"/periods/{JULY}", version=1)).content == published
    posted = await told(world, ScorePosted.TYPE)
    back = [one for one in posted if one["reverses"] == posting["id"]]
    assert [Decimal(one["points"]) for one in back] == [-Decimal(posting["points"])]
    assert [one["version"] for one in await told(world, PeriodClosed.TYPE)] == [1, 2]
    assert [
        one["version"] for one in await told(world, RankingPublished.TYPE) if one["ranking"] == "monthly"
    ] == [1, 2]
    holds = await verified(world)
    assert all(one["holds"] for one in (*holds["logs"], *holds["documents"]))
    periods = next(one for one in holds["documents"] if one["collection"] == "periods")
    assert periods["documents"] == 2


async def test_vector_7_documents_edited_in_the_database_by_hand_are_named(world: World) -> None:
    """FIELD vector 7: a published ranking, and a posting."""
    database, case = world.service.context.database, case_id("chongqing")
    period = await database.collection("periods").find_one({"_id": f"period/{JULY}"})
    forged = period["state"]["result"].replace('"rank":4', '"rank":1')
    assert forged != period["state"]["result"]
    assert all(one["holds"] for one in (await verified(world))["documents"])

    await database.collection("periods").update_one(
        {"_id": period["_id"]}, {"$set": {"state.result": forged}}
    )
    await database.collection("subjects").update_one(
        {"_id": case}, {"$set": {"state.postings.0.points": "0"}}
    )

    found = await verified(world)
    named = {
        (one["collection"], each["id"], each["reason"]) for one in found["documents"] for each in one["named"]
    }
    reason = "it was changed outside the service: its seal does not fit"
    assert named == {("periods", f"period/{JULY}", reason), ("subjects", case, reason)}
    assert all(one["holds"] for one in found["logs"])
