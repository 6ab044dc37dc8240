"""What an event tells of the case after it: who answered, which procedure holds, when a clock is due.

A decision drafts its events; once the case after all of them is known, this completes each. A what-if does the same
with what was told before, under another edition.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.handling.domain.case import Case
from services.handling.domain.deadlines import confirmation_clock, next_due
from shared.events import Event, Happened
from shared.events.handling import (
    CaseClosed,
    CaseOpened,
    CaseReclassified,
    CaseReopened,
    CaseResolved,
    ClockChanged,
    FindingMade,
    FindingProposed,
    StepCompleted,
)


def event_of(case: Case, draft: Happened) -> Happened:
    """Return an event as it is told: with what ``case``, after it, says, and who answered at its moment."""
    event, charge = draft.event, case.charge_at(draft.time)
    named = {
        "department": getattr(event, "department", "") or charge.department,
        "person": getattr(event, "person", "") or charge.person,
    }
    told = event.model_copy(update={**derived(case, event, draft.time), **named})
    return Happened(told, draft.time, charge.unit)


def derived(case: Case, event: Event, at: datetime) -> dict[str, Any]:
    """Return the fields of an event that follow from the case after it."""
    of = _DERIVED.get(type(event))
    return of(case, event, at) if of else {}


def as_ended(case: Case) -> dict[str, Any]:
    """Return what the end of a case tells of it: callback chooses its plan by that."""
    return {
        "occurrence": case.occurrence,
        "kind": case.kind,
        "class_": case.class_,
        "validity": case.validity,
        "way": case.way,
        "outcome": case.outcome,
        "procedure": case.procedure,
        "channel": case.channel,
        "grade": case.grade,
        "tier": case.tier,
        "service": case.service,
        "flags": tuple(case.flags),
        "customer": case.customer,
        "problem_user": case.problem_user,
        "imported": case.imported,
    }


def _opened(case: Case, _: CaseOpened, __: datetime) -> dict[str, Any]:
    return {"procedure": case.procedure, "grade": case.grade, "tier": case.tier, "next_due": next_due(case)}


def _step(case: Case, event: StepCompleted, at: datetime) -> dict[str, Any]:
    clock = case.clock(event.step)
    runs = clock is not None and clock.occurrence == event.occurrence and not clock.void
    due = clock.due if clock and runs else None
    upcoming = [one.due for one in case.clocks if one.runs and one.occurrence not in one.told]
    return {
        "clock": event.step if due else "",
        "due_before": due,
        "in_time": at < due if due else None,
        "next_due": min(upcoming, default=None),
    }


def _proposed(case: Case, _: FindingProposed, __: datetime) -> dict[str, Any]:
    clocks = (case.clock(confirmation_clock(key)) for key in case.findings[-1].awaits)
    confirm_before = min((clock.due for clock in clocks if clock), default=None)
    return {"procedure": case.procedure, "grade": case.grade, "confirm_before": confirm_before}


def _as_graded(case: Case, _: FindingMade | CaseReclassified, __: datetime) -> dict[str, Any]:
    return {"procedure": case.procedure, "grade": case.grade, "tier": case.tier}


def _changed(case: Case, event: ClockChanged, _: datetime) -> dict[str, Any]:
    clock = case.clock(event.clock)
    return {"due_before": clock.due if clock else None}


_DERIVED: Mapping[type[Event], Callable[[Case, Any, datetime], dict[str, Any]]] = {
    CaseOpened: _opened,
    StepCompleted: _step,
    FindingProposed: _proposed,
    FindingMade: _as_graded,
    CaseReclassified: _as_graded,
    CaseReopened: lambda case, _, __: {"occurrence": case.occurrence},
    CaseResolved: lambda case, _, __: as_ended(case),
    CaseClosed: lambda case, _, __: as_ended(case),
    ClockChanged: _changed,
}
