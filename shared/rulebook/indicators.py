"""Indicators: shares and counts with numerator, denominator, exclusions, interval and target.

Each measure counts every matter once, in one month, for the unit that the matter is about; a unit's figure
holds what it answers for. Problem users are outside numerator and denominator; the figure with them stands
beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from shared.rulebook.basis import Basis
from shared.rulebook.canonical import half_up
from shared.rulebook.facts import Fact, History, is_known, moment
from shared.rulebook.offences import standing_misses
from shared.rulebook.schema.scoring import Indicator

Z_95 = Decimal("1.959963984540054")
"""97.5 % point of the normal distribution."""

INTERVAL_PLACES = 6

_SHARES = frozenset({"satisfaction", "record-completeness", "on-time", "callback-coverage", "first-response"})


class Count(NamedTuple):
    """What one subject adds to a measure: how many of how many.

    Attributes:
        excluded: It concerns a problem user.
    """

    measure: str
    unit: str
    hits: int
    of: int
    excluded: bool


class Interval(NamedTuple):
    """A 95 % interval of a share."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator of one unit.

    Attributes:
        value: Share (or count); None where nothing was counted.
        interval: Wilson 95 %, for shares.
        rated: Enough was counted to judge it and to rank by it.
        breach: It is rated and misses its target.
        hits_with_excluded: The same with problem users, as ``of_with_excluded``.
    """

    indicator: str
    unit: str
    clauses: tuple[str, ...]
    value: Fraction | None
    hits: int
    of: int
    hits_with_excluded: int
    of_with_excluded: int
    interval: Interval | None
    target: Decimal | None
    rated: bool
    breach: bool


@dataclass(frozen=True, slots=True)
class _Matter:
    """One subject in one month, as the measures see it."""

    history: History
    basis: Basis

    def in_month(self, at: datetime) -> bool:
        return self.basis.start <= at < self.basis.before

    def closed_in_month(self, due_before: datetime) -> bool:
        return self.basis.start < due_before <= self.basis.before


def counts(history: History, basis: Basis) -> tuple[Count, ...]:
    """Return what the facts of one subject add to the measures of the month."""
    matter = _Matter(history, basis)
    registered = history.first("complaint.registered.v1")
    is_problem = registered is not None and bool(registered.data.get("problem_user"))
    return tuple(
        Count(measure, unit, hits, of, excluded or is_problem)
        for measure in basis.tariff.measures
        for unit, hits, of, excluded in MEASURES[measure](matter)
    )


class Tally:
    """A running sum of counts, so that a fold holds sums and not what was summed."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._sums: dict[tuple[str, str], tuple[int, int, int, int]] = {}

    def add(self, counted: Iterable[Count]) -> None:
        """Add what a subject counts."""
        for measure, unit, hits, of, excluded in counted:
            a, b, c, d = self._sums.get((measure, unit), (0, 0, 0, 0))
            normal = (a, b) if excluded else (a + hits, b + of)
            self._sums[measure, unit] = (*normal, c + hits, d + of)

    @property
    def sums(self) -> Mapping[tuple[str, str], tuple[int, int, int, int]]:
        """Return, by measure and unit: hits and count without problem users, then with them."""
        return self._sums


def figures(tally: Tally, basis: Basis) -> tuple[Figure, ...]:
    """Return every indicator of every unit that exists in the month, by indicator and unit."""
    rolled = _rolled_up(tally.sums, basis)
    return tuple(
        _figure(key, indicator, unit, rolled.get((indicator.measure or "", unit), (0, 0, 0, 0)))
        for key, indicator in sorted(basis.rules.scoring.indicators.items())
        for unit in basis.organisation.existing(basis.first_day, basis.last_day)
    )


def wilson(hits: int, of: int) -> Interval:
    """Return the Wilson 95 % interval of a share, to six places.

    Example:
        >>> wilson(6, 7)
        Interval(low=Decimal('0.486872'), high=Decimal('0.974320'))
    """
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share; count at least one and no more hits than that.")
    with localcontext(Context(prec=50)):
        n, p = Decimal(of), Decimal(hits) / Decimal(of)
        square = Z_95 * Z_95
        centre = p + square / (2 * n)
        spread = Z_95 * (p * (1 - p) / n + square / (4 * n * n)).sqrt()
        scale = 1 + square / n
        low, high = (centre - spread) / scale, (centre + spread) / scale
    return Interval(
        half_up(max(low, Decimal(0)), INTERVAL_PLACES), half_up(min(high, Decimal(1)), INTERVAL_PLACES)
    )


_Counted = Iterator[tuple[str, int, int, bool]]
"""Unit, hits, of how many, whether a problem user is concerned."""


def _satisfaction(matter: _Matter) -> _Counted:
    """Satisfied answers ÷ answers. A customer who was not reached gave none."""
    answers: dict[int, Fact] = {}
    for fact in matter.history.all("callback.completed.v1"):
        if matter.in_month(fact.time):
            answers[fact.data["occurrence"]] = fact
    for fact in answers.values():
        yield fact.unit, int(fact.data["satisfied"]), 1, bool(fact.data.get("problem_user"))


def _record_completeness(matter: _Matter) -> _Counted:
    """Records that are complete when the month of their registration ends ÷ records of that month."""
    registered = matter.history.first("complaint.registered.v1")
    if registered is None or not matter.in_month(registered.time):
        return
    amended = (fact for fact in matter.history.all("record.amended.v1") if fact.time < matter.basis.before)
    record = max(amended, key=lambda fact: fact.time, default=registered)
    yield registered.unit, int(record.data["complete"]), 1, False


def _on_time(matter: _Matter) -> _Counted:
    """Clocks of steps stopped in time ÷ clocks stopped in time or missed; an open overdue one counts.

    A clock that was missed in one month and stopped in a later one counts once, when it was missed.
    """
    yield from _step_clocks(matter, None)


def _first_response(matter: _Matter) -> _Counted:
    """First answers in time ÷ first answers that were given or fell due. Automatic replies are no steps."""
    yield from _step_clocks(matter, matter.basis.tariff.answers)


def _step_clocks(matter: _Matter, names: frozenset[str] | None) -> _Counted:
    missed = {
        (fact.data["clock"], fact.data["occurrence"]): fact
        for fact in standing_misses(matter.history, matter.basis.before)
    }
    for fact in missed.values():
        if _is_counted(fact.data, names) and matter.closed_in_month(moment(fact.data["due_before"])):
            yield fact.unit, 0, 1, False
    for fact in matter.history.all("step.completed.v1"):
        data = fact.data
        if not data.get("in_time") or (data.get("clock"), data["occurrence"]) in missed:
            continue
        if data.get("clock") and _is_counted(data, names) and matter.in_month(fact.time):
            yield fact.unit, 1, 1, False


def _is_counted(data: Mapping[str, object], names: frozenset[str] | None) -> bool:
    if names is None:
        return bool(data.get("step"))
    return data.get("step") in names or data.get("clock") in names


def _complaint_count(matter: _Matter) -> _Counted:
    """Complaints registered in the month. One that goes on inside another keeps its count."""
    registered = matter.history.first("complaint.registered.v1")
    if registered is None or not matter.in_month(registered.time):
        return
    if registered.data["kind"] not in matter.basis.tariff.uncounted_kinds:
        yield registered.unit, 1, 1, False


def _callback_coverage(matter: _Matter) -> _Counted:
    """Callbacks attempted at least once ÷ callbacks whose window ended in the month while the case was closed."""
    tried = {
        fact.data["occurrence"]
        for kind in ("callback.attempted.v1", "callback.completed.v1")
        for fact in matter.history.all(kind)
        if fact.time < matter.basis.before
    }
    voided = {fact.data["occurrence"]: fact.time for fact in matter.history.all("callback.voided.v1")}
    for fact in matter.history.all("callback.due.v1"):
        ended = voided.get(fact.data["occurrence"])
        if ended is not None and ended < moment(fact.data["due_before"]):
            continue
        if is_known(fact, matter.basis.before) and matter.closed_in_month(moment(fact.data["due_before"])):
            yield fact.unit, int(fact.data["occurrence"] in tried), 1, False


MEASURES: Mapping[str, Callable[[_Matter], _Counted]] = {
    "satisfaction": _satisfaction,
    "record-completeness": _record_completeness,
    "on-time": _on_time,
    "complaint-count": _complaint_count,
    "callback-coverage": _callback_coverage,
    "first-response": _first_response,
}
"""The formulas that a rulebook may name."""


def _rolled_up(
    per_unit: Mapping[tuple[str, str], Sequence[int]], basis: Basis
) -> dict[tuple[str, str], tuple[int, ...]]:
    """Add what each unit counted to the units above it, and to the scored unit that answers for it."""
    rolled: dict[tuple[str, str], tuple[int, ...]] = {}
    for (measure, unit), sums in sorted(per_unit.items()):
        for above in _answering(unit, basis):
            before = rolled.get((measure, above), (0, 0, 0, 0))
            rolled[measure, above] = tuple(map(sum, zip(before, sums, strict=True)))
    return rolled


def _answering(unit: str, basis: Basis) -> set[str]:
    organisation, day = basis.organisation, basis.last_day
    scored = {organisation.scored_unit(unit, kinds, day) for kinds in basis.tariff.scored_kinds}
    return {*organisation.line(unit, day), *scored}


def _figure(key: str, indicator: Indicator, unit: str, sums: Sequence[int]) -> Figure:
    hits, of, all_hits, all_of = sums
    is_share = indicator.measure in _SHARES
    value = (Fraction(hits, of) if of else None) if is_share else Fraction(hits)
    rated = value is not None and of >= (indicator.minimum_n if is_share else 0)
    return Figure(
        indicator=key,
        unit=unit,
        clauses=indicator.source,
        value=value,
        hits=hits,
        of=of,
        hits_with_excluded=all_hits,
        of_with_excluded=all_of,
        interval=wilson(hits, of) if is_share and of else None,
        target=indicator.target,
        rated=rated,
        breach=rated and value is not None and _misses(value, indicator),
    )


def _misses(value: Fraction, indicator: Indicator) -> bool:
    if indicator.target is None:
        return False
    target = Fraction(indicator.target)
    return value < target if indicator.better == "high" else value > target
