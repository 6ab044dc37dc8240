"""Several replicas of callback on one queue and one database, on real MongoDB and RabbitMQ."""

import asyncio
import itertools
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from jiandu.stack.stack import Stack
from services.callback.domain import Status
from shared.events import iso
from shared.events.registry import AccountRevoked
from shared.runtime.clock import utc_now
from shared.runtime.settings import Settings
from tests.conftest import FreshName
from tests.contract.callback_world import World, a_closing, a_world, settings_for, until

pytestmark = pytest.mark.connected

STOP_WITHIN_S = 10


@pytest.fixture(scope="module")
def settings(servers: Stack, fresh_name: FreshName) -> Settings:
    name = fresh_name("callback")
    return settings_for(servers.mongo_url, servers.broker.vhost(name), name)


@pytest.fixture(scope="module")
async def two(settings: Settings) -> AsyncIterator[World]:
    async with a_world(settings, replicas=2) as world:
        yield world


_numbers = itertools.count(1)


def some(count: int) -> list[UUID]:
    """Return complaints that no other test knows of."""
    return [UUID(int=next(_numbers)) for _ in range(count)]


async def told(world: World, kind: str, about: Sequence[UUID]) -> Counter[str]:
    """Return how often an event was logged, by complaint."""
    subjects = {str(one) for one in about}
    return Counter(entry.subject for entry in await world.entries(kind) if entry.subject in subjects)


def once(about: Sequence[UUID]) -> Counter[str]:
    return Counter(str(one) for one in about)


async def sweep_everywhere(world: World) -> None:
    await asyncio.gather(*(replica.use.calls.sweep() for replica in world.replicas for _ in range(3)))


async def test_two_hundred_closings_told_twice_and_shuffled_open_two_hundred_tasks(two: World) -> None:
    """INVARIANT: however often and in whatever order closings arrive, at however many replicas, each is called once.

    What breaks it: an upsert that tells its event again, or a replica that trusts its own memory.
    """
    many, now = some(200), utc_now()
    bodies = [two.told("handling", a_closing(one), str(one), now) for one in many] * 2
    random.Random(7).shuffle(bodies)

    await two.send("handling", *bodies)
    await two.applied("handling")
    await two.logged("callback.due.v1", many)

    tasks = await two.one.use.campaigns.matters.collection.count_documents(
        {"_id": {"$in": [str(one) for one in many]}}
    )
    assert tasks == len(many)
    assert await told(two, "callback.due.v1", many) == once(many)


async def test_replicas_that_sweep_at_once_tell_each_miss_once(two: World) -> None:
    """INVARIANT: a window that closed in silence is told once, at its own end, by whoever comes first.

    What breaks it: writing what the query found without comparing versions.
    """
    many, closed_at = some(60), utc_now() - timedelta(days=8)

    await two.closed(*many, at=closed_at)
    await two.logged("callback.missed.v1", many)
    await sweep_everywhere(two)

    assert await told(two, "callback.missed.v1", many) == once(many)
    # Seven days from the closing (JK-27).
    bodies = [orjson.loads(entry.body) for entry in await two.entries("callback.missed.v1")]
    due = closed_at + timedelta(days=7)
    assert {body["time"] for body in bodies if UUID(body["subject"]) in many} == {iso(due)}


async def test_what_was_entered_later_is_swept_only_as_far_as_its_importer_declares(two: World) -> None:
    # Closed 20 and 10 days ago: due 13 and 3 days ago. Declared complete up to 5 days ago.
    now, (early, late) = utc_now(), some(2)
    await two.closed(early, at=now - timedelta(days=20), imported=True)
    await two.closed(late, at=now - timedelta(days=10), imported=True)
    await sweep_everywhere(two)
    before = await told(two, "callback.missed.v1", [early, late])

    await two.declared("chongqing-branch", now - timedelta(days=5))
    await two.logged("callback.missed.v1", [early])
    await sweep_everywhere(two)

    assert before == Counter()
    assert await told(two, "callback.missed.v1", [early, late]) == once([early])


async def test_a_re_opening_ends_the_call_whichever_replica_hears_of_it(two: World) -> None:
    now, (one,) = utc_now(), some(1)
    await two.reopened(one, now - timedelta(hours=1))

    await two.closed(one, at=now - timedelta(hours=2))
    await two.logged("callback.voided.v1", [one])

    stored = await two.replicas[1].use.campaigns.matters.get(str(one))
    assert stored.state is not None
    assert [task.status for task in stored.state.tasks] == [Status.VOID]


async def test_a_replica_learns_of_a_revocation_that_another_one_heard(two: World) -> None:
    """INVARIANT: every replica acts on the directory within seconds, though only one gets the event.

    What breaks it: refreshing the copy in memory only where the event was followed.
    """
    event = AccountRevoked(account="caller", reason="left")
    await two.send("registry", two.told("registry", event, "account/caller", utc_now()))

    async def everywhere() -> bool:
        return all(one.context.directory.accounts["caller"]["revoked"] for one in two.replicas)

    await until(everywhere, within_s=5)


async def test_a_stopped_replica_leaves_in_seconds_and_loses_nothing(two: World, settings: Settings) -> None:
    """INVARIANT: SIGTERM in the middle of a backlog ends the process within ten seconds, its batch settled.

    What breaks it: leaving the batch in hand to a task that nobody waits for.
    """
    many = some(200)
    process = await a_process(settings)
    bodies = [two.told("handling", a_closing(one), str(one), utc_now()) for one in many]
    await two.send("handling", *bodies)

    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(STOP_WITHIN_S):
        status = await process.wait()
    await two.logged("callback.due.v1", many)

    assert status in {0, -signal.SIGTERM}
    assert await told(two, "callback.due.v1", many) == once(many)


async def a_process(settings: Settings) -> asyncio.subprocess.Process:
    """Start a replica as a process of its own, and wait until it serves."""
    given = {
        "JIANDU_MONGO_URL": settings.mongo_url.get_secret_value(),
        "JIANDU_AMQP_URL": settings.amqp_url.get_secret_value(),
        "JIANDU_DATABASE_PREFIX": settings.database_prefix,
        "JIANDU_LOG_LEVEL": "ERROR",
        **dict.fromkeys(("JIANDU_TOKEN_SECRET", "JIANDU_SITE_KEY", "JIANDU_GROUP_KEY"), KEY_TEXT),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "uvicorn", "services.callback.app:create_app", "--factory", "--port", "0"),
        env={**os.environ, **given},
        stderr=asyncio.subprocess.PIPE,
    )
    if process.stderr is None:
        raise AssertionError
    async with asyncio.timeout(30):
        while b"Uvicorn running" not in await process.stderr.readline():
            continue
    return process


KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""Bytes 0 to 31, as the replicas in this process have them."""
