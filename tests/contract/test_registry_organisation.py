"""The organisation over time, over HTTP: units that begin, move and close, people who train, leave and stand in."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jiandu.stack.stack import Stack
from services.registry.store import Published
from shared.errors import UnauthenticatedError
from shared.runtime.settings import Settings
from shared.storage.aggregates import change_of
from shared.storage.database import open_database
from tests.conftest import FreshName
from tests.contract.callback_world import PASSWORD
from tests.contract.registry_world import Office, an_office, files, settings_of
from tests.unit.registry.test_organisation import TRAINED

pytestmark = pytest.mark.connected

BRANCH = "chongqing-branch"
DESK = {
    "unit": "chongqing-desk-9",
    "kind": "sales-desk",
    "parent": BRANCH,
    "site": "chongqing",
    "name_zh": "九处",
    "name_en": "desk 9",
    "established_on": "2026-07-01",
}


@pytest.fixture
async def office(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Office]:
    settings: Settings = settings_of(servers.mongo_url, fresh_name("registry"))
    async with an_office(settings) as office:
        yield office
    async with open_database(servers.mongo_url, settings.database("registry")) as database:
        await database.drop()


async def under_more_rules(office: Office) -> None:
    """Let sales desks need a lead and the president's approval, engineers a course, the president have a deputy."""
    text = office.context.directory.edition.files["rights.yaml"].partition("\nappointments:\n")[0]
    for role, more in (
        ("  sales-desk:\n", "    needs_lead: true\n    activated_by: group-president\n"),
        ("  group-president:\n", "    deputies: centre-director\n"),
    ):
        assert text.count(role) == 1
        text = text.replace(role, role + more)
    text = text.replace("rights: [", "rights: [training.record, organisation.manage, ")
    text = text.replace("    rights:\n", "    rights:\n      - training.record\n")
    proposed = await office.post(
        "/editions", {"files": files(office, **{"rights.yaml": text + TRAINED})}, "centre-director"
    )
    assert proposed.status_code == 201, proposed.text
    path = f"/editions/{proposed.json()['hash']}/approval"
    assert (await office.post(path, None, "group-president")).status_code == 201


@pytest.mark.rule("ZY-03", "LN-22")
async def test_a_unit_begins_only_with_an_approval_and_with_who_answers_for_it(office: Office) -> None:
    """INVARIANT: no unit works before the regulation's conditions are on record.

    What breaks it: establishing what is only proposed.
    """
    await under_more_rules(office)

    proposed = await office.post("/units", DESK, "operator")
    again = await office.post("/units", DESK, "operator")
    path = f"/units/{DESK['unit']}/activation"
    director = await office.post(path, {"service_lead": "chongqing-head"}, "centre-director")
    nobody = await office.post(path, {}, "group-president")
    stranger = await office.post(path, {"service_lead": "nobody"}, "group-president")
    before = DESK["unit"] in office.context.directory.units
    active = await office.post(
        path, {"service_lead": "chongqing-head", "established_on": "2026-08-01"}, "group-president"
    )
    twice = await office.post(path, {}, "group-president")

    assert (proposed.status_code, proposed.json()["missing"]) == (201, ["approval", "service-lead"])
    assert again.json() == proposed.json()
    assert [one.status_code for one in (director, nobody, stranger)] == [403, 409, 422]
    assert (before, active.status_code, twice.json()) == (False, 201, active.json())
    assert (active.json()["activated_by"], active.json()["established_on"]) == ("president", "2026-08-01")
    assert DESK["unit"] in office.context.directory.units


@pytest.mark.rule("LN-22", "LN-29")
async def test_a_person_without_a_pass_is_not_appointed_and_gets_no_account(office: Office) -> None:
    await under_more_rules(office)
    unit = next(name for name, one in office.context.directory.units.items() if one.kind == "engineering")
    person = {"person": "new-engineer", "name": "工", "unit": unit, "role": "engineer", "since": "2026-08-01"}
    sat = {"course": "service", "person": "new-engineer", "unit": unit, "on": "2026-07-20"}
    account = {key: person[key] for key in ("person", "name", "unit", "role")}

    untrained = await office.post("/appointments", person, "operator")
    failed = await office.post("/trainings", {**sat, "passed": False}, "centre-director")
    after_failing = await office.post("/appointments", person, "operator")
    rewritten = await office.post("/trainings", {**sat, "passed": True}, "centre-director")
    passed = await office.post("/trainings", {**sat, "on": "2026-07-27", "passed": True}, "centre-director")
    no_account = await office.post(
        "/accounts", {**account, "account": "e9", "password": PASSWORD}, "operator"
    )
    appointed = await office.post("/appointments", person, "operator")
    granted = await office.post("/accounts", {**account, "account": "e9", "password": PASSWORD}, "operator")

    assert (untrained.status_code, untrained.json()["code"]) == (409, "training-missing")
    assert [one.status_code for one in (failed, after_failing, rewritten, passed)] == [201, 409, 409, 201]
    assert [one.status_code for one in (no_account, appointed, granted)] == [409, 201, 201]
    assert len(granted.json()) > 0
    assert office.context.directory.may_serve("new-engineer", "engineer", office.context.directory.today)


async def test_a_unit_moves_from_a_day_and_what_is_published_stays(office: Office) -> None:
    """Published: everything before 1 August 2026."""
    published = Published(office.context.database)
    stored = await published.get("published")
    await published.save(change_of(stored, {"before": "2026-08-01"}, [], None, index={}))
    path = "/units/chongqing-desk-1/records"
    later = (office.context.directory.today + timedelta(days=400)).isoformat()

    early = await office.post(path, {"since": "2026-07-31", "name_zh": "新名"}, "operator")
    stated = await office.post(path, {"since": "2026-07-31", "name_zh": "新名", "restates": True}, "operator")
    moved = await office.post(path, {"since": later, "service_lead": "chongqing-head"}, "operator")
    again = await office.post(path, {"since": later, "service_lead": "chongqing-head"}, "operator")
    elsewhere = await office.post(path, {"since": later, "parent": "wuxi-branch"}, "operator")

    assert (early.status_code, early.json()["code"], stated.status_code) == (409, "published-period", 201)
    assert (moved.status_code, again.json(), elsewhere.status_code) == (201, moved.json(), 422)
    assert [one["established_on"] for one in moved.json()["records"]][1:] == ["2026-07-31", later]
    assert office.context.directory.units["chongqing-desk-1"].name_zh == "新名"
    assert office.context.directory.units["chongqing-desk-1"].established_on.isoformat() == "2026-07-31"


async def test_a_unit_begins_and_ends_in_a_published_month_only_where_that_restates_it(
    office: Office,
) -> None:
    """INVARIANT: a unit that comes or goes after the fact alters no published month unawares: none before August.

    What breaks it: looking at the published months only where a record changes.
    """
    published = Published(office.context.database)
    stored = await published.get("published")
    await published.save(change_of(stored, {"before": "2026-08-01"}, [], None, index={}))
    ends = {"closes_on": "2026-07-31"}

    new = [await office.post("/units", one, "operator") for one in (DESK, {**DESK, "restates": True})]
    path = f"/units/{DESK['unit']}/closing"
    ended = [await office.post(path, one, "operator") for one in (ends, {**ends, "restates": True}, ends)]
    ahead = await office.post("/units/chongqing-desk-1/closing", {"closes_on": "2026-08-01"}, "operator")

    assert [one.status_code for one in new] == [409, 201]
    assert [one.status_code for one in ended] == [409, 201, 201]
    assert {one.json()["code"] for one in (new[0], ended[0])} == {"published-period"}
    assert ahead.status_code == 201


async def test_units_merge_by_closing_into_a_successor_of_their_site(office: Office) -> None:
    path = "/units/chongqing-desk-1/closing"
    abroad = await office.post(path, {"closes_on": "2026-09-01", "successor": "wuxi-branch"}, "operator")
    closed = await office.post(path, {"closes_on": "2026-09-01", "successor": BRANCH}, "operator")
    again = await office.post(path, {"closes_on": "2026-09-01", "successor": BRANCH}, "operator")

    assert (abroad.status_code, closed.status_code, again.json()) == (422, 201, closed.json())
    assert office.context.directory.units["chongqing-desk-1"].successor == BRANCH


async def test_who_has_left_cannot_sign_in_and_their_session_ends(office: Office) -> None:
    access, clock = office.context.access, office.context.clock
    session = access.sign_in("chongqing-officer-1", PASSWORD, clock())
    path = "/people/chongqing-officer-1/leaving"
    yesterday = (office.context.directory.today - timedelta(days=1)).isoformat()

    wrong = await office.post(path, {"on": yesterday, "successor": "nobody"}, "operator")
    gone = [await office.post(path, {"on": yesterday}, "operator") for _ in range(2)]
    unknown = await office.post("/people/nobody/leaving", {"on": yesterday}, "operator")

    assert (wrong.status_code, [one.status_code for one in gone], unknown.status_code) == (
        422,
        [201, 201],
        404,
    )
    with pytest.raises(UnauthenticatedError, match="has left"):
        access.recognise(session.token, clock())
    with pytest.raises(UnauthenticatedError):
        access.sign_in("chongqing-officer-1", PASSWORD, clock())


@pytest.mark.rule("QS-11")
async def test_a_deputy_has_the_absent_holders_turn_and_still_does_not_approve_what_they_drafted(
    office: Office,
) -> None:
    """The director stands in for the president, and drafted himself: standing in gives him the turn, not the approval."""
    await under_more_rules(office)
    today = office.context.directory.today
    named = {
        "person": "president",
        "role": "group-president",
        "unit": "group",
        "deputy": "director",
        "since": today.isoformat(),
        "until": (today + timedelta(days=7)).isoformat(),
    }
    text = office.context.directory.edition.files["callback.yaml"].replace("attempts: 3", "attempts: 4")
    proposed = await office.post(
        "/editions", {"files": files(office, **{"callback.yaml": text})}, "centre-director"
    )
    path = f"/editions/{proposed.json()['hash']}/approval"

    without = await office.post(path, None, "centre-director")
    wrong = await office.post("/deputies", {**named, "deputy": "chongqing-head"}, "operator")
    made = [await office.post("/deputies", named, "operator") for _ in range(2)]
    own = await office.post(path, None, "centre-director")

    assert (without.status_code, wrong.status_code) == (403, 422)
    assert [one.status_code for one in made] == [201, 201]
    assert (own.status_code, own.json()["code"]) == (409, "approval-out-of-order")
    assert "does not approve it" in own.text
