"""Facts that cannot be applied, and the close of the month that they hold up, on real MongoDB and RabbitMQ."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jiandu.stack.stack import Stack
from services.scoring.domain.fold import MonthResult, fold_subjects
from services.scoring.handlers import scores
from services.scoring.jobs import jobs
from tests.builders_facts import case_id
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for, until
from tests.contract.scoring_world import Api, World, a_world

pytestmark = pytest.mark.connected

JULY, DESK = "2026-07", "chongqing-sales"


@pytest.fixture
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    name = fresh_name("aside")
    async with a_world(settings_for(servers.mongo_url, servers.broker.vhost(name), name)) as world:
        world.told.organisation("chongqing", "wuxi")
        await world.arrived()
        yield world


async def parked(world: World, *bodies: tuple[str, bytes]) -> list[dict[str, Any]]:
    """Send what cannot be applied, and wait until the last try has failed too."""
    await world.send(*bodies)
    inbox = world.service.context.inbox

    async def on_retry() -> bool:
        return sum(await inbox.aside_counts()) == len(bodies)

    await until(on_retry)
    for one in await inbox.due(world.clock().replace(year=2099), 10):
        await inbox.failed_again(one, reason=one.reason, fingerprint=one.fingerprint, due=None)
    aside: list[dict[str, Any]] = (await Api(world, "director").get("/watermark")).json()["aside"]
    return aside


async def test_a_fact_that_is_set_aside_is_named_and_the_month_closes_once_it_is_given_up(
    world: World,
) -> None:
    """INVARIANT: no fact of one unit holds the group's month up for ever, and nobody has to guess which it is.

    What breaks it: keeping what no fold can read, or calling what only an operator brings back "on its way".
    """
    # Such a score makes the result a number of 400 000 digits.
    world.told.assessed("zhou", "2026-07-31 17:00", JULY, "branch-assessment", 80)
    ((exchange, body),) = world.bodies()

    (aside,) = await parked(world, (exchange, body.replace(b'"80"', b'"1E-400000"')))
    director = Api(world, "director")
    refused = await director.post(f"/periods/{JULY}/close", {})
    other = (await Api(world, "wuxi-head").get("/watermark")).json()["aside"]
    await dict(jobs(world.service.use.scores, world.service.use.disputes))["publication"]()

    assert (aside["type"], aside["unit"]) == ("assessment.recorded.v1", DESK)
    assert aside["subject"] == f"assessment/zhou/{JULY}/branch-assessment"
    assert (refused.status_code, refused.json()["code"]) == (409, "facts-set-aside")
    for told in (aside["subject"], DESK, "jiandu parked --service scoring list", "parked discard"):
        assert told in refused.json()["detail"]
    assert other == []

    inbox = world.service.context.inbox
    await inbox.discard(await inbox.parked(), "a slip of the pen", "operator", world.clock())

    async def given_up() -> bool:
        return sum(await inbox.aside_counts()) == 0

    await until(given_up)
    assert (await director.post(f"/periods/{JULY}/close", {})).status_code == 201


async def test_what_happened_before_the_rulebook_counts_in_no_month_and_holds_none_up(world: World) -> None:
    """INVARIANT: a fact older than every edition is no failing fact: it costs nothing, and July closes.

    What breaks it: asking the rulebook, which begins on 28 May 2005, for the price of a day before.
    """
    world.told.registered("old", "2005-05-02 09:00")
    world.told.missed("old", "2005-05-04 09:00")
    world.told.missed("old", "2026-07-03 00:00", clock="plan")
    await world.arrived()

    director = Api(world, "director")
    posted = (await director.get(f"/matters/{case_id('old')}/postings")).json()["items"]
    closed = await director.post(f"/periods/{JULY}/close", {})

    assert [(one["month"], one["rule"]) for one in posted] == [(JULY, "missed-step")]
    assert closed.status_code == 201


async def test_the_service_answers_while_a_month_is_folded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: a close of any size leaves the process alive to its orchestrator.

    What breaks it: folding on the event loop. Then nothing answers before the fold is let go, which it never is.
    """
    begun, let_go = threading.Event(), threading.Event()

    def slowly(*given: object) -> MonthResult:
        begun.set()
        assert let_go.wait(20)
        return fold_subjects(*given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(scores, "fold_subjects", slowly)
    director = Api(world, "director")
    closing = asyncio.create_task(director.post(f"/periods/{JULY}/close", {}))
    await until(lambda: asyncio.sleep(0, begun.is_set()))

    live = await director.get("/periods")
    let_go.set()

    assert live.status_code == 200
    assert (await closing).status_code == 201
