"""What holds of every clock, whatever happened to it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.timekeeping.clocks import (
    ClockEvent,
    Extended,
    Paused,
    Reading,
    Resumed,
    Started,
    Stopped,
    Verdict,
    evaluate,
)
from shared.timekeeping.limits import Limit, due_before
from tests.unit.timekeeping.calendars import OFFICE
from tests.unit.timekeeping.clock_events import (
    LIMITS,
    MINUTE,
    MINUTES,
    PLAIN_LIMITS,
    STARTED_AT,
    histories,
    in_order_of_starts,
    read,
    shifted,
)

CALM = settings(deadline=None)
"""The first to ask builds the calendar's tables, however fast the machine is."""

STORED: TypeAdapter[tuple[ClockEvent, ...]] = TypeAdapter(tuple[ClockEvent, ...])


@CALM
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


@CALM
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


@CALM
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


@CALM
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

    assert reading.due_before == shifted(limit, due, since, until, OFFICE)
    assert reading.due_before > until


@CALM
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


@CALM
@given(
    limit=LIMITS.filter(in_order_of_starts),
    start=st.integers(0, 40_000),
    later=MINUTES,
    cuts=st.lists(MINUTES, min_size=2, max_size=2),
    longer=MINUTES,
)
def test_what_begins_later_or_stands_still_longer_is_never_due_earlier(
    limit: Limit, start: int, later: int, cuts: Sequence[int], longer: int
) -> None:
    """INVARIANT: clocks are monotone: neither a later start nor a longer pause takes time away.

    What breaks it: rounding a start, or a pause, down to a day.
    """
    begun, since = STARTED_AT + MINUTE * start, STARTED_AT + MINUTE * (start + later + cuts[0])
    until = since + MINUTE * cuts[1]

    def due(begins: datetime, ends: datetime) -> datetime:
        opening = Started(at=begins, limit=limit, source="JK-02")
        return read(opening, Paused(at=since, reason="r"), Resumed(at=ends)).due_before

    # An end that a pause moved onto a day off rolls to a whole working day; one that it moved onto that day itself keeps
    # its minute. So where a limit rolls, the days are in order.
    rolls = any(part.roll_forward for part in limit.parts)
    ordered: Callable[[datetime], Any] = OFFICE.closing_day if rolls else datetime.astimezone
    assert ordered(due(begun, until)) <= ordered(due(begun + MINUTE * later, until))
    assert ordered(due(begun, until)) <= ordered(due(begun, until + MINUTE * longer))


def test_a_limit_that_rolls_ends_no_day_earlier_for_a_longer_pause() -> None:
    """Three days from Tuesday 3 February 00:01 end on Friday the 6th, 24:00.

    A pause of a minute moves that to Saturday 00:01, a day off, so to Monday the 9th, 24:00; one of two days and a
    minute moves it to Monday 00:01, which is a working day and holds as it is.
    """
    begun = datetime(2026, 2, 2, 16, 1, tzinfo=UTC)
    limit = Limit(days=3, ends="day-end", roll_forward=True)

    def due(minutes: int) -> datetime:
        paused = Paused(at=begun + MINUTE * 2, reason="r"), Resumed(at=begun + MINUTE * (2 + minutes))
        return read(Started(at=begun, limit=limit, source="JK-02"), *paused).due_before

    assert due(1) == datetime(2026, 2, 9, 16, tzinfo=UTC)
    assert due(2881) == datetime(2026, 2, 8, 16, 1, tzinfo=UTC)


@CALM
@given(history=histories(), later=MINUTES)
def test_a_deed_that_comes_later_is_never_in_time_where_an_earlier_one_was_late(
    history: tuple[ClockEvent, ...], later: int
) -> None:
    running = evaluate(history, OFFICE)
    assume(not running.ended_at and not running.paused)
    moment = history[-1].at + MINUTE
    sooner = evaluate((*history, Stopped(at=moment)), OFFICE)
    afterwards = evaluate((*history, Stopped(at=moment + MINUTE * later)), OFFICE)

    assert sooner.due_before == afterwards.due_before == running.due_before
    assert sooner.missed_at(moment) is None or afterwards.missed_at(moment + MINUTE * later) is not None


@pytest.mark.parametrize("measure", ["minutes", "hours", "days", "weeks", "working_hours", "working_days"])
@CALM
@given(first=st.integers(1, 6), second=st.integers(1, 6), start=st.integers(0, 40_000))
def test_more_time_given_in_two_parts_is_as_much_as_given_at_once(
    measure: str, first: int, second: int, start: int
) -> None:
    """INVARIANT: splitting changes nothing, for time that is given as little as for time that is paused.

    What breaks it: an end that is rounded between two extensions.
    """
    begun = STARTED_AT + MINUTE * start
    opening = Started(at=begun, limit=Limit(hours=30), source="JK-02")

    def given_(*amounts: int) -> datetime:
        more = (Limit.model_validate({measure: amount}) for amount in amounts)
        return read(
            opening, *(Extended(at=begun + MINUTE, by=limit, approval="a") for limit in more)
        ).due_before

    assert given_(first, second) == given_(first + second)
