"""The end of a case, and going on after it."""

from datetime import datetime
from typing import Literal

from services.handling.domain.case import Case, Status
from services.handling.domain.context import (
    DecisionContext,
    must_be_live,
    must_be_open,
    must_follow_deeds,
    must_not_precede,
)
from services.handling.domain.doing import command_for
from services.handling.domain.kinds import HANDLE, Command, Kind, Offer, Reason, Words
from services.handling.domain.procedure import duties, is_owed, voided_by
from services.handling.domain.refusals import (
    CaseNotOverError,
    DutiesOpenError,
    NotInProcedureError,
    StepOrderError,
)
from services.handling.domain.telling import as_ended
from shared.events import Happened
from shared.events.handling import CaseClosed, CaseReopened, CaseResolved, CaseWithdrawn
from shared.rulebook.steps import CaseRules


class Resolve(Command):
    """Say that the matter is solved, where no step of the procedure does."""

    do: Literal["resolve"] = "resolve"
    outcome: Reason


def resolve(case: Case, command: Resolve, context: DecisionContext) -> list[Happened]:
    """Say that the matter is solved, where the procedure leaves that to no step of its own."""
    must_be_open(case)
    must_follow_deeds(case, context)
    steps = context.law.rules.procedures.procedures[case.procedure].steps
    resolving = [key for key, step in steps.items() if step.resolves]
    if resolving:
        raise NotInProcedureError(
            f"In the procedure '{case.procedure}' the case is resolved by a step: {' or '.join(resolving)}. "
            "Complete that step."
        )
    return [context.tell(CaseResolved(complaint_id=case.complaint_id, outcome=command.outcome))]


def _resolves_by_itself(case: Case, law: CaseRules) -> bool:
    steps = law.rules.procedures.procedures[case.procedure].steps.values()
    return case.status is Status.OPEN and not any(step.resolves for step in steps)


RESOLVE = Kind(Resolve, HANDLE, resolve, Offer(110, _resolves_by_itself))


class Close(Command):
    """Close the complete file."""

    do: Literal["close"] = "close"
    outcome: Words = ""


def close(case: Case, command: Close, context: DecisionContext) -> list[Happened]:
    """Close the file. Nothing that has a clock may be left to do, not even late."""
    must_be_live(case)
    must_follow_deeds(case, context)
    if case.status is not Status.RESOLVED:
        raise StepOrderError(f"Case {case.number} is not resolved yet. {_what_resolves(case, context.law)}")
    if case.finding and case.finding.awaits:
        raise StepOrderError(
            "The finding is proposed and not confirmed yet. Ask who confirms it to send 'confirm-finding' first."
        )
    open_ = [clock.name for clock in case.clocks if clock.runs and clock.step]
    if open_:
        raise DutiesOpenError(
            f"The file is not complete: {', '.join(open_)} still to be done. Complete them, late or not, then close."
        )
    ended = {**as_ended(case), "outcome": command.outcome or case.outcome}
    return [context.tell(CaseClosed(complaint_id=case.complaint_id, **ended))]


def _what_resolves(case: Case, law: CaseRules) -> str:
    owed = [
        duty
        for duty in duties(case, law).values()
        if duty.step.resolves and is_owed(case, duty) and not voided_by(case, duty)
    ]
    if not owed:
        return "Go on with the next step of its procedure, or send 'resolve' where it has none that resolves."
    steps = " or ".join(f"'{duty.key}' (command '{command_for(duty)}')" for duty in owed)
    return f"Complete {steps} first."


CLOSE = Kind(Close, HANDLE, close, Offer(80, lambda case, _: case.status is Status.RESOLVED))


class Withdraw(Command):
    """Record that the customer withdrew."""

    do: Literal["withdraw"] = "withdraw"
    reason: Reason


def withdraw(case: Case, command: Withdraw, context: DecisionContext) -> list[Happened]:
    """End a case that the customer withdrew. Deadlines that had passed stay missed; the others fall away."""
    must_be_live(case)
    must_follow_deeds(case, context)
    event = CaseWithdrawn(complaint_id=case.complaint_id, reason=command.reason, by=context.by.person)
    return [context.tell(event)]


WITHDRAW = Kind(Withdraw, HANDLE, withdraw, Offer(123, lambda case, _: case.is_live))


class Reopen(Command):
    """Go on with a case that had ended."""

    do: Literal["reopen"] = "reopen"
    reason: Reason


def reopen(case: Case, command: Reopen, context: DecisionContext) -> list[Happened]:
    """Go on with a case that had ended; what resolves it, or was refused, begins again from now."""
    return reopened(case, command.reason, context.by.person, context.at)


def reopened(case: Case, reason: str, by: str, at: datetime) -> list[Happened]:
    """Do as ``reopen``, also where a callback asks for it."""
    if case.status is Status.OPEN:
        raise CaseNotOverError(f"Case {case.number} is open already. Go on with its next step.")
    if case.status is Status.MERGED:
        raise CaseNotOverError(f"Case {case.number} is merged. Part it first.")
    must_not_precede("at", at, case.ended_at or case.resolved_at, "the end of the case")
    event = CaseReopened(complaint_id=case.complaint_id, occurrence=case.occurrence + 1, reason=reason, by=by)
    return [Happened(event, at)]


_ENDED = (Status.RESOLVED, Status.CLOSED, Status.WITHDRAWN)

REOPEN = Kind(Reopen, HANDLE, reopen, Offer(90, lambda case, _: case.status in _ENDED))
