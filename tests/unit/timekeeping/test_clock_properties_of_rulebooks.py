"""What holds of clocks under every limit that a real rulebook sets, in its own calendar."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from jiandu.rulebook.coverage import GROUPS
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.clocks import Paused, Resumed, Started, Stopped, evaluate
from shared.timekeeping.limits import Limit, due_before
from tests.unit.rulebook.worked import FIELDS, edition_of
from tests.unit.timekeeping.calendars import at
from tests.unit.timekeeping.clock_events import MINUTE, MINUTES, in_order_of_starts, shifted

ALL = (*GROUPS, *FIELDS)
CALM = settings(deadline=None, max_examples=40)
STARTS = st.integers(0, 200_000).map(lambda minutes: at("2026-01-30 00:00") + MINUTE * minutes)


@cache
def limits_of(group: str) -> tuple[Limit, ...]:
    """Return every limit of a rulebook that is measured from a start."""
    rules = edition_of(group).slices[-1][1]
    found = {limit.model_dump_json(): limit for limit in inside(rules)}
    return tuple(limit for limit in found.values() if not any(part.until for part in limit.parts))


def inside(value: object) -> Iterator[Limit]:
    if isinstance(value, Limit):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from inside(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from inside(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from inside(one)


def calendar_of(group: str) -> WorkingCalendar:
    return edition_of(group).calendar


def due(group: str, limit: Limit, start: datetime, *pauses: tuple[datetime, datetime]) -> datetime:
    events = [event for since, until in pauses for event in (Paused(at=since, reason="r"), Resumed(at=until))]
    return evaluate((Started(at=start, limit=limit, source="r"), *events), calendar_of(group)).due_before


@pytest.mark.parametrize("group", ALL)
@CALM
@given(data=st.data(), start=STARTS, later=MINUTES)
def test_what_begins_later_is_never_due_earlier(
    group: str, data: st.DataObject, start: datetime, later: int
) -> None:
    """Months and opening windows are apart: see ``in_order_of_starts``."""
    limit = data.draw(st.sampled_from([one for one in limits_of(group) if in_order_of_starts(one)]))

    assert start < due(group, limit, start) <= due(group, limit, start + MINUTE * later)


@pytest.mark.parametrize("group", ALL)
@CALM
@given(data=st.data(), start=STARTS, length=MINUTES, longer=MINUTES)
def test_a_pause_gives_its_own_time_back_and_a_longer_one_never_less(
    group: str, data: st.DataObject, start: datetime, length: int, longer: int
) -> None:
    """INVARIANT: a pause moves a due moment by its length in the limit's own measure, whoever set the limit.

    What breaks it: a pause that is counted in hours where the limit runs in working time.
    """
    plain = [limit for limit in limits_of(group) if not limit.shorter_of and not limit.roll_forward]
    limit = data.draw(st.sampled_from(plain))
    calendar = calendar_of(group)
    unpaused = due_before(limit, start, calendar).due_before
    since = start + MINUTE * data.draw(st.integers(0, int((unpaused - start) / MINUTE) - 1))
    until = since + MINUTE * length

    paused = due(group, limit, start, (since, until))

    assert paused == shifted(limit, unpaused, since, until, calendar)
    assert unpaused <= paused <= due(group, limit, start, (since, until + MINUTE * longer))


@pytest.mark.parametrize("group", ALL)
@CALM
@given(data=st.data(), start=STARTS, wait=st.integers(0, 300), first=MINUTES, second=MINUTES)
def test_a_pause_cut_in_two_is_as_long_as_the_whole(
    group: str, data: st.DataObject, start: datetime, wait: int, first: int, second: int
) -> None:
    limit = data.draw(st.sampled_from(limits_of(group)))
    since = start + MINUTE * wait
    middle, until = since + MINUTE * first, since + MINUTE * (first + second)

    assert due(group, limit, start, (since, middle), (middle, until)) == due(
        group, limit, start, (since, until)
    )


@pytest.mark.parametrize("group", ALL)
@CALM
@given(data=st.data(), start=STARTS, gaps=st.lists(MINUTES, min_size=3, max_size=3), looked=MINUTES)
def test_a_reading_after_each_event_agrees_with_the_replay_of_all(
    group: str, data: st.DataObject, start: datetime, gaps: list[int], looked: int
) -> None:
    """INVARIANT: what was found late when it was looked at is what a replay of the whole history finds late.

    What breaks it: a later event that moves a deadline which had passed before it came.
    """
    limit = data.draw(st.sampled_from(limits_of(group)))
    moments = [start + MINUTE * sum(gaps[:number]) for number in range(1, 4)]
    history = (
        Started(at=start, limit=limit, source="r"),
        Paused(at=moments[0], reason="r"),
        Resumed(at=moments[1]),
        Stopped(at=moments[2]),
    )
    looked_at = start + MINUTE * looked
    known = tuple(event for event in history if event.at <= looked_at)

    seen = evaluate(known, calendar_of(group)).missed_at(looked_at)

    replayed = evaluate(history, calendar_of(group))
    assert seen is None or seen == replayed.missed_at(moments[2])
