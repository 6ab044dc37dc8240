"""Calls: when one may be made, what its answers must hold, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from services.callback.domain.refusals import (
    NotAskedError,
    NotClosedThenError,
    OutOfOrderError,
    OutsideHoursError,
    TaskClaimedError,
    TaskDoneError,
    TooManyCallsError,
    TooSoonError,
)
from services.callback.domain.settling import settle
from services.callback.domain.task import CALLABLE, NOT_REACHED, Attempt, Claim, Matter, Outcome, Status, Task
from shared.errors import FieldProblem, InvalidInputError, KeyReusedError, RulebookGapError
from shared.events import Happened, Sealed
from shared.events.callback import CallbackAttempted, CallbackCompleted, CallbackUnreachable
from shared.rulebook.calendar import WorkingCalendar
from shared.rulebook.edition import Edition
from shared.rulebook.limits import due_before
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import CallbackPlan, Question, Questionnaire

SOLVED = "solved"
"""Question whose answer travels as a field of its own."""

_YES_NO = frozenset({"yes", "no"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its caller states it.

    Attributes:
        at: When it was made.
        account: Credential that enters it; the holder of a claim is known by it.
        key, digest: The command's idempotency key and the hash of its body.
    """

    outcome: Outcome
    at: datetime
    by: str
    account: str
    key: str
    digest: str
    satisfaction: int | None = None
    solved: bool | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    call_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Answers that fit the questionnaire: coded ones, and those in the customer's own words."""

    coded: Mapping[str, str]
    words: Mapping[str, str]


def questionnaire_of(task: Task, edition: Edition) -> Questionnaire:
    """Return what is asked in ``task``. Raises ``RulebookGapError`` where the plan names none."""
    day = edition.calendar.local_day(task.closed_at)
    rules = edition.on(day)
    name = _plan_of(task, edition).questionnaire
    found = rules.callback.questionnaires.get(name)
    if found is None:
        raise RulebookGapError(group=edition.group, on=day.isoformat(), key=f"callback.questionnaires.{name}")
    return found


def check(call: Call, questionnaire: Questionnaire) -> Checked:
    """Check what a call states against what is asked.

    Raises:
        InvalidInputError: Names each field and its reason. Nothing was stored.
    """
    problems = list(_misplaced(call))
    asked = questionnaire.questions if call.outcome is Outcome.COMPLETED else {}
    coded, words = dict[str, str](), dict[str, str]()
    for name, question in _others(asked).items():
        given = call.answers.get(name, "")
        reason = _fault(question, given)
        if reason:
            problems.append(FieldProblem(f"answers.{name}", reason))
        elif given:
            (words if question.kind == "text" else coded)[name] = given
    if asked:
        problems.extend(_missing(call, asked))
    if problems:
        names = ", ".join(problem.field for problem in problems)
        raise InvalidInputError(
            f"Nothing was stored. Correct these fields and send the call again: {names}.", problems
        )
    return Checked(coded, words)


def answered(matter: Matter, key: str, digest: str) -> tuple[Task, Attempt] | None:
    """Return what a key was answered before; None: it is new.

    Raises:
        KeyReusedError: It came with another body.
    """
    for task in matter.tasks:
        for one in task.attempts:
            if one.key != key:
                continue
            if one.digest != digest:
                msg = "This idempotency key was used for another call. Send each call under a key of its own."
                raise KeyReusedError(msg)
            return task, one
    return None


def attempt(
    matter: Matter, call: Call, checked: Checked, sealed: Sealed | None, edition: Edition, now: datetime
) -> tuple[Matter, Attempt, list[Happened]]:
    """Record a call. What silence said up to the moment of the call is settled first.

    Args:
        sealed: The customer's own words, sealed.
        edition: The one that the task was closed under.
        now: Claims run by it; everything else is judged by the call's own moment.

    Raises:
        ConflictError: The call may not be made then, or the task is over; the message says what to do.
    """
    matter, happened = settle(matter, call.at)
    task = _open_task(matter, call.at)
    if task.held_by_another(call.account, now):
        msg = "Another caller holds this task. Take the next one: POST /v1/tasks/claim."
        raise TaskClaimedError(msg)
    _check_moment(task, call, edition)
    plan = _plan_of(task, edition)
    one = Attempt(
        number=len(task.attempts) + 1,
        outcome=call.outcome,
        by=call.by,
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
    events = [Happened(event, call.at, task.unit) for event in _told(matter, done, one)]
    return matter.with_task(done), one, [*happened, *events]


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


def claim(matter: Matter, account: str, now: datetime, lasts: timedelta) -> Matter | None:
    """Give the task of the last closing to a caller for a while; None: it is not free for them now."""
    task = matter.current
    if task is None or task.status is not Status.OPEN or task.due_before <= now or matter.ending_of(task):
        return None
    if task.held_by_another(account, now):
        return None
    unclaimed = task.model_copy(update={"claim": None})
    if unclaimed.free_from > now:
        return None
    return matter.with_task(unclaimed.model_copy(update={"claim": Claim(by=account, until=now + lasts)}))


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
    day = calendar.local_day(call.at)
    today = sum(calendar.local_day(one.at) == day for one in task.attempts)
    most = min((hours.per_day for hours in rules.callback.hours.values()), default=today + 1)
    if today >= most:
        msg = f"This customer was called {today} times today, the most that is allowed. Call again tomorrow."
        raise TooManyCallsError(msg)
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
    return edition.on(edition.calendar.local_day(task.closed_at)).callback.plans[task.plan]


def _status_after(task: Task, one: Attempt) -> Status:
    if one.outcome is Outcome.COMPLETED:
        return Status.COMPLETED
    if one.outcome is Outcome.REFUSED:
        return Status.REFUSED
    if one.outcome in NOT_REACHED and task.not_reached + 1 >= task.wanted:
        return Status.UNREACHABLE
    return task.status


def _told(
    matter: Matter, task: Task, one: Attempt
) -> list[CallbackAttempted | CallbackCompleted | CallbackUnreachable]:
    complaint_id, occurrence = matter.complaint_id, task.occurrence
    told: list[CallbackAttempted | CallbackCompleted | CallbackUnreachable] = [
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
    return told


# --- what a call states


def _misplaced(call: Call) -> list[FieldProblem]:
    problems = []
    if call.outcome is not Outcome.COMPLETED:
        given = {"satisfaction": call.satisfaction, SOLVED: call.solved, "answers": call.answers or None}
        problems = [
            FieldProblem(name, "only a completed call has answers")
            for name, value in given.items()
            if value is not None
        ]
    if call.outcome is Outcome.CALL_BACK_AT:
        if call.call_back_at is None:
            problems.append(FieldProblem("call_back_at", "say when the customer asked to be called"))
        elif call.call_back_at <= call.at:
            problems.append(FieldProblem("call_back_at", "lies after the call"))
    elif call.call_back_at is not None:
        problems.append(FieldProblem("call_back_at", "goes with the outcome 'call-back-at' only"))
    return problems


def field_of(name: str, question: Question) -> str:
    """Return where the answer to a question goes in a call: a field of its own, or one of the ``answers``."""
    if question.kind == "satisfaction":
        return "satisfaction"
    return SOLVED if name == SOLVED else f"answers.{name}"


def _others(asked: Mapping[str, Question]) -> dict[str, Question]:
    """Return the questions whose answers have no field of their own."""
    return {
        name: question for name, question in asked.items() if field_of(name, question).startswith("answers.")
    }


def _missing(call: Call, asked: Mapping[str, Question]) -> list[FieldProblem]:
    others = _others(asked)
    problems = [
        FieldProblem(f"answers.{name}", _misplaced_answer(name, asked))
        for name in call.answers
        if name not in others
    ]
    if call.satisfaction is None:
        problems.append(FieldProblem("satisfaction", "a completed call has an answer from 1 to 5"))
    if call.solved is None and SOLVED in asked and asked[SOLVED].required:
        problems.append(FieldProblem(SOLVED, "the questionnaire asks for it"))
    return problems


def _misplaced_answer(name: str, asked: Mapping[str, Question]) -> str:
    if name in asked:
        return f"goes into the field '{field_of(name, asked[name])}' of the call"
    return "the questionnaire asks no such question here"


def _fault(question: Question, given: str) -> str:
    if not given:
        return "the questionnaire asks for it" if question.required else ""
    if question.kind == "yes-no" and given not in _YES_NO:
        return "'yes' or 'no'"
    if question.kind == "choice" and given not in question.choices:
        return f"one of: {', '.join(question.choices)}"
    return ""
