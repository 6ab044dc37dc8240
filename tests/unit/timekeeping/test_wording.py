"""Days, amounts and durations, as explanations say them in both languages."""

from datetime import date, timedelta

import pytest

from shared.timekeeping.wording import say_amount, say_day, say_days, say_duration


@pytest.mark.parametrize(
    ("day", "zh", "en"),
    [
        # 5 January 2026 is a Monday; each line is another month, the first seven are another weekday each.
        (date(2026, 1, 5), "2026-01-05 星期一", "Mon 5 Jan 2026"),
        (date(2026, 2, 10), "2026-02-10 星期二", "Tue 10 Feb 2026"),
        (date(2026, 3, 11), "2026-03-11 星期三", "Wed 11 Mar 2026"),
        (date(2026, 4, 9), "2026-04-09 星期四", "Thu 9 Apr 2026"),
        (date(2026, 5, 1), "2026-05-01 星期五", "Fri 1 May 2026"),
        (date(2026, 6, 6), "2026-06-06 星期六", "Sat 6 Jun 2026"),
        (date(2026, 7, 5), "2026-07-05 星期日", "Sun 5 Jul 2026"),
        (date(2026, 8, 3), "2026-08-03 星期一", "Mon 3 Aug 2026"),
        (date(2026, 9, 7), "2026-09-07 星期一", "Mon 7 Sep 2026"),
        (date(2026, 10, 5), "2026-10-05 星期一", "Mon 5 Oct 2026"),
        (date(2026, 11, 2), "2026-11-02 星期一", "Mon 2 Nov 2026"),
        (date(2026, 12, 7), "2026-12-07 星期一", "Mon 7 Dec 2026"),
    ],
)
def test_a_day_is_said_with_its_weekday_and_month(day: date, zh: str, en: str) -> None:
    said = say_day(day)

    assert (said.zh, said.en) == (zh, en)
    assert say_days(day, day) == said


def test_a_run_of_days_names_its_first_and_last() -> None:
    said = say_days(date(2026, 10, 1), date(2026, 10, 7))

    assert (said.zh, said.en) == ("2026-10-01 至 2026-10-07", "Thu 1 Oct 2026 to Wed 7 Oct 2026")


@pytest.mark.parametrize(
    ("measure", "amount", "zh", "en"),
    [
        ("minutes", 30, "30 分钟", "30 minutes"),
        ("hours", 1, "1 小时", "1 hour"),
        ("days", 3, "3 日", "3 days"),
        ("weeks", 1, "1 周", "1 week"),
        ("months", 6, "6 个月", "6 months"),
        ("working_minutes", 90, "90 个工作分钟", "90 working minutes"),
        ("working_hours", 16, "16 个工作小时", "16 working hours"),
        ("working_days", 1, "1 个工作日", "1 working day"),
    ],
)
def test_an_amount_is_said_in_its_measure(measure: str, amount: int, zh: str, en: str) -> None:
    said = say_amount(measure, amount)

    assert (said.zh, said.en) == (zh, en)


def test_a_duration_leaves_out_what_is_nothing() -> None:
    # 93 784 s = 26 × 3 600 + 3 × 60 + 4
    said = say_duration(timedelta(seconds=93_784))

    assert (said.zh, said.en) == ("26 小时 3 分 4 秒", "26 h 3 min 4 s")
    assert say_duration(timedelta(hours=2)).en == "2 h"
    assert say_duration(timedelta(0)).zh == "0 分"
