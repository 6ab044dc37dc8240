"""What-if: a draft tried on what really happened, beside the edition that holds.

Every case is played again under the draft (``services.handling.domain.replay``), as if its newest rules had always
held, and both are folded alike. Windows of callbacks stay those of their day. Nothing that was published changes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from services.handling.domain.replay import JUDGED, replayed, under
from services.scoring.domain.facts import History, by_subject, in_order, standing_misses
from services.scoring.domain.fold import MonthResult, PeriodResult, fold, totals_of
from services.scoring.domain.rankings import MonthTotals, months_of
from shared.errors import RulebookGapError
from shared.events.facts import Fact
from shared.events.handling import CaseOpened, DeadlineMissed
from shared.events.intake import ComplaintRegistered, ImportDeclared
from shared.rulebook.edition import Edition
from shared.timekeeping.calendar import Month, WorkingCalendar
from shared.values.canonical import brief

UNIT = "unit/"


@dataclass(frozen=True, slots=True)
class Place:
    """A unit's place in a ranking, and what it is ranked by."""

    rank: int
    value: Fraction


@dataclass(frozen=True, slots=True)
class Move:
    """A unit whose place or value differs. None where it is not ranked."""

    period: str
    ranking: str
    unit: str
    was: Place | None
    now: Place | None


@dataclass(frozen=True, slots=True)
class Points:
    """What one rule took from a unit in a month or gave it, before and under the draft."""

    month: str
    unit: str
    rule: str
    clauses: tuple[str, ...]
    was: Fraction
    now: Fraction


@dataclass(frozen=True, slots=True)
class Breach:
    """A deadline missed, or the target of an indicator (then ``matter`` is the month)."""

    matter: str
    unit: str
    what: str
    due_before: datetime | None
    clause: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a draft would have changed.

    Attributes:
        periods: What was compared, each as of a moment.
        places: Ranking of a period → unit → place before and under the draft; for a chart.
        unplayed: Matters for which the draft has no procedure; they stay as they were.
    """

    periods: Mapping[str, datetime]
    played: int
    moves: tuple[Move, ...]
    points: tuple[Points, ...]
    new: tuple[Breach, ...]
    vanished: tuple[Breach, ...]
    places: Mapping[tuple[str, str], tuple[Mapping[str, Place], Mapping[str, Place]]]
    unplayed: tuple[str, ...]


def what_if(
    facts: Sequence[Fact], current: Edition, draft: Edition, periods: Mapping[str, datetime]
) -> WhatIf:
    """Compare what some periods come to under the edition that holds and under a draft.

    Args:
        facts: An export.
        current: The edition that holds.
        draft: The edition to be tried; its newest rules are.
        periods: Period → the moment as of which it is folded, in order.
    """
    tried = under(draft)
    until = max(periods.values())
    groups = by_subject(facts)
    again, unplayed = _played_again(groups, tried, until)
    before = _folded(facts, current, periods)
    after = _folded([fact for group in again.values() for fact in group], tried, periods)
    places = _places(before, after)
    months = {month for period in periods for month in months_of(period)}
    missed = _missed(groups, until, months, current.calendar)
    missed_now = _missed(again, until, months, tried.calendar)
    targets, targets_now = _targets(before), _targets(after)
    return WhatIf(
        periods=periods,
        played=len(again) - len(unplayed) - sum(key.startswith(UNIT) for key in again),
        moves=tuple(_moves(places)),
        points=tuple(_points(before, after)),
        new=tuple(_only(missed_now | targets_now, missed | targets)),
        vanished=tuple(_only(missed | targets, missed_now | targets_now)),
        places=places,
        unplayed=unplayed,
    )


def _played_again(
    groups: Mapping[str, Sequence[Fact]], edition: Edition, until: datetime
) -> tuple[dict[str, list[Fact]], tuple[str, ...]]:
    declared = _declared(groups)
    again: dict[str, list[Fact]] = {}
    unplayed = []
    for subject, facts in groups.items():
        again[subject] = list(facts)
        registered = next((one for one in facts if one.type == ComplaintRegistered.TYPE), None)
        if registered is None or not any(one.type == CaseOpened.TYPE for one in facts):
            continue
        up_to = until
        if ComplaintRegistered.view(registered.data).imported:
            # Of what was entered later nobody knows what happened after the moment that was declared.
            up_to = min(until, declared.get(registered.unit, max(one.time for one in facts)))
        try:
            own = replayed(facts, edition, up_to)
        except RulebookGapError:
            unplayed.append(subject)
            continue
        told = {one.id for one in own}
        others = (one for one in facts if one.type not in JUDGED and one.id not in told)
        again[subject] = in_order((*others, *own))
    return again, tuple(unplayed)


def _declared(groups: Mapping[str, Sequence[Fact]]) -> dict[str, datetime]:
    return {
        declared.unit: declared.complete_up_to.astimezone(UTC)
        for subject, facts in groups.items()
        if subject.startswith(UNIT)
        for fact in facts
        if fact.type == ImportDeclared.TYPE
        for declared in (ImportDeclared.view(fact.data),)
    }


def _folded(
    facts: Sequence[Fact], edition: Edition, periods: Mapping[str, datetime]
) -> dict[str, PeriodResult]:
    published: dict[str, MonthTotals] = {}
    results: dict[str, PeriodResult] = {}
    for period, as_of in periods.items():
        result = fold(facts, edition, period, as_of, published)
        results[period] = result
        if isinstance(result, MonthResult):
            published[period] = totals_of(result)
    return results


_Places = dict[tuple[str, str], tuple[Mapping[str, Place], Mapping[str, Place]]]


def _places(before: Mapping[str, PeriodResult], after: Mapping[str, PeriodResult]) -> _Places:
    was, now = _ranked(before), _ranked(after)
    return {key: (was.get(key, {}), now.get(key, {})) for key in sorted(was.keys() | now.keys())}


def _ranked(results: Mapping[str, PeriodResult]) -> dict[tuple[str, str], dict[str, Place]]:
    return {
        (period, ranked.ranking): {row.unit: Place(row.rank, row.value) for row in ranked.rows}
        for period, result in results.items()
        for ranked in result.rankings
    }


def _moves(places: _Places) -> Iterable[Move]:
    for (period, ranking), (was, now) in places.items():
        for unit in sorted(was.keys() | now.keys(), key=lambda one: _order(one, now, was)):
            if was.get(unit) != now.get(unit):
                yield Move(period, ranking, unit, was.get(unit), now.get(unit))


def _order(unit: str, now: Mapping[str, Place], was: Mapping[str, Place]) -> tuple[int, int, str]:
    place = now.get(unit) or was[unit]
    return unit not in now, place.rank, unit


def _points(before: Mapping[str, PeriodResult], after: Mapping[str, PeriodResult]) -> Iterable[Points]:
    was, now = _posted(before), _posted(after)
    for key in sorted(was.keys() | now.keys()):
        if was.get(key, 0) != now.get(key, 0):
            month, unit, rule, clauses = key
            yield Points(month, unit, rule, clauses, was.get(key, Fraction(0)), now.get(key, Fraction(0)))


_Posted = dict[tuple[str, str, str, tuple[str, ...]], Fraction]


def _posted(results: Mapping[str, PeriodResult]) -> _Posted:
    found: _Posted = {}
    for result in results.values():
        for one in result.postings if isinstance(result, MonthResult) else ():
            key = (one.month, one.unit, one.rule, one.clauses)
            found[key] = found.get(key, Fraction(0)) + Fraction(one.points)
    return found


_Breaches = dict[tuple[str, ...], Breach]


def _missed(
    groups: Mapping[str, Sequence[Fact]],
    until: datetime,
    months: Collection[Month],
    calendar: WorkingCalendar,
) -> _Breaches:
    found: _Breaches = {}
    for subject, facts in groups.items():
        registered = next((one for one in facts if one.type == ComplaintRegistered.TYPE), None)
        number = ComplaintRegistered.view(registered.data).number if registered else subject
        for fact in standing_misses(History.of(facts), until):
            missed = DeadlineMissed.view(fact.data)
            if calendar.month_of(missed.due_before, closing=True) not in months:
                continue
            key = (subject, missed.clock, str(missed.occurrence))
            found[key] = Breach(number, fact.unit, missed.clock, missed.due_before, missed.clause)
    return found


def _targets(results: Mapping[str, PeriodResult]) -> _Breaches:
    return {
        (period, figure.indicator, figure.unit): Breach(
            period, figure.unit, figure.indicator, None, ", ".join(figure.clauses)
        )
        for period, result in results.items()
        if isinstance(result, MonthResult)
        for figure in result.indicators
        if figure.breach
    }


def _only(these: _Breaches, those: _Breaches) -> Iterable[Breach]:
    return (these[key] for key in sorted(these.keys() - those.keys()))


def shown(place: Place | None) -> tuple[str, str]:
    """Return a place for people: rank and value."""
    return ("–", "–") if place is None else (str(place.rank), brief(place.value))
