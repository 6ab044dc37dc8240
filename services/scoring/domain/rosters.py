"""Rosters: when somebody must be on duty, and the times that no shift covers (LN-32, QS-01). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from services.scoring.domain.organisation import Organisation
from shared.events.facts import Fact
from shared.events.scoring import ShiftRostered
from shared.rulebook.edition import Edition
from shared.rulebook.schema.obligations import Roster

Span = tuple[datetime, datetime]


class Shift(NamedTuple):
    """A person is on duty for a time."""

    start: datetime
    end: datetime
    person: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody was on duty, or will be.

    Attributes:
        clauses: By which somebody must be.
    """

    roster: str
    unit: str
    start: datetime
    end: datetime
    clauses: tuple[str, ...]


def gaps(
    facts: Iterable[Fact], edition: Edition, organisation: Organisation, start: datetime, before: datetime
) -> tuple[Gap, ...]:
    """Return the times in ``[start, before)`` that no shift covers, of every roster and unit, in order.

    Args:
        facts: Any facts; a shift that is told again with the same begin is the one told last. One that ends as it
            begins is none: so a person is taken off.
        edition: What must be covered, day by day.
        organisation: Which units there are.
        start: From when on.
        before: Until when.
    """
    covered = shifts(facts)
    found: dict[tuple[str, str], list[Gap]] = {}
    for day in _days(edition, start, before):
        for key, roster in sorted(edition.on(day).obligations.rosters.items()):
            for unit in organisation.of_kind(roster.of, day, day):
                own = found.setdefault((key, unit), [])
                for first, last in _owed(roster, day, edition):
                    wanted = max(first, start), min(last, before)
                    for free in _uncovered(wanted, covered.get((key, unit), ())):
                        _append(own, Gap(key, unit, *free, roster.source))
    return tuple(gap for _, own in sorted(found.items()) for gap in own)


def shifts(facts: Iterable[Fact]) -> Mapping[tuple[str, str], Sequence[Shift]]:
    """Return the shifts of each roster and unit, in order."""
    told: dict[tuple[str, str], dict[tuple[str, datetime], datetime]] = {}
    for fact in facts:
        if fact.type == ShiftRostered.TYPE:
            shift = ShiftRostered.view(fact.data)
            told.setdefault((shift.roster, shift.unit), {})[shift.person, shift.start] = shift.end
    return {
        key: sorted(Shift(start, end, person) for (person, start), end in own.items() if end > start)
        for key, own in told.items()
    }


def _days(edition: Edition, start: datetime, before: datetime) -> Iterator[date]:
    day = max(edition.calendar.local_day(start), edition.slices[0][0])
    while edition.calendar.at(day, time(0)) < before:
        yield day
        day += timedelta(days=1)


def _owed(roster: Roster, day: date, edition: Edition) -> Sequence[Span]:
    calendar = edition.calendar
    if roster.covers == "working-hours":
        return calendar.intervals(day)
    return ((calendar.at(day, time(0)), calendar.end_of_day(day)),)


def _uncovered(wanted: Span, covered: Sequence[Shift]) -> Iterator[Span]:
    """Yield what of a time no shift covers. ``covered`` is in order of the begins."""
    free_from, until = wanted
    for first, last, _ in covered:
        if first >= until:
            break
        if first > free_from:
            yield free_from, first
        free_from = max(free_from, last)
    if free_from < until:
        yield free_from, until


def _append(own: list[Gap], gap: Gap) -> None:
    """Add a gap; one that goes on at midnight is one gap."""
    if own and own[-1].end == gap.start:
        own[-1] = Gap(gap.roster, gap.unit, own[-1].start, gap.end, gap.clauses)
    else:
        own.append(gap)
