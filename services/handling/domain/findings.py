"""What the matter is found to be: validity, class, item, liability. It decides which procedure holds, from receipt."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from services.handling.domain.case import Adopted, Case, Done, Finding
from services.handling.domain.commands import Deed, MakeFinding, Reclassify
from services.handling.domain.deadlines import confirmation_clock, sync
from services.handling.domain.procedure import Law, choose, described, duties, is_owed, voided_by
from services.handling.domain.refusals import (
    MissingPartsError,
    NotPermittedByRulebookError,
    SamePersonError,
    TimeRefusedError,
)
from services.handling.domain.scene import (
    Scene,
    must_be_for,
    must_be_live,
    must_be_open,
    must_know,
    must_not_precede,
    told,
)
from services.handling.domain.steps import Made, conclude, do_act, with_done
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import CaseReclassified, FindingMade, FindingProposed
from shared.rulebook.schema.procedures import Determination


def make_finding(case: Case, command: MakeFinding, scene: Scene) -> tuple[Case, list[Happened]]:
    """Record a finding; the procedure that follows from it holds from receipt, and what was done stays done."""
    must_be_open(case)
    _check_finding(case, command, scene)
    before = case.findings[-1] if case.findings else None
    must_not_precede("at", scene.at, before.at if before else None, "the finding that it would replace,")
    if before and before.overturned and before.by == scene.by.person:
        raise SamePersonError(
            "An appeal overturned this person's finding; somebody else has to find anew. Hand the finding over."
        )
    rules = determinations(case, scene.law)
    for rule in rules.values():
        must_be_for(scene, rule.proposes, "A finding of such a matter")
    finding = Finding(
        at=scene.at,
        by=scene.by.person,
        validity=command.validity,
        liable=command.liable,
        reason=command.reason,
        unit=scene.by.unit,
        determinations=tuple(rules),
    )
    case = case.with_(
        class_=command.class_ or case.class_,
        item=command.item or case.item,
        warranty_before=command.warranty_before or case.warranty_before,
        stated_grade=command.grade or case.stated_grade,
        findings=(*case.findings, finding),
    )
    case = adopt(case, scene.law, scene.at)
    check_grade(case, command.grade)
    _check_liable(case, command, scene.law)
    # What an earlier finding established is not established a second time, later, under another name.
    case, known = carry_over(case, scene.law, case.findings[:-1])
    case, made = do_act(case, "finding", command, scene)
    case, carried = carry_over(case, scene.law, case.findings[:-1])
    evidence = tuple(f"{kind}:{ref}" for kind, refs in command.evidence.items() for ref in refs)
    # With the state of the clocks: a proposal tells until when it is to be confirmed.
    case, happened = conclude(case, [*known, *made, *carried], scene)
    event = proposed(case, evidence) if finding.awaits else made_known(case, evidence)
    named = {"department": command.department, "person": command.person}
    return case, [told(case, event.model_copy(update=named), scene.at), *happened]


def determinations(case: Case, law: Law) -> dict[str, Determination]:
    """Return what of a finding takes two persons, by key: its validity, or the grade of what has grades (XA-18)."""
    kind = law.rules.intake.kinds.get(case.kind)
    return {
        key: rule
        for key, rule in law.rules.procedures.determinations.items()
        if rule.of == "validity" or (kind and kind.graded)
    }


def proposed(case: Case, evidence: tuple[str, ...]) -> FindingProposed:
    """Tell of the newest finding while it is to be confirmed."""
    finding = case.findings[-1]
    clocks = (case.clock(confirmation_clock(key)) for key in finding.awaits)
    return FindingProposed(
        **_found(case, finding),
        evidence=evidence,
        confirm_before=min((clock.due for clock in clocks if clock), default=None),
    )


def made_known(case: Case, evidence: tuple[str, ...] = ()) -> FindingMade:
    """Tell of the newest finding, which holds."""
    finding = case.findings[-1]
    return FindingMade(
        **_found(case, finding),
        evidence=evidence,
        confirmed_by=tuple(one.by for one in finding.confirmations),
        tier=case.tier,
        service=case.service,
        warranty_before=case.warranty_before,
    )


def _found(case: Case, finding: Finding) -> dict[str, Any]:
    return {
        "complaint_id": case.complaint_id,
        "validity": finding.validity,
        "class_": case.class_,
        "item": case.item,
        "liable": finding.liable,
        "procedure": case.procedure,
        "reason": finding.reason,
        "by": finding.by,
        "grade": case.grade,
    }


def reclassify(case: Case, command: Reclassify, scene: Scene) -> tuple[Case, list[Happened]]:
    """Correct class, item, service, flags or handover, and with them tier, floor of the grade and procedure."""
    must_be_live(case)
    must_not_precede("at", scene.at, case.procedures[-1].since, "the adoption of the present procedure")
    check_class(case, command.class_, command.item or "", scene.law)
    if command.service:
        kind = scene.law.rules.intake.kinds.get(case.kind)
        must_know("service", command.service, kind.services if kind else ())
    if command.handover_on and command.handover_on <= case.received_at:
        raise TimeRefusedError(
            f"A handover at {command.handover_on.isoformat()} is not after the receipt of the matter at "
            f"{case.received_at.isoformat()}. State when the flat is handed over.",
            [FieldProblem("handover_on", f"after {case.received_at.isoformat()}")],
        )
    flags = dict(case.flags)
    if command.flags is not None:
        for flag in command.flags:
            must_know("flags", flag, scene.law.rules.intake.flags)
        flags = {flag: case.flags.get(flag, scene.at) for flag in command.flags}
    case = case.with_(
        class_=command.class_ or case.class_,
        item=case.item if command.item is None else command.item,
        service=command.service or case.service,
        flags=flags,
        handover_on=command.handover_on or case.handover_on,
    )
    case, carried = carry_over(adopt(case, scene.law, scene.at), scene.law, case.findings)
    event = CaseReclassified(
        complaint_id=case.complaint_id,
        class_=case.class_,
        item=case.item,
        flags=tuple(case.flags),
        procedure=case.procedure,
        reason=command.reason,
        by=scene.by.person,
        grade=case.grade,
        tier=case.tier,
        service=case.service,
        handover_on=case.handover_on,
    )
    case, happened = conclude(sync(case, scene.law), carried, scene)
    return case, [told(case, event, scene.at), *happened]


def adopt(case: Case, law: Law, at: datetime) -> Case:
    """Follow the procedure for what is known now, tier and grade among it; its limits still count from receipt."""
    case = described(case, law)
    adopted = Adopted(since=at, procedure=choose(case, law), grade=case.grade)
    return case.with_(procedures=(*case.procedures, adopted))


def check_class(case: Case, class_: str, item: str, law: Law) -> None:
    """Refuse a class that the kind of matter does not have, or an item that the class's table does not name."""
    intake = law.rules.intake
    kind = intake.kinds.get(case.kind)
    if class_ and kind and kind.classes:
        must_know("class", class_, kind.classes)
    rule = intake.classes.get(class_ or case.class_)
    if item and rule and rule.items_from:
        must_know("item", item, law.rules.limits.tables[rule.items_from].rows)


def _check_finding(case: Case, command: MakeFinding, scene: Scene) -> None:
    book = scene.law.rules.procedures
    must_know("validity", command.validity, book.validities or ("valid", "invalid"))
    check_class(case, command.class_, command.item, scene.law)
    if command.liable:
        must_know("liable", command.liable, book.parties or (command.liable,))
    if command.grade:
        kind = scene.law.rules.intake.kinds.get(case.kind)
        must_know("grade", command.grade, scene.law.rules.intake.grades if kind and kind.graded else ())
    rule = book.validities.get(command.validity)
    if (rule is None or rule.needs_reason) and not command.reason:
        raise MissingPartsError(
            "A finding states its reason. Send it again with 'reason'.",
            [FieldProblem("reason", "is missing")],
        )


def check_grade(case: Case, found: str) -> None:
    """Refuse a grade that is milder than the floor of such a matter."""
    if found and case.grade != found:
        raise NotPermittedByRulebookError(
            f"The rulebook takes such a matter for '{case.grade}' at least. Find that grade, or reclassify the case "
            "where its class, service or flags are wrong."
        )


def _check_liable(case: Case, command: MakeFinding, law: Law) -> None:
    steps = law.rules.procedures.procedures[case.procedure].steps.values()
    parties = sorted({party for step in steps for party in step.when.liable})
    if parties and not command.liable:
        raise MissingPartsError(
            f"The procedure '{case.procedure}' goes on by who is liable. "
            f"Send the finding again with 'liable': one of {', '.join(parties)}.",
            [FieldProblem("liable", "is missing")],
        )


def carry_over(case: Case, law: Law, findings: tuple[Finding, ...]) -> tuple[Case, list[Made]]:
    """Count acts that happened under another procedure for the steps that they complete in this one."""
    made: list[Made] = []
    known = duties(case, law)
    for duty in known.values():
        if not duty.step.done_by or not is_owed(case, duty) or voided_by(case, duty):
            continue
        act = next(_acts(case, duty.step.done_by, findings), None)
        needed = [known[key] for key in duty.step.requires if key in known]
        is_ready = all(not is_owed(case, one) or case.done_in_run(one.key) for one in needed)
        if act and is_ready and case.done_in_run(duty.key) is None:
            done = act.model_copy(update={"step": duty.key, "run": case.run_of(duty.key)})
            case = with_done(case, duty, done)
            made.append(Made(duty, done, Deed(do="carried-over")))
    return case, made


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
        yield next(papers, Done(step="", run=1, at=at, by=by))
