"""Duties that come round: who owes which one for which period, whether it was done, and what it costs.

A month judges what falls due in it, with what had happened by its end; a week belongs to the month of its
Thursday and may end in the next one, so it is judged when both are over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from services.scoring.domain.month import MonthContext, later, window
from services.scoring.domain.offences import Fallen, Offence, Ruling, overruled, priced, rulings_of
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting, charge, in_sheet_order, reversal
from services.scoring.domain.rankings import months_of
from services.scoring.domain.triggers import Sight, Words, is_for
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema.obligations import Obligation
from shared.rulebook.steps import PeriodTerms, duty_terms, rhythms
from shared.timekeeping.base_types import Line
from shared.timekeeping.calendar import Month, WorkingCalendar, add_months
from shared.timekeeping.periods import Every, Period, period_due, periods_of_month
from shared.timekeeping.wording import say_due
from shared.values.bounds import number
from shared.values.canonical import exact_sum

_REACH = {"week": (0, 0), "month": (-2, 1), "quarter": (-6, 3), "year": (-24, 12)}
"""How many months around a month are searched for periods that may count in it; weeks belong to one."""


class Status(StrEnum):
    """How a duty stands at a moment."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"
    DONE_LATE = "done-late"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty of one unit for one period.

    Attributes:
        unit: Who owes it.
        about: The unit that it is about; the same unit where nobody else is.
        period: The period that it answers for: ``2026-06``, ``2026-Q3``, ``2026-W31``.
        begins: First instant of the period; ``ends``: first instant after it.
        month: The month that it counts in.
        judged_at: When it is settled whether it was done at all.
        provisional: The due day leans on a year whose holidays are not published yet.
    """

    obligation: str
    unit: str
    about: str
    period: str
    begins: datetime
    ends: datetime
    month: Month
    due_before: datetime
    judged_at: datetime
    provisional: bool
    lines: tuple[Line, ...]
    rule: Obligation


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What was done for a duty by a moment.

    Attributes:
        done_at: When it was done, for the last of the times that it is owed; None if it was not.
        times: How often it was done.
        missing: Required sections that are in none of the submissions.
        nil: There was nothing to report, and every submission says so.
    """

    done_at: datetime | None
    times: int
    missing: tuple[str, ...]
    evidence: tuple[str, ...]
    by: str
    nil: bool = False


class Amounts(NamedTuple):
    """A reported or counted number: without problem users, and with them."""

    normal: Decimal
    all: Decimal


CUSTOMERS = "customers"
"""What the system counts where a figure says so (``FigureKind.counted``)."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """By when a closed month goes out, what of it, and to which role."""

    publication: str
    to: str
    sheets: tuple[str, ...]
    period: str
    due_before: datetime
    provisional: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class UnitRecord:
    """What units did: reports, inspections and rulings over them. Looked up by what they answer for."""

    facts: tuple[Fact, ...]
    organisation: Organisation
    calendar: WorkingCalendar

    @cached_property
    def reports(self) -> Mapping[tuple[str, str, str], Sequence[Fact]]:
        """Return the submissions by obligation, unit and period."""
        found: dict[tuple[str, str, str], list[Fact]] = {}
        for fact in self.facts:
            if fact.type == "duty.fulfilled.v1":
                key = (fact.data["obligation"], fact.data["unit"], fact.data["period"])
                found.setdefault(key, []).append(fact)
        return found

    @cached_property
    def inspections(self) -> Mapping[str, Sequence[Fact]]:
        """Return the inspections by kind, in order, without those that a ruling took away."""
        overturned = {one.against for one in self.rulings if one.restates}
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            if fact.type == "inspection.recorded.v1" and fact.id not in overturned:
                found.setdefault(fact.data["kind"], []).append(fact)
        return found

    @cached_property
    def rulings(self) -> Sequence[Ruling]:
        """Return the upheld rulings over points of units."""
        return rulings_of(self.facts)

    @cached_property
    def told(self) -> Mapping[tuple[str, str], Mapping[Month, Amounts]]:
        """Return by figure and unit what was told last of each period, by the period's last month."""
        found: dict[tuple[str, str], dict[Month, Amounts]] = {}
        for fact in self.facts:
            data = fact.data
            if fact.type == "figure.reported.v1":
                value = number(data["value"])
                month = months_of(data["period"])[-1]
                found.setdefault((data["figure"], data["unit"]), {})[month] = Amounts(value, value)
            elif fact.type == "customers.counted.v1":
                amounts = Amounts(Decimal(data["normal"]), Decimal(data["all"]))
                found.setdefault((CUSTOMERS, data["unit"]), {})[months_of(data["month"])[-1]] = amounts
        return found

    def figure(self, figure: str, unit: str, period: str) -> Amounts | None:
        """Return a figure of a month, or the last one before it; of a unit that has none, the sum of those below."""
        month = months_of(period)[-1]
        told = self.told.get((figure, unit), {})
        if known := [one for one in told if one <= month]:
            return told[max(known)]
        day = add_months(date(month.year, month.month, 1), 1) - timedelta(days=1)
        below = (self.figure(figure, one, period) for one in self.organisation.below(unit, day))
        found = [one for one in below if one is not None]
        if not found:
            return None
        return Amounts(exact_sum(one.normal for one in found), exact_sum(one.all for one in found))

    def inspected(self, kind: str, unit: str, start: datetime, before: datetime) -> list[Fact]:
        """Return the inspections of a kind in ``[start, before)`` at a unit or what it answers for."""
        return [
            fact
            for fact in self.inspections.get(kind, ())
            if start <= fact.time < before
            and self.organisation.answers_for(unit, fact.data["unit"], self.calendar.local_day(fact.time))
        ]

    def deed(self, duty: Duty, before: datetime) -> Fulfilment:
        """Return what was done for a duty before a moment.

        Nobody reports on what has not begun, and what holds none of a report's sections is no report.
        """
        if duty.rule.done_by == "inspection":
            # An inspection of the next week answers for the next week.
            until = min(before, max(duty.ends, duty.due_before))
            done = self.inspected(duty.rule.inspection, duty.about, duty.begins, until)
        else:
            key = (duty.obligation, duty.about, duty.period)
            reports = (fact for fact in self.reports.get(key, ()) if duty.begins <= fact.time < before)
            done = [fact for fact in reports if is_report(duty.rule, fact.data)]
        held = {section for fact in done for section in fact.data.get("sections", ())}
        owed = duty.rule.times
        nil = bool(done) and all(fact.data.get("nil") for fact in done)
        return Fulfilment(
            done_at=done[owed - 1].time if len(done) >= owed else None,
            times=len(done),
            missing=() if nil else tuple(section for section in duty.rule.sections if section not in held),
            evidence=tuple(fact.id for fact in done),
            by=done[0].data["by"] if done else "",
            nil=nil,
        )

    def status(self, duty: Duty, now: datetime) -> Status:
        """Say how a duty stands at a moment. The due moment itself is too late."""
        deed = self.deed(duty, now)
        if deed.done_at is not None:
            return Status.DONE if deed.done_at < duty.due_before else Status.DONE_LATE
        return Status.OPEN if now < duty.due_before else Status.OVERDUE


def is_report(rule: Obligation, data: Mapping[str, Any]) -> bool:
    """Say whether what was handed in is a report at all.

    It holds a section, where the rule asks for some; or it says that there is nothing, where the rule lets it.
    """
    if rule.nil and data.get("nil"):
        return True
    return not rule.sections or not rule.sections.keys().isdisjoint(data.get("sections", ()))


def instances(edition: Edition, organisation: Organisation, month: Month) -> tuple[Duty, ...]:
    """Return the duties that count in a month, in the order in which they fall due.

    A unit owes a duty if it exists from the first day of the period until the due moment.
    """
    duties = [
        duty
        for obligation, every in rhythms(edition)
        for duty in _of_obligation(obligation, every, edition, organisation, month)
    ]
    return tuple(sorted(duties, key=_in_due_order))


def agenda(
    edition: Edition, organisation: Organisation, ledger: UnitRecord, now: datetime, months_back: int = 2
) -> tuple[tuple[Duty, Status], ...]:
    """Return the duties whose period has begun and that are open, overdue or lately done, as they stand."""
    month = edition.calendar.month_of(now)
    duties = [
        duty
        for obligation, every in rhythms(edition)
        for ahead in range(-months_back, _REACH[every][1] + 2)
        for duty in _of_obligation(obligation, every, edition, organisation, later(month, ahead))
        if duty.begins <= now
    ]
    return tuple((duty, ledger.status(duty, now)) for duty in sorted(duties, key=_in_due_order))


def publishing(edition: Edition, month: Month) -> tuple[Publishing, ...]:
    """Return by when the scores of ``month`` are to be published, under the rules of its last day."""
    period = Period.holding("month", date(month.year, month.month, 1))
    found = []
    for key, rule in sorted(edition.on(period.last).scoring.publications.items()):
        due = period_due(rule.due, period, edition.calendar)
        found.append(
            Publishing(key, rule.to, rule.sheets, str(period), due.due_before, due.provisional, due.lines)
        )
    return tuple(found)


def unit_postings(ledger: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> tuple[Posting, ...]:
    """Return what inspections and duties post in the month of ``basis``.

    An offence of a unit is settled in its own month. Later only a ruling can take it back; then the months
    before are judged again, to find what it took.
    """
    if context.before <= context.start:
        return ()
    posted = [
        charge(offence, context)
        for offence in _offences(ledger, duties, context).values()
        if _ruling(offence, ledger, context.before) is None
    ]
    ruled = {
        one.against for one in ledger.rulings if not one.restates and context.start <= one.at < context.before
    }
    return tuple(sorted((*posted, *_reversals(ledger, ruled, context)), key=in_sheet_order))


def _of_obligation(
    obligation: str, every: Every, edition: Edition, organisation: Organisation, month: Month
) -> Iterator[Duty]:
    for period, terms in _periods(obligation, every, edition, month):
        rule, due = terms.rule, terms.due
        for unit, about in _owed(rule, organisation, period, edition.calendar.closing_day(due.due_before)):
            yield Duty(
                obligation=obligation,
                unit=unit,
                about=about,
                period=str(period),
                begins=edition.calendar.at(period.first, time(0)),
                ends=edition.calendar.end_of_day(period.last),
                month=month,
                due_before=due.due_before,
                judged_at=max(window(edition, month)[1], due.due_before),
                provisional=due.provisional,
                lines=due.lines,
                rule=rule,
            )


def _periods(
    obligation: str, every: Every, edition: Edition, month: Month
) -> Iterator[tuple[Period, PeriodTerms]]:
    """Yield the periods that count in a month, with by when the duty is done for each."""
    first, last = _REACH[every]
    near = (later(month, months) for months in range(first, last + 1))
    for period in (period for one in near for period in periods_of_month(every, one)):
        terms = duty_terms(edition, obligation, period)
        if terms is not None and terms.month == month:
            yield period, terms


def _owed(
    rule: Obligation, organisation: Organisation, period: Period, due_day: date
) -> Iterator[tuple[str, str]]:
    last = max(period.last, due_day)
    for unit in organisation.of_kind(rule.owed_by, period.first, last):
        if not organisation.exists_throughout(unit, period.first, last):
            continue
        if not rule.about:
            yield unit, unit
            continue
        for about in organisation.of_kind(rule.about, period.first, last):
            existed = organisation.exists_throughout(about, period.first, period.last)
            if existed and _owes(unit, about, rule, organisation, period.last):
                yield unit, about


def _owes(unit: str, about: str, rule: Obligation, organisation: Organisation, day: date) -> bool:
    """Say whether ``unit`` owes the duty about ``about``: it answers for it, or is the only one that could."""
    answers = organisation.scored_unit(about, rule.owed_by, day)
    return answers == unit if answers else organisation.of_kind(rule.owed_by, day, day) == (unit,)


def _in_due_order(duty: Duty) -> tuple[datetime, str, str, str]:
    return duty.due_before, duty.obligation, duty.unit, duty.about


def _offences(ledger: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> dict[str, Offence]:
    found = [*_failed_aspects(ledger, context), *_faults(ledger, duties, context)]
    return {offence.id: offence for offence in found}


def _failed_aspects(ledger: UnitRecord, context: MonthContext) -> Iterator[Offence]:
    failed: dict[tuple[str, str, str], list[Fact]] = {}
    for kind, inspections in ledger.inspections.items():
        for fact in inspections:
            if context.start <= fact.time < context.before:
                for aspect in fact.data.get("failed_aspects", ()):
                    failed.setdefault((kind, fact.data["unit"], aspect), []).append(fact)
    for (kind, unit, aspect), facts in sorted(failed.items()):
        day = context.edition.calendar.local_day(facts[0].time)
        sight = Sight(
            subject=f"unit/{unit}",
            unit=unit,
            key=f"{kind}/{context.month}/{aspect}",
            at=facts[0].time,
            day=day,
            words=Words((f"检查发现不符合：{aspect}",), (f"failed in an inspection: {aspect}",)),
            evidence=tuple(fact.id for fact in facts),
        )
        for price in context.tariffs.on(day).aspects.get(kind, ()):
            if is_for(sight, price, context):
                yield priced(sight, price, context)


def _faults(ledger: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> Iterator[Offence]:
    for duty in duties:
        day = context.closing_day(duty.due_before)
        prices = context.tariffs.on(day).obligations.get(duty.obligation, ())
        if not prices:
            continue
        by_fault = _seen_faults(ledger, duty, context, day)
        for price in prices:
            for sight in by_fault.get(price.fault, ()):
                if is_for(sight, price, context):
                    yield priced(sight, price, context)


def _seen_faults(ledger: UnitRecord, duty: Duty, context: MonthContext, day: date) -> dict[str, list[Sight]]:
    """Return what is wrong with a duty, by fault. Not done and sections are judged when its month is over."""
    deed = ledger.deed(duty, min(duty.judged_at, context.as_of))
    is_over = duty.judged_at <= context.as_of
    due = say_due(duty.due_before, context.edition.calendar)
    zh = (*(line.zh for line in duty.lines), f"应于 {due.zh} 前完成")
    en = (*(line.en for line in duty.lines), f"due before {due.en}")

    def seen(key: str, at: datetime, zh_end: str, en_end: str) -> Sight:
        return Sight(
            subject=f"unit/{duty.unit}",
            unit=duty.unit,
            key=f"{duty.obligation}/{duty.about}/{duty.period}/{key}",
            at=at,
            day=day,
            words=Words((*zh, zh_end), (*en, en_end)),
            evidence=deed.evidence,
        )

    if deed.done_at is None:
        said = ("当月未完成", "not done when its month ended")
        if duty.rule.times > 1:
            said = (
                f"应办 {duty.rule.times} 次，仅办 {deed.times} 次",
                f"done {deed.times} of {duty.rule.times} times when its month ended",
            )
        return {"not-done": [seen("not-done", duty.judged_at, *said)]} if is_over else {}
    found: dict[str, list[Sight]] = {}
    if deed.done_at >= duty.due_before:
        when = say_due(deed.done_at, context.edition.calendar)
        found["late"] = [seen("late", duty.due_before, f"{when.zh} 才完成", f"done only at {when.en}")]
    if is_over:
        found["missing-section"] = [
            seen(f"section/{section}", duty.judged_at, f"缺少部分：{section}", f"section missing: {section}")
            for section in deed.missing
        ]
    if is_over and deed.missing:
        named = ", ".join(deed.missing)
        said = (f"内容不全，缺少：{named}", f"incomplete, without: {named}")
        found["incomplete"] = [seen("incomplete", duty.judged_at, *said)]
    return found


def _ruling(offence: Offence, ledger: UnitRecord, before: datetime) -> Fallen | None:
    return overruled(offence, [one for one in ledger.rulings if one.restates or one.at < before])


def _reversals(ledger: UnitRecord, ruled: set[str], context: MonthContext) -> Iterator[Posting]:
    """Find what the month's rulings are about in the months before, and take it back."""
    earliest = min((fact.time for fact in ledger.facts), default=context.start)
    left, month = set(ruled), later(context.month, -1)
    while left and context.of_month(month).end > earliest:
        then = context.of_month(month)
        own = _offences(ledger, instances(then.edition, then.organisation, month), then)
        for offence in own.values():
            why = _ruling(offence, ledger, context.before)
            if why is not None and offence.id in left and _ruling(offence, ledger, context.start) is None:
                yield reversal(offence, why, str(month), context)
        left -= set(own)
        month = later(month, -1)
