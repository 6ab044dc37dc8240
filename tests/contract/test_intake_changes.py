"""Intake over HTTP: records changed, customers, products, praise, the ledger, while the broker is stopped."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from jiandu.stack.stack import Stack
from tests.conftest import FreshName
from tests.contract.intake_world import DAY, Site, a_site
from tests.unit.intake.builders import FIELDS

pytestmark = pytest.mark.connected


@pytest.fixture
async def site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("t")) as running:
        yield running


@pytest.fixture(scope="module")
async def quiet_site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    """A site at which nothing may ever be stored."""
    async with a_site(servers.mongo_url, fresh_name("t")) as running:
        yield running
        assert await running.counted() == 0


# --- changing


async def test_an_amendment_fills_in_what_was_missing_and_is_told(site: Site) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "project"}
    complaint = await site.registered(fields=fields)
    content = {"fields": {"project": "金科十年城"}, "reason": "补充"}
    path = f"/v1/complaints/{complaint['complaint_id']}/amendments"

    answer = await site.post(path, content, key="key-amend")
    again = await site.post(path, content, key="key-amend")
    events = await site.events(complaint["complaint_id"])

    assert (answer.status_code, answer.json()["complete"]) == (201, True)
    assert again.json() == answer.json()
    assert [event["type"] for event in events] == ["complaint.registered.v1", "record.amended.v1"]
    shown = (await site.get(f"/v1/complaints/{complaint['complaint_id']}")).json()
    assert shown["fields"]["project"] == "金科十年城"


async def test_amendments_at_the_same_time_lose_nothing(site: Site) -> None:
    """INVARIANT: two clerks who correct two fields both succeed.

    What breaks it: deciding once, and writing again after another write came first.
    """
    fields = {name: FIELDS[name] for name in ("name", "phone", "words")}
    complaint = await site.registered(fields=fields)
    path = f"/v1/complaints/{complaint['complaint_id']}/amendments"

    answers = await asyncio.gather(
        *(
            site.post(path, {"fields": {name: FIELDS[name]}, "reason": "补充"})
            for name in ("address", "project", "demand", "first-taker")
        )
    )

    shown = (await site.get(f"/v1/complaints/{complaint['complaint_id']}")).json()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert shown["complete"] is True


async def test_personal_data_is_shown_for_a_purpose_and_that_is_told(site: Site) -> None:
    complaint = await site.registered()
    path = f"/v1/complaints/{complaint['complaint_id']}/reveal"

    answer = await site.post(path, {"purpose": "上门核实"}, key="key-reveal")
    again = await site.post(path, {"purpose": "上门核实"}, key="key-reveal")
    without = await site.post(path, {"purpose": "上门核实"}, "desk")
    events = await site.events(complaint["complaint_id"])

    assert answer.json()["fields"] == FIELDS
    assert again.json() == answer.json()
    assert without.status_code == 403
    assert [event["type"] for event in events] == ["complaint.registered.v1", "personal-data.revealed.v1"]
    assert (events[1]["data"]["by"], events[1]["data"]["purpose"]) == ("person-officer", "上门核实")


async def test_an_erased_customer_is_gone_everywhere_and_may_come_again(site: Site) -> None:
    complaint = await site.registered()
    customer = await site.customer(complaint)
    await site.context.vault.erase(customer)

    shown = (await site.get(f"/v1/complaints/{complaint['complaint_id']}")).json()
    later = await site.registered()

    assert (shown["erased"], shown["fields"].get("name")) == (True, None)
    assert await site.customer(later) != customer


# --- customers, products, praise


async def flagged(site: Site, customer: str) -> None:
    evidence = {"abuse": "录音 17", "extortion": "短信截图"}
    proposed = await site.post(f"/v1/customers/{customer}/flags", {"evidence": evidence})
    assert proposed.status_code == 201, proposed.text


async def test_a_problem_user_needs_two_people_and_counts_from_the_next_registration(site: Site) -> None:
    customer = await site.customer(await site.registered())
    await flagged(site, customer)
    path = f"/v1/customers/{customer}/flags/decision"
    content = {"confirmed": True, "reason": "属实"}

    own = await site.post(path, content, "officer")
    before = await site.registered()
    decided = await site.post(path, content, "head")
    after = await site.registered()

    assert own.status_code == 403
    # 10 July and 90 days: 8 October.
    assert (decided.status_code, decided.json()["expires_on"]) == (201, "2026-10-08")
    problem = [
        (await site.get(f"/v1/complaints/{one['complaint_id']}")).json()["problem_user"]
        for one in (before, after)
    ]
    assert problem == [False, True]
    types = [event["data"].get("status") for event in await site.events(f"customer/{customer}")]
    assert types == ["proposed", "confirmed"]


async def test_the_status_ends_by_itself_and_is_told_at_its_own_moment(site: Site) -> None:
    customer = await site.customer(await site.registered())
    await flagged(site, customer)
    await site.post(f"/v1/customers/{customer}/flags/decision", {"confirmed": True, "reason": "属实"}, "head")

    site.now += 200 * DAY
    await site.use.people.lapse_due()

    last = (await site.events(f"customer/{customer}"))[-1]
    # 8 October 00:00 in Chongqing is 7 October 16:00 UTC.
    assert (last["data"]["status"], last["time"]) == ("ended", "2026-10-07T16:00:00Z")
    assert not site.use.people.is_problem(customer, site.now)


async def test_a_status_that_is_not_kept_ends_at_its_review(site: Site) -> None:
    first = await site.registered()
    customer = await site.customer(first)
    evidence = {"evidence": {"abuse": "录音 17", "extortion": "短信截图"}}
    unknown = await site.post(
        f"/v1/customers/{customer}/flags", {**evidence, "contact": "00000000-0000-0000-0000-000000000001"}
    )
    named = await site.post(f"/v1/customers/{customer}/flags", {**evidence, "contact": first["complaint_id"]})
    path = f"/v1/customers/{customer}/flags"
    await site.post(f"{path}/decision", {"confirmed": True, "reason": "属实"}, "head")

    reviewed = await site.post(f"{path}/review", {"keep": False, "reason": "查无实据"}, "head")
    after = await site.registered()

    assert (unknown.status_code, unknown.json()["problems"][0]["field"]) == (422, "contact")
    assert (named.status_code, reviewed.status_code, reviewed.json()["status"]) == (201, 201, "ended")
    shown = (await site.get(f"/v1/complaints/{after['complaint_id']}")).json()
    assert shown["problem_user"] is False
    told = [event["data"] for event in await site.events(f"customer/{customer}")]
    assert [(one["status"], one["contact"]) for one in told] == [
        (status, first["complaint_id"]) for status in ("proposed", "confirmed", "ended")
    ]


async def test_another_process_of_the_site_learns_of_a_decision(site: Site) -> None:
    customer = await site.customer(await site.registered())
    await flagged(site, customer)
    other = type(site.use.people)(site.context, site.use.files.customers)
    await other.refresh()

    await site.post(f"/v1/customers/{customer}/flags/decision", {"confirmed": True, "reason": "属实"}, "head")
    await other.refresh()

    assert other.is_problem(customer, site.now)


async def test_one_behaviour_is_not_enough(site: Site) -> None:
    customer = await site.customer(await site.registered())

    answer = await site.post(f"/v1/customers/{customer}/flags", {"evidence": {"abuse": "录音"}})

    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "evidence")


async def test_a_customers_file_is_shown_masked_and_brought_up_to_date(site: Site) -> None:
    customer = await site.customer(await site.registered())
    path = f"/v1/customers/{customer}"
    content = {"name": "张三丰", "phone": "13812345678", "first_business_on": "2026-07-01"}

    before = (await site.get(path)).json()
    changed = await site.http.put(path, json=content, headers=site.bearer("officer"))
    await site.http.put(path, json=content, headers=site.bearer("officer"))

    events = await site.events(f"customer/{customer}")
    assert before["fields"] == {"name": "张**", "phone": "138****5678", "address": "重庆市江北区******"}
    assert changed.json()["first_business_on"] == "2026-07-01"
    assert [event["type"] for event in events] == ["customer.filed.v1"]
    assert (await site.get(path, "desk")).status_code == 404


async def test_products_are_filed_and_listed_for_the_own_units(site: Site) -> None:
    for number in range(3):
        answer = await site.post("/v1/products", {"product": f"flat-{number}", "name": f"1栋10{number}"})
        assert answer.status_code == 201, answer.text

    first = (await site.get("/v1/products?limit=2")).json()
    rest = (await site.get(f"/v1/products?limit=2&cursor={first['next']}")).json()

    assert [one["product"] for one in first["items"] + rest["items"]] == ["flat-0", "flat-1", "flat-2"]
    assert (await site.get("/v1/products", "desk")).json()["items"] == []
    (event,) = await site.events("product/chongqing-branch/flat-0")
    assert event["type"] == "product.filed.v1"


async def test_praise_is_recorded_once_for_each_key(site: Site) -> None:
    content = {"to": "group", "fields": {"name": "王五", "phone": "13700000000", "words": "服务很好"}}

    first = await site.post("/v1/praises", content, key="key-praise")
    again = await site.post("/v1/praises", content, key="key-praise")
    other = await site.post("/v1/praises", {**content, "to": "unit"}, key="key-praise")

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    (event,) = await site.events(f"praise/{first.json()['praise_id']}")
    assert (event["data"]["to"], "服务很好" in str(event)) == ("group", False)


# --- the ledger


async def test_the_ledger_exports_a_month_masked_in_three_formats(site: Site) -> None:
    await site.registered(received_at="2026-07-03T02:00:00Z")
    await site.registered(received_at="2026-07-02T02:00:00Z", handed_over_by="=cmd|' /C calc'!A0")
    await site.registered(received_at="2026-06-02T02:00:00Z")

    rows = (await site.get("/v1/ledger?month=2026-07", "head")).json()["rows"]
    sheet = await site.get("/v1/ledger?month=2026-07&format=xlsx", "head")
    text = (await site.get("/v1/ledger?month=2026-07&format=csv", "head")).content.decode("utf-8-sig")
    refused = await site.get("/v1/ledger?month=2026-07", "officer")

    assert [row["received_at"] for row in rows] == ["2026-07-02 10:00", "2026-07-03 10:00"]
    assert rows[0]["phone"] == "138****5678"
    assert sheet.content.startswith(b"PK")
    assert "'=cmd|' /C calc'!A0" in text
    assert not [FIELDS[name] for name in ("name", "phone", "words", "address") if FIELDS[name] in text]
    assert refused.status_code == 403
