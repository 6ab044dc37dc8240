"""Changes of a clock: a date agreed with the customer, more time, a pause and its end."""

from dataclasses import dataclass
from datetime import datetime

from services.handling.domain.case import Agreement, Asked, Case, ClockState, Pause
from services.handling.domain.clockwork import add_event, read_events, with_events
from services.handling.domain.commands import (
    APPROVE,
    HANDLE,
    AgreeDate,
    AskExtension,
    Extend,
    PauseClocks,
    ResumeClocks,
)
from services.handling.domain.deadlines import sync
from services.handling.domain.procedure import Law, duties, is_owed, voided_by
from services.handling.domain.refusals import (
    AlreadyDoneError,
    DeadlinePassedError,
    NotInProcedureError,
    NotPermittedByRulebookError,
    TimeRefusedError,
)
from services.handling.domain.scene import (
    Scene,
    must_approve_for_another,
    must_be_live,
    must_be_open,
    must_have_right,
    must_know,
    must_not_precede,
    told,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import ClockChanged, ExtensionAsked
from shared.rulebook.schema.procedures import Extension
from shared.timekeeping.clocks import Extended, Paused, Resumed
from shared.timekeeping.limits import due_before


def agree_date(case: Case, command: AgreeDate, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let a date fixed with the customer replace the limit (JK-12)."""
    must_be_open(case)
    duty = duties(case, scene.law).get(command.step)
    if duty is None or not is_owed(case, duty) or voided_by(case, duty):
        raise NotInProcedureError(
            f"The case owes no step '{command.step}' for which a date could be agreed. See what it owes first."
        )
    if not duty.step.agreed:
        raise NotPermittedByRulebookError(
            f"The rulebook lets no agreed date replace the limit of '{command.step}'. Keep to its deadline."
        )
    if case.done_in_run(command.step):
        raise AlreadyDoneError(f"The step '{command.step}' is done already. Go on with the next step.")
    due = _moment(command, scene)
    run = case.run_of(command.step)
    clock = case.clock(command.step)
    if clock and clock.occurrence == run:
        _must_not_have_passed(clock, scene.at)
    agreement = Agreement(step=command.step, run=run, at=scene.at, due_before=due, by=scene.by.person)
    case = sync(case.with_(agreements=(*case.agreements, agreement)), scene.law)
    reason = command.reason or "agreed with the customer"
    return case, [_changed(case, command.step, _Change("agreed", reason, ends=due), scene)]


def extend(case: Case, command: Extend, scene: Scene) -> tuple[Case, list[Happened]]:
    """Give a special case more time; the caller is who approves it (JK-03)."""
    must_be_open(case)
    rules = scene.law.rules.procedures.extensions.values()
    rule = next((one for one in rules if command.step in one.steps), None)
    if rule is None:
        raise NotPermittedByRulebookError(
            f"The rulebook grants the step '{command.step}' no extension. Keep to its deadline."
        )
    must_have_right(scene, rule.right)
    clock = _running(case, command.step)
    asked = _asked_for(case, clock, rule)
    _must_not_have_passed(clock, asked.at if asked else scene.at)
    if clock.extended >= rule.times:
        raise NotPermittedByRulebookError(
            f"The step '{command.step}' was extended {clock.extended} times already, as often as the rulebook "
            "grants. Keep to its deadline."
        )
    asked_by = asked.by if asked else command.asked_by
    must_approve_for_another(case, asked_by, scene)
    until = _moment(command, scene)
    if until <= clock.due:
        raise TimeRefusedError(
            f"An extension must end after the present deadline, {clock.due.isoformat()}. Name a later day.",
            [FieldProblem("due_before", f"after {clock.due.isoformat()}")],
        )
    if rule.longest:
        longest = due_before(rule.longest[clock.extended], clock.due, scene.law.calendar).due_before
        if until > longest:
            raise TimeRefusedError(
                f"The rulebook lets the extension number {clock.extended + 1} end at {longest.isoformat()} at the "
                "latest. Name an earlier day.",
                [FieldProblem("on" if command.on else "due_before", f"not after {longest.isoformat()}")],
            )
    must_not_precede("at", scene.at, asked.at if asked else clock.started_at, "what it extends")
    extended = Extended(
        at=scene.at, until=until, approval=scene.by.person, asked_at=asked.at if asked else None
    )
    clock = add_event(clock, extended, scene.law.calendar)
    case = case.with_clock(clock.model_copy(update={"extended": clock.extended + 1}))
    if asked:
        granted = asked.model_copy(update={"granted": True})
        case = case.with_(asked=tuple(granted if one is asked else one for one in case.asked))
    told_ = _Change("extended", command.reason, asked_by, scene.by.person, until, asked.at if asked else None)
    return case, [_changed(case, command.step, told_, scene)]


def ask_extension(case: Case, command: AskExtension, scene: Scene) -> tuple[Case, list[Happened]]:
    """Ask for more time before the deadline. Where the rulebook says so, it may then be granted after it."""
    must_be_open(case)
    rules = scene.law.rules.procedures.extensions.values()
    if not any(command.step in rule.steps for rule in rules):
        raise NotPermittedByRulebookError(
            f"The rulebook grants the step '{command.step}' no extension. Keep to its deadline."
        )
    clock = _running(case, command.step)
    must_not_precede("at", scene.at, clock.started_at, "the start of the clock")
    _must_not_have_passed(clock, scene.at)
    if _open_request(case, clock):
        raise AlreadyDoneError(f"More time for '{command.step}' is asked for already. Ask who grants it.")
    asked = Asked(step=command.step, run=clock.occurrence, at=scene.at, by=scene.by.person)
    event = ExtensionAsked(
        complaint_id=case.complaint_id,
        step=asked.step,
        occurrence=asked.run,
        reason=command.reason,
        by=asked.by,
    )
    return case.with_(asked=(*case.asked, asked)), [told(case, event, scene.at)]


def _open_request(case: Case, clock: ClockState) -> Asked | None:
    mine = (one for one in reversed(case.asked) if (one.step, one.run) == (clock.step, clock.occurrence))
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


def pause(case: Case, command: PauseClocks, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let the clocks that a reason is for stand still, at most as long as the rulebook says.

    Where the reason needs approval, the caller is who gives it.
    """
    must_be_open(case)
    book = scene.law.rules.procedures.pauses
    must_know("reason", command.reason, book)
    rule = book[command.reason]
    must_have_right(scene, APPROVE if rule.needs_approval else HANDLE)
    if rule.needs_approval:
        must_approve_for_another(case, command.asked_by, scene)
    running = [
        clock
        for clock in case.clocks
        if clock.runs
        and clock.step
        and (not rule.steps or clock.step in rule.steps)
        and not any(_holds(one, clock, scene.at) for one in case.pauses)
        and clock.occurrence == case.run_of(clock.step)
        and clock.started_at <= scene.at < clock.due
    ]
    if not running:
        raise NotPermittedByRulebookError(
            f"No clock runs that '{command.reason}' could pause: it has passed, stands still already, or was "
            "not started. Go on with the next step."
        )
    ends = due_before(rule.longest, scene.at, scene.law.calendar).due_before if rule.longest else None
    for clock in running:
        after = add_event(clock, Paused(at=scene.at, reason=command.reason), scene.law.calendar)
        if ends:
            after = add_event(after, Resumed(at=ends), scene.law.calendar)
        case = case.with_clock(after)
    names = tuple(clock.name for clock in running)
    record = Pause(at=scene.at, reason=command.reason, clocks=names, ends=ends)
    case = case.with_(pauses=(*case.pauses, record))
    said = f"{command.reason}: {command.note}" if command.note else command.reason
    approver = scene.by.person if rule.needs_approval else ""
    change = _Change("paused", said, command.asked_by, approver, ends)
    return case, [_changed(case, clock.name, change, scene) for clock in running]


def resume(case: Case, command: ResumeClocks, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let the clocks that stand still run again."""
    must_be_live(case)
    standing = [one for one in case.pauses if _stands(one, scene.at)]
    if not standing:
        raise NotPermittedByRulebookError("No clock stands still. There is nothing to resume.")
    for one in standing:
        must_not_precede("at", scene.at, one.at, "the pause")
    still = [
        clock for clock in case.clocks if clock.runs and any(_holds(one, clock, scene.at) for one in standing)
    ]
    planned = {one.ends for one in standing}
    for clock in still:
        case = case.with_clock(resumed(clock, planned, scene.at, scene.law))
    ended = [one.model_copy(update={"ends": scene.at}) if one in standing else one for one in case.pauses]
    case = case.with_(pauses=tuple(ended))
    change = _Change("resumed", command.note or "resumed")
    return case, [_changed(case, clock.name, change, scene) for clock in still]


def resumed(clock: ClockState, planned: set[datetime | None], at: datetime, law: Law) -> ClockState:
    """Let a clock run again now, instead of when it was planned to."""
    kept = [event for event in read_events(clock) if not (isinstance(event, Resumed) and event.at in planned)]
    return with_events(clock, (*kept, Resumed(at=at)), law.calendar)


def _stands(one: Pause, at: datetime) -> bool:
    return one.ends is None or one.ends > at


def _holds(one: Pause, clock: ClockState, at: datetime) -> bool:
    # A run that began after the pause runs; the pause was of the run before.
    return _stands(one, at) and clock.name in one.clocks and clock.started_at <= one.at


def _running(case: Case, step: str) -> ClockState:
    clock = case.clock(step)
    if clock is None or not clock.runs or clock.occurrence != case.run_of(step):
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


def _moment(command: AgreeDate | Extend, scene: Scene) -> datetime:
    calendar = scene.law.calendar
    moment = calendar.end_of_day(command.on) if command.on else command.due_before
    if moment is None or moment <= scene.at:
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


def _changed(case: Case, name: str, change: _Change, scene: Scene) -> Happened:
    clock = case.clock(name)
    event = ClockChanged(
        complaint_id=case.complaint_id,
        clock=name,
        change=change.kind,
        reason=change.reason,
        by=change.asked_by or scene.by.person,
        approved_by=change.approver,
        due_before=clock.due if clock else None,
        ends=change.ends,
        asked_at=change.asked_at,
    )
    return told(case, event, scene.at)
