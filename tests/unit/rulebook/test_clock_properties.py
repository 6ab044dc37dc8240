"""What holds of every clock, whatever happened to it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.rulebook.clocks import (
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
    Verdict,
    evaluate,
)
from shared.rulebook.limits import Limit, due_before
from tests.unit.rulebook.calendars import OFFICE, at
from tests.unit.rulebook.clock_events import read

MINUTE = timedelta(minutes=1)
STORED: TypeAdapter[tuple[ClockEvent, ...]] = TypeAdapter(tuple[ClockEvent, ...])

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


@given(history=histories(), data=st.data())
def test_the_order_of_recording_and_the_way_through_storage_change_nothing(
    history: tuple[ClockEvent, ...], data: st.DataObject
) -> None:
    """INVARIANT: a replay from stored events, however late they came, equals the reading as it happened.

    What breaks it: state kept beside the events, or a fold in the order of arrival.
    """
    as_it_happened = evaluate(history, OFFICE)
    as_recorded = data.draw(st.permutations(history))

    stored = STORED.validate_json(STORED.dump_json(tuple(as_recorded)))

    assert sorted(stored, key=lambda event: event.at) == list(history)
    assert evaluate(stored, OFFICE) == as_it_happened
    assert Reading.model_validate_json(as_it_happened.model_dump_json()) == as_it_happened
    assert Reading.model_validate(as_it_happened.model_dump(mode="json")) == as_it_happened


@given(history=histories(), later=MINUTES)
def test_a_miss_is_known_for_good_and_only_from_its_moment(
    history: tuple[ClockEvent, ...], later: int
) -> None:
    reading = evaluate(history, OFFICE)
    now = history[-1].at

    missed = reading.missed_at(now)

    assert missed in {None, reading.due_before}
    assert (missed is not None) == (reading.verdict(now) is Verdict.MISSED)
    assert missed is None or reading.missed_at(now + MINUTE * later) == missed
    assert reading.sweep_at in {None, reading.due_before}


@given(history=histories())
def test_no_clock_is_missed_by_standing_still(history: tuple[ClockEvent, ...]) -> None:
    """INVARIANT: when a pause ends, a clock that was in time before it still has time left.

    What breaks it: rounding the sum of pauses to a day's end, or counting a pause in another measure than
    that in which the clock stands.
    """
    reading = evaluate(history, OFFICE)
    resumed_at = history[-1].at + MINUTE * 4_321

    was_in_time = reading.paused_since is not None and reading.missed_at(resumed_at) is None
    after = evaluate((*history, Resumed(at=resumed_at)), OFFICE) if was_in_time else None

    assert after is None or after.due_before > resumed_at


def shifted(limit: Limit, due: datetime, since: datetime, until: datetime) -> datetime:
    """What the limit's own measure says of a pause, in the calendar's words."""
    if limit.working_hours or limit.working_minutes:
        return OFFICE.add_working_time(due, OFFICE.working_time_between(since, until))
    if limit.working_days:
        return OFFICE.add_working_day_time(due, OFFICE.working_day_time_between(since, until))
    return due + (until - since)


@given(limit=PLAIN_LIMITS, start=st.integers(0, 40_000), wait=st.integers(0, 600), length=MINUTES)
def test_a_pause_shifts_the_due_moment_by_its_length_in_the_limits_measure(
    limit: Limit, start: int, wait: int, length: int
) -> None:
    begun = STARTED_AT + MINUTE * start
    due = due_before(limit, begun, OFFICE).due_before
    since = min(begun + MINUTE * wait, due - MINUTE)
    until = since + MINUTE * length

    reading = read(
        Started(at=begun, limit=limit, source="JK-02"), Paused(at=since, reason="r"), Resumed(at=until)
    )

    assert reading.due_before == shifted(limit, due, since, until)
    assert reading.due_before > until


@given(limit=LIMITS, start=st.integers(0, 40_000), cuts=st.lists(MINUTES, min_size=3, max_size=3))
def test_two_pauses_that_touch_are_one(limit: Limit, start: int, cuts: Sequence[int]) -> None:
    begun = STARTED_AT + MINUTE * start
    since = begun + MINUTE * (cuts[0] % 300)
    middle = since + MINUTE * cuts[1]
    until = middle + MINUTE * cuts[2]
    opening = Started(at=begun, limit=limit, source="JK-02")

    once = read(opening, Paused(at=since, reason="r"), Resumed(at=until))
    twice = read(
        opening,
        Paused(at=since, reason="r"),
        Resumed(at=middle),
        Paused(at=middle, reason="r"),
        Resumed(at=until),
    )

    assert twice.due_before == once.due_before
