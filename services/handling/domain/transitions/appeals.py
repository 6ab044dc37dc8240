"""What a case is after an appeal was lodged, advised on or decided."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.handling.domain.adoption import adopt
from services.handling.domain.case import Appeal, Case, Charge
from services.handling.domain.contested import FINDING, GRADE, RESPONSIBILITY, contested, kind_of
from services.handling.domain.transitions import Transition
from shared.events import Event, handling
from shared.rulebook.disputes import Contested, rules_for
from shared.rulebook.steps import CaseRules
from shared.timekeeping.limits import due_before


def _lodged(case: Case, event: handling.AppealLodged, at: datetime, law: CaseRules) -> Case:
    what = kind_of(event.against)
    rules = rules_for(what, law.rules)
    if not rules:
        return case
    key, rule = rules[0]
    # Under other rules there may be no such miss; the appeal was lodged all the same.
    found = contested(case, event.against) or Contested(what=what, key=event.against, at=at, unit="")
    advise = rule.advised_within
    appeal = Appeal(
        id=event.appeal,
        at=at,
        against=found.key,
        by=event.by,
        unit=event.by_unit,
        rule=key,
        what=what,
        since=found.at,
        charged_unit=found.unit,
        charged_person=found.person,
        made_in=found.made_in,
        hands=tuple(sorted(found.hands)),
        advise_before=due_before(advise, at, law.calendar).due_before if advise else None,
    )
    return case.with_(appeals=(*case.appeals, appeal))


def _advised(case: Case, event: handling.AppealAdvised, at: datetime, _: CaseRules) -> Case:
    return _on_appeal(case, event.appeal, {"advised_at": at, "advised_by": event.by})


def _decided(case: Case, event: handling.AppealDecided, at: datetime, law: CaseRules) -> Case:
    appeal = next((one for one in case.appeals if one.id == event.appeal), None)
    if appeal is None:
        return case
    case = _on_appeal(case, appeal.id, {"decided_at": at, "upheld": event.upheld})
    if not event.upheld:
        return case
    if appeal.against == RESPONSIBILITY:
        return _moved(case, appeal, event)
    if appeal.against in (FINDING, GRADE):
        case = _overturned(case, appeal)
        return adopt(case, law, at) if appeal.against == GRADE else case
    name, _, occurrence = appeal.against.partition("#")
    clock = case.clock(name)
    if clock is None or not occurrence:
        return case
    return case.with_clock(clock.model_copy(update={"excused": (*clock.excused, int(occurrence))}))


def _on_appeal(case: Case, appeal: str, changed: dict[str, Any]) -> Case:
    return case.with_(
        appeals=tuple(one.model_copy(update=changed) if one.id == appeal else one for one in case.appeals)
    )


def _moved(case: Case, appeal: Appeal, event: handling.AppealDecided) -> Case:
    """Let somebody else answer from the beginning of the charge, also for what was missed in it."""
    was = case.charge_at(appeal.at)
    charge = Charge(
        since=was.since,
        unit=event.answers_unit or was.unit,
        department=event.answers_department,
        person=event.answers_person,
        by=event.by,
        by_unit=event.by_unit,
    )
    return case.with_(charges=tuple(charge if one is was else one for one in case.charges))


def _overturned(case: Case, appeal: Appeal) -> Case:
    if not case.findings or case.findings[-1].at > appeal.at:
        return case
    overturned = case.findings[-1].model_copy(update={"overturned": True})
    case = case.with_(findings=(*case.findings[:-1], overturned))
    return case.with_(stated_grade="") if appeal.against == GRADE else case


TRANSITIONS: Mapping[type[Event], Transition] = {
    handling.AppealLodged: _lodged,
    handling.AppealAdvised: _advised,
    handling.AppealDecided: _decided,
}
