"""So long before a moment: reminders. By hand, and against the limits that they undo."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.timekeeping.calendar import NoDayTableError
from shared.timekeeping.limits import Limit, due_before, earlier
from tests.unit.timekeeping.calendars import EIGHT, OFFICE, at

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("limit", "end", "expected"),
    [
        (Limit(minutes=30), "2026-07-02 09:00", "2026-07-02 08:30"),
        (Limit(hours=4), "2026-07-02 09:00", "2026-07-02 05:00"),
        (Limit(days=1), "2026-07-09 00:00", "2026-07-08 00:00"),
        (Limit(weeks=2), "2026-07-15 09:00", "2026-07-01 09:00"),
        (Limit(months=1), "2026-03-31 09:00", "2026-02-28 09:00"),
        # The end of 8 July: the reminder is for the day's beginning.
        (Limit(same_day=True), "2026-07-09 00:00", "2026-07-08 00:00"),
        (Limit(same_day=True), "2026-07-08 15:00", "2026-07-08 00:00"),
        # 8-12 and 13-17: two hours are left on Wed 1 July from 15:00, four from 13:00, five from 11:00.
        (Limit(working_hours=2), "2026-07-01 17:00", "2026-07-01 15:00"),
        (Limit(working_hours=4), "2026-07-01 17:00", "2026-07-01 13:00"),
        (Limit(working_minutes=300), "2026-07-01 17:00", "2026-07-01 11:00"),
        # From the evening to the morning nothing runs: what is left at 17:00 is left at 8:00 of the next day.
        (Limit(working_hours=2), "2026-07-02 10:00", "2026-07-02 08:00"),
        # Mon 6 July: one working day before its noon is Fri 3 July noon.
        (Limit(working_days=1), "2026-07-06 12:00", "2026-07-03 12:00"),
        # Sat 14 Feb is worked, 15 to 23 are the Spring Festival.
        (Limit(working_days=1), "2026-02-24 17:00", "2026-02-14 17:00"),
    ],
)
def test_so_long_before(limit: Limit, end: str, expected: str) -> None:
    assert earlier(limit, at(end), EIGHT) == at(expected)


@settings(deadline=None)
@given(
    limit=st.sampled_from(
        [
            Limit(minutes=50),
            Limit(hours=30),
            Limit(days=3),
            Limit(weeks=1),
            Limit(working_minutes=700),
            Limit(working_hours=20),
            Limit(working_days=2),
        ]
    ),
    end=st.integers(20_000, 400_000),
)
def test_the_limit_from_there_leads_back_and_from_any_moment_later_beyond(limit: Limit, end: int) -> None:
    """INVARIANT: a reminder comes at the last moment that still leaves its time.

    What breaks it: taking the end of an evening for the beginning of the next morning.
    """
    moment = at("2026-01-05 00:00") + MINUTE * end

    begin = earlier(limit, moment, OFFICE)

    # A moment outside working time stands for the end of the working time before it.
    assert due_before(limit, begin, OFFICE).due_before <= moment
    assert due_before(limit, begin + MINUTE, OFFICE).due_before > moment


def test_no_reminder_before_the_tables_begin() -> None:
    with pytest.raises(NoDayTableError):
        earlier(Limit(working_days=5), at("2024-01-03 09:00"), OFFICE)


@pytest.mark.parametrize(
    "limit", [Limit(until="handover"), Limit(shorter_of=(Limit(hours=1), Limit(days=1)))]
)
def test_what_says_no_length_is_refused(limit: Limit) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        earlier(limit, at("2026-07-01 09:00"), OFFICE)
