"""Near the first and the last moment that there is, the core refuses; it neither crashes nor guesses."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from services.scoring.domain.month import later, window
from services.scoring.domain.rankings import months_of
from shared.errors import InvalidInputError
from shared.timekeeping.base_types import BeyondTimeError
from shared.timekeeping.calendar import Month, add_months, weeks_of_month
from shared.timekeeping.clocks import Paused, Started, evaluate
from shared.timekeeping.limits import Limit, delay, due_before
from shared.timekeeping.periods import Period, PeriodDue, period_due
from shared.timekeeping.wording import say_moment
from tests.builders_rules import an_edition
from tests.unit.timekeeping.calendars import OFFICE

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
NEARLY = LAST - timedelta(hours=9)


@pytest.mark.parametrize(
    "reckon",
    [
        lambda: OFFICE.local_day(LAST),
        lambda: OFFICE.month_of(FIRST, closing=True),
        lambda: OFFICE.at(date.min, datetime.min.time()),
        lambda: OFFICE.end_of_day(date.max),
        lambda: OFFICE.later_by_days(NEARLY, 10_000),
        lambda: OFFICE.later_by_months(NEARLY, 1),
        lambda: add_months(date.max, 1),
        lambda: add_months(date.min, -1),
        lambda: weeks_of_month(9999, 12),
        lambda: later(Month(9999, 12), 1),
        lambda: window(an_edition(), Month(9999, 12)),
        lambda: Period.holding("month", date.max),
        lambda: Period.holding("week", date.max),
        lambda: period_due(
            PeriodDue(day=5, month="next"),
            Period(every="month", first=date(9999, 12, 1), last=date.max),
            OFFICE,
        ),
        lambda: due_before(Limit(hours=10_000), NEARLY, OFFICE),
        lambda: due_before(Limit(days=1), NEARLY, OFFICE),
        lambda: delay(None, NEARLY, FIRST, LAST, OFFICE),
        lambda: evaluate((Started(at=NEARLY, limit=Limit(minutes=60), source="JK-07"),), OFFICE),
        lambda: say_moment(LAST, OFFICE),
    ],
)
def test_a_sum_beyond_the_calendar_is_refused_in_words(reckon: Callable[[], object]) -> None:
    """INVARIANT: a date that nobody means ends in an answer that names it as the fault, never in a crash.

    What breaks it: date arithmetic outside ``within_time``.
    """
    with pytest.raises(BeyondTimeError, match="This leads outside the years 1 to 9999") as refused:
        reckon()
    assert refused.value.code == "beyond-time"


def test_it_is_the_callers_fault() -> None:
    assert issubclass(BeyondTimeError, InvalidInputError)


def test_the_first_and_the_last_month_are_reached() -> None:
    assert add_months(date(9999, 11, 1), 1) == date(9999, 12, 1)
    assert add_months(date(1, 2, 1), -1) == date(1, 1, 1)


def test_an_instant_that_has_no_utc_is_refused_where_it_is_read() -> None:
    with pytest.raises(ValidationError, match="outside the years 1 to 9999"):
        Paused(at=datetime.min.replace(tzinfo=timezone(timedelta(hours=8))), reason="rain")


@pytest.mark.parametrize(
    "text", ["garbage", "", "2026-", "2026-13", "2026-Q5", "26-07", "2026-07-01", "0000"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"'{text}' is no period. Write 2026-07, 2026-Q3 or 2026."):
        months_of(text)
