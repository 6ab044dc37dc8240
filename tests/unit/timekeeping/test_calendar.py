"""Working days, working time, months and weeks, against hand counts and two independent calendars."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.errors import RulebookGapError
from shared.timekeeping.calendar import (
    OFFICE_HOURS,
    CalendarYear,
    Flow,
    Holiday,
    Month,
    NoDayTableError,
    WorkingCalendar,
    add_months,
    month_of_week,
    weeks_of_month,
)
from tests.unit.timekeeping.calendars import EIGHT, OFFICE, SHANGHAI, YEARS, a_table, at

MINUTE = timedelta(minutes=1)
NO_DAYS_OFF = {"holiday": "元旦", "holiday_en": "New Year", "first": "2026-01-01", "last": "2026-01-01"}


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range(366 if year == 2024 else 365)]


# Day tables


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_of_an_official_year_is_as_chinesecalendar_has_it(year: int) -> None:
    ours = {day: OFFICE.is_working_day(day) for day in days_of(year)}

    assert ours == {day: chinese_calendar.is_workday(day) for day in days_of(year)}
    assert a_table(year).status == "official"


@pytest.mark.parametrize("year", [2024, 2025, 2026, 2027])
def test_every_day_of_a_year_is_as_holidays_has_it(year: int) -> None:
    theirs = holidays.country_holidays("CN", years=year)

    ours = {day: OFFICE.is_working_day(day) for day in days_of(year)}

    assert ours == {day: theirs.is_working_day(day) for day in days_of(year)}


def test_2027_is_provisional_has_no_make_up_days_and_says_why() -> None:
    table = a_table(2027)

    assert table.status == "provisional"
    assert [holiday.make_up for holiday in table.holidays] == [()] * 7
    assert "暂定" in (table.note or "")
    assert OFFICE.is_provisional(date(2027, 1, 4))
    assert not OFFICE.is_provisional(date(2026, 12, 31))


def test_a_day_off_and_a_make_up_day_know_their_holiday() -> None:
    off = OFFICE.day_of_year(date(2026, 2, 17))
    worked = OFFICE.day_of_year(date(2026, 2, 14))
    plain = OFFICE.day_of_year(date(2026, 2, 13))

    assert (off.is_working, off.holiday and off.holiday.holiday) == (False, "春节")
    assert (worked.is_working, worked.holiday and worked.holiday.holiday_en) == (True, "Spring Festival")
    assert (plain.is_working, plain.holiday) == (True, None)


def test_a_day_outside_the_tables_is_refused_and_names_the_file_to_add() -> None:
    with pytest.raises(RulebookGapError, match=r"rulebooks/calendars/cn/2028\.yaml") as refused:
        OFFICE.is_working_day(date(2028, 1, 1))
    assert refused.value.code == "no-day-table"

    with pytest.raises(RulebookGapError):
        OFFICE.is_working_day(date(2023, 12, 31))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": "red"}, "Extra inputs"),
        ({"status": "guessed"}, "'official' or 'provisional'"),
        ({"status": "provisional"}, "is provisional; say in 'note'"),
        ({"year": "2026"}, "valid integer"),
        ({"holidays": []}, "at least 1 item"),
        ({"holidays": [NO_DAYS_OFF | {"first": "2026-01-02"}]}, "before it begins"),
        ({"holidays": [NO_DAYS_OFF | {"make_up": ["2026-01-05"]}]}, "no Saturday or Sunday"),
        ({"holidays": [NO_DAYS_OFF | {"make_up": ["2027-01-03"]}]}, "move it to the table of 2027"),
        ({"holidays": [NO_DAYS_OFF, NO_DAYS_OFF]}, "named twice"),
        ({"holidays": [NO_DAYS_OFF | {"first": datetime(2026, 1, 1, tzinfo=UTC)}]}, "is no day"),
        ({"holidays": [NO_DAYS_OFF | {"first": 20260101}]}, "is no day"),
    ],
)
def test_a_faulty_day_table_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    raw: dict[str, object] = {"year": 2026, "status": "official", "source": "n", "holidays": [NO_DAYS_OFF]}

    assert CalendarYear.model_validate(raw).holidays[0].days_off() == (date(2026, 1, 1),)
    with pytest.raises(ValidationError, match=reason):
        CalendarYear.model_validate(raw | change)


def test_a_day_table_survives_json() -> None:
    table = a_table(2026)

    assert CalendarYear.model_validate_json(table.model_dump_json()) == table


def test_years_with_a_gap_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[2024, 2026\]"):
        WorkingCalendar(SHANGHAI, years=(a_table(2024), a_table(2026)))


@pytest.mark.parametrize(
    "hours",
    [
        (),
        ((time(9), time(9)),),
        ((time(18), time(9)),),
        ((time(9), time(12)), (time(11), time(18))),
        ((time(13), time(18)), (time(9), time(12))),
    ],
)
def test_hours_that_overlap_or_run_backwards_are_refused(hours: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match="Working hours"):
        WorkingCalendar(SHANGHAI, hours=hours)


def test_a_day_may_be_worked_around_the_clock() -> None:
    calendar = WorkingCalendar(SHANGHAI, hours=((time(0), time(0)),), years=YEARS)

    assert calendar.intervals(date(2026, 1, 5)) == ((at("2026-01-05 00:00"), at("2026-01-06 00:00")),)


# Working days


def test_the_next_working_day_of_a_friday_is_its_make_up_saturday() -> None:
    # Sat 9 May 2026 is worked for Labour Day; the Saturday before is not.
    assert OFFICE.next_working_day(date(2026, 5, 8)) == date(2026, 5, 9)
    assert OFFICE.next_working_day(date(2026, 5, 9)) == date(2026, 5, 11)


def test_rolling_forward_stays_on_a_working_day_and_leaves_the_national_day_week() -> None:
    # 1 to 7 Oct 2026 are off; Thu 8 Oct is worked.
    assert OFFICE.roll_forward(date(2026, 9, 30)) == date(2026, 9, 30)
    assert OFFICE.roll_forward(date(2026, 10, 1)) == date(2026, 10, 8)
    # Sat 10 Oct 2026 is worked for National Day: the 10th of that month does not move.
    assert OFFICE.roll_forward(date(2026, 10, 10)) == date(2026, 10, 10)


def test_the_nth_working_day_is_counted_from_the_day_after() -> None:
    # From Fri 13 Feb 2026: 1 Sat 14 (worked), then 15 to 23 off, 2 Tue 24, 3 Wed 25, 4 Thu 26, 5 Fri 27,
    # 6 Sat 28 (worked), 7 Mon 2 Mar.
    assert OFFICE.nth_working_day(date(2026, 2, 13), 1) == date(2026, 2, 14)
    assert OFFICE.nth_working_day(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert OFFICE.nth_working_day(date(2026, 2, 13), 7) == date(2026, 3, 2)
    with pytest.raises(ValueError, match="number 1"):
        OFFICE.nth_working_day(date(2026, 2, 13), 0)


# Working time


def test_a_working_day_has_its_intervals_and_a_day_off_none() -> None:
    assert OFFICE.intervals(date(2026, 2, 14)) == (
        (at("2026-02-14 09:00"), at("2026-02-14 12:00")),
        (at("2026-02-14 13:00"), at("2026-02-14 18:00")),
    )
    assert OFFICE.intervals(date(2026, 2, 15)) == ()


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        # Sat 14 worked: 8 h to 17:00; 15 to 23 off; Tue 24: 8 h to 17:00.
        ("2026-02-13 17:00", 16, "2026-02-24 17:00"),
        # Lunch is not worked: 1 h before it, 1 h after it.
        ("2026-01-05 11:00", 2, "2026-01-05 14:00"),
        # The end of an interval is reached at its end, not when the next one begins.
        ("2026-01-05 08:00", 4, "2026-01-05 12:00"),
        # A start at night waits for the morning; one in the lunch break for the afternoon.
        ("2026-01-05 03:00", 1, "2026-01-05 09:00"),
        ("2026-01-05 12:30", 1, "2026-01-05 14:00"),
        # A year's end: Thu 31 Dec 2026 16:00, 1 h; 1 to 3 Jan off; Mon 4 Jan 1 h.
        ("2026-12-31 16:00", 2, "2027-01-04 09:00"),
        # Nothing to add: nothing moves, even at night.
        ("2026-01-05 03:00", 0, "2026-01-05 03:00"),
    ],
)
def test_working_time_passes_only_in_working_hours(start: str, hours: int, end: str) -> None:
    assert EIGHT.add_working_time(at(start), timedelta(hours=hours)) == at(end)
    assert EIGHT.working_time_between(at(start), at(end)) == timedelta(hours=hours)


def test_working_time_runs_from_the_very_first_working_day_of_the_tables() -> None:
    # 1 January 2024 is New Year; on Tuesday, 2 January, work begins at 08:00.
    assert EIGHT.working_time_between(at("2024-01-01 00:00"), at("2024-01-02 10:00")) == timedelta(hours=2)
    assert EIGHT.working_time_between(at("2024-01-02 09:00"), at("2024-01-02 11:30")) == timedelta(hours=2.5)


def test_the_first_acceptance_vector_depends_on_the_make_up_saturday() -> None:
    # Without Sat 14: Tue 24 and Wed 25 give the 16 h, so a calendar without make-up days says the 25th.
    plain = tuple(
        table.model_copy(
            update={"holidays": tuple(day.model_copy(update={"make_up": ()}) for day in table.holidays)}
        )
        for table in YEARS
    )
    without = WorkingCalendar(SHANGHAI, hours=EIGHT.hours, years=plain)

    assert EIGHT.add_working_time(at("2026-02-13 17:00"), timedelta(hours=16)) == at("2026-02-24 17:00")
    assert without.add_working_time(at("2026-02-13 17:00"), timedelta(hours=16)) == at("2026-02-25 17:00")


def test_working_time_beyond_the_tables_is_refused() -> None:
    with pytest.raises(RulebookGapError, match="2028"):
        OFFICE.add_working_time(at("2027-12-31 17:00"), timedelta(hours=2))
    with pytest.raises(RulebookGapError, match="2023"):
        OFFICE.add_working_time(at("2023-12-31 17:00"), timedelta(hours=2))
    with pytest.raises(RulebookGapError, match="2028"):
        OFFICE.working_time_between(at("2027-12-31 17:00"), at("2028-01-01 00:01"))
    with pytest.raises(RulebookGapError):
        WorkingCalendar(SHANGHAI).add_working_time(at("2026-01-05 09:00"), MINUTE)
    # The last midnight of the tables still belongs to them.
    assert OFFICE.working_time_between(at("2027-12-31 17:00"), at("2028-01-01 00:00")) == timedelta(hours=1)


def test_working_time_runs_forward_only() -> None:
    with pytest.raises(ValueError, match="forward only"):
        OFFICE.add_working_time(at("2026-01-05 09:00"), -MINUTE)
    with pytest.raises(ValueError, match="earlier moment first"):
        OFFICE.working_time_between(at("2026-01-05 09:01"), at("2026-01-05 09:00"))


def worked_minutes() -> frozenset[datetime]:
    """Every worked minute of February and March 2026, listed from the hours and the two holidays by hand."""
    off = {date(2026, 2, day) for day in range(15, 24)}
    worked = {date(2026, 2, 14), date(2026, 2, 28)}
    days = [date(2026, 1, 30) + timedelta(days=n) for n in range(60)]
    working = [day for day in days if day in worked or (day.weekday() < 5 and day not in off)]
    return frozenset(
        at(f"{day} 00:00") + MINUTE * (60 * hour + minute)
        for day in working
        for hour in (9, 10, 11, 13, 14, 15, 16, 17)
        for minute in range(60)
    )


WORKED_MINUTES = worked_minutes()


def minute_by_minute(start: datetime, minutes: int) -> datetime:
    """An oracle that steps through every minute and knows no calendar code."""
    moment = start
    while minutes:
        minutes -= moment in WORKED_MINUTES
        moment += MINUTE
    return moment


@given(
    start=st.integers(0, 60 * 24 * 40).map(lambda n: at("2026-01-30 00:00") + MINUTE * n),
    minutes=st.integers(0, 60 * 12),
)
def test_adding_working_time_equals_stepping_through_every_minute(start: datetime, minutes: int) -> None:
    end = OFFICE.add_working_time(start, MINUTE * minutes)

    assert end == minute_by_minute(start, minutes)
    assert OFFICE.working_time_between(start, end) == MINUTE * minutes


@given(
    start=st.integers(0, 60 * 24 * 40).map(lambda n: at("2026-01-30 00:00") + MINUTE * n),
    first=st.integers(0, 5_000),
    second=st.integers(0, 5_000),
)
def test_working_time_adds_up(start: datetime, first: int, second: int) -> None:
    halfway = OFFICE.add_working_time(start, MINUTE * first)

    assert OFFICE.add_working_time(halfway, MINUTE * second) == OFFICE.add_working_time(
        start, MINUTE * (first + second)
    )


def test_a_zone_that_moves_its_clocks_counts_the_hours_that_passed() -> None:
    # Sun 29 Mar 2026 lasts 23 hours: Berlin jumps from 02:00 to 03:00. Worked 00:00 to 06:00, it has 5.
    day = Holiday.model_validate(NO_DAYS_OFF | {"make_up": ["2026-03-29"]})
    table = CalendarYear(year=2026, status="official", source="n", holidays=(day,))
    berlin = WorkingCalendar(zone=ZoneInfo("Europe/Berlin"), hours=((time(0), time(6)),), years=(table,))
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)

    assert berlin.working_time_between(midnight, midnight + timedelta(hours=23)) == timedelta(hours=5)


# Days and months in the zone


def test_the_day_of_an_instant_is_the_zones_own() -> None:
    # 17:00 UTC is 01:00 of the next day in Shanghai.
    assert OFFICE.local_day(datetime(2026, 3, 31, 17, tzinfo=UTC)) == date(2026, 4, 1)
    assert OFFICE.end_of_day(date(2026, 3, 31)) == datetime(2026, 3, 31, 16, tzinfo=UTC)


def test_a_due_moment_at_midnight_on_the_first_belongs_to_the_month_before() -> None:
    midnight = at("2026-08-01 00:00")

    assert OFFICE.month_of(midnight, closing=True) == Month(2026, 7)
    assert OFFICE.month_of(midnight + timedelta(microseconds=1), closing=True) == Month(2026, 8)
    assert OFFICE.month_of(midnight) == Month(2026, 8)
    assert str(Month(2026, 8)) == "2026-08"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-30", 1, "2026-02-28"),
        ("2026-02-28", 1, "2026-03-28"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-31", 12, "2027-12-31"),
        ("2024-02-29", 12, "2025-02-28"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last(day: str, months: int, later: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(later)
    assert OFFICE.later_by_months(at(f"{day} 10:30"), months) == at(f"{later} 10:30")


# Weeks


def test_the_weeks_of_the_third_quarter_of_2026_are_five_four_and_four() -> None:
    # Thursdays in July: 2, 9, 16, 23, 30; in August: 6, 13, 20, 27; in September: 3, 10, 17, 24.
    # Each week begins three days before its Thursday.
    july = [date(2026, 6, 29), date(2026, 7, 6), date(2026, 7, 13), date(2026, 7, 20), date(2026, 7, 27)]
    august = [date(2026, 8, 3), date(2026, 8, 10), date(2026, 8, 17), date(2026, 8, 24)]
    september = [date(2026, 8, 31), date(2026, 9, 7), date(2026, 9, 14), date(2026, 9, 21)]

    assert list(weeks_of_month(2026, 7)) == july
    assert list(weeks_of_month(2026, 8)) == august
    assert list(weeks_of_month(2026, 9)) == september


def test_a_week_on_the_border_belongs_to_the_month_of_its_thursday() -> None:
    # Wed 30 Sep 2026 and Thu 1 Oct share a week: October's. Fri 1 Jan 2027 lies in a week of December.
    assert month_of_week(date(2026, 9, 30)) == Month(2026, 10)
    assert month_of_week(date(2027, 1, 1)) == Month(2026, 12)


@given(day=st.dates(date(2024, 1, 1), date(2027, 12, 31)))
def test_every_day_lies_in_exactly_one_week_of_exactly_one_month(day: date) -> None:
    monday = day - timedelta(days=day.weekday())
    months = [Month(day.year, day.month), *(month_of_week(day + timedelta(days=n)) for n in (-7, 0, 7))]

    owners = {month for month in months if monday in weeks_of_month(*month)}

    assert owners == {month_of_week(day)}


def test_the_fields_of_a_day_table_say_what_they_mean() -> None:
    holiday = Holiday(holiday="元旦", holiday_en="New Year", first=date(2026, 1, 1), last=date(2026, 1, 3))
    table = CalendarYear(year=2026, status="official", source="notice", holidays=(holiday,))
    said = {
        name: field.description
        for model in (type(holiday), type(table))
        for name, field in model.model_fields.items()
        if field.description is not None
    }

    assert (holiday.make_up, table.note) == ((), None)
    assert said == {
        "holiday": "Its name in Chinese.",
        "holiday_en": "Its name in English.",
        "first": "The first day off.",
        "last": "The last day off.",
        "make_up": "Weekend days worked for it.",
        "source": "The notice that the table copies.",
        "note": "What a reader must know. Provisional years need it.",
    }


@pytest.mark.parametrize("blank", ["holiday", "holiday_en"])
def test_a_holiday_has_both_names(blank: str) -> None:
    names = {"holiday": "元旦", "holiday_en": "New Year", "first": "2026-01-01", "last": "2026-01-03"}

    assert Holiday.model_validate({**names, "make_up": ["2026-01-04"]}).make_up == (date(2026, 1, 4),)
    with pytest.raises(ValidationError):
        Holiday.model_validate({**names, blank: ""})


def test_a_calendar_without_more_keeps_office_hours_and_names_the_table_that_it_lacks() -> None:
    calendar = WorkingCalendar(ZoneInfo("Asia/Shanghai"))

    assert calendar.hours == OFFICE_HOURS == ((time(9), time(12)), (time(13), time(18)))
    with pytest.raises(NoDayTableError) as caught:
        calendar.day_of_year(date(2026, 1, 2))
    assert str(caught.value) == (
        "No day table says whether 2026-01-02 is worked. Add rulebooks/calendars/cn/2026.yaml "
        "from the official notice, or a provisional one."
    )


def test_time_runs_back_within_the_first_interval_and_no_further() -> None:
    nine, ten = datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=UTC)
    day = timedelta(days=1)
    flow = Flow.of([(nine, ten), (nine + day, ten + day)])
    minute, hour = timedelta(minutes=1), timedelta(hours=1)

    assert [flow.moment_before(run) for run in (timedelta(0), minute, hour, hour + minute)] == [
        nine,
        nine + minute,
        nine + day,
        nine + day + minute,
    ]
    assert flow.moment_before(-minute) is None
    assert flow.moment_before(2 * hour) is None
    assert [flow.moment_after(run) for run in (minute, hour, 2 * hour, 3 * hour)] == [
        nine + minute,
        ten,
        ten + day,
        None,
    ]
    assert [flow.run_until(moment) for moment in (nine - hour, nine + minute, ten + hour)] == [
        timedelta(0),
        minute,
        hour,
    ]
