"""Intake over HTTP under an edition with papers, choices, units concerned, partners and grades."""

from collections.abc import AsyncIterator
from datetime import date

import pytest
from httpx2 import Response

from jiandu.stack.stack import Stack
from services.intake import events
from shared.identity.directory import Norms
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from shared.storage.aggregates import change_of
from tests.conftest import FreshName
from tests.contract.intake_world import Site, a_site
from tests.unit.intake.builders import FIELDS, body
from tests.unit.rulebook.editions import jinke

pytestmark = pytest.mark.connected

HEAD = "from: 2005-05-28, source: JK-01, title: {zh: 名, en: name}"
DOCUMENTS = f"""documents:
  order:
    {{{HEAD}, of: matter, kinds: complaint, copies: 2, signatures: owner, lines: {{
      who: {{title: {{zh: 客户, en: customer}}, takes: customer.name}},
      where: {{title: {{zh: 地址, en: address}}, takes: field.address}},
      fee: {{title: {{zh: 费用, en: fee}}, takes: blank}}}}}}
  card: {{{HEAD}, of: customer, lines: {{phone: {{title: {{zh: 电话, en: telephone}}, takes: customer.phone}}}}}}
  short: {{{HEAD}, of: ledger, lines: {{
    number: {{title: {{zh: 编号, en: number}}, takes: case.number}},
    who: {{title: {{zh: 客户, en: customer}}, takes: customer.name}}}}}}
"""
GROUP = f"  group-hotline: {{{HEAD}, about_unit: true}}\n"
OWN_FORM = f"""forms:
  complaint:
    {{{HEAD}, kinds: complaint, fields: {{
      name: {{title: {{zh: 业主姓名, en: name}}, need: must, personal: true}},
      phone: {{title: {{zh: 电话, en: telephone}}, need: must, personal: true, format: phone}},
      words: {{title: {{zh: 内容, en: words}}, need: must, personal: true}},
      address: {{title: {{zh: 地址, en: address}}, need: may, personal: true}},
      lift: {{title: {{zh: 电梯编号, en: number of the lift}}, need: record}}}}}}
"""
CENTRE = f"  centre: {{{HEAD}, partner: {{number: '[A-Z]{{2}}[0-9]{{4}}', told: [closed]}}}}\n"


def an_edition_with_papers() -> Edition:
    files = dict(jinke())
    intake = files["intake.yaml"].replace("\nforms:\n", f"\n{DOCUMENTS}\nforms:\n", 1)
    files["intake.yaml"] = intake.replace("\nchannels:\n", f"\nchannels:\n{GROUP}{CENTRE}", 1)
    return edition_from_files(files)


@pytest.fixture(scope="module")
async def site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("intake"), edition=an_edition_with_papers()) as site:
        yield site


async def test_a_paper_is_masked_until_it_is_printed_for_a_purpose(site: Site) -> None:
    complaint = await site.registered()
    path = f"/v1/complaints/{complaint['complaint_id']}/papers/order"

    shown = await site.get(path)
    printed = await site.post(path, {"purpose": "上门维修"}, "head")
    unknown = await site.get(path.replace("order", "orders"))

    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert ("张**" in shown.text, FIELDS["address"] in shown.text) == (True, False)
    assert printed.status_code == 201
    assert (FIELDS["name"] in printed.text, FIELDS["address"] in printed.text) == (True, True)
    assert printed.text.count("<section>") == 2
    assert (unknown.status_code, "order" in unknown.json()["detail"]) == (404, True)
    told = await site.events(complaint["complaint_id"])
    assert told[-1]["type"] == "personal-data.revealed.v1"


async def test_a_customer_s_card_and_the_rulebook_s_own_ledger(site: Site) -> None:
    customer = await site.customer(await site.registered(received_at="2026-07-05T02:00:00Z"))

    card = await site.get(f"/v1/customers/{customer}/papers/card")
    ledger = (await site.get("/v1/ledger?month=2026-07&document=short", "head")).json()

    assert "138****5678" in card.text
    assert [column["zh"] for column in ledger["columns"]] == ["编号", "客户"]
    assert {row["who"] for row in ledger["rows"]} == {"张**"}


async def test_a_matter_that_reached_the_group_is_the_unit_s_that_it_is_about(site: Site) -> None:
    nowhere = await site.post("/v1/complaints", body(channel="group-hotline", about_unit="mars"), "officer")
    complaint = await site.registered(channel="group-hotline", about_unit="chongqing-desk")

    concerned = await site.get(f"/v1/complaints/{complaint['complaint_id']}", "desk")
    (told, *_) = await site.events(complaint["complaint_id"])

    assert (nowhere.status_code, nowhere.json()["problems"][0]["field"]) == (422, "about_unit")
    assert (told["unit"], told["data"]["unit"]) == ("chongqing-desk", "chongqing-branch")
    assert concerned.status_code == 200


async def test_a_partner_s_number_is_one_matter(site: Site) -> None:
    async def sent(number: str, key: str) -> Response:
        return await site.post("/v1/complaints", body(channel="centre", external_number=number), key=key)

    first = await sent("XA0001", "key-partner-1")
    again = await sent("XA0001", "key-partner-1")
    other = await sent("XA0001", "key-partner-2")
    next_ = await sent("XA0002", "key-partner-3")

    assert (first.status_code, again.status_code, next_.status_code) == (201, 200, 201)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "number-known")
    assert first.json()["number"] in other.json()["detail"]


async def test_the_form_says_what_comes_with_a_channel(site: Site) -> None:
    form = (await site.get("/v1/form?kind=complaint")).json()

    channels = {one["key"]: (one["about_unit"], one["number"]) for one in form["channels"]}
    assert (channels["group-hotline"], channels["centre"]) == ((True, ""), (False, "[A-Z]{2}[0-9]{4}"))


async def test_what_a_partner_is_to_hear_waits_until_it_was_passed_on(site: Site) -> None:
    answer = await site.post("/v1/complaints", body(channel="centre", external_number="XA0009"))
    record = {
        "id": "7f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11",
        "type": "partner.told.v1",
        "time": "2026-07-09T02:00:00Z",
        "sequence": 1,
        "data": {
            "complaint_id": answer.json()["complaint_id"],
            "channel": "centre",
            "number": "XA0009",
            "what": "closed",
        },
    }
    outbox = site.use.partners.outbox
    for _ in range(2):
        stored = await outbox.get(events.message_of(record) or "")
        decided = events.post(stored, [record])
        await outbox.save(change_of(stored, decided.state, [], None, index=decided.index))

    before = (await site.get("/v1/partners/centre/outbox")).json()["items"]
    path = f"/v1/partners/centre/outbox/{record['id']}/receipt"
    taken = [await site.post(path, None) for _ in range(2)]
    foreign = await site.post(path, None, "desk")
    after = (await site.get("/v1/partners/centre/outbox")).json()["items"]

    assert [(one["number"], one["zh"]) for one in before] == [("XA0009", "已办结")]
    assert [one.status_code for one in taken] == [200, 200]
    assert taken[0].json()["taken_by"] == "person-officer"
    # The desk sees neither the branch's matter nor what is told of it.
    assert (foreign.status_code, after) == (404, [])


async def test_the_census_tells_a_month_once_and_again_only_where_late_entry_changed_it(site: Site) -> None:
    fields = [{**FIELDS, "phone": f"1391234567{number}"} for number in range(3)]
    for number in (0, 1):
        await site.registered("importer", fields=fields[number], registered_at="2026-04-10T02:00:00Z")
    for _ in range(2):
        await site.use.census.count()
    await site.registered("importer", fields=fields[2], registered_at="2026-04-11T02:00:00Z")
    await site.use.census.count()

    told = [event["data"]["all"] for event in await site.events("census/chongqing/2026-04")]

    assert told == [2, 3]


@pytest.mark.rule("ZY-14")
async def test_a_customer_without_a_matter_is_filed_once_and_counted(site: Site) -> None:
    who = {"name": "张三丰", "phone": "13700000001", "opened_at": "2026-03-10T02:00:00Z"}

    filed = await site.post("/v1/customers", who, "importer")
    again = await site.post("/v1/customers", {**who, "name": "张三"}, "importer")
    dated = await site.post("/v1/customers", {**who, "phone": "13700000002"})
    await site.use.census.count()

    assert [filed.status_code, again.status_code, dated.status_code] == [201, 200, 403]
    assert again.json() == filed.json()
    told = [event["type"] for event in await site.events(f"customer/{filed.json()['customer']}")]
    assert told == ["customer.filed.v1"]
    (counted,) = await site.events("census/chongqing/2026-03")
    assert counted["data"]["all"] == 1


@pytest.mark.rule("ZY-02")
async def test_the_form_is_the_one_that_a_matter_of_the_unit_is_checked_against(site: Site) -> None:
    """Chongqing's desk filed a form of its own: it asks for the lift, and not for the project."""
    own = Norms("lifts", "chongqing-desk", date(2026, 7, 1), date.max, {"intake.yaml": OWN_FORM})
    site.context.directory.norms["lifts"] = own

    asked = {
        query: [one["key"] for one in (await site.get(f"/v1/form?kind=complaint{query}")).json()["fields"]]
        for query in ("", "&unit=chongqing-desk")
    }
    desk = (await site.get("/v1/form?kind=complaint", "desk")).json()
    nowhere = await site.get("/v1/form?kind=complaint&unit=mars")
    fields = {name: FIELDS[name] for name in ("name", "phone", "words")}
    taken = await site.registered(channel="group-hotline", about_unit="chongqing-desk", fields=fields)
    rows = (await site.get("/v1/ledger?month=2026-07", "head")).json()["rows"]
    del site.context.directory.norms["lifts"]

    fields_of_desk = ["name", "phone", "words", "address", "lift"]
    assert ("lift" in asked[""], asked["&unit=chongqing-desk"]) == (False, fields_of_desk)
    assert [one["key"] for one in desk["fields"]] == fields_of_desk
    assert nowhere.status_code == 404
    assert taken["missing"] == ["lift"]
    assert taken["number"] in {row["number"] for row in rows}
