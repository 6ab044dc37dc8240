"""What may be done next on a case, and why not where it may not. For pages; ``decide`` has the last word."""

from datetime import datetime
from typing import TypedDict

from services.handling.domain.case import Actor, Case, Status
from services.handling.domain.commands import OFFERED, RIGHTS
from services.handling.domain.context import DecisionContext
from services.handling.domain.doing import check_order, command_for, needed
from services.handling.domain.kinds import Offer
from services.handling.domain.procedure import duties, is_owed, voided_by
from shared.errors import ConflictError, InvalidInputError
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules, OwedStep


class Allowed(TypedDict):
    """One thing that could be done.

    Attributes:
        by: Roles of which one must do it; empty: any.
        right: Rights that the caller needs, all of them.
        needs: Fields that the command must hold for it, as ``evidence.agreement`` or ``signatures.owner``.
        why_not: Why it cannot be done now; None where it can.
    """

    do: str
    step: str
    by: list[str]
    title_zh: str
    title_en: str
    right: list[str]
    needs: list[str]
    due_before: datetime | None
    why_not: str | None


def allowed(case: Case, edition: Edition, by: Actor) -> list[Allowed]:
    """Return what may be done next: the steps that are owed, then what may be done with the case."""
    law = CaseRules.of(edition, case.received_at)
    found: list[Allowed] = []
    for duty in duties(case, law).values():
        is_due = case.is_live or (case.status is Status.CLOSED and "closing" in duty.step.after)
        if is_due and not case.done_now(duty.key) and is_owed(case, duty) and not voided_by(case, duty):
            found.append(_step(case, duty, law, by))
    return found + [_act(do, offer, case, law, by.rights) for do, offer in OFFERED if offer.on(case, law)]


def _step(case: Case, duty: OwedStep, law: CaseRules, by: Actor) -> Allowed:
    do = command_for(duty)
    rights_needed = [right for right in (RIGHTS[do], duty.step.right) if right]
    why_not = _lacking(rights_needed, by.rights)
    if duty.step.by and by.role not in duty.step.by:
        why_not = f"Is for {' or '.join(duty.step.by)}."
    try:
        # Order is judged as of the latest moment that the case knows; the rest needs the command itself.
        check_order(case, duty, DecisionContext(law, Actor(person="", unit="", role=""), _latest(case)))
    except (ConflictError, InvalidInputError) as refusal:
        why_not = str(refusal)
    clock = case.clock(duty.key)
    runs = clock is not None and clock.occurrence == case.occurrence_of(duty.key)
    return Allowed(
        do=do,
        step=duty.key,
        by=list(duty.step.by),
        title_zh=duty.step.title.zh,
        title_en=duty.step.title.en,
        right=list(dict.fromkeys(rights_needed)),
        needs=needed(case, duty, law),
        due_before=clock.due if clock and runs else None,
        why_not=why_not,
    )


def _act(do: str, offer: Offer, case: Case, law: CaseRules, rights: frozenset[str]) -> Allowed:
    right = offer.right(case, law) if offer.right else RIGHTS[do]
    return Allowed(
        do=do,
        step="",
        by=[],
        title_zh="",
        title_en="",
        right=[right],
        needs=list(offer.needs),
        due_before=None,
        why_not=_lacking([right], rights),
    )


def _lacking(needed: list[str], rights: frozenset[str]) -> str | None:
    lacking = [right for right in needed if right not in rights]
    return f"Needs the right '{lacking[0]}'." if lacking else None


def _latest(case: Case) -> datetime:
    return max((case.settled_up_to, case.registered_at, *(one.at for one in case.done)))
