"""Who may call and how often, over HTTP: the unit's own people, calls of calls, caps of a customer."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from jiandu.stack.stack import Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.conftest import FreshName
from tests.contract.callback_world import World, a_world, noon, settings_for
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


def an_edition_of_others() -> Edition:
    """Return jinke's edition where others call than the unit, every call is made again, and bursts are capped."""
    files = changed("callback.yaml", "    reopen_at: 2\n", PLAN)
    files["callback.yaml"] = files["callback.yaml"].replace("    per_day: 5\n", BURST)
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
