"""The clocks of a case, as its history and the rulebook have them: worked out, never commanded."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from services.handling.domain.case import Appeal, Case, ClockState, Status
from services.handling.domain.clockwork import ClockSpec, brought_up, read_events, reading_of, with_events
from services.handling.domain.procedure import (
    duties,
    facts_of,
    is_owed,
    moments_of,
    named_by,
    start_of,
    voided_by,
    way_ended_at,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import Watch
from shared.rulebook.steps import (
    LABELS,
    CaseRules,
    ClockTerms,
    OwedStep,
    label_of,
    limit_of,
    source_of,
    starts_from,
    watch_terms,
)
from shared.timekeeping.clocks import Agreed
from shared.timekeeping.limits import Limit, Moment


def sync(case: Case, law: CaseRules) -> Case:
    """Bring every clock up to what the case's history and the rulebook say. Doing it again changes nothing."""
    clocks = {clock.name: clock for clock in case.clocks}
    wanted = {one.name: one for one in _specs(case, law)}
    for name, one in wanted.items():
        clock = clocks.get(name)
        if clock and one.occurrence == clock.occurrence and _is_history(case, clock):
            continue
        clocks[name] = brought_up(clock, one, law.calendar)
    known = duties(case, law)
    for name, clock in tuple(clocks.items()):
        waits = name in known and case.occurrence_of(name) > clock.occurrence
        if name in wanted or waits or _is_history(case, clock):
            continue
        void = clock.model_copy(update={"void": True})
        clocks[name] = void
        if not to_take_back(case, void):
            del clocks[name]
    return case.with_(clocks=tuple(clocks.values()))


def to_take_back(case: Case, clock: ClockState) -> dict[int, datetime]:
    """Return the misses told of a clock that its procedure does not ask for, by occurrence: they do not stand."""
    since = case.reopened_at
    told = {occurrence: was for occurrence, was in clock.told.items() if since is None or was > since}
    return {**clock.revoked, **told}


def _specs(case: Case, law: CaseRules) -> Iterator[ClockSpec]:
    yield from _steps(case, law)
    yield from _watches(case, law)
    yield from _confirmations(case, law)
    yield from _appeals(case, law)


def _is_history(case: Case, clock: ClockState) -> bool:
    # What ended before a re-opening was owed by the procedure of its time, whatever is found later.
    return bool(case.reopened_at and clock.ended_at and clock.ended_at <= case.reopened_at)


def _steps(case: Case, law: CaseRules) -> Iterator[ClockSpec]:
    known, named, moments = duties(case, law), named_by(case), moments_of(case)
    for name, duty in known.items():
        occurrence = case.occurrence_of(name)
        agreed = tuple(
            Agreed(at=one.at, due_before=one.due_before, by=one.by)
            for one in case.agreements
            if one.step == name and one.occurrence == occurrence
        )
        is_ruled = duty.within(occurrence) is not None or bool(agreed)
        if not is_ruled or not (is_owed(case, duty) or way_ended_at(case, duty)):
            continue
        start = start_of(case, duty, law)
        starts = starts_from(duty, named, law)
        done = [one for one in starts if (deed := case.done_now(one)) and deed.at == start]
        label = label_of(starts, known, done)
        if agreed and (start is None or agreed[0].at < start):
            start, label = agreed[0].at, LABELS["agreed"]
        if start is None:
            continue
        limit, until = limit_of(duty, occurrence, start, named, moments, law), moments
        if limit is None and agreed:
            limit, until = Limit(until="agreed"), (Moment(name="agreed", at=agreed[-1].due_before),)
        if limit:
            terms = ClockTerms(start, limit, label, source_of(duty, law), until)
            yield _spec(case, duty, terms, agreed)


def _spec(case: Case, duty: OwedStep, terms: ClockTerms, agreed: tuple[Agreed, ...]) -> ClockSpec:
    done = case.done_now(duty.key)
    voided = voided_by(case, duty)
    ends = [voided.at if voided else None, way_ended_at(case, duty), _ended_for(case, terms.start)]
    return ClockSpec(
        name=duty.key,
        occurrence=case.occurrence_of(duty.key),
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


def _watches(case: Case, law: CaseRules) -> Iterator[ClockSpec]:
    facts, flags, moments = facts_of(case, law), tuple(case.flags), moments_of(case)
    for name, watch in law.rules.procedures.watches.items():
        if not watch.applies.holds(facts, flags):
            continue
        occurrence = case.occurrence_of(name)
        again = [one.at for one in case.repeats if name in one.direct]
        start = again[-1] if again else (case.received_at if watch.after == "receipt" else case.registered_at)
        yield ClockSpec(
            name=name,
            occurrence=occurrence,
            terms=watch_terms(watch, start, moments),
            since=case.procedures[-1].since,
            procedure=case.procedure,
            stop=_watch_stop(case, watch, law),
            cancel=_ended_for(case, start),
            context=str(case.handover_on or ""),
        )


def _watch_stop(case: Case, watch: Watch, law: CaseRules) -> datetime | None:
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


def _confirmations(case: Case, law: CaseRules) -> Iterator[ClockSpec]:
    """Yield the clocks against which a proposed finding is confirmed by a second person (XA-18)."""
    for key, rule in law.rules.procedures.determinations.items():
        subject = [one for one in case.findings if key in one.determinations]
        if not subject or rule.within is None:
            continue
        finding = subject[-1]
        confirmed = next((one.at for one in finding.confirmations if one.determination == key), None)
        yield ClockSpec(
            name=confirmation_clock(key),
            occurrence=len(subject),
            terms=ClockTerms(finding.at, rule.within, LABELS["proposal"], ", ".join(rule.source)),
            since=finding.at,
            procedure=case.procedure,
            stop=confirmed,
            cancel=_ended_for(case, finding.at),
        )


def confirmation_clock(determination: str) -> str:
    """Return the name of the clock that the confirmation of a finding runs against."""
    return f"confirm-{determination}"


def _appeals(case: Case, law: CaseRules) -> Iterator[ClockSpec]:
    for one in case.appeals:
        rule = law.rules.procedures.appeals[one.rule]
        label, source = LABELS["appeal"], ", ".join(rule.source)
        yield ClockSpec(
            name=appeal_clock(one),
            occurrence=1,
            terms=ClockTerms(one.at, rule.decided_within, label, source),
            since=one.at,
            procedure=case.procedure,
            stop=one.decided_at,
        )
        if rule.advised_within:
            yield ClockSpec(
                name=f"advice-{one.id}",
                occurrence=1,
                terms=ClockTerms(one.at, rule.advised_within, label, source),
                since=one.at,
                procedure=case.procedure,
                stop=one.advised_at,
                cancel=one.decided_at,
            )


def appeal_clock(appeal: Appeal) -> str:
    """Return the name of the clock that an appeal's decision runs against."""
    return f"appeal-{appeal.id}"


def next_due(case: Case) -> datetime | None:
    """Return the next moment at which silence becomes a miss, or None."""
    dues = [
        clock.due
        for clock in case.clocks
        if clock.occurrence not in (*clock.told, *clock.excused) and clock.missed_by(clock.due)
    ]
    return min(dues, default=None)


def recompute(case: Case, edition: Edition) -> Case:
    """Replay every clock, for example because a provisional calendar year was published."""
    law = CaseRules.of(edition, case.received_at)
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
