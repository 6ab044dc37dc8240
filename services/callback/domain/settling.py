"""What silence means: a window that closes speaks once, at its own moment, whoever notices first."""

from datetime import datetime

from services.callback.domain.task import Matter, Status, Task
from shared.events import Happened
from shared.events.callback import CallbackMissed, CallbackUnreachable


def settle(matter: Matter, up_to: datetime) -> tuple[Matter, list[Happened]]:
    """Close the windows that ended at or before ``up_to``. Doing it again changes nothing.

    A window in which the plan's attempts were made without an answer ends as unreachable, any other as
    missed; the event's time is the window's end, never the moment of noticing. Of a call that was to be made
    again, and of an interview, nothing is told: no unit owed it.
    """
    happened = []
    for task in matter.tasks:
        if not _waits(matter, task) or task.due_before > up_to:
            continue
        tried = len(task.attempts)
        event: CallbackUnreachable | CallbackMissed
        if tried >= task.wanted:
            event = CallbackUnreachable(
                complaint_id=matter.complaint_id, occurrence=task.occurrence, attempts=tried
            )
            update = {"status": Status.UNREACHABLE, "ended_at": task.due_before, "claim": None}
        else:
            event = CallbackMissed(
                complaint_id=matter.complaint_id,
                occurrence=task.occurrence,
                due_before=task.due_before,
                clause=task.clause,
                plan=task.plan,
            )
            update = {"status": Status.MISSED}
        matter = matter.with_task(task.model_copy(update=update))
        if not task.is_quiet:
            happened.append(Happened(event, task.due_before, task.unit))
    return matter, happened


def next_due(matter: Matter) -> datetime | None:
    """Return the next moment at which silence speaks, or None."""
    return min((task.due_before for task in matter.tasks if _waits(matter, task)), default=None)


def _waits(matter: Matter, task: Task) -> bool:
    return task.status is Status.OPEN and not matter.awaits_ending(task)
