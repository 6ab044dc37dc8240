"""Appeals inside a case: against a finding, its grade, who answers, or a missed deadline.

Who may, until when, who advises and who decides follows the rule that disputes over points follow too
(``shared.rulebook.disputes``). What is contested is in ``contested``; what an upheld appeal changes, in ``evolve``.
"""

from typing import Literal, NoReturn

from pydantic import Field

from services.handling.domain.case import Appeal, Case
from services.handling.domain.contested import FINDING, GRADE, RESPONSIBILITY, contested
from services.handling.domain.context import DecisionContext, must_not_precede
from services.handling.domain.evolve import ahead
from services.handling.domain.kinds import READ, Command, Key, Kind, Offer, OptionalKey, Reason
from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotPermittedByRulebookError,
    UnknownKeyError,
)
from services.handling.domain.silence import retold
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import AppealAdvised, AppealDecided, AppealLodged, CaseTransferred
from shared.rulebook.disputes import Contested, Party, check_advice, check_lodging, check_ruling, rule_for
from shared.rulebook.steps import CaseRules


class LodgeAppeal(Command):
    """Appeal against the finding or a missed deadline."""

    do: Literal["lodge-appeal"] = "lodge-appeal"
    against: Key = Field(
        description="'finding', 'grade', 'responsibility', or a clock: 'rectify#2' for its second occurrence."
    )
    grounds: Reason


def lodge_appeal(case: Case, command: LodgeAppeal, context: DecisionContext) -> list[Happened]:
    """Lodge an appeal, by who has standing and inside the rulebook's time."""
    against = FINDING if command.against == "validity" else command.against
    found = contested(case, against) or _nothing_stands(case, against)
    _, rule = rule_for(found.what, context.law.rules)
    if any(one.against == found.key and one.at >= found.at for one in case.appeals):
        raise AlreadyDoneError(
            f"There was an appeal against '{found.key}' before, and there is only one. Its decision stands."
        )
    check_lodging(rule, found, _party(context), context.at, context.law.calendar, context.within)
    event = AppealLodged(
        complaint_id=case.complaint_id,
        appeal=str(len(case.appeals) + 1),
        against=found.key,
        grounds=command.grounds,
        by=context.by.person,
        entered_by=context.entered_by,
        by_unit=context.by.unit,
    )
    return [context.tell(event)]


def _nothing_stands(case: Case, against: str) -> NoReturn:
    if against in (FINDING, GRADE):
        raise NotPermittedByRulebookError(
            "The finding is only proposed. Wait until it is confirmed, then appeal."
            if case.finding
            else "The case has no finding to appeal against. Wait for one."
        )
    missed = ", ".join(f"{one.name}#{number}" for one in case.clocks for number in one.told) or "none"
    raise NotPermittedByRulebookError(
        f"No deadline '{against}' was missed. Appeal against 'finding', 'grade', 'responsibility' or one of: "
        f"{missed}."
    )


def _may_be_appealed(case: Case, law: CaseRules) -> bool:
    has_subject = case.finding is not None or any(clock.told for clock in case.clocks)
    return bool(law.rules.procedures.appeals) and has_subject


LODGE_APPEAL = Kind(LodgeAppeal, "cases.appeal", lodge_appeal, Offer(210, _may_be_appealed))


class AdviseAppeal(Command):
    """Advise on an appeal before it is decided, with reasons."""

    do: Literal["advise-appeal"] = "advise-appeal"
    appeal: Key
    uphold: bool
    reasons: Reason


def advise_appeal(case: Case, command: AdviseAppeal, context: DecisionContext) -> list[Happened]:
    """Advise on an appeal, with reasons, where the rulebook has somebody advise first (ZY-04)."""
    appeal = _open_appeal(case, command.appeal)
    if appeal.advised_by:
        raise AlreadyDoneError(f"There is advice on the appeal '{appeal.id}' already. Wait for the decision.")
    must_not_precede("at", context.at, appeal.at, "the lodging of the appeal")
    rule = context.law.rules.procedures.appeals[appeal.rule]
    check_advice(rule, _as_lodged(appeal), _appellant(appeal), _party(context))
    event = AppealAdvised(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        uphold=command.uphold,
        reasons=command.reasons,
        by=context.by.person,
        entered_by=context.entered_by,
    )
    return [context.tell(event)]


def _pending(case: Case) -> list[Appeal]:
    return [one for one in case.appeals if one.decided_at is None]


def _awaits_advice(case: Case, law: CaseRules) -> bool:
    rules = law.rules.procedures.appeals
    return any(rules[one.rule].advises and not one.advised_by for one in _pending(case))


ADVISE_APPEAL = Kind(
    AdviseAppeal, "disputes.advise", advise_appeal, Offer(220, _awaits_advice), is_ruling=True
)


class DecideAppeal(Command):
    """Decide an appeal, with reasons."""

    do: Literal["decide-appeal"] = "decide-appeal"
    appeal: Key
    upheld: bool
    reasons: Reason
    unit: OptionalKey = Field(
        default="",
        description="Who answers instead, where responsibility was contested; left out: the same unit.",
    )
    department: OptionalKey = ""
    answers: OptionalKey = Field(default="", description="Person who answers instead.")


def decide_appeal(case: Case, command: DecideAppeal, context: DecisionContext) -> list[Happened]:
    """Decide an appeal. Whoever made, lodged or answers for what it is about stands aside, and so does the unit."""
    appeal = _open_appeal(case, command.appeal)
    must_not_precede("at", context.at, appeal.at, "the lodging of the appeal")
    rule = context.law.rules.procedures.appeals[appeal.rule]
    check_ruling(
        rule,
        _as_lodged(appeal),
        _appellant(appeal),
        _party(context),
        context.at,
        context.within,
        advised_by=appeal.advised_by,
        advise_before=appeal.advise_before,
    )
    moves = command.upheld and appeal.against == RESPONSIBILITY
    _check_who_answers(command, moves=moves)
    event = AppealDecided(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        against=appeal.against,
        upheld=command.upheld,
        reasons=command.reasons,
        by=context.by.person,
        restates=command.upheld and rule.restates,
        answers_unit=command.unit,
        answers_person=command.answers,
        answers_department=command.department,
        entered_by=context.entered_by,
        by_unit=context.by.unit,
    )
    decided = context.tell(event)
    return [decided, *_moved(case, decided, command, context)] if moves else [decided]


def _moved(case: Case, decided: Happened, command: DecideAppeal, context: DecisionContext) -> list[Happened]:
    """Tell anew what was missed under a charge that is another's from its beginning."""
    moved = ahead(case, [decided], context.law)
    told = retold(case, moved, context.law, context.at)
    if moved.unit != case.unit:
        event = CaseTransferred(
            complaint_id=case.complaint_id,
            from_unit=case.unit,
            to_unit=moved.unit,
            reason=command.reasons,
            by=context.by.person,
            by_unit=context.by.unit,
        )
        told.append(context.tell(event))
    return told


def _check_who_answers(command: DecideAppeal, *, moves: bool) -> None:
    names = bool(command.unit or command.answers)
    if moves and not names:
        raise MissingPartsError(
            "An appeal over who answers is upheld by saying who does. Send it again with 'unit' or 'answers'.",
            [FieldProblem("unit", "is missing, or 'answers'")],
        )
    if names and not moves:
        raise NotPermittedByRulebookError(
            "Only an upheld appeal over who answers names somebody else. Leave 'unit' and 'answers' out."
        )


def _right_to_decide(case: Case, law: CaseRules) -> str:
    return law.rules.procedures.appeals[_pending(case)[0].rule].right


DECIDE_APPEAL = Kind(
    DecideAppeal,
    READ,  # to rule on cases or on disputes, as the rulebook says of what is contested
    decide_appeal,
    Offer(230, lambda case, _: bool(_pending(case)), _right_to_decide),
    is_ruling=True,
    hands_to="unit",
)


def _open_appeal(case: Case, wanted: str) -> Appeal:
    appeal = next((one for one in case.appeals if one.id == wanted), None)
    if appeal is None:
        known = ", ".join(one.id for one in case.appeals) or "none"
        raise UnknownKeyError(
            f"The case has no appeal '{wanted}'. Name one of: {known}.",
            [FieldProblem("appeal", f"one of: {known}")],
        )
    if appeal.decided_at:
        raise AlreadyDoneError(f"The appeal '{appeal.id}' is decided already. Its decision stands.")
    return appeal


def _party(context: DecisionContext) -> Party:
    by = context.by
    return Party(person=by.person, unit=by.unit, role=by.role, rights=by.rights, supervises=by.sees_all)


def _appellant(appeal: Appeal) -> Party:
    return Party(person=appeal.by, unit=appeal.unit, role="", rights=frozenset())


def _as_lodged(appeal: Appeal) -> Contested:
    """Return what is contested as it was when the appeal was lodged, whatever became of it."""
    return Contested(
        what=appeal.what,
        key=appeal.against,
        at=appeal.since,
        unit=appeal.charged_unit,
        person=appeal.charged_person,
        made_in=appeal.made_in,
        hands=frozenset(appeal.hands),
    )
