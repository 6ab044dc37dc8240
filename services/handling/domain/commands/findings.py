"""What the matter is found to be: validity, class, item, liability. It decides which procedure holds, from receipt.

What the rulebook calls a determination takes two: one proposes, another confirms (XA-18; FIELD, validity by two).
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from services.handling.domain.adoption import determinations
from services.handling.domain.case import Case, Finding, Status
from services.handling.domain.context import (
    DecisionContext,
    must_be_for,
    must_be_live,
    must_be_open,
    must_know,
    must_not_precede,
)
from services.handling.domain.doing import carry_over, do_act, flat
from services.handling.domain.evolve import ahead
from services.handling.domain.kinds import (
    FIND,
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
from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotPermittedByRulebookError,
    SamePersonError,
    StepOrderError,
    TimeRefusedError,
)
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import CaseReclassified, FindingConfirmed, FindingMade, FindingProposed
from shared.rulebook.schema.procedures import Determination
from shared.rulebook.steps import CaseRules
from shared.values.bounds import Instant


class MakeFinding(StepCommand):
    """Find whether the complaint is valid, and what it is."""

    ACT = "finding"

    do: Literal["make-finding"] = "make-finding"
    validity: Key
    class_: OptionalKey = Field(default="", alias="class", description="Left out: as it is.")
    item: OptionalKey = ""
    liable: OptionalKey = ""
    grade: OptionalKey = Field(default="", description="Left out: as it is.")
    warranty_before: Instant | None = Field(default=None, description="End of the warranty for the item.")


def make_finding(case: Case, command: MakeFinding, context: DecisionContext) -> list[Happened]:
    """Record a finding; the procedure that follows from it holds from receipt, and what was done stays done."""
    must_be_open(case)
    _check_finding(case, command, context)
    before = case.findings[-1] if case.findings else None
    must_not_precede("at", context.at, before.at if before else None, "the finding that it would replace,")
    if before and before.overturned and before.by == context.by.person:
        raise SamePersonError(
            "An appeal overturned this person's finding; somebody else has to find anew. Hand the finding over."
        )
    rules = determinations(case, context.law)
    for rule in rules.values():
        must_be_for(context, rule.proposes, "A finding of such a matter")
    law, earlier = context.law, case.findings
    made: dict[str, Any] = {
        **_as_known(case, context),
        "department": command.department,
        "person": command.person,
        "validity": command.validity,
        "class_": command.class_ or case.class_,
        "item": command.item or case.item,
        "liable": command.liable,
        "reason": command.reason,
        "evidence": tuple(flat(command.evidence)),
        "warranty_before": command.warranty_before or case.warranty_before,
        "stated_grade": command.grade or case.stated_grade,
    }
    found = context.tell((FindingProposed if rules else FindingMade)(**made))
    case = ahead(case, [found], law)
    _check_grade(case, command.grade)
    _check_liable(case, command, law)
    # What an earlier finding established is not established a second time, later, under another name.
    case, known = carry_over(case, law, earlier)
    case, done = do_act(case, "finding", command, context)
    _, carried = carry_over(case, law, earlier)
    return [found, *known, *done, *carried]


def _as_known(case: Case, context: DecisionContext) -> dict[str, Any]:
    """Return what a finding tells where it states nothing else."""
    return {
        "complaint_id": case.complaint_id,
        "class_": case.class_,
        "item": case.item,
        "procedure": case.procedure,
        "service": case.service,
        "by": context.by.person,
        "by_unit": context.by.unit,
        "warranty_before": case.warranty_before,
        "stated_grade": case.stated_grade,
    }


def _check_finding(case: Case, command: MakeFinding, context: DecisionContext) -> None:
    book = context.law.rules.procedures
    must_know("validity", command.validity, book.validities or ("valid", "invalid"))
    _check_class(case, command.class_, command.item, context.law)
    if command.liable:
        must_know("liable", command.liable, book.parties or (command.liable,))
    if command.grade:
        kind = context.law.rules.intake.kinds.get(case.kind)
        must_know("grade", command.grade, context.law.rules.intake.grades if kind and kind.graded else ())
    rule = book.validities.get(command.validity)
    if (rule is None or rule.needs_reason) and not command.reason:
        raise MissingPartsError(
            "A finding states its reason. Send it again with 'reason'.",
            [FieldProblem("reason", "is missing")],
        )


def _check_liable(case: Case, command: MakeFinding, law: CaseRules) -> None:
    steps = law.rules.procedures.procedures[case.procedure].steps.values()
    parties = sorted({party for step in steps for party in step.when.liable})
    if parties and not command.liable:
        raise MissingPartsError(
            f"The procedure '{case.procedure}' goes on by who is liable. "
            f"Send the finding again with 'liable': one of {', '.join(parties)}.",
            [FieldProblem("liable", "is missing")],
        )


def _is_open(case: Case, _: CaseRules) -> bool:
    return case.status is Status.OPEN


MAKE_FINDING = Kind(MakeFinding, FIND, make_finding, Offer(0, _is_open))


class ConfirmFinding(Command):
    """Confirm, as the second person, what another proposed; or say what holds instead."""

    do: Literal["confirm-finding"] = "confirm-finding"
    agrees: bool
    validity: OptionalKey = Field(default="", description="Where it is found otherwise; likewise the grade.")
    grade: OptionalKey = ""
    reason: Words = Field(default="", description="Needed with a finding that differs.")

    @model_validator(mode="after")
    def _differs_or_agrees(self) -> "ConfirmFinding":
        if self.agrees == bool(self.validity or self.grade):
            msg = "State 'validity' or 'grade' where you do not agree, and only there."
            raise ValueError(msg)
        if not self.agrees and not self.reason:
            msg = "State the 'reason' why it is found otherwise."
            raise ValueError(msg)
        return self


def confirm_finding(case: Case, command: ConfirmFinding, context: DecisionContext) -> list[Happened]:
    """Confirm a proposed finding, or say what holds instead: the word of who confirms decides."""
    must_be_live(case)
    finding = case.finding
    if finding is None:
        raise StepOrderError("There is no finding to confirm. Send 'make-finding' first.")
    if not finding.awaits:
        raise AlreadyDoneError("The finding holds and awaits nobody. Go on with the next step.")
    answered = _answered(finding, determinations(case, context.law), context)
    must_not_precede("at", context.at, finding.at, "the proposal of the finding")
    if context.by.person == finding.by:
        raise SamePersonError(
            "Who proposed a finding cannot confirm it as somebody else. Ask another person to confirm it."
        )
    left = tuple(key for key in finding.awaits if key not in answered)
    if not command.agrees:
        return _found_otherwise(case, finding, command, answered, left, context)
    if left:
        # Another determination is still to be confirmed, by somebody else.
        event = FindingConfirmed(
            complaint_id=case.complaint_id, determinations=tuple(answered), by=context.by.person
        )
        return [context.tell(event)]
    signed = (*(one.by for one in finding.confirmations), *(context.by.person for _ in answered))
    made = {
        **_as_known(case, context),
        "by": finding.by,
        "by_unit": finding.unit,
        "validity": finding.validity,
        "liable": finding.liable,
        "reason": finding.reason,
        "confirmed_by": signed,
    }
    return [context.tell(FindingMade(**made))]


def _answered(
    finding: Finding, rules: dict[str, Determination], context: DecisionContext
) -> dict[str, Determination]:
    """Return the determinations that the caller may confirm, of those that the finding awaits."""
    awaited = {key: rules[key] for key in finding.awaits if key in rules}
    mine = {key: rule for key, rule in awaited.items() if context.by.role in rule.confirms}
    if not mine:
        roles = dict.fromkeys(role for rule in awaited.values() for role in rule.confirms)
        must_be_for(context, tuple(roles), "To confirm this finding")
    return mine


def _found_otherwise(
    case: Case,
    answered: Finding,
    command: ConfirmFinding,
    rules: dict[str, Determination],
    left: tuple[str, ...],
    context: DecisionContext,
) -> list[Happened]:
    book = context.law.rules
    for field, stated in (("validity", command.validity), ("grade", command.grade)):
        if stated and all(rule.of != field for rule in rules.values()):
            raise NotPermittedByRulebookError(
                f"The rulebook gives you no word on the {field} of this matter. Leave '{field}' out."
            )
    if command.validity:
        must_know("validity", command.validity, book.procedures.validities)
    if command.grade:
        must_know("grade", command.grade, book.intake.grades)
    made = {
        **_as_known(case, context),
        "validity": command.validity or answered.validity,
        "liable": answered.liable,
        "reason": command.reason,
        "stated_grade": command.grade or case.stated_grade,
    }
    event = FindingProposed(**made, answers=tuple(rules)) if left else FindingMade(**made)
    found = context.tell(event)
    case = ahead(case, [found], context.law)
    _check_grade(case, command.grade)
    _, carried = carry_over(case, context.law, case.findings[:-1])
    return [found, *carried]


def _is_proposed(case: Case, _: CaseRules) -> bool:
    return case.is_live and case.finding is not None and bool(case.finding.awaits)


CONFIRM_FINDING = Kind(ConfirmFinding, FIND, confirm_finding, Offer(200, _is_proposed))


class Reclassify(Command):
    """Correct class, item, service, flags or the date of handover."""

    do: Literal["reclassify"] = "reclassify"
    class_: OptionalKey = Field(default="", alias="class", description="Left out: as it is.")
    item: OptionalKey | None = None
    service: OptionalKey = ""
    flags: Keys | None = None
    handover_on: Instant | None = None
    reason: Reason


def reclassify(case: Case, command: Reclassify, context: DecisionContext) -> list[Happened]:
    """Correct class, item, service, flags or handover, and with them tier, floor of the grade and procedure."""
    must_be_live(case)
    must_not_precede("at", context.at, case.procedures[-1].since, "the adoption of the present procedure")
    _check_class(case, command.class_, command.item or "", context.law)
    if command.service:
        kind = context.law.rules.intake.kinds.get(case.kind)
        must_know("service", command.service, kind.services if kind else ())
    if command.handover_on and command.handover_on <= case.received_at:
        raise TimeRefusedError(
            f"A handover at {command.handover_on.isoformat()} is not after the receipt of the matter at "
            f"{case.received_at.isoformat()}. State when the flat is handed over.",
            [FieldProblem("handover_on", f"after {case.received_at.isoformat()}")],
        )
    for flag in command.flags or ():
        must_know("flags", flag, context.law.rules.intake.flags)
    event = CaseReclassified(
        complaint_id=case.complaint_id,
        class_=command.class_ or case.class_,
        item=case.item if command.item is None else command.item,
        flags=tuple(dict.fromkeys(case.flags if command.flags is None else command.flags)),
        procedure=case.procedure,
        reason=command.reason,
        by=context.by.person,
        service=command.service or case.service,
        handover_on=command.handover_on or case.handover_on,
    )
    told = context.tell(event)
    case = ahead(case, [told], context.law)
    _, carried = carry_over(case, context.law, case.findings)
    return [told, *carried]


RECLASSIFY = Kind(Reclassify, FIND, reclassify, Offer(124, lambda case, _: case.is_live))


def _check_class(case: Case, class_: str, item: str, law: CaseRules) -> None:
    """Refuse a class that the kind of matter does not have, or an item that the class's table does not name."""
    intake = law.rules.intake
    kind = intake.kinds.get(case.kind)
    if class_ and kind and kind.classes:
        must_know("class", class_, kind.classes)
    rule = intake.classes.get(class_ or case.class_)
    if item and rule and rule.items_from:
        must_know("item", item, law.rules.limits.tables[rule.items_from].rows)


def _check_grade(case: Case, found: str) -> None:
    """Refuse a grade that is milder than the floor of such a matter."""
    if found and case.grade != found:
        raise NotPermittedByRulebookError(
            f"The rulebook takes such a matter for '{case.grade}' at least. Find that grade, or reclassify the case "
            "where its class, service or flags are wrong."
        )
