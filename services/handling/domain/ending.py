"""The end of a case, and going on after it."""

from datetime import datetime

from services.handling.domain.case import Case, Status
from services.handling.domain.commands import Close, Reopen, Resolve
from services.handling.domain.deadlines import sync
from services.handling.domain.moves import must_follow_deeds
from services.handling.domain.procedure import Law, duties, is_owed, voided_by
from services.handling.domain.refusals import (
    CaseNotOverError,
    DutiesOpenError,
    NotInProcedureError,
    StepOrderError,
)
from services.handling.domain.scene import (
    Scene,
    as_ended,
    must_be_live,
    must_be_open,
    must_not_precede,
    told,
)
from services.handling.domain.steps import begin_again, command_for
from shared.events import Happened
from shared.events.handling import CaseClosed, CaseReopened, CaseResolved


def resolve(case: Case, command: Resolve, scene: Scene) -> tuple[Case, list[Happened]]:
    """Say that the matter is solved, where the procedure leaves that to no step of its own."""
    must_be_open(case)
    must_follow_deeds(case, scene)
    steps = scene.law.rules.procedures.procedures[case.procedure].steps
    resolving = [key for key, step in steps.items() if step.resolves]
    if resolving:
        raise NotInProcedureError(
            f"In the procedure '{case.procedure}' the case is resolved by a step: {' or '.join(resolving)}. "
            "Complete that step."
        )
    case = sync(case.with_(status=Status.RESOLVED, resolved_at=scene.at, outcome=command.outcome), scene.law)
    return case, [told(case, CaseResolved(**as_ended(case)), scene.at)]


def close(case: Case, command: Close, scene: Scene) -> tuple[Case, list[Happened]]:
    """Close the file. Nothing that has a clock may be left to do, not even late."""
    must_be_live(case)
    must_follow_deeds(case, scene)
    if case.status is not Status.RESOLVED:
        raise StepOrderError(f"Case {case.number} is not resolved yet. {_what_resolves(case, scene.law)}")
    if case.finding and case.finding.awaits:
        raise StepOrderError(
            "The finding is proposed and not confirmed yet. Ask who confirms it to send 'confirm-finding' first."
        )
    open_ = [clock.name for clock in case.clocks if clock.runs and clock.step]
    if open_:
        raise DutiesOpenError(
            f"The file is not complete: {', '.join(open_)} still to be done. Complete them, late or not, then close."
        )
    closed = case.with_(status=Status.CLOSED, ended_at=scene.at, outcome=command.outcome or case.outcome)
    case = sync(closed, scene.law)
    return case, [told(case, CaseClosed(**as_ended(case)), scene.at)]


def _what_resolves(case: Case, law: Law) -> str:
    owed = [
        duty
        for duty in duties(case, law).values()
        if duty.step.resolves and is_owed(case, duty) and not voided_by(case, duty)
    ]
    if not owed:
        return "Go on with the next step of its procedure, or send 'resolve' where it has none that resolves."
    steps = " or ".join(f"'{duty.key}' (command '{command_for(duty)}')" for duty in owed)
    return f"Complete {steps} first."


def reopen(case: Case, command: Reopen, scene: Scene) -> tuple[Case, list[Happened]]:
    """Go on with a case that had ended; what resolves it, or was refused, begins again from now."""
    return reopened(case, command.reason, scene.by.person, scene.at, scene.law)


def reopened(case: Case, reason: str, by: str, at: datetime, law: Law) -> tuple[Case, list[Happened]]:
    """Do as ``reopen``, also where a callback asks for it."""
    if case.status is Status.OPEN:
        raise CaseNotOverError(f"Case {case.number} is open already. Go on with its next step.")
    if case.status is Status.MERGED:
        raise CaseNotOverError(f"Case {case.number} is merged. Part it first.")
    must_not_precede("at", at, case.ended_at or case.resolved_at, "the end of the case")
    again = _what_begins_again(case, law)
    # What resolved the matter is owed anew even where it does not follow what begins again.
    resolving = tuple(
        key
        for key, duty in duties(case, law).items()
        if duty.step.resolves and key not in again and case.done_in_run(key)
    )
    case = begin_again(case, again, "reopened", law, at, redone=resolving)
    case = case.with_(
        status=Status.OPEN,
        occurrence=case.occurrence + 1,
        resolved_at=None,
        ended_at=None,
        reopened_at=at,
        outcome="",
    )
    case = sync(case, law)
    event = CaseReopened(complaint_id=case.complaint_id, occurrence=case.occurrence, reason=reason, by=by)
    return case, [told(case, event, at)]


def _what_begins_again(case: Case, law: Law) -> tuple[str, ...]:
    if case.status is Status.WITHDRAWN:
        # What the withdrawal cut short, watches among it.
        return tuple(
            clock.name
            for clock in case.clocks
            if clock.ended_at == case.ended_at and not case.done_in_run(clock.name)
        )
    done = [duty for key, duty in duties(case, law).items() if case.done_in_run(key) and is_owed(case, duty)]
    again = tuple(duty.key for duty in done if duty.step.again_on_refusal)
    return again or tuple(duty.key for duty in done if duty.step.resolves)
