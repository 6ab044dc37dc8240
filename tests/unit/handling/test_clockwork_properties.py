"""A case's clock, changed event by event, is what its events come to."""

from hypothesis import given, settings

from services.handling.domain.case import ClockState
from services.handling.domain.clockwork import add_event, read_events, with_events
from shared.timekeeping.clocks import ClockEvent, Started, evaluate
from tests.unit.timekeeping.calendars import OFFICE
from tests.unit.timekeeping.clock_events import histories


@settings(deadline=None)
@given(history=histories())
def test_a_clock_that_gained_its_events_one_by_one_is_the_clock_that_replayed_them(
    history: tuple[ClockEvent, ...],
) -> None:
    """INVARIANT: replay equals increment, through storage and back after every event.

    What breaks it: a field of the stored clock that is changed beside its events.
    """
    start, *rest = history
    assert isinstance(start, Started)
    blank = ClockState(name="facts", started_at=start.at, due=start.at)
    clock = with_events(blank, (start,), OFFICE)
    for event in rest:
        stored = clock.model_dump(mode="json", exclude_defaults=True)
        clock = add_event(ClockState.model_validate(stored), event, OFFICE)

    assert clock == with_events(blank, history, OFFICE)
    assert evaluate(read_events(clock), OFFICE) == evaluate(history, OFFICE)
    reading = evaluate(history, OFFICE)
    assert (clock.due, clock.ended_at, clock.paused_since) == (
        reading.due_before,
        reading.ended_at,
        reading.paused_since,
    )
