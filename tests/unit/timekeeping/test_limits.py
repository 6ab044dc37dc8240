"""Limits and periods: hand-worked due moments, one step inside and one outside where a limit turns."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.errors import RulebookGapError
from shared.timekeeping.base_types import Due
from shared.timekeeping.calendar import Month
from shared.timekeeping.limits import Limit, Moment, MomentMissingError, OpeningWindow, due_before
from shared.timekeeping.periods import Every, Period, PeriodDue, month_counted, period_due, periods_of_month
from tests.unit.timekeeping.calendars import EIGHT, OFFICE, at

MINUTE = timedelta(minutes=1)
ONE_HOUR_FEEDBACK = Limit.model_validate({"hours": 1, "counts_from": {"before": "18:00", "opens": "08:00"}})


def due(limit: Limit, start: str) -> datetime:
    return due_before(limit, at(start), OFFICE).due_before


@pytest.mark.parametrize(
    ("stated", "start", "expected"),
    [
        # QS-01, LN-04, LN-09, JK-02: 24 hours pass on days off too. Sat 14:30 to Sun 14:30.
        ({"hours": 24}, "2026-07-04 14:30", "2026-07-05 14:30"),
        ({"hours": 48}, "2026-02-13 17:00", "2026-02-15 17:00"),
        ({"minutes": 30}, "2026-02-13 23:45", "2026-02-14 00:15"),
        # JK-11, JK-03: days at the same time of day. 3 Jul + 15 = 18 Jul.
        ({"days": 15}, "2026-07-03 16:10", "2026-07-18 16:10"),
        # JK-10, LN-12: a week is 7 days.
        ({"weeks": 1}, "2026-07-30 09:00", "2026-08-06 09:00"),
        # Eight weeks: 1 Jul + 56 days; July has 31, August 31: 26 Aug.
        ({"weeks": 8}, "2026-07-01 09:00", "2026-08-26 09:00"),
        # JK-11: a month is the same day and time, or the last day.
        ({"months": 1}, "2026-07-15 08:05", "2026-08-15 08:05"),
        ({"months": 1}, "2026-01-31 08:05", "2026-02-28 08:05"),
        ({"months": 1}, "2024-01-31 08:05", "2024-02-29 08:05"),
        # JK-05, JK-07, JK-10: the same day ends at 24:00 local, and midnight itself begins a day.
        ({"same_day": True}, "2026-07-03 00:00", "2026-07-04 00:00"),
        ({"same_day": True}, "2026-07-03 23:59", "2026-07-04 00:00"),
        # JK-05: to the end of the 15th day.
        ({"days": 15, "ends": "day-end"}, "2026-07-03 16:10", "2026-07-19 00:00"),
        # Callback on the next day: all of it.
        ({"days": 1, "counts_from": "next-day"}, "2026-07-03 16:10", "2026-07-05 00:00"),
        # The next day of 31 Jan is left out, the month's last day is 28 Feb, to its end.
        ({"months": 1, "counts_from": "next-day"}, "2026-01-31 16:10", "2026-03-01 00:00"),
        ({"weeks": 1, "counts_from": "next-day"}, "2026-07-03 16:10", "2026-07-11 00:00"),
        ({"hours": 2, "counts_from": "next-day"}, "2026-07-03 16:10", "2026-07-04 02:00"),
        # LN-16: 3 working days of 24 h. Fri 10:00; Sat and Sun stand still; Mon, Tue, Wed 10:00.
        ({"working_days": 3}, "2026-07-03 10:00", "2026-07-08 10:00"),
        # Begun on a Saturday they are Mon, Tue and Wed, to Wednesday's end.
        ({"working_days": 3}, "2026-07-04 10:00", "2026-07-09 00:00"),
        # XA-05: 5 working days, first one the day after. Wed 30 Sep: 1 Thu 8 Oct, 2 Fri 9, 3 Sat 10 (worked),
        # 4 Mon 12, 5 Tue 13 Oct, to its end.
        ({"working_days": 5, "counts_from": "next-day"}, "2026-09-30 10:00", "2026-10-14 00:00"),
        # Office hours 09:00-12:00, 13:00-18:00. Thu 31 Dec 17:30: half an hour; Fri 1 to Sun 3 Jan off;
        # Mon 4 Jan half an hour.
        ({"working_hours": 1}, "2026-12-31 17:30", "2027-01-04 09:30"),
        ({"working_minutes": 45}, "2026-07-03 17:30", "2026-07-06 09:15"),
        # The day left out: counting begins on Sat 4 July, a day off.
        ({"working_hours": 1, "counts_from": "next-day"}, "2026-07-03 10:00", "2026-07-06 10:00"),
    ],
)
def test_a_limit_ends_when_its_time_has_passed(stated: dict[str, object], start: str, expected: str) -> None:
    assert due(Limit.model_validate(stated), start) == at(expected)


def test_the_first_acceptance_vector_counts_the_make_up_saturday() -> None:
    # Fri 13 Feb 17:00. Sat 14 is worked: 8 h. 15 to 23 off. Tue 24: 8 h, to 17:00.
    found = due_before(Limit(working_hours=16), at("2026-02-13 17:00"), EIGHT)

    assert found.due_before == at("2026-02-24 17:00")
    assert not found.provisional
    assert [line.zh for line in found.lines] == [
        "限 16 个工作小时",
        "2026-02-14 星期六 调休上班（春节）",
        "2026-02-15 至 2026-02-23 春节放假",
    ]
    assert [line.en for line in found.lines] == [
        "within 16 working hours",
        "Sat 14 Feb 2026 is worked (Spring Festival)",
        "Sun 15 Feb 2026 to Mon 23 Feb 2026 off (Spring Festival)",
    ]


def test_a_due_day_that_is_itself_a_make_up_day_is_named() -> None:
    # Fri 8 May 2026, 1 working day from the day after, is Sat 9 May to its end.
    found = due_before(Limit(working_days=1, counts_from="next-day"), at("2026-05-08 10:00"), OFFICE)

    assert found.due_before == at("2026-05-10 00:00")
    assert found.lines[-1].en == "Sat 9 May 2026 is worked (Labour Day)"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # LN-05. Just inside and just outside the window of Fri 3 Jul; Mon 6 Jul opens at 08:00.
        ("2026-07-03 17:59", "2026-07-03 18:59"),
        ("2026-07-03 18:00", "2026-07-06 09:00"),
        # A day off.
        ("2026-07-05 10:00", "2026-07-06 09:00"),
        # Before 08:00 on a working day: at once.
        ("2026-07-06 06:15", "2026-07-06 07:15"),
        # A worked Saturday is a working day; the Sunday after it begins the holiday.
        ("2026-02-14 17:59", "2026-02-14 18:59"),
        ("2026-02-14 18:00", "2026-02-24 09:00"),
    ],
)
def test_an_enquiry_after_hours_counts_from_the_next_working_mornings_opening(
    start: str, expected: str
) -> None:
    assert due(ONE_HOUR_FEEDBACK, start) == at(expected)


def test_a_last_day_that_is_not_worked_moves_to_the_end_of_the_next_working_day() -> None:
    # 15 days from 20 Sep 2026 end on 5 Oct, inside National Day (1 to 7 Oct): to the end of Thu 8 Oct.
    rolled = Limit(days=15, ends="day-end", roll_forward=True)

    assert due(rolled, "2026-09-20 10:00") == at("2026-10-09 00:00")
    # From 15 Sep they end on Wed 30 Sep, the last day worked: nothing moves.
    assert due(rolled, "2026-09-15 10:00") == at("2026-10-01 00:00")
    # From 25 Sep they end on Sat 10 Oct, worked for National Day: nothing moves either.
    assert due(rolled, "2026-09-25 10:00") == at("2026-10-11 00:00")


def test_a_limit_may_run_until_a_moment_of_the_case() -> None:
    # JK-34: mended before handover.
    handover = Moment(name="handover", at=at("2026-09-01 10:00"))
    limit = Limit(until="handover")

    assert due_before(limit, at("2026-07-01 09:00"), OFFICE, [handover]).due_before == at("2026-09-01 10:00")
    with pytest.raises(MomentMissingError, match="'handover'") as refused:
        due_before(limit, at("2026-07-01 09:00"), OFFICE)
    assert refused.value.code == "moment-missing"


def test_of_two_limits_the_shorter_holds() -> None:
    # XA-13: 24 h from Fri 10:00 is Sat 10:00; one working day of 24 h is Mon 10:00.
    either = Limit(shorter_of=(Limit(working_days=1), Limit(hours=24)))

    found = due_before(either, at("2026-07-03 10:00"), OFFICE)

    assert found.due_before == at("2026-07-04 10:00")
    assert found.lines[0].zh == "取先届满者：限 1 个工作日、限 24 小时"
    # JK-11: the warranty is the outer limit.
    handover = Moment(name="handover", at=at("2026-07-01 00:00"))
    warranty = Moment(name="warranty", at=at("2026-07-10 00:00"))
    outer = Limit(shorter_of=(Limit(days=15), Limit(until="warranty")))
    assert due_before(outer, at("2026-07-03 10:00"), OFFICE, [handover, warranty]).due_before == at(
        "2026-07-10 00:00"
    )


def test_a_due_moment_that_leans_on_an_unpublished_year_says_so() -> None:
    # Thu 31 Dec 2026 + 1 working day of 24 h: Fri 1 Jan 2027 is off, Sat and Sun too; Mon 4 Jan.
    found = due_before(Limit(working_days=1), at("2026-12-31 10:00"), OFFICE)

    assert found.due_before == at("2027-01-04 10:00")
    assert found.provisional
    assert found.lines[-1].zh == "2027 年放假安排尚未公布，期限暂定"
    # 24 hours lean on no holiday.
    assert not due_before(Limit(hours=24), at("2026-12-31 10:00"), OFFICE).provisional
    # A working day that ends with 2026 leans on 2026 alone.
    assert not due_before(Limit(working_days=1), at("2026-12-30 10:00"), OFFICE).provisional


def test_only_limits_that_lean_on_holidays_need_a_day_table() -> None:
    beyond = at("2030-05-01 10:00")

    assert due_before(Limit(hours=24), beyond, OFFICE).due_before == at("2030-05-02 10:00")
    with pytest.raises(RulebookGapError, match=r"2030\.yaml"):
        due_before(Limit(working_days=1), beyond, OFFICE)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({}, "this one states none"),
        ({"hours": 1, "days": 1}, "this one states hours and days"),
        ({"hours": 0}, "greater than 0"),
        ({"hours": "24"}, "valid integer"),
        ({"hours": 1.5}, "valid integer"),
        ({"days": 20_000}, "less than or equal to 10000"),
        ({"fortnights": 1}, "Extra inputs"),
        ({"same_day": False}, "Input should be True"),
        ({"until": "Handover day"}, "match pattern"),
        ({"hours": 1, "roll_forward": True}, "add ends: day-end"),
        ({"working_days": 1, "roll_forward": True}, "leave roll_forward out"),
        ({"working_hours": 1, "ends": "day-end"}, "write working_days"),
        ({"same_day": True, "counts_from": "next-day"}, "days: 1"),
        ({"until": "handover", "counts_from": "next-day"}, "leave counts_from out"),
        ({"shorter_of": [{"hours": 1}]}, "at least 2"),
        ({"shorter_of": [{"hours": 1}, {"days": 1}], "ends": "day-end"}, "limits inside it"),
        ({"hours": 1, "counts_from": {"before": "teatime", "opens": "08:00"}}, "write it as '18:00'"),
        ({"hours": 1, "counts_from": {"before": "18:00"}}, "Field required"),
    ],
)
def test_a_faulty_limit_is_refused_with_the_reason(stated: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Limit.model_validate(stated)


def test_a_limit_is_stored_without_blanks_and_comes_back_equal() -> None:
    limit = Limit(shorter_of=(ONE_HOUR_FEEDBACK, Limit(until="handover", ends="day-end", roll_forward=True)))

    assert Limit(hours=24).model_dump(mode="json", exclude_defaults=True) == {"hours": 24}
    assert None not in Limit(hours=24).model_dump(mode="json").values()
    assert Limit.model_validate_json(limit.model_dump_json()) == limit
    assert Limit.model_validate(limit.model_dump(mode="json")) == limit


def test_every_option_is_said_in_both_languages() -> None:
    full = Limit(days=3, ends="day-end", roll_forward=True, counts_from="next-day")

    said = due_before(full, at("2026-07-06 10:00"), OFFICE).lines

    assert [line.zh for line in said] == [
        "限 3 日",
        "自次日起算",
        "至最后一日 24:00",
        "遇节假日顺延至下一工作日",
    ]
    assert [line.en for line in said][1:] == [
        "counted from the day after",
        "to the end of the last day",
        "a day off moves it to the next working day",
    ]
    assert due_before(Limit(same_day=True), at("2026-07-06 10:00"), OFFICE).lines[0].zh == "限当日 24:00 前"
    assert "18:00" in due_before(ONE_HOUR_FEEDBACK, at("2026-07-06 10:00"), OFFICE).lines[1].en
    handover = Moment(name="handover", at=at("2026-09-01 10:00"))
    until = due_before(Limit(until="handover"), at("2026-07-01 09:00"), OFFICE, [handover])
    assert until.lines[0].en == "until the recorded moment 'handover'"


# Properties

AMOUNTS = st.integers(1, 40)
STARTS = st.integers(0, 60 * 24 * 700).map(lambda n: at("2025-01-01 00:00") + MINUTE * n)
MONOTONE_MEASURES = st.sampled_from(
    ["minutes", "hours", "days", "weeks", "working_minutes", "working_hours", "working_days"]
)


@st.composite
def monotone_limits(draw: st.DrawFn) -> tuple[Limit, Limit]:
    """Two limits that differ only in amount, the smaller first.

    Months are apart: 30 Jan 10:00 and 31 Jan 09:00 both end on 28 Feb, at their own time of day. So is the
    opening window, where the regulation itself lets an early morning overtake the evening before.
    """
    measure = draw(MONOTONE_MEASURES | st.just("months"))
    small, large = sorted([draw(AMOUNTS), draw(AMOUNTS)])
    options: dict[str, object] = {}
    if measure == "months":
        options = {"ends": "day-end"}
        small, large = min(small, 6), min(large, 6)
    elif measure in {"days", "weeks", "hours"}:
        options = draw(st.sampled_from([{}, {"ends": "day-end"}, {"ends": "day-end", "roll_forward": True}]))
    if draw(st.booleans()):
        options = options | {"counts_from": "next-day"}
    return (
        Limit.model_validate({measure: small} | options),
        Limit.model_validate({measure: large} | options),
    )


@given(limits=monotone_limits(), start=STARTS, later=st.integers(0, 5_000))
def test_a_later_start_or_a_larger_amount_never_ends_earlier(
    limits: tuple[Limit, Limit], start: datetime, later: int
) -> None:
    small, large = limits

    due = due_before(small, start, OFFICE).due_before

    assert due > start
    assert due <= due_before(large, start, OFFICE).due_before
    assert due <= due_before(small, start + MINUTE * later, OFFICE).due_before


@given(
    measure=st.sampled_from(["working_minutes", "working_hours", "working_days"]),
    amount=AMOUNTS,
    start=STARTS,
    counts_from=st.sampled_from(["start", "next-day"]),
)
def test_working_time_never_ends_on_a_day_off(
    measure: str, amount: int, start: datetime, counts_from: str
) -> None:
    limit = Limit.model_validate({measure: amount, "counts_from": counts_from})

    due = due_before(limit, start, OFFICE).due_before

    assert OFFICE.is_working_day(OFFICE.closing_day(due))


@given(amount=AMOUNTS, start=STARTS)
def test_a_rolled_limit_never_ends_on_a_day_off_and_never_earlier(amount: int, start: datetime) -> None:
    plain = due_before(Limit(days=amount, ends="day-end"), start, OFFICE).due_before

    rolled = due_before(Limit(days=amount, ends="day-end", roll_forward=True), start, OFFICE).due_before

    assert rolled >= plain
    assert OFFICE.is_working_day(OFFICE.closing_day(rolled))


# Duties that come round


def period_ends(every: Every, day: str, stated: dict[str, object]) -> Due:
    return period_due(
        PeriodDue.model_validate(stated), Period.holding(every, date.fromisoformat(day)), OFFICE
    )


@pytest.mark.parametrize(
    ("every", "day", "stated", "expected"),
    [
        # JK-20, QS-09, LN-14: by the 5th of the next month, and the 5th counts.
        ("month", "2026-07-15", {"day": 5, "month": "next"}, "2026-08-06 00:00"),
        ("month", "2026-12-15", {"day": 10, "month": "next"}, "2027-01-11 00:00"),
        # JK-20: the 30th, or the last day of February.
        ("month", "2026-07-15", {"day": 30, "month": "same"}, "2026-07-31 00:00"),
        ("month", "2026-02-15", {"day": 30, "month": "same"}, "2026-03-01 00:00"),
        ("month", "2024-02-15", {"day": 30, "month": "same"}, "2024-03-01 00:00"),
        # JK-18, JK-32: the end of the month.
        ("month", "2026-07-15", {"end": True}, "2026-08-01 00:00"),
        # QS-07: each quarter. LN-24, LN-29: each year. JK-19: each week, Monday to Sunday.
        ("quarter", "2026-08-15", {"end": True}, "2026-10-01 00:00"),
        ("quarter", "2026-08-15", {"day": 10, "month": "next"}, "2026-10-11 00:00"),
        ("year", "2026-08-15", {"end": True}, "2027-01-01 00:00"),
        ("week", "2026-07-01", {"end": True}, "2026-07-06 00:00"),
        ("week", "2026-07-01", {"weekday": 5}, "2026-07-04 00:00"),
        # JK-21: the 10th, moved when it is a day off. 10 Oct 2026 is a worked Saturday; 10 May 2026 is a
        # Sunday, so the end of Mon 11.
        ("month", "2026-09-15", {"day": 10, "month": "next", "roll_forward": True}, "2026-10-11 00:00"),
        ("month", "2026-04-15", {"day": 10, "month": "next", "roll_forward": True}, "2026-05-12 00:00"),
        # By the 1st: 1 to 7 Oct 2026 are off, so the end of Thu 8.
        ("month", "2026-09-15", {"day": 1, "month": "next", "roll_forward": True}, "2026-10-09 00:00"),
    ],
)
def test_a_period_is_due_at_the_end_of_its_day(
    every: Every, day: str, stated: dict[str, object], expected: str
) -> None:
    assert period_ends(every, day, stated).due_before == at(expected)


def test_a_rolled_due_day_says_why_and_may_be_provisional() -> None:
    # 10 Jan 2027 is a Sunday: the end of Mon 11.
    found = period_ends("month", "2026-12-15", {"day": 10, "month": "next", "roll_forward": True})

    assert found.due_before == at("2027-01-12 00:00")
    assert found.provisional
    assert [line.zh for line in found.lines] == [
        "2026-12 期，应于 2027-01-10 星期日 24:00 前",
        "遇节假日顺延至 2027-01-11 星期一 24:00",
        "2027 年放假安排尚未公布，期限暂定",
    ]
    plain = period_ends("month", "2026-12-15", {"day": 10, "month": "next"})
    assert (plain.provisional, plain.lines[0].en) == (False, "for 2026-12, by the end of Sun 10 Jan 2027")


def month_of(due: PeriodDue, period: Period) -> Month:
    return month_counted(period, period_due(due, period, OFFICE), OFFICE)


def test_a_duty_counts_in_the_month_it_falls_due_in_but_a_week_in_that_of_its_thursday() -> None:
    by_fifth = PeriodDue(day=5, month="next")
    at_end = PeriodDue(end=True)
    july, week = Period.holding("month", date(2026, 7, 1)), Period.holding("week", date(2026, 10, 1))

    assert month_of(by_fifth, july) == Month(2026, 8)
    assert month_of(at_end, july) == Month(2026, 7)
    # Mon 28 Sep to Sun 4 Oct: its Thursday is 1 Oct.
    assert (week.first, week.last) == (date(2026, 9, 28), date(2026, 10, 4))
    assert month_of(at_end, week) == Month(2026, 10)
    # Mon 27 Jul to Sun 2 Aug falls due in August, but its Thursday is 30 Jul.
    assert month_of(at_end, Period.holding("week", date(2026, 8, 1))) == Month(2026, 7)
    # Mon 29 Jun to Sun 5 Jul: its Thursday is 2 Jul.
    assert month_of(at_end, Period.holding("week", date(2026, 6, 30))) == Month(2026, 7)


def test_the_periods_of_a_month_are_named() -> None:
    assert [str(week) for week in periods_of_month("week", Month(2026, 9))] == [
        "2026-W36",
        "2026-W37",
        "2026-W38",
        "2026-W39",
    ]
    assert [str(period) for period in periods_of_month("month", Month(2026, 9))] == ["2026-09"]
    assert [str(period) for period in periods_of_month("quarter", Month(2026, 9))] == ["2026-Q3"]
    assert periods_of_month("quarter", Month(2026, 8)) == ()
    assert [str(period) for period in periods_of_month("year", Month(2026, 12))] == ["2026"]
    assert periods_of_month("year", Month(2026, 11)) == ()


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({}, "exactly one"),
        ({"end": True, "day": 5, "month": "next"}, "exactly one"),
        ({"day": 5}, "go together"),
        ({"end": True, "month": "next"}, "go together"),
        ({"day": 32, "month": "next"}, "less than or equal to 31"),
        ({"weekday": 0}, "greater than or equal to 1"),
    ],
)
def test_a_faulty_due_day_is_refused_with_the_reason(stated: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PeriodDue.model_validate(stated)


def test_a_due_day_that_its_period_lacks_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r": a week has no day of the month; use 'weekday' or 'end: true'\.$"
    ):
        period_ends("week", "2026-07-01", {"day": 5, "month": "next"})
    with pytest.raises(
        ValueError, match=r": a month has no one weekday; use 'day' with 'month', or 'end: true'\.$"
    ):
        period_ends("month", "2026-07-01", {"weekday": 5})


def test_the_window_reads_times_as_yaml_gives_them() -> None:
    from_text = OpeningWindow.model_validate({"before": "18:00", "opens": "08:00"})

    assert OpeningWindow(before=from_text.before, opens=from_text.opens) == from_text
    assert OpeningWindow.model_validate(from_text.model_dump(mode="json")) == from_text


@pytest.mark.parametrize(
    "measure",
    [f"{kind}{unit}" for kind in ("", "working_") for unit in ("minutes", "hours", "days")]
    + ["weeks", "months"],
)
def test_no_limit_is_longer_than_ten_thousand_of_its_measure(measure: str) -> None:
    assert getattr(Limit.model_validate({measure: 10_000}), measure) == 10_000
    with pytest.raises(ValidationError):
        Limit.model_validate({measure: 10_001})
    with pytest.raises(ValidationError):
        Limit.model_validate({measure: 0})
