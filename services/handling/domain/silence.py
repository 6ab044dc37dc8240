"""Silence: which deadlines passed, told once, and taken back where a deed entered later was in time.

A miss is told once for each occurrence of a clock, with the deadline as its time. What is told makes the state; only up to
when silence was judged is noted beside it.
"""

from datetime import datetime

from services.handling.domain import alerts
from services.handling.domain.case import Case, ClockState
from services.handling.domain.clockwork import reading_of
from services.handling.domain.deadlines import next_due, to_take_back
from services.handling.domain.evolve import fold
from shared.events import Happened
from shared.events.handling import DeadlineCleared, DeadlineMissed
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules
from shared.timekeeping.calendar import WorkingCalendar


def settle(case: Case, edition: Edition, up_to: datetime) -> tuple[Case, list[Happened]]:
    """Tell every deadline that passed unmet by ``up_to``, with the alerts beside them, and take back what falls.

    Settling again tells nothing more. A miss that was told stays told while nothing says otherwise, however
    early the moment that a later call settles up to.
    """
    return settled(case, CaseRules.of(edition, case.received_at), up_to)


def settled(case: Case, law: CaseRules, up_to: datetime) -> tuple[Case, list[Happened]]:
    """Do as ``settle``, under rules that are at hand."""
    horizon = max(up_to, case.settled_up_to)
    told = [
        one
        for clock in sorted(case.clocks, key=lambda one: (one.due, one.name))
        for one in _told_of(case, clock, up_to, horizon, law.calendar)
    ]
    case = fold(case, told, law)
    alerted = alerts.raised(case, law, up_to)
    case = fold(case, alerted, law)
    if told or horizon != case.settled_up_to:
        case = case.with_(settled_up_to=horizon)
    return case, sorted((*told, *alerted), key=lambda one: one.time) if alerted else told


def _told_of(
    case: Case, clock: ClockState, up_to: datetime, horizon: datetime, calendar: WorkingCalendar
) -> list[Happened]:
    if clock.void:
        back = to_take_back(case, clock).items()
        return [
            _cleared(
                case,
                clock,
                occurrence,
                was,
                "begun-again" if occurrence in clock.revoked else "not-owed",
                up_to,
            )
            for occurrence, was in back
        ]
    told = [
        _cleared(case, clock, occurrence, was, "begun-again", up_to)
        for occurrence, was in clock.revoked.items()
    ]
    occurrence, was = clock.occurrence, clock.told.get(clock.occurrence)
    if occurrence in clock.excused:
        return told
    is_missed = clock.missed_by(up_to if was is None else horizon)
    if is_missed and was != clock.due:
        told.append(_missed(case, clock, calendar))
    elif was is not None and not is_missed:
        reason = "done-in-time" if clock.ended_at and clock.ended_at < clock.due else "later-limit"
        told.append(_cleared(case, clock, occurrence, was, reason, up_to))
    return told


def _missed(case: Case, clock: ClockState, calendar: WorkingCalendar) -> Happened:
    newest, charge = reading_of(clock, calendar), case.charge_at(clock.due)
    reading = next((one for one in newest.earlier if one.due_before == clock.due), newest)
    event = DeadlineMissed(
        complaint_id=case.complaint_id,
        department=charge.department,
        person=charge.person,
        clock=clock.name,
        step=clock.step,
        occurrence=clock.occurrence,
        procedure=clock.procedure,
        due_before=clock.due,
        clause=reading.source,
        explanation_zh=tuple(line.zh for line in reading.lines),
        explanation_en=tuple(line.en for line in reading.lines),
        report=clock.report,
    )
    return Happened(event, clock.due, charge.unit)


def retold(case: Case, moved: Case, law: CaseRules, at: datetime) -> list[Happened]:
    """Tell the misses anew that another answers for in ``moved``: taken back from one, told of the other."""
    happened: list[Happened] = []
    for clock in case.clocks:
        for occurrence, due in clock.told.items():
            if occurrence in clock.excused or case.charge_at(due) == moved.charge_at(due):
                continue
            then = clock.model_copy(update={"occurrence": occurrence, "due": due})
            happened += [
                _cleared(case, clock, occurrence, due, "answered-by-another", at),
                _missed(moved, then, law.calendar),
            ]
    return happened


def _cleared(
    case: Case, clock: ClockState, occurrence: int, was: datetime, reason: str, at: datetime
) -> Happened:
    charge = case.charge_at(was)
    event = DeadlineCleared(
        complaint_id=case.complaint_id,
        department=charge.department,
        person=charge.person,
        clock=clock.name,
        occurrence=occurrence,
        due_before=was,
        reason=reason,
    )
    return Happened(event, at, charge.unit)


def wakes_at(case: Case, edition: Edition) -> datetime | None:
    """Return the next moment at which time alone makes something happen: a miss, or an alert beside a deadline."""
    law = CaseRules.of(edition, case.received_at)
    moments = [next_due(case), *(one.at for one in alerts.thresholds(case, law))]
    return min((one for one in moments if one), default=None)
