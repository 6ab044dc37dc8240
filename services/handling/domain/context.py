"""What a decision is made in: the law, who commands, when. And the small checks that every command shares."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.handling.domain.case import Actor, Case, Status
from services.handling.domain.refusals import (
    CaseOverError,
    SamePersonError,
    TimeRefusedError,
    UnknownKeyError,
)
from shared.errors import FieldProblem, ForbiddenError
from shared.events import Happened
from shared.events.handling import CaseEvent
from shared.rulebook.disputes import Within
from shared.rulebook.steps import CaseRules

_OVER = {
    Status.CLOSED: "is closed. Re-open it first.",
    Status.WITHDRAWN: "was withdrawn by the customer. Re-open it first, if the customer takes it up again.",
    Status.MERGED: "goes on inside another case. Command that case, or part this one first.",
    Status.RESOLVED: "is resolved. Close it, or re-open it first.",
}


def same_unit(unit: str, top: str) -> bool:
    """Say whether a unit lies in another one, where nothing is known of the organisation."""
    return unit == top


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision is made in.

    Attributes:
        at: When what is commanded happened.
        within: Says which unit lies in which.
        other: The case that the command names besides its own, as far as the caller sees one.
        entered_by: Who entered it, where it is another's deed.
    """

    law: CaseRules
    by: Actor
    at: datetime
    other: Case | None = None
    within: Within = same_unit
    entered_by: str = ""

    def tell(self, event: CaseEvent, at: datetime | None = None) -> Happened:
        """Return an event that is to be told; ``telling.event_of`` completes it when the case after it is known."""
        return Happened(event, at or self.at)


def must_be_live(case: Case) -> None:
    """Refuse where the case has ended."""
    if not case.is_live:
        raise CaseOverError(f"Case {case.number} {_OVER[case.status]}")


def must_be_open(case: Case) -> None:
    """Refuse where the case is resolved or has ended."""
    if case.status is not Status.OPEN:
        raise CaseOverError(f"Case {case.number} {_OVER[case.status]}")


def must_have_right(context: DecisionContext, right: str) -> None:
    """Refuse where the caller lacks a right that the rulebook asks for."""
    if right and right not in context.by.rights:
        raise ForbiddenError(
            f"This needs the right '{right}', which the role '{context.by.role}' does not have. "
            "Ask someone whose role has it."
        )


def must_be_for(context: DecisionContext, roles: Collection[str], what: str) -> None:
    """Refuse what the rulebook gives to other roles. Whoever imports does it in the role of who did it."""
    if roles and context.by.role not in roles:
        raise ForbiddenError(
            f"{what} is for {' or '.join(roles)}, not for '{context.by.role}'. Ask one of them to do it."
        )


def must_approve_for_another(case: Case, asked_by: str, context: DecisionContext) -> None:
    """Refuse an approval by who answers for the case, or who asked for it."""
    if context.by.person in (case.person, asked_by):
        raise SamePersonError(
            "Who answers for the case or asks for this cannot approve it. Ask another leader."
        )


def must_know(field: str, key: str, known: Iterable[str]) -> None:
    """Refuse a key that is not among those the rulebook knows."""
    choices = sorted(known)
    if key not in choices:
        shown = ", ".join(choices) or "none"
        raise UnknownKeyError(
            f"The rulebook knows no {field} '{key}'. Choose one of: {shown}.",
            [FieldProblem(field, f"one of: {shown}")],
        )


def must_not_precede(field: str, at: datetime, earlier: datetime | None, what: str) -> None:
    """Refuse a time before something that it must follow."""
    if earlier is not None and at < earlier:
        raise TimeRefusedError(
            f"{at.isoformat()} is before {what} at {earlier.isoformat()}. Correct the time, "
            "or the entry that it must follow.",
            [FieldProblem(field, f"not before {earlier.isoformat()}")],
        )


def must_follow_deeds(case: Case, context: DecisionContext) -> None:
    """Refuse an end before something that was done."""
    deeds = [
        *(one.at for one in case.done),
        *(one.at for one in case.findings),
        *(one.at for one in case.repeats),
    ]
    must_not_precede("at", context.at, max(deeds, default=None), "the last deed on the case")
