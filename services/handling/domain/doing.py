"""Doing the steps of a procedure: in order, with what the rulebook asks for, each once an occurrence.

A step is completed by its own name, or by the act that the rulebook names (``done_by``): a finding, a
settlement, its approval, the start of the works, the owner's acceptance.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache

from services.handling.domain.case import Case, Done, Finding, Status
from services.handling.domain.context import DecisionContext, must_be_for, must_have_right, must_not_precede
from services.handling.domain.evolve import ahead
from services.handling.domain.kinds import Papers, StepCommand
from services.handling.domain.procedure import (
    duties,
    is_owed,
    named_by,
    owed_again_at,
    recorded,
    starts_from,
    voided_by,
)
from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotInProcedureError,
    NotOwedError,
    StepOrderError,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import CaseResolved, StepCompleted
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import CaseRules, OwedStep, rows_of


def command_for(duty: OwedStep) -> str:
    """Return the command that completes a step."""
    return _by_act()[duty.step.done_by]


@cache
def _by_act() -> Mapping[str, str]:
    return {one.ACT: str(one.model_fields["do"].default) for one in StepCommand.__subclasses__()}


def do_act(
    case: Case,
    act: str,
    command: StepCommand,
    context: DecisionContext,
    *,
    has_right: bool = False,
    outcome: str = "",
) -> tuple[Case, list[Happened]]:
    """Complete the steps that an act completes, where they are owed and not done yet.

    Args:
        has_right: The rulebook gives the caller the act itself, whatever right its steps ask for besides.

    Returns:
        The case as it will be, and what is to be told.
    """
    told: list[Happened] = []
    for duty in duties(case, context.law).values():
        if duty.step.done_by != act or not is_owed(case, duty) or voided_by(case, duty):
            continue
        if case.done_now(duty.key) is None:
            done = do_step(case, duty, command, context, has_right=has_right, outcome=outcome)
            case, told = ahead(case, done, context.law), told + done
    return case, told


def do_step(
    case: Case,
    duty: OwedStep,
    command: StepCommand,
    context: DecisionContext,
    *,
    has_right: bool = False,
    elements: tuple[str, ...] = (),
    outcome: str = "",
) -> list[Happened]:
    """Check that a step may be done, and tell that it was."""
    check_order(case, duty, context)
    must_be_for(context, duty.step.by, f"The step '{duty.key}'")
    if not has_right:
        must_have_right(context, duty.step.right)
    check_needs(case, duty, command, context)
    done = Done(
        step=duty.key,
        occurrence=case.occurrence_of(duty.key),
        at=context.at,
        by=context.by.person,
        evidence=tuple(flat(command.evidence)),
        signatures=tuple(flat(command.signatures)),
        outcome=outcome,
    )
    return _told(
        case, duty, done, context.law, elements, department=command.department, person=command.person
    )


def _told(
    case: Case,
    duty: OwedStep,
    done: Done,
    law: CaseRules,
    elements: tuple[str, ...] = (),
    *,
    department: str = "",
    person: str = "",
) -> list[Happened]:
    """Tell of a step, and of the case where the step resolves it."""
    report = duty.step.report
    asked = law.rules.procedures.reports[report].elements if report else ()
    completed = StepCompleted(
        complaint_id=case.complaint_id,
        department=department,
        person=person,
        step=done.step,
        occurrence=done.occurrence,
        by=done.by,
        evidence=done.evidence,
        signatures=done.signatures,
        report=report,
        elements=elements,
        missing_elements=tuple(key for key in asked if key not in elements),
        exempt=case.excepted_now(done.step) is not None,
        outcome=done.outcome,
    )
    told = [Happened(completed, done.at)]
    if duty.step.resolves and (case.status is Status.OPEN or case.resolved_at == done.at):
        told.append(Happened(CaseResolved(complaint_id=case.complaint_id), done.at))
    return told


def check_order(case: Case, duty: OwedStep, context: DecisionContext) -> None:
    """Refuse a step that is not owed, is done, or whose time has not come."""
    name, at = duty.key, context.at
    if not is_owed(case, duty):
        ways = " or ".join(duty.step.when.way)
        raise NotInProcedureError(
            f"The step '{name}' belongs to the way '{ways}'; the way that holds is '{case.way or 'none yet'}'. "
            "Propose that settlement first, or go on with the steps of the present way."
        )
    if case.done_now(name):
        raise AlreadyDoneError(f"The step '{name}' is done already. Go on with the next step.")
    voided = voided_by(case, duty)
    if voided:
        raise NotOwedError(
            f"The step '{name}' is not owed any more since '{voided.step}' was done. Go on with the next step."
        )
    for earlier, done in _before(case, duty, context.law):
        if done is None:
            raise StepOrderError(f"The step '{name}' cannot be done yet. First must come: {earlier}.")
        must_not_precede("at", at, done, earlier)
    must_not_precede("at", at, owed_again_at(case, name), "the moment from which it is owed again,")


def _before(case: Case, duty: OwedStep, law: CaseRules) -> Iterable[tuple[str, datetime | None]]:
    """Yield what must come before a step, with when it came."""
    known = duties(case, law)
    for key in duty.step.requires:
        if key in known and is_owed(case, known[key]):
            done = case.done_now(key)
            yield f"the step '{key}' (command '{command_for(known[key])}')", done.at if done else None
    names = starts_from(case, duty, law)
    agreed = any(one.step == duty.key for one in case.agreements)
    if names and not agreed:
        yield f"what it counts from ({' or '.join(names)})", min(recorded(case, duty, law), default=None)


def needed(case: Case, duty: OwedStep, law: CaseRules) -> list[str]:
    """Return what the rulebook asks for before a step counts as done, by the names of the command's fields."""
    needs = duty.step.needs
    asked = {
        "person": needs.person and not case.person,
        "reason": needs.reason,
        "item": needs.item and not _has_limit(case, law),
    }
    return [
        *(f"evidence.{key}" for key in needs.evidence),
        *(f"signatures.{key}" for key in needs.signatures),
        *(name for name, is_asked in asked.items() if is_asked),
    ]


_MISSING = {
    "person": "is missing; name it here or assign the case",
    "item": "names no row of the table; reclassify the case with an item, or agree a date",
}


def check_needs(case: Case, duty: OwedStep, command: StepCommand, context: DecisionContext) -> None:
    """Refuse a step without the evidence, signatures, person, reason or item that the rulebook asks for."""
    problems = [
        FieldProblem(name, _MISSING.get(name, "is missing"))
        for name in needed(case, duty, context.law)
        if not _gives(command, name)
    ]
    if problems:
        missing = ", ".join(problem.field for problem in problems)
        raise MissingPartsError(
            f"The step '{duty.key}' needs more before it counts as done: {missing}. Send it again with these.",
            problems,
        )


def _gives(command: StepCommand, name: str) -> bool:
    where, _, key = name.partition(".")
    papers = {"evidence": command.evidence, "signatures": command.signatures}
    words = {"person": command.person, "reason": command.reason}
    return key in papers[where] if where in papers else bool(words.get(name))


def _has_limit(case: Case, law: CaseRules) -> bool:
    tabled = [duty for duty in duties(case, law).values() if isinstance(duty.step.within, TableUse)]
    return any(
        rows_of(duty.step.within, named_by(case), law) or any(one.step == duty.key for one in case.agreements)
        for duty in tabled
        if isinstance(duty.step.within, TableUse)
    )


def flat(papers: Papers) -> Iterable[str]:
    """Yield papers as events hold them, ``kind:reference``."""
    return (f"{kind}:{reference}" for kind, references in papers.items() for reference in references)


def carry_over(case: Case, law: CaseRules, findings: tuple[Finding, ...]) -> tuple[Case, list[Happened]]:
    """Count acts that happened under another procedure for the steps that they complete in this one."""
    told: list[Happened] = []
    known = duties(case, law)
    for duty in known.values():
        if not duty.step.done_by or not is_owed(case, duty) or voided_by(case, duty):
            continue
        act = next(_acts(case, duty.step.done_by, findings), None)
        needed = [known[key] for key in duty.step.requires if key in known]
        is_ready = all(not is_owed(case, one) or case.done_now(one.key) for one in needed)
        if act and is_ready and case.done_now(duty.key) is None:
            done = act.model_copy(update={"step": duty.key, "occurrence": case.occurrence_of(duty.key)})
            carried = _told(case, duty, done, law)
            case, told = ahead(case, carried, law), told + carried
    return case, told


def _acts(case: Case, act: str, findings: tuple[Finding, ...]) -> Iterator[Done]:
    """Yield how an act of the present opening was first done, with the papers that a step got for it."""
    since = case.reopened_at or case.received_at
    settlement = case.settlement if case.settlement and case.settlement.at >= since else None
    happened: dict[str, list[tuple[datetime, str]]] = {
        "finding": [(one.at, one.by) for one in findings if one.at >= since and not one.overturned],
        "settlement": [(settlement.at, settlement.by)] if settlement else [],
        "approval": [(one.at, one.by) for one in settlement.approvals[-1:]]
        if settlement and settlement.approved_at
        else [],
        "works-start": [(at, "") for at in case.works if at >= since],
        "acceptance": [(case.accepted_at, "")] if case.accepted_at else [],
    }
    for at, by in happened[act]:
        papers = (one for one in case.done if one.at == at and (not by or one.by == by))
        yield next(papers, Done(step="", occurrence=1, at=at, by=by))
