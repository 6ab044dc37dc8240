"""When something is due under an edition, and why: questions from outside to the reading that the services share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from jiandu.reading import instant_of
from shared.errors import InvalidInputError
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import (
    CaseRules,
    ClockTerms,
    OwedStep,
    callback_terms,
    duty_terms,
    label_of,
    limit_of,
    rhythms,
    source_of,
    starts_from,
    watch_terms,
    window_of,
)
from shared.timekeeping.base_types import Due, Line
from shared.timekeeping.calendar import Month
from shared.timekeeping.clocks import Started, evaluate
from shared.timekeeping.limits import Moment
from shared.timekeeping.periods import Period, month_counted, period_due
from shared.timekeeping.wording import say_moment

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DueDate:
    """The first moment that is too late, the clause that sets it, and how it came about.

    ``period`` and ``month``: for duties, what they answer for and the month that they count in. ``earliest``: of a
    callback, before which nobody calls.
    """

    due_before: datetime
    provisional: bool
    clause: str
    lines: tuple[Line, ...]
    period: str = ""
    month: str = ""
    earliest: datetime | None = None


def of_clock(edition: Edition, clock: Started) -> DueDate:
    """Return when a clock runs out that nothing else happens to."""
    reading = evaluate((clock,), edition.calendar)
    return DueDate(reading.due_before, reading.provisional, reading.source, reading.lines)


def step_clock(
    edition: Edition,
    procedure: str,
    step: str,
    begins: datetime,
    rows: Mapping[str, str] | None = None,
    moments: tuple[Moment, ...] = (),
    *,
    again: bool = False,
    received: datetime | None = None,
) -> Started:
    """Return the clock of a step that starts at ``begins``.

    Args:
        edition: The rulebook.
        procedure: Key of the procedure.
        step: Key of the step.
        begins: When the moment was recorded that the limit counts from.
        rows: Row of the table, where the step's limit stands in one, by what the table is by: ``{"grade": "grade-1"}``.
        moments: Moments of the case that a limit may run until, for example ``handover``.
        again: It is a later occurrence of the step, which may have a limit of its own.
        received: When the matter was received: the rules of that day hold. At ``begins``, where it is not said.

    Raises:
        InvalidInputError: The rulebook has no such procedure, step or row, or the step has no limit.
    """
    law, named = _case_rules(edition, received or begins), rows or {}
    rule = _entry(law.rules.procedures.procedures, procedure, "procedures.procedures")
    path = f"procedures.procedures.{procedure}.steps"
    _entry(rule.steps, step, path)
    known = {key: OwedStep(key, one, procedure, rule) for key, one in rule.steps.items()}
    owed, occurrence = known[step], 2 if again else 1
    within = owed.within(occurrence)
    if within is None:
        msg = f"'{path}.{step}' has no limit."
        raise InvalidInputError(msg)
    if isinstance(within, TableUse):
        _check_rows(within, named, law)
    limit = limit_of(owed, occurrence, begins, named, moments, law)
    if limit is None:
        msg = f"'{path}.{step}' runs until a moment of the case. State it: --moment handover=2026-08-20T09:00+08:00."
        raise InvalidInputError(msg)
    starts = starts_from(owed, named, law)
    label = label_of(starts, known, starts[:1])
    return ClockTerms(begins, limit, label, source_of(owed, law), moments).opening


def watch_clock(
    edition: Edition,
    watch: str,
    begins: datetime,
    moments: tuple[Moment, ...] = (),
    *,
    received: datetime | None = None,
) -> Started:
    """Return the clock of a watch on the whole case. Raises ``InvalidInputError`` where there is no such watch."""
    watches = _case_rules(edition, received or begins).rules.procedures.watches
    return watch_terms(_entry(watches, watch, "procedures.watches"), begins, moments).opening


def callback_due(edition: Edition, plan: str, over_at: datetime) -> DueDate:
    """Return the window of a callback about a matter that was closed, or resolved, at ``over_at``.

    Raises:
        InvalidInputError: The rulebook has no such plan.
    """
    found = _entry(_case_rules(edition, over_at).rules.callback.plans, plan, "callback.plans")
    due = of_clock(edition, callback_terms(found, over_at).opening)
    earliest = window_of(found, over_at, edition.calendar).earliest
    since = say_moment(earliest, edition.calendar)
    opens = (Line(zh=f"不早于 {since.zh}", en=f"not before {since.en}"),) if found.earliest else ()
    return replace(due, earliest=earliest, lines=(*due.lines, *opens))


def duty_due(edition: Edition, obligation: str, day: date) -> DueDate:
    """Return when an obligation is due for the period that holds ``day``.

    Raises:
        InvalidInputError: The rulebook has no such obligation, or none for that period.
    """
    rules = rules_of(edition, day)
    periods = [Period.holding(every, day) for key, every in rhythms(edition) if key == obligation]
    for period in sorted(periods, key=lambda one: one.last):
        if terms := duty_terms(edition, obligation, period):
            return _of_period(terms.due, period, terms.month, terms.rule.source)
    if not periods:
        _entry(rules.obligations.obligations, obligation, "obligations.obligations")
    msg = f"'{obligation}' is owed for no period that holds {day}, under the rules of its last day."
    raise InvalidInputError(msg)


def publication_due(edition: Edition, publication: str, day: date) -> DueDate:
    """Return when the scores of the month that holds ``day`` go out.

    Raises:
        InvalidInputError: The rulebook has no such publication.
    """
    rules_of(edition, day)
    period = Period.holding("month", day)
    found = _entry(edition.on(period.last).scoring.publications, publication, "scoring.publications")
    due = period_due(found.due, period, edition.calendar)
    return _of_period(due, period, month_counted(period, due, edition.calendar), found.source)


def moments_of(texts: list[str]) -> tuple[Moment, ...]:
    """Read moments that are written as ``handover=2026-08-20T09:00+08:00``.

    Raises:
        InvalidInputError: One is written otherwise.
    """
    found = []
    for text in texts:
        name, _, at = text.partition("=")
        try:
            found.append(Moment(name=name, at=instant_of(at)))
        except InvalidInputError:
            msg = f"'{text}' is no moment. Write it as handover=2026-08-20T09:00:00+08:00."
            raise InvalidInputError(msg) from None
    return tuple(found)


def _case_rules(edition: Edition, received: datetime) -> CaseRules:
    rules_of(edition, edition.calendar.local_day(received))
    return CaseRules.of(edition, received)


def _check_rows(use: TableUse, named: Mapping[str, str], law: CaseRules) -> None:
    """Refuse a row that is in no table, and a question that names none."""
    tables = [(f"limits.tables.{name}.rows", law.rules.limits.tables[name]) for name in use.table]
    is_named = any(named.get(table.by) for _, table in tables)
    for path, table in tables:
        if named.get(table.by) or not is_named:
            _entry(table.rows, named.get(table.by, ""), path)


def _entry(entries: Mapping[str, _T], key: str, path: str) -> _T:
    if key not in entries:
        msg = f"There is no '{path}.{key}'. There are: {', '.join(entries) or 'none'}."
        raise InvalidInputError(msg)
    return entries[key]


def rules_of(edition: Edition, day: date) -> Rules:
    """Return the rules of a day. Raises ``InvalidInputError`` where they begin later."""
    first = edition.slices[0][0]
    if day < first:
        msg = f"The rules of '{edition.group}' begin on {first}. Name that day or a later one."
        raise InvalidInputError(msg)
    return edition.on(day)


def _of_period(due: Due, period: Period, month: Month, source: tuple[str, ...]) -> DueDate:
    return DueDate(due.due_before, due.provisional, ", ".join(source), due.lines, str(period), str(month))
