"""Handling over HTTP, on real MongoDB and RabbitMQ: the shell around the decisions. Now is 1 July 2026, 10:00."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jiandu.stack.stack import Stack
from services.handling.store import LIVE, NEWEST_FIRST, CaseQuery, due_query, held_queries, page_query
from shared.events.intake import ImportDeclared
from tests.builders_facts import SEALED
from tests.conftest import FreshName
from tests.contract.callback_world import until
from tests.contract.handling_world import BRANCH, NOW, Api, World, a_world

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    async with a_world(servers, fresh_name("handling")) as world:
        yield world


async def walked(api: Api, **query: str | int) -> list[str]:
    """Return the ids on all pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await api.get("", **query, **({"cursor": cursor} if cursor else {}))).json()
        found += [one["complaint_id"] for one in page["items"]]
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


async def test_a_command_is_answered_again_after_it_took_the_case_away(world: World) -> None:
    """INVARIANT: whoever repeats a command whose answer was lost learns that it was done.

    What breaks it: asking first whether the caller may see the case. A transfer takes it from them.
    """
    api, case = Api(world, "head"), UUID(int=7)
    transfer = {"do": "transfer", "to_unit": "chongqing", "reason": "由公司直接处理"}

    first = await api.do(case, key="transfer-1", **transfer)
    again = await api.do(case, key="transfer-1", **transfer)
    other_body = await api.do(case, key="transfer-1", **{**transfer, "reason": "另一理由"})
    other_key = await api.do(case, key="transfer-2", **transfer)
    seen = await api.get(f"/{case}")

    assert (first.status_code, first.json()["events"]) == (200, ["case.transferred.v1"])
    assert (again.status_code, again.json()) == (200, first.json())
    assert (other_body.status_code, other_body.json()["code"]) == (409, "idempotency-key-reused")
    assert (other_key.status_code, seen.status_code) == (404, 404)


async def test_a_command_is_answered_again_after_the_case_was_closed(world: World) -> None:
    api, case = Api(world, "head"), await world.registered(100, NOW, class_="explanation")
    await world.there()
    explain, close = {"do": "complete-step", "step": "explain", "outcome": "已解释"}, {"do": "close"}

    first = [await api.do(case, key="explain-1", **explain), await api.do(case, key="close-001", **close)]
    again = [await api.do(case, key="explain-1", **explain), await api.do(case, key="close-001", **close)]
    other_key = await api.do(case, key="close-002", **close)

    assert [one.json()["status"] for one in first] == ["resolved", "closed"]
    assert [one.json() for one in again] == [one.json() for one in first]
    assert (other_key.status_code, other_key.json()["code"]) == (409, "case-over")


async def test_of_two_commands_at_once_the_second_is_judged_on_what_the_first_left(world: World) -> None:
    """INVARIANT: a write that lost decides anew.

    What breaks it: saving what was read before.
    """
    api, case = Api(world, "officer"), UUID(int=4)

    answers = await asyncio.gather(*(api.do(case, do="withdraw", reason=str(n)) for n in range(4)))

    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]


async def test_a_case_says_its_class_and_what_each_step_needs(world: World) -> None:
    found = (await Api(world, "officer").get(f"/{UUID(int=1)}")).json()
    listed = (await Api(world, "officer").get()).json()["items"][0]

    needs = {one["step"]: one["needs"] for one in found["allowed"] if one["step"]}
    assert (found["class"], "class" in listed, "class_" in found) == ("general", True, False)
    assert needs["negotiate"] == ["evidence.agreement", "signatures.owner"]


async def test_rights_are_asked_for_each_command(world: World) -> None:
    case = UUID(int=5)
    late = {"do": "withdraw", "reason": "x", "at": "2026-07-01T01:59:00Z"}

    assert (await Api(world, "caller").get()).status_code == 403
    assert (await Api(world, "officer").do(case, **late)).status_code == 403
    refused = await Api(world, "supervisor").do(case, do="transfer", to_unit="nowhere", reason="x")
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "to_unit")
    assert (await Api(world, "importer").do(case, **late)).status_code == 200


async def test_a_pause_is_approved_with_the_leader_s_own_session(world: World) -> None:
    """What breaks it: taking the word of who asks for the name of who approved."""
    case = await world.registered(103, NOW - timedelta(minutes=5), class_="property-company", item="lift")
    await world.there()
    signed: dict[str, Any] = {"evidence": {"transfer-sheet": "f1"}, "signatures": {"property-company": "f1"}}
    await Api(world, "officer").do(case, do="complete-step", step="notice", **signed)
    pause = {"do": "pause", "reason": "no-access", "asked_by": "officer"}

    by_officer = await Api(world, "officer").do(case, **pause)
    named_only = await Api(world, "officer").do(case, **pause, approved_by="leader")
    elsewhere = await Api(world, "wuxi-leader").do(case, **pause)
    (offered,) = [
        one for one in (await Api(world, "leader").get(f"/{case}")).json()["allowed"] if one["do"] == "pause"
    ]
    by_leader = await Api(world, "leader").do(case, **pause)

    assert (by_officer.status_code, "cases.approve" in by_officer.json()["detail"]) == (403, True)
    assert (named_only.status_code, elsewhere.status_code) == (422, 404)
    assert (offered["right"], offered["why_not"]) == (["cases.approve"], None)
    assert (by_leader.status_code, by_leader.json()["events"]) == (200, ["clock.changed.v1"])


@pytest.mark.parametrize(
    ("acting", "status"),
    [
        ({"person": "head", "role": "branch-head"}, 200),
        ({"person": "head", "role": "company-leader"}, 422),
        ({"person": "nobody", "role": "branch-head"}, 422),
    ],
)
async def test_deeds_are_entered_only_for_who_is_on_record_in_that_role(
    world: World, acting: dict[str, str], status: int
) -> None:
    body: dict[str, Any] = {"do": "assign", "department": "d", "person": "officer", "acting_for": acting}

    answer = await Api(world, "importer").do(UUID(int=8), **body)

    assert answer.status_code == status
    assert [one["field"] for one in answer.json().get("problems", ())] == ["acting_for.person"] * (
        status == 422
    )


@pytest.mark.rule("QS-10")
async def test_the_history_is_as_it_was_written_and_names_nobody(world: World) -> None:
    async def logged() -> bool:
        return bool((await Api(world, "officer").get(f"/{UUID(int=1)}/history")).json()["items"])

    await until(logged)
    found = (await Api(world, "officer").get(f"/{UUID(int=1)}/history")).json()

    assert (found["items"][0]["type"], found["next"]) == ("case.opened.v1", None)
    assert SEALED.box not in [one["data"].get("sealed", {}).get("box", "") for one in found["items"]]


async def test_the_pages_of_a_history_hold_every_entry_once(world: World) -> None:
    api, case = Api(world, "officer"), await world.registered(104, NOW)
    await world.there()
    for person in ("a", "b", "c", "d"):
        await api.do(case, do="assign", department="d", person=person)

    async def logged() -> bool:
        return len((await api.get(f"/{case}/history")).json()["items"]) == 5

    await until(logged)
    sequences: list[int] = []
    cursor: str | None = ""
    for _ in range(3):
        page = (await api.get(f"/{case}/history", limit=2, cursor=cursor or "")).json()
        sequences += [one["sequence"] for one in page["items"]]
        cursor = page["next"]

    assert (len(set(sequences)), sequences, cursor) == (5, sorted(sequences), None)
    assert (await api.get(f"/{case}/history", cursor="-1")).status_code == 422


async def test_every_query_uses_an_index(world: World) -> None:
    """What breaks it: a filter that no index holds."""
    before = (NOW, str(UUID(int=9)))
    pages = [
        CaseQuery(None),
        CaseQuery([BRANCH], before=before),
        CaseQuery(None, status="open", before=before),
        CaseQuery([BRANCH], status="open"),
        CaseQuery(None, overdue=True),
        CaseQuery([BRANCH], overdue=True, before=before),
    ]
    collection = world.service.context.database.collection("cases")
    asked: list[tuple[dict[str, Any], dict[str, int]]] = [
        (page_query(one), dict(NEWEST_FIRST)) for one in pages
    ]
    asked += [(query, {}) for query in held_queries([BRANCH], ["officer"])]
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
    log = world.service.context.log

    async def missed(case: UUID) -> int:
        return sum(one.type == "deadline.missed.v1" for one in await log.about(str(case)))

    async def swept() -> bool:
        # More than two batches.
        due = world.service.context.database.collection("cases").count_documents(due_query(LIVE, world.now))
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
