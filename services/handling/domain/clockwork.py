"""The clockwork: what a case wants a clock to be, and how a clock gets there event by event.

A clock only ever gains events, except that an occurrence's end, its agreed dates and its start follow the case: a deed
entered later, with an earlier time, must count from when it was done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from services.handling.domain.case import ClockState
from shared.rulebook.steps import ClockTerms
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.clocks import (
    Agreed,
    Cancelled,
    ClockEvent,
    Reading,
    Restarted,
    Resumed,
    Retargeted,
    Started,
    Stopped,
    evaluate,
)

_EVENTS: TypeAdapter[tuple[ClockEvent, ...]] = TypeAdapter(tuple[ClockEvent, ...])


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """What a clock should be, as the case stands.

    Attributes:
        terms: How the rulebook lets its present occurrence go.
        since: From when the limit is known; a limit that replaces another is told as of then.
        context: What the limit was looked up by; the same context gives the same limit under one edition.
    """

    name: str
    occurrence: int
    terms: ClockTerms
    since: datetime
    step: str = ""
    procedure: str = ""
    report: str = ""
    stop: datetime | None = None
    cancel: datetime | None = None
    agreed: tuple[Agreed, ...] = ()
    context: str = ""

    @property
    def ground(self) -> str:
        """Name everything that a clock runs by, without looking at its events."""
        dates = [f"{one.at.isoformat()}>{one.due_before.isoformat()}" for one in self.agreed]
        begin = (self.terms.start.isoformat(), self.since.isoformat())
        return "|".join((str(self.occurrence), self.procedure, self.context, *begin, *dates))

    @property
    def end(self) -> Stopped | Cancelled | None:
        """How the present occurrence ended."""
        if self.stop and (self.cancel is None or self.stop <= self.cancel):
            return Stopped(at=self.stop)
        return Cancelled(at=self.cancel) if self.cancel else None


def read_events(clock: ClockState) -> tuple[ClockEvent, ...]:
    """Return the events of a clock."""
    return _EVENTS.validate_python(clock.events)


def reading_of(clock: ClockState, calendar: WorkingCalendar) -> Reading:
    """Return what a clock comes to, with its explanation line by line."""
    return evaluate(read_events(clock), calendar)


def with_events(clock: ClockState, events: Sequence[ClockEvent], calendar: WorkingCalendar) -> ClockState:
    """Return a clock with other events, replayed."""
    reading = evaluate(events, calendar)
    return clock.model_copy(
        update={
            "events": tuple(_EVENTS.dump_python(tuple(events), mode="json")),
            "started_at": reading.started_at,
            "due": reading.due_before,
            "provisional": reading.provisional,
            "ended_at": reading.ended_at,
            "paused_since": reading.paused_since,
        }
    )


def add_event(clock: ClockState, event: ClockEvent, calendar: WorkingCalendar) -> ClockState:
    """Return a clock to which something more happened."""
    return with_events(clock, (*read_events(clock), event), calendar)


def brought_up(clock: ClockState | None, spec: ClockSpec, calendar: WorkingCalendar) -> ClockState:
    """Return the clock as it is wanted; the same object where nothing changes."""
    ground, end = spec.ground, spec.end
    seal = f"{ground}#{end.kind} {end.at.isoformat()}" if end else f"{ground}#"
    if clock and clock.seal == seal and not clock.void:
        return clock
    if clock and end and clock.seal == f"{ground}#" and _only_runs(clock) and end.at >= clock.started_at:
        # The common end of a clock: nothing moves any more, so there is nothing to replay.
        events = (*clock.events, end.model_dump(mode="json"))
        return clock.model_copy(update={"events": events, "ended_at": end.at, "seal": seal})
    return _replayed(clock, spec, seal, calendar)


def _only_runs(clock: ClockState) -> bool:
    return not clock.void and clock.events[-1]["kind"] in ("started", "restarted")


def _replayed(clock: ClockState | None, spec: ClockSpec, seal: str, calendar: WorkingCalendar) -> ClockState:
    known: tuple[ClockEvent, ...] | None = None
    start = spec.terms.start
    if clock is None or clock.void:
        told = clock.told if clock else {}
        clock = ClockState(name=spec.name, started_at=start, due=start, occurrence=spec.occurrence, told=told)
        events: tuple[ClockEvent, ...] = (spec.terms.opening,)
    else:
        known = events = read_events(clock)
        if spec.occurrence > clock.occurrence:
            events = _events_of_next(events, start, clock)
            clock = _next_occurrence(clock, spec.occurrence, start)
    events = _ended(_targeted(_opened_at(events, spec), spec), spec)
    clock = clock.model_copy(
        update={
            "step": spec.step,
            "procedure": spec.procedure,
            "report": spec.report,
            "seal": seal,
        }
    )
    return clock if events == known else with_events(clock, events, calendar)


def _next_occurrence(clock: ClockState, occurrence: int, start: datetime) -> ClockState:
    told, revoked, ended = dict(clock.told), dict(clock.revoked), clock.ended_at or start
    if clock.occurrence in told and ended < clock.due:
        # Entered late: the new occurrence began before the deadline that silence was told to have missed.
        revoked[clock.occurrence] = told.pop(clock.occurrence)
    return clock.model_copy(
        update={"occurrence": occurrence, "extended": 0, "told": told, "revoked": revoked}
    )


def _events_of_next(
    events: tuple[ClockEvent, ...], start: datetime, clock: ClockState
) -> tuple[ClockEvent, ...]:
    # A pause planned beyond the end of its occurrence has nothing left to resume.
    kept = tuple(event for event in events if not (isinstance(event, Resumed) and event.at > start))
    ended = () if clock.ended_at else (Cancelled(at=start),)
    return (*kept, *ended, Restarted(at=start))


def _opened_at(events: tuple[ClockEvent, ...], spec: ClockSpec) -> tuple[ClockEvent, ...]:
    """Move the opening of the present occurrence, where an earlier or other start turned out to be the true one."""
    index = max(at for at, event in enumerate(events) if isinstance(event, Started | Restarted))
    opening, now = events[index], events[index + 1 :]
    bounds = (
        spec.terms.start,
        spec.stop,
        spec.cancel,
        *(event.at for event in now if not _follows_case(event)),
    )
    start = min(bound for bound in bounds if bound is not None)
    if opening.at == start:
        return events
    moved: dict[str, object] = {"at": start}
    if isinstance(opening, Started) and start == spec.terms.start:
        moved["label"] = spec.terms.label
    return (*events[:index], opening.model_copy(update=moved), *now)


def _targeted(events: tuple[ClockEvent, ...], spec: ClockSpec) -> tuple[ClockEvent, ...]:
    """Let the wanted limit hold: from the start where it was known then, else as of the moment it was found."""
    target = next(event for event in reversed(events) if isinstance(event, Started | Retargeted))
    terms = spec.terms
    if (target.limit, target.source, target.moments) == (terms.limit, terms.source, terms.moments):
        return events
    index = max(at for at, event in enumerate(events) if isinstance(event, Started | Restarted))
    same = {"limit": terms.limit, "source": terms.source, "moments": terms.moments}
    opening = events[index]
    if isinstance(opening, Started) and target is opening and spec.since <= opening.at:
        return (opening.model_copy(update=same), *events[index + 1 :])
    at = max(opening.at, spec.since)
    return (*events, Retargeted.model_validate({"at": at, **same}))


def _ended(events: tuple[ClockEvent, ...], spec: ClockSpec) -> tuple[ClockEvent, ...]:
    """Add the dates that were agreed, and end the present occurrence where it ended."""
    index = max(at for at, event in enumerate(events) if isinstance(event, Started | Restarted))
    opening, now = events[index], [event for event in events[index + 1 :] if not _follows_case(event)]
    now += [agreed.model_copy(update={"at": max(agreed.at, opening.at)}) for agreed in spec.agreed]
    end = spec.end
    return (*events[: index + 1], *now, end) if end else (*events[: index + 1], *now)


def _follows_case(event: ClockEvent) -> bool:
    return isinstance(event, Stopped | Cancelled | Agreed)
