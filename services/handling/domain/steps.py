"""Doing the steps of a procedure: in order, with what the rulebook asks for, each once a run.

A step is completed by its own name, or by the act that the rulebook names (``done_by``): a finding, a
settlement, its approval, the start of the works, the owner's acceptance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.handling.domain.case import Case, Done, Excepted, Round, Status
from services.handling.domain.commands import (
    AcceptResult,
    CompleteStep,
    Deed,
    ExceptReport,
    Papers,
    RefuseResult,
    StartWorks,
)
from services.handling.domain.deadlines import sync
from services.handling.domain.procedure import (
    Duty,
    Law,
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
    SamePersonError,
    StandardNotMetError,
    StepOrderError,
)
from services.handling.domain.scene import (
    Scene,
    as_ended,
    must_approve_for_another,
    must_be_for,
    must_be_live,
    must_be_open,
    must_have_right,
    must_know,
    must_not_precede,
    told,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import (
    CaseResolved,
    ReportExcepted,
    ResultAccepted,
    ResultRefused,
    StepCompleted,
)
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import rows_of

_COMMANDS = {
    "finding": "make-finding",
    "settlement": "propose-settlement",
    "approval": "approve-settlement",
    "works-start": "start-works",
    "acceptance": "accept-result",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A step that was done by the decision at hand."""

    duty: Duty
    done: Done
    deed: Deed


def command_for(duty: Duty) -> str:
    """Return the command that completes a step."""
    return _COMMANDS.get(duty.step.done_by, "complete-step")


def complete_step(case: Case, command: CompleteStep, scene: Scene) -> tuple[Case, list[Happened]]:
    """Complete a step by its name."""
    known = duties(case, scene.law)
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
    _check_report(case, command, duty, scene)
    case, made = do_step(case, duty, command, scene)
    return conclude(case, [made], scene)


def except_report(case: Case, command: ExceptReport, scene: Scene) -> tuple[Case, list[Happened]]:
    """Except a special case from what its report will lack; the caller is who approves it (JK-17)."""
    must_be_live(case)
    duty = duties(case, scene.law).get(command.step)
    if duty is None or not duty.step.report:
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' sends no report by a step '{command.step}'. Nothing is to be excepted."
        )
    if case.done_in_run(command.step):
        raise AlreadyDoneError(
            f"The report of '{command.step}' was sent already. The supervising office may open a dispute over its "
            "points."
        )
    if case.excepted_in_run(command.step):
        raise AlreadyDoneError(f"The report of '{command.step}' is excepted already. Complete the step.")
    must_approve_for_another(case, command.asked_by, scene)
    one = Excepted(step=command.step, run=case.run_of(command.step), at=scene.at, by=scene.by.person)
    event = ReportExcepted(
        complaint_id=case.complaint_id,
        step=one.step,
        occurrence=one.run,
        reason=command.reason,
        by=command.asked_by or one.by,
        approved_by=one.by,
    )
    return case.with_(excepted=(*case.excepted, one)), [told(case, event, scene.at)]


def start_works(case: Case, command: StartWorks, scene: Scene) -> tuple[Case, list[Happened]]:
    """Record the actual start of the works, from which civil works count (JK-11)."""
    must_be_open(case)
    known = duties(case, scene.law)
    owed = [duty for duty in known.values() if is_owed(case, duty)]
    if not any(
        duty.step.done_by == "works-start" or "works-start" in starts_from(case, duty, scene.law)
        for duty in owed
    ):
        raise NotInProcedureError(
            f"Nothing in the procedure '{case.procedure}' counts from the start of works. Go on with its next step."
        )
    since = max((one.at for one in case.rounds), default=None)
    if any(since is None or at >= since for at in case.works):
        raise AlreadyDoneError("The start of the works is recorded already. Complete the rectification next.")
    case = case.with_(works=(*case.works, scene.at))
    case, made = do_act(case, "works-start", command, scene)
    return conclude(case, made, scene)


def accept_result(case: Case, command: AcceptResult, scene: Scene) -> tuple[Case, list[Happened]]:
    """Record the acceptance: first the national standard, then the owner's word (JK-04)."""
    must_be_live(case)
    again = _finished(case, scene, "accepted")
    if case.accepted_at:
        raise AlreadyDoneError("The owner accepted this result already. Close the case.")
    if not command.standard_met:
        raise StandardNotMetError(
            "A result that does not meet the national standard cannot be accepted. Record 'refuse-result', "
            "and the rectification starts again."
        )
    run = max((case.run_of(duty.key) for duty in again), default=case.occurrence)
    case, made = do_act(case.with_(accepted_at=scene.at), "acceptance", command, scene)
    evidence = tuple(_flat(command.evidence))
    accepted = ResultAccepted(complaint_id=case.complaint_id, occurrence=run, evidence=evidence)
    case, happened = conclude(case, made, scene)
    return case, [told(case, accepted, scene.at), *happened]


def refuse_result(case: Case, command: RefuseResult, scene: Scene) -> tuple[Case, list[Happened]]:
    """Record the refusal: the same limit starts again (JK-04)."""
    must_be_open(case)
    again = _finished(case, scene, "refused")
    if not again:
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' has nothing that a refusal would start again. "
            "Go on with its next step, or make a new finding."
        )
    if case.accepted_at:
        raise AlreadyDoneError("The owner accepted this result already. Re-open the case to go on.")
    run = max(case.run_of(duty.key) for duty in again)
    names = tuple(duty.key for duty in again)
    case = begin_again(case, names, "refused", scene.law, scene.at)
    event = ResultRefused(complaint_id=case.complaint_id, occurrence=run, reason=command.reason)
    return sync(case, scene.law), [told(case, event, scene.at)]


def _finished(case: Case, scene: Scene, what: str) -> list[Duty]:
    known = duties(case, scene.law).values()
    owed = [duty for duty in known if is_owed(case, duty)]
    again = [duty for duty in owed if duty.step.again_on_refusal and not voided_by(case, duty)]
    if not again and not any(duty.step.done_by == "acceptance" for duty in owed):
        raise NotInProcedureError(
            f"The procedure '{case.procedure}' has no result to be {what}"
            + (f" while the way to settle is '{case.way}'" if case.way else "")
            + ". Go on with its next step."
        )
    for duty in again:
        done = case.done_in_run(duty.key)
        if done is None:
            raise StepOrderError(
                f"There is no result yet to be {what}. Complete the step '{duty.key}' first."
            )
        must_not_precede("at", scene.at, done.at, f"the step '{duty.key}'")
    return again


def begin_again(
    case: Case, direct: tuple[str, ...], cause: str, law: Law, at: datetime, redone: tuple[str, ...] = ()
) -> Case:
    """Let steps be owed again, with all that follows them as far as it was done or had begun.

    Args:
        direct: Steps whose clocks start anew at ``at``.
        redone: Steps that are to be done anew, in their own time.
    """
    dependents, touched = set(redone), {*direct, *redone}
    known = duties(case, law)
    while True:
        more = {
            key
            for key, duty in known.items()
            if key not in touched and touched.intersection((*duty.step.after, *duty.step.requires))
        }
        if not more:
            break
        touched |= more
        dependents |= {key for key in more if case.done_in_run(key) or case.clock(key)}
    one = Round(at=at, cause=cause, direct=direct, dependent=tuple(key for key in known if key in dependents))
    return case.with_(rounds=(*case.rounds, one), accepted_at=None)


def do_act(
    case: Case, act: str, deed: Deed, scene: Scene, *, has_right: bool = False
) -> tuple[Case, list[Made]]:
    """Complete the steps that an act completes, where they are owed and not done yet.

    Args:
        has_right: The rulebook gives the caller the act itself, whatever right its steps ask for besides.
    """
    made: list[Made] = []
    for duty in duties(case, scene.law).values():
        if duty.step.done_by != act or not is_owed(case, duty) or voided_by(case, duty):
            continue
        if case.done_in_run(duty.key) is None:
            case, one = do_step(case, duty, deed, scene, has_right=has_right)
            made.append(one)
    return case, made


def do_step(
    case: Case, duty: Duty, deed: Deed, scene: Scene, *, has_right: bool = False
) -> tuple[Case, Made]:
    """Check and record that a step was done."""
    check_order(case, duty, scene)
    must_be_for(scene, duty.step.by, f"The step '{duty.key}'")
    if not has_right:
        must_have_right(scene, duty.step.right)
    check_needs(case, duty, deed, scene)
    done = Done(
        step=duty.key,
        run=case.run_of(duty.key),
        at=scene.at,
        by=scene.by.person,
        evidence=tuple(_flat(deed.evidence)),
        signatures=tuple(_flat(deed.signatures)),
        outcome=deed.outcome if isinstance(deed, CompleteStep | AcceptResult) else "",
    )
    return with_done(case, duty, done), Made(duty, done, deed)


def with_done(case: Case, duty: Duty, done: Done) -> Case:
    """Record a deed; one that resolves the case resolves it."""
    case = case.with_(done=(*case.done, done))
    if duty.step.resolves and case.status is Status.OPEN:
        return case.with_(status=Status.RESOLVED, resolved_at=done.at, outcome=done.outcome)
    return case


def conclude(case: Case, made: Sequence[Made], scene: Scene) -> tuple[Case, list[Happened]]:
    """Bring the clocks up to date and tell what was done."""
    case = sync(case, scene.law)
    happened = []
    for one in made:
        happened.append(told(case, _completed(case, one, scene.law), one.done.at))
        if one.duty.step.resolves and case.resolved_at == one.done.at:
            happened.append(told(case, CaseResolved(**as_ended(case)), one.done.at))
    return case, happened


def _completed(case: Case, made: Made, law: Law) -> StepCompleted:
    done, step, deed = made.done, made.duty.step, made.deed
    clock = case.clock(done.step)
    runs = clock is not None and clock.occurrence == done.run and not clock.void
    due = clock.due if clock and runs else None
    elements = deed.elements if isinstance(deed, CompleteStep) else ()
    missing: tuple[str, ...] = ()
    if step.report:
        missing = tuple(
            key for key in law.rules.procedures.reports[step.report].elements if key not in elements
        )
    upcoming = [one.due for one in case.clocks if one.runs and one.occurrence not in one.told]
    return StepCompleted(
        complaint_id=case.complaint_id,
        department=deed.department,
        person=deed.person,
        step=done.step,
        occurrence=done.run,
        by=done.by,
        clock=done.step if due else "",
        due_before=due,
        in_time=done.at < due if due else None,
        evidence=done.evidence,
        signatures=done.signatures,
        report=step.report,
        elements=elements,
        missing_elements=missing,
        exempt=case.excepted_in_run(done.step) is not None,
        outcome=done.outcome,
        next_due=min(upcoming, default=None),
    )


def check_order(case: Case, duty: Duty, scene: Scene) -> None:
    """Refuse a step that is not owed, is done, or whose time has not come."""
    name, at = duty.key, scene.at
    if not is_owed(case, duty):
        ways = " or ".join(duty.step.when.way)
        raise NotInProcedureError(
            f"The step '{name}' belongs to the way '{ways}'; the way that holds is '{case.way or 'none yet'}'. "
            "Propose that settlement first, or go on with the steps of the present way."
        )
    if case.done_in_run(name):
        raise AlreadyDoneError(f"The step '{name}' is done already. Go on with the next step.")
    voided = voided_by(case, duty)
    if voided:
        raise NotOwedError(
            f"The step '{name}' is not owed any more since '{voided.step}' was done. Go on with the next step."
        )
    for earlier, done in _before(case, duty, scene.law):
        if done is None:
            raise StepOrderError(f"The step '{name}' cannot be done yet. First must come: {earlier}.")
        must_not_precede("at", at, done, earlier)
    must_not_precede("at", at, owed_again_at(case, name), "the moment from which it is owed again,")


def _before(case: Case, duty: Duty, law: Law) -> Iterable[tuple[str, datetime | None]]:
    """Yield what must come before a step, with when it came."""
    known = duties(case, law)
    for key in duty.step.requires:
        if key in known and is_owed(case, known[key]):
            done = case.done_in_run(key)
            yield f"the step '{key}' (command '{command_for(known[key])}')", done.at if done else None
    names = starts_from(case, duty, law)
    agreed = any(one.step == duty.key for one in case.agreements)
    if names and not agreed:
        yield f"what it counts from ({' or '.join(names)})", min(recorded(case, duty, law), default=None)


def needed(case: Case, duty: Duty, law: Law) -> list[str]:
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


def check_needs(case: Case, duty: Duty, deed: Deed, scene: Scene) -> None:
    """Refuse a step without the evidence, signatures, person, reason or item that the rulebook asks for."""
    problems = [
        FieldProblem(name, _MISSING.get(name, "is missing"))
        for name in needed(case, duty, scene.law)
        if not _gives(deed, name)
    ]
    if problems:
        missing = ", ".join(problem.field for problem in problems)
        raise MissingPartsError(
            f"The step '{duty.key}' needs more before it counts as done: {missing}. Send it again with these.",
            problems,
        )


def _gives(deed: Deed, name: str) -> bool:
    where, _, key = name.partition(".")
    papers = {"evidence": deed.evidence, "signatures": deed.signatures}
    words = {"person": deed.person, "reason": deed.reason}
    return key in papers[where] if where in papers else bool(words.get(name))


def _has_limit(case: Case, law: Law) -> bool:
    tabled = [duty for duty in duties(case, law).values() if isinstance(duty.step.within, TableUse)]
    return any(
        rows_of(duty.step.within, named_by(case), law) or any(one.step == duty.key for one in case.agreements)
        for duty in tabled
        if isinstance(duty.step.within, TableUse)
    )


def _check_report(case: Case, command: CompleteStep, duty: Duty, scene: Scene) -> None:
    kind = scene.law.rules.procedures.reports.get(duty.step.report)
    for element in command.elements:
        must_know("elements", element, kind.elements if kind else ())
    excepted = case.excepted_in_run(duty.key)
    if excepted is None:
        return
    must_not_precede("at", scene.at, excepted.at, "the exception of the report,")
    if scene.by.person == excepted.by:
        raise SamePersonError("Who excepted a report cannot send it. Let who handles the case send it.")


def _is_open_for(case: Case, duty: Duty) -> bool:
    return case.is_live or (case.status is Status.CLOSED and "closing" in duty.step.after)


def _flat(papers: Papers) -> Iterable[str]:
    return (f"{kind}:{reference}" for kind, references in papers.items() for reference in references)
