"""Points for every day that a deed stays undone: beside the miss itself, until it is done, at most so many."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from services.scoring.domain.fold import MonthResult, fold
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema.triggers import MissedDeadline
from shared.timekeeping.limits import Limit
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition_with, with_offences

AS_OF = "2026-12-31 00:00"


def a_daily(most: int | None = None, per: Limit | None = None) -> Edition:
    """Return jinke, but every day of a step overdue costs a tenth of a point and the miss itself nothing."""
    trigger = MissedDeadline(on="missed-deadline", clocks=("steps",), per=per or Limit(days=1), most=most)
    change = {"trigger": trigger, "points": Decimal("-0.1")}
    return an_edition_with(lambda rules: with_offences(rules, missed_step=change))


def times(told: Told, edition: Edition, as_of: str = AS_OF) -> Mapping[str, int]:
    """Return how many times cost points in each month from June to September, where any did."""
    found: dict[str, int] = {}
    for month in ("2026-06", "2026-07", "2026-08", "2026-09"):
        result = fold(told.facts, edition, month, at(as_of))
        assert isinstance(result, MonthResult)
        number = sum(posting.rule == "missed-step" for posting in result.postings)
        found |= {month: number} if number else {}
    return found


def overdue(due: str = "2026-07-03 09:00", **done: str) -> Told:
    told = Told().organisation("chongqing")
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", due)
    if done:
        told.done("A", done["at"])
    return told


@pytest.mark.parametrize(
    ("done", "days"),
    [
        pytest.param("2026-07-03 20:00", 0, id="not one whole day"),
        # 4 July 09:00 itself is too late, as a deadline's own moment is.
        pytest.param("2026-07-04 08:59", 0, id="a minute before the first day is full"),
        pytest.param("2026-07-04 09:00", 1, id="at the moment at which it is full"),
        # 4, 5, 6 and 7 July at 09:00.
        pytest.param("2026-07-07 15:00", 4, id="four days and six hours"),
    ],
)
def test_each_full_day_costs_once_until_the_deed_is_done(done: str, days: int) -> None:
    assert times(overdue(at=done), a_daily()) == ({"2026-07": days} if days else {})


def test_the_days_count_in_their_own_months_though_nothing_else_happens_there() -> None:
    """INVARIANT: a month is charged for what stayed undone in it, even where no fact of the matter falls into it.

    What breaks it: reckoning only the months that facts fall into.

    Due 29 July 09:00; done 3 September 10:00. July: 30, 31 = 2. August: 31 days. September: 1, 2, 3 = 3.
    """
    told = overdue("2026-07-29 09:00", at="2026-09-03 10:00")

    assert times(told, a_daily()) == {"2026-07": 2, "2026-08": 31, "2026-09": 3}


def test_a_day_that_is_full_at_midnight_of_the_first_closes_the_month_before() -> None:
    # Due 31 July 00:00 (July's last day begins); one day later it is 1 August 00:00, which closes 31 July.
    told = overdue("2026-07-31 00:00", at="2026-08-01 12:00")

    assert times(told, a_daily()) == {"2026-07": 1}


def test_no_more_than_the_most_are_taken() -> None:
    told = overdue("2026-07-29 09:00")

    # 30 and 31 July, 1, 2 and 3 August.
    assert times(told, a_daily(most=5)) == {"2026-07": 2, "2026-08": 3}


def test_what_is_undone_still_counts_up_to_now() -> None:
    told = overdue("2026-07-29 09:00")

    # Now is 4 August 08:00: 30, 31 July; 1, 2, 3 August.
    assert times(told, a_daily(), "2026-08-04 08:00") == {"2026-07": 2, "2026-08": 3}


def test_the_time_may_be_counted_in_working_days() -> None:
    # Friday 3 July 09:00; working days later: Monday 6, Tuesday 7, Wednesday 8 at 09:00.
    told = overdue("2026-07-03 09:00", at="2026-07-08 10:00")

    assert times(told, a_daily(per=Limit(working_days=1))) == {"2026-07": 3}


def test_an_appeal_against_the_clock_takes_every_day_along_those_after_it_too() -> None:
    """INVARIANT: days rest on the miss; where it does not stand they do not either.

    What breaks it: comparing the appeal with the day's own moment instead of the deadline's.
    """
    told = overdue("2026-07-03 09:00", at="2026-07-08 10:00")
    told.appeal("A", "2026-07-05 10:00", "facts#1")

    assert times(told, a_daily()) == {}


def test_a_deed_in_time_that_was_entered_later_takes_the_days_back() -> None:
    told = overdue("2026-07-03 09:00")
    told.done("A", "2026-07-02 10:00")
    told.cleared("A", "2026-07-02 10:00", "2026-07-03 09:00")

    assert times(told, a_daily()) == {}


def test_a_withdrawn_matter_owes_nothing_any_more() -> None:
    told = overdue("2026-07-03 09:00")
    told.withdrawn("A", "2026-07-06 12:00")

    # 4, 5 and 6 July at 09:00.
    assert times(told, a_daily()) == {"2026-07": 3}


def test_a_day_says_which_one_it_is() -> None:
    result = fold(overdue(at="2026-07-05 10:00").facts, a_daily(), "2026-07", at(AS_OF))
    assert isinstance(result, MonthResult)
    facts: list[Fact] = overdue(at="2026-07-05 10:00").facts

    days = [posting for posting in result.postings if posting.rule == "missed-step"]

    assert [posting.at for posting in days] == [at("2026-07-04 09:00"), at("2026-07-05 09:00")]
    assert [posting.explanation_en[-1] for posting in days] == [
        "still undone at Sat 4 Jul 2026 09:00 (1)",
        "still undone at Sun 5 Jul 2026 09:00 (2)",
    ]
    assert {posting.evidence for posting in days} == {
        (fact.id,) for fact in facts if fact.type == "deadline.missed.v1"
    }
