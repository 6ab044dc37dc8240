"""What handling and callback tell reaches the complaint and the ledger; and every query has its index."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import aio_pika
import orjson
import pytest

from jiandu.stack.stack import Stack
from services.intake.store import After, Wanted, likeness, listing, shelf
from shared.broker.connection import declare
from shared.broker.messages import unpack
from shared.broker.topology import topology
from shared.events import Event, Happened, to_bytes
from shared.events.callback import CallbackCompleted, CallbackDue
from shared.events.handling import CaseClosed, CaseOpened, DeadlineMissed, PowerUsed
from shared.storage.aggregates import Stamp, Stored, change_of
from tests.conftest import FreshName
from tests.contract.intake_world import DAY, NOW, Site, a_site
from tests.unit.intake.builders import SITE

pytestmark = pytest.mark.connected


@pytest.fixture
async def site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("t"), servers.broker.vhost(fresh_name("v"))) as running:
        yield running


@pytest.fixture
async def lonely_site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("t")) as running:
        yield running


def told(service: str, subject: str, events: Sequence[Event], first: int = 1) -> list[dict[str, Any]]:
    """Return the envelopes of a subject's first events in a service's log."""
    stamp = Stamp(
        service=service, stream=SITE, group="jinke", unit="chongqing-branch", recorded=NOW, correlation="c"
    )
    fresh: Stored[dict[str, Any]] = Stored(subject)
    change = change_of(fresh, {}, [Happened(event, NOW) for event in events], stamp, index={})
    return [{**draft, "sequence": number} for number, draft in enumerate(change.drafts, start=first)]


def a_story(complaint: UUID) -> list[Event]:
    """Return what handling tells of a complaint from the opening of its case to its closing."""
    opened = CaseOpened(
        complaint_id=complaint,
        number="CQ-202607-000000",
        kind="complaint",
        class_="general",
        procedure="general",
        channel="telephone",
        received_at=NOW,
        next_due=NOW + 2 * DAY,
        person="李四",
    )
    missed = DeadlineMissed(
        complaint_id=complaint,
        clock="facts",
        step="facts",
        occurrence=1,
        procedure="general",
        due_before=NOW + 2 * DAY,
        clause="JK-03",
        explanation_zh=("受理", "48 小时"),
        explanation_en=("received", "48 hours"),
    )
    unshown = PowerUsed(complaint_id=complaint, power="press", detail="督办", by="x")
    closed = CaseClosed(
        complaint_id=complaint,
        occurrence=1,
        kind="complaint",
        class_="general",
        validity="valid",
        way="explanation",
        outcome="已解释",
        customer="c",
        problem_user=False,
        imported=False,
    )
    return [opened, missed, unshown, closed]


async def send(url: str, service: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Publish envelopes to the exchange of a service, for this site."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(f"jiandu.from.{service}", ensure=False)
        for number, record in enumerate(records):
            message = aio_pika.Message(to_bytes(record), message_id=f"{service}-{number}-{record['id']}")
            await exchange.publish(message, SITE)


async def shown_once(site: Site, complaint: str, status: str) -> dict[str, Any]:
    """Return the complaint as shown, once it has a status."""
    for _ in range(600):
        shown: dict[str, Any] = (await site.get(f"/v1/complaints/{complaint}")).json()
        if shown["status"] == status:
            return shown
        await asyncio.sleep(0.05)
    raise AssertionError(f"complaint {complaint} did not become {status} within 30 s")


async def declared(url: str) -> None:
    """Make the site's queue before the site itself may have done so, so that nothing sent to it is lost."""
    async with await aio_pika.connect(url) as connection:
        await declare(await connection.channel(), topology("intake", SITE))


async def test_what_is_told_shows_in_the_complaint_and_in_the_ledger_in_any_order_of_arrival(
    site: Site,
) -> None:
    """INVARIANT: events that arrive out of order, or twice, leave the complaint as if they had come in order.

    What breaks it: applying events as they come.
    """
    url = site.context.settings.amqp_url.get_secret_value()
    complaint = (await site.registered())["complaint_id"]
    story = told("handling", complaint, a_story(UUID(complaint)))
    due = CallbackDue(
        complaint_id=UUID(complaint), occurrence=1, plan="p", earliest=NOW, due_before=NOW + 7 * DAY
    )
    answer = CallbackCompleted(
        complaint_id=UUID(complaint), occurrence=1, satisfaction=5, satisfied=True, by="x"
    )
    await declared(url)

    await send(url, "handling", [story[3], story[1], *story, story[0]])
    await shown_once(site, complaint, "closed")
    await send(url, "callback", told("callback", complaint, [due, answer]))

    for _ in range(600):
        row = (await site.get("/v1/ledger?month=2026-07", "head")).json()["rows"][0]
        if row["satisfaction"]:
            break
        await asyncio.sleep(0.05)
    shown = (await site.get(f"/v1/complaints/{complaint}")).json()
    assert (row["callback"], row["satisfaction"], row["status"]) == ("已回访", "5", "已办结")
    assert row["missed"] == "facts（JK-03，期限 2026-07-12 10:00）"
    assert [one["zh"] for one in shown["progress"]["missed"]] == [["受理", "48 小时"]]
    assert (await site.get("/v1/complaints?status=closed")).json()["items"][0]["complaint_id"] == complaint


async def test_registrations_and_keys_travel_to_the_others_once_the_broker_is_there(site: Site) -> None:
    complaint = (await site.registered())["complaint_id"]
    url = site.context.settings.amqp_url.get_secret_value()
    await declared(url)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("listener", exclusive=True)
        await queue.bind("jiandu.inbound", "#")
        later = (await site.registered())["complaint_id"]

        arrived: dict[str, tuple[Any, Any]] = {}
        async with queue.iterator(timeout=30) as messages:
            async for message in messages:
                told = [orjson.loads(body) for body in unpack(message.body)]
                registered = [one for one in told if one.get("type") == "complaint.registered.v1"]
                arrived |= {one["subject"]: (one, message.headers) for one in registered}
                if later in arrived:
                    break

    event, headers = arrived[later]
    assert event["data"]["sealed"]["key"] in str(headers["x-jiandu-keys"])
    assert complaint != later


async def winning_stages(collection: Any, query: Mapping[str, Any], sort: Sequence[tuple[str, int]]) -> str:  # noqa: ANN401  # a driver collection
    cursor = collection.find(query)
    plan = (await (cursor.sort(list(sort)) if sort else cursor).explain())["queryPlanner"]["winningPlan"]
    return str(plan)


LATEST = [("received", -1), ("_id", -1)]
AFTER = After(NOW, "00000000-0000-0000-0000-000000000000")
LISTS = [
    Wanted(["chongqing-branch"]),
    Wanted(["chongqing", "chongqing-branch", "chongqing-desk"]),
    Wanted(["chongqing", "chongqing-branch"], NOW - 30 * DAY, NOW),
    Wanted(
        ["chongqing", "chongqing-branch"], NOW - 30 * DAY, NOW, ["complaint"], ["open", "resolved"], AFTER
    ),
    Wanted(["chongqing-branch"], kinds=["complaint"]),
    Wanted(["chongqing-branch"], statuses=["closed"], after=AFTER),
]


async def test_every_query_uses_its_index_and_sorts_by_it(lonely_site: Site) -> None:
    """INVARIANT: what a page costs depends on the page, not on how many complaints there are.

    What breaks it: a new filter without an index, or a sort that the index does not give.
    """
    complaints = lonely_site.context.database.collection("complaints")
    customers = lonely_site.context.database.collection("customers")
    products = lonely_site.context.database.collection("products")
    for _ in range(3):
        await lonely_site.registered()

    lists = [await winning_stages(complaints, listing(wanted), LATEST) for wanted in LISTS]
    since = NOW - timedelta(days=30)
    others = [
        await winning_stages(complaints, likeness("customer", "c", since, NOW), [("received", 1)]),
        await winning_stages(complaints, likeness("place", "p", since, NOW), [("received", 1)]),
        await winning_stages(customers, {"due": {"$lte": NOW}}, [("due", 1)]),
        await winning_stages(customers, {"decided": {"$gte": NOW}}, []),
        await winning_stages(customers, {"decided": {"$exists": True}}, []),
        await winning_stages(products, shelf(["chongqing-branch"], ""), [("_id", 1)]),
    ]

    plans = [*lists, *others]
    assert [("IXSCAN" in plan, "COLLSCAN" in plan) for plan in plans] == [(True, False)] * len(plans)
    assert ["'SORT'" in plan for plan in lists] == [False] * len(lists)
