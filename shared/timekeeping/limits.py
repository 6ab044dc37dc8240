"""Limits: how long a deed may take, and when a duty that comes round is due.

``due_before`` is the first moment that is too late. The vocabulary is closed; a limit that it cannot say
is a change of this module, never an expression in a rulebook.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.errors import ConflictError
from shared.timekeeping.base_types import Due, Exact, Instant, Line, Terse, within_time
from shared.timekeeping.calendar import DAY, WorkingCalendar, add_months
from shared.timekeeping.wording import say_amount, say_named_days, say_provisional

WEEK = timedelta(days=7)

_DAY_COUNTS = ("days", "weeks", "months", "working_days")
_MEASURES = (
    *("minutes", "hours", "working_minutes", "working_hours"),
    *_DAY_COUNTS,
    *("same_day", "until", "shorter_of"),
)


class MomentMissingError(ConflictError):
    """A limit runs until a moment of the case that nobody has recorded yet."""

    code = "moment-missing"


def _clock_time(value: object) -> object:
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no time of day; write it as '18:00', with the quotes") from None


Amount = Annotated[int, Field(gt=0, le=10_000)]


class Moment(Exact):
    """A named moment of a case, for limits that run until it."""

    name: str
    at: Instant


class OpeningWindow(Exact):
    """Where a limit counts from when it starts outside the day's window (LN-05).

    Before ``before`` on a working day it counts at once, however early; otherwise from ``opens`` of the next
    working day.
    """

    before: Annotated[time, BeforeValidator(_clock_time)]
    opens: Annotated[time, BeforeValidator(_clock_time)]


class Limit(Terse):
    """How long a deed may take. Exactly one measure.

    Attributes:
        days: Calendar days, at the same time of day; likewise weeks and months.
        working_days: Working days of 24 hours; a start on a day off counts from the next working day's begin.
        same_day: Until the end of the day on which it starts.
        until: Name of a moment of the case, for example ``handover``.
        shorter_of: Whichever of these ends first.
        ends: ``day-end`` lets the last day run to its midnight.
        roll_forward: A last day that is not worked moves to the end of the next working day.
        counts_from: ``next-day`` leaves out the day of the start, so days then end with their last day.
    """

    minutes: Amount | None = None
    hours: Amount | None = None
    days: Amount | None = None
    weeks: Amount | None = None
    months: Amount | None = None
    working_minutes: Amount | None = None
    working_hours: Amount | None = None
    working_days: Amount | None = None
    same_day: Literal[True] | None = None
    until: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    shorter_of: Annotated[tuple["Limit", ...], Field(strict=False, min_length=2)] | None = None
    ends: Literal["instant", "day-end"] = "instant"
    roll_forward: bool = False
    counts_from: Literal["start", "next-day"] | OpeningWindow = "start"

    @property
    def measure(self) -> str:
        """Return the name of the one measure."""
        return next(name for name in _MEASURES if getattr(self, name) is not None)

    @property
    def amount(self) -> int:
        """Return the number that goes with the measure; 1 where the measure takes none."""
        value = getattr(self, self.measure)
        return value if isinstance(value, int) else 1

    @property
    def parts(self) -> tuple["Limit", ...]:
        """Return the simple limits that this one is made of."""
        return tuple(part for one in self.shorter_of for part in one.parts) if self.shorter_of else (self,)

    @property
    def leans_on_calendar(self) -> bool:
        """Say whether holidays can move the due moment."""
        return (
            self.measure.startswith("working")
            or self.roll_forward
            or isinstance(self.counts_from, OpeningWindow)
        )

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        given = [name for name in _MEASURES if getattr(self, name) is not None]
        if len(given) != 1:
            stated = " and ".join(given) or "none"
            raise ValueError(
                f"a limit states exactly one of {', '.join(_MEASURES)}; this one states {stated}. Keep one"
            )
        return self

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        plain = self.ends == "instant" and self.counts_from == "start" and not self.roll_forward
        if self.shorter_of and not plain:
            raise ValueError("shorter_of takes no options; give them to the limits inside it")
        if self.until and self.counts_from != "start":
            raise ValueError("until names its moment, so it counts from nowhere; leave counts_from out")
        if self.same_day and self.counts_from == "next-day":
            raise ValueError(
                "same_day cannot count from the next day; write 'days: 1' with counts_from: next-day"
            )
        if self.ends == "day-end" and self.working_minutes_or_hours:
            raise ValueError("working hours end at a moment; for the end of a day write working_days")
        if self.roll_forward and self.measure.startswith("working"):
            raise ValueError("working time never ends on a day off; leave roll_forward out")
        if self.roll_forward and not self.ends_with_day:
            raise ValueError(
                "roll_forward moves a last day, so the limit must end with a day; add ends: day-end"
            )
        return self

    @property
    def working_minutes_or_hours(self) -> bool:
        """Say whether the limit runs in working hours."""
        return self.measure in {"working_minutes", "working_hours"}

    @property
    def ends_with_day(self) -> bool:
        """Say whether the last day runs to its midnight."""
        counted_days = self.counts_from == "next-day" and self.measure in _DAY_COUNTS
        return self.ends == "day-end" or self.same_day is True or counted_days


@within_time
def due_before(
    limit: Limit, start: datetime, calendar: WorkingCalendar, moments: Sequence[Moment] = ()
) -> Due:
    """Return when a limit that starts at ``start`` is over.

    Args:
        limit: The limit; of a ``shorter_of`` the one that ends first speaks.
        start: When it starts. Aware.
        calendar: The group's calendar.
        moments: Moments of the case that the limit may run until.

    Raises:
        RulebookGapError: The calendar's tables do not reach far enough.
        MomentMissingError: The limit runs until a moment that is not among ``moments``.

    Example:
        >>> from zoneinfo import ZoneInfo
        >>> received = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
        >>> due = due_before(Limit(months=1), received, WorkingCalendar(ZoneInfo("Asia/Shanghai")))
        >>> due.due_before.isoformat()
        '2026-02-28T02:00:00+00:00'
    """
    if limit.shorter_of:
        first = min((due_before(part, start, calendar, moments) for part in limit.parts), key=_moment_of)
        return Due(first.due_before, first.provisional, (*say_limit(limit), *first.lines))
    end = settle(limit, _end(limit, _begin(limit, start, calendar), calendar, moments), calendar)
    provisional, lines = calendar_facts(start, end, calendar) if limit.leans_on_calendar else (False, ())
    return Due(end, provisional, (*say_limit(limit), *lines))


@within_time
def settle(limit: Limit, end: datetime, calendar: WorkingCalendar) -> datetime:
    """Move an end that falls on a day off to the end of the next working day, where the limit says so."""
    if not limit.roll_forward or calendar.is_working_day(calendar.closing_day(end)):
        return end
    return calendar.end_of_day(calendar.roll_forward(calendar.closing_day(end)))


@within_time
def delay(
    limit: Limit | None, end: datetime, since: datetime, until: datetime, calendar: WorkingCalendar
) -> tuple[datetime, timedelta]:
    """Move ``end`` by the time of a pause, counted in the limit's own measure. Returns it and that time.

    Working hours and working days give back the working time that was lost; everything else, and a fixed
    date (no limit), gives back the time that passed. A limit that ends with its day gives it back to the
    minute too: rounding each pause up to midnight would sell a day for a minute, and rounding their sum
    could end a clock while it stands still.
    """
    if limit is not None and limit.working_minutes_or_hours:
        lost = calendar.working_time_between(since, until)
        return calendar.add_working_time(end, lost), lost
    if limit is not None and limit.working_days:
        lost = calendar.working_day_time_between(since, until)
        return calendar.add_working_day_time(end, lost), lost
    return end + (until - since), until - since


@within_time
def earlier(limit: Limit, end: datetime, calendar: WorkingCalendar) -> datetime:
    """Return the last moment at which as much time as a limit states is left until ``end``: for reminders.

    Only the measure counts. ``same_day`` is the beginning of the last day.

    Raises:
        RulebookGapError: The calendar's tables do not reach back far enough.
    """
    amount = limit.amount
    match limit.measure:
        case "minutes" | "hours" as unit:
            return end - timedelta(**{unit: amount})
        case "working_minutes" | "working_hours" as unit:
            return calendar.subtract_working_time(end, timedelta(**{unit.removeprefix("working_"): amount}))
        case "working_days":
            return calendar.subtract_working_day_time(end, DAY * amount)
        case "months":
            return calendar.later_by_months(end, -amount)
        case "same_day":
            return calendar.end_of_day(calendar.closing_day(end) - DAY)
        case "days" | "weeks" as unit:
            return calendar.later_by_days(end, -amount * (7 if unit == "weeks" else 1))
        case measure:
            raise ValueError(
                f"'{measure}' says no length of time, so nothing can be so long before something"
            )


def calendar_facts(
    start: datetime, end: datetime, calendar: WorkingCalendar
) -> tuple[bool, tuple[Line, ...]]:
    """Return whether a time that leans on holidays is provisional, and the named days that it passes."""
    first, last = calendar.local_day(start), calendar.closing_day(end)
    lines = say_named_days(calendar.named_days(first, last))
    provisional = calendar.is_provisional(max(first, last))
    if provisional:
        lines = (*lines, say_provisional(max(first, last).year))
    return provisional, lines


def _moment_of(due: Due) -> datetime:
    return due.due_before


def _begin(limit: Limit, start: datetime, calendar: WorkingCalendar) -> datetime:
    if not isinstance(limit.counts_from, OpeningWindow):
        return start.astimezone(UTC)
    day = calendar.local_day(start)
    in_window = start.astimezone(calendar.zone).time() < limit.counts_from.before
    if in_window and calendar.is_working_day(day):
        return start.astimezone(UTC)
    return calendar.at(calendar.next_working_day(day), limit.counts_from.opens)


def _end(limit: Limit, begin: datetime, calendar: WorkingCalendar, moments: Sequence[Moment]) -> datetime:
    day = calendar.local_day(begin)
    if limit.same_day:
        return calendar.end_of_day(day)
    if limit.until:
        end = _named_moment(limit.until, moments)
    elif limit.measure in _DAY_COUNTS:
        if limit.counts_from == "next-day":
            return calendar.end_of_day(_last_day(limit, day, calendar))
        end = _same_time_later(limit, begin, calendar)
    else:
        from_when = calendar.end_of_day(day) if limit.counts_from == "next-day" else begin
        unit = timedelta(minutes=1) if limit.measure.endswith("minutes") else timedelta(hours=1)
        amount = unit * limit.amount
        running = limit.working_minutes_or_hours
        end = calendar.add_working_time(from_when, amount) if running else from_when + amount
    return calendar.end_of_closing_day(end) if limit.ends_with_day else end


def _same_time_later(limit: Limit, begin: datetime, calendar: WorkingCalendar) -> datetime:
    if limit.working_days:
        return calendar.add_working_day_time(begin, DAY * limit.working_days)
    if limit.months:
        return calendar.later_by_months(begin, limit.months)
    return calendar.later_by_days(begin, limit.amount * (7 if limit.weeks else 1))


def _last_day(limit: Limit, day: date, calendar: WorkingCalendar) -> date:
    if limit.working_days:
        return calendar.nth_working_day(day, limit.working_days)
    if limit.months:
        return add_months(day, limit.months)
    return day + (WEEK if limit.weeks else DAY) * limit.amount


def _named_moment(name: str, moments: Sequence[Moment]) -> datetime:
    for moment in moments:
        if moment.name == name:
            return moment.at
    raise MomentMissingError(
        f"The limit runs until '{name}', but the case states no such moment. Record it, then start the clock."
    )


def say_limit(limit: Limit) -> tuple[Line, ...]:
    """Show a limit and its options."""
    if limit.shorter_of:
        parts = [line for part in limit.parts for line in say_limit(part)[:1]]
        return (
            Line(
                zh="取先届满者：" + "、".join(part.zh for part in parts),
                en="whichever ends first: " + ", ".join(part.en for part in parts),
            ),
        )
    if limit.same_day:
        measure = Line(zh="限当日 24:00 前", en="by the end of the same day")
    elif limit.until:
        measure = Line(zh=f"限至约定时点（{limit.until}）", en=f"until the recorded moment '{limit.until}'")
    else:
        amount = say_amount(limit.measure, limit.amount)
        measure = Line(zh=f"限 {amount.zh}", en=f"within {amount.en}")
    lines = [measure]
    if isinstance(limit.counts_from, OpeningWindow):
        window = limit.counts_from
        lines.append(
            Line(
                zh=f"工作日 {window.before:%H:%M} 及以后或休息日，自下一工作日 {window.opens:%H:%M} 起算",
                en=f"from {window.before:%H:%M} on, or on a day off, "
                f"it counts from {window.opens:%H:%M} of the next working day",
            )
        )
    if limit.counts_from == "next-day":
        lines.append(Line(zh="自次日起算", en="counted from the day after"))
    if limit.ends == "day-end":
        lines.append(Line(zh="至最后一日 24:00", en="to the end of the last day"))
    if limit.roll_forward:
        lines.append(Line(zh="遇节假日顺延至下一工作日", en="a day off moves it to the next working day"))
    return tuple(lines)
