"""What a service waits for before it knows who there is."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.identity.directory import Directory, NoEditionError, reduce
from shared.rulebook.load import bundle
from shared.rulebook.load.overlays import pack
from shared.rulebook.training import passes
from shared.storage.aggregates import Stored
from shared.timekeeping.limits import Limit
from tests.builders_rules import an_edition

FILLED: dict[str, Any] = {"units": 1, "people": 0, "accounts": {"group": 1, "wuxi": 2}}
UNIT: dict[str, Any] = {
    "kind": "branch",
    "parent": None,
    "site": "wuxi",
    "name_zh": "无锡",
    "name_en": "Wuxi",
    "established_on": "2005-06-15",
}


NOW = datetime(2026, 9, 10, 4, tzinfo=UTC)


def knowing(**records: dict[str, Any]) -> Directory:
    directory = Directory(None, lambda: NOW)  # type: ignore[arg-type]  # nothing is read from a database
    for key, state in records.items():
        directory._take(Stored(key.replace("_", "/"), 1, state))
    return directory


def test_nothing_is_known_before_the_registry_told_how_much_there_is() -> None:
    assert "has not told yet" in knowing(unit_wuxi=UNIT, account_a={}, account_b={}).awaited("wuxi")


@pytest.mark.parametrize(
    ("accounts", "site", "awaited"),
    [
        ([], "wuxi", "0 of 2 accounts"),
        (["account_a"], "wuxi", "1 of 2 accounts"),
        (["account_a", "account_b"], "wuxi", ""),
        (["account_a", "account_b"], "group", "2 of 3 accounts"),
        (["account_a", "account_b", "account_c"], "group", ""),
        # A site that was opened later was promised nobody.
        ([], "chengdu", ""),
    ],
)
def test_a_site_waits_for_its_own_accounts_and_headquarters_for_all(
    accounts: list[str], site: str, awaited: str
) -> None:
    directory = knowing(register_filled=FILLED, unit_wuxi=UNIT, **{key: {} for key in accounts})

    found = directory.awaited(site)

    assert awaited in found
    assert bool(found) == bool(awaited)


def test_a_unit_that_is_missing_is_named_too() -> None:
    assert "0 of 1 units" in knowing(register_filled=FILLED, account_a={}, account_b={}).awaited("wuxi")


# --- units over time


def established(since: str, parent: str | None = "group", **more: str) -> dict[str, Any]:
    return {**UNIT, "unit": "desk", "parent": parent, "established_on": since, **more}


def told(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for type_, data in events:
        state = reduce(state, type_, data)
    return state


@pytest.mark.parametrize(
    ("moves_on", "above"), [("2026-09-10", "south"), ("2026-09-11", "north"), ("2020-01-01", "south")]
)
def test_a_unit_that_moves_lies_elsewhere_from_its_day_on(moves_on: str, above: str) -> None:
    """Today is 10 September 2026.

    What breaks it: taking the record that was told last.
    """
    desk = told(
        ("unit.established.v1", established("2005-06-15", "north")),
        ("unit.established.v1", established(moves_on, "south")),
    )
    directory = knowing(unit_north=UNIT, unit_south=UNIT, unit_desk=desk)

    assert directory.units["desk"].parent == above
    assert directory.within("desk", above)


def test_a_record_of_the_same_day_corrects_and_records_told_out_of_order_stand_in_order() -> None:
    desk = told(
        ("unit.established.v1", established("2005-06-15", "north")),
        ("unit.established.v1", established("2026-09-01", "south")),
        ("unit.established.v1", established("2026-08-01", "west")),
        ("unit.established.v1", established("2026-09-01", "east")),
    )

    assert [(one["established_on"], one["parent"]) for one in desk["records"]] == [
        ("2005-06-15", "north"),
        ("2026-08-01", "west"),
        ("2026-09-01", "east"),
    ]
    assert desk["parent"] == "east"


def test_a_closed_unit_names_its_successor_until_it_begins_again() -> None:
    closed: dict[str, Any] = {"unit": "desk", "closes_on": "2026-09-01", "successor": "south"}
    desk = told(("unit.established.v1", established("2005-06-15")), ("unit.closed.v1", closed))
    again = reduce(desk, "unit.established.v1", established("2027-01-01"))

    assert knowing(unit_desk=desk).units["desk"].successor == "south"
    assert "closes_on" not in again
    assert len(again["records"]) == 2


# --- own norms


EDITION = an_edition()
ENACTED = {"hash": EDITION.hash, "bundle": bundle(EDITION), "enacted_at": "2026-01-01T00:00:00Z"}
PLAN = EDITION.files["callback.yaml"].replace("latest: {days: 7}", "latest: {days: 3}")
PLAN = PLAN[PLAN.index("plans:") : PLAN.index("\nquestionnaires:")].replace("2005-05-28", "2026-08-01")


def norms(unit: str, since: str = "2026-08-01", until: str | None = None, **more: str) -> dict[str, Any]:
    files = {"callback.yaml": PLAN}
    return {"overlay": "n1", "unit": unit, "since": since, "until": until, "bundle": pack(files), **more}


def filed(norm: dict[str, Any]) -> Directory:
    return knowing(
        edition_e=ENACTED,
        unit_wuxi=UNIT,
        unit_desk={**UNIT, "parent": "wuxi"},
        unit_other=UNIT,
        overlay_n1=norm,
    )


def days(directory: Directory, unit: str, day: str) -> int | None:
    moment = datetime.fromisoformat(f"{day}T04:00:00+00:00")
    edition = directory.edition_for(unit, moment)
    latest = edition.at(moment).callback.plans["complaints"].latest
    return latest.days


@pytest.mark.rule("ZY-02")
@pytest.mark.parametrize(
    ("unit", "day", "latest"),
    [
        ("wuxi", "2026-08-01", 3),
        ("desk", "2026-08-01", 3),
        ("other", "2026-08-01", 7),
        ("wuxi", "2026-07-31", 7),
        ("nowhere", "2026-08-01", 7),
    ],
)
def test_own_norms_hold_for_the_unit_and_below_from_their_day_on(unit: str, day: str, latest: int) -> None:
    assert days(filed(norms("wuxi")), unit, day) == latest


@pytest.mark.rule("ZY-02")
@pytest.mark.parametrize(
    "ends",
    [{"until": "2026-09-01"}, {"ends_on": "2026-09-01"}, {"until": "2026-12-01", "ends_on": "2026-09-01"}],
)
def test_own_norms_end_on_the_first_of_their_ends(ends: dict[str, str]) -> None:
    directory = filed({**norms("wuxi"), **ends})

    assert (days(directory, "wuxi", "2026-08-31"), days(directory, "wuxi", "2026-09-01")) == (3, 7)


@pytest.mark.rule("ZY-02")
def test_what_began_under_own_norms_is_found_again_by_the_hash_in_every_service() -> None:
    """INVARIANT: a case keeps the norms under which it began, also where they ended since.

    What breaks it: knowing a merged edition only where it was asked for by unit.
    """
    begun = filed(norms("wuxi")).edition_for("wuxi", NOW)
    elsewhere = filed({**norms("wuxi"), "ends_on": "2026-08-02"})

    assert elsewhere.edition_called(begun.hash).hash == begun.hash
    assert elsewhere.edition_called(EDITION.hash) is elsewhere.edition
    with pytest.raises(NoEditionError):
        elsewhere.edition_called("f" * 64)


# --- people


def person(*events: tuple[str, dict[str, Any]]) -> Directory:
    return knowing(edition_e=ENACTED, person_li=told(*events))


APPOINTED = (
    "person.appointed.v1",
    {"person": "li", "name": "李", "unit": "wuxi", "role": "r", "since": "2026-01-01"},
)
LEFT = ("person.left.v1", {"person": "li", "unit": "wuxi", "on": "2026-09-01", "successor": "wang"})


@pytest.mark.parametrize(("day", "gone"), [(date(2026, 8, 31), False), (date(2026, 9, 1), True)])
def test_who_leaves_is_gone_from_that_day_on(day: date, gone: bool) -> None:
    assert person(APPOINTED, LEFT).has_left("li", day) is gone


def test_who_is_appointed_again_is_back() -> None:
    back = ("person.appointed.v1", {**APPOINTED[1], "since": "2026-09-05"})

    directory = person(APPOINTED, LEFT, back)

    assert directory.has_left("li", date(2026, 9, 4))
    assert not directory.has_left("li", date(2026, 9, 5))


def test_a_deputy_stands_in_from_the_first_day_to_before_the_last() -> None:
    named = {
        "person": "li",
        "role": "head",
        "unit": "wuxi",
        "deputy": "wang",
        "since": "2026-09-01",
        "until": "2026-09-08",
        "by": "boss",
    }
    directory = person(APPOINTED, ("deputy.named.v1", named))

    stood = [directory.stands_for("wang", date(2026, 9, day)) for day in (7, 8)]

    assert stood == [(("li", "head"),), ()]
    assert directory.stands_for("li", date(2026, 9, 7)) == ()
    assert directory.stands_for("wang", date(2026, 8, 31)) == ()


@pytest.mark.rule("LN-22", "LN-29")
@pytest.mark.parametrize(
    ("sat", "day", "passed"),
    [
        ([], "2026-09-01", False),
        ([("2026-03-01", True)], "2026-03-01", True),
        ([("2026-03-01", True)], "2026-02-28", False),
        ([("2026-03-01", True), ("2026-06-01", False)], "2026-06-01", False),
        ([("2026-03-01", True), ("2026-06-01", False)], "2026-05-31", True),
        # Valid for six months: passed on 1 March, counts until the end of 31 August.
        ([("2026-03-01", True)], "2026-08-31", True),
        ([("2026-03-01", True)], "2026-09-01", False),
    ],
)
def test_the_last_examination_counts_while_its_pass_is_valid(
    sat: list[tuple[str, bool]], day: str, passed: bool
) -> None:
    trained = [{"course": "service", "on": on, "passed": did} for on, did in sat]
    others = [{"course": "other", "on": "2026-01-01", "passed": True}]
    valid = Limit(months=6)

    assert passes([*trained, *others], "service", valid, date.fromisoformat(day), EDITION.calendar) is passed
