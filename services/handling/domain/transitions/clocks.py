"""What a case is after a deadline passed or a clock was changed, and after somebody was told of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.handling.domain.alerts import alert_key
from services.handling.domain.case import Agreement, Asked, Case, ClockState, Notice, Pause
from services.handling.domain.clockwork import add_event, read_events, with_events
from services.handling.domain.deadlines import to_take_back
from services.handling.domain.transitions import Transition
from shared.events import Event, handling
from shared.rulebook.steps import CaseRules
from shared.timekeeping.clocks import Extended, Paused, Resumed


def _missed(case: Case, event: handling.DeadlineMissed, _: datetime, __: CaseRules) -> Case:
    clock = case.clock(event.clock)
    if clock is None:
        return case
    told = {**clock.told, event.occurrence: event.due_before}
    return case.with_clock(clock.model_copy(update={"told": told}))


def _cleared(case: Case, event: handling.DeadlineCleared, _: datetime, __: CaseRules) -> Case:
    clock = case.clock(event.clock)
    if clock is None or event.reason == "answered-by-another":  # then it is told of the other next
        return case
    name = "revoked" if event.reason == "begun-again" else "told"
    left = {
        occurrence: due for occurrence, due in getattr(clock, name).items() if occurrence != event.occurrence
    }
    clock = clock.model_copy(update={name: left})
    if clock.void and not to_take_back(case, clock):
        return case.with_(clocks=tuple(one for one in case.clocks if one.name != clock.name))
    return case.with_clock(clock)


def _asked(case: Case, event: handling.ExtensionAsked, at: datetime, _: CaseRules) -> Case:
    return case.with_(
        asked=(*case.asked, Asked(step=event.step, occurrence=event.occurrence, at=at, by=event.by))
    )


def _clock_changed(case: Case, event: handling.ClockChanged, at: datetime, law: CaseRules) -> Case:
    if event.change == "agreed":
        due, occurrence = (event.ends or event.due_before), case.occurrence_of(event.clock)
        one = Agreement(step=event.clock, occurrence=occurrence, at=at, due_before=due or at, by=event.by)
        return case.with_(agreements=(*case.agreements, one))
    clock = case.clock(event.clock)
    if clock is None or not clock.runs:
        return case
    return _CHANGES[event.change](case, clock, event, at, law)


def _extended(
    case: Case, clock: ClockState, event: handling.ClockChanged, at: datetime, law: CaseRules
) -> Case:
    until = event.ends or event.due_before or clock.due
    extended = Extended(at=at, until=until, approval=event.approved_by, asked_at=event.asked_at)
    clock = add_event(clock, extended, law.calendar)
    case = case.with_clock(clock.model_copy(update={"extended": clock.extended + 1}))
    if event.asked_at is None:
        return case
    answered = (clock.step, clock.occurrence, event.asked_at)
    return case.with_(
        asked=tuple(
            one.model_copy(update={"granted": True})
            if (one.step, one.occurrence, one.at) == answered
            else one
            for one in case.asked
        )
    )


def _paused(
    case: Case, clock: ClockState, event: handling.ClockChanged, at: datetime, law: CaseRules
) -> Case:
    if clock.due <= at:
        # Under other rules the deadline had passed, and nothing moves it any more.
        return case
    reason = event.reason.partition(": ")[0]
    clock = add_event(clock, Paused(at=at, reason=reason), law.calendar)
    if event.ends:
        clock = add_event(clock, Resumed(at=event.ends), law.calendar)
    names: tuple[str, ...] = (clock.name,)
    earlier = case.pauses
    if earlier and (earlier[-1].at, earlier[-1].reason, earlier[-1].ends) == (at, reason, event.ends):
        names, earlier = (*earlier[-1].clocks, clock.name), earlier[:-1]  # one pause of several clocks
    record = Pause(at=at, reason=reason, clocks=names, ends=event.ends)
    return case.with_clock(clock).with_(pauses=(*earlier, record))


def _resumed(case: Case, clock: ClockState, _: handling.ClockChanged, at: datetime, law: CaseRules) -> Case:
    if not any(clock.name in one.clocks and (one.ends is None or one.ends >= at) for one in case.pauses):
        return case
    # Now, instead of when it was planned to.
    kept = [event for event in read_events(clock) if not (isinstance(event, Resumed) and event.at > at)]
    ended = tuple(one.model_copy(update={"ends": at}) if one.stands_at(at) else one for one in case.pauses)
    return case.with_clock(with_events(clock, (*kept, Resumed(at=at)), law.calendar)).with_(pauses=ended)


_CHANGES: Mapping[str, Callable[[Case, ClockState, Any, datetime, CaseRules], Case]] = {
    "extended": _extended,
    "paused": _paused,
    "resumed": _resumed,
}


def _alerted(case: Case, event: handling.AlertRaised, at: datetime, _: CaseRules) -> Case:
    notice = Notice(
        alert=event.alert,
        at=at,
        roles=event.to,
        unit=event.to_unit,
        clock=event.clock,
        due_before=event.due_before,
        late=event.late,
    )
    case = case.with_(notices=(*case.notices, notice))
    if not event.clock or event.due_before is None:
        return case
    key = alert_key(event.alert, event.clock, event.occurrence)
    return case.with_(alerted={**case.alerted, key: event.due_before})


TRANSITIONS: Mapping[type[Event], Transition] = {
    handling.DeadlineMissed: _missed,
    handling.DeadlineCleared: _cleared,
    handling.ExtensionAsked: _asked,
    handling.ClockChanged: _clock_changed,
    handling.AlertRaised: _alerted,
}
