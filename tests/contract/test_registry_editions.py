"""Editions over HTTP, and what the log tells of who approved them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from jiandu.stack.stack import Stack
from services.registry.events import subscriptions
from services.registry.store import Published
from shared.http.pages import Place
from shared.runtime.settings import Settings
from shared.storage.aggregates import change_of
from shared.storage.database import open_database
from tests.conftest import FreshName
from tests.contract.registry_world import Office, an_office, files, settings_of

pytestmark = pytest.mark.connected

SHORTER = ("attempts: 3", "attempts: 4")
TWO_CHAINS = """
approval:
  callbacks:
    from: 2005-05-28
    source: JK-01
    title: {zh: 回访, en: callbacks}
    drafts: centre-director
    approves: [group-president]
    covers: callback
    files_with: 国家中心
  rest:
    from: 2005-05-28
    source: JK-01
    title: {zh: 其余, en: the rest}
    drafts: centre-director
    approves: [group-president]
"""


@pytest.fixture
async def office(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Office]:
    settings: Settings = settings_of(servers.mongo_url, fresh_name("registry"))
    async with an_office(settings) as office:
        yield office
    async with open_database(servers.mongo_url, settings.database("registry")) as database:
        await database.drop()


def with_callback(office: Office, *passages: tuple[str, str]) -> dict[str, str]:
    text = office.context.directory.edition.files["callback.yaml"]
    for old, new in passages:
        assert old in text
        text = text.replace(old, new)
    return files(office, **{"callback.yaml": text})


async def propose(office: Office, texts: dict[str, str], **more: bool) -> dict[str, Any]:
    response = await office.post("/editions", {"files": texts, **more}, "centre-director")
    return {"status": response.status_code, **response.json()}


async def told(office: Office, edition_hash: str) -> list[str]:
    """Return the types of what was told of a draft, in order; what still waits for the log too."""
    subject = f"proposal/{edition_hash}"
    document = await office.context.database.collection("proposals").find_one({"_id": subject})
    logged = [orjson.loads(one.body) for one in await office.context.log.about(subject)]
    by_ordinal = {one["ordinal"]: one["type"] for one in [*(document or {})["pending"], *logged]}
    return [by_ordinal[ordinal] for ordinal in sorted(by_ordinal)]


@pytest.mark.rule("QS-11")
async def test_the_log_shows_who_proposed_and_who_approved_with_which_report(office: Office) -> None:
    proposed = await propose(office, with_callback(office, SHORTER))
    path = f"/editions/{proposed['hash']}"

    approved = await office.post(f"{path}/approval", {"report": "e" * 64}, "group-president")
    seen = (await office.get(path, "branch-head")).json()
    texts = (await office.get(f"{path}/files", "branch-head")).json()

    assert texts == with_callback(office)
    assert "attempts: 4" in texts["callback.yaml"]
    assert (proposed["status"], proposed["topics"], approved.status_code) == (201, ["callback"], 201)
    assert proposed["changes_from"] == "2005-05-28"
    assert (
        seen["approvals"][0].items()
        >= {
            "role": "group-president",
            "report": "e" * 64,
            "chain": "regulation",
        }.items()
    )
    assert await told(office, proposed["hash"]) == ["edition.proposed.v1", "edition.approved.v1"]
    assert office.context.directory.edition.hash == proposed["hash"]


@pytest.mark.rule("QS-11")
@pytest.mark.parametrize("field", ["state.bundle", "state.proposed_by"])
async def test_a_draft_that_was_changed_in_the_database_is_not_approved(office: Office, field: str) -> None:
    """INVARIANT: what comes into force is what was proposed and read.

    What breaks it: approving by the hash that a document bears instead of what it holds.
    """
    texts = with_callback(office, SHORTER)
    proposed = await propose(office, texts)
    held = office.context.directory.edition.hash
    proposals = office.context.database.collection("proposals")
    await proposals.update_one({"_id": f"proposal/{proposed['hash']}"}, {"$set": {field: "supervisor-1"}})

    answer = await office.post(f"/editions/{proposed['hash']}/approval", None, "group-president")

    assert (answer.status_code, answer.json()["code"]) == (409, "draft-altered")
    assert office.context.directory.edition.hash == held


@pytest.mark.rule("QS-11")
async def test_a_rejected_draft_comes_into_force_only_when_it_is_proposed_and_approved_anew(
    office: Office,
) -> None:
    texts = with_callback(office, SHORTER)
    proposed = await propose(office, texts)
    path = f"/editions/{proposed['hash']}"

    rejected = await office.post(f"{path}/rejection", {"reasons": "人手不足"}, "group-president")
    late = await office.post(f"{path}/approval", None, "group-president")
    held = office.context.directory.edition.hash
    again = await propose(office, texts)
    approved = await office.post(f"{path}/approval", None, "group-president")

    assert (rejected.status_code, late.status_code, again["status"], approved.status_code) == (
        201,
        409,
        201,
        201,
    )
    assert held != proposed["hash"] == office.context.directory.edition.hash


@pytest.mark.rule("XA-15")
async def test_chains_go_by_topic_and_the_text_is_filed_with_the_body_that_they_name(office: Office) -> None:
    head = office.context.directory.edition.files["rulebook.yaml"].partition("\napproval:\n")[0]
    chains = await propose(office, files(office, **{"rulebook.yaml": head + TWO_CHAINS}))
    await office.post(f"/editions/{chains['hash']}/approval", None, "group-president")

    proposed = await propose(office, with_callback(office, SHORTER))
    path = f"/editions/{proposed['hash']}"
    body = {"filed_with": "国家中心", "on": "2026-08-09"}
    early = await office.post(f"{path}/filing", body, "centre-director")
    await office.post(f"{path}/approval", None, "group-president")
    elsewhere = await office.post(f"{path}/filing", {**body, "filed_with": "别处"}, "centre-director")
    filed = [await office.post(f"{path}/filing", body, "centre-director") for _ in range(2)]

    assert chains["chains"] == {"regulation": ["group-president"]}
    assert proposed["chains"] == {"callbacks": ["group-president"]}
    assert [one.status_code for one in (early, elsewhere, *filed)] == [409, 422, 201, 201]
    assert filed[0].json()["filed"] == filed[1].json()["filed"]
    assert (await told(office, proposed["hash"]))[-1] == "edition.filed.v1"


async def test_of_two_drafts_the_second_is_not_approved_over_the_first(office: Office) -> None:
    """INVARIANT: a change that came into force is not undone by a draft that did not know it.

    What breaks it: approving whatever was proposed before.
    """
    first = await propose(office, with_callback(office, SHORTER))
    second = await propose(office, with_callback(office, ("ratio: 1", "ratio: 0.5")))

    one = await office.post(f"/editions/{first['hash']}/approval", None, "group-president")
    two = await office.post(f"/editions/{second['hash']}/approval", None, "group-president")

    assert (one.status_code, two.status_code) == (201, 409)
    assert office.context.directory.edition.hash == first["hash"]


@pytest.mark.rule("QS-11")
async def test_a_draft_that_changes_a_published_month_is_refused_unless_it_restates_it(
    office: Office,
) -> None:
    """Published: July 2026. The callback plan of jinke holds since 2005, so changing it there changes July."""
    published = Published(office.context.database)
    (subscription,) = subscriptions(published)
    closed: dict[str, Any] = {"type": "period.closed.v1", "data": {"period": "2026-07"}}
    quarter: dict[str, Any] = {"type": "period.closed.v1", "data": {"period": "2026-Q3"}}
    assert (subscription.key(closed), subscription.key(quarter)) == ("published", None)
    stored = await published.get("published")
    decided = subscription.decide(stored, [closed])
    assert decided is not None
    assert decided.state == {"before": "2026-08-01"}
    await published.save(change_of(stored, decided.state, [], None, index={}))

    refused = await propose(office, with_callback(office, SHORTER))
    stated = await propose(office, with_callback(office, SHORTER), restates=True)

    assert (refused["status"], refused["code"]) == (409, "published-period")
    assert (stated["status"], stated["restates"]) == (201, True)


# --- norms of a unit's own

WITH_NORMS = f"""{TWO_CHAINS}
  own-norms:
    from: 2005-05-28
    source: JK-01
    title: {{zh: 特定规范, en: own norms}}
    of: overlay
    covers: callback
    drafts: centre-director
    approves: [group-president]
"""
MORE_CALLS = """plans:
  complaints:
    from: {since}
    source: JK-27
    title: {{zh: 回访, en: callback}}
    applies: {{kind: complaint}}
    latest: {{days: 3}}
    ratio: 1
    attempts: {attempts}
    apart: {{hours: 4}}
    questionnaire: owners
    satisfied_from: 4
    reopen_at: 2
"""


async def with_norms_allowed(office: Office) -> None:
    head = office.context.directory.edition.files["rulebook.yaml"].partition("\napproval:\n")[0]
    proposed = await propose(office, files(office, **{"rulebook.yaml": head + WITH_NORMS}))
    approved = await office.post(f"/editions/{proposed['hash']}/approval", None, "group-president")
    assert approved.status_code == 201


def norms(since: str = "2026-08-01", attempts: int = 3, **more: str) -> dict[str, Any]:
    text = MORE_CALLS.format(since=since, attempts=attempts)
    return {"overlay": "wuxi-calls", "unit": "wuxi-branch", "files": {"callback.yaml": text}, **more}


def days_at(office: Office, unit: str) -> int | None:
    at = datetime(2026, 8, 5, tzinfo=UTC)
    return office.context.directory.edition_for(unit, at).at(at).callback.plans["complaints"].latest.days


@pytest.mark.rule("ZY-02")
async def test_own_norms_hold_for_their_unit_once_they_are_filed_and_confirmed(office: Office) -> None:
    """INVARIANT: norms that nobody confirmed have no effect.

    What breaks it: telling them when they are applied for.
    """
    await with_norms_allowed(office)

    applied = await office.post("/overlays", norms(), "centre-director")
    again = await office.post("/overlays", norms(), "centre-director")
    before = days_at(office, "wuxi-branch")
    path = f"/editions/{applied.json()['hash']}/approval"
    own = await office.post(path, None, "centre-director")
    approved = await office.post(path, None, "group-president")
    other = await office.post("/overlays", norms(attempts=9), "centre-director")
    listed = (await office.get("/overlays", "branch-head")).json()["items"]
    cursor = Place.of("/v1/overlays", "").on(listed[-1]["overlay"])
    after = (await office.get(f"/overlays?cursor={cursor}", "branch-head")).json()

    assert (applied.status_code, again.json(), own.status_code) == (201, applied.json(), 403)
    assert after == {"items": [], "next": None}
    assert (before, approved.status_code, days_at(office, "wuxi-branch")) == (7, 201, 3)
    assert (days_at(office, "wuxi-desk-1"), days_at(office, "chongqing-branch")) == (3, 7)
    assert (other.status_code, other.json()["code"]) == (409, "already-registered")
    assert [(one["overlay"], one["since"], one["approved_by"]) for one in listed] == [
        ("wuxi-calls", "2026-08-01", ["president"])
    ]
    assert (await told(office, applied.json()["hash"]))[-1] == "edition.approved.v1"


@pytest.mark.rule("ZY-02")
async def test_own_norms_end_once_and_are_about_what_the_regulation_leaves_to_a_unit(office: Office) -> None:
    without = await office.post("/overlays", norms(), "centre-director")
    await with_norms_allowed(office)
    nothing = await office.post(
        "/overlays", norms() | {"files": {"callback.yaml": "plans: {}"}}, "centre-director"
    )
    early = await office.post("/overlays", norms(until="2026-08-01"), "centre-director")
    scoring = await office.post(
        "/overlays", norms() | {"files": {"scoring.yaml": "sheets: {}"}}, "centre-director"
    )
    nowhere = await office.post("/overlays", norms() | {"unit": "nowhere"}, "branch-head")
    applied = await office.post("/overlays", norms(), "centre-director")
    await office.post(f"/editions/{applied.json()['hash']}/approval", None, "group-president")
    ending = [
        await office.post(
            "/overlays/wuxi-calls/ending", {"ends_on": day, "reason": "到期"}, "centre-director"
        )
        for day in ("2026-07-01", "2026-08-03", "2026-08-03", "2026-08-04")
    ]

    assert (without.status_code, without.json()["code"]) == (409, "no-own-norms")
    assert [one.status_code for one in (nothing, early, scoring, nowhere)] == [422, 422, 422, 403]
    assert [one.status_code for one in ending] == [422, 201, 201, 409]
    assert days_at(office, "wuxi-branch") == 7


@pytest.mark.rule("ZY-02")
async def test_an_edition_that_filed_norms_would_not_fit_is_refused_with_their_line(office: Office) -> None:
    await with_norms_allowed(office)
    applied = await office.post("/overlays", norms(), "centre-director")
    await office.post(f"/editions/{applied.json()['hash']}/approval", None, "group-president")

    refused = await propose(office, with_callback(office, ("owners", "households")))

    assert refused["status"] == 422
    assert {(one["file"], one["line"]) for one in refused["problems"]} == {("wuxi-calls/callback.yaml", 11)}
