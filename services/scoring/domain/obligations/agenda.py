"""Which duty comes round for whom, for which period and by when; and by when scores are published."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from services.scoring.domain.month import later, window
from services.scoring.domain.obligations.base import Duty, Status
from services.scoring.domain.obligations.fulfilment import status
from services.scoring.domain.obligations.record import UnitRecord
from services.scoring.domain.organisation import Organisation
from shared.rulebook.edition import Edition
from shared.rulebook.schema.obligations import Obligation
from shared.rulebook.steps import PeriodTerms, duty_terms, rhythms
from shared.timekeeping.base_types import Line
from shared.timekeeping.calendar import Month
from shared.timekeeping.periods import Every, Period, period_due, periods_of_month

_REACH = {"week": (0, 0), "month": (-2, 1), "quarter": (-6, 3), "year": (-24, 12)}
"""How many months around a month are searched for periods that may count in it; weeks belong to one."""


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
    edition: Edition, organisation: Organisation, record: UnitRecord, now: datetime, months_back: int = 2
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
    return tuple((duty, status(record, duty, now)) for duty in sorted(duties, key=_in_due_order))


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
