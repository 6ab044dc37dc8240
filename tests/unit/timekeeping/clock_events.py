"""Clock events as the tests write them down."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.clocks import (
    Agreed,
    Cancelled,
    ClockEvent,
    Extended,
    Paused,
    Reading,
    Restarted,
    Resumed,
    Retargeted,
    Started,
    Stopped,
    evaluate,
)
from shared.timekeeping.limits import Limit, OpeningWindow
from tests.unit.timekeeping.calendars import OFFICE, at

MINUTE = timedelta(minutes=1)

LIMITS = st.sampled_from(
    [
        Limit(hours=24),
        Limit(hours=200),
        Limit(days=3),
        Limit(days=3, ends="day-end"),
        Limit(days=3, ends="day-end", roll_forward=True),
        Limit(months=1),
        Limit(same_day=True),
        Limit(working_hours=10),
        Limit(working_minutes=900),
        Limit(working_days=2),
        Limit(working_days=2, counts_from="next-day"),
        Limit(shorter_of=(Limit(hours=30), Limit(working_hours=8))),
    ]
)
PLAIN_LIMITS = LIMITS.filter(lambda limit: not limit.shorter_of and not limit.roll_forward)
MINUTES = st.integers(1, 3_000)


def in_order_of_starts(limit: Limit) -> bool:
    """Say whether a later start can never be due earlier.

    Months are apart: 30 Jan 10:00 and 31 Jan 09:00 both end on 28 Feb, at their own time of day. So is the opening
    window, where the regulation itself lets an early morning overtake the evening before (LN-05).
    """
    if limit.shorter_of:
        return all(in_order_of_starts(part) for part in limit.parts)
    own_time = limit.months is not None and limit.ends == "instant" and limit.counts_from == "start"
    return not own_time and not isinstance(limit.counts_from, OpeningWindow)


STARTED_AT = at("2026-01-30 00:00")


@st.composite
def histories(draw: st.DrawFn) -> tuple[ClockEvent, ...]:
    """A clock's life, every event at a moment of its own."""
    moment = STARTED_AT + MINUTE * draw(st.integers(0, 40_000))
    events: list[ClockEvent] = [Started(at=moment, limit=draw(LIMITS), source="JK-02")]
    state = "running"
    for _ in range(draw(st.integers(0, 8))):
        moment += MINUTE * draw(MINUTES)
        choices = {
            "running": ["pause", "extend", "agree", "retarget", "stop", "cancel"],
            "paused": ["resume", "resume", "extend", "agree", "retarget", "stop"],
            "ended": ["restart", "retarget", "stop"],
        }
        state, event = an_event(draw, draw(st.sampled_from(choices[state])), moment, state)
        events.append(event)
    return tuple(events)


def an_event(draw: st.DrawFn, choice: str, moment: datetime, state: str) -> tuple[str, ClockEvent]:
    far = moment + MINUTE * draw(MINUTES)
    events: dict[str, tuple[str, ClockEvent]] = {
        "pause": ("paused", Paused(at=moment, reason="r")),
        "resume": ("running", Resumed(at=moment)),
        "extend": (state, Extended(at=moment, by=Limit(days=1), approval="a")),
        "agree": (state, Agreed(at=moment, due_before=far, by="b")),
        "retarget": (state, Retargeted(at=moment, limit=draw(LIMITS), source="JK-03")),
        "restart": ("running", Restarted(at=moment)),
        "stop": ("ended", Stopped(at=moment)),
        "cancel": ("ended", Cancelled(at=moment)),
    }
    return events[choice]


def a_start(limit: Limit, moment: str, source: str = "JK-02") -> Started:
    return Started(at=at(moment), limit=limit, source=source)


def paused(moment: str) -> Paused:
    return Paused(at=at(moment), reason="客户出差")


def resumed(moment: str) -> Resumed:
    return Resumed(at=at(moment))


def stopped(moment: str) -> Stopped:
    return Stopped(at=at(moment))


def read(*events: ClockEvent) -> Reading:
    return evaluate(events, OFFICE)


def shifted(
    limit: Limit, due: datetime, since: datetime, until: datetime, calendar: WorkingCalendar
) -> datetime:
    """What the limit's own measure says of a pause, in the calendar's words."""
    if limit.working_hours or limit.working_minutes:
        return calendar.add_working_time(due, calendar.working_time_between(since, until))
    if limit.working_days:
        return calendar.add_working_day_time(due, calendar.working_day_time_between(since, until))
    return due + (until - since)
