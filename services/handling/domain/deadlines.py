"""The clocks of a case: brought up to date after every change, and settled up to a moment.

``sync`` says what the clocks are; ``settle`` says which misses are told. A miss is told once for each run of a
clock, with the deadline as its time, and taken back where a deed entered later turns out to have been in time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from services.handling.domain import alerts
from services.handling.domain.case import Appeal, Case, ClockState, Status
from services.handling.domain.clockwork import ClockSpec, brought_up, read_events, reading_of, with_events
from services.handling.domain.procedure import (
    Duty,
    Law,
    duties,
    facts_of,
    is_owed,
    moments_of,
    named_by,
    start_of,
    voided_by,
    way_ended_at,
)
from shared.events import Happened
from shared.events.handling import DeadlineCleared, DeadlineMissed
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import Watch
from shared.rulebook.steps import (
    LABELS,
    ClockTerms,
    label_of,
    limit_of,
    source_of,
    starts_from,
    watch_terms,
)
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.clocks import Agreed
from shared.timekeeping.limits import Limit, Moment


def sync(case: Case, law: Law) -> Case:
    """Bring every clock up to what the case's history and the rulebook say. Doing it again changes nothing."""
    clocks = {clock.name: clock for clock in case.clocks}
    wanted = {one.name: one for one in _specs(case, law)}
    for name, one in wanted.items():
        clock = clocks.get(name)
        if clock and one.run == clock.occurrence and _is_history(case, clock):
            continue
        clocks[name] = brought_up(clock, one, law.calendar)
    known = duties(case, law)
    for name, clock in clocks.items():
        waits = name in known and case.run_of(name) > clock.occurrence
        if name not in wanted and not waits and not _is_history(case, clock):
            clocks[name] = clock.model_copy(update={"void": True})
    return case.with_(clocks=tuple(clocks.values()))


def _specs(case: Case, law: Law) -> Iterator[ClockSpec]:
    yield from _steps(case, law)
    yield from _watches(case, law)
    yield from _confirmations(case, law)
    yield from _appeals(case, law)


def _is_history(case: Case, clock: ClockState) -> bool:
    # What ended before a re-opening was owed by the procedure of its time, whatever is found later.
    return bool(case.reopened_at and clock.ended_at and clock.ended_at <= case.reopened_at)


def _steps(case: Case, law: Law) -> Iterator[ClockSpec]:
    known, named, moments = duties(case, law), named_by(case), moments_of(case)
    for name, duty in known.items():
        run = case.run_of(name)
        agreed = tuple(
            Agreed(at=one.at, due_before=one.due_before, by=one.by)
            for one in case.agreements
            if one.step == name and one.run == run
        )
        is_ruled = duty.within(run) is not None or bool(agreed)
        if not is_ruled or not (is_owed(case, duty) or way_ended_at(case, duty)):
            continue
        start = start_of(case, duty, law)
        starts = starts_from(duty, named, law)
        done = [one for one in starts if (deed := case.done_in_run(one)) and deed.at == start]
        label = label_of(starts, known, done)
        if agreed and (start is None or agreed[0].at < start):
            start, label = agreed[0].at, LABELS["agreed"]
        if start is None:
            continue
        limit, until = limit_of(duty, run, start, named, moments, law), moments
        if limit is None and agreed:
            limit, until = Limit(until="agreed"), (Moment(name="agreed", at=agreed[-1].due_before),)
        if limit:
            terms = ClockTerms(start, limit, label, source_of(duty, law), until)
            yield _spec(case, duty, terms, agreed)


def _spec(case: Case, duty: Duty, terms: ClockTerms, agreed: tuple[Agreed, ...]) -> ClockSpec:
    done = case.done_in_run(duty.key)
    voided = voided_by(case, duty)
    ends = [voided.at if voided else None, way_ended_at(case, duty), _ended_for(case, terms.start)]
    return ClockSpec(
        name=duty.key,
        run=case.run_of(duty.key),
        terms=terms,
        since=case.procedures[-1].since,
        step=duty.key,
        procedure=duty.procedure,
        report=duty.step.report,
        stop=done.at if done else None,
        cancel=min((end for end in ends if end), default=None),
        agreed=agreed,
        context=f"{case.item} {case.grade} {case.tier} {case.service} {case.handover_on or ''} {case.warranty_before or ''}",
    )


def _ended_for(case: Case, start: datetime) -> datetime | None:
    """Return when the end of the case ended a duty that began at ``start``, or None."""
    return case.ended_at if case.ended_at and not case.is_live and start < case.ended_at else None


def _watches(case: Case, law: Law) -> Iterator[ClockSpec]:
    facts, flags, moments = facts_of(case, law), tuple(case.flags), moments_of(case)
    for name, watch in law.rules.procedures.watches.items():
        if not watch.applies.holds(facts, flags):
            continue
        run = case.run_of(name)
        again = [one.at for one in case.rounds if name in one.direct]
        start = again[-1] if again else (case.received_at if watch.after == "receipt" else case.registered_at)
        yield ClockSpec(
            name=name,
            run=run,
            terms=watch_terms(watch, start, moments),
            since=case.procedures[-1].since,
            procedure=case.procedure,
            stop=_watch_stop(case, watch, law),
            cancel=_ended_for(case, start),
            context=str(case.handover_on or ""),
        )


def _watch_stop(case: Case, watch: Watch, law: Law) -> datetime | None:
    match watch.stops_at:
        case "registration":
            return case.registered_at
        case "record-complete":
            return case.record_complete_at
        case "resolution":
            return case.resolved_at
        case "closing":
            return case.ended_at if case.status is Status.CLOSED else None
        case "first-step":
            return min((*(one.at for one in case.done), *(one.at for one in case.findings)), default=None)
        case _:  # the first answer
            steps = law.rules.procedures.procedures
            answers = {
                name
                for adopted in case.procedures
                for name, step in steps[adopted.procedure].steps.items()
                if step.answers
            }
            return min((one.at for one in case.done if one.step in answers), default=None)


def _confirmations(case: Case, law: Law) -> Iterator[ClockSpec]:
    """Yield the clocks against which a proposed finding is confirmed by a second person (XA-18)."""
    for key, rule in law.rules.procedures.determinations.items():
        subject = [one for one in case.findings if key in one.determinations]
        if not subject or rule.within is None:
            continue
        finding = subject[-1]
        confirmed = next((one.at for one in finding.confirmations if one.determination == key), None)
        yield ClockSpec(
            name=confirmation_clock(key),
            run=len(subject),
            terms=ClockTerms(finding.at, rule.within, LABELS["proposal"], ", ".join(rule.source)),
            since=finding.at,
            procedure=case.procedure,
            stop=confirmed,
            cancel=_ended_for(case, finding.at),
        )


def confirmation_clock(determination: str) -> str:
    """Return the name of the clock that the confirmation of a finding runs against."""
    return f"confirm-{determination}"


def _appeals(case: Case, law: Law) -> Iterator[ClockSpec]:
    for one in case.appeals:
        rule = law.rules.procedures.appeals[one.rule]
        label, source = LABELS["appeal"], ", ".join(rule.source)
        yield ClockSpec(
            name=appeal_clock(one),
            run=1,
            terms=ClockTerms(one.at, rule.decided_within, label, source),
            since=one.at,
            procedure=case.procedure,
            stop=one.decided_at,
        )
        if rule.advised_within:
            yield ClockSpec(
                name=f"advice-{one.id}",
                run=1,
                terms=ClockTerms(one.at, rule.advised_within, label, source),
                since=one.at,
                procedure=case.procedure,
                stop=one.advised_at,
                cancel=one.decided_at,
            )


def appeal_clock(appeal: Appeal) -> str:
    """Return the name of the clock that an appeal's decision runs against."""
    return f"appeal-{appeal.id}"


def settle(case: Case, edition: Edition, up_to: datetime) -> tuple[Case, list[Happened]]:
    """Tell every deadline that passed unmet by ``up_to``, with the alerts beside them, and take back what falls.

    Settling again tells nothing more. A miss that was told stays told while nothing says otherwise, however
    early the moment that a later call settles up to.
    """
    return settled(case, Law.of(edition, case.received_at), up_to)


def settled(case: Case, law: Law, up_to: datetime) -> tuple[Case, list[Happened]]:
    """Do as ``settle``, under a law that is at hand."""
    horizon = max(up_to, case.settled_up_to)
    happened: list[Happened] = []
    clocks = {clock.name: clock for clock in case.clocks}
    for clock in sorted(case.clocks, key=lambda one: (one.due, one.name)):
        happened += _taken_back(case, clock, up_to)
        if clock.void:
            del clocks[clock.name]
            continue
        after, event = _verdict(case, clock, up_to, horizon, law.calendar)
        clocks[clock.name] = after.model_copy(update={"revoked": {}}) if after.revoked else after
        happened += event
    if happened or horizon != case.settled_up_to or len(clocks) != len(case.clocks):
        case = case.with_(clocks=tuple(clocks.values()), settled_up_to=horizon)
    case, alerted = alerts.raised(case, law, up_to)
    return case, sorted((*happened, *alerted), key=lambda one: one.time) if alerted else happened


def _taken_back(case: Case, clock: ClockState, up_to: datetime) -> list[Happened]:
    """Take back what earlier runs, or a procedure that does not hold, were told to have missed."""
    back = [_cleared(case, clock, run, was, "begun-again", up_to) for run, was in clock.revoked.items()]
    if clock.void:
        since = case.reopened_at
        back += [
            _cleared(case, clock, run, was, "not-owed", up_to)
            for run, was in clock.told.items()
            if since is None or was > since
        ]
    return back


def _verdict(
    case: Case, clock: ClockState, up_to: datetime, horizon: datetime, calendar: WorkingCalendar
) -> tuple[ClockState, list[Happened]]:
    run, was = clock.occurrence, clock.told.get(clock.occurrence)
    if run in clock.excused:
        return clock, []
    is_missed = clock.missed_by(up_to if was is None else horizon)
    if is_missed and was != clock.due:
        told = clock.model_copy(update={"told": {**clock.told, run: clock.due}})
        return told, [_missed(case, clock, calendar)]
    if was is None or is_missed:
        return clock, []
    reason = "done-in-time" if clock.ended_at and clock.ended_at < clock.due else "later-limit"
    told = clock.model_copy(update={"told": {key: due for key, due in clock.told.items() if key != run}})
    return told, [_cleared(case, clock, run, was, reason, up_to)]


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


def retold(case: Case, moved: Case, law: Law, at: datetime) -> list[Happened]:
    """Tell the misses anew that another answers for in ``moved``: taken back from one, told of the other."""
    happened: list[Happened] = []
    for clock in case.clocks:
        for run, due in clock.told.items():
            if run in clock.excused or case.charge_at(due) == moved.charge_at(due):
                continue
            then = clock.model_copy(update={"occurrence": run, "due": due})
            happened += [
                _cleared(case, clock, run, due, "answered-by-another", at),
                _missed(moved, then, law.calendar),
            ]
    return happened


def _cleared(case: Case, clock: ClockState, run: int, was: datetime, reason: str, at: datetime) -> Happened:
    charge = case.charge_at(was)
    event = DeadlineCleared(
        complaint_id=case.complaint_id,
        department=charge.department,
        person=charge.person,
        clock=clock.name,
        occurrence=run,
        due_before=was,
        reason=reason,
    )
    return Happened(event, at, charge.unit)


def next_due(case: Case, edition: Edition) -> datetime | None:
    """Return the next moment at which silence becomes a miss, or None.

    The due moments were worked out when the clocks last changed; ``edition`` would only work them out again.
    """
    dues = [
        clock.due
        for clock in case.clocks
        if clock.occurrence not in (*clock.told, *clock.excused) and clock.missed_by(clock.due)
    ]
    return min(dues, default=None)


def wakes_at(case: Case, edition: Edition) -> datetime | None:
    """Return the next moment at which time alone makes something happen: a miss, or an alert beside a deadline."""
    law = Law.of(edition, case.received_at)
    moments = [next_due(case, edition), *(one.at for one in alerts.thresholds(case, law))]
    return min((one for one in moments if one), default=None)


def recompute(case: Case, edition: Edition) -> Case:
    """Replay every clock, for example because a provisional calendar year was published."""
    law = Law.of(edition, case.received_at)
    return case.with_(
        clocks=tuple(with_events(clock, read_events(clock), law.calendar) for clock in case.clocks)
    )


class Explained(TypedDict):
    """A clock for people: when it is due, and why then."""

    name: str
    occurrence: int
    due_before: datetime
    running: bool
    missed: bool
    provisional: bool
    explanation_zh: list[str]
    explanation_en: list[str]


def explained(case: Case, edition: Edition) -> list[Explained]:
    """Return every clock of a case with the reasons of its due moment, the earliest first."""
    return [
        Explained(
            name=clock.name,
            occurrence=clock.occurrence,
            due_before=clock.due,
            running=clock.runs,
            missed=clock.occurrence in clock.told,
            provisional=clock.provisional,
            explanation_zh=[line.zh for line in reading.lines],
            explanation_en=[line.en for line in reading.lines],
        )
        for clock in sorted(case.clocks, key=lambda one: (one.due, one.name))
        for reading in (reading_of(clock, edition.calendar),)
    ]
