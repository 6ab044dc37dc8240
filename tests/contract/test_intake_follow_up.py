"""What a customer brings up in a callback becomes a matter of its own, once, at the intake of the first one."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from jiandu.stack.stack import Stack
from services.intake import events
from shared.events import Sealed
from shared.identity.vault import seal
from shared.storage.aggregates import change_of
from tests.conftest import FreshName
from tests.contract.intake_world import NOW, Site, a_site

pytestmark = pytest.mark.connected

EVENT = "5f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11"


@pytest.fixture
async def site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("intake")) as site:
        yield site


async def words(site: Site, customer: str, said: str) -> Sealed:
    keys = await site.context.vault.ensure([customer])
    return seal(customer, keys[customer], {"opinion": said})


async def follow(site: Site, record: dict[str, Any]) -> None:
    """Write what following the event writes, as the messaging would."""
    problems = site.use.follow_ups.problems
    stored = await problems.get(events.problem_of(record) or "")
    decided = events.note(stored, [record])
    await problems.save(change_of(stored, decided.state, [], None, index=decided.index))


async def test_what_a_customer_brings_up_is_registered_once_and_by_itself(site: Site) -> None:
    """INVARIANT: an answer that opens a matter makes exactly one, however often it is told and swept.

    What breaks it: an id that does not follow from the event.
    """
    first = await site.registered()
    customer = await site.customer(first)
    data = {
        "complaint_id": first["complaint_id"],
        "occurrence": 1,
        "question": "opinion",
        "answer": "",
        "kind": "complaint",
        "unit": "chongqing-desk",
        "by": "caller",
        "sealed": (await words(site, customer, "楼道灯也坏了")).model_dump(),
    }
    record = {
        "id": EVENT,
        "type": "callback.problem.v1",
        "time": NOW.isoformat(),
        "correlationid": "c",
        "data": data,
    }

    for _ in range(2):
        await follow(site, record)
        await site.use.follow_ups.register_all()
    opened = UUID(events.problem_of(record))
    shown = (await site.get(f"/v1/complaints/{opened}")).json()
    revealed = await site.post(f"/v1/complaints/{opened}/reveal", {"purpose": "核实"}, "head")

    assert await site.counted() == 2
    assert (shown["follows"], shown["customer"], shown["channel"]) == (
        first["complaint_id"],
        customer,
        "callback",
    )
    assert (shown["unit"], shown["about_unit"]) == ("chongqing-branch", "chongqing-desk")
    assert revealed.json()["fields"]["words"] == "楼道灯也坏了"
    told, *_ = await site.events(str(opened))
    assert (told["type"], told["unit"]) == ("complaint.registered.v1", "chongqing-desk")
    assert "楼道灯" not in str(told)
