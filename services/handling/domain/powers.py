"""The powers of the service body (JK-01, JK-30), and taking a case up to a higher level."""

from datetime import datetime

from services.handling.domain.case import Case, Escalated, PowerUse
from services.handling.domain.commands import Escalate, UsePower
from services.handling.domain.refusals import ConditionNotRecordedError, NotPermittedByRulebookError
from services.handling.domain.scene import Scene, must_be_live, must_have_right, must_know, told
from shared.events import Happened
from shared.events.handling import CaseEscalated, PowerUsed
from shared.rulebook.schema.procedures import Escalation


def use_power(case: Case, command: UsePower, scene: Scene) -> tuple[Case, list[Happened]]:
    """Use a power; where it has a condition, that it is met is recorded with it or nothing happens."""
    must_be_live(case)
    powers = scene.law.rules.rights.powers
    must_know("power", command.power, powers)
    rule = powers[command.power]
    must_have_right(scene, rule.right)
    if rule.condition and not command.condition:
        raise ConditionNotRecordedError(
            f"The power '{command.power}' may be used only when its condition is recorded: {rule.condition.en} "
            f"({rule.condition.zh}). Send it again with 'condition': how, when and with whom."
        )
    used = PowerUse(at=scene.at, power=command.power, by=scene.by.person)
    event = PowerUsed(
        complaint_id=case.complaint_id,
        power=command.power,
        condition=command.condition,
        detail=command.detail,
        by=scene.by.person,
    )
    return case.with_(powers=(*case.powers, used)), [told(case, event, scene.at)]


def escalate(case: Case, command: Escalate, scene: Scene) -> tuple[Case, list[Happened]]:
    """Take the case up; who first took the matter is named on it (LN-06)."""
    must_be_live(case)
    reached = max((one.level for one in case.escalations), default=0)
    above = {one.level: one for one in scene.law.rules.procedures.escalations.values() if one.level > reached}
    if not above:
        raise NotPermittedByRulebookError(
            f"The case is at level {reached}, and the rulebook knows none above it. It stays where it is."
        )
    level = command.level if command.level is not None else min(above)
    if level not in above:
        choices = ", ".join(str(one) for one in sorted(above))
        raise NotPermittedByRulebookError(
            f"The case is at level {reached} and cannot be taken to level {level}. Choose one of: {choices}."
        )
    case, event = take_up(case, above[level], command.reason, scene.by.person, scene.at)
    return case, [told(case, event, scene.at)]


def take_up(case: Case, rule: Escalation, reason: str, by: str, at: datetime) -> tuple[Case, CaseEscalated]:
    """Record that the case was taken up to a level."""
    event = CaseEscalated(
        complaint_id=case.complaint_id,
        level=rule.level,
        to=rule.to,
        reason=reason,
        by=by,
        first_taker=case.first_taker,
    )
    taken = Escalated(at=at, level=rule.level, by=by)
    return case.with_(escalations=(*case.escalations, taken)), event
