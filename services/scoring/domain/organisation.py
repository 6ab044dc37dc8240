"""The organisation as its facts tell it: which units exist when, what they are, and who is charged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from services.scoring.domain.facts import ORGANISATION_TYPES, in_order
from shared.events import views_of
from shared.events.facts import Fact, recency
from shared.events.registry import UnitClosed, UnitEstablished


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as it is from a day on.

    Attributes:
        since: First day of this record.
        lead: Person who answers for the unit's service.
        peers: Peer group of its kind of unit that it is compared with.
    """

    unit: str
    kind: str
    parent: str
    site: str
    name_zh: str
    name_en: str
    lead: str
    since: date
    peers: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which a unit exists: from ``first`` until the day before ``closes``."""

    first: date
    closes: date

    def holds(self, day: date) -> bool:
        """Say whether the unit exists on ``day``."""
        return self.first <= day < self.closes


@dataclass(frozen=True, slots=True)
class Organisation:
    """Every unit with its dated records and the days on which it exists. Immutable.

    Build it with ``of``. Answers are remembered, because a fold asks the same ones of every case.
    """

    records: Mapping[str, tuple[Unit, ...]]
    spans: Mapping[str, tuple[Span, ...]]
    _charged: dict[tuple[str, tuple[str, ...], date], str] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "Organisation":
        """Read the organisation from facts; others than its own are passed over.

        A later record with a later day sets the unit anew from that day on; with the same day it corrects.
        """
        told: dict[str, list[Fact]] = {}
        for fact in in_order(fact for fact in facts if fact.type in ORGANISATION_TYPES):
            told.setdefault(_TOLD[fact.type](fact.data).unit, []).append(fact)
        records, spans = {}, {}
        for unit, about in sorted(told.items()):
            dated = sorted(about, key=lambda fact: (_day_of(fact), recency(fact)))
            by_day = {_day_of(fact): _unit_of(fact) for fact in dated if _establishes(fact)}
            if by_day:
                records[unit] = tuple(by_day.values())
                spans[unit] = _spans_of(dated)
        return cls(records, spans)

    def on(self, unit: str, day: date) -> Unit | None:
        """Return the unit's record of a day; before its first one, the first. None if nobody knows it."""
        records = self.records.get(unit)
        if not records:
            return None
        return next((record for record in reversed(records) if record.since <= day), records[0])

    def exists(self, unit: str, day: date) -> bool:
        """Say whether the unit exists on a day."""
        return any(span.holds(day) for span in self.spans.get(unit, ()))

    def exists_throughout(self, unit: str, first: date, last: date) -> bool:
        """Say whether the unit exists on every day from ``first`` to ``last``."""
        return any(span.holds(first) and span.holds(last) for span in self.spans.get(unit, ()))

    def existing(self, first: date, last: date) -> tuple[str, ...]:
        """Return the units that exist on any day from ``first`` to ``last``, by id."""
        return tuple(
            unit
            for unit, spans in self.spans.items()
            if any(span.first <= last and first < span.closes for span in spans)
        )

    def of_kind(self, kinds: tuple[str, ...], first: date, last: date) -> tuple[str, ...]:
        """Return the units of these kinds that exist on any day from ``first`` to ``last``, by id."""
        return tuple(unit for unit in self.existing(first, last) if self._kind(unit, last) in kinds)

    def line(self, unit: str, day: date) -> tuple[str, ...]:
        """Return the unit and the units above it, nearest first."""
        line: list[str] = []
        above = unit
        while above and above not in line:
            line.append(above)
            record = self.on(above, day)
            above = record.parent if record else ""
        return tuple(line)

    def below(self, unit: str, day: date) -> tuple[str, ...]:
        """Return the units that stand directly below a unit on a day."""
        return tuple(
            one
            for one, spans in self.spans.items()
            if any(span.holds(day) for span in spans)
            and (found := self.on(one, day))
            and found.parent == unit
        )

    def scored_unit(self, unit: str, kinds: tuple[str, ...], day: date) -> str:
        """Return the unit of these kinds that is charged for what ``unit`` did, empty where there is none.

        It is the unit itself or the nearest of the kinds above it; else the one of the same site, and if
        the site has several, the one that shares the nearest parent with it.
        """
        key = (unit, kinds, day)
        if key not in self._charged:
            self._charged[key] = self._find_scored(unit, kinds, day)
        return self._charged[key]

    def answers_for(self, unit: str, other: str, day: date) -> bool:
        """Say whether ``unit`` is the one of its kind that answers for ``other``, which is not above it."""
        record = self.on(unit, day)
        if record is None or other == unit:
            return other == unit
        return other not in self.line(unit, day) and self.scored_unit(other, (record.kind,), day) == unit

    def _find_scored(self, unit: str, kinds: tuple[str, ...], day: date) -> str:
        line = self.line(unit, day)
        above = next((one for one in line if self._kind(one, day) in kinds), "")
        record = self.on(unit, day)
        if above or record is None:
            return above
        near = [other for other in self.of_kind(kinds, day, day) if self._site(other, day) == record.site]
        for parent in line:
            below = [other for other in near if parent in self.line(other, day)]
            if below:
                return below[0] if len(below) == 1 else ""
        return near[0] if len(near) == 1 else ""

    def _kind(self, unit: str, day: date) -> str:
        record = self.on(unit, day)
        return record.kind if record else ""

    def _site(self, unit: str, day: date) -> str:
        record = self.on(unit, day)
        return record.site if record else ""


_TOLD = views_of(UnitEstablished, UnitClosed)


def _establishes(fact: Fact) -> bool:
    return fact.type == UnitEstablished.TYPE


def _day_of(fact: Fact) -> date:
    if _establishes(fact):
        return UnitEstablished.view(fact.data).established_on
    return UnitClosed.view(fact.data).closes_on


def _unit_of(fact: Fact) -> Unit:
    told = UnitEstablished.view(fact.data)
    return Unit(
        unit=told.unit,
        kind=told.kind,
        parent=told.parent or "",
        site=told.site,
        name_zh=told.name_zh,
        name_en=told.name_en,
        lead=told.service_lead,
        since=told.established_on,
        peers=told.peers,
    )


def _spans_of(dated: list[Fact]) -> tuple[Span, ...]:
    spans: list[Span] = []
    first: date | None = None
    for fact in dated:
        if _establishes(fact):
            first = first or _day_of(fact)
        elif first is not None:
            spans.append(Span(first, _day_of(fact)))
            first = None
    if first is not None:
        spans.append(Span(first, date.max))
    return tuple(spans)
