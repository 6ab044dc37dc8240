"""The words of explanations, in Chinese and English."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from shared.timekeeping.base_types import Line, within_time
from shared.timekeeping.calendar import DAY, DayOfYear, WorkingCalendar

_WEEKDAYS_ZH = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MEASURES = {
    "minutes": ("分钟", "minute"),
    "hours": ("小时", "hour"),
    "days": ("日", "day"),
    "weeks": ("周", "week"),
    "months": ("个月", "month"),
    "working_minutes": ("个工作分钟", "working minute"),
    "working_hours": ("个工作小时", "working hour"),
    "working_days": ("个工作日", "working day"),
}


def say_day(day: date) -> Line:
    """Show a day with its weekday."""
    weekday = day.weekday()
    return Line(
        zh=f"{day.isoformat()} {_WEEKDAYS_ZH[weekday]}",
        en=f"{_WEEKDAYS_EN[weekday]} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}",
    )


def say_days(first: date, last: date) -> Line:
    """Show a run of days; a single day with its weekday."""
    if first == last:
        return say_day(first)
    return Line(
        zh=f"{first.isoformat()} 至 {last.isoformat()}", en=f"{say_day(first).en} to {say_day(last).en}"
    )


def say_amount(measure: str, amount: int) -> Line:
    """Show an amount of a measure, for example 16 working hours."""
    zh, en = _MEASURES[measure]
    return Line(zh=f"{amount} {zh}", en=f"{amount} {en}{'' if amount == 1 else 's'}")


def say_duration(duration: timedelta) -> Line:
    """Show a duration in hours, minutes and seconds, leaving out what is zero."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "小时", "h"), (minutes, "分", "min"), (seconds, "秒", "s")]
    shown = [part for part in parts if part[0]] or [(0, "分", "min")]
    return Line(
        zh=" ".join(f"{number} {zh}" for number, zh, _ in shown),
        en=" ".join(f"{number} {en}" for number, _, en in shown),
    )


@within_time
def say_moment(instant: datetime, calendar: WorkingCalendar) -> Line:
    """Show an instant in the zone, to the minute, or to the second where it has seconds."""
    local = instant.astimezone(calendar.zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    day = say_day(local.date())
    return Line(zh=f"{day.zh} {clock}", en=f"{day.en} {clock}")


def say_due(due_before: datetime, calendar: WorkingCalendar) -> Line:
    """Show a due moment; midnight is shown as 24:00 of the day that it closes."""
    if due_before != calendar.end_of_closing_day(due_before):
        return say_moment(due_before, calendar)
    day = say_day(calendar.closing_day(due_before))
    return Line(zh=f"{day.zh} 24:00", en=f"{day.en} 24:00")


def say_named_days(days: Sequence[DayOfYear]) -> tuple[Line, ...]:
    """Show days of the day tables, in order, as runs: off for a holiday, or worked for one."""
    runs: list[list[DayOfYear]] = []
    for day in days:
        follows = bool(runs) and runs[-1][-1].day + DAY == day.day
        if follows and (runs[-1][-1].holiday, runs[-1][-1].is_working) == (day.holiday, day.is_working):
            runs[-1].append(day)
        else:
            runs.append([day])
    return tuple(_say_run(run) for run in runs)


def _say_run(run: Sequence[DayOfYear]) -> Line:
    days = say_days(run[0].day, run[-1].day)
    holiday = run[0].holiday
    zh, en = (holiday.holiday, holiday.holiday_en) if holiday else ("", "")
    if run[0].is_working:
        return Line(zh=f"{days.zh} 调休上班（{zh}）", en=f"{days.en} is worked ({en})")
    return Line(zh=f"{days.zh} {zh}放假", en=f"{days.en} off ({en})")


def say_provisional(year: int) -> Line:
    """Say that a year's day table is not official yet."""
    return Line(
        zh=f"{year} 年放假安排尚未公布，期限暂定",
        en=f"the holidays of {year} are not published yet, so the date is provisional",
    )
