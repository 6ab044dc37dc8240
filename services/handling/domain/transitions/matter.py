"""What a case is after it was opened, found, corrected, or given to others."""

from collections.abc import Mapping
from datetime import datetime

from services.handling.domain.adoption import adopt, determinations
from services.handling.domain.case import Case, Charge, Confirmation, Escalated, Finding, PowerUse
from services.handling.domain.transitions import Transition
from shared.events import Event, handling
from shared.events.intake import RecordAmended
from shared.rulebook.steps import CaseRules


def _opened(case: Case, _: handling.CaseOpened, __: datetime, law: CaseRules) -> Case:
    return adopt(case, law, case.received_at)


def _amended(case: Case, event: RecordAmended, at: datetime, _: CaseRules) -> Case:
    is_news = event.complete and case.record_complete_at is None
    return case.with_(record_complete_at=at) if is_news else case


def _proposed(case: Case, event: handling.FindingProposed, at: datetime, law: CaseRules) -> Case:
    if not event.answers or case.finding is None:
        return _found(case, event, at, law, tuple(determinations(case, law)))
    case = _confirmed(case, event.answers, event.by, at)
    return _found(case, event, at, law, case.findings[-1].awaits)


def _made(case: Case, event: handling.FindingMade, at: datetime, law: CaseRules) -> Case:
    standing = case.finding
    if standing is None or not standing.awaits:
        # Where two have to find it under these rules though one found it, that is what is known of the second.
        case = _found(case, event, at, law, tuple(determinations(case, law)))
        return _confirmed(case, case.findings[-1].awaits, (*event.confirmed_by, event.by)[0], at)
    agrees = event.by == standing.by
    by = event.confirmed_by[-1] if agrees and event.confirmed_by else event.by
    case = _confirmed(case, standing.awaits, by, at)
    return case if agrees else _found(case, event, at, law, ())


def _confirmed_in_part(case: Case, event: handling.FindingConfirmed, at: datetime, _: CaseRules) -> Case:
    return _confirmed(case, event.determinations, event.by, at)


def _confirmed(case: Case, answered: tuple[str, ...], by: str, at: datetime) -> Case:
    if not case.findings or not answered:
        return case
    confirmed = tuple(Confirmation(determination=key, at=at, by=by) for key in answered)
    finding = case.findings[-1]
    finding = finding.model_copy(update={"confirmations": (*finding.confirmations, *confirmed)})
    return case.with_(findings=(*case.findings[:-1], finding))


def _found(
    case: Case,
    event: handling.FindingMade | handling.FindingProposed,
    at: datetime,
    law: CaseRules,
    awaits: tuple[str, ...],
) -> Case:
    finding = Finding(
        at=at,
        by=event.by,
        validity=event.validity,
        liable=event.liable,
        reason=event.reason,
        unit=event.by_unit,
        determinations=awaits,
    )
    case = case.with_(
        class_=event.class_ or case.class_,
        item=event.item or case.item,
        warranty_before=event.warranty_before or case.warranty_before,
        stated_grade=event.stated_grade or case.stated_grade,
        findings=(*case.findings, finding),
    )
    return adopt(case, law, at)


def _reclassified(case: Case, event: handling.CaseReclassified, at: datetime, law: CaseRules) -> Case:
    case = case.with_(
        class_=event.class_ or case.class_,
        item=event.item,
        service=event.service or case.service,
        flags={flag: case.flags.get(flag, at) for flag in event.flags},
        handover_on=event.handover_on or case.handover_on,
    )
    return adopt(case, law, at)


def _assigned(case: Case, event: handling.CaseAssigned, at: datetime, _: CaseRules) -> Case:
    return _charged(case, case.unit, event, at)


def _transferred(case: Case, event: handling.CaseTransferred, at: datetime, _: CaseRules) -> Case:
    # An appeal over who answers has moved it before, and from the beginning of the charge.
    return case if event.to_unit == case.unit else _charged(case, event.to_unit, event, at)


def _charged(
    case: Case, unit: str, event: handling.CaseAssigned | handling.CaseTransferred, at: datetime
) -> Case:
    charge = Charge(
        since=at,
        unit=unit,
        department=event.department,
        person=event.person,
        by=event.by,
        by_unit=event.by_unit,
    )
    return case.with_(charges=(*case.charges, charge))


def _escalated(case: Case, event: handling.CaseEscalated, at: datetime, _: CaseRules) -> Case:
    return case.with_(escalations=(*case.escalations, Escalated(at=at, level=event.level, by=event.by)))


def _power_used(case: Case, event: handling.PowerUsed, at: datetime, _: CaseRules) -> Case:
    return case.with_(powers=(*case.powers, PowerUse(at=at, power=event.power, by=event.by)))


TRANSITIONS: Mapping[type[Event], Transition] = {
    RecordAmended: _amended,
    handling.CaseOpened: _opened,
    handling.FindingProposed: _proposed,
    handling.FindingConfirmed: _confirmed_in_part,
    handling.FindingMade: _made,
    handling.CaseReclassified: _reclassified,
    handling.CaseAssigned: _assigned,
    handling.CaseTransferred: _transferred,
    handling.CaseEscalated: _escalated,
    handling.PowerUsed: _power_used,
}
