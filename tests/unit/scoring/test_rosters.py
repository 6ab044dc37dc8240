"""Rosters: the times that no shift covers are gaps, at midnight and across it too."""

from dataclasses import replace

import pytest

from services.scoring.domain.facts import in_order
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rosters import gaps
from shared.events.scoring import ShiftRostered
from shared.rulebook.edition import Edition
from tests.builders_facts import Told, at
from tests.unit.rulebook.worked import edition_of

DESK = "market-desk"


def luneng() -> Told:
    told = Told()
    told.established("group", "headquarters", on="2023-06-01")
    told.established(DESK, "hq-service", "group", "zongbu", on="2023-06-01")
    return told


def on_duty(told: Told, person: str, start: str, end: str) -> None:
    event = ShiftRostered(roster="duty", unit=DESK, person=person, start=at(start), end=at(end), by="head")
    told.tell("scoring", f"shift/{person}/{start}", DESK, "2026-06-20 10:00", event)


def found(told: Told, start: str, before: str, edition: Edition | None = None) -> list[tuple[str, str]]:
    facts = in_order(told.facts)
    missing = gaps(facts, edition or edition_of("luneng"), Organisation.of(facts), at(start), at(before))
    zone = edition_of("luneng").calendar.zone
    shown = [(one.start.astimezone(zone), one.end.astimezone(zone)) for one in missing]
    return [(f"{start:%m-%d %H:%M}", f"{end:%m-%d %H:%M}") for start, end in shown]


@pytest.mark.rule("LN-32")
def test_a_day_and_night_that_is_covered_has_no_gap() -> None:
    told = luneng()
    on_duty(told, "a", "2026-07-01 00:00", "2026-07-01 20:00")
    on_duty(told, "b", "2026-07-01 20:00", "2026-07-02 08:00")
    on_duty(told, "c", "2026-07-02 07:00", "2026-07-03 00:00")

    assert found(told, "2026-07-01 00:00", "2026-07-03 00:00") == []


@pytest.mark.rule("LN-32")
def test_what_no_shift_covers_is_a_gap_and_one_across_midnight_is_one() -> None:
    """INVARIANT: every minute of the time is covered or in exactly one gap.

    What breaks it: cutting at midnight, or taking overlapping shifts one after the other.
    """
    told = luneng()
    on_duty(told, "a", "2026-07-01 08:00", "2026-07-01 20:00")
    # Within the other's; it must not hide that his goes on until 20:00.
    on_duty(told, "b", "2026-07-01 09:00", "2026-07-01 10:00")
    on_duty(told, "c", "2026-07-02 06:00", "2026-07-02 22:00")

    assert found(told, "2026-07-01 00:00", "2026-07-03 00:00") == [
        ("07-01 00:00", "07-01 08:00"),
        ("07-01 20:00", "07-02 06:00"),
        ("07-02 22:00", "07-03 00:00"),
    ]


@pytest.mark.rule("LN-32")
def test_holidays_are_covered_too() -> None:
    # 1 October 2026 is National Day.
    told = luneng()

    assert found(told, "2026-10-01 00:00", "2026-10-02 00:00") == [("10-01 00:00", "10-02 00:00")]


def test_a_shift_that_is_told_anew_counts_as_told_last() -> None:
    told = luneng()
    on_duty(told, "a", "2026-07-01 00:00", "2026-07-02 00:00")
    on_duty(told, "a", "2026-07-01 00:00", "2026-07-01 12:00")

    assert found(told, "2026-07-01 00:00", "2026-07-02 00:00") == [("07-01 12:00", "07-02 00:00")]


def test_who_is_taken_off_covers_nothing() -> None:
    told = luneng()
    on_duty(told, "a", "2026-07-01 00:00", "2026-07-02 00:00")
    on_duty(told, "a", "2026-07-01 00:00", "2026-07-01 00:00")

    assert found(told, "2026-07-01 00:00", "2026-07-02 00:00") == [("07-01 00:00", "07-02 00:00")]


def test_a_unit_owes_nothing_before_it_exists() -> None:
    told = Told()
    told.established(DESK, "hq-service", on="2026-07-02")

    assert found(told, "2026-07-01 00:00", "2026-07-03 00:00") == [("07-02 00:00", "07-03 00:00")]


def test_working_hours_alone_may_be_what_is_covered() -> None:
    """Luneng works from 8 to 12 and from 13 to 18 o'clock; Saturday 4 July is off."""
    luneng_ = edition_of("luneng")
    slices = []
    for first, rules in luneng_.slices:
        rosters = {
            key: one.model_copy(update={"covers": "working-hours"})
            for key, one in rules.obligations.rosters.items()
        }
        obligations = rules.obligations.model_copy(update={"rosters": rosters})
        slices.append((first, rules.model_copy(update={"obligations": obligations})))
    told = luneng()
    on_duty(told, "a", "2026-07-03 07:00", "2026-07-03 17:00")

    missing = found(told, "2026-07-03 00:00", "2026-07-05 00:00", replace(luneng_, slices=tuple(slices)))

    assert missing == [("07-03 17:00", "07-03 18:00")]


def test_a_time_that_ends_with_the_last_day_table_asks_nothing_of_the_day_after() -> None:
    edition = edition_of("luneng")
    last = edition.calendar.years[-1].year
    rosters = {
        key: one.model_copy(update={"covers": "working-hours"})
        for key, one in edition.slices[-1][1].obligations.rosters.items()
    }
    rules = edition.slices[-1][1]
    duties = rules.obligations.model_copy(update={"rosters": rosters})
    working = replace(
        edition, slices=((edition.slices[-1][0], rules.model_copy(update={"obligations": duties})),)
    )
    midnight = f"{last + 1}-01-01 00:00"

    # Its day table ends with the year: what begins at midnight is not looked at.
    gaps_found = found(luneng(), f"{last}-12-31 00:00", midnight, working)
    opens, closes = edition.calendar.hours[0][0], edition.calendar.hours[-1][1]

    assert gaps_found[0][0] == f"12-31 {opens:%H:%M}"
    assert gaps_found[-1][1] == f"12-31 {closes:%H:%M}"
