"""Rulings that restate: what they take away was never charged, in the month that was published itself."""

import pytest

from services.scoring.domain.fold import MonthResult, fold
from tests.builders_facts import Told, at, case_id
from tests.builders_rules import an_edition

BRANCH = "chongqing-branch"


def posted(told: Told, month: str, as_of: str = "2026-12-31 00:00") -> list[tuple[str, str]]:
    """Return what a month posts on the branch's scorecard."""
    result = fold(told.facts, an_edition(), month, at(as_of))
    assert isinstance(result, MonthResult)
    return [(one.rule, str(one.points)) for one in result.postings if one.rule == "missed-step"]


def a_miss() -> Told:
    told = Told().organisation("chongqing")
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    return told


def offence_of(told: Told) -> str:
    result = fold(told.facts, an_edition(), "2026-07", at("2026-08-01 00:00"))
    assert isinstance(result, MonthResult)
    return next(one.offence for one in result.postings if one.rule == "missed-step")


@pytest.mark.rule("XA-05", "ZY-04")
@pytest.mark.parametrize("by", ["dispute", "appeal"])
def test_a_restating_ruling_takes_the_points_out_of_their_own_month(by: str) -> None:
    """INVARIANT: after a restating ruling the month itself is without the points, and no other month gives them back.

    What breaks it: knowing the ruling only from its own moment on; or reversing it besides.
    """
    told = a_miss()
    if by == "dispute":
        told.ruled(offence_of(told), case_id("A"), "2026-08-20 10:00", restates=True)
    else:
        told.appeal("A", "2026-08-20 10:00", "facts#1", restates=True)

    assert posted(told, "2026-07") == []
    assert posted(told, "2026-08") == []


def test_before_it_was_ruled_the_points_stood() -> None:
    told = a_miss()
    told.ruled(offence_of(told), case_id("A"), "2026-08-20 10:00", restates=True)

    assert posted(told, "2026-07", "2026-08-05 00:00") == [("missed-step", "-2")]


def test_any_other_ruling_is_reversed_in_its_own_month() -> None:
    told = a_miss()
    told.ruled(offence_of(told), case_id("A"), "2026-08-20 10:00")

    assert posted(told, "2026-07") == [("missed-step", "-2")]
    assert posted(told, "2026-08") == [("missed-step", "2")]


def test_a_dismissed_dispute_changes_nothing() -> None:
    told = a_miss()
    told.ruled(offence_of(told), case_id("A"), "2026-08-20 10:00", upheld=False, restates=True)

    assert posted(told, "2026-07") == [("missed-step", "-2")]


def test_points_of_a_unit_are_restated_too() -> None:
    told = Told().organisation("chongqing")
    told.clean_month("chongqing", without=["proposal"])
    result = fold(told.facts, an_edition(), "2026-07", at("2026-08-10 00:00"))
    assert isinstance(result, MonthResult)
    (missing,) = [one for one in result.postings if one.unit == BRANCH]
    told.ruled(missing.offence, f"unit/{BRANCH}", "2026-08-20 10:00", restates=True)

    for month in ("2026-07", "2026-08"):
        again = fold(told.facts, an_edition(), month, at("2026-12-31 00:00"))
        assert isinstance(again, MonthResult)
        assert missing.offence not in {one.offence for one in again.postings}


def test_an_inspection_that_was_ruled_away_is_in_no_mean() -> None:
    """Two inspections saw 8 and 2 points of staff: mean 5. Without the second it is 8."""
    told = Told().organisation("chongqing")
    for name, points in (("i1", 8), ("i2", 2)):
        seen = {"staff": points, "office": 1, "management": 6}
        event = told.inspected(name, "2026-07-08 10:00", "weekly-branch", observations=seen)
    before = staff(told)
    told.ruled(event.id, f"unit/{BRANCH}", "2026-08-20 10:00", restates=True)

    assert (before, staff(told)) == ("5.0", "8.0")


def staff(told: Told) -> str:
    result = fold(told.facts, an_edition(), "2026-07", at("2026-12-31 00:00"))
    assert isinstance(result, MonthResult)
    return str(next(card for card in result.scorecards if card.unit == BRANCH).items["staff"])


@pytest.mark.rule("ZY-04")
def test_an_answer_that_was_ruled_away_is_in_no_indicator() -> None:
    """Two customers answered, one was satisfied: 1 of 2. Without the other answer it is 1 of 1."""
    told = Told()
    told.established("hq", "headquarters")
    told.established("north", "service-unit", "hq", "north")
    told.established("north-service", "customer-service", "north", "north")
    for case, level in (("A", 5), ("B", 1)):
        told.registered(case, "2026-07-01 09:00", "north-service")
        answer = told.callback_completed(case, "2026-07-10 09:00", level, "north-service")
    before = satisfied(told)
    told.ruled(answer.id, case_id("B"), "2026-08-20 10:00", unit="north", restates=True)

    assert (before, satisfied(told)) == ((1, 2), (1, 1))


def satisfied(told: Told) -> tuple[object, object]:
    result = fold(told.facts, an_edition("general"), "2026-07", at("2026-12-31 00:00"))
    assert isinstance(result, MonthResult)
    (figure,) = [one for one in result.indicators if (one.indicator, one.unit) == ("satisfaction", "north")]
    return figure.hits, figure.of
