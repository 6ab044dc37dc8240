"""When something is due under an edition, and why. Pure; the clocks are those that the services run."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.errors import InvalidInputError, RulebookGapError
from shared.rulebook.clocks import Started, evaluate
from shared.rulebook.edition import Edition
from shared.rulebook.limits import Limit, Moment
from shared.rulebook.parts import Line
from shared.rulebook.periods import Period, PeriodDue, month_counted, period_due
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Step, TableUse


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
    item: str = "",
    moments: tuple[Moment, ...] = (),
) -> Started:
    """Return the clock of a step that starts at ``begins``.

    Args:
        edition: The rulebook; its rules of the day of ``begins`` hold.
        procedure: Key of the procedure.
        step: Key of the step.
        begins: When the moment was recorded that the limit counts from.
        item: Row of the table, where the step's limit stands in one.
        moments: Moments of the case that a limit may run until, for example ``handover``.

    Raises:
        RulebookGapError: The rulebook has no such procedure, step or row, or the step has no limit.
    """
    rules = edition.at(begins)
    found = rules.procedures.procedures.get(procedure)
    if found is None:
        raise _gap(edition, begins, f"procedures.procedures.{procedure}")
    key = f"procedures.procedures.{procedure}.steps.{step}"
    if step not in found.steps:
        raise _gap(edition, begins, key)
    one = found.steps[step]
    limit, source = _limit(edition, rules, one, item, begins, f"{key}.within")
    if isinstance(one.within, TableUse) and one.within.outer in {moment.name for moment in moments}:
        limit = Limit(shorter_of=(limit, Limit(until=one.within.outer)))
    clause = ", ".join(dict.fromkeys((*(one.source or found.source), *source)))
    start = counts_from(rules, one, item)[0]
    title = found.steps[start].title if start in found.steps else None
    label = Line(zh=title.zh, en=title.en) if title else _said(start)
    return Started(at=begins, limit=limit, source=clause, label=label, moments=moments)


def counts_from(rules: Rules, step: Step, item: str) -> tuple[str, ...]:
    """Return the moments from which a step's limit counts: its own, or that of its row in the table."""
    if isinstance(step.within, TableUse):
        (name,) = step.within.table
        return (rules.limits.tables[name].rows[item].counts_from,)
    return step.after


def watch_clock(edition: Edition, watch: str, begins: datetime) -> Started:
    """Return the clock of a watch on the whole case.

    Raises:
        RulebookGapError: The rulebook has no such watch.
    """
    found = edition.at(begins).procedures.watches.get(watch)
    if found is None:
        raise _gap(edition, begins, f"procedures.watches.{watch}")
    source = ", ".join(found.source)
    return Started(at=begins, limit=found.within, source=source, label=_said(found.after))


def callback_clock(edition: Edition, plan: str, closed: datetime) -> Started:
    """Return the clock of a callback's window.

    Raises:
        RulebookGapError: The rulebook has no such plan.
    """
    found = edition.at(closed).callback.plans.get(plan)
    if found is None:
        raise _gap(edition, closed, f"callback.plans.{plan}")
    source = ", ".join(found.source)
    return Started(at=closed, limit=found.latest, source=source, label=_said("closing"))


def duty_due(edition: Edition, obligation: str, day: date) -> DueDate:
    """Return when an obligation is due for the period that holds ``day``.

    Raises:
        RulebookGapError: The rulebook has no such obligation.
    """
    found = edition.on(day).obligations.obligations.get(obligation)
    if found is None:
        key = f"obligations.obligations.{obligation}"
        raise RulebookGapError(group=edition.group, on=day.isoformat(), key=key)
    return _period(edition, found.due, Period.holding(found.every, day), found.source)


def publication_due(edition: Edition, publication: str, day: date) -> DueDate:
    """Return when the scores of the month that holds ``day`` go out.

    Raises:
        RulebookGapError: The rulebook has no such publication.
    """
    found = edition.on(day).scoring.publications.get(publication)
    if found is None:
        key = f"scoring.publications.{publication}"
        raise RulebookGapError(group=edition.group, on=day.isoformat(), key=key)
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
            found.append(Moment(name=name, at=datetime.fromisoformat(at)))
        except ValueError:
            msg = f"'{text}' is no moment. Write it as handover=2026-08-20T09:00:00+08:00."
            raise InvalidInputError(msg) from None
    return tuple(found)


def _limit(
    edition: Edition, rules: Rules, step: Step, item: str, begins: datetime, key: str
) -> tuple[Limit, tuple[str, ...]]:
    if step.within is None:
        raise _gap(edition, begins, key)
    if not isinstance(step.within, TableUse):
        return step.within, ()
    (name,) = step.within.table
    table = rules.limits.tables[name]
    if item not in table.rows:
        known = ", ".join(table.rows)
        raise _gap(edition, begins, f"limits.tables.{name}.rows.{item or '<item>'} (known: {known})")
    return table.rows[item].limit, table.source


_MOMENTS = {
    "receipt": Line(zh="收到", en="received"),
    "registration": Line(zh="登记", en="registered"),
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


def _gap(edition: Edition, moment: datetime, key: str) -> RulebookGapError:
    return RulebookGapError(group=edition.group, on=edition.calendar.local_day(moment).isoformat(), key=key)
