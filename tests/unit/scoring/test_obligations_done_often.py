"""Duties that are owed several times a period, nil returns, and what lacks a part, in the rulebook of luneng."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from services.scoring.domain.facts import in_order
from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, Fulfilment, Status, UnitRecord, fulfilment, instances
from services.scoring.domain.obligations import status as status_of
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import unit_postings
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at
from tests.unit.rulebook.worked import edition_of

LUNENG = edition_of("luneng")
MARKET, DESK = "market", "jinan-service"
PARTS = ("technical", "product", "opinions", "competitors")


def luneng() -> Told:
    told = Told()
    told.established("group", "headquarters", on="2023-06-01")
    told.established(MARKET, "market-development", "group", on="2023-06-01")
    told.established("jinan", "subsidiary", "group", "jinan", on="2023-06-01")
    told.established(DESK, "subsidiary-service", "jinan", "jinan", on="2023-06-01")
    return told


def owed(told: Told, obligation: str, month: Month) -> tuple[Duty, UnitRecord]:
    facts = in_order(told.facts)
    organisation = Organisation.of(facts)
    (duty,) = [one for one in instances(LUNENG, organisation, month) if one.obligation == obligation]
    return duty, UnitRecord(tuple(facts), organisation, LUNENG.calendar)


def courses(told: Told, *days: str) -> tuple[Duty, UnitRecord]:
    for day in days:
        told.fulfilled("training", "2026", f"{day} 10:00", MARKET, ())
    return owed(told, "training", Month(2026, 12))


@pytest.mark.rule("LN-29")
@pytest.mark.parametrize(
    ("days", "now", "status"),
    [
        pytest.param(["2026-03-01", "2026-06-01"], "2026-12-31 12:00", Status.OPEN, id="two, the year runs"),
        pytest.param(["2026-03-01", "2026-06-01"], "2027-01-01 00:00", Status.OVERDUE, id="two, it is over"),
        pytest.param(
            ["2026-03-01", "2026-06-01", "2026-12-31"],
            "2027-01-02 00:00",
            Status.DONE,
            id="the third in time",
        ),
        pytest.param(
            ["2026-03-01", "2026-06-01", "2027-01-02"], "2027-01-03 00:00", Status.DONE_LATE, id="too late"
        ),
    ],
)
def test_three_courses_a_year_are_done_with_the_third(days: Sequence[str], now: str, status: Status) -> None:
    """INVARIANT: a duty that is owed three times is done at its third time, and late if that is late.

    What breaks it: taking the first submission for all of them.
    """
    duty, ledger = courses(luneng(), *days)

    assert status_of(ledger, duty, at(now)) == status


@pytest.mark.rule("LN-29")
def test_a_deed_says_how_often_it_was_done() -> None:
    duty, ledger = courses(luneng(), "2026-03-01", "2026-06-01")

    deed = fulfilment(ledger, duty, at("2026-12-31 12:00"))

    assert deed == Fulfilment(None, 2, (), deed.evidence, "head")
    assert len(deed.evidence) == 2


@pytest.mark.rule("LN-14")
def test_who_has_nothing_to_report_says_so_and_owes_no_sections() -> None:
    told = luneng()
    told.fulfilled("complaint-results", "2026-07", "2026-08-03 10:00", DESK, nil=True)

    duty, ledger = owed(told, "complaint-results", Month(2026, 8))
    deed = fulfilment(ledger, duty, at("2026-09-01 00:00"))

    assert (deed.nil, deed.missing, deed.done_at) == (True, (), at("2026-08-03 10:00"))
    assert status_of(ledger, duty, at("2026-09-01 00:00")) == Status.DONE


def test_a_report_beside_a_nil_return_stands_for_itself() -> None:
    """INVARIANT: whoever reported something had something to report; what is missing there is missing.

    What breaks it: letting a nil return that comes later cover what the report lacks.
    """
    told = luneng()
    told.fulfilled("archives", "2026-07", "2026-08-02 10:00", DESK, ("customers",))
    told.fulfilled("archives", "2026-07", "2026-08-03 10:00", DESK, nil=True)

    duty, ledger = owed(told, "archives", Month(2026, 8))
    deed = fulfilment(ledger, duty, at("2026-09-01 00:00"))

    assert (deed.nil, deed.missing) == (False, ("products",))


def test_a_nil_return_where_the_rulebook_knows_none_is_no_report() -> None:
    told = luneng()
    told.fulfilled("feedback", "2026-07", "2026-08-03 10:00", DESK, nil=True)

    duty, ledger = owed(told, "feedback", Month(2026, 8))

    assert fulfilment(ledger, duty, at("2026-09-01 00:00")).done_at is None


@pytest.mark.rule("LN-14", "LN-16")
@pytest.mark.parametrize(
    ("sections", "costs"),
    [
        (PARTS, []),
        (PARTS[:3], [("feedback-incomplete", "-2")]),
        # Three of four parts are missing: it is incomplete once.
        (PARTS[:1], [("feedback-incomplete", "-2")]),
        # No report at all is not sent, and not incomplete besides.
        ((), [("feedback-not-sent", "-2")]),
    ],
)
def test_incomplete_feedback_costs_two_points_once(
    sections: Sequence[str], costs: list[tuple[str, str]]
) -> None:
    told = luneng()
    told.fulfilled("feedback", "2026-07", "2026-08-03 10:00", DESK, sections)

    assert posted(told, at("2026-10-01 00:00")) == costs


@pytest.mark.rule("LN-16")
def test_a_report_that_was_completed_before_the_month_ended_is_complete() -> None:
    told = luneng()
    told.fulfilled("feedback", "2026-07", "2026-08-03 10:00", DESK, PARTS[:2])
    told.fulfilled("feedback", "2026-07", "2026-08-20 10:00", DESK, PARTS[2:])

    assert posted(told, at("2026-08-10 00:00")) == []
    assert posted(told, at("2026-10-01 00:00")) == []


def posted(told: Told, as_of: datetime) -> list[tuple[str, str]]:
    """Return what the feedback of July costs, which counts in August."""
    facts = in_order(told.facts)
    organisation = Organisation.of(facts)
    context = MonthContext.of(LUNENG, organisation, Month(2026, 8), as_of)
    duties = instances(LUNENG, organisation, Month(2026, 8))
    found = unit_postings(UnitRecord(tuple(facts), organisation, LUNENG.calendar), duties, context)
    return [(one.rule, str(one.points)) for one in found if one.rule.startswith("feedback")]


@pytest.mark.rule("LN-15", "LN-26")
def test_a_finding_names_the_norm_that_was_not_followed_with_its_clause() -> None:
    told = luneng()
    told.registered("A", "2026-07-01 09:00", DESK)
    told.finding("F", "2026-07-09 10:00", "norm-broken", DESK, "A", norm="discipline-no-gifts")

    result = fold(told.facts, LUNENG, "2026-07", at("2026-10-01 00:00"))

    assert isinstance(result, MonthResult)
    (posting,) = [one for one in result.postings if one.rule == "norm-broken"]
    assert (str(posting.points), posting.clauses) == ("-4", ("LN-15", "LN-26"))
    assert posting.explanation_zh[-1] == "违反规范：不收客户礼品"
