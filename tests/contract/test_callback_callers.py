"""Who may call and how often, over HTTP: the unit's own people, calls of calls, caps of a customer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from jiandu.stack.stack import Stack
from services.callback.domain.sampling import Member, commitment
from services.callback.domain.sampling import drawn as sampled
from services.callback.store import LATEST_FIRST, campaigns_query
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.conftest import FreshName
from tests.contract.callback_world import World, a_world, noon, settings_for, until
from tests.contract.test_callback_api import Api
from tests.unit.rulebook.editions import changed

pytestmark = pytest.mark.connected

HOUR = timedelta(hours=1)
PLAN = """    reopen_at: 2
    own_unit: false
    recall: {ratio: 1, by: [supervisor], within: {days: 14}}
"""
BURST = """    per_day: 5
    burst: {calls: 3, within: {minutes: 5}}
"""
CAMPAIGN = """
campaigns:
  visit:
    from: 2005-05-28
    source: JK-27
    title: {zh: 访谈, en: interview}
    of: customers
    sample: {number: 2}
    questionnaire: owners
    within: {days: 30}
    by: supervisor
"""


def an_edition_of_others() -> Edition:
    """Return jinke's edition where others call than the unit, every call is made again, and bursts are capped."""
    files = changed("callback.yaml", "    reopen_at: 2\n", PLAN)
    files["callback.yaml"] = files["callback.yaml"].replace("    per_day: 5\n", BURST) + CAMPAIGN
    place = "    at: group-centre\n    rights:\n"
    rights, role = files["rights.yaml"], "  supervisor:\n"
    before, after = rights.split(role)
    files["rights.yaml"] = before + role + after.replace(place, f"{place}      - campaigns.run\n", 1)
    return edition_from_files(files)


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("callback")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    async with a_world(settings, replicas=1, edition=an_edition_of_others()) as world:
        world.stand_at(noon())
        yield world


async def test_others_call_and_somebody_above_calls_again(world: World) -> None:
    complaint = UUID(int=1)
    await world.registered(complaint, noon() - 2 * HOUR)
    await world.closed(complaint, at=noon() - HOUR)
    own, central, above = (Api(world, name) for name in ("caller", "central-caller", "supervisor"))
    path, answer = f"/tasks/{complaint}/attempts", {"outcome": "completed", "satisfaction": 5, "solved": True}

    nothing = await own.post("/tasks/claim", {})
    refused = await own.post(path, answer)
    taken = await central.post("/tasks/claim", {})
    first = await central.post(path, answer)
    again = await central.post(path, answer, "key-00002")
    second = await above.post(path, {**answer, "satisfaction": 2}, "key-00003")
    shown = (await above.get(f"/tasks/{complaint}")).json()
    month = (await above.get("/summary", month=shown["earlier"][0]["due_before"][:7])).json()

    assert (nothing.status_code, nothing.json()["code"]) == (404, "queue-empty")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-yours")
    assert (taken.status_code, taken.json()["complaint_id"]) == (200, str(complaint))
    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 409, "not-yours")
    assert (second.status_code, shown["again"], shown["status"]) == (201, True, "completed")
    # One call was owed and answered, 5; the second answer, 2, compares and counts nowhere.
    assert (month["total"]["required"], month["total"]["satisfied"]) == (1, 1)
    await world.logged("callback.recalled.v1", [complaint])


async def test_a_customer_is_called_three_times_in_five_minutes_whatever_about(world: World) -> None:
    complaints = [UUID(int=number) for number in range(11, 15)]
    await world.closed(*complaints, at=noon() - HOUR, customer="customer/one")
    central = Api(world, "central-caller")

    answers = [
        await central.post(f"/tasks/{one}/attempts", {"outcome": "unreachable"}, f"key-1{one.int:05d}")
        for one in complaints
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 409]
    assert answers[3].json()["code"] == "too-many-calls"


async def test_a_campaign_commits_draws_asks_and_ends(world: World) -> None:
    complaints = [UUID(int=number) for number in range(21, 24)]
    for one in complaints:
        await world.registered(one, noon() - 2 * HOUR)
    above, caller = Api(world, "supervisor"), Api(world, "central-caller")
    surveys = world.one.use.campaigns

    refused = await caller.post("/campaigns", {"campaign": "visit"})
    opened = await above.post("/campaigns", {"campaign": "visit"})
    same = await above.post("/campaigns", {"campaign": "visit"})
    path = f"/campaigns/{opened.json()['id']}"
    drawn = await above.post(f"{path}/draw", {}, "key-00004")
    again = await above.post(f"{path}/draw", {}, "key-00005")
    frame = (await above.get(f"{path}/frame")).json()["members"]

    assert (refused.status_code, opened.status_code, same.json()) == (403, 201, opened.json())
    assert (opened.json()["seed"], opened.json()["size"]) == ("", 2)
    assert commitment(drawn.json()["seed"]) == opened.json()["seed_hash"]
    assert (drawn.json()["sizes"], again.json()) == ({"": 2}, drawn.json())
    # Anyone draws the same.
    members = [Member(one["stratum"], one["id"]) for one in frame]
    lot = sampled(members, drawn.json()["seed"], {"": 2})
    assert {one.id for one in lot} == {one["id"] for one in frame if one["drawn"]}

    # The first of the two answers, the other is never reached.
    (first, *_) = [interview_of(opened.json()["id"], member.id) for member in lot]
    answer = {"outcome": "completed", "satisfaction": 4, "solved": True}
    called = await caller.post(f"/tasks/{first}/attempts", answer, "key-00006")
    assert (called.status_code, called.json().get("status")) == (201, "completed"), called.text
    later = replace(surveys, clock=lambda: noon() + timedelta(days=31))
    await later.tend()

    second = await above.post("/campaigns", {"campaign": "visit"}, "key-00007")
    pages = [await above.get("/campaigns", limit=1)]
    while cursor := pages[-1].json()["next"]:
        pages.append(await above.get("/campaigns", limit=1, cursor=cursor))
    assert {one["id"] for page in pages for one in page.json()["items"]} == {
        opened.json()["id"],
        second.json()["id"],
    }
    assert [len(page.json()["items"]) for page in pages] == [1, 1, 0]

    collection, place = world.one.use.campaigns.campaigns.collection, (noon(), str(first))
    for query in (campaigns_query(None, None), campaigns_query(["chongqing-branch"], place)):
        find = {"find": collection.name, "filter": query, "sort": dict(LATEST_FIRST)}
        plan = await collection.database.command({"explain": find, "verbosity": "queryPlanner"})
        assert "'indexName': 'latest'" in str(plan["queryPlanner"]["winningPlan"]), query

    ended = (await above.get(path)).json()
    assert (ended["stage"], ended["asked"], ended["answered"], ended["estimate"]) == (
        "closed",
        2,
        1,
        "4.0000",
    )
    subject = f"campaign/{ended['id']}"

    async def told() -> bool:
        types = [entry.type for entry in await world.entries() if entry.subject == subject]
        return types == ["campaign.opened.v1", "campaign.drawn.v1", "campaign.closed.v1"]

    await until(told)


def interview_of(campaign: str, member: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"jiandu/campaign/{campaign}/{member}")
