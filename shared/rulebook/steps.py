"""What the rulebook asks for and by when: the steps of a procedure, watches, callbacks, duties that come round.

The one reading of it. Handling, callback, scoring and the command line ask here, so that they come to the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import RulebookGapError
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.callback import CallbackPlan
from shared.rulebook.schema.obligations import Obligation
from shared.rulebook.schema.procedures import MOMENTS, Procedure, Step, TableRow, TableUse, Watch
from shared.timekeeping.base_types import Due, Line
from shared.timekeeping.calendar import Month, WorkingCalendar
from shared.timekeeping.clocks import RECEIVED, Started
from shared.timekeeping.limits import Limit, Moment, due_before
from shared.timekeeping.periods import Every, Period, month_counted, period_due

LABELS: Mapping[str, Line] = {
    "receipt": RECEIVED,
    "registration": Line(zh="登记", en="registered"),
    "graded": Line(zh="确定级别", en="graded"),
    "finding": Line(zh="认定", en="found"),
    "flagged": Line(zh="标记", en="flagged"),
    "works-start": Line(zh="整改开工", en="works begun"),
    "settlement": Line(zh="达成处理意见", en="settlement reached"),
    "approval": Line(zh="批准", en="approved"),
    "closing": Line(zh="结案", en="closed"),
    "resolution": Line(zh="解决", en="resolved"),
    "proposal": Line(zh="提出认定意见", en="finding proposed"),
    "appeal": Line(zh="提出申诉", en="appeal lodged"),
    "agreed": Line(zh="与客户约定", en="agreed with the customer"),
}
"""What happened when a clock began, in words. A step that it counts from is called by its title."""


@dataclass(frozen=True, slots=True)
class CaseRules:
    """What a case stands under: the rules of the day of its receipt, and the calendar.

    Attributes:
        known: Steps that were worked out before, by the facts that they hang on. Only saves work.
    """

    rules: Rules
    calendar: WorkingCalendar
    group: str
    day: str
    known: dict[tuple[str, ...], "dict[str, OwedStep]"] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, edition: Edition, received_at: datetime) -> "CaseRules":
        """Return the rules for a matter received at a moment."""
        day = edition.calendar.local_day(received_at)
        return cls(edition.on(day), edition.calendar, edition.group, day.isoformat())

    def gap(self, key: str) -> RulebookGapError:
        """Return the error that names a missing key."""
        return RulebookGapError(group=self.group, on=self.day, key=key)


@dataclass(frozen=True, slots=True)
class OwedStep:
    """A step that a case owes, or owed, and the procedure that asks for it."""

    key: str
    step: Step
    procedure: str
    rule: Procedure

    @property
    def source(self) -> tuple[str, ...]:
        """Catalogue ids that ask for the step."""
        return self.step.source or self.rule.source

    def within(self, occurrence: int) -> Limit | TableUse | None:
        """Return what limits an occurrence of the step: a later one may have a limit of its own."""
        return self.step.again_within if self.step.again_within and occurrence > 1 else self.step.within


@dataclass(frozen=True, slots=True)
class ClockTerms:
    """How the rulebook lets a clock run: from when and after what, how long, by which clauses.

    ``moments``: those of the case that the limit may run until.
    """

    start: datetime
    limit: Limit
    label: Line
    source: str
    moments: tuple[Moment, ...] = ()

    @property
    def opening(self) -> Started:
        """Return the event that begins such a clock."""
        return Started(
            at=self.start, limit=self.limit, source=self.source, label=self.label, moments=self.moments
        )


# --- steps and watches of a case


def choose(facts: Mapping[str, str], flags: tuple[str, ...], law: CaseRules) -> str:
    """Return the procedure for a matter of which these facts are known.

    Raises:
        RulebookGapError: No procedure applies, or two of one rank do.
    """
    found = [
        (rule.rank, key)
        for key, rule in law.rules.procedures.procedures.items()
        if not rule.overlay and rule.applies.holds(facts, flags)
    ]
    best = [key for rank, key in found if rank == max(found)[0]]
    if len(best) != 1:
        clash = f" ({' and '.join(best)} both apply)" if best else ""
        raise law.gap(f"procedures.procedures for kind {facts['kind']}, class {facts['class'] or '-'}{clash}")
    return best[0]


def owed_steps(
    procedure: str, facts: Mapping[str, str], flags: tuple[str, ...], law: CaseRules
) -> dict[str, OwedStep]:
    """Return every step that the procedure and its overlays know under the facts found, by name.

    Steps that hang on the way to settle are all among them: that is decided along the way.
    """
    facts_key = (procedure, *facts.values(), *flags)
    if (known := law.known.get(facts_key)) is not None:
        return known
    found: dict[str, OwedStep] = {}
    book = law.rules.procedures.procedures
    overlays = (name for name, rule in book.items() if rule.overlay and rule.applies.holds(facts, flags))
    for name in (procedure, *overlays):
        for key, step in book[name].steps.items():
            if _holds_but_for_way(step.when, facts, flags):
                found.setdefault(key, OwedStep(key, step, name, book[name]))
    law.known[facts_key] = found
    return found


def _holds_but_for_way(when: Match, facts: Mapping[str, str], flags: tuple[str, ...]) -> bool:
    if when.way:
        facts = {**facts, "way": when.way[0]}
    return when.holds(facts, flags)


def rows_of(use: TableUse, named: Mapping[str, str], law: CaseRules) -> list[TableRow]:
    """Return the row of each table that ``named`` has, by what a table is by: ``{"grade": "grade-1"}``.

    Raises:
        RulebookGapError: There is no such table.
    """
    found: list[TableRow] = []
    for name in use.table:
        table = law.rules.limits.tables.get(name)
        if table is None:
            raise law.gap(f"limits.tables.{name}")
        row = table.rows.get(named.get(table.by, ""))
        if row is not None:
            found.append(row)
    return found


def starts_from(owed: OwedStep, named: Mapping[str, str], law: CaseRules) -> tuple[str, ...]:
    """Return the names of the moments that start a step: its own, or those of its row in the table."""
    within = owed.step.within
    if isinstance(within, TableUse):
        for row in rows_of(within, named, law)[:1]:
            if row.counts_from in owed.rule.steps or row.counts_from in MOMENTS or not owed.step.after:
                return (row.counts_from,)
    return owed.step.after


def limit_of(
    owed: OwedStep,
    occurrence: int,
    start: datetime,
    named: Mapping[str, str],
    moments: tuple[Moment, ...],
    law: CaseRules,
) -> Limit | None:
    """Return the limit of an occurrence of a step that starts at ``start``.

    Of several tables the row that ends first holds (XA-13). None where the step has no limit, where the case names
    no row, or where a moment that the limit runs until is not among ``moments``.
    """
    limit = owed.within(occurrence)
    if isinstance(limit, TableUse):
        outer, limits = limit.outer, [row.limit for row in rows_of(limit, named, law)]
        if not limits:
            return None
        limit = Limit(shorter_of=tuple(limits)) if len(limits) > 1 else limits[0]
        # A warranty that had ended before the works began no longer covers the item and bounds nothing.
        if outer and any(one.name == outer and one.at > start for one in moments):
            limit = Limit(shorter_of=(limit, Limit(until=outer)))
    if limit is None:
        return None
    known = {one.name for one in moments}
    return limit if all(not part.until or part.until in known for part in limit.parts) else None


def source_of(owed: OwedStep, law: CaseRules) -> str:
    """Return the catalogue ids that a step and its tables stand on."""
    source = owed.source
    if isinstance(owed.step.within, TableUse):
        tables = (law.rules.limits.tables[name] for name in owed.step.within.table)
        source = (*source, *(one for table in tables for one in table.source))
    return ", ".join(dict.fromkeys(source))


def label_of(starts: tuple[str, ...], known: Mapping[str, OwedStep], done: Collection[str]) -> Line:
    """Return in words which of ``starts`` a clock counts from; ``done``: the steps that were done when it began."""
    for name in starts:
        if name in known and name in done:
            title = known[name].step.title
            return Line(zh=title.zh, en=title.en)
        if name in LABELS:
            return LABELS[name]
    return RECEIVED


def watch_terms(watch: Watch, start: datetime, moments: tuple[Moment, ...]) -> ClockTerms:
    """Return the terms of a watch on the whole case that starts at ``start``."""
    known = moments if watch.within.until else ()
    return ClockTerms(start, watch.within, LABELS[watch.after], ", ".join(watch.source), known)


# --- callbacks


@dataclass(frozen=True, slots=True)
class Window:
    """When a customer is called back: not before ``earliest``, and before ``due_before``.

    ``month``: the month that the call counts in.
    """

    earliest: datetime
    due_before: datetime
    month: Month


def window_of(plan: CallbackPlan, over_at: datetime, calendar: WorkingCalendar) -> Window:
    """Return the window of a callback about a matter that was closed, or resolved, at ``over_at``."""
    latest = due_before(plan.latest, over_at, calendar).due_before
    earliest = due_before(plan.earliest, over_at, calendar).due_before if plan.earliest else over_at
    return Window(earliest, latest, calendar.month_of(latest, closing=True))


def callback_terms(plan: CallbackPlan, over_at: datetime) -> ClockTerms:
    """Return the terms of the clock that a callback's window ends with."""
    return ClockTerms(over_at, plan.latest, LABELS[plan.after], ", ".join(plan.source))


# --- duties that come round


@dataclass(frozen=True, slots=True)
class PeriodTerms:
    """By when a duty is to be done for a period, under the rules of the period's last day.

    ``month``: the month that it counts in.
    """

    rule: Obligation
    due: Due
    month: Month


def rhythms(edition: Edition) -> list[tuple[str, Every]]:
    """Return every obligation that the edition ever knows, with how often it comes round, in order."""
    every = (rules.obligations.obligations.items() for _, rules in edition.slices)
    return sorted({(key, rule.every) for rules in every for key, rule in rules})


def duty_terms(edition: Edition, obligation: str, period: Period) -> PeriodTerms | None:
    """Return by when an obligation is to be done for a period; None where it is not owed, or in another rhythm."""
    if period.last < edition.slices[0][0]:
        return None
    rule = edition.on(period.last).obligations.obligations.get(obligation)
    if rule is None or rule.every != period.every:
        return None
    due = period_due(rule.due, period, edition.calendar)
    return PeriodTerms(rule, due, month_counted(period, due, edition.calendar))
