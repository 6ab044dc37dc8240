"""Changes of a clock: a date agreed with the customer, more time, a pause and its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from services.handling.domain.case import Asked, Case, ClockState, Pause, Status
from services.handling.domain.context import (
    DecisionContext,
    must_approve_for_another,
    must_be_live,
    must_be_open,
    must_have_right,
    must_know,
    must_not_precede,
)
from services.handling.domain.kinds import (
    APPROVE,
    HANDLE,
    READ,
    Command,
    Key,
    Kind,
    Offer,
    OptionalKey,
    Papers,
    Reason,
    Words,
)
from services.handling.domain.procedure import duties, is_owed, voided_by
from services.handling.domain.refusals import (
    AlreadyDoneError,
    DeadlinePassedError,
    NotInProcedureError,
    NotPermittedByRulebookError,
    TimeRefusedError,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import ClockChanged, ExtensionAsked
from shared.rulebook.schema.procedures import Extension, PauseReason
from shared.rulebook.steps import CaseRules
from shared.timekeeping.limits import due_before
from shared.values.bounds import Day, Instant


class _NewDate(Command):
    step: Key
    on: Day | None = Field(default=None, description="A day; the deadline is its end.")
    due_before: Instant | None = None

    @model_validator(mode="after")
    def _one_date(self) -> "_NewDate":
        if (self.on is None) == (self.due_before is None):
            msg = "Give either 'on' (a day) or 'due_before' (a moment)."
            raise ValueError(msg)
        return self


class AgreeDate(_NewDate):
    """Record a date fixed with the customer; it replaces the limit."""

    do: Literal["agree-date"] = "agree-date"
    evidence: Papers = Field(min_length=1)
    reason: Words = ""


def agree_date(case: Case, command: AgreeDate, context: DecisionContext) -> list[Happened]:
    """Let a date fixed with the customer replace the limit (JK-12)."""
    must_be_open(case)
    duty = duties(case, context.law).get(command.step)
    if duty is None or not is_owed(case, duty) or voided_by(case, duty):
        raise NotInProcedureError(
            f"The case owes no step '{command.step}' for which a date could be agreed. See what it owes first."
        )
    if not duty.step.agreed:
        raise NotPermittedByRulebookError(
            f"The rulebook lets no agreed date replace the limit of '{command.step}'. Keep to its deadline."
        )
    if case.done_now(command.step):
        raise AlreadyDoneError(f"The step '{command.step}' is done already. Go on with the next step.")
    due = _moment(command, context)
    clock = case.clock(command.step)
    if clock and clock.occurrence == case.occurrence_of(command.step):
        _must_not_have_passed(clock, context.at)
    reason = command.reason or "agreed with the customer"
    return [_changed(case, command.step, _Change("agreed", reason, ends=due), context)]


def _has_date_to_agree(case: Case, law: CaseRules) -> bool:
    return case.status is Status.OPEN and any(
        duty.step.agreed and is_owed(case, duty) and not case.done_now(key)
        for key, duty in duties(case, law).items()
    )


AGREE_DATE = Kind(AgreeDate, HANDLE, agree_date, Offer(30, _has_date_to_agree, needs=("evidence",)))


class AskExtension(Command):
    """Ask for more time for a step, before its deadline."""

    do: Literal["ask-extension"] = "ask-extension"
    step: Key
    reason: Reason


def ask_extension(case: Case, command: AskExtension, context: DecisionContext) -> list[Happened]:
    """Ask for more time before the deadline. Where the rulebook says so, it may then be granted after it."""
    must_be_open(case)
    rules = context.law.rules.procedures.extensions.values()
    if not any(command.step in rule.steps for rule in rules):
        raise NotPermittedByRulebookError(
            f"The rulebook grants the step '{command.step}' no extension. Keep to its deadline."
        )
    clock = _running(case, command.step)
    must_not_precede("at", context.at, clock.started_at, "the start of the clock")
    _must_not_have_passed(clock, context.at)
    if _open_request(case, clock):
        raise AlreadyDoneError(f"More time for '{command.step}' is asked for already. Ask who grants it.")
    event = ExtensionAsked(
        complaint_id=case.complaint_id,
        step=command.step,
        occurrence=clock.occurrence,
        reason=command.reason,
        by=context.by.person,
    )
    return [context.tell(event)]


def _may_be_extended(case: Case, law: CaseRules) -> bool:
    if case.status is not Status.OPEN:
        return False
    running = _running_steps(case)
    return any(running.intersection(one.steps) for one in law.rules.procedures.extensions.values())


def _running_steps(case: Case) -> set[str]:
    return {clock.step for clock in case.clocks if clock.runs and clock.step}


ASK_EXTENSION = Kind(AskExtension, HANDLE, ask_extension, Offer(40, _may_be_extended))


class Extend(_NewDate):
    """Give a step more time. The caller approves it."""

    do: Literal["extend"] = "extend"
    reason: Reason
    asked_by: OptionalKey = ""


def extend(case: Case, command: Extend, context: DecisionContext) -> list[Happened]:
    """Give a special case more time; the caller is who approves it (JK-03)."""
    must_be_open(case)
    rules = context.law.rules.procedures.extensions.values()
    rule = next((one for one in rules if command.step in one.steps), None)
    if rule is None:
        raise NotPermittedByRulebookError(
            f"The rulebook grants the step '{command.step}' no extension. Keep to its deadline."
        )
    must_have_right(context, rule.right)
    clock = _running(case, command.step)
    asked = _asked_for(case, clock, rule)
    _must_not_have_passed(clock, asked.at if asked else context.at)
    if clock.extended >= rule.times:
        raise NotPermittedByRulebookError(
            f"The step '{command.step}' was extended {clock.extended} times already, as often as the rulebook "
            "grants. Keep to its deadline."
        )
    asked_by = asked.by if asked else command.asked_by
    must_approve_for_another(case, asked_by, context)
    until = _moment(command, context)
    if until <= clock.due:
        raise TimeRefusedError(
            f"An extension must end after the present deadline, {clock.due.isoformat()}. Name a later day.",
            [FieldProblem("due_before", f"after {clock.due.isoformat()}")],
        )
    if rule.longest:
        longest = due_before(rule.longest[clock.extended], clock.due, context.law.calendar).due_before
        if until > longest:
            raise TimeRefusedError(
                f"The rulebook lets the extension number {clock.extended + 1} end at {longest.isoformat()} at the "
                "latest. Name an earlier day.",
                [FieldProblem("on" if command.on else "due_before", f"not after {longest.isoformat()}")],
            )
    must_not_precede("at", context.at, asked.at if asked else clock.started_at, "what it extends")
    change = _Change(
        "extended", command.reason, asked_by, context.by.person, until, asked.at if asked else None
    )
    return [_changed(case, command.step, change, context)]


def _open_request(case: Case, clock: ClockState) -> Asked | None:
    mine = (
        one for one in reversed(case.asked) if (one.step, one.occurrence) == (clock.step, clock.occurrence)
    )
    return next((one for one in mine if not one.granted), None)


def _asked_for(case: Case, clock: ClockState, rule: Extension) -> Asked | None:
    """Return the request that an extension answers, where it is the request that must be in time."""
    if not rule.asked_in_time:
        return None
    asked = _open_request(case, clock)
    if asked is None:
        raise NotPermittedByRulebookError(
            f"More time for '{clock.step}' is granted only where it was asked for before the deadline. "
            "Send 'ask-extension' first, while there is time."
        )
    return asked


EXTEND = Kind(Extend, APPROVE, extend, Offer(50, _may_be_extended))


class PauseClocks(Command):
    """Let clocks stand still, for a reason that the rulebook knows. Where it needs approval, the caller gives it."""

    do: Literal["pause"] = "pause"
    reason: Key = Field(description="Key of the rulebook's pauses.")
    note: Words = ""
    asked_by: OptionalKey = ""


def pause(case: Case, command: PauseClocks, context: DecisionContext) -> list[Happened]:
    """Let the clocks that a reason is for stand still, at most as long as the rulebook says.

    Where the reason needs approval, the caller is who gives it.
    """
    must_be_open(case)
    book = context.law.rules.procedures.pauses
    must_know("reason", command.reason, book)
    rule = book[command.reason]
    must_have_right(context, APPROVE if rule.needs_approval else HANDLE)
    if rule.needs_approval:
        must_approve_for_another(case, command.asked_by, context)
    running = [
        clock
        for clock in case.clocks
        if clock.runs
        and clock.step
        and (not rule.steps or clock.step in rule.steps)
        and not any(_holds(one, clock, context.at) for one in case.pauses)
        and clock.occurrence == case.occurrence_of(clock.step)
        and clock.started_at <= context.at < clock.due
    ]
    if not running:
        raise NotPermittedByRulebookError(
            f"No clock runs that '{command.reason}' could pause: it has passed, stands still already, or was "
            "not started. Go on with the next step."
        )
    ends = due_before(rule.longest, context.at, context.law.calendar).due_before if rule.longest else None
    said = f"{command.reason}: {command.note}" if command.note else command.reason
    approver = context.by.person if rule.needs_approval else ""
    change = _Change("paused", said, command.asked_by, approver, ends)
    return [_changed(case, clock.name, change, context) for clock in running]


def _pauses(case: Case, law: CaseRules) -> list[PauseReason]:
    running = _running_steps(case)
    book = law.rules.procedures.pauses.values()
    return [rule for rule in book if running.intersection(rule.steps or running)]


def _may_be_paused(case: Case, law: CaseRules) -> bool:
    return case.status is Status.OPEN and bool(_pauses(case, law))


def _right_to_pause(case: Case, law: CaseRules) -> str:
    return APPROVE if all(rule.needs_approval for rule in _pauses(case, law)) else HANDLE


PAUSE = Kind(
    PauseClocks,
    READ,  # to approve or to handle, as the rulebook says of the reason
    pause,
    Offer(60, _may_be_paused, _right_to_pause),
)


class ResumeClocks(Command):
    """Let paused clocks run again."""

    do: Literal["resume"] = "resume"
    note: Words = ""


def resume(case: Case, command: ResumeClocks, context: DecisionContext) -> list[Happened]:
    """Let the clocks that stand still run again."""
    must_be_live(case)
    standing = [one for one in case.pauses if one.stands_at(context.at)]
    if not standing:
        raise NotPermittedByRulebookError("No clock stands still. There is nothing to resume.")
    for one in standing:
        must_not_precede("at", context.at, one.at, "the pause")
    still = [
        clock
        for clock in case.clocks
        if clock.runs and any(_holds(one, clock, context.at) for one in standing)
    ]
    change = _Change("resumed", command.note or "resumed")
    return [_changed(case, clock.name, change, context) for clock in still]


def _stands_still(case: Case, _: CaseRules) -> bool:
    return case.status is Status.OPEN and any(one.stands_at(case.settled_up_to) for one in case.pauses)


RESUME = Kind(ResumeClocks, HANDLE, resume, Offer(70, _stands_still))


def _holds(one: Pause, clock: ClockState, at: datetime) -> bool:
    # What began after the pause runs; the pause was of the occurrence before.
    return one.stands_at(at) and clock.name in one.clocks and clock.started_at <= one.at


def _running(case: Case, step: str) -> ClockState:
    clock = case.clock(step)
    if clock is None or not clock.runs or clock.occurrence != case.occurrence_of(step):
        raise NotPermittedByRulebookError(
            f"No clock runs for the step '{step}'. It has not started, or the step is done."
        )
    return clock


def _must_not_have_passed(clock: ClockState, at: datetime) -> None:
    if clock.missed_by(at):
        raise DeadlinePassedError(
            f"The deadline of '{clock.name}' passed at {clock.due.isoformat()}, and the miss stands. "
            "Complete the step now."
        )


def _moment(command: AgreeDate | Extend, context: DecisionContext) -> datetime:
    calendar = context.law.calendar
    moment = calendar.end_of_day(command.on) if command.on else command.due_before
    if moment is None or moment <= context.at:
        raise TimeRefusedError(
            "The date lies before the moment at which it was fixed. Name a later one.",
            [FieldProblem("on" if command.on else "due_before", "must be later than 'at'")],
        )
    return moment


@dataclass(frozen=True, slots=True)
class _Change:
    """What is told of a change besides the clock."""

    kind: str
    reason: str
    asked_by: str = ""
    approver: str = ""
    ends: datetime | None = None
    asked_at: datetime | None = None


def _changed(case: Case, name: str, change: _Change, context: DecisionContext) -> Happened:
    event = ClockChanged(
        complaint_id=case.complaint_id,
        clock=name,
        change=change.kind,
        reason=change.reason,
        by=change.asked_by or context.by.person,
        approved_by=change.approver,
        ends=change.ends,
        asked_at=change.asked_at,
    )
    return context.tell(event)
