"""What the events of others do to a matter. Indifferent to order and repetition.

A closing opens a task by the plan of its own day; a re-opening or withdrawal ends it, whichever arrives
first here.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from services.callback.domain.refusals import PlanUnclearError
from services.callback.domain.task import CALLABLE, Box, Ending, Matter, Status, Task, in_order
from shared.events import Envelope, Happened, stream_of
from shared.events.callback import CallbackDue, CallbackVoided
from shared.events.handling import CaseClosed, CaseReopened, CaseWithdrawn
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.edition import Edition
from shared.rulebook.limits import due_before
from shared.rulebook.schema import Match
from shared.rulebook.schema.callback import CallbackPlan

EditionOf = Callable[[str], Edition]
"""Returns an edition by hash; for an empty hash the one in force."""

FOLLOWED = frozenset(
    kind.TYPE for kind in (ComplaintRegistered, RecordAmended, CaseClosed, CaseReopened, CaseWithdrawn)
)
"""Types that change a matter. Everything else about a complaint is none of ours."""

_KNOWN_AT_CLOSING = frozenset({"kind", "class_", "validity", "way"})


def follow(matter: Matter | None, told: Envelope, edition_of: EditionOf) -> tuple[Matter, list[Happened]]:
    """Take one event in. The same event again, or in another order, leads to the same matter."""
    known = matter or Matter(complaint_id=UUID(told.subject), site=stream_of(told.source))
    match told.type:
        case ComplaintRegistered.TYPE:
            return _registered(known, told, ComplaintRegistered.model_validate(told.data)), []
        case RecordAmended.TYPE:
            return _amended(known, told, RecordAmended.model_validate(told.data)), []
        case CaseClosed.TYPE:
            return _closed(known, told, CaseClosed.model_validate(told.data), edition_of)
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


def _closed(
    matter: Matter, told: Envelope, event: CaseClosed, edition_of: EditionOf
) -> tuple[Matter, list[Happened]]:
    if any(task.occurrence == event.occurrence for task in matter.tasks):
        return matter, []
    task = _task(told, event, edition_of(told.editionhash))
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
            happened.append(Happened(event, ending.at, task.unit))
    return matter, happened


def _task(told: Envelope, event: CaseClosed, edition: Edition) -> Task:
    found = plan_for(event, edition, edition.calendar.local_day(told.time))
    closed_at = told.time
    task = Task(
        occurrence=event.occurrence,
        closed_at=closed_at,
        unit=told.unit,
        stream=stream_of(told.source),
        kind=event.kind,
        class_=event.class_,
        validity=event.validity,
        way=event.way,
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
    latest = due_before(plan.latest, closed_at, edition.calendar).due_before
    earliest = (
        due_before(plan.earliest, closed_at, edition.calendar).due_before if plan.earliest else closed_at
    )
    sampled = is_sampled(event.complaint_id, name, plan.ratio)
    return task.model_copy(
        update={
            "plan": name,
            "earliest": earliest,
            "due_before": latest,
            "month": str(edition.calendar.month_of(latest, closing=True)),
            "clause": ", ".join(plan.source),
            "wanted": plan.attempts,
            "status": Status.OPEN if sampled else Status.NOT_ASKED,
        }
    )


def plan_for(event: CaseClosed, edition: Edition, day: date) -> tuple[str, CallbackPlan] | None:
    """Return the one plan of the closing's own day that applies to a closed matter; None: no call is asked.

    Raises:
        PlanUnclearError: Two plans apply, or one asks for something that a closing does not tell.
    """
    plans = edition.on(day).callback.plans
    facts = {"kind": event.kind, "class": event.class_, "validity": event.validity, "way": event.way}
    found = []
    for name, plan in plans.items():
        unknown = [
            field
            for field in Match.model_fields
            if getattr(plan.applies, field) and field not in _KNOWN_AT_CLOSING
        ]
        if unknown:
            msg = (
                f"Rulebook '{edition.group}': 'callback.plans.{name}.applies' asks for {', '.join(unknown)}. "
                "A closing tells kind, class, validity and way: use those."
            )
            raise PlanUnclearError(msg)
        if plan.applies.holds(facts):
            found.append((name, plan))
    if len(found) > 1:
        names = " and ".join(f"'callback.plans.{name}'" for name, _ in found)
        msg = f"Rulebook '{edition.group}' on {day}: {names} both apply. Narrow 'applies' so that one does."
        raise PlanUnclearError(msg)
    return found[0] if found else None


def is_sampled(complaint_id: UUID, plan: str, ratio: Decimal) -> bool:
    """Say whether a complaint belongs to a plan's sample.

    The first 64 bits of SHA-256 over ``<plan>/<complaint id>``, as a share of 2^64, lie below the ratio. So
    everybody can draw the sample again, nobody can pick it, and a complaint closed twice stays in or out.

    Example:
        >>> is_sampled(UUID(int=1), "complaints", Decimal(1))
        True
    """
    drawn = int.from_bytes(hashlib.sha256(f"{plan}/{complaint_id}".encode()).digest()[:8], "big")
    return Fraction(drawn, 1 << 64) < Fraction(ratio)
