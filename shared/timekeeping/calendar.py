"""Days, months and working time in a group's own zone.

Instants are aware and kept in UTC; days are taken in the calendar's zone. Intervals are half-open.
A day outside the day tables is refused, never guessed, because nobody knows its make-up working days.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from shared.errors import RulebookGapError
from shared.timekeeping.base_types import Exact, within_time

SATURDAY = 5
THURSDAY = 3
DAY = timedelta(days=1)
INSTANT_BEFORE = timedelta(microseconds=1)

Hours = tuple[tuple[time, time], ...]
"""The working intervals of a day. An end of 00:00 is the midnight that closes the day."""

OFFICE_HOURS: Hours = ((time(9), time(12)), (time(13), time(18)))


class NoDayTableError(RulebookGapError):
    """No day table covers a day."""

    code = "no-day-table"

    def __init__(self, calendar: str, day: date) -> None:
        """Name the day and the table that is missing."""
        super().__init__(group=calendar, on=day.isoformat(), key=f"{day.year}.yaml")
        self.args = (
            f"No day table says whether {day} is worked. Add rulebooks/{calendar}/{day.year}.yaml "
            "from the official notice, or a provisional one.",
        )


class Month(NamedTuple):
    """A month of a year, in the group's zone."""

    year: int
    month: int

    def __str__(self) -> str:
        """Show the month as ``2026-07``."""
        return f"{self.year:04d}-{self.month:02d}"


def _plain_date(value: object) -> date:
    """Read ISO text as a date; a moment of a day is not a date, though Python calls it one."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"{value!r} is no day; write it as 2026-02-15")


Day = Annotated[date, BeforeValidator(_plain_date)]


class Holiday(Exact):
    """One holiday of a year: its days off, and the weekend days that are worked for it."""

    holiday: str = Field(min_length=1, description="Its name in Chinese.")
    holiday_en: str = Field(min_length=1, description="Its name in English.")
    first: Day = Field(description="The first day off.")
    last: Day = Field(description="The last day off.")
    make_up: tuple[Day, ...] = Field(default=(), strict=False, description="Weekend days worked for it.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"{self.holiday} ends on {self.last}, before it begins; swap first and last")
        worked_already = [day for day in self.make_up if day.weekday() < SATURDAY]
        if worked_already:
            raise ValueError(
                f"{worked_already[0]} is no Saturday or Sunday, so it cannot make up for {self.holiday}; "
                "compare it with the notice"
            )
        return self

    def days_off(self) -> tuple[date, ...]:
        """Return every day off, weekends among them."""
        return tuple(self.first + DAY * n for n in range((self.last - self.first).days + 1))


class CalendarYear(Exact):
    """The day table of one year, as a file of ``rulebooks/calendars/`` states it."""

    year: int = Field(ge=1949, le=9998)
    status: Literal["official", "provisional"]
    source: str = Field(min_length=1, description="The notice that the table copies.")
    note: str | None = Field(default=None, description="What a reader must know. Provisional years need it.")
    holidays: tuple[Holiday, ...] = Field(strict=False, min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.status == "provisional" and not self.note:
            raise ValueError(f"{self.year} is provisional; say in 'note' what is not known yet")
        named: set[date] = set()
        for holiday in self.holidays:
            for day in (*holiday.days_off(), *holiday.make_up):
                if day.year != self.year:
                    raise ValueError(f"{day} is not in {self.year}; move it to the table of {day.year}")
                if day in named:
                    raise ValueError(f"{day} is named twice; keep it where the notice has it")
                named.add(day)
        return self


@dataclass(frozen=True, slots=True)
class DayOfYear:
    """What is known of one day.

    Attributes:
        holiday: The holiday that the day belongs to, or is worked for; None on an ordinary day.
    """

    day: date
    is_working: bool
    is_provisional: bool
    holiday: Holiday | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Time that runs only inside given intervals, which are ordered and do not overlap.

    Attributes:
        run_after: How much time has run at the end of each interval.
    """

    begins: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    run_after: tuple[timedelta, ...]

    @classmethod
    def of(cls, intervals: list[tuple[datetime, datetime]]) -> "Flow":
        """Sum the intervals once, so that every later question is one search."""
        return cls(
            begins=tuple(begin for begin, _ in intervals),
            ends=tuple(end for _, end in intervals),
            run_after=tuple(accumulate(end - begin for begin, end in intervals)),
        )

    def run_until(self, moment: datetime) -> timedelta:
        """Return how much time has run since the first interval began."""
        index = bisect_right(self.begins, moment) - 1
        return (
            timedelta(0)
            if index < 0
            else self.run_after[index] - max(self.ends[index] - moment, timedelta(0))
        )

    def moment_after(self, run: timedelta) -> datetime | None:
        """Return the first moment at which ``run`` has run, or None beyond the last interval."""
        index = bisect_left(self.run_after, run)
        if index == len(self.ends):
            return None
        return self.ends[index] - (self.run_after[index] - run)

    def moment_before(self, run: timedelta) -> datetime | None:
        """Return the last moment by which no more than ``run`` has run, or None before the first interval."""
        index = bisect_right(self.run_after, run)
        if run < timedelta(0) or index == len(self.begins):
            return None
        return self.begins[index] + (run - (self.run_after[index - 1] if index else timedelta(0)))


@dataclass(frozen=True)
class WorkingCalendar:
    """The working time of one group: its zone, its hours, and the national day tables.

    Example:
        >>> day_off = Holiday(
        ...     holiday="元旦", holiday_en="New Year", first=date(2026, 1, 1), last=date(2026, 1, 3)
        ... )
        >>> table = CalendarYear(year=2026, status="official", source="notice", holidays=(day_off,))
        >>> calendar = WorkingCalendar(ZoneInfo("Asia/Shanghai"), years=(table,))
        >>> calendar.roll_forward(date(2026, 1, 1)).isoformat()
        '2026-01-05'
    """

    zone: ZoneInfo
    hours: Hours = OFFICE_HOURS
    years: tuple[CalendarYear, ...] = ()
    name: str = "calendars/cn"

    def __post_init__(self) -> None:
        """Refuse hours that overlap and years that leave a gap."""
        closed = [(begin, time.max if end == time(0) else end) for begin, end in self.hours]
        forward = all(begin < end for begin, end in closed)
        apart = all(earlier[1] <= later[0] for earlier, later in pairwise(closed))
        if not (closed and forward and apart):
            raise ValueError(
                "Working hours are empty, overlap or run backwards. Give at least one interval, each with its "
                "end after its begin, in the order of the day; write the end of the day as 00:00."
            )
        numbers = [table.year for table in self.years]
        if any(later != earlier + 1 for earlier, later in pairwise(numbers)):
            raise ValueError(
                f"Day tables are given for {numbers}. Give each year once, in order, without a gap."
            )

    # Days

    @within_time
    def local_day(self, instant: datetime) -> date:
        """Return the day of ``instant`` in the zone."""
        return instant.astimezone(self.zone).date()

    @within_time
    def closing_day(self, due_before: datetime) -> date:
        """Return the last day on which a deed is in time; a due moment at midnight closes the day before."""
        return self.local_day(due_before - INSTANT_BEFORE)

    def month_of(self, instant: datetime, *, closing: bool = False) -> Month:
        """Return the local month of ``instant``; ``closing`` gives midnight on the 1st to the month before."""
        day = self.closing_day(instant) if closing else self.local_day(instant)
        return Month(day.year, day.month)

    @within_time
    def at(self, day: date, moment: time) -> datetime:
        """Return the instant at which the zone's clocks show ``moment`` on ``day``."""
        return datetime.combine(day, moment, self.zone).astimezone(UTC)

    @within_time
    def end_of_day(self, day: date) -> datetime:
        """Return the midnight that closes ``day``: the first moment of the next."""
        return self.at(day + DAY, time(0))

    def end_of_closing_day(self, due_before: datetime) -> datetime:
        """Return the midnight at or after ``due_before``."""
        return self.end_of_day(self.closing_day(due_before))

    @within_time
    def later_by_days(self, instant: datetime, days: int) -> datetime:
        """Return the same local time ``days`` days later."""
        local = instant.astimezone(self.zone)
        return self.at(local.date() + DAY * days, local.time())

    @within_time
    def later_by_months(self, instant: datetime, months: int) -> datetime:
        """Return the same local day and time ``months`` months later, or that month's last day."""
        local = instant.astimezone(self.zone)
        return self.at(add_months(local.date(), months), local.time())

    def day_of_year(self, day: date) -> DayOfYear:
        """Return what the day tables say of ``day``.

        Raises:
            RulebookGapError: No table covers its year.
        """
        table = self._tables.get(day.year)
        if table is None:
            raise self._gap(day)
        holiday, is_working = self._named_days.get(day, (None, day.weekday() < SATURDAY))
        return DayOfYear(day, is_working, table.status == "provisional", holiday)

    def is_working_day(self, day: date) -> bool:
        """Say whether ``day`` is worked, make-up days included."""
        return self.day_of_year(day).is_working

    def is_provisional(self, day: date) -> bool:
        """Say whether the day's year is not published yet, so that its make-up days are unknown."""
        return self.day_of_year(day).is_provisional

    @within_time
    def next_working_day(self, day: date) -> date:
        """Return the first working day after ``day``."""
        return self.roll_forward(day + DAY)

    def roll_forward(self, day: date) -> date:
        """Return the first working day on or after ``day``."""
        while not self.is_working_day(day):
            day += DAY
        return day

    def nth_working_day(self, day: date, n: int) -> date:
        """Return the ``n``-th working day, counted from the day after ``day``."""
        if n < 1:
            raise ValueError(f"The first working day after a day is number 1; there is no number {n}.")
        for _ in range(n):
            day = self.next_working_day(day)
        return day

    def named_days(self, first: date, last: date) -> tuple[DayOfYear, ...]:
        """Return the days off and make-up days of the tables from ``first`` to ``last``, in order."""
        begin, before = bisect_left(self._names_in_order, first), bisect_right(self._names_in_order, last)
        return tuple(self.day_of_year(day) for day in self._names_in_order[begin:before])

    # Working time

    def intervals(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Return the working intervals of ``day``; none on a day off."""
        if not self.is_working_day(day):
            return ()
        return tuple(
            (self.at(day, begin), self.end_of_day(day) if end == time(0) else self.at(day, end))
            for begin, end in self.hours
        )

    def add_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """Return the first moment by which ``amount`` of working time has passed since ``start``."""
        return self._later(self._working_time, start, amount)

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies in ``[start, end)``."""
        return self._between(self._working_time, start, end)

    def add_working_day_time(self, start: datetime, amount: timedelta) -> datetime:
        """Like ``add_working_time``, but all 24 hours of a working day count, and none of a day off."""
        return self._later(self._working_day_time, start, amount)

    def subtract_working_time(self, end: datetime, amount: timedelta) -> datetime:
        """Return the last moment from which ``amount`` of working time passes until ``end``."""
        return self._earlier(self._working_time, end, amount)

    def subtract_working_day_time(self, end: datetime, amount: timedelta) -> datetime:
        """Like ``subtract_working_time``, but all 24 hours of a working day count, and none of a day off."""
        return self._earlier(self._working_day_time, end, amount)

    def working_day_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Like ``working_time_between``, but all 24 hours of a working day count."""
        return self._between(self._working_day_time, start, end)

    def _later(self, flow: Flow, start: datetime, amount: timedelta) -> datetime:
        if amount < timedelta(0):
            raise ValueError(f"Working time runs forward only; {amount} is negative.")
        self._covered(start)
        if not amount:
            return start
        end = flow.moment_after(flow.run_until(start) + amount)
        if end is None:
            raise self._gap(date(self.years[-1].year + 1, 1, 1))
        return end

    def _earlier(self, flow: Flow, end: datetime, amount: timedelta) -> datetime:
        self._covered(end - INSTANT_BEFORE)
        begin = flow.moment_before(flow.run_until(end) - amount)
        if begin is None:
            raise self._gap(date(self.years[0].year - 1, 12, 31))
        return begin

    def _between(self, flow: Flow, start: datetime, end: datetime) -> timedelta:
        if end < start:
            raise ValueError(f"{end} lies before {start}; give the earlier moment first.")
        self._covered(start)
        self._covered(end - INSTANT_BEFORE if end > start else end)
        return flow.run_until(end) - flow.run_until(start)

    def _covered(self, instant: datetime) -> None:
        day = self.local_day(instant)
        if day.year not in self._tables:
            raise self._gap(day)

    def _gap(self, day: date) -> RulebookGapError:
        return NoDayTableError(self.name, day)

    @cached_property
    def _tables(self) -> dict[int, CalendarYear]:
        return {table.year: table for table in self.years}

    @cached_property
    def _named_days(self) -> dict[date, tuple[Holiday, bool]]:
        named: dict[date, tuple[Holiday, bool]] = {}
        for table in self.years:
            for holiday in table.holidays:
                named |= dict.fromkeys(holiday.days_off(), (holiday, False))
                named |= dict.fromkeys(holiday.make_up, (holiday, True))
        return named

    @cached_property
    def _names_in_order(self) -> list[date]:
        return sorted(self._named_days)

    @cached_property
    def _working_days(self) -> list[date]:
        if not self.years:
            return []
        first, before = date(self.years[0].year, 1, 1), date(self.years[-1].year + 1, 1, 1)
        days = (first + DAY * n for n in range((before - first).days))
        return [day for day in days if self.is_working_day(day)]

    @cached_property
    def _working_time(self) -> Flow:
        return Flow.of([interval for day in self._working_days for interval in self.intervals(day)])

    @cached_property
    def _working_day_time(self) -> Flow:
        return Flow.of([(self.at(day, time(0)), self.end_of_day(day)) for day in self._working_days])


@within_time
def add_months(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, or that month's last day.

    Example:
        >>> add_months(date(2026, 1, 31), 1).isoformat()
        '2026-02-28'
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(year)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_of_week(day: date) -> Month:
    """Return the month that the ISO week of ``day`` belongs to: that of its Thursday."""
    thursday = day + DAY * (THURSDAY - day.weekday())
    return Month(thursday.year, thursday.month)


@within_time
def weeks_of_month(year: int, month: int) -> tuple[date, ...]:
    """Return the Mondays of the ISO weeks that belong to a month, in order.

    Example:
        >>> [monday.isoformat() for monday in weeks_of_month(2026, 9)]
        ['2026-08-31', '2026-09-07', '2026-09-14', '2026-09-21']
    """
    first = date(year, month, 1)
    monday = first - DAY * first.weekday()
    candidates = (monday + DAY * 7 * n for n in range(6))
    return tuple(week for week in candidates if month_of_week(week) == (year, month))
