"""The powers of the service body (JK-01, JK-30), and taking a case up to a higher level."""

from typing import Literal

from pydantic import Field

from services.handling.domain.case import Case
from services.handling.domain.context import DecisionContext, must_be_live, must_have_right, must_know
from services.handling.domain.kinds import HANDLE, Command, Key, Kind, Offer, Reason, Words
from services.handling.domain.refusals import ConditionNotRecordedError, NotPermittedByRulebookError
from shared.events import Happened
from shared.events.handling import CaseEscalated, PowerUsed


class Escalate(Command):
    """Take the case up a level; to the next one where none is named."""

    do: Literal["escalate"] = "escalate"
    level: int | None = Field(default=None, ge=1, le=99)
    reason: Reason


def escalate(case: Case, command: Escalate, context: DecisionContext) -> list[Happened]:
    """Take the case up; who first took the matter is named on it (LN-06)."""
    must_be_live(case)
    reached = max((one.level for one in case.escalations), default=0)
    above = {
        one.level: one for one in context.law.rules.procedures.escalations.values() if one.level > reached
    }
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
    event = CaseEscalated(
        complaint_id=case.complaint_id,
        level=level,
        to=above[level].to,
        reason=command.reason,
        by=context.by.person,
        first_taker=case.first_taker,
    )
    return [context.tell(event)]


ESCALATE = Kind(Escalate, HANDLE, escalate, Offer(121, lambda case, _: case.is_live))


class UsePower(Command):
    """Use a power of the service body; its condition is recorded with it."""

    do: Literal["use-power"] = "use-power"
    power: Key
    condition: Words = ""
    detail: Reason


def use_power(case: Case, command: UsePower, context: DecisionContext) -> list[Happened]:
    """Use a power; where it has a condition, that it is met is recorded with it or nothing happens."""
    must_be_live(case)
    powers = context.law.rules.rights.powers
    must_know("power", command.power, powers)
    rule = powers[command.power]
    must_have_right(context, rule.right)
    if rule.condition and not command.condition:
        raise ConditionNotRecordedError(
            f"The power '{command.power}' may be used only when its condition is recorded: {rule.condition.en} "
            f"({rule.condition.zh}). Send it again with 'condition': how, when and with whom."
        )
    event = PowerUsed(
        complaint_id=case.complaint_id,
        power=command.power,
        condition=command.condition,
        detail=command.detail,
        by=context.by.person,
    )
    return [context.tell(event)]


USE_POWER = Kind(UsePower, "powers.use", use_power, Offer(122, lambda case, _: case.is_live))
