"""What every subject of one month is judged by: the rules prepared for scoring, the organisation, the window.

An edition is read once into tariffs, so that judging one of a million cases looks rules up and builds none.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar, cast

from services.scoring.domain.organisation import Organisation
from shared.errors import RulebookGapError
from shared.rulebook.edition import Edition
from shared.rulebook.formulas import Tallied, tallies
from shared.rulebook.schema import Rules
from shared.rulebook.schema.scoring import Offence
from shared.rulebook.schema.triggers import Cause
from shared.timekeeping.calendar import Month, add_months

_C = TypeVar("_C", bound=Cause)


@dataclass(frozen=True, slots=True)
class Price:
    """What one rule of the rulebook takes or gives, ready for use.

    Attributes:
        points: Signed and exact; where the offence forfeits the item, the item's full marks.
        unit_kinds: Kinds of unit that the sheet scores.
        trigger: The kind of trigger that sets it off; None where the offence is composed of others.
        peers: Peer groups that the sheet is for; none: all.
    """

    rule: str
    sheet: str
    item: str
    points: Decimal
    forfeits: bool
    unit_kinds: tuple[str, ...]
    clauses: tuple[str, ...]
    personal: bool
    with_all: frozenset[str]
    replaces: frozenset[str]
    trigger: type[Cause] | None = None
    peers: tuple[str, ...] = ()


Priced = tuple[Price, _C]
"""A price, and what the rulebook says sets it off."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of one day, by trigger, and what its indicators measure.

    Attributes:
        prices: By kind of trigger and what it is about.
        combined: The prices of offences that exist because others do.
        counts_again: Something costs again and again while nothing happens.
        tallies: What is counted matter by matter for the indicators.
        scored_kinds: Kinds of unit that sheets score and rankings rank, those of one together.
    """

    rules: Rules
    prices: Mapping[tuple[type[Cause], str], Sequence[Priced[Cause]]]
    combined: tuple[Price, ...]
    replacing: Mapping[str, frozenset[str]]
    counts_again: bool
    uncounted_kinds: frozenset[str]
    tallies: tuple[Tallied, ...]
    scored_kinds: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, rules: Rules) -> "Tariff":
        """Read the offences of one day's rules."""
        offences = rules.scoring.offences
        found = {key: _price(key, offence, rules) for key, offence in offences.items()}
        prices: dict[tuple[type[Cause], str], list[Priced[Cause]]] = {}
        for key, offence in offences.items():
            if (trigger := offence.trigger) is not None:
                for about in trigger.about:
                    prices.setdefault((type(trigger), about), []).append((found[key], trigger))
        return cls(
            rules=rules,
            prices=prices,
            combined=tuple(price for price in found.values() if price.with_all),
            replacing={key: price.replaces for key, price in found.items() if price.replaces},
            counts_again=any(
                one.trigger is not None and one.trigger.counts_again for one in offences.values()
            ),
            uncounted_kinds=frozenset(
                kind for kind, matter in rules.intake.kinds.items() if not matter.counts_as_complaint
            ),
            tallies=tallies(rules),
            scored_kinds=tuple(
                sorted(
                    {sheet.unit_kind for sheet in rules.scoring.sheets.values()}
                    | {ranking.unit_kind for ranking in rules.scoring.rankings.values()}
                )
            ),
        )

    def unpriced(self) -> "Tariff":
        """Return the same without a price."""
        return replace(self, prices={}, combined=(), replacing={}, counts_again=False)

    def priced(self, kind: type[_C], about: str = "") -> Sequence[Priced[_C]]:
        """Return the prices that a kind of trigger sets off by what it is about, each with its trigger."""
        return cast("Sequence[Priced[_C]]", self.prices.get((kind, about), ()))


@dataclass(frozen=True, slots=True)
class Tariffs:
    """The tariffs of an edition, by the first day of each.

    Attributes:
        before: The tariff of every day before the first.
        triggers: The kinds of trigger that have a price on some day.
        counts_again: On some day something costs again and again while nothing happens.
    """

    edition: Edition
    slices: tuple[tuple[date, Tariff], ...]
    before: Tariff
    triggers: frozenset[type[Cause]]
    counts_again: bool

    @classmethod
    def of(cls, edition: Edition) -> "Tariffs":
        """Read every slice of an edition."""
        slices = tuple((first, Tariff.of(rules)) for first, rules in edition.slices)
        counts_again = any(tariff.counts_again for _, tariff in slices)
        triggers = frozenset(kind for _, tariff in slices for kind, _ in tariff.prices)
        return cls(edition, slices, slices[0][1].unpriced(), triggers, counts_again)

    def on(self, day: date) -> Tariff:
        """Return the tariff in force on a local day. What lies before the rulebook costs nothing.

        A matter's past may reach back further than its rules, and one such fact must not stop the others.
        """
        at = bisect_right(self.slices, day, key=lambda piece: piece[0])
        return self.slices[at - 1][1] if at else self.before


@dataclass(frozen=True, slots=True)
class MonthContext:
    """What a month is judged by.

    Attributes:
        start: First instant of the month.
        end: First instant after it.
        first_day: First day of the month, in the group's zone; ``last_day``: its last.
        as_of: What happened from here on is not known yet.
        before: Up to when facts count: the month's end, or ``as_of`` where that is earlier.
    """

    tariffs: Tariffs
    organisation: Organisation
    month: Month
    start: datetime
    end: datetime
    first_day: date
    last_day: date
    as_of: datetime
    before: datetime

    @classmethod
    def of(
        cls, edition: Edition | Tariffs, organisation: Organisation, month: Month, as_of: datetime
    ) -> "MonthContext":
        """Prepare a month. Pass ``Tariffs`` to prepare several without reading the edition again."""
        tariffs = edition if isinstance(edition, Tariffs) else Tariffs.of(edition)
        start, end = window(tariffs.edition, month)
        first = date(month.year, month.month, 1)
        last = add_months(first, 1) - timedelta(days=1)
        return cls(tariffs, organisation, month, start, end, first, last, as_of, min(end, as_of))

    def of_month(self, month: Month) -> "MonthContext":
        """Return the same for another month."""
        return MonthContext.of(self.tariffs, self.organisation, month, self.as_of)

    @property
    def edition(self) -> Edition:
        """Return the edition that judges."""
        return self.tariffs.edition

    @property
    def tariff(self) -> Tariff:
        """Return the tariff of the month's last day: sheets and indicators are those of that day.

        Raises:
            RulebookGapError: The edition begins later, so it has no sheets for that month.
        """
        tariff = self.tariffs.on(self.last_day)
        if tariff is self.tariffs.before:
            raise RulebookGapError(group=self.edition.group, on=self.last_day.isoformat(), key="rulebook")
        return tariff

    @property
    def rules(self) -> Rules:
        """Return the rules of the month's last day."""
        return self.tariff.rules

    def closing_day(self, due_before: datetime) -> date:
        """Return the last day that was in time; midnight on the 1st closes the month before."""
        return self.edition.calendar.closing_day(due_before)

    def month_end(self, moment: datetime, *, closing: bool = False) -> datetime:
        """Return the end of the month that holds ``moment``."""
        if self.start < moment < self.end or moment == (self.end if closing else self.start):
            return self.end
        month = self.edition.calendar.month_of(moment, closing=closing)
        return window(self.edition, month)[1]


def window(edition: Edition, month: Month) -> tuple[datetime, datetime]:
    """Return the first instant of a month in the group's zone, and the first after it."""
    first = date(month.year, month.month, 1)
    calendar = edition.calendar
    return calendar.at(first, time(0)), calendar.at(add_months(first, 1), time(0))


def rules_of_month(edition: Edition, month: Month) -> Rules:
    """Return the rules of a month's last day: its sheets, indicators and rankings are those of that day."""
    return edition.on(add_months(date(month.year, month.month, 1), 1) - timedelta(days=1))


def later(month: Month, months: int) -> Month:
    """Return the month that lies ``months`` later, or earlier where negative.

    Example:
        >>> str(later(Month(2026, 1), -1))
        '2025-12'
    """
    day = add_months(date(month.year, month.month, 1), months)
    return Month(day.year, day.month)


def _price(key: str, offence: Offence, rules: Rules) -> Price:
    sheet = rules.scoring.sheets[offence.sheet]
    points = offence.points
    if offence.forfeits:
        weights = {name: item.weight for part in sheet.sections.values() for name, item in part.items.items()}
        points = weights[offence.item].copy_negate()
    return Price(
        rule=key,
        sheet=offence.sheet,
        item=offence.item,
        points=points,
        forfeits=offence.forfeits,
        unit_kinds=sheet.unit_kind,
        peers=sheet.peers,
        trigger=type(offence.trigger) if offence.trigger else None,
        clauses=offence.source,
        personal=offence.against == "department-and-person",
        with_all=frozenset(offence.with_all),
        replaces=frozenset(offence.replaces),
    )
