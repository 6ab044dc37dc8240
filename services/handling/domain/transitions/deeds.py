"""What a case is after something was done in it: steps, settlements, the result, its end, and going on after it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.handling.domain import repeats
from services.handling.domain.case import Approval, Case, Done, Excepted, Settlement, Status
from services.handling.domain.procedure import duties
from services.handling.domain.transitions import Transition
from shared.events import Event, handling
from shared.rulebook.steps import CaseRules


def _step(case: Case, event: handling.StepCompleted, at: datetime, law: CaseRules) -> Case:
    done = Done(
        step=event.step,
        occurrence=event.occurrence,
        at=at,
        by=event.by,
        evidence=event.evidence,
        signatures=event.signatures,
        outcome=event.outcome,
    )
    case = case.with_(done=(*case.done, done))
    duty = duties(case, law).get(event.step)
    if duty is None:
        return case
    if duty.step.done_by == "works-start" and at not in case.works:
        case = case.with_(works=(*case.works, at))
    return _as_resolved(case, at, event.outcome) if duty.step.resolves else case


def _works(case: Case, _: handling.WorksStarted, at: datetime, __: CaseRules) -> Case:
    return case.with_(works=(*case.works, at))


def _excepted(case: Case, event: handling.ReportExcepted, at: datetime, _: CaseRules) -> Case:
    one = Excepted(step=event.step, occurrence=event.occurrence, at=at, by=event.approved_by)
    return case.with_(excepted=(*case.excepted, one))


def _settlement(case: Case, event: handling.SettlementProposed, at: datetime, law: CaseRules) -> Case:
    proposed = Settlement(
        at=at,
        by=event.by,
        way=event.way,
        amount=event.amount,
        deposit=event.deposit,
        reason=event.reason,
        owner_consents=event.owner_consents,
        occurrence=case.occurrence,
    )
    if any(one.approved_at for one in case.settlements):
        case = repeats.settled_anew(case, law, at)
    return case.with_(settlements=(*case.settlements, proposed))


def _signed(case: Case, event: handling.SettlementSigned, at: datetime, _: CaseRules) -> Case:
    return _with_signature(case, event, at, {})


def _approved(case: Case, event: handling.SettlementApproved, at: datetime, _: CaseRules) -> Case:
    return _with_signature(case, event, at, {"approved_at": at})


def _with_signature(
    case: Case,
    event: handling.SettlementSigned | handling.SettlementApproved,
    at: datetime,
    changed: dict[str, Any],
) -> Case:
    if case.settlement is None:
        return case
    if event.role:
        one = Approval(role=event.role, by=event.by, at=at, for_person=event.for_person)
        changed["approvals"] = (*case.settlement.approvals, one)
    if event.deposit is not None:
        changed["deposit"] = event.deposit
    return case.with_(settlements=(*case.settlements[:-1], case.settlement.model_copy(update=changed)))


def _accepted(case: Case, _: handling.ResultAccepted, at: datetime, __: CaseRules) -> Case:
    return case.with_(accepted_at=at)


def _refused(case: Case, _: handling.ResultRefused, at: datetime, law: CaseRules) -> Case:
    names = tuple(duty.key for duty in repeats.to_redo(case, law))
    return repeats.begin_again(case, names, "refused", law, at)


def _resolved(case: Case, event: handling.CaseResolved, at: datetime, _: CaseRules) -> Case:
    return _as_resolved(case, at, event.outcome)


def _as_resolved(case: Case, at: datetime, outcome: str) -> Case:
    if case.status is not Status.OPEN:
        return case
    return case.with_(status=Status.RESOLVED, resolved_at=at, outcome=outcome)


def _closed(case: Case, event: handling.CaseClosed, at: datetime, _: CaseRules) -> Case:
    return case.with_(status=Status.CLOSED, ended_at=at, outcome=event.outcome)


def _withdrawn(case: Case, _: handling.CaseWithdrawn, at: datetime, __: CaseRules) -> Case:
    return case.with_(status=Status.WITHDRAWN, ended_at=at)


def _merged(case: Case, event: handling.CaseMerged, at: datetime, _: CaseRules) -> Case:
    return case.with_(status=Status.MERGED, ended_at=at, merged_into=event.into)


def _parted(case: Case, _: handling.CaseParted, __: datetime, ___: CaseRules) -> Case:
    status = Status.RESOLVED if case.resolved_at else Status.OPEN
    return case.with_(status=status, ended_at=None, merged_into=None)


def _reopened(case: Case, _: handling.CaseReopened, at: datetime, law: CaseRules) -> Case:
    return case if case.status is Status.OPEN else repeats.reopened(case, law, at)


def _unchanged(case: Case, _: Event, __: datetime, ___: CaseRules) -> Case:
    return case


TRANSITIONS: Mapping[type[Event], Transition] = {
    handling.StepCompleted: _step,
    handling.WorksStarted: _works,
    handling.ReportExcepted: _excepted,
    handling.SettlementProposed: _settlement,
    handling.SettlementSigned: _signed,
    handling.SettlementApproved: _approved,
    handling.ResultAccepted: _accepted,
    handling.ResultRefused: _refused,
    handling.CaseResolved: _resolved,
    handling.CaseClosed: _closed,
    handling.CaseWithdrawn: _withdrawn,
    handling.CaseMerged: _merged,
    handling.CaseParted: _parted,
    handling.CaseReopened: _reopened,
    handling.PartnerTold: _unchanged,
}
