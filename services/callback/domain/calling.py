"""Calls: when one may be made, and what comes of it."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from services.callback.domain.answers import Call, Checked
from services.callback.domain.callers import Dialler, barred, check_caps, must_be_free_for
from services.callback.domain.campaigns import plan_of
from services.callback.domain.recall import compared, second
from services.callback.domain.refusals import (
    NotAskedError,
    NotClosedThenError,
    OutOfOrderError,
    OutsideHoursError,
    TaskClaimedError,
    TaskDoneError,
    TooSoonError,
)
from services.callback.domain.settling import settle
from services.callback.domain.task import (
    CALLABLE,
    CAMPAIGN,
    NOT_REACHED,
    Attempt,
    Claim,
    Matter,
    Outcome,
    Status,
    Task,
)
from shared.errors import RulebookGapError
from shared.events import Happened, Sealed
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackProblem,
    CallbackRecalled,
    CallbackUnreachable,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import CallbackPlan, Questionnaire
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import due_before
from shared.values.idempotency import must_be_same

Told = CallbackAttempted | CallbackCompleted | CallbackProblem | CallbackRecalled | CallbackUnreachable


def questionnaire_of(task: Task, edition: Edition) -> Questionnaire:
    """Return what is asked in ``task``. Raises ``RulebookGapError`` where the plan names none."""
    day = edition.calendar.local_day(task.closed_at)
    rules = edition.on(day)
    name = _plan_of(task, edition).questionnaire
    found = rules.callback.questionnaires.get(name)
    if found is None:
        raise RulebookGapError(group=edition.group, on=day.isoformat(), key=f"callback.questionnaires.{name}")
    return found


def answered(matter: Matter, key: str, digest: str) -> tuple[Task, Attempt] | None:
    """Return what a key was answered before; None: it is new.

    Raises:
        KeyReusedError: It came with another body.
    """
    for task in matter.tasks:
        for one in task.attempts:
            if one.key != key:
                continue
            must_be_same(one.digest, digest)
            return task, one
    return None


def attempt(
    matter: Matter,
    call: Call,
    checked: Checked,
    sealed: Sealed | None,
    edition: Edition,
    now: datetime,
    elsewhere: Sequence[datetime] = (),
) -> tuple[Matter, Attempt, list[Happened]]:
    """Record a call. What silence said up to the moment of the call is settled first.

    Args:
        sealed: The customer's own words, sealed.
        edition: The one that the task was closed under.
        now: Claims run by it; everything else is judged by the call's own moment.
        elsewhere: Earlier calls to the same customer about other matters.

    Raises:
        ConflictError: The call may not be made then, or the task is over; the message says what to do.
    """
    matter, happened = settle(matter, call.at)
    task = _open_task(matter, call.at)
    must_be_free_for(task, call.who)
    if task.held_by_another(call.who.account, now):
        msg = "Another caller holds this task. Take the next one: POST /v1/tasks/claim."
        raise TaskClaimedError(msg)
    _check_moment(task, call, edition)
    check_caps(matter, elsewhere, call.at, edition.at(call.at), edition.calendar)
    plan = _plan_of(task, edition)
    one = Attempt(
        number=len(task.attempts) + 1,
        outcome=call.outcome,
        by=call.who.person,
        at=call.at,
        key=call.key,
        digest=call.digest,
        status=task.status,
        satisfaction=call.satisfaction,
        solved=call.solved,
        answers=dict(checked.coded),
        sealed=sealed,
        next_from=_next_from(call, plan, edition.calendar),
    )
    if call.outcome is Outcome.COMPLETED and call.satisfaction is not None:
        satisfied, reopen = call.satisfaction >= plan.satisfied_from, call.satisfaction <= plan.reopen_at
        one = one.model_copy(update={"satisfied": satisfied, "reopen": reopen})
    status = _status_after(task, one)
    one = one.model_copy(update={"status": status})
    update = {
        "attempts": (*task.attempts, one),
        "status": status,
        "claim": None,
        "ended_at": None if status in CALLABLE else call.at,
    }
    done = task.model_copy(update=update)
    events = [Happened(event, call.at, task.unit) for event in _told(matter, done, one, checked, sealed)]
    matter = matter.with_task(done)
    again = second(matter, done, one, plan, edition.calendar) if done.answer else None
    return matter.with_task(again) if again else matter, one, [*happened, *events]


def check_hours(at: datetime, rules: Rules, calendar: WorkingCalendar) -> None:
    """Refuse a call outside the hours in which customers are called.

    Raises:
        OutsideHoursError: Names hours and clause.
    """
    day = calendar.local_day(at)
    for hours in rules.callback.hours.values():
        opens = calendar.at(day, time.fromisoformat(hours.opens))
        closes = (
            calendar.end_of_day(day)
            if hours.closes == "00:00"
            else calendar.at(day, time.fromisoformat(hours.closes))
        )
        if not opens <= at < closes:
            msg = (
                f"Customers are called from {hours.opens} and before {hours.closes} ({', '.join(hours.source)}); "
                f"this call was at {_local(at, calendar.zone)}. Call again inside these hours."
            )
            raise OutsideHoursError(msg)


def claim(matter: Matter, who: Dialler, now: datetime, lasts: timedelta) -> Matter | None:
    """Give the task of the last closing to a caller for a while; None: it is not free for them now."""
    task = matter.current
    if task is None or task.status is not Status.OPEN or task.due_before <= now or matter.ending_of(task):
        return None
    if barred(task, who) or task.held_by_another(who.account, now):
        return None
    unclaimed = task.model_copy(update={"claim": None})
    if unclaimed.free_from > now:
        return None
    return matter.with_task(unclaimed.model_copy(update={"claim": Claim(by=who.account, until=now + lasts)}))


def release(matter: Matter, account: str, now: datetime) -> Matter:
    """Give a claimed task back. Raises ``TaskClaimedError`` where another caller holds it."""
    task = matter.current
    if task is None or task.claim is None:
        return matter
    if task.held_by_another(account, now):
        msg = "Another caller holds this task; only they can give it back."
        raise TaskClaimedError(msg)
    return matter.with_task(task.model_copy(update={"claim": None}))


# --- when a call may be made


def _open_task(matter: Matter, at: datetime) -> Task:
    task = matter.task_at(at)
    if task is None:
        msg = "When this call was made the case had not been closed. Check the time of the call."
        raise NotClosedThenError(msg)
    if not task.is_required:
        why = "the sample left it out" if task.plan else "no plan of the rulebook applies to it"
        raise NotAskedError(f"No callback is asked for this closing: {why}. Nothing is to be done.")
    ending = matter.ending_of(task)
    if task.status not in CALLABLE or (ending is not None and ending.at <= at):
        _refuse_done(task, ending.reason if ending else "")
    return task


def _refuse_done(task: Task, ending: str) -> NoReturn:
    reason = (
        f"the case was {ending}"
        if ending and task.status in {*CALLABLE, Status.VOID}
        else f"it is {task.status}"
    )
    msg = f"Callback {task.occurrence} of this case has ended: {reason}. Take the next one: POST /v1/tasks/claim."
    raise TaskDoneError(msg)


def _check_moment(task: Task, call: Call, edition: Edition) -> None:
    calendar = edition.calendar
    rules = edition.at(call.at)
    if call.at < task.earliest:
        msg = f"The window opens at {_local(task.earliest, calendar.zone)} ({task.clause}). Call again then."
        raise OutsideHoursError(msg)
    check_hours(call.at, rules, calendar)
    last = task.attempts[-1] if task.attempts else None
    if last is None:
        return
    if call.at < last.at:
        msg = (
            f"Attempt {last.number} was made later than this one, at {_local(last.at, calendar.zone)}. "
            "Enter attempts in the order in which they were made."
        )
        raise OutOfOrderError(msg)
    # Only an attempt that reached nobody can be too soon: three within a minute are one.
    if (
        call.outcome in NOT_REACHED
        and last.outcome in NOT_REACHED
        and last.next_from
        and call.at < last.next_from
    ):
        msg = (
            f"Attempts lie apart ({task.clause}); the next one counts from {_local(last.next_from, calendar.zone)}. "
            "Call again then."
        )
        raise TooSoonError(msg)


def _next_from(call: Call, plan: CallbackPlan, calendar: WorkingCalendar) -> datetime | None:
    if call.outcome is Outcome.CALL_BACK_AT:
        return call.call_back_at
    if call.outcome in NOT_REACHED and plan.apart:
        return due_before(plan.apart, call.at, calendar).due_before
    return None


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


# --- what comes of it


def _plan_of(task: Task, edition: Edition) -> CallbackPlan:
    asked = edition.on(edition.calendar.local_day(task.closed_at)).callback
    if task.plan.startswith(CAMPAIGN):
        return plan_of(asked.campaigns[task.plan.removeprefix(CAMPAIGN)])
    return asked.plans[task.plan]


def _status_after(task: Task, one: Attempt) -> Status:
    if one.outcome is Outcome.COMPLETED:
        return Status.COMPLETED
    if one.outcome is Outcome.REFUSED:
        return Status.REFUSED
    if one.outcome in NOT_REACHED and task.not_reached + 1 >= task.wanted:
        return Status.UNREACHABLE
    return task.status


def _told(matter: Matter, task: Task, one: Attempt, checked: Checked, sealed: Sealed | None) -> list[Told]:
    complaint_id, occurrence = matter.complaint_id, task.occurrence
    problems: list[Told] = [
        CallbackProblem(
            complaint_id=complaint_id,
            occurrence=occurrence,
            question=found.question,
            answer=found.answer,
            kind=found.kind,
            unit=task.unit,
            by=one.by,
            sealed=None if found.answer else sealed,
        )
        for found in checked.opens
    ]
    if task.is_quiet:
        # The first call's attempts and answer are the unit's; a second is told as a comparison only. What interviews
        # say is told when their campaign ends.
        recalled = compared(matter, task, one)
        return [recalled, *problems] if recalled else []
    told: list[Told] = [
        CallbackAttempted(
            complaint_id=complaint_id,
            occurrence=occurrence,
            attempt=one.number,
            outcome=str(one.outcome),
            by=one.by,
        )
    ]
    if one.satisfaction is not None:
        told.append(
            CallbackCompleted(
                complaint_id=complaint_id,
                occurrence=occurrence,
                satisfaction=one.satisfaction,
                satisfied=bool(one.satisfied),
                solved=one.solved,
                answers=one.answers,
                sealed=one.sealed,
                reopen=one.reopen,
                problem_user=task.problem_user,
                by=one.by,
            )
        )
    elif task.status is Status.UNREACHABLE:
        told.append(
            CallbackUnreachable(complaint_id=complaint_id, occurrence=occurrence, attempts=task.not_reached)
        )
    return [*told, *problems]
