"""What people record in scoring, and who may see what, on real MongoDB and RabbitMQ. Now is 10 August 2026."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from jiandu.stack.stack import Stack
from tests.builders_facts import case_id
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for, until
from tests.contract.scoring_world import Api, World, a_world

pytestmark = pytest.mark.connected

BRANCH = "chongqing-branch"
SEEN: dict[str, Any] = {
    "kind": "weekly-branch",
    "unit": BRANCH,
    "observations": {"staff": "7.5", "office": "1", "management": "5"},
    "fields": {"co-operation": "正常", "week-plan": "完成"},
}
PROPOSED = {"obligation": "proposal", "unit": BRANCH, "period": "2026-08", "sections": ["proposal"]}
FOUND = {"kind": "shirking", "unit": BRANCH, "evidence": ["录音"], "reason": "推诿"}


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("scoring")
    async with a_world(settings_for(servers.mongo_url, servers.broker.vhost(name), name)) as world:
        world.told.organisation()
        world.told.established("chongqing-engineering", "engineering", "chongqing", "chongqing")
        for case, unit in (("ours", BRANCH), ("theirs", "wuxi-branch")):
            world.told.registered(case, "2026-07-02 09:00", unit)
            world.told.found_valid(case, "2026-07-02 10:00", unit)
            world.told.missed(case, "2026-07-03 00:00", unit=unit)
        await world.arrived()
        yield world


async def kept(world: World) -> int:
    return int(await world.service.use.scores.store.records.collection.count_documents({}))


# --- recording


async def test_a_record_is_told_once_however_often_it_is_sent(world: World) -> None:
    """INVARIANT: the same key and body give the first answer, another body is refused.

    What breaks it: checking the rules before the key, so that what was accepted once is refused later.
    """
    api = Api(world, "supervisor")

    first = await api.post("/inspections", SEEN, key="seen-0001")
    again = await api.post("/inspections", SEEN, key="seen-0001")
    other = await api.post("/inspections", {**SEEN, "evidence": ["x"]}, key="seen-0001")
    await world.arrived()

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    told = await world.entries("inspection.recorded.v1")
    assert [one.subject for one in told].count(first.json()["record"]) == 1


async def test_a_key_that_was_used_for_another_duty_is_refused(world: World) -> None:
    api, key = Api(world, "head"), "duty-key-1"
    report = {"obligation": "analysis-report", "unit": BRANCH, "period": "2026-07", "sections": ["cases"]}

    first = await api.post("/duties", report, key=key)
    other = await api.post("/duties", {**report, "obligation": "proposal", "sections": []}, key=key)

    assert (first.status_code, other.status_code) == (201, 409)


@pytest.mark.rule("JK-18")
async def test_a_report_can_be_handed_in_from_the_first_day_of_its_period(world: World) -> None:
    """What breaks it: taking a report for a month that is to come, which then counts as done in time."""
    api = Api(world, "head")

    early = await api.post("/duties", {**PROPOSED, "period": "2026-09"})
    world.stand_at("2026-09-01 00:00")
    on_the_first = await Api(world, "head").post("/duties", {**PROPOSED, "period": "2026-09"})
    world.stand_at("2026-08-10 10:00")

    assert (
        early.json()["problems"][0]["reason"] == "2026-09 begins on 2026-09-01. Hand it in from that day on"
    )
    assert (early.status_code, on_the_first.status_code) == (422, 201)


@pytest.mark.rule("JK-31")
@pytest.mark.parametrize("missing", ["co-operation", "week-plan"])
async def test_the_weekly_inspection_asks_about_co_operation_and_the_plan(world: World, missing: str) -> None:
    fields = {key: value for key, value in {"co-operation": "x", "week-plan": "y"}.items() if key != missing}

    refused = await Api(world, "supervisor").post("/inspections", {**SEEN, "fields": fields})

    assert (refused.status_code, refused.json()["problems"]) == (
        422,
        [{"field": f"fields.{missing}", "reason": "required"}],
    )


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("supervisor", "/inspections", {**SEEN, "kind": "x"}, "kind"),
    ("supervisor", "/inspections", {**SEEN, "unit": "chongqing"}, "unit"),
    (
        "supervisor",
        "/inspections",
        {**SEEN, "observations": {"staff": "9", "office": "1", "management": "1"}},
        "observations.staff",
    ),
    (
        "supervisor",
        "/inspections",
        {**SEEN, "observations": {"staff": "1", "office": "1"}},
        "observations.management",
    ),
    ("supervisor", "/inspections", {**SEEN, "failed_aspects": ["x"]}, "failed_aspects"),
    ("supervisor", "/inspections", {**SEEN, "evidence": [""]}, "evidence.0"),
    ("supervisor", "/inspections", {**SEEN, "complaint_id": case_id("ours")}, "complaint_id"),
    ("supervisor", "/findings", {**FOUND, "complaint_id": case_id("ours"), "norm": "x"}, "norm"),
    ("head", "/duties", {**PROPOSED, "nil": True}, "nil"),
    ("supervisor", "/findings", {**FOUND, "complaint_id": case_id("ours"), "evidence": []}, "evidence"),
    ("supervisor", "/findings", FOUND, "complaint_id"),
    ("supervisor", "/findings", {**FOUND, "complaint_id": "unit/chongqing"}, "complaint_id"),
    ("supervisor", "/findings", {**FOUND, "complaint_id": case_id("theirs")}, "unit"),
    ("head", "/duties", {"obligation": "x", "unit": BRANCH, "period": "2026-07"}, "obligation"),
    (
        "head",
        "/duties",
        {"obligation": "proposal", "unit": BRANCH, "period": "2026-W31", "sections": ["proposal"]},
        "period",
    ),
    (
        "head",
        "/duties",
        {"obligation": "proposal", "unit": BRANCH, "period": "2026-07", "sections": ["proposal", "x"]},
        "sections",
    ),
    ("head", "/duties", {**PROPOSED, "sections": []}, "sections"),
    ("head", "/duties", {**PROPOSED, "fields": {"x": "y"}}, "fields.x"),
    ("head", "/duties", {**PROPOSED, "period": "2026-09"}, "period"),
    ("head", "/duties", {**PROPOSED, "period": "2099-10"}, "period"),
    ("head", "/duties", {**PROPOSED, "period": "2005-04"}, "period"),
    ("head", "/duties", {**PROPOSED, "period": "2026-13"}, "period"),
    ("head", "/duties", {**PROPOSED, "period": "0000-01"}, "period"),
    (
        "head",
        "/duties",
        {**PROPOSED, "obligation": "progress-report", "sections": ["progress"]},
        "unit",
    ),
    (
        "supervisor",
        "/inspections",
        {**SEEN, "observations": {**SEEN["observations"], "staff": "1E-999999999"}},
        "observations.staff",
    ),
    ("supervisor", "/inspections", {**SEEN, "fields": {**SEEN["fields"], "x": "y"}}, "fields.x"),
    ("supervisor", "/inspections", {**SEEN, "assessor": "评估机构"}, "assessor"),
    ("importer", "/inspections", {**SEEN, "at": "9999-12-31T23:59:59-14:00"}, "at"),
    ("importer", "/inspections", {**SEEN, "at": "0001-01-01T00:00:00+14:00"}, "at"),
    ("importer", "/inspections", {**SEEN, "at": "1999-01-01T00:00:00Z"}, "at"),
    ("importer", "/inspections", {**SEEN, "at": "2027-01-01T00:00:00Z"}, "at"),
    ("importer", "/inspections", {**SEEN, "at": "2026-07-01T00:00:00"}, "at"),
    ("importer", "/inspections", {**SEEN, "surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("account", "path", "body", "field"), BAD)
async def test_bad_input_names_its_field_and_nothing_is_stored(
    world: World, account: str, path: str, body: dict[str, Any], field: str
) -> None:
    before = await kept(world)

    refused = await Api(world, account).post(path, body)

    assert (refused.status_code, [one["field"] for one in refused.json()["problems"]]) == (422, [field])
    assert await kept(world) == before


async def test_a_finding_about_a_complaint_is_kept_with_that_complaint(world: World) -> None:
    body = {**FOUND, "complaint_id": case_id("ours")}

    made = await Api(world, "supervisor").post("/findings", body)
    await world.arrived()

    assert made.status_code == 201
    found = (await Api(world, "head").get(f"/matters/{case_id('ours')}/postings")).json()["items"]
    assert "shirking" in {one["rule"] for one in found}
    assert {one["unit"] for one in found} == {BRANCH}


async def test_a_finding_about_a_complaint_that_is_not_here_may_be_sent_again(world: World) -> None:
    missing = await Api(world, "supervisor").post("/findings", {**FOUND, "complaint_id": case_id("nowhere")})
    body = {**FOUND, "unit": "wuxi-branch", "complaint_id": case_id("ours")}
    foreign = await Api(world, "wuxi-importer").post("/findings", body)

    assert (missing.status_code, missing.json()["code"]) == (404, "not-yet-here")
    assert missing.headers["retry-after"]
    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}


# --- an employee's result

ASSESSED = {
    "person": "zhou",
    "unit": "chongqing-sales",
    "month": "2026-07",
    "scheme": "desk-officer",
    "part": "branch-assessment",
    "score": "80",
}
SALES = {**ASSESSED, "part": "sales-department"}


@pytest.mark.rule("JK-25")
async def test_the_branch_gives_its_half_and_hr_enters_the_sales_department_s(world: World) -> None:
    made = [
        await Api(world, account).post("/assessments", body)
        for account, body in (("head", ASSESSED), ("officer", ASSESSED), ("hr", SALES))
    ]

    assert [one.status_code for one in made] == [201, 201, 201]


@pytest.mark.rule("JK-25")
@pytest.mark.parametrize(
    ("account", "body", "status"),
    [
        pytest.param("officer", SALES, 403, id="the branch gives the other half too"),
        pytest.param("hr", ASSESSED, 403, id="HR gives the branch's half"),
        pytest.param("officer", {**ASSESSED, "person": "officer"}, 403, id="oneself"),
        pytest.param("supervisor", ASSESSED, 403, id="the group centre"),
        pytest.param("wuxi-head", ASSESSED, 404, id="another branch"),
    ],
)
async def test_a_part_is_given_by_whose_it_is_and_by_nobody_about_himself(
    world: World, account: str, body: dict[str, Any], status: int
) -> None:
    """INVARIANT: neither side gives both halves of a result.

    What breaks it: asking only for a right, and not for the role that the part belongs to.
    """
    assert (await Api(world, account).post("/assessments", body)).status_code == status


@pytest.mark.rule("JK-25")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"part": "x"}, "part"),
        ({"scheme": "x"}, "scheme"),
        ({"score": "101"}, "score"),
        ({"score": "1E-400000"}, "score"),
        ({"score": "80.0000001"}, "score"),
        ({"score": "NaN"}, "score"),
        ({"person": "nobody"}, "person"),
        ({"person": "zh\0ou"}, "person"),
        ({"person": "wuxi-zhou"}, "person"),
        ({"person": "hr"}, "person"),
        # Zhou came on 31 July, and on 10 August the month of September has not begun.
        ({"month": "2026-06"}, "person"),
        ({"month": "2026-09"}, "month"),
        ({"month": "2005-04"}, "month"),
        ({"month": "0000-01"}, "month"),
        ({"month": "9999-12"}, "month"),
    ],
)
async def test_an_assessment_is_of_who_is_on_record_for_a_month_that_was(
    world: World, change: dict[str, str], field: str
) -> None:
    refused = await Api(world, "head").post("/assessments", {**ASSESSED, **change})

    assert (refused.status_code, [one["field"] for one in refused.json()["problems"]]) == (422, [field])


# --- who may


@pytest.mark.rule("JK-19")
async def test_nobody_inspects_their_own_unit(world: World) -> None:
    refused = await Api(world, "officer").post("/inspections", SEEN)

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.rule("JK-01")
@pytest.mark.parametrize(
    ("account", "path", "body", "status"),
    [
        ("", "/inspections", SEEN, 401),
        ("engineer", "/inspections", SEEN, 403),
        ("officer", "/findings", {**FOUND, "complaint_id": case_id("ours")}, 403),
        ("hr", "/duties", {"obligation": "proposal", "unit": BRANCH, "period": "2026-07"}, 403),
        ("supervisor", "/periods/2026-07/close", {}, 403),
        ("wuxi-head", "/duties", {"obligation": "proposal", "unit": BRANCH, "period": "2026-07"}, 404),
        ("head", "/inspections", {**SEEN, "at": "2026-07-01T00:00:00Z"}, 403),
    ],
)
async def test_who_lacks_the_right_is_refused(
    world: World, account: str, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await Api(world, account).post(path, body)).status_code == status


async def test_a_revoked_account_s_session_is_refused(world: World) -> None:
    api = Api(world, "engineer")
    assert (await api.get("/periods")).status_code == 403

    world.revoke("engineer")
    await world.arrived()

    assert (await api.get("/periods")).status_code == 401


# --- facts


async def test_a_fact_whose_unit_is_not_known_yet_is_charged_once_it_is(world: World) -> None:
    """INVARIANT: no posting is lost because the organisation came later.

    What breaks it: working postings out only when a fact of their own matter arrives.
    """
    world.told.registered("early", "2026-07-05 09:00", "kunming-branch")
    world.told.missed("early", "2026-07-08 00:00", unit="kunming-branch")
    await world.arrived()
    path = f"/matters/{case_id('early')}/postings"
    before = (await Api(world, "director").get(path)).json()["items"]
    assert [one.subject for one in await world.entries("score.posted.v1")].count(case_id("early")) == 0

    world.told.established("kunming", "subsidiary", "group", "kunming")
    world.told.established("kunming-branch", "branch", "kunming", "kunming")
    await world.arrived()

    async def charged() -> bool:
        told = [one.subject for one in await world.entries("score.posted.v1")]
        return told.count(case_id("early")) == len(before)

    await until(charged)
    after = (await Api(world, "director").get(path)).json()["items"]
    assert {one["unit"] for one in before} == {""}
    assert {one["unit"] for one in after} == {"kunming-branch"}


async def test_what_is_judged_at_the_end_of_the_month_is_told_without_a_further_fact(world: World) -> None:
    """A record that lacks fields when August ends costs points then, though nothing happens on 1 September."""
    world.told.registered("thin", "2026-08-05 09:00", missing=["demand"])
    await world.arrived()
    assert (await Api(world, "head").get(f"/matters/{case_id('thin')}/postings")).json()["items"] == []

    world.stand_at("2026-09-01 00:00")

    async def told() -> bool:
        return case_id("thin") in {one.subject for one in await world.entries("score.posted.v1")}

    await until(told)
    world.stand_at("2026-08-10 10:00")
