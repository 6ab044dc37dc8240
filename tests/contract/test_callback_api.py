"""Callback over HTTP, on real MongoDB and RabbitMQ. Today's noon is now; cases were closed an hour before."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from jiandu.stack.stack import Stack
from services.callback.app import create_app
from services.callback.domain import Dialler, QueueEmptyError
from services.callback.store import (
    TaskQuery,
    callee_query,
    due_query,
    free_query,
    held_query,
    month_query,
    page_query,
)
from shared.events import iso
from shared.http.pages import Place
from tests.conftest import FreshName
from tests.contract.callback_world import World, a_world, noon, settings_for, until

pytestmark = pytest.mark.connected

COMPLAINTS = [UUID(int=number) for number in range(1, 11)]
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("callback")
    async with a_world(
        settings_for(servers.mongo_url, servers.broker.vhost(name), name), replicas=1
    ) as world:
        world.stand_at(noon())
        yield world


@pytest.fixture
async def closed(world: World, numbers: Sequence[UUID]) -> Sequence[UUID]:
    for one in numbers:
        await world.registered(one, noon() - 2 * HOUR)
    await world.closed(*numbers, at=noon() - HOUR)
    return numbers


_used = iter(range(1_000, 1_000_000))


@pytest.fixture
def numbers() -> Sequence[UUID]:
    return [UUID(int=next(_used))]


class Api:
    """The service as one account sees it."""

    def __init__(self, world: World, account: str) -> None:
        app = create_app()
        app.state.context, app.state.use = world.one.context, world.one.use
        self._client = AsyncClient(transport=ASGITransport(app=app), base_url="http://callback")
        self._token = {"Authorization": f"Bearer {world.token(account)}"} if account else {}

    async def get(self, path: str, **query: str | int) -> Response:
        return await self._client.get(f"/v1{path}", params=query, headers=self._token)

    async def post(self, path: str, body: dict[str, Any], key: str = "key-00001") -> Response:
        headers = {**self._token, "Idempotency-Key": key}
        return await self._client.post(f"/v1{path}", json=body, headers=headers)


ANSWER = {
    "outcome": "completed",
    "satisfaction": 2,
    "solved": False,
    "answers": {"opinion": "太慢了 13900001111"},
}


# --- calls


async def test_an_answer_is_told_and_the_same_key_gets_it_again(world: World, closed: Sequence[UUID]) -> None:
    api, path = Api(world, "caller"), f"/tasks/{closed[0]}/attempts"

    first = await api.post(path, ANSWER)
    again = await api.post(path, ANSWER)
    other = await api.post(path, {**ANSWER, "satisfaction": 5})

    assert (first.status_code, first.json()["status"]) == (201, "completed")
    assert first.json()["attempt"]["reopen"] is True
    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    await world.logged("callback.completed.v1", closed)
    told = [one for one in await world.entries("callback.completed.v1") if one.subject == str(closed[0])]
    assert len(told) == 1


async def test_the_customer_s_own_words_are_nowhere_in_the_clear(
    world: World, closed: Sequence[UUID]
) -> None:
    """INVARIANT: what a customer says is sealed in the document, in the log and in the event.

    What breaks it: putting free answers among the coded ones.
    """
    await Api(world, "caller").post(f"/tasks/{closed[0]}/attempts", ANSWER)
    await world.logged("callback.completed.v1", closed)

    document = await world.one.use.campaigns.matters.collection.find_one({"_id": str(closed[0])})
    bodies = b"".join(entry.body for entry in await world.entries())
    assert "13900001111" not in str(document)
    assert b"13900001111" not in bodies
    assert "13812345678" not in str(document)


async def test_a_call_outside_the_calling_hours_is_refused(world: World, closed: Sequence[UUID]) -> None:
    # Noon + 10 hours = 22:00, an hour after the last moment (21:00).
    world.stand_at(noon() + 10 * HOUR)
    api = Api(world, "caller")

    refused = await api.post(f"/tasks/{closed[0]}/attempts", {"outcome": "unreachable"})
    world.stand_at(noon())

    assert (refused.status_code, refused.json()["code"]) == (409, "outside-calling-hours")
    assert "from 08:00 and before 21:00" in refused.json()["detail"]


async def test_a_late_entry_is_judged_by_its_own_moment_and_needs_the_right(
    world: World, closed: Sequence[UUID]
) -> None:
    # Entered at 22:00 for a call at noon.
    body = {"outcome": "unreachable", "at": iso(noon())}
    world.stand_at(noon() + 10 * HOUR)

    refused = await Api(world, "caller").post(f"/tasks/{closed[0]}/attempts", body)
    entered = await Api(world, "importer").post(f"/tasks/{closed[0]}/attempts", body)
    world.stand_at(noon())

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (entered.status_code, entered.json()["attempt"]["at"]) == (201, iso(noon()))


async def test_missing_answers_are_named(world: World, closed: Sequence[UUID]) -> None:
    refused = await Api(world, "caller").post(f"/tasks/{closed[0]}/attempts", {"outcome": "completed"})

    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["problems"]] == ["satisfaction", "solved"]


async def test_a_call_in_the_future_is_refused(world: World, closed: Sequence[UUID]) -> None:
    body = {"outcome": "unreachable", "at": iso(noon() + HOUR)}

    refused = await Api(world, "importer").post(f"/tasks/{closed[0]}/attempts", body)

    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "at")


async def test_calls_of_two_callers_at_once_are_both_kept(world: World, closed: Sequence[UUID]) -> None:
    """INVARIANT: a write that lost decides anew on what the other wrote.

    What breaks it: saving what was read before.
    """
    body = {"outcome": "call-back-at", "call_back_at": iso(noon() + HOUR)}

    answers = await asyncio.gather(
        *(
            Api(world, "caller").post(f"/tasks/{closed[0]}/attempts", body, key=f"key-{n:05}")
            for n in range(5)
        )
    )

    assert sorted(one.json()["attempt"]["number"] for one in answers) == [1, 2, 3, 4, 5]


# --- who sees what


@pytest.mark.parametrize("path", ["/tasks/{}", "/questionnaire/{}"])
async def test_a_foreign_task_looks_like_one_that_is_not_there(
    world: World, closed: Sequence[UUID], path: str
) -> None:
    api = Api(world, "other-caller")

    foreign = await api.get(path.format(closed[0]))
    missing = await api.get(path.format(UUID(int=999_999_999)))

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}


async def test_nobody_calls_for_another_unit(world: World, closed: Sequence[UUID]) -> None:
    api = Api(world, "other-caller")

    calls = await api.post(f"/tasks/{closed[0]}/attempts", {"outcome": "unreachable"})
    looks = await api.post(f"/tasks/{closed[0]}/reveal", {"purpose": "to call back"})
    listed = await api.get("/tasks", unit="chongqing-branch")

    assert (calls.status_code, looks.status_code, listed.json()["items"]) == (404, 404, [])


async def test_a_role_without_the_right_is_refused_and_so_is_nobody(world: World) -> None:
    engineer, nobody = Api(world, "engineer"), Api(world, "")

    assert (await engineer.get("/tasks")).status_code == 403
    assert (await nobody.get("/tasks")).status_code == 401


# --- contact


async def test_the_contact_is_masked_until_a_purpose_is_stated(world: World, closed: Sequence[UUID]) -> None:
    """INVARIANT: who saw a telephone number, and why, stands in the log before they see it.

    What breaks it: answering first and telling later.
    """
    api = Api(world, "caller")

    shown = await api.get(f"/tasks/{closed[0]}")
    seen = await api.post(f"/tasks/{closed[0]}/reveal", {"purpose": "callback of 1 July"})
    again = await api.post(f"/tasks/{closed[0]}/reveal", {"purpose": "callback of 1 July"})
    other = await api.post(f"/tasks/{closed[0]}/reveal", {"purpose": "something else"})

    async def was_told() -> bool:
        return len(await world.entries("personal-data.revealed.v1")) == 1

    await until(was_told)
    assert shown.json()["contact"] == {"name": "张**", "phone": "138****5678"}
    assert seen.json() == again.json() == {"name": "张三丰", "phone": "13812345678"}
    assert other.status_code == 409
    entry = (await world.entries("personal-data.revealed.v1"))[-1]
    assert entry.subject.startswith("reveal/")
    assert orjson.loads(entry.body)["data"] == {
        "customer": f"customer/{closed[0]}",
        "complaint_id": str(closed[0]),
        "by": "caller",
        "purpose": "callback of 1 July",
    }


async def test_an_erased_customer_s_contact_is_not_shown(world: World, closed: Sequence[UUID]) -> None:
    await world.one.context.vault.erase(f"customer/{closed[0]}")
    api = Api(world, "caller")

    shown = await api.get(f"/tasks/{closed[0]}")
    seen = await api.post(f"/tasks/{closed[0]}/reveal", {"purpose": "callback"})

    assert shown.json()["contact"] is None
    assert (seen.status_code, seen.json()["code"]) == (404, "erased")


async def test_the_questionnaire_speaks_both_languages(world: World, closed: Sequence[UUID]) -> None:
    asked = (await Api(world, "caller").get(f"/questionnaire/{closed[0]}")).json()

    assert [one["field"] for one in asked["questions"]] == ["satisfaction", "solved", "answers.opinion"]
    assert asked["questions"][1]["title"] == {"zh": "问题是否已解决", "en": "Is the matter solved"}


# --- queue, claims, month


@pytest.fixture(scope="module")
def empty_broker(servers: Stack, fresh_name: FreshName) -> str:
    return servers.broker.vhost(fresh_name("callback"))


@pytest.fixture
async def fresh(servers: Stack, empty_broker: str, fresh_name: FreshName) -> AsyncIterator[World]:
    """Ten tasks, and nothing else."""
    settings = settings_for(servers.mongo_url, empty_broker, fresh_name("callback"))
    async with a_world(settings, replicas=1) as world:
        world.stand_at(noon())
        for place, one in enumerate(COMPLAINTS):
            await world.closed(one, at=noon() - HOUR + timedelta(minutes=place))
        yield world


async def test_twenty_callers_share_ten_tasks_and_no_task_is_given_twice(fresh: World) -> None:
    """INVARIANT: a claim is a lease in the document, so two callers never hold one task, at any replica.

    What breaks it: choosing in the query and not comparing versions in the write.
    """

    async def one(caller: int) -> str:
        try:
            matter, _ = await fresh.one.use.calls.claim(
                Dialler("", f"caller-{caller}"), None, timedelta(minutes=15)
            )
        except QueueEmptyError:
            return ""
        return str(matter.complaint_id)

    given = Counter(await asyncio.gather(*(one(caller) for caller in range(20))))

    assert given == Counter({"": 10, **{str(one): 1 for one in COMPLAINTS}})


async def test_a_caller_gets_the_task_due_soonest_keeps_it_and_gives_it_back(fresh: World) -> None:
    api = Api(fresh, "caller")

    first = await api.post("/tasks/claim", {})
    again = await api.post("/tasks/claim", {"minutes": 30})
    foreign = await Api(fresh, "other-caller").post("/tasks/claim", {})
    supervisor = await Api(fresh, "supervisor").post("/tasks/claim", {})
    held = await Api(fresh, "supervisor").post(f"/tasks/{COMPLAINTS[0]}/attempts", {"outcome": "unreachable"})
    given_back = await api.post(f"/tasks/{COMPLAINTS[0]}/release", {})

    assert [one.json()["complaint_id"] for one in (first, again, supervisor)] == [
        str(COMPLAINTS[0]),
        str(COMPLAINTS[0]),
        str(COMPLAINTS[1]),
    ]
    assert again.json()["claim"] == {"by": "caller", "until": iso(noon() + timedelta(minutes=30))}
    assert (foreign.status_code, foreign.json()["code"]) == (404, "queue-empty")
    assert (held.status_code, held.json()["code"]) == (409, "task-claimed")
    assert given_back.json()["claim"] is None


async def test_the_queue_is_paged_in_the_order_in_which_tasks_fall_due(fresh: World) -> None:
    api, listed, cursor = Api(fresh, "caller"), list[str](), None

    for _ in range(4):
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/tasks", **query)).json()
        listed.extend(one["complaint_id"] for one in page["items"])
        cursor = page["next"]

    assert (listed, cursor) == ([str(one) for one in COMPLAINTS], None)
    assert (await api.get("/tasks", cursor="x")).status_code == 422
    forged = Place.of("/v1/tasks", "").on(f"0001-01-01T00:00:00+14:00|{COMPLAINTS[0]}")
    for extreme in (
        {"cursor": forged},
        {"due_from": "0001-01-01T00:00:00+14:00"},
        {"due_before": "9999-12-31T23:59:59-14:00"},
    ):
        assert (await api.get("/tasks", **extreme)).status_code == 422
    assert (await api.get("/tasks", status="completed")).json()["items"] == []
    # Seven days after the third closing, and before the fifth's.
    due = noon() - HOUR + timedelta(days=7)
    between = await api.get(
        "/tasks", due_from=iso(due + timedelta(minutes=2)), due_before=iso(due + timedelta(minutes=4))
    )
    assert [one["complaint_id"] for one in between.json()["items"]] == [str(one) for one in COMPLAINTS[2:4]]


async def test_a_month_in_numbers(fresh: World) -> None:
    # Ten owed, one answered with 5, one unreachable once: tried 2 of 10, answered 1 of 10, satisfied 1 of 1.
    api = Api(fresh, "caller")
    body = {"outcome": "completed", "satisfaction": 5, "solved": True}
    await api.post(f"/tasks/{COMPLAINTS[0]}/attempts", body)
    await api.post(f"/tasks/{COMPLAINTS[1]}/attempts", {"outcome": "unreachable"})
    month = (await api.get("/tasks")).json()["items"][0]["due_before"][:7]

    mine = (await api.get("/summary", month=month)).json()
    theirs = (await Api(fresh, "other-caller").get("/summary", month=month)).json()
    all_ = (await Api(fresh, "supervisor").get("/summary", month=month)).json()

    total = mine["total"]
    assert (total["required"], total["attempted"], total["completed"]) == (10, 2, 1)
    assert (total["coverage"], total["completion"], total["satisfaction"]) == ("0.2000", "0.1000", "1.0000")
    assert all_["total"] == total
    assert theirs["total"]["required"] == 0


# --- queries


async def examined(
    world: World, query: dict[str, Any], sort: dict[str, int] | None = None
) -> tuple[int, int, bool]:
    """Return documents returned, documents examined, and whether the whole collection was scanned."""
    collection = world.one.use.campaigns.matters.collection
    find = {"find": collection.name, "filter": query, **({"sort": sort} if sort else {})}
    plan = await collection.database.command({"explain": find, "verbosity": "executionStats"})
    stats = plan["executionStats"]
    return (
        stats["nReturned"],
        stats["totalDocsExamined"],
        "COLLSCAN" in str(plan["queryPlanner"]["winningPlan"]),
    )


def queries(now: datetime, month: str) -> list[tuple[dict[str, Any], dict[str, int] | None, int]]:
    mine, ends, who = ["chongqing-branch"], {"ends": 1}, Dialler("", "caller")
    full = {"ends": 1, "_id": 1}
    after = (now + timedelta(days=7) - HOUR + timedelta(minutes=4), str(COMPLAINTS[4]))
    return [
        (due_query("live", now + timedelta(days=30)), {"due": 1}, 10),
        (due_query("live", now), {"due": 1}, 0),
        (free_query(None, who, now), ends, 8),
        (free_query(mine, who, now), ends, 8),
        (held_query("caller"), None, 1),
        (callee_query(f"customer/{COMPLAINTS[0]}", now - timedelta(days=1)), None, 0),
        (month_query(month, None), None, 10),
        (month_query(month, mine), None, 10),
        (page_query(TaskQuery(None, ["open"])), full, 10),
        (page_query(TaskQuery(mine, ["open", "missed"])), full, 10),
        (page_query(TaskQuery(mine, ["open"], after=after)), full, 5),
        (page_query(TaskQuery(None, ["open"], due_from=now + timedelta(days=8))), full, 0),
    ]


async def test_every_query_uses_an_index_and_looks_at_little_more_than_it_returns(fresh: World) -> None:
    """INVARIANT: a sweep or a queue costs what it returns, however many tasks there are.

    What breaks it: a field in a query that no index holds.
    """
    _, task = await fresh.one.use.calls.claim(Dialler("", "caller"), None, timedelta(minutes=15))
    await fresh.one.use.calls.claim(Dialler("", "other"), None, timedelta(minutes=15))

    found = [
        (await examined(fresh, query, sort), count) for query, sort, count in queries(noon(), task.month)
    ]

    assert [seen[0] for seen, _ in found] == [count for _, count in found]
    # One more: the task on which the last page ended.
    assert [seen[1] <= 1.1 * seen[0] + 1 for seen, _ in found] == [True] * len(found)
    assert not any(seen[2] for seen, _ in found)
