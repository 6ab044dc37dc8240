"""The second person's word on a finding: one proposes, another confirms (XA-18; FIELD, validity by two)."""

from services.handling.domain.case import Case, Confirmation, Finding
from services.handling.domain.commands import ConfirmFinding
from services.handling.domain.findings import (
    adopt,
    carry_over,
    check_grade,
    determinations,
    made_known,
    proposed,
)
from services.handling.domain.refusals import (
    AlreadyDoneError,
    NotPermittedByRulebookError,
    SamePersonError,
    StepOrderError,
)
from services.handling.domain.scene import (
    Scene,
    must_be_for,
    must_be_live,
    must_know,
    must_not_precede,
    told,
)
from services.handling.domain.steps import Made, conclude
from shared.events import Happened
from shared.rulebook.schema.procedures import Determination


def confirm_finding(case: Case, command: ConfirmFinding, scene: Scene) -> tuple[Case, list[Happened]]:
    """Confirm a proposed finding, or say what holds instead: the word of who confirms decides."""
    must_be_live(case)
    finding = case.finding
    if finding is None:
        raise StepOrderError("There is no finding to confirm. Send 'make-finding' first.")
    if not finding.awaits:
        raise AlreadyDoneError("The finding holds and awaits nobody. Go on with the next step.")
    answered = _answered(finding, determinations(case, scene.law), scene)
    must_not_precede("at", scene.at, finding.at, "the proposal of the finding")
    if scene.by.person == finding.by:
        raise SamePersonError(
            "Who proposed a finding cannot confirm it as somebody else. Ask another person to confirm it."
        )
    confirmed = tuple(Confirmation(determination=key, at=scene.at, by=scene.by.person) for key in answered)
    finding = finding.model_copy(update={"confirmations": (*finding.confirmations, *confirmed)})
    case = case.with_(findings=(*case.findings[:-1], finding))
    carried: list[Made] = []
    if not command.agrees:
        case, carried = _found_otherwise(case, finding, command, answered, scene)
    case, happened = conclude(case, carried, scene)
    if not case.findings[-1].awaits:
        return case, [told(case, made_known(case), scene.at), *happened]
    # Another determination is still to be confirmed; what differs is told as what is proposed now.
    events = [] if command.agrees else [told(case, proposed(case, ()), scene.at)]
    return case, [*events, *happened]


def _answered(finding: Finding, rules: dict[str, Determination], scene: Scene) -> dict[str, Determination]:
    """Return the determinations that the caller may confirm, of those that the finding awaits."""
    awaited = {key: rules[key] for key in finding.awaits if key in rules}
    mine = {key: rule for key, rule in awaited.items() if scene.by.role in rule.confirms}
    if not mine:
        roles = dict.fromkeys(role for rule in awaited.values() for role in rule.confirms)
        must_be_for(scene, tuple(roles), "To confirm this finding")
    return mine


def _found_otherwise(
    case: Case, answered: Finding, command: ConfirmFinding, rules: dict[str, Determination], scene: Scene
) -> tuple[Case, list[Made]]:
    book = scene.law.rules
    for field, stated in (("validity", command.validity), ("grade", command.grade)):
        if stated and all(rule.of != field for rule in rules.values()):
            raise NotPermittedByRulebookError(
                f"The rulebook gives you no word on the {field} of this matter. Leave '{field}' out."
            )
    if command.validity:
        must_know("validity", command.validity, book.procedures.validities)
    if command.grade:
        must_know("grade", command.grade, book.intake.grades)
    finding = answered.model_copy(
        update={
            "at": scene.at,
            "by": scene.by.person,
            "unit": scene.by.unit,
            "validity": command.validity or answered.validity,
            "reason": command.reason,
            "determinations": answered.awaits,
            "confirmations": (),
        }
    )
    case = case.with_(stated_grade=command.grade or case.stated_grade, findings=(*case.findings, finding))
    case = adopt(case, scene.law, scene.at)
    check_grade(case, command.grade)
    return carry_over(case, scene.law, case.findings[:-1])
