"""Duties that come round: weeks, months, quarters and years, and the day that each is due."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.timekeeping.base_types import Due, Exact, Line, Terse, within_time
from shared.timekeeping.calendar import DAY, Month, WorkingCalendar, add_months, month_of_week, weeks_of_month
from shared.timekeeping.wording import say_day, say_named_days, say_provisional

MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
"""Length of the periods that are made of months."""

Every = Literal["week", "month", "quarter", "year"]


class Period(Exact):
    """A week, month, quarter or year that a duty answers for."""

    every: Every
    first: date
    last: date

    @classmethod
    @within_time
    def holding(cls, every: Every, day: date) -> "Period":
        """Return the period that holds ``day``; weeks begin on Monday."""
        if every == "week":
            first = day - DAY * day.weekday()
            return cls(every=every, first=first, last=first + DAY * 6)
        length = MONTHS_OF[every]
        first = date(day.year, (day.month - 1) // length * length + 1, 1)
        return cls(every=every, first=first, last=add_months(first, length) - DAY)

    @property
    def month(self) -> Month:
        """Return the month that the period belongs to: a week's Thursday's, else its last."""
        return month_of_week(self.first) if self.every == "week" else Month(self.last.year, self.last.month)

    def __str__(self) -> str:
        """Show the period as ``2026-W27``, ``2026-07``, ``2026-Q3`` or ``2026``."""
        if self.every == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year:04d}-W{week:02d}"
        if self.every == "quarter":
            return f"{self.first.year:04d}-Q{self.last.month // 3}"
        return f"{self.first.year:04d}" if self.every == "year" else str(self.month)


def periods_of_month(every: Every, month: Month) -> tuple[Period, ...]:
    """Return the periods that belong to a month: its weeks, itself, or the quarter or year that it ends."""
    if every == "week":
        return tuple(Period.holding(every, monday) for monday in weeks_of_month(*month))
    period = Period.holding(every, date(month.year, month.month, 1))
    return (period,) if period.month == month else ()


class PeriodDue(Terse):
    """By when a period's duty is due. Exactly one of ``end``, ``day`` and ``weekday``.

    Attributes:
        end: By the end of the period.
        day: By the end of that day of a month, or of the month's last day where it is shorter.
        month: Which month ``day`` means: the ``same`` that ends the period, or the ``next``.
        weekday: By the end of that day of the week, Monday 1; for weeks.
        roll_forward: A due day that is not worked moves to the next working day.
    """

    end: Literal[True] | None = None
    day: Annotated[int, Field(ge=1, le=31)] | None = None
    month: Literal["same", "next"] | None = None
    weekday: Annotated[int, Field(ge=1, le=7)] | None = None
    roll_forward: bool = False

    @model_validator(mode="after")
    def _one_day(self) -> Self:
        if sum(choice is not None for choice in (self.end, self.day, self.weekday)) != 1:
            raise ValueError("state exactly one of 'end: true', 'day' (of a month) and 'weekday' (of a week)")
        if (self.day is None) != (self.month is None):
            raise ValueError("'day' and 'month' go together, for example day: 5 with month: next")
        return self

    def misfit(self, every: Every) -> str | None:
        """Say why this cannot be the due day of such periods, or None."""
        if every == "week" and self.day:
            return "a week has no day of the month; use 'weekday' or 'end: true'"
        if every != "week" and self.weekday:
            return f"a {every} has no one weekday; use 'day' with 'month', or 'end: true'"
        return None


@within_time
def period_due(due: PeriodDue, period: Period, calendar: WorkingCalendar) -> Due:
    """Return when a period's duty is due. By the 5th ends with the 5th.

    Raises:
        ValueError: Such periods have no such day (see ``PeriodDue.misfit``).
        RulebookGapError: It may roll forward and no day table covers it.
    """
    misfit = due.misfit(period.every)
    if misfit:
        raise ValueError(f"{period}: {misfit}.")
    planned = _planned_day(due, period)
    day = calendar.roll_forward(planned) if due.roll_forward else planned
    provisional = due.roll_forward and calendar.is_provisional(day)
    shown = say_day(planned)
    lines = [Line(zh=f"{period} 期，应于 {shown.zh} 24:00 前", en=f"for {period}, by the end of {shown.en}")]
    if day != planned:
        moved = say_day(day)
        lines += say_named_days(calendar.named_days(planned, day))
        lines.append(
            Line(zh=f"遇节假日顺延至 {moved.zh} 24:00", en=f"a day off, so by the end of {moved.en}")
        )
    if provisional:
        lines.append(say_provisional(day.year))
    return Due(calendar.end_of_day(day), provisional, tuple(lines))


def month_counted(period: Period, due: Due, calendar: WorkingCalendar) -> Month:
    """Return the month that a period's duty counts in: a week's own, else the month it falls due in."""
    return period.month if period.every == "week" else calendar.month_of(due.due_before, closing=True)


def _planned_day(due: PeriodDue, period: Period) -> date:
    if due.weekday:
        return period.first + DAY * (due.weekday - 1)
    if due.day is None:
        return period.last
    first = date(period.last.year, period.last.month, 1)
    if due.month == "next":
        first = add_months(first, 1)
    return min(first + DAY * (due.day - 1), add_months(first, 1) - DAY)
