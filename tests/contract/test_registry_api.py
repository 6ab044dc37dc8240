"""The registry over HTTP, seeded from rulebooks/jinke, on real MongoDB. The broker is away."""

from collections.abc import AsyncIterator

import pytest

from jiandu.stack.stack import Stack
from services.registry.store import WAITING, page_query, prefix_query
from shared.errors import UnauthenticatedError
from shared.runtime.settings import Settings
from shared.storage.aggregates import Aggregates
from shared.storage.database import open_database
from tests.conftest import FreshName
from tests.contract.callback_world import PASSWORD
from tests.contract.registry_world import Office, an_office, files, settings_of

pytestmark = pytest.mark.connected

BRANCH = "chongqing-branch"


@pytest.fixture(scope="module")
async def settings(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Settings]:
    found = settings_of(servers.mongo_url, fresh_name("registry"))
    yield found
    async with open_database(servers.mongo_url, found.database("registry")) as database:
        await database.drop()


@pytest.fixture(scope="module")
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with an_office(settings) as office:
        yield office


async def versions(office: Office) -> dict[str, int]:
    return dict(await office.context.directory.collection.versions())


async def test_a_second_start_writes_nothing(office: Office, settings: Settings) -> None:
    """INVARIANT: the seed is written once, however often the service starts.

    What breaks it: seeding what is there already.
    """
    before = await versions(office)

    async with an_office(settings) as second:
        assert await versions(second) == before
    assert len(before) > 60


# --- editions


@pytest.mark.rule("QS-11")
async def test_an_edition_with_errors_is_refused_line_by_line_and_the_one_in_force_stays(
    office: Office,
) -> None:
    before = office.context.directory.edition.hash
    broken = office.context.directory.edition.files["rights.yaml"].replace("kind", "kynd") + "\nsurprise: 1\n"

    refused = await office.post(
        "/editions", {"files": files(office, **{"rights.yaml": broken})}, "centre-director"
    )

    assert refused.status_code == 422
    assert all({"file", "line", "what", "mend"} == one.keys() for one in refused.json()["problems"])
    assert any(one["file"] == "rights.yaml" and one["line"] > 1 for one in refused.json()["problems"])
    assert office.context.directory.edition.hash == before


@pytest.mark.rule("JK-01", "QS-11", "QS-12")
async def test_an_edition_holds_once_the_roles_of_the_chain_have_approved_it(office: Office) -> None:
    """What breaks it: enacting at the proposal, or letting any role approve."""
    text = office.context.directory.edition.files["rights.yaml"].replace("系统管理员", "系统管理人员")
    proposed = files(office, **{"rights.yaml": text})

    nobody = await office.post("/editions", {"files": proposed}, "branch-head")
    first = await office.post("/editions", {"files": proposed}, "centre-director")
    again = await office.post("/editions", {"files": proposed}, "centre-director")
    path = f"/editions/{first.json()['hash']}/approval"
    own = await office.post(path, None, "centre-director")
    waiting = (await office.get("/editions", "branch-head")).json()
    held = office.context.directory.edition.hash
    approved = await office.post(path, None, "group-president")
    twice = await office.post(path, None, "group-president")
    in_force = await office.post("/editions", {"files": proposed}, "centre-director")

    assert (nobody.status_code, first.status_code, own.status_code) == (403, 201, 403)
    assert again.json() == first.json()
    assert [one["hash"] for one in waiting["waiting"]] == [first.json()["hash"]]
    assert "bundle" not in str(waiting)
    assert held != first.json()["hash"] == office.context.directory.edition.hash
    assert (approved.status_code, twice.status_code, in_force.status_code) == (201, 409, 409)


@pytest.mark.rule("QS-12")
async def test_a_clause_is_interpreted_by_the_role_that_the_rulebook_names(office: Office) -> None:
    body = {
        "ruling": "r1",
        "edition": office.context.directory.edition.name,
        "clause": "JK-04",
        "text": "从宽",
    }

    made = await office.post("/rulings", body, "centre-director")
    again = await office.post("/rulings", body, "centre-director")
    other = await office.post("/rulings", {**body, "text": "从严"}, "centre-director")
    president = await office.post("/rulings", {**body, "ruling": "r2"}, "group-president")

    assert (made.status_code, again.json(), other.status_code) == (201, made.json(), 409)
    assert president.status_code == 403


# --- people and units


@pytest.mark.rule("JK-26")
async def test_a_head_is_appointed_after_the_director_s_opinion_even_an_unfavourable_one(
    office: Office,
) -> None:
    head = {"person": "new-head", "name": "周", "unit": BRANCH, "role": "branch-head", "since": "2026-08-01"}
    opinion = {
        "opinion": "o-new",
        "unit": BRANCH,
        "role": "branch-head",
        "person": "new-head",
        "favourable": False,
        "reasons": "资历尚浅",
    }
    without = await office.post("/appointments", head, "centre-director")
    by_operator = await office.post("/opinions", opinion, "operator")
    given = await office.post("/opinions", opinion, "centre-director")
    elsewhere = await office.post(
        "/appointments", {**head, "unit": "wuxi-branch", "opinion": "o-new"}, "centre-director"
    )
    made = await office.post("/appointments", {**head, "opinion": "o-new"}, "centre-director")
    again = await office.post("/appointments", {**head, "opinion": "o-new"}, "centre-director")

    assert (without.status_code, without.json()["code"]) == (409, "opinion-missing")
    assert (by_operator.status_code, given.status_code, elsewhere.status_code) == (403, 201, 409)
    assert (made.status_code, again.json()) == (201, made.json())
    assert len(made.json()["appointments"]) == 1


@pytest.mark.parametrize(
    ("changed", "field"), [({"role": "x"}, "role"), ({"unit": "x"}, "unit"), ({"role": "engineer"}, "role")]
)
async def test_an_appointment_that_does_not_fit_names_its_field(
    office: Office, changed: dict[str, str], field: str
) -> None:
    body = {"person": "p9", "name": "吴", "unit": BRANCH, "role": "caller", "since": "2026-08-01", **changed}

    refused = await office.post("/appointments", body, "operator")

    assert (refused.status_code, [one["field"] for one in refused.json()["problems"]]) == (422, [field])


async def test_the_same_unit_again_changes_nothing_and_another_is_a_conflict(office: Office) -> None:
    unit = {
        "unit": "chongqing-desk-9",
        "kind": "sales-desk",
        "parent": BRANCH,
        "site": "chongqing",
        "name_zh": "九处",
        "name_en": "desk 9",
        "established_on": "2026-07-01",
    }
    made = await office.post("/units", unit, "operator")
    again = await office.post("/units", unit, "operator")
    other = await office.post("/units", {**unit, "name_zh": "十处"}, "operator")
    orphan = await office.post("/units", {**unit, "unit": "x", "parent": "nowhere"}, "operator")
    early = await office.post("/units/chongqing-desk-9/closing", {"closes_on": "2026-06-01"}, "operator")
    closed = [
        await office.post("/units/chongqing-desk-9/closing", {"closes_on": day}, "operator")
        for day in ("2026-09-01", "2026-09-01", "2026-10-01")
    ]

    assert (made.status_code, again.json(), other.status_code) == (201, made.json(), 409)
    assert (orphan.status_code, orphan.json()["problems"][0]["field"]) == (422, "parent")
    assert (early.status_code, [one.status_code for one in closed]) == (422, [201, 201, 409])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"site": "nix"}, "site"),
        ({"service_lead": "nobody"}, "service_lead"),
        ({"established_on": "0001-01-01"}, "established_on"),
        ({"name_zh": "a\x00b"}, "name_zh"),
        ({"kind": "a\x00b"}, "kind"),
    ],
)
async def test_a_unit_lies_at_its_parents_site_has_a_lead_on_record_and_was_founded_in_our_time(
    office: Office, changed: dict[str, str], field: str
) -> None:
    unit = {
        "unit": "chongqing-desk-8",
        "kind": "sales-desk",
        "parent": BRANCH,
        "site": "chongqing",
        "name_zh": "八处",
        "name_en": "desk 8",
        "established_on": "2026-07-01",
    }

    refused = await office.post("/units", {**unit, **changed}, "operator")

    assert (refused.status_code, [one["field"] for one in refused.json()["problems"]]) == (422, [field])


async def test_a_new_subsidiary_has_a_site_of_its_own(office: Office) -> None:
    unit = {"unit": "kunming", "kind": "subsidiary", "parent": "group", "site": "kunming"}
    names = {"name_zh": "昆明公司", "name_en": "Kunming", "established_on": "2026-07-01"}

    made = await office.post("/units", {**unit, **names}, "operator")

    assert made.status_code == 201


# --- accounts


@pytest.mark.rule("JK-26")
async def test_a_head_s_account_is_given_only_to_who_was_appointed_after_an_opinion(office: Office) -> None:
    """INVARIANT: nobody acts as head about whom the group centre was not asked.

    What breaks it: looking at appointments alone, where the account is what gives the rights.
    """
    account = {"account": "he-wei", "person": "he-wei", "name": "何", "unit": BRANCH, "role": "branch-head"}
    body = {**account, "password": PASSWORD}
    opinion = {"opinion": "o-he", "unit": BRANCH, "role": "branch-head", "person": "he-wei"}
    appointed = {
        "person": "he-wei",
        "name": "何",
        "unit": BRANCH,
        "role": "branch-head",
        "since": "2026-08-01",
    }

    before = await office.post("/accounts", body, "operator")
    given = {**opinion, "favourable": True, "reasons": "称职"}
    await office.post("/opinions", given, "centre-director")
    opinion_only = await office.post("/accounts", body, "operator")
    await office.post("/appointments", {**appointed, "opinion": "o-he"}, "centre-director")
    elsewhere = await office.post("/accounts", {**body, "unit": "wuxi-branch"}, "operator")
    after = await office.post("/accounts", body, "operator")

    assert (before.status_code, before.json()["code"]) == (409, "opinion-missing")
    assert [one.status_code for one in (opinion_only, elsewhere, after)] == [409, 409, 201]


async def test_an_account_is_given_once_and_a_revoked_one_never_comes_back(office: Office) -> None:
    """INVARIANT: a late repetition gives a revoked account nothing back.

    What breaks it: writing a grant over what is recorded.
    """
    body = {
        "account": "temp",
        "person": "temp",
        "name": "郑",
        "unit": BRANCH,
        "role": "caller",
        "password": PASSWORD,
    }
    made = await office.post("/accounts", body, "operator")
    again = await office.post("/accounts", body, "operator")
    other = await office.post("/accounts", {**body, "password": "another long one"}, "operator")
    token = office.context.access.sign_in("temp", PASSWORD, office.context.clock()).token
    gone = [await office.post("/accounts/temp/revocation", {"reason": "left"}, "operator") for _ in range(2)]
    back = await office.post("/accounts", body, "operator")

    assert (made.status_code, again.json(), other.status_code) == (201, made.json(), 409)
    assert ([one.status_code for one in gone], gone[0].json()) == ([201, 201], gone[1].json())
    assert back.status_code == 409
    with pytest.raises(UnauthenticatedError):
        office.context.access.recognise(token, office.context.clock())
    assert (await office.post("/accounts/nobody/revocation", {"reason": "x"}, "operator")).status_code == 404


async def test_nobody_is_shown_a_secret(office: Office) -> None:
    shown = (await office.get("/accounts", "operator")).json()["items"]

    assert len(shown) > 20
    assert {"secret", "password"}.isdisjoint(key for one in shown for key in one)
    assert (await office.get("/accounts", "branch-head")).status_code == 403


async def test_pages_hold_every_account_once_by_name(office: Office) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await office.get(f"/accounts?limit=20&cursor={cursor}", "operator")).json()
        found += [one["account"] for one in page["items"]]
        cursor = page["next"]

    assert found == sorted(office.context.directory.accounts)
    assert (await office.get("/accounts?limit=201", "operator")).status_code == 422


async def test_every_query_uses_an_index(office: Office) -> None:
    """What breaks it: a list that looks at every record, bundles and all."""
    directory = office.context.directory.collection
    proposals = Aggregates(office.context.database, "proposals", load=dict, dump=dict)
    for collection, query in (
        (directory, prefix_query("unit/")),
        (directory, page_query("overlay/", "a")),
        (proposals, WAITING),
    ):
        find = {"find": collection.name, "filter": query}
        plan = await collection.collection.database.command({"explain": find, "verbosity": "queryPlanner"})
        assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"]), query


@pytest.mark.rule("QS-03")
async def test_everyone_lists_the_units_of_their_own_subtree(office: Office) -> None:
    branch = {one["unit"] for one in (await office.get("/units", "branch-head")).json()["items"]}
    whole = {one["unit"] for one in (await office.get("/units", "operator")).json()["items"]}

    sites = {one.split("-")[0] for one in branch}
    assert len(sites) == 1
    assert {"group", "chongqing", "wuxi"} <= whole
    paged = list[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = (await office.get(f"/units?limit=7&cursor={cursor}", "operator")).json()
        paged, cursor = [*paged, *(one["unit"] for one in page["items"])], page["next"]
    assert paged == sorted(whole)
