"""Appeals inside a case: against a finding, its grade, who answers, or a missed deadline.

Who may, until when, who advises and who decides follows the rule that disputes over points follow too
(``shared.rulebook.disputes``). Here is what is contested, and what an upheld appeal changes.
"""

from collections.abc import Mapping
from datetime import datetime

from services.handling.domain.case import Appeal, Case, Charge
from services.handling.domain.commands import AdviseAppeal, DecideAppeal, LodgeAppeal
from services.handling.domain.deadlines import retold, sync
from services.handling.domain.findings import adopt
from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotPermittedByRulebookError,
    UnknownKeyError,
)
from services.handling.domain.scene import Scene, must_not_precede, told
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import AppealAdvised, AppealDecided, AppealLodged, CaseTransferred
from shared.rulebook.disputes import (
    Contested,
    Party,
    check_advice,
    check_lodging,
    check_ruling,
    rule_for,
)
from shared.rulebook.schema.procedures import Contestable

FINDING, GRADE, RESPONSIBILITY = "finding", "grade", "responsibility"


def lodge_appeal(case: Case, command: LodgeAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Lodge an appeal, by who has standing and inside the rulebook's time."""
    contested = _contested(case, FINDING if command.against == "validity" else command.against)
    key, rule = rule_for(contested.what, scene.law.rules)
    if any(one.against == contested.key and one.at >= contested.at for one in case.appeals):
        raise AlreadyDoneError(
            f"There was an appeal against '{contested.key}' before, and there is only one. Its decision stands."
        )
    lodged = check_lodging(rule, contested, _party(scene), scene.at, scene.law.calendar, scene.within)
    appeal = Appeal(
        id=str(len(case.appeals) + 1),
        at=scene.at,
        against=contested.key,
        by=scene.by.person,
        unit=scene.by.unit,
        rule=key,
        what=contested.what,
        since=contested.at,
        charged_unit=contested.unit,
        charged_person=contested.person,
        made_in=contested.made_in,
        hands=tuple(sorted(contested.hands)),
        advise_before=lodged.advise_before,
    )
    event = AppealLodged(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        against=contested.key,
        grounds=command.grounds,
        by=scene.by.person,
        entered_by=scene.entered_by,
    )
    case = sync(case.with_(appeals=(*case.appeals, appeal)), scene.law)
    return case, [told(case, event, scene.at)]


def advise_appeal(case: Case, command: AdviseAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Advise on an appeal, with reasons, where the rulebook has somebody advise first (ZY-04)."""
    appeal = _open_appeal(case, command.appeal)
    if appeal.advised_by:
        raise AlreadyDoneError(f"There is advice on the appeal '{appeal.id}' already. Wait for the decision.")
    must_not_precede("at", scene.at, appeal.at, "the lodging of the appeal")
    rule = scene.law.rules.procedures.appeals[appeal.rule]
    check_advice(rule, _as_lodged(appeal), _appellant(appeal), _party(scene))
    advised = appeal.model_copy(update={"advised_at": scene.at, "advised_by": scene.by.person})
    event = AppealAdvised(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        uphold=command.uphold,
        reasons=command.reasons,
        by=scene.by.person,
        entered_by=scene.entered_by,
    )
    return sync(_with(case, appeal, advised), scene.law), [told(case, event, scene.at)]


def decide_appeal(case: Case, command: DecideAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Decide an appeal. Whoever made, lodged or answers for what it is about stands aside, and so does the unit."""
    appeal = _open_appeal(case, command.appeal)
    must_not_precede("at", scene.at, appeal.at, "the lodging of the appeal")
    rule = scene.law.rules.procedures.appeals[appeal.rule]
    check_ruling(
        rule,
        _as_lodged(appeal),
        _appellant(appeal),
        _party(scene),
        scene.at,
        scene.within,
        advised_by=appeal.advised_by,
        advise_before=appeal.advise_before,
    )
    moves = command.upheld and appeal.against == RESPONSIBILITY
    _check_who_answers(command, moves=moves)
    case = _with(case, appeal, appeal.model_copy(update={"decided_at": scene.at, "upheld": command.upheld}))
    happened: list[Happened] = []
    if moves:
        case, happened = _moved(case, appeal, command, scene)
    elif command.upheld:
        case = upheld(case, appeal)
    if command.upheld and appeal.against == GRADE:
        case = adopt(case, scene.law, scene.at)
    event = AppealDecided(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        against=appeal.against,
        upheld=command.upheld,
        reasons=command.reasons,
        by=scene.by.person,
        restates=command.upheld and rule.restates,
        answers_unit=command.unit,
        answers_person=command.answers,
        entered_by=scene.entered_by,
    )
    return sync(case, scene.law), [told(case, event, scene.at), *happened]


def kind_of(against: str) -> Contestable:
    """Return what kind of thing an appeal is against, from how it names it."""
    return _KINDS.get(against, "clock")


_KINDS: Mapping[str, Contestable] = {
    FINDING: "validity",
    GRADE: "grade",
    RESPONSIBILITY: "responsibility",
}


def upheld(case: Case, appeal: Appeal) -> Case:
    """Take away what an upheld appeal is about: a finding falls, a miss is excused."""
    if appeal.against in (FINDING, GRADE):
        standing = case.findings[-1]
        if standing.at > appeal.at:
            return case
        overturned = standing.model_copy(update={"overturned": True})
        case = case.with_(findings=(*case.findings[:-1], overturned))
        return case.with_(stated_grade="") if appeal.against == GRADE else case
    name, _, run = appeal.against.partition("#")
    clock = case.clock(name)
    if clock is None or not run:
        return case
    return case.with_clock(clock.model_copy(update={"excused": (*clock.excused, int(run))}))


def _moved(case: Case, appeal: Appeal, command: DecideAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Let somebody else answer from the beginning of the charge, also for what was missed in it."""
    was = case.charge_at(appeal.at)
    charge = Charge(
        since=was.since,
        unit=command.unit or was.unit,
        department=command.department,
        person=command.answers,
        by=scene.by.person,
        by_unit=scene.by.unit,
    )
    moved = case.with_(charges=tuple(charge if one is was else one for one in case.charges))
    happened = retold(case, moved, scene.law, scene.at)
    if moved.unit != case.unit:
        event = CaseTransferred(
            complaint_id=case.complaint_id,
            from_unit=case.unit,
            to_unit=moved.unit,
            reason=command.reasons,
            by=scene.by.person,
        )
        happened.append(told(moved, event, scene.at))
    return moved, happened


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


def _with(case: Case, appeal: Appeal, changed: Appeal) -> Case:
    return case.with_(appeals=tuple(changed if one is appeal else one for one in case.appeals))


def _party(scene: Scene) -> Party:
    by = scene.by
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


def _contested(case: Case, against: str) -> Contested:
    charge = case.charges[-1]
    # Who took the matter speaks for the customer, and the unit, where the matter is about another.
    side = frozenset({case.first_taker, case.taken_by} - {""})
    if against in (FINDING, GRADE):
        finding = case.finding
        if finding is None:
            raise NotPermittedByRulebookError("The case has no finding to appeal against. Wait for one.")
        if finding.awaits:
            raise NotPermittedByRulebookError(
                "The finding is only proposed. Wait until it is confirmed, then appeal."
            )
        makers = [who for one in case.findings for who in (one.by, *(two.by for two in one.confirmations))]
        return Contested(
            what=kind_of(against),
            key=against,
            at=finding.made_at,
            unit=charge.unit,
            person=charge.person,
            made_in=finding.unit,
            hands=frozenset(makers),
            other_side=side,
        )
    if against == RESPONSIBILITY:
        return Contested(
            what=kind_of(against),
            key=against,
            at=max(charge.since, case.registered_at),
            unit=charge.unit,
            person=charge.person,
            made_in=charge.by_unit,
            hands=frozenset({charge.by} - {""}),
            other_side=side,
        )
    name, due = _missed(case, against)
    then = case.charge_at(due)
    return Contested(
        what=kind_of(name),
        key=name,
        at=due,
        unit=then.unit,
        person=then.person,
        hands=frozenset({then.person, charge.person} - {""}),
        other_side=side,
    )


def _missed(case: Case, against: str) -> tuple[str, datetime]:
    name, _, run = against.partition("#")
    clock = case.clock(name)
    wanted = int(run) if run.isdecimal() else clock.occurrence if clock and not run else 0
    due = clock.told.get(wanted) if clock else None
    if due is None:
        missed = ", ".join(f"{one.name}#{number}" for one in case.clocks for number in one.told) or "none"
        raise NotPermittedByRulebookError(
            f"No deadline '{against}' was missed. Appeal against 'finding', 'grade', 'responsibility' or one of: "
            f"{missed}."
        )
    return f"{name}#{wanted}", due
