"""Indicators: shares, rates, means and counts with numerator, denominator, exclusions, interval and target.

What an indicator is made of stands in ``formulas``. Here everything is counted once, in one month, for the unit
that it is about; a unit's figure holds what it answers for. Problem users are outside numerator and denominator;
the figure with them stands beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from services.scoring.domain.counting import Count
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, UnitRecord, fulfilment
from shared.rulebook.formulas import Formula, Term, formula_of
from shared.rulebook.schema.scoring import Counted, Indicator, Reported
from shared.values.canonical import LATER
from shared.values.intervals import Interval, byar, mean_interval, wilson


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator of one unit.

    Attributes:
        value: Share, rate, mean or count; None where nothing was counted or reported.
        hits: Numerator; ``of``: denominator. Of a mean: the sum, and how many.
        interval: 95 %: Wilson's for shares, Byar's for rates, normal for means.
        rated: Enough was counted to judge it and to rank by it.
        breach: It is rated and misses its target.
        hits_with_excluded: The same with problem users, as ``of_with_excluded``.
        per: Of how many the value speaks: per thousand customers.
    """

    indicator: str
    unit: str
    clauses: tuple[str, ...]
    value: Fraction | None
    hits: int | Decimal
    of: int | Decimal
    hits_with_excluded: int | Decimal
    of_with_excluded: int | Decimal
    interval: Interval | None
    target: Decimal | None
    rated: bool
    breach: bool
    per: int = field(default=1, metadata=LATER)


class Tally:
    """A running sum of counts, so that a fold holds sums and not what was summed."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._sums: dict[tuple[int, str], tuple[int, int]] = {}

    def add(self, counted: Iterable[Count]) -> None:
        """Add what a subject counts."""
        for tally, unit, amount, excluded in counted:
            normal, all_ = self._sums.get((tally, unit), (0, 0))
            self._sums[tally, unit] = (normal if excluded else normal + amount, all_ + amount)

    @property
    def sums(self) -> Mapping[tuple[int, str], tuple[int, int]]:
        """Return, by tally and unit: how many without problem users, and with them."""
        return self._sums


class _Sums(NamedTuple):
    """A term of one unit: without problem users and with them; None where nobody reported it."""

    normal: int | Decimal | None
    all: int | Decimal | None


def figures(
    tally: Tally, record: UnitRecord, duties: Sequence[Duty], context: MonthContext
) -> tuple[Figure, ...]:
    """Return every indicator of every unit that exists in the month, by indicator and unit."""
    rolled = _rolled_up({**tally.sums, **_duties(record, duties, context)}, context)
    places = {asked: place for place, asked in enumerate(context.tariff.tallies)}

    def sums(term: Term | None, unit: str) -> _Sums:
        if term is None:
            return _Sums(None, None)
        if isinstance(term, Reported):
            kind = context.rules.obligations.figures[term.figure]
            told = record.figure(kind.counted or term.figure, unit, str(context.month))
            return _Sums(told.normal, told.all) if told else _Sums(None, None)
        return _Sums(*rolled.get((places[term], unit), (0, 0)))

    formulas = {
        key: (indicator, formula_of(indicator, context.rules))
        for key, indicator in sorted(context.rules.scoring.indicators.items())
    }
    return tuple(
        _figure(
            _Asked(key, unit, indicator, formula),
            sums(formula.numerator, unit),
            sums(formula.denominator, unit),
            sums(formula.squares, unit),
        )
        for key, (indicator, formula) in formulas.items()
        for unit in context.organisation.existing(context.first_day, context.last_day)
    )


def _duties(
    record: UnitRecord, duties: Sequence[Duty], context: MonthContext
) -> dict[tuple[int, str], tuple[int, int]]:
    """Count the duties that fell due in the month, by who owes them."""
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for place, asked in enumerate(context.tariff.tallies):
        if not isinstance(asked, Counted) or asked.count != "duties":
            continue
        for duty in duties:
            is_named = not asked.of or duty.obligation in asked.of
            if is_named and (not asked.is_ or not _duty_states(duty, record, context).isdisjoint(asked.is_)):
                so_far, _ = found.get((place, duty.unit), (0, 0))
                found[place, duty.unit] = (so_far + 1, so_far + 1)
    return found


def _duty_states(duty: Duty, record: UnitRecord, context: MonthContext) -> frozenset[str]:
    done = fulfilment(record, duty, min(duty.judged_at, context.as_of))
    states = {
        "done": done.done_at is not None,
        "in-time": done.done_at is not None and done.done_at < duty.due_before,
        "nil": done.nil,
    }
    return frozenset(state for state, holds in states.items() if holds)


_Summed = tuple[int, int]


def _rolled_up(
    per_unit: Mapping[tuple[int, str], _Summed], context: MonthContext
) -> dict[tuple[int, str], _Summed]:
    """Add what each unit counted to the units above it, and to the scored unit that answers for it."""
    rolled: dict[tuple[int, str], _Summed] = {}
    for (tally, unit), (normal, all_) in sorted(per_unit.items()):
        for above in _answering(unit, context):
            before = rolled.get((tally, above), (0, 0))
            rolled[tally, above] = (before[0] + normal, before[1] + all_)
    return rolled


def _answering(unit: str, context: MonthContext) -> set[str]:
    organisation, day = context.organisation, context.last_day
    scored = {organisation.scored_unit(unit, kinds, day) for kinds in context.tariff.scored_kinds}
    return {*organisation.line(unit, day), *scored}


class _Asked(NamedTuple):
    key: str
    unit: str
    indicator: Indicator
    formula: Formula


def _figure(asked: _Asked, hits: _Sums, of: _Sums, squares: _Sums) -> Figure:
    """Return a unit's figure. Without a denominator the numerator stands for both."""
    indicator, formula = asked.indicator, asked.formula
    if formula.denominator is None:
        of = hits
    whole = indicator.counts_problem_users
    top, bottom = (hits.all, of.all) if whole else (hits.normal, of.normal)
    value = _value(formula, top, bottom)
    rated = value is not None and (formula.kind == "count" or (bottom or 0) >= indicator.minimum_n)
    return Figure(
        indicator=asked.key,
        unit=asked.unit,
        clauses=indicator.source,
        value=value,
        hits=top or 0,
        of=bottom or 0,
        hits_with_excluded=hits.all or 0,
        of_with_excluded=of.all or 0,
        interval=_interval(formula, top, bottom, squares.all if whole else squares.normal),
        target=indicator.target,
        rated=rated,
        breach=rated and value is not None and _misses(value, indicator),
        per=formula.per,
    )


_Amount = int | Decimal | None


def _value(formula: Formula, hits: _Amount, of: _Amount) -> Fraction | None:
    if hits is None or of is None:
        return None
    if formula.denominator is None:
        return Fraction(hits)
    return Fraction(hits) / Fraction(of) * formula.per if of > 0 else None


def _interval(formula: Formula, hits: _Amount, of: _Amount, squares: _Amount) -> Interval | None:
    """Return the interval of what was counted. What was reported has none: nobody says how it came about."""
    if not isinstance(hits, int) or of is None or of <= 0:
        return None
    found: Interval | None = None
    if formula.kind == "share" and isinstance(of, int):
        found = wilson(hits, of)
    elif formula.kind == "rate":
        return byar(hits, Decimal(of) / formula.per)
    elif formula.kind == "mean" and isinstance(of, int) and isinstance(squares, int):
        found = mean_interval(of, hits, squares)
    if found is None or formula.per == 1:
        return found
    return Interval(found.low * formula.per, found.high * formula.per)


def _misses(value: Fraction, indicator: Indicator) -> bool:
    if indicator.target is None:
        return False
    target = Fraction(indicator.target)
    return value < target if indicator.better == "high" else value > target
