"""Disputes and appeals: who may contest what, until when, who advises, who rules, and what is overturned how often.

Pure, and one for both places where something is contested: handling (findings, clocks) and scoring (what costs points).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.errors import ConflictError, FieldProblem, ForbiddenError, InvalidInputError
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Appeals, Contestable, Standing
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import due_before

Within = Callable[[str, str], bool]
"""Says whether a unit is another one or lies below it: ``within(unit, top)``."""


class TermOverError(ConflictError):
    """The time in which it could be contested has ended."""

    code = "term-over"


class RecusedError(ForbiddenError):
    """Whoever had a hand in what is contested stands aside."""

    code = "recused"


class AdviceMissingError(ConflictError):
    """The rulebook asks for advice before the ruling, and its time still runs."""

    code = "advice-missing"


class DecidedError(ConflictError):
    """The dispute is ruled; its ruling stands."""

    code = "dispute-decided"


@dataclass(frozen=True, slots=True)
class Contested:
    """What is contested, as it stands.

    Attributes:
        what: The kind of thing.
        key: What a ruling will name: an offence, an event, a clock with its occurrence.
        at: Since when it stands; terms count from here.
        unit: Who is charged; ``person``: and whom, where a person is.
        made_in: The unit that made it; the charged unit where the system itself did.
        hands: Persons who had a hand in it.
        other_side: Persons and units that stand for the customer.
    """

    what: Contestable
    key: str
    at: datetime
    unit: str
    person: str = ""
    made_in: str = ""
    hands: frozenset[str] = frozenset()
    other_side: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who lodges, advises or rules.

    Attributes:
        supervises: The office that supervises: it sees every unit.
    """

    person: str
    unit: str
    role: str
    rights: frozenset[str]
    supervises: bool = False


@dataclass(frozen=True, slots=True)
class Lodged:
    """What lodging comes to: why the party may, and until when the others must answer."""

    standing: Standing
    advise_before: datetime | None
    decide_before: datetime


def rule_for(what: Contestable, rules: Rules) -> tuple[str, Appeals]:
    """Return the rule under which something is contested: one that names it before one for everything.

    Raises:
        InvalidInputError: The rulebook knows none.
    """
    found = rules_for(what, rules)
    if not found:
        known = sorted({one for rule in rules.procedures.appeals.values() for one in rule.against})
        reason = f"the rulebook lets nobody contest '{what}'; it does: {', '.join(known) or 'nothing'}"
        raise InvalidInputError("The dispute was not stored.", [FieldProblem("against", reason)])
    return found[0]


def rules_for(what: Contestable, rules: Rules) -> list[tuple[str, Appeals]]:
    """Return the rules under which something could be contested, the one that holds first."""
    entries = sorted(rules.procedures.appeals.items())
    named = [(key, rule) for key, rule in entries if what in rule.against]
    return named or [(key, rule) for key, rule in entries if not rule.against]


def check_lodging(
    rule: Appeals,
    contested: Contested,
    by: Party,
    at: datetime,
    calendar: WorkingCalendar,
    within: Within,
) -> Lodged:
    """Refuse who may not contest this, or not any more; else say why he may and what terms run from now.

    Raises:
        ForbiddenError: The party has no standing.
        TermOverError: It is too late.
        InvalidInputError: It would be lodged before what it is about.
    """
    if at < contested.at:
        reason = f"before what is contested, which stands since {contested.at.isoformat()}"
        raise InvalidInputError("The dispute was not stored.", [FieldProblem("at", reason)])
    standing = next((one for one in rule.standing if _STANDING[one](contested, by, within)), None)
    if standing is None:
        msg = (
            f"This may be contested by: {', '.join(rule.standing)} ({', '.join(rule.source)}). "
            f"Neither you nor your unit '{by.unit}' is one of them."
        )
        raise ForbiddenError(msg)
    over = due_before(rule.within, contested.at, calendar).due_before
    if at >= over:
        msg = f"The time to contest this ended at {over.isoformat()} ({', '.join(rule.source)})."
        raise TermOverError(msg)
    advise = due_before(rule.advised_within, at, calendar).due_before if rule.advised_within else None
    return Lodged(standing, advise, due_before(rule.decided_within, at, calendar).due_before)


def check_advice(rule: Appeals, contested: Contested, lodged_by: Party, by: Party) -> None:
    """Refuse advice from anybody but the role that gives it.

    Raises:
        ForbiddenError: Another role advises, or none.
        RecusedError: The adviser had a hand in it.
    """
    if by.role != rule.advises:
        who = f"the role '{rule.advises}'" if rule.advises else "nobody"
        msg = f"By this rule {who} advises ({', '.join(rule.source)}); you are a '{by.role}'."
        raise ForbiddenError(msg)
    _stand_aside(contested, lodged_by, by)


def check_ruling(
    rule: Appeals,
    contested: Contested,
    lodged_by: Party,
    by: Party,
    at: datetime,
    within: Within,
    *,
    advised_by: str = "",
    advise_before: datetime | None = None,
) -> None:
    """Refuse a ruling by whom the rulebook does not let rule.

    Args:
        rule: The rule under which it is contested.
        contested: What is contested.
        lodged_by: Who contests it.
        by: Who rules.
        at: When.
        within: Says which unit lies in which.
        advised_by: Who gave advice; empty while nobody did.
        advise_before: Until when advice is awaited.

    Raises:
        ForbiddenError: Right, role or tier is another one's.
        RecusedError: Who rules had a hand in it, or advised.
        AdviceMissingError: Advice is still awaited.
    """
    clauses = ", ".join(rule.source)
    if rule.right not in by.rights:
        msg = f"Role '{by.role}' lacks the right '{rule.right}' that this ruling needs ({clauses})."
        raise ForbiddenError(msg)
    _check_seat(rule, contested, by, within)
    _stand_aside(contested, lodged_by, by)
    if rule.advises and not advised_by and (advise_before is None or at < advise_before):
        msg = f"The role '{rule.advises}' advises first ({clauses}). Wait for the advice, or until its time is over."
        raise AdviceMissingError(msg)
    if by.person == advised_by:
        msg = "Who advised does not rule as well. Hand it to somebody else."
        raise RecusedError(msg)


def check_correction(rule: Appeals | None, contested: Contested, by: Party, within: Within) -> None:
    """Refuse a ruling that nobody asked for by whom the rulebook does not let rule.

    Args:
        rule: The rule under which it could be contested, where there is one.
        contested: What is ruled on.
        by: Who rules.
        within: Says which unit lies in which.

    Raises:
        ForbiddenError: Role or tier is another one's.
        RecusedError: Who rules had a hand in it.
        AdviceMissingError: The rulebook has somebody advise first, on a dispute.
    """
    if rule is not None:
        _check_seat(rule, contested, by, within)
    _no_hand_in(contested, by)
    if rule is not None and rule.advises:
        msg = f"The role '{rule.advises}' advises first ({', '.join(rule.source)}). Lodge a dispute: POST /v1/disputes."
        raise AdviceMissingError(msg)


def _check_seat(rule: Appeals, contested: Contested, by: Party, within: Within) -> None:
    clauses = ", ".join(rule.source)
    if rule.decides and by.role not in rule.decides:
        msg = f"This is ruled by: {', '.join(rule.decides)} ({clauses}); you are a '{by.role}'."
        raise ForbiddenError(msg)
    made_in = contested.made_in or contested.unit
    if rule.next_tier and (by.unit == made_in or not within(made_in, by.unit)):
        msg = f"Somebody of a unit above '{made_in}' rules this ({clauses}); yours is '{by.unit}'."
        raise ForbiddenError(msg)


def _no_hand_in(contested: Contested, by: Party) -> None:
    if by.person in contested.hands or by.person == contested.person:
        msg = "Whoever made or answers for what is contested does not rule it. Hand it to somebody else."
        raise RecusedError(msg)
    if by.unit == contested.unit:
        msg = f"Nobody of '{contested.unit}', which is charged, rules this. Hand it to somebody of another unit."
        raise RecusedError(msg)


def _stand_aside(contested: Contested, lodged_by: Party, by: Party) -> None:
    _no_hand_in(contested, by)
    if by.person == lodged_by.person or by.unit == lodged_by.unit:
        msg = "Whoever lodged it, and their unit, neither advises nor rules. Hand it to somebody of another unit."
        raise RecusedError(msg)


_STANDING: Mapping[Standing, Callable[[Contested, Party, Within], bool]] = {
    "charged-unit": lambda it, by, within: not by.supervises and within(it.unit, by.unit),
    "charged-person": lambda it, by, _: bool(it.person) and it.person == by.person,
    "supervising-office": lambda _, by, __: by.supervises,
    "other-side": lambda it, by, _: by.person in it.other_side or by.unit in it.other_side,
}
