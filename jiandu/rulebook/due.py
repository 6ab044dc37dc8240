"""When something is due under an edition, and why. Pure; the clocks are those that the services run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from jiandu.reading import instant_of
from shared.errors import InvalidInputError
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Step, TableRow, TableUse
from shared.timekeeping.base_types import Line
from shared.timekeeping.clocks import Started, evaluate
from shared.timekeeping.limits import Limit, Moment
from shared.timekeeping.periods import Period, PeriodDue, month_counted, period_due

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DueDate:
    """The first moment that is too late, the clause that sets it, and how it came about.

    ``period`` and ``month``: for duties, what they answer for and the month that they count in.
    """

    due_before: datetime
    provisional: bool
    clause: str
    lines: tuple[Line, ...]
    period: str = ""
    month: str = ""


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
) -> Started:
    """Return the clock of a step that starts at ``begins``.

    Args:
        edition: The rulebook; its rules of the day of ``begins`` hold.
        procedure: Key of the procedure.
        step: Key of the step.
        begins: When the moment was recorded that the limit counts from.
        rows: Row of the table, where the step's limit stands in one, by what the table is by: ``{"grade": "grade-1"}``.
        moments: Moments of the case that a limit may run until, for example ``handover``.
        again: It is a later round of the step, which may have a limit of its own.

    Raises:
        InvalidInputError: The rulebook has no such procedure, step or row, or the step has no limit.
    """
    rules = _rules_at(edition, begins)
    found = _entry(rules.procedures.procedures, procedure, "procedures.procedures")
    steps = f"procedures.procedures.{procedure}.steps"
    one = _entry(found.steps, step, steps)
    limit, source = _limit(rules, one, rows or {}, f"{steps}.{step}")
    if again and one.again_within:
        limit, source = one.again_within, ()
    elif isinstance(one.within, TableUse) and one.within.outer in {moment.name for moment in moments}:
        limit = Limit(shorter_of=(limit, Limit(until=one.within.outer)))
    clause = ", ".join(dict.fromkeys((*(one.source or found.source), *source)))
    start = counts_from(rules, one, rows or {})[0]
    title = found.steps[start].title if start in found.steps else None
    label = Line(zh=title.zh, en=title.en) if title else _said(start)
    return Started(at=begins, limit=limit, source=clause, label=label, moments=moments)


def counts_from(rules: Rules, step: Step, rows: Mapping[str, str]) -> tuple[str, ...]:
    """Return the moments from which a step's limit counts: its own, or that of its row in the table."""
    if isinstance(step.within, TableUse):
        return (_rows(rules, step.within, rows)[0].counts_from,)
    return step.after


def watch_clock(edition: Edition, watch: str, begins: datetime) -> Started:
    """Return the clock of a watch on the whole case.

    Raises:
        InvalidInputError: The rulebook has no such watch.
    """
    found = _entry(_rules_at(edition, begins).procedures.watches, watch, "procedures.watches")
    source = ", ".join(found.source)
    return Started(at=begins, limit=found.within, source=source, label=_said(found.after))


def callback_clock(edition: Edition, plan: str, closed: datetime) -> Started:
    """Return the clock of a callback's window.

    Raises:
        InvalidInputError: The rulebook has no such plan.
    """
    found = _entry(_rules_at(edition, closed).callback.plans, plan, "callback.plans")
    source = ", ".join(found.source)
    return Started(at=closed, limit=found.latest, source=source, label=_said("closing"))


def duty_due(edition: Edition, obligation: str, day: date) -> DueDate:
    """Return when an obligation is due for the period that holds ``day``.

    Raises:
        InvalidInputError: The rulebook has no such obligation.
    """
    duties = rules_of(edition, day).obligations.obligations
    found = _entry(duties, obligation, "obligations.obligations")
    return _period(edition, found.due, Period.holding(found.every, day), found.source)


def publication_due(edition: Edition, publication: str, day: date) -> DueDate:
    """Return when the scores of the month that holds ``day`` go out.

    Raises:
        InvalidInputError: The rulebook has no such publication.
    """
    found = _entry(rules_of(edition, day).scoring.publications, publication, "scoring.publications")
    return _period(edition, found.due, Period.holding("month", day), found.source)


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


def _limit(rules: Rules, step: Step, rows: Mapping[str, str], key: str) -> tuple[Limit, tuple[str, ...]]:
    if step.within is None:
        msg = f"'{key}' has no limit."
        raise InvalidInputError(msg)
    if not isinstance(step.within, TableUse):
        return step.within, ()
    limits = tuple(row.limit for row in _rows(rules, step.within, rows))
    source = tuple(one for name in step.within.table for one in rules.limits.tables[name].source)
    return Limit(shorter_of=limits) if len(limits) > 1 else limits[0], source


def _rows(rules: Rules, use: TableUse, rows: Mapping[str, str]) -> list[TableRow]:
    tables = [(f"limits.tables.{name}.rows", rules.limits.tables[name]) for name in use.table]
    return [_entry(table.rows, rows.get(table.by, ""), path) for path, table in tables]


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


def _rules_at(edition: Edition, moment: datetime) -> Rules:
    return rules_of(edition, edition.calendar.local_day(moment))


_MOMENTS = {
    "receipt": Line(zh="收到", en="received"),
    "registration": Line(zh="登记", en="registered"),
    "graded": Line(zh="确定级别", en="graded"),
    "finding": Line(zh="认定", en="found"),
    "flagged": Line(zh="标记", en="flagged"),
    "works-start": Line(zh="整改实施", en="works began"),
    "settlement": Line(zh="达成一致", en="agreed"),
    "approval": Line(zh="批准", en="approved"),
    "closing": Line(zh="办结", en="closed"),
}


def _said(moment: str) -> Line:
    return _MOMENTS.get(moment, Line(zh=moment, en=moment))


def _period(edition: Edition, due: PeriodDue, period: Period, source: tuple[str, ...]) -> DueDate:
    found = period_due(due, period, edition.calendar)
    month = month_counted(due, period, edition.calendar)
    return DueDate(
        found.due_before, found.provisional, ", ".join(source), found.lines, str(period), str(month)
    )
