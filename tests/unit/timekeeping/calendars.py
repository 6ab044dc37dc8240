"""The national calendar as the tests of the time core need it."""

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from shared.timekeeping.calendar import OFFICE_HOURS, CalendarYear, Hours, WorkingCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLES = Path(__file__).parents[3] / "rulebooks" / "calendars" / "cn"

EIGHT_HOURS: Hours = ((time(8), time(12)), (time(13), time(17)))


def a_table(year: int) -> CalendarYear:
    return CalendarYear.model_validate(YAML(typ="safe").load(TABLES / f"{year}.yaml"))


YEARS = tuple(a_table(year) for year in (2024, 2025, 2026, 2027))
OFFICE = WorkingCalendar(SHANGHAI, hours=OFFICE_HOURS, years=YEARS)
EIGHT = WorkingCalendar(SHANGHAI, hours=EIGHT_HOURS, years=YEARS)


def at(local: str) -> datetime:
    """Return the instant that a Shanghai clock shows, in UTC: ``at("2026-02-13 17:00")``."""
    return datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)
