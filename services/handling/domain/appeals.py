"""Appeals against a finding or a missed deadline: in time, once, and decided by somebody else, elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from services.handling.domain.case import Appeal, Case
from services.handling.domain.commands import DecideAppeal, LodgeAppeal
from services.handling.domain.deadlines import sync
from services.handling.domain.procedure import Law
from services.handling.domain.refusals import (
    AlreadyDoneError,
    DeadlinePassedError,
    NotPermittedByRulebookError,
    SamePersonError,
    UnknownKeyError,
)
from services.handling.domain.scene import Scene, must_have_right, must_not_precede, told
from shared.errors import FieldProblem
from shared.events import Happened
from shared.events.handling import AppealDecided, AppealLodged
from shared.rulebook.limits import due_before
from shared.rulebook.schema.procedures import Appeals

FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Contested:
    """What an appeal is about, and since when it stands."""

    against: str
    at: datetime


def lodge_appeal(case: Case, command: LodgeAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Lodge an appeal inside the rulebook's time."""
    contested = _contested(case, command.against)
    key, rule = _rule(contested.against, scene.law)
    if any(one.against == contested.against and one.at >= contested.at for one in case.appeals):
        raise AlreadyDoneError(
            f"There was an appeal against '{contested.against}' before, and there is only one. Its decision stands."
        )
    must_not_precede("at", scene.at, contested.at, "what the appeal is against,")
    over = due_before(rule.within, contested.at, scene.law.calendar).due_before
    if scene.at >= over:
        raise DeadlinePassedError(
            f"The time to appeal against '{contested.against}' ended at {over.isoformat()}. "
            "The supervising office may still open a dispute over the points."
        )
    appeal = Appeal(
        id=str(len(case.appeals) + 1),
        at=scene.at,
        against=contested.against,
        by=scene.by.person,
        unit=scene.by.unit,
        rule=key,
    )
    event = AppealLodged(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        against=contested.against,
        grounds=command.grounds,
        by=scene.by.person,
    )
    case = sync(case.with_(appeals=(*case.appeals, appeal)), scene.law)
    return case, [told(case, event, scene.at)]


def decide_appeal(case: Case, command: DecideAppeal, scene: Scene) -> tuple[Case, list[Happened]]:
    """Decide an appeal. Whoever made, lodged or answers for what it is about stands aside, and so does the unit."""
    appeal = next((one for one in case.appeals if one.id == command.appeal), None)
    if appeal is None:
        known = ", ".join(one.id for one in case.appeals) or "none"
        raise UnknownKeyError(
            f"The case has no appeal '{command.appeal}'. Name one of: {known}.",
            [FieldProblem("appeal", f"one of: {known}")],
        )
    if appeal.decided_at:
        raise AlreadyDoneError(f"The appeal '{appeal.id}' is decided already. Its decision stands.")
    must_not_precede("at", scene.at, appeal.at, "the lodging of the appeal")
    must_have_right(scene, scene.law.rules.procedures.appeals[appeal.rule].right)
    if scene.by.person in (appeal.by, *_people(case, appeal)) or scene.by.unit == appeal.unit:
        raise SamePersonError(
            "Whoever made, lodged or answers for what an appeal is about, and their unit, cannot decide it. "
            "Hand it to somebody of another unit."
        )
    decided = appeal.model_copy(update={"decided_at": scene.at, "upheld": command.upheld})
    case = case.with_(appeals=tuple(decided if one is appeal else one for one in case.appeals))
    if command.upheld:
        case = _upheld(case, appeal)
    event = AppealDecided(
        complaint_id=case.complaint_id,
        appeal=appeal.id,
        against=appeal.against,
        upheld=command.upheld,
        reasons=command.reasons,
        by=scene.by.person,
    )
    return sync(case, scene.law), [told(case, event, scene.at)]


def _people(case: Case, appeal: Appeal) -> tuple[str, ...]:
    """Return who had a hand in what the appeal is about, as it was when the appeal was lodged."""
    if appeal.against == FINDING:
        made = [one for one in case.findings if one.at <= appeal.at]
        return tuple(who for one in made for who in (one.by, *(by.by for by in one.confirmations)))
    person = case.charge_at(appeal.at).person
    name, _, run = appeal.against.partition("#")
    clock = case.clock(name)
    due = clock.told.get(int(run)) if clock else None
    return tuple(one for one in (person, case.charge_at(due).person if due else "") if one)


def _upheld(case: Case, appeal: Appeal) -> Case:
    if appeal.against == FINDING:
        standing = case.findings[-1]
        if standing.at > appeal.at:
            return case
        overturned = standing.model_copy(update={"overturned": True})
        return case.with_(findings=(*case.findings[:-1], overturned))
    name, _, run = appeal.against.partition("#")
    clock = case.clock(name)
    if clock is None:
        return case
    return case.with_clock(clock.model_copy(update={"excused": (*clock.excused, int(run))}))


def _contested(case: Case, against: str) -> Contested:
    if against == FINDING:
        if case.finding is None:
            raise NotPermittedByRulebookError("The case has no finding to appeal against. Wait for one.")
        if case.finding.awaits:
            raise NotPermittedByRulebookError(
                "The finding is only proposed. Wait until it is confirmed, then appeal."
            )
        return Contested(FINDING, case.finding.made_at)
    name, _, run = against.partition("#")
    clock = case.clock(name)
    wanted = int(run) if run.isdecimal() else clock.occurrence if clock and not run else 0
    due = clock.told.get(wanted) if clock else None
    if due is None:
        told_ = ", ".join(f"{one.name}#{number}" for one in case.clocks for number in one.told) or "none"
        raise NotPermittedByRulebookError(
            f"No deadline '{against}' was missed. Appeal against 'finding' or one of: {told_}."
        )
    return Contested(f"{name}#{wanted}", due)


def _rule(against: str, law: Law) -> tuple[str, Appeals]:
    rules = law.rules.procedures.appeals
    key = against.partition("#")[0]
    if key in rules:
        return key, rules[key]
    if len(rules) != 1:
        raise NotPermittedByRulebookError(
            f"The rulebook foresees no appeal against '{against}'. The supervising office may open a dispute."
        )
    return next(iter(rules.items()))
