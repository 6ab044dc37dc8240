"""Intake over HTTP on a real database, while the broker is stopped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from jiandu.stack.stack import Stack
from shared.events import Sealed
from shared.http.pages import Place
from tests.conftest import FreshName
from tests.contract.intake_world import Site, a_site
from tests.unit.intake.builders import FIELDS, PASSWORD, SITE, body

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


# --- registering


async def test_people_sign_in_and_register_while_the_broker_is_stopped(site: Site) -> None:
    """INVARIANT: a subsidiary that is cut off keeps taking complaints.

    What breaks it: asking the broker, or headquarters, before answering.
    """
    session = await site.http.post("/v1/session", json={"account": "officer", "password": PASSWORD})
    answer = await site.post("/v1/complaints", body(received_at="2026-07-03T10:00:00+08:00"))
    ready = await site.http.get("/health/ready")

    assert (session.status_code, answer.status_code, ready.status_code) == (200, 201, 200)
    assert answer.json()["number"].startswith("CQ-202607-")
    assert answer.json()["received_at"] == "2026-07-03T02:00:00Z"
    assert answer.json()["complete"] is True


async def test_the_event_is_told_with_its_unit_and_its_personal_data_sealed(site: Site) -> None:
    complaint = await site.registered()

    (event,) = await site.events(complaint["complaint_id"])

    assert (event["type"], event["unit"], event["ordinal"]) == (
        "complaint.registered.v1",
        "chongqing-branch",
        1,
    )
    assert event["source"] == f"jiandu/intake/{SITE}/1"
    opened = await site.context.vault.open(Sealed(**event["data"]["sealed"]))
    assert opened == FIELDS


def site_sealed(event: dict[str, Any]) -> Any:  # noqa: ANN401  # a sealed box
    from shared.events import Sealed

    return Sealed(**event["data"]["sealed"])


async def test_a_record_that_lacks_fields_is_registered_and_says_what_is_missing(site: Site) -> None:
    fields = {name: FIELDS[name] for name in ("name", "phone", "words")}

    complaint = await site.registered(fields=fields)

    assert complaint["complete"] is False
    assert complaint["missing"] == ["address", "project", "demand", "first-taker"]


async def test_faults_are_all_named_and_nothing_is_stored(quiet_site: Site) -> None:
    """INVARIANT: what is refused with 422 leaves no trace.

    What breaks it: writing the customer's file before the record was checked.
    """
    answer = await quiet_site.post(
        "/v1/complaints", body(channel="pigeon", fields={"phone": "x", "colour": "red"})
    )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    named = {problem["field"] for problem in answer.json()["problems"]}
    assert named == {"channel", "fields.phone", "fields.colour", "fields.name", "fields.words"}
    assert await quiet_site.counted() == 0
    assert await quiet_site.context.database.collection("customers").count_documents({}) == 0
    assert await quiet_site.context.database.collection("vault").count_documents({}) == 0


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"kind": "complaint", "channel": "telephone", "fields": {}, "unknown": 1}', "unknown"),
        (b'{"kind": 7, "channel": "telephone", "fields": {}}', "kind"),
        (b'{"kind": "complaint", "channel": "telephone", "fields": {"name": {"$gt": ""}}}', "fields.name"),
        (
            b'{"kind": "complaint", "channel": "telephone", "fields": {}, "received_at": "2026-07-03T10:00"}',
            "received_at",
        ),
        (b'{"kind": "complaint", "channel": "telephone", "fields": {"name": NaN}}', "fields.name"),
        (b"[" * 5000, "body"),
    ],
)
async def test_a_malformed_body_is_refused_with_the_field_named(
    quiet_site: Site, content: bytes, field: str
) -> None:
    headers = {
        **quiet_site.bearer("officer"),
        "Idempotency-Key": "key-malformed",
        "Content-Type": "application/json",
    }

    answer = await quiet_site.http.post("/v1/complaints", content=content, headers=headers)

    assert answer.status_code == 422
    assert field in {problem["field"] for problem in answer.json()["problems"]}
    assert await quiet_site.counted() == 0


@pytest.mark.parametrize("key", [None, "short", "with space", "x" * 129])
async def test_a_registration_without_a_good_key_is_refused(quiet_site: Site, key: str | None) -> None:
    headers = quiet_site.bearer("officer") | ({"Idempotency-Key": key} if key else {})

    answer = await quiet_site.http.post("/v1/complaints", json=body(), headers=headers)

    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "Idempotency-Key"


async def test_registering_answers_headers_as_every_other_route_does(quiet_site: Site) -> None:
    """INVARIANT: the one route that is written by hand decides nothing otherwise than FastAPI does.

    What breaks it: the last of a header that comes twice, or one flaw of several.
    """
    good, key = quiet_site.bearer("officer")["Authorization"], ("Idempotency-Key", "key-twice-0")
    typed = ("Content-Type", "application/json")
    answers = {
        path: [
            await quiet_site.http.post(path, content=content, headers=headers)
            for content, headers in (
                (b"{}", [("Authorization", "Bearer x"), ("Authorization", good), key, typed]),
                (b'{"kind": 7}', [("Authorization", good), ("Idempotency-Key", "short"), typed]),
                (b"{}", [("Authorization", good), key, ("Content-Type", "application/notjson")]),
            )
        ]
        for path in ("/v1/complaints", "/v1/customers")
    }
    said = {
        path: [(one.status_code, {flaw["field"] for flaw in one.json()["problems"]}) for one in found]
        for path, found in answers.items()
    }

    assert [status for status, _ in said["/v1/complaints"]] == [401, 422, 422]
    assert [status for status, _ in said["/v1/customers"]] == [401, 422, 422]
    assert {"Idempotency-Key", "kind"} <= said["/v1/complaints"][1][1]
    assert "Idempotency-Key" in said["/v1/customers"][1][1]
    assert await quiet_site.counted() == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic b2s6b2s="])
async def test_nobody_registers_without_a_session(quiet_site: Site, header: str) -> None:
    headers = {"Authorization": header, "Idempotency-Key": "key-nobody"}

    answer = await quiet_site.http.post("/v1/complaints", json=body(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_role_without_the_right_is_refused(quiet_site: Site) -> None:
    answer = await quiet_site.post("/v1/complaints", body(), "hr")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_same_key_and_body_give_the_first_answer_again(site: Site) -> None:
    """INVARIANT: a repeated command makes no second complaint, and its answer never changes.

    What breaks it: answering from the record as it is now, after an amendment.
    """
    fields = {name: FIELDS[name] for name in ("name", "phone", "words")}
    first = await site.post("/v1/complaints", body(fields=fields), key="key-repeated")
    path = f"/v1/complaints/{first.json()['complaint_id']}/amendments"
    await site.post(path, {"fields": {"project": "金科十年城"}, "reason": "补充"})
    site.now += timedelta(hours=1)

    again = await site.post("/v1/complaints", body(fields=fields), key="key-repeated")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert await site.counted() == 1


async def test_the_same_key_with_another_body_is_a_conflict(site: Site) -> None:
    await site.post("/v1/complaints", body(), key="key-repeated")

    other = await site.post("/v1/complaints", body(channel="visit"), key="key-repeated")
    faulty = await site.post("/v1/complaints", body(channel="pigeon"), key="key-repeated")

    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    assert (faulty.status_code, faulty.json()["code"]) == (409, "idempotency-key-reused")
    assert await site.counted() == 1


async def test_a_key_sent_many_times_at_once_makes_one_complaint(site: Site) -> None:
    answers = await asyncio.gather(
        *(site.post("/v1/complaints", body(), key="key-at-once") for _ in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert await site.counted() == 1


async def test_the_same_key_of_another_unit_is_another_complaint(site: Site) -> None:
    await site.post("/v1/complaints", body(), "officer", key="key-of-both")
    await site.post("/v1/complaints", body(), "desk", key="key-of-both")

    assert await site.counted() == 2


async def test_many_registered_at_once_are_all_there_and_each_told_once(site: Site) -> None:
    fields = [{**FIELDS, "phone": f"139{number % 10:08d}"} for number in range(100)]

    answers = await asyncio.gather(*(site.registered(fields=each) for each in fields))

    assert await site.counted() == 100
    assert len({answer["complaint_id"] for answer in answers}) == 100
    assert await site.context.database.collection("customers").count_documents({}) == 10
    told = await site.told()
    assert [told["complaint.registered.v1", answer["complaint_id"]] for answer in answers] == [1] * 100


# --- late entry


async def test_a_time_in_the_past_needs_the_right_to_import(site: Site) -> None:
    past = {"received_at": "2026-07-01T10:00:00+08:00", "registered_at": "2026-07-01T11:00:00+08:00"}

    refused = await site.post("/v1/complaints", body(**past))
    entered = await site.registered("importer", **past, unit="chongqing-branch")
    (event,) = await site.events(entered["complaint_id"])

    assert refused.status_code == 403
    assert (event["time"], event["recordedtime"]) == ("2026-07-01T03:00:00Z", "2026-07-10T02:00:00Z")
    assert (event["unit"], event["data"]["imported"]) == ("chongqing-branch", True)


async def test_the_unit_comes_from_the_credential(quiet_site: Site) -> None:
    """INVARIANT: nobody registers for a unit outside the own subtree, and only an importer for another one.

    What breaks it: taking the unit from the body.
    """
    officer = await quiet_site.post("/v1/complaints", body(unit="chongqing-desk"), "officer")
    foreign = await quiet_site.post("/v1/complaints", body(unit="chengdu-branch"), "importer")
    missing = await quiet_site.post("/v1/complaints", body(unit="nowhere"), "importer")

    assert officer.status_code == 403
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert await quiet_site.counted() == 0


async def test_the_future_and_the_time_before_the_rulebook_are_refused(quiet_site: Site) -> None:
    future = await quiet_site.post("/v1/complaints", body(received_at="2026-07-10T10:00:01+08:00"))
    antique = await quiet_site.post("/v1/complaints", body(received_at="1990-01-01T00:00:00Z"))

    assert [problem["field"] for problem in future.json()["problems"]] == ["received_at"]
    assert [problem["field"] for problem in antique.json()["problems"]] == ["received_at"]


async def test_an_importer_declares_a_unit_complete(site: Site) -> None:
    content = {"complete_up_to": "2026-07-01T00:00:00Z", "unit": "chongqing-branch"}
    answer = await site.post("/v1/imports/declaration", content, "importer")
    back = await site.post(
        "/v1/imports/declaration", {**content, "complete_up_to": "2026-06-01T00:00:00Z"}, "importer"
    )
    officer = await site.post("/v1/imports/declaration", content, "officer")

    (event,) = await site.events("import/chongqing-branch")

    assert answer.status_code == 201
    assert (event["type"], event["data"]["complete_up_to"]) == ("import.declared.v1", "2026-07-01T00:00:00Z")
    assert (back.status_code, officer.status_code) == (409, 403)


# --- reading


async def test_readers_see_personal_data_masked(site: Site) -> None:
    complaint = await site.registered()

    shown = await site.get(f"/v1/complaints/{complaint['complaint_id']}")

    assert shown.json()["fields"]["name"] == "张**"
    assert not [FIELDS[name] for name in ("name", "phone", "words", "address") if FIELDS[name] in shown.text]


async def test_a_foreign_complaint_looks_like_one_that_is_not_there(site: Site) -> None:
    complaint = await site.registered("officer")
    path, nowhere = (
        f"/v1/complaints/{complaint['complaint_id']}",
        "/v1/complaints/00000000-0000-0000-0000-000000000000",
    )

    foreign = await site.get(path, "desk")
    missing = await site.get(nowhere, "desk")
    above = await site.get(path, "importer")

    assert foreign.status_code == missing.status_code == 404
    assert _without_id(foreign) == _without_id(missing)
    assert above.status_code == 200


def _without_id(answer: httpx2.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


async def test_a_foreign_complaint_cannot_be_changed_or_revealed(site: Site) -> None:
    complaint = await site.registered("officer")
    path = f"/v1/complaints/{complaint['complaint_id']}"

    amended = await site.post(f"{path}/amendments", {"fields": {"project": "一"}, "reason": "更正"}, "desk")
    alike = await site.get(f"{path}/duplicates", "desk")

    assert (amended.status_code, alike.status_code) == (404, 404)


async def test_a_list_is_paged_and_each_complaint_stands_on_one_page(site: Site) -> None:
    for minute in range(5):
        await site.registered(received_at=f"2026-07-03T10:0{minute}:00+08:00")
    await site.registered(received_at="2026-07-03T10:04:00+08:00")

    numbers: list[str] = []
    cursor = ""
    for _ in range(3):
        page = (await site.get(f"/v1/complaints?limit=2{cursor}")).json()
        numbers += [one["number"] for one in page["items"]]
        cursor = f"&cursor={page['next']}"

    received = [one["received_at"] for one in (await site.get("/v1/complaints")).json()["items"]]
    assert len(set(numbers)) == len(numbers) == 6
    assert received == sorted(received, reverse=True)


async def test_a_list_is_filtered_by_local_month_kind_and_status(site: Site) -> None:
    # 31 July 16:30 UTC would be August in Chongqing; 30 June 16:30 UTC is 1 July there.
    await site.registered(received_at="2026-06-30T16:30:00Z")
    await site.registered(received_at="2026-06-30T15:30:00Z")
    fields = {name: FIELDS[name] for name in ("name", "words")}
    await site.registered(
        received_at="2026-07-02T00:00:00Z", kind="legal-letter", **{"class": ""}, fields=fields
    )

    async def found(query: str) -> int:
        return len((await site.get(f"/v1/complaints?{query}")).json()["items"])

    assert await found("month=2026-07") == 2
    assert await found("month=2026-06") == 1
    assert await found("kind=complaint") == 2
    assert await found("kind=complaint&kind=legal-letter&month=2026-07") == 2
    assert await found("status=registered") == 3
    assert await found("status=closed") == 0


FORGED = Place.of("/v1/complaints", "").on(f"0001-01-01T00:00:00+14:00|{UUID(int=1)}")


@pytest.mark.parametrize(
    "query",
    [
        "complaints?month=2026-13",
        "complaints?month=0001-01",
        "complaints?month=9999-12",
        "complaints?cursor=x",
        "complaints?cursor=AAAA",
        f"complaints?cursor={FORGED}",
        "complaints?limit=0",
        "ledger?month=0001-01",
        "ledger?month=9999-12",
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(quiet_site: Site, query: str) -> None:
    assert (await quiet_site.get(f"/v1/{query}", "head")).status_code == 422


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("complaints", body(received_at="0001-01-01T00:00:00+14:00"), "received_at"),
        ("complaints", body(registered_at="9999-12-31T23:00:00-08:00"), "registered_at"),
        ("complaints", body(handover_on="9999-12-31T23:00:00Z"), "handover_on"),
        ("complaints", body(product="a\x00b"), "product"),
        ("complaints", body(fields={**FIELDS, "words": "a\x00b"}), "fields"),
        (
            f"complaints/{UUID(int=1)}/amendments",
            {"fields": {"project": "一"}, "reason": "更正", "at": "0001-01-01T00:00:00+14:00"},
            "at",
        ),
        (f"complaints/{UUID(int=1)}/reveal", {"purpose": "a\x1bb"}, "purpose"),
        ("imports/declaration", {"complete_up_to": "0001-01-01T00:00:00+14:00"}, "complete_up_to"),
        ("products", {"product": "p", "name": "n", "handed_over_on": "9999-12-31"}, "handed_over_on"),
    ],
)
async def test_moments_without_a_calendar_and_texts_without_a_page_are_refused_by_name(
    quiet_site: Site, path: str, content: dict[str, Any], field: str
) -> None:
    """What breaks it: a year that UTC does not have, and a letter that no spreadsheet takes."""
    answers = [await quiet_site.post(f"/v1/{path}", content, account) for account in ("importer", "head")]

    problems = [answer.json() for answer in answers if answer.status_code == 422]
    assert problems
    assert {answer.status_code for answer in answers} <= {403, 422}
    assert [one["field"] for one in problems[0]["problems"]] == [field]


@pytest.mark.rule("JK-34")
async def test_a_handover_of_long_ago_is_no_deadline(quiet_site: Site) -> None:
    """What breaks it: a deadline in a month that was closed, which then can never be closed again."""
    content = body(kind="pre-handover-defect", handover_on="2005-01-01T00:00:00+08:00", **{"class": ""})
    content["fields"] = {name: FIELDS[name] for name in ("name", "phone", "words")}

    refused = await quiet_site.post("/v1/complaints", content)

    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "handover_on")


async def test_others_units_are_not_listed(site: Site) -> None:
    await site.registered("officer")
    await site.registered("desk")

    desk = (await site.get("/v1/complaints", "desk")).json()["items"]
    asked = (await site.get("/v1/complaints?unit=chongqing-branch", "desk")).json()["items"]
    branch = (await site.get("/v1/complaints", "officer")).json()["items"]

    assert [one["unit"] for one in desk] == ["chongqing-desk"]
    assert asked == []
    assert len(branch) == 2


async def test_duplicates_are_suggested_with_why_and_only_within_the_rulebooks_days(site: Site) -> None:
    # The rulebook says 30 days: received on 10 June is 30 days before 10 July, on 9 June 31.
    old = await site.registered(received_at="2026-06-09T02:00:00Z")
    like = await site.registered(received_at="2026-06-10T02:00:00Z")
    place = await site.registered(fields={**FIELDS, "phone": "13900000000"})
    await site.registered(fields={**FIELDS, "phone": "13900000001", "address": "重庆市渝中区另一条路99号"})
    one = await site.registered()

    found = (await site.get(f"/v1/complaints/{one['complaint_id']}/duplicates")).json()

    why = {alike["complaint_id"]: alike["why"] for alike in found["complaints"]}
    assert found["within_days"] == 30
    assert why == {
        like["complaint_id"]: ["same-customer", "same-place"],
        place["complaint_id"]: ["same-place"],
    }
    assert old["complaint_id"] not in why


async def test_the_form_says_what_to_ask_in_both_languages(quiet_site: Site) -> None:
    form = (await quiet_site.get("/v1/form?kind=complaint")).json()
    unknown = await quiet_site.get("/v1/form?kind=parcel")

    name = next(one for one in form["fields"] if one["key"] == "name")
    assert (name["zh"], name["en"], name["need"]) == ("业主姓名", "owner's name", "must")
    assert [one["key"] for one in form["classes"]][:2] == ["explanation", "general"]
    assert unknown.status_code == 422
