"""Disputes over what costs points, on real MongoDB and RabbitMQ. Now is 5 August 2026; July is closed on it."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from httpx2 import Response

from jiandu.stack.stack import Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.builders_facts import case_id
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for, until
from tests.contract.scoring_world import ACCOUNTS, Api, World, a_world

pytestmark = pytest.mark.connected

JULY, BRANCH, NOW = "2026-07", "chongqing-branch", "2026-08-05 10:00"
SEEN: dict[str, Any] = {
    "kind": "weekly-branch",
    "unit": BRANCH,
    "observations": {"staff": "1", "office": "1", "management": "1"},
    "fields": {"co-operation": "正常", "week-plan": "完成"},
}


SERVICE = """\
  service-dispute:
    from: 2005-05-28
    source: JK-15
    title: {zh: 服务质量争议, en: service dispute}
    within: {days: 30}
    decided_within: {days: 20}
    right: disputes.rule
    against: [service-quality, callback]
    standing: [charged-unit, other-side]
    advises: supervisor
    advised_within: {days: 10}
    decides: [centre-director]
    restates: true
"""


def an_edition_with_disputes() -> Edition:
    """Return jinke, where heads of branches may lodge disputes, and service itself is disputed as in ZY-04."""
    files = dict(an_edition().files)
    files["procedures.yaml"] = files["procedures.yaml"].replace("appeals:\n", "appeals:\n" + SERVICE, 1)
    adviser = "      - inspections.record\n      - findings.record\n      - scores.read\n"
    assert files["rights.yaml"].count(adviser) > 1
    files["rights.yaml"] = files["rights.yaml"].replace(adviser, adviser + "      - disputes.advise\n")
    head = "    at: branch\n    rights:\n      - complaints.register\n"
    assert head in files["rights.yaml"]
    files["rights.yaml"] = files["rights.yaml"].replace(head, head + "      - disputes.lodge\n", 1)
    return edition_from_files(files)


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("scoring")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    accounts = {**ACCOUNTS, "judge": ("group", "centre-director")}
    async with a_world(settings, now=NOW, accounts=accounts, edition=an_edition_with_disputes()) as world:
        told = world.told.organisation()
        for case in ("early", "late", "found", "quick", "mine"):
            told.registered(case, "2026-07-02 09:00")
            told.found_valid(case, "2026-07-02 10:00")
        told.registered("lately", "2026-07-20 09:00")
        told.missed("early", "2026-07-03 00:00")
        for case in ("late", "quick", "mine"):
            told.missed(case, "2026-08-03 00:00", person="zhou")
        told.callback_completed("quick", "2026-08-04 09:00", 1)
        await world.arrived()
        # What scoring itself tells is told by scoring itself: the director finds, and an inspection is entered late.
        found = {"kind": "shirking", "unit": BRANCH, "evidence": ["录音"], "reason": "推诿"}
        answers = [
            await Api(world, "director").post("/findings", {**found, "complaint_id": case_id("found")}),
            await Api(world, "importer").post("/inspections", {**SEEN, "at": "2026-07-30T02:00:00Z"}),
        ]
        assert [one.status_code for one in answers] == [201, 201]
        await world.arrived()
        yield world


async def the_posting(world: World, case: str) -> dict[str, Any]:
    path = f"/matters/{case_id(case)}/postings"
    found: list[dict[str, Any]] = (await Api(world, "head").get(path)).json()["items"]
    return next(one for one in found if one["sheet"] == "branch-scorecard" and not one["reverses"])


async def lodged(world: World, case: str, account: str = "head", **more: str) -> Response:
    posting = await the_posting(world, case)
    body = {"against": "posting", "about": posting["id"], "grounds": "已按期完成", **more}
    return await Api(world, account).post("/disputes", body)


@pytest.mark.rule("JK-15")
async def test_the_charged_unit_lodges_and_headquarters_rules_and_the_points_come_back(world: World) -> None:
    posting = await the_posting(world, "late")

    made = await lodged(world, "late")
    # Ten working days from Wednesday 5 August 10:00: 6, 7, 10, 11, 12, 13, 14, 17, 18, 19 August.
    assert (made.status_code, made.json()["decide_before"]) == (201, "2026-08-19T02:00:00Z")
    path = f"/disputes/{made.json()['id']}"
    body = {"upheld": True, "reasons": "现场记录属实"}
    ruled = await Api(world, "director").post(f"{path}/ruling", body, key="ruling-late")
    again = await Api(world, "director").post(f"{path}/ruling", body, key="ruling-late")
    second = await Api(world, "director").post(f"{path}/ruling", body)
    await world.arrived()

    assert (ruled.status_code, again.json(), second.json()["code"]) == (201, ruled.json(), "dispute-decided")
    seen = (await Api(world, "head").get(path)).json()
    assert (seen["ruling"]["by"], seen["ruling"]["uphold"]) == ("director", True)
    told = [orjson.loads(one.body)["data"] for one in await world.entries("dispute.ruled.v1")]
    assert [one["clauses"] for one in told if one["dispute"] == seen["id"]] == [posting["clauses"]]
    found = (await Api(world, "head").get(f"/matters/{case_id('late')}/postings")).json()["items"]
    # It was charged and reversed in one month, so nothing of it stands.
    assert posting["id"] not in {one["id"] for one in found}


async def test_it_is_contested_once_and_inside_its_term(world: World) -> None:
    first = await lodged(world, "found")
    second = await lodged(world, "found", grounds="再次")
    # Seven days from 3 July 00:00 have passed.
    too_late = await lodged(world, "early")

    assert [one.status_code for one in (first, second, too_late)] == [201, 409, 409]
    assert [one.json()["code"] for one in (second, too_late)] == ["dispute-decided", "term-over"]


async def test_who_found_it_stands_aside(world: World) -> None:
    """The director found it, and so does not rule the dispute; nor can the posting be ruled past the dispute."""
    posting = await the_posting(world, "found")
    (dispute,) = [
        one
        for one in (await Api(world, "head").get("/disputes")).json()["items"]
        if one["names"] == posting["offence"]
    ]
    ruling = {"upheld": False, "reasons": "属实"}

    refused = await Api(world, "director").post(f"/disputes/{dispute['id']}/ruling", ruling)
    direct = await Api(world, "director").post(
        f"/postings/{posting['id']}/ruling", {"unit": BRANCH, **ruling}
    )
    judged = await Api(world, "judge").post(f"/disputes/{dispute['id']}/ruling", ruling)

    assert [(one.status_code, one.json().get("code")) for one in (refused, direct)] == [
        (403, "recused"),
        (409, "dispute-decided"),
    ]
    assert judged.status_code == 201


@pytest.mark.rule("ZY-04")
async def test_a_callback_s_result_is_ruled_after_advice_by_the_roles_that_the_rule_names(
    world: World,
) -> None:
    body = {"against": "callback", "about": case_id("quick"), "grounds": "回访对象有误"}
    made = await Api(world, "head").post("/disputes", body)
    path = f"/disputes/{made.json()['id']}"
    ruling = {"upheld": True, "reasons": "同意建议"}
    advice = {"uphold": True, "reasons": "录音为他人"}

    too_soon = await Api(world, "director").post(f"{path}/ruling", ruling)
    by_head = await Api(world, "head").post(f"{path}/advice", advice)
    advised = await Api(world, "supervisor").post(f"{path}/advice", advice)
    by_adviser = await Api(world, "supervisor").post(f"{path}/ruling", ruling)
    ruled = await Api(world, "director").post(f"{path}/ruling", ruling)

    assert made.json()["advise_before"] == "2026-08-15T02:00:00Z"
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "advice-missing")
    assert [one.status_code for one in (by_head, advised, by_adviser, ruled)] == [403, 201, 403, 201]
    assert (ruled.json()["advice"]["by"], ruled.json()["ruling"]["by"]) == ("supervisor", "director")
    await world.arrived()
    told = [orjson.loads(one.body)["data"] for one in await world.entries("dispute.ruled.v1")]
    assert [one["restates"] for one in told if one["dispute"] == made.json()["id"]] == [True]


@pytest.mark.rule("ZY-04")
async def test_the_service_itself_is_contested_and_ruled_in_words(world: World) -> None:
    """Nothing was posted for it, so nothing is taken back; who registered the matter stands for the customer."""
    body = {"against": "service-quality", "about": case_id("lately"), "grounds": "服务态度"}

    foreign = await Api(world, "wuxi-head").post("/disputes", body)
    made = await Api(world, "head").post("/disputes", body)
    # Thirty days from 2 July have passed.
    too_late = await Api(world, "head").post("/disputes", {**body, "about": case_id("mine")})

    assert (foreign.status_code, made.status_code, too_late.json()["code"]) == (404, 201, "term-over")
    assert (made.json()["standing"], made.json()["unit"]) == ("charged-unit", BRANCH)
    path = f"/disputes/{made.json()['id']}"
    await Api(world, "supervisor").post(f"{path}/advice", {"uphold": True, "reasons": "属实"})
    ruled = await Api(world, "director").post(f"{path}/ruling", {"upheld": True, "reasons": "属实"})
    await world.arrived()
    assert ruled.status_code == 201
    told = [orjson.loads(one.body)["data"] for one in await world.entries("dispute.ruled.v1")]
    mine = next(one for one in told if one["dispute"] == made.json()["id"])
    assert (mine["offence"], mine["restates"], mine["about"]) == ("", False, case_id("lately"))


@pytest.mark.parametrize(
    ("account", "status"),
    [
        pytest.param("wuxi-head", 404, id="of another unit it is not there"),
        pytest.param("hr", 403, id="without the right"),
        pytest.param("", 401, id="nobody"),
    ],
)
async def test_nobody_else_lodges(world: World, account: str, status: int) -> None:
    assert (await lodged(world, "mine", account)).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"against": "posting", "about": "none"}, 404),
        ({"against": "callback", "about": case_id("nowhere")}, 404),
        ({"against": "callback", "about": case_id("mine")}, 422),
        ({"against": "inspection", "about": "none"}, 404),
        ({"against": "management", "about": "group", "unit": BRANCH}, 422),
        ({"against": "weather", "about": "x"}, 422),
    ],
)
async def test_what_is_not_here_cannot_be_contested(world: World, body: dict[str, str], status: int) -> None:
    refused = await Api(world, "head").post("/disputes", {**body, "grounds": "x"})

    assert refused.status_code == status


async def test_what_is_late_is_told_once(world: World) -> None:
    dispute = (await lodged(world, "quick")).json()["id"]
    assert not await world.entries("dispute.overdue.v1")

    world.stand_at("2026-08-20 10:00")

    async def told() -> bool:
        entries = await world.entries("dispute.overdue.v1")
        return dispute in {one["dispute"] for one in (orjson.loads(entry.body)["data"] for entry in entries)}

    await until(told)
    await world.service.use.disputes.sweep()
    world.stand_at(NOW)
    mine = [
        orjson.loads(one.body)
        for one in await world.entries("dispute.overdue.v1")
        if orjson.loads(one.body)["data"]["dispute"] == dispute
    ]
    assert [(one["data"]["stage"], one["time"]) for one in mine] == [("ruling", "2026-08-19T02:00:00Z")]


async def test_an_inspection_that_is_ruled_away_restates_the_month_that_was_published(world: World) -> None:
    """INVARIANT: what was published is never altered: a ruling that restates it leads to a new version beside the old.

    What breaks it: letting the upheld ruling count only from its own month, in which a mean of July is nowhere.
    """

    async def closed() -> bool:
        answer = await Api(world, "director").post(f"/periods/{JULY}/close", {}, key="close-july-1")
        return answer.status_code == 201

    await until(closed)
    (seen,) = (await Api(world, "head").get("/inspections", month=JULY, unit=BRANCH)).json()["items"]
    before = (await Api(world, "head").get(f"/scorecards/{JULY}/{BRANCH}")).json()

    body = {"against": "inspection", "about": seen["event"], "grounds": "未到现场"}
    dispute = (await Api(world, "head").post("/disputes", body)).json()["id"]
    ruling = {"upheld": True, "reasons": "未到现场属实"}
    ruled = await Api(world, "director").post(f"/disputes/{dispute}/ruling", ruling)
    assert ruled.status_code == 201

    async def restated() -> bool:
        card = (await Api(world, "head").get(f"/scorecards/{JULY}/{BRANCH}")).json()
        return bool(card["version"] == 2)

    await until(restated)
    first = (await Api(world, "head").get(f"/scorecards/{JULY}/{BRANCH}", version=1)).json()
    second = (await Api(world, "head").get(f"/scorecards/{JULY}/{BRANCH}")).json()
    assert first == before
    notes = {
        item["key"]: item["note"]
        for section in second["scorecards"][0]["sections"]
        for item in section["parts"]
    }
    assert notes["staff"] == "not-inspected"
    assert second["scorecards"][0]["total"] != first["scorecards"][0]["total"]


async def test_overturns_are_counted_by_clause_and_by_inspector(world: World) -> None:
    await world.arrived()
    counted = (await Api(world, "director").get("/overturns")).json()

    inspector = {one["of"]: (one["ruled"], one["upheld"]) for one in counted["by_inspector"]}
    assert inspector["importer"] == (1, 1)
    assert {one["of"] for one in counted["by_clause"]} >= {"JK-15"}
    assert (await Api(world, "head").get("/overturns")).status_code == 404
