"""The one way a case changes: an event, and what the case is after it.

``evolve`` judges nothing and refuses nothing; what a command may do is decided before (``commands``). It works out
anew what follows from the rulebook: procedure, grade, rounds. So the same events under another edition's rules are
the case as it would have been (``replay``). Clocks follow from the whole of a decision: ``fold`` brings them up.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.handling.domain import rounds
from services.handling.domain.adoption import adopt, determinations
from services.handling.domain.alerts import alert_key
from services.handling.domain.case import (
    Agreement,
    Appeal,
    Approval,
    Asked,
    Case,
    Charge,
    ClockState,
    Confirmation,
    Done,
    Escalated,
    Excepted,
    Finding,
    Notice,
    Pause,
    PowerUse,
    Settlement,
    Status,
)
from services.handling.domain.clockwork import add_event, read_events, with_events
from services.handling.domain.contested import FINDING, GRADE, RESPONSIBILITY, contested, kind_of
from services.handling.domain.deadlines import sync, to_take_back
from services.handling.domain.procedure import described, duties
from shared.events import Event, Happened, handling
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.disputes import Contested, rules_for
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules
from shared.timekeeping.clocks import Extended, Paused, Resumed
from shared.timekeeping.limits import due_before


def begun(told: ComplaintRegistered, edition: Edition, law: CaseRules) -> Case:
    """Return the case of a registered matter, from nothing; that it was opened gives it its procedure."""
    received_at = told.received_at.astimezone(UTC)
    unit, kind = told.about_unit or told.unit, law.rules.intake.kinds.get(told.kind)
    case = Case(
        complaint_id=told.complaint_id,
        number=told.number,
        site=told.site,
        kind=told.kind,
        class_=told.class_,
        item=told.item,
        service=told.service,
        flags=dict.fromkeys(told.flags, received_at),
        channel=told.channel,
        product=told.product,
        received_at=received_at,
        registered_at=told.registered_at.astimezone(UTC),
        handover_on=told.handover_on.astimezone(UTC) if told.handover_on else None,
        imported=told.imported,
        customer=told.customer,
        problem_user=told.problem_user,
        first_taker=told.registered_by,
        record_complete_at=told.registered_at.astimezone(UTC) if told.complete else None,
        taken_by=told.unit if told.about_unit else "",
        external_number=told.external_number,
        edition=edition.name,
        edition_hash=edition.hash,
        # Who takes it first answers for it to the end, where the kind has a first contact (LN-06).
        charges=(
            Charge(
                since=received_at,
                unit=unit,
                person=told.registered_by if kind and kind.first_contact else "",
            ),
        ),
        settled_up_to=received_at,
    )
    # What intake worked out by the rulebook is worked out here again, and falls with the flag that it came from.
    is_stated = told.grade != described(case, law).grade
    return case.with_(stated_grade=told.grade) if is_stated else case


def fold(case: Case, told: Iterable[Happened], law: CaseRules) -> Case:
    """Return the case after what one decision told, its clocks brought up to it."""
    moved = False
    for one in told:
        if moved and isinstance(one.event, handling.DeadlineMissed | handling.DeadlineCleared):
            case, moved = sync(case, law), False
        case = evolve(case, one, law)
        moved = moved or type(one.event) not in _STILL
    return sync(case, law) if moved else case


def ahead(case: Case, told: Iterable[Happened], law: CaseRules) -> Case:
    """Return the case as a decision that goes on looks ahead to it: after these events, its clocks as they were."""
    for one in told:
        case = evolve(case, one, law)
    return case


def evolve(case: Case, told: Happened, law: CaseRules) -> Case:
    """Return the case after an event; its clocks follow with the decision that the event is part of."""
    return EVOLVE[type(told.event)](case, told.event, told.time, law)


# --- what it is, and who answers


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


# --- what was done


def _step(case: Case, event: handling.StepCompleted, at: datetime, law: CaseRules) -> Case:
    done = Done(
        step=event.step,
        run=event.occurrence,
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
    one = Excepted(step=event.step, run=event.occurrence, at=at, by=event.approved_by)
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
        case = rounds.settled_anew(case, law, at)
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
    names = tuple(duty.key for duty in rounds.to_redo(case, law))
    return rounds.begin_again(case, names, "refused", law, at)


# --- its end, and going on after it


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
    return case if case.status is Status.OPEN else rounds.reopened(case, law, at)


# --- its clocks


def _missed(case: Case, event: handling.DeadlineMissed, _: datetime, __: CaseRules) -> Case:
    clock = case.clock(event.clock)
    if clock is None:
        return case
    told = {**clock.told, event.occurrence: event.due_before}
    return case.with_clock(clock.model_copy(update={"told": told}))


def _cleared(case: Case, event: handling.DeadlineCleared, _: datetime, __: CaseRules) -> Case:
    clock = case.clock(event.clock)
    if clock is None or event.reason == "answered-by-another":  # then it is told of the other next
        return case
    fields = ("revoked",) if event.reason == "begun-again" else ("told",)
    clock = clock.model_copy(
        update={name: _without(getattr(clock, name), event.occurrence) for name in fields}
    )
    if clock.void and not to_take_back(case, clock):
        return case.with_(clocks=tuple(one for one in case.clocks if one.name != clock.name))
    return case.with_clock(clock)


def _without(runs: Mapping[int, datetime], run: int) -> dict[int, datetime]:
    return {key: due for key, due in runs.items() if key != run}


def _asked(case: Case, event: handling.ExtensionAsked, at: datetime, _: CaseRules) -> Case:
    return case.with_(asked=(*case.asked, Asked(step=event.step, run=event.occurrence, at=at, by=event.by)))


def _clock_changed(case: Case, event: handling.ClockChanged, at: datetime, law: CaseRules) -> Case:
    if event.change == "agreed":
        due, run = (event.ends or event.due_before), case.run_of(event.clock)
        one = Agreement(step=event.clock, run=run, at=at, due_before=due or at, by=event.by)
        return case.with_(agreements=(*case.agreements, one))
    clock = case.clock(event.clock)
    if clock is None or not clock.runs:
        return case
    return _CHANGES[event.change](case, clock, event, at, law)


def _extended(
    case: Case, clock: ClockState, event: handling.ClockChanged, at: datetime, law: CaseRules
) -> Case:
    until = event.ends or event.due_before or clock.due
    extended = Extended(at=at, until=until, approval=event.approved_by, asked_at=event.asked_at)
    clock = add_event(clock, extended, law.calendar)
    case = case.with_clock(clock.model_copy(update={"extended": clock.extended + 1}))
    if event.asked_at is None:
        return case
    answered = (clock.step, clock.occurrence, event.asked_at)
    return case.with_(
        asked=tuple(
            one.model_copy(update={"granted": True}) if (one.step, one.run, one.at) == answered else one
            for one in case.asked
        )
    )


def _paused(
    case: Case, clock: ClockState, event: handling.ClockChanged, at: datetime, law: CaseRules
) -> Case:
    if clock.due <= at:
        # Under other rules the deadline had passed, and nothing moves it any more.
        return case
    reason = event.reason.partition(": ")[0]
    clock = add_event(clock, Paused(at=at, reason=reason), law.calendar)
    if event.ends:
        clock = add_event(clock, Resumed(at=event.ends), law.calendar)
    names: tuple[str, ...] = (clock.name,)
    earlier = case.pauses
    if earlier and (earlier[-1].at, earlier[-1].reason, earlier[-1].ends) == (at, reason, event.ends):
        names, earlier = (*earlier[-1].clocks, clock.name), earlier[:-1]  # one pause of several clocks
    record = Pause(at=at, reason=reason, clocks=names, ends=event.ends)
    return case.with_clock(clock).with_(pauses=(*earlier, record))


def _resumed(case: Case, clock: ClockState, _: handling.ClockChanged, at: datetime, law: CaseRules) -> Case:
    if not any(clock.name in one.clocks and (one.ends is None or one.ends >= at) for one in case.pauses):
        return case
    # Now, instead of when it was planned to.
    kept = [event for event in read_events(clock) if not (isinstance(event, Resumed) and event.at > at)]
    ended = tuple(one.model_copy(update={"ends": at}) if one.stands_at(at) else one for one in case.pauses)
    return case.with_clock(with_events(clock, (*kept, Resumed(at=at)), law.calendar)).with_(pauses=ended)


_CHANGES: Mapping[str, Callable[[Case, ClockState, Any, datetime, CaseRules], Case]] = {
    "extended": _extended,
    "paused": _paused,
    "resumed": _resumed,
}


def _alerted(case: Case, event: handling.AlertRaised, at: datetime, _: CaseRules) -> Case:
    notice = Notice(
        alert=event.alert,
        at=at,
        roles=event.to,
        unit=event.to_unit,
        clock=event.clock,
        due_before=event.due_before,
        late=event.late,
    )
    case = case.with_(notices=(*case.notices, notice))
    if not event.clock or event.due_before is None:
        return case
    key = alert_key(event.alert, event.clock, event.occurrence)
    return case.with_(alerted={**case.alerted, key: event.due_before})


# --- appeals


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
    name, _, run = appeal.against.partition("#")
    clock = case.clock(name)
    if clock is None or not run:
        return case
    return case.with_clock(clock.model_copy(update={"excused": (*clock.excused, int(run))}))


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


def _unchanged(case: Case, _: Event, __: datetime, ___: CaseRules) -> Case:
    return case


EVOLVE: Mapping[type[Event], Callable[[Case, Any, datetime, CaseRules], Case]] = {
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
    handling.DeadlineMissed: _missed,
    handling.DeadlineCleared: _cleared,
    handling.ExtensionAsked: _asked,
    handling.ClockChanged: _clock_changed,
    handling.AlertRaised: _alerted,
    handling.AppealLodged: _lodged,
    handling.AppealAdvised: _advised,
    handling.AppealDecided: _decided,
    handling.PartnerTold: _unchanged,
}
"""Every event that handling tells, and the one of another service that changes a case by itself."""

_STILL = frozenset(
    {
        handling.CaseAssigned,
        handling.CaseTransferred,
        handling.CaseEscalated,
        handling.PowerUsed,
        handling.ReportExcepted,
        handling.SettlementSigned,
        handling.DeadlineMissed,
        handling.DeadlineCleared,
        handling.ExtensionAsked,
        handling.AlertRaised,
        handling.PartnerTold,
    }
)
"""Events that no clock hangs on."""
