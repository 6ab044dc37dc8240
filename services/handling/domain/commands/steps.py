"""Steps and what they produce: completing them, the start of the works, the owner's word on the result."""

from typing import Literal

from services.handling.domain.case import Case, Status
from services.handling.domain.context import (
    DecisionContext,
    must_approve_for_another,
    must_be_live,
    must_be_open,
    must_know,
    must_not_precede,
)
from services.handling.domain.doing import command_for, do_act, do_step, flat
from services.handling.domain.evolve import ahead
from services.handling.domain.kinds import (
    APPROVE,
    HANDLE,
    Command,
    Key,
    Keys,
    Kind,
    Offer,
    OptionalKey,
    Reason,
    StepCommand,
    Words,
)
from services.handling.domain.procedure import duties, is_owed, starts_from, voided_by
from services.handling.domain.refusals import (
    AlreadyDoneError,
    NotInProcedureError,
    SamePersonError,
    StandardNotMetError,
    StepOrderError,
)
from services.handling.domain.repeats import to_redo
from shared.events import Happened
from shared.events.handling import ReportExcepted, ResultAccepted, ResultRefused, WorksStarted
from shared.rulebook.steps import CaseRules, OwedStep


class CompleteStep(StepCommand):
    """Complete a step of the procedure."""

    ACT = ""

    do: Literal["complete-step"] = "complete-step"
    step: Key
    elements: Keys = ()
    outcome: Words = ""


def complete_step(case: Case, command: CompleteStep, context: DecisionContext) -> list[Happened]:
    """Complete a step by its name."""
    known = duties(case, context.law)
    duty = known.get(command.step)
    if duty is None or not _is_open_for(case, duty):
        must_be_live(case)
    if duty is None:
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' has no step '{command.step}'. Its steps are: {', '.join(known)}."
        )
    if duty.step.done_by:
        raise NotInProcedureError(
            f"The step '{command.step}' is done by the command '{command_for(duty)}'. Send that instead."
        )
    _check_report(case, command, duty, context)
    return do_step(case, duty, command, context, elements=command.elements, outcome=command.outcome)


def _check_report(case: Case, command: CompleteStep, duty: OwedStep, context: DecisionContext) -> None:
    kind = context.law.rules.procedures.reports.get(duty.step.report)
    for element in command.elements:
        must_know("elements", element, kind.elements if kind else ())
    excepted = case.excepted_now(duty.key)
    if excepted is None:
        return
    must_not_precede("at", context.at, excepted.at, "the exception of the report,")
    if context.by.person == excepted.by:
        raise SamePersonError("Who excepted a report cannot send it. Let who handles the case send it.")


def _is_open_for(case: Case, duty: OwedStep) -> bool:
    return case.is_live or (case.status is Status.CLOSED and "closing" in duty.step.after)


COMPLETE_STEP = Kind(CompleteStep, HANDLE, complete_step)


class ExceptReport(Command):
    """Except a special case from what its report will lack. The caller approves it."""

    do: Literal["except-report"] = "except-report"
    step: Key
    reason: Reason
    asked_by: OptionalKey = ""


def except_report(case: Case, command: ExceptReport, context: DecisionContext) -> list[Happened]:
    """Except a special case from what its report will lack; the caller is who approves it (JK-17)."""
    must_be_live(case)
    duty = duties(case, context.law).get(command.step)
    if duty is None or not duty.step.report:
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' sends no report by a step '{command.step}'. Nothing is to be excepted."
        )
    if case.done_now(command.step):
        raise AlreadyDoneError(
            f"The report of '{command.step}' was sent already. The supervising office may open a dispute over its "
            "points."
        )
    if case.excepted_now(command.step):
        raise AlreadyDoneError(f"The report of '{command.step}' is excepted already. Complete the step.")
    must_approve_for_another(case, command.asked_by, context)
    event = ReportExcepted(
        complaint_id=case.complaint_id,
        step=command.step,
        occurrence=case.occurrence_of(command.step),
        reason=command.reason,
        by=command.asked_by or context.by.person,
        approved_by=context.by.person,
    )
    return [context.tell(event)]


def _has_open_report(case: Case, law: CaseRules) -> bool:
    return case.is_live and any(
        duty.step.report
        and is_owed(case, duty)
        and not voided_by(case, duty)
        and not case.done_now(key)
        and not case.excepted_now(key)
        for key, duty in duties(case, law).items()
    )


EXCEPT_REPORT = Kind(ExceptReport, APPROVE, except_report, Offer(100, _has_open_report))


class StartWorks(StepCommand):
    """Record the actual start of the works."""

    ACT = "works-start"

    do: Literal["start-works"] = "start-works"


def start_works(case: Case, command: StartWorks, context: DecisionContext) -> list[Happened]:
    """Record the actual start of the works, from which civil works count (JK-11)."""
    must_be_open(case)
    known = duties(case, context.law)
    owed = [duty for duty in known.values() if is_owed(case, duty)]
    if not any(
        duty.step.done_by == "works-start" or "works-start" in starts_from(case, duty, context.law)
        for duty in owed
    ):
        raise NotInProcedureError(
            f"Nothing in the procedure '{case.procedure}' counts from the start of works. Go on with its next step."
        )
    since = max((one.at for one in case.repeats), default=None)
    if any(since is None or at >= since for at in case.works):
        raise AlreadyDoneError("The start of the works is recorded already. Complete the rectification next.")
    began = context.tell(WorksStarted(complaint_id=case.complaint_id, by=context.by.person))
    _, told = do_act(ahead(case, [began], context.law), "works-start", command, context)
    return told or [began]


START_WORKS = Kind(StartWorks, HANDLE, start_works)


class AcceptResult(StepCommand):
    """Record that the result meets the national standard and the owner accepts it."""

    ACT = "acceptance"

    do: Literal["accept-result"] = "accept-result"
    standard_met: bool
    outcome: Words = ""


def accept_result(case: Case, command: AcceptResult, context: DecisionContext) -> list[Happened]:
    """Record the acceptance: first the national standard, then the owner's word (JK-04)."""
    must_be_live(case)
    again = _finished(case, context, "accepted")
    if case.accepted_at:
        raise AlreadyDoneError("The owner accepted this result already. Close the case.")
    if not command.standard_met:
        raise StandardNotMetError(
            "A result that does not meet the national standard cannot be accepted. Record 'refuse-result', "
            "and the rectification starts again."
        )
    occurrence = max((case.occurrence_of(duty.key) for duty in again), default=case.occurrence)
    evidence = tuple(flat(command.evidence))
    accepted = context.tell(
        ResultAccepted(complaint_id=case.complaint_id, occurrence=occurrence, evidence=evidence)
    )
    case = ahead(case, [accepted], context.law)
    _, told = do_act(case, "acceptance", command, context, outcome=command.outcome)
    return [accepted, *told]


ACCEPT_RESULT = Kind(AcceptResult, HANDLE, accept_result)


class RefuseResult(Command):
    """Record that the standard or the owner refuses the result."""

    do: Literal["refuse-result"] = "refuse-result"
    reason: Reason


def refuse_result(case: Case, command: RefuseResult, context: DecisionContext) -> list[Happened]:
    """Record the refusal: the same limit starts again (JK-04)."""
    must_be_open(case)
    again = _finished(case, context, "refused")
    if not again:
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' has nothing that a refusal would start again. "
            "Go on with its next step, or make a new finding."
        )
    if case.accepted_at:
        raise AlreadyDoneError("The owner accepted this result already. Re-open the case to go on.")
    occurrence = max(case.occurrence_of(duty.key) for duty in again)
    event = ResultRefused(complaint_id=case.complaint_id, occurrence=occurrence, reason=command.reason)
    return [context.tell(event)]


def _has_result(case: Case, law: CaseRules) -> bool:
    return (
        case.status is Status.OPEN
        and case.accepted_at is None
        and any(case.done_now(duty.key) for duty in to_redo(case, law))
    )


def _finished(case: Case, context: DecisionContext, what: str) -> list[OwedStep]:
    known = duties(case, context.law).values()
    owed = [duty for duty in known if is_owed(case, duty)]
    again = to_redo(case, context.law)
    if not again and not any(duty.step.done_by == "acceptance" for duty in owed):
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' has no result to be {what}"
            + (f" while the way to settle is '{case.way}'" if case.way else "")
            + ". Go on with its next step."
        )
    for duty in again:
        done = case.done_now(duty.key)
        if done is None:
            raise StepOrderError(
                f"There is no result yet to be {what}. Complete the step '{duty.key}' first."
            )
        must_not_precede("at", context.at, done.at, f"the step '{duty.key}'")
    return again


REFUSE_RESULT = Kind(RefuseResult, HANDLE, refuse_result, Offer(20, _has_result))
