"""Pure: whether a person's examination of a course counts on a day (LN-22)."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import Limit, due_before


def passes(
    trainings: Iterable[Mapping[str, Any]],
    course: str,
    valid: Limit | None,
    day: date,
    calendar: WorkingCalendar,
) -> bool:
    """Say whether the last examination of a course by a day was passed, and its pass still counts. Pure."""
    sat = [one for one in trainings if one["course"] == course and one["on"] <= day.isoformat()]
    if not sat:
        return False
    last = max(sat, key=lambda one: one["on"])
    start = calendar.at(date.fromisoformat(last["on"]), time())
    ends = due_before(valid, start, calendar).due_before if valid else None
    return bool(last["passed"]) and (ends is None or calendar.at(day, time()) < ends)
