"""What the events of others do to a matter. Indifferent to order and repetition.

A closing opens a task by the plan of its own day; a re-opening or withdrawal ends it, whichever arrives
first here. A plan may count from the resolution instead, which always comes before the closing.
"""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from services.callback.domain.drawing import is_sampled
from services.callback.domain.refusals import PlanUnclearError
from services.callback.domain.task import CALLABLE, Box, Ending, Matter, Status, Task, in_order
from shared.events import Envelope, Happened, stream_of
from shared.events.callback import CallbackDue, CallbackVoided
from shared.events.handling import CaseClosed, CaseReopened, CaseResolved, CaseWithdrawn
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Match
from shared.rulebook.schema.callback import CallbackPlan
from shared.rulebook.steps import window_of

EditionOf = Callable[[str], Edition]
"""Returns an edition by hash; for an empty hash the one in force."""

FOLLOWED = frozenset(
    kind.TYPE
    for kind in (ComplaintRegistered, RecordAmended, CaseResolved, CaseClosed, CaseReopened, CaseWithdrawn)
)
"""Types that change a matter. Everything else about a complaint is none of ours."""

_KNOWN = {
    "kind": "kind",
    "class_": "class",
    "validity": "validity",
    "way": "way",
    "procedure": "procedure",
    "channel": "channel",
    "grade": "grade",
    "tier": "tier",
    "service": "service",
}
"""What a closing and a resolution tell of a case → what a condition calls it. Flags are told besides."""

Ended = CaseClosed | CaseResolved


def follow(matter: Matter | None, told: Envelope, edition_of: EditionOf) -> tuple[Matter, list[Happened]]:
    """Take one event in. The same event again, or in another order, leads to the same matter."""
    known = matter or Matter(complaint_id=UUID(told.subject), site=stream_of(told.source))
    match told.type:
        case ComplaintRegistered.TYPE:
            return _registered(known, told, ComplaintRegistered.of(told.data)), []
        case RecordAmended.TYPE:
            return _amended(known, told, RecordAmended.of(told.data)), []
        case CaseResolved.TYPE | CaseClosed.TYPE:
            kind = CaseResolved if told.type == CaseResolved.TYPE else CaseClosed
            return _over(known, told, kind.of(told.data), edition_of)
        case CaseReopened.TYPE:
            return _ended(known, Ending(at=told.time, reason="reopened"))
        case CaseWithdrawn.TYPE:
            return _ended(known, Ending(at=told.time, reason="withdrawn"))
    return known, []


def _registered(matter: Matter, told: Envelope, event: ComplaintRegistered) -> Matter:
    return matter.model_copy(
        update={
            "number": event.number,
            "origin": event.unit,
            "customer": event.customer,
            "problem_user": event.problem_user,
            "imported": event.imported,
            "boxes": in_order([*matter.boxes, Box(**_place(told), sealed=event.sealed)]),
        }
    )


def _amended(matter: Matter, told: Envelope, event: RecordAmended) -> Matter:
    if event.sealed is None:
        return matter
    boxes = in_order([*matter.boxes, Box(**_place(told), sealed=event.sealed)])
    return matter.model_copy(update={"boxes": boxes})


def _place(told: Envelope) -> dict[str, int]:
    return {"epoch": int(told.source.rsplit("/", 1)[1]), "ordinal": told.ordinal}


def _over(
    matter: Matter, told: Envelope, event: Ended, edition_of: EditionOf
) -> tuple[Matter, list[Happened]]:
    """Open the task of a resolution or of a closing, whichever the plan counts from."""
    if any(task.occurrence == event.occurrence for task in matter.tasks):
        return matter, []
    edition = edition_of(told.editionhash)
    found = plan_for(event, edition, edition.calendar.local_day(told.time))
    counts_from = found[1].after if found else "closing"
    if counts_from != _MOMENTS[event.TYPE]:
        return matter, []
    task = _task(told, event, edition, found)
    happened = []
    if task.is_required:
        due = CallbackDue(
            complaint_id=event.complaint_id,
            occurrence=task.occurrence,
            plan=task.plan,
            earliest=task.earliest,
            due_before=task.due_before,
        )
        happened.append(Happened(due, task.closed_at, task.unit))
    voided, more = _voided(matter.with_task(task))
    return voided, [*happened, *more]


def _ended(matter: Matter, ending: Ending) -> tuple[Matter, list[Happened]]:
    if ending in matter.endings:
        return matter, []
    endings = sorted([*matter.endings, ending], key=lambda one: (one.at, one.reason))
    return _voided(matter.model_copy(update={"endings": tuple(endings)}))


def _voided(matter: Matter) -> tuple[Matter, list[Happened]]:
    """End the tasks whose closing no longer stands. A window that had passed before stays missed."""
    happened = []
    for task in matter.tasks:
        ending = matter.ending_of(task)
        if ending is None or ending.at >= task.due_before:
            continue
        if task.status is Status.VOID:
            # An earlier ending arrived later. That the task is void was told; only its moment moves.
            matter = matter.with_task(task.model_copy(update={"ended_at": ending.at}))
        elif task.status in CALLABLE:
            update = {"status": Status.VOID, "ended_at": ending.at, "claim": None}
            matter = matter.with_task(task.model_copy(update=update))
            event = CallbackVoided(
                complaint_id=matter.complaint_id, occurrence=task.occurrence, reason=ending.reason
            )
            if not task.is_quiet:
                happened.append(Happened(event, ending.at, task.unit))
    return matter, happened


_MOMENTS = {CaseResolved.TYPE: "resolution", CaseClosed.TYPE: "closing"}


def _task(told: Envelope, event: Ended, edition: Edition, found: tuple[str, CallbackPlan] | None) -> Task:
    closed_at = told.time
    task = Task(
        occurrence=event.occurrence,
        closed_at=closed_at,
        unit=told.unit,
        stream=stream_of(told.source),
        **{name: getattr(event, name) for name in _KNOWN},
        flags=event.flags,
        customer=event.customer,
        problem_user=event.problem_user,
        imported=event.imported,
        edition=edition.name,
        edition_hash=edition.hash,
        correlation=told.correlationid,
        earliest=closed_at,
        due_before=closed_at,
        month=str(edition.calendar.month_of(closed_at)),
    )
    if found is None:
        return task
    name, plan = found
    window = window_of(plan, closed_at, edition.calendar)
    sampled = is_sampled(event.complaint_id, name, plan.ratio)
    return task.model_copy(
        update={
            "plan": name,
            "earliest": window.earliest,
            "due_before": window.due_before,
            "month": str(window.month),
            "clause": ", ".join(plan.source),
            "wanted": plan.attempts,
            "own_unit": plan.own_unit,
            "status": Status.OPEN if sampled else Status.NOT_ASKED,
        }
    )


def plan_for(event: Ended, edition: Edition, day: date) -> tuple[str, CallbackPlan] | None:
    """Return the one plan of the end's own day that applies to a matter; None: no call is asked.

    Raises:
        PlanUnclearError: Two plans apply, or one asks for something that a closing does not tell.
    """
    plans = edition.on(day).callback.plans
    facts = {fact: getattr(event, name) for name, fact in _KNOWN.items()}
    found = []
    for name, plan in plans.items():
        unknown = [
            field
            for field in Match.model_fields
            if getattr(plan.applies, field) and field not in {*_KNOWN, "flag"}
        ]
        if unknown:
            msg = (
                f"Rulebook '{edition.group}': 'callback.plans.{name}.applies' asks for {', '.join(unknown)}. "
                f"The end of a case tells {', '.join(_KNOWN.values())} and flag: use those."
            )
            raise PlanUnclearError(msg)
        if plan.applies.holds(facts, event.flags):
            found.append((name, plan))
    if len(found) > 1:
        names = " and ".join(f"'callback.plans.{name}'" for name, _ in found)
        msg = f"Rulebook '{edition.group}' on {day}: {names} both apply. Narrow 'applies' so that one does."
        raise PlanUnclearError(msg)
    return found[0] if found else None
