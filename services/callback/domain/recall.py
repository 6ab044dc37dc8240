"""Calls of calls: a share is made again by somebody above, and what both heard is compared (XA-10, LN-12)."""

from datetime import datetime

from services.callback.domain.drawing import is_sampled
from services.callback.domain.task import Attempt, Matter, Status, Task
from shared.events.callback import CallbackRecalled
from shared.rulebook.schema.callback import CallbackPlan
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import due_before


def second(
    matter: Matter, task: Task, answer: Attempt, plan: CallbackPlan, calendar: WorkingCalendar
) -> Task | None:
    """Return the task of calling again after an answer; None where the sample leaves it out.

    Nobody is asked twice whose case goes on because of the first answer. The call is a check on the caller, not a
    duty of the unit: whether it is made counts in nobody's figures.
    """
    if plan.recall is None or task.first_by or answer.reopen:
        return None
    if not is_sampled(matter.complaint_id, f"{task.plan}/recall", plan.recall.ratio):
        return None
    update = {
        "closed_at": answer.at,
        "earliest": answer.at,
        "due_before": _end(plan, answer.at, calendar),
        "status": Status.OPEN,
        "ended_at": None,
        "attempts": (),
        "claim": None,
        "first_by": answer.by,
        "roles": plan.recall.by,
    }
    return task.model_copy(update=update)


def _end(plan: CallbackPlan, at: datetime, calendar: WorkingCalendar) -> datetime:
    if plan.recall is None:
        raise AssertionError  # asked before
    return due_before(plan.recall.within, at, calendar).due_before


def compared(matter: Matter, task: Task, answer: Attempt) -> CallbackRecalled | None:
    """Return what the second answer says of the first; None for a call that was no second answer."""
    first = next(
        (
            one.answer
            for one in matter.tasks
            if one.occurrence == task.occurrence and not one.first_by and one.answer
        ),
        None,
    )
    if not task.first_by or first is None or answer.satisfaction is None:
        return None
    return CallbackRecalled(
        complaint_id=matter.complaint_id,
        occurrence=task.occurrence,
        plan=task.plan,
        satisfaction=answer.satisfaction,
        satisfied=bool(answer.satisfied),
        agrees=answer.satisfied == first.satisfied,
        first_by=task.first_by,
        by=answer.by,
    )
