"""Pure: how many customers a unit had on file when a month ended, without problem users and with them (ZY-06, ZY-08)."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from services.intake.domain.customers import Span, holds
from shared.events.intake import CustomersCounted
from shared.rulebook.schema import Rules
from shared.timekeeping.calendar import Month, WorkingCalendar, add_months

CUSTOMERS = "customers"
_LAST = timedelta(microseconds=1)
"""From a month's end back to its last moment."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A customer as the census sees one."""

    unit: str
    opened_at: datetime
    spans: tuple[Span, ...] = ()


def is_wanted(rules: Rules) -> bool:
    """Say whether the rulebook has a figure that the customers on file are counted for."""
    return any(figure.counted == CUSTOMERS for figure in rules.obligations.figures.values())


def ends(first: datetime, now: datetime, calendar: WorkingCalendar) -> list[tuple[Month, datetime]]:
    """Return the local months that ended up to ``now``, from that of ``first`` on, each with its end."""
    found = []
    day = calendar.local_day(first).replace(day=1)
    while (end := calendar.at(add_months(day, 1), time(0))) <= now:
        found.append((Month(day.year, day.month), end))
        day = add_months(day, 1)
    return found


def count(
    filed: Iterable[Filed], now: datetime, calendar: WorkingCalendar
) -> list[tuple[CustomersCounted, datetime]]:
    """Count every unit's customers at the end of every month that is over, with the moment counted for.

    A problem user of a month's last moment is left out of ``normal`` and stays in ``all``.
    """
    units: dict[str, list[Filed]] = {}
    for one in filed:
        units.setdefault(one.unit, []).append(one)
    return [
        counted
        for unit in sorted(units)
        for counted in _of_unit(unit, sorted(units[unit], key=_opened), now, calendar)
    ]


def _opened(one: Filed) -> datetime:
    return one.opened_at


def _of_unit(
    unit: str, filed: Sequence[Filed], now: datetime, calendar: WorkingCalendar
) -> list[tuple[CustomersCounted, datetime]]:
    found = []
    flagged = [one for one in filed if one.spans]
    for month, end in ends(filed[0].opened_at, now, calendar):
        all_ = bisect_left(filed, end, key=_opened)
        problems = sum(one.opened_at < end and holds(one.spans, end - _LAST) for one in flagged)
        event = CustomersCounted(unit=unit, month=str(month), normal=all_ - problems, all=all_)
        found.append((event, end))
    return found
