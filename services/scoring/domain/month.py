"""What every subject of one month is judged by: the rules prepared for scoring, the organisation, the window.

An edition is read once into tariffs, so that judging one of a million cases looks rules up and builds none.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from services.scoring.domain.organisation import Organisation
from shared.errors import RulebookGapError
from shared.rulebook.edition import Edition
from shared.rulebook.formulas import Tallied, tallies
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.scoring import (
    CallbackFault,
    FailedAspect,
    Found,
    IncompleteRecord,
    MissedDeadline,
    MissingElement,
    ObligationFault,
    Offence,
    OfMatter,
    Praise,
    ReportNotSent,
    Trigger,
)
from shared.timekeeping.calendar import Month, add_months
from shared.timekeeping.limits import Limit

_T = TypeVar("_T", bound=Trigger)

ANY_STEP = "steps"
"""What a rulebook writes for every step of a procedure."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one rule of the rulebook takes or gives, ready for use.

    Attributes:
        points: Signed and exact; where the offence forfeits the item, the item's full marks.
        unit_kinds: Kinds of unit that the sheet scores.
        when: Condition on the case, where there is one.
        per: The points are taken for every such time that the deed stays undone, at most ``most`` times.
        plans: Plans of callback that it is about; none: all.
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
    when: Match | None
    fault: str = ""
    per: Limit | None = None
    most: int | None = None
    plans: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    def holds(self, known: tuple[Mapping[str, str], tuple[str, ...]]) -> bool:
        """Say whether its condition holds for what a matter was (``facts_at``)."""
        return self.when is None or self.when.holds(*known)


Prices = Mapping[str, tuple[Price, ...]]
"""Prices by what triggers them."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of one day, by trigger, and what its indicators measure.

    Attributes:
        tallies: What is counted matter by matter for the indicators.
        scored_kinds: Kinds of unit that sheets score and rankings rank, those of one together.
    """

    rules: Rules
    missed: Prices
    matters: Prices
    found: Prices
    aspects: Prices
    elements: Prices
    unsent: Prices
    obligations: Prices
    praise: Prices
    incomplete: tuple[Price, ...]
    callbacks: tuple[Price, ...]
    combined: tuple[Price, ...]
    replacing: Mapping[str, frozenset[str]]
    uncounted_kinds: frozenset[str]
    tallies: tuple[Tallied, ...]
    scored_kinds: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, rules: Rules) -> "Tariff":
        """Read the offences of one day's rules."""
        priced = [
            (offence.trigger, _price(key, offence, rules)) for key, offence in rules.scoring.offences.items()
        ]
        return cls(
            rules=rules,
            missed=_by(priced, MissedDeadline, lambda trigger: trigger.clocks),
            matters=_by(priced, OfMatter, lambda trigger: (trigger.moment,)),
            found=_by(priced, Found, lambda trigger: (trigger.finding,)),
            aspects=_by(priced, FailedAspect, lambda trigger: (trigger.inspection,)),
            elements=_by(priced, MissingElement, lambda trigger: (trigger.report,)),
            unsent=_by(priced, ReportNotSent, lambda trigger: (trigger.report,)),
            obligations=_by(priced, ObligationFault, lambda trigger: (trigger.obligation,)),
            praise=_by(priced, Praise, lambda trigger: (trigger.to,)),
            incomplete=tuple(price for trigger, price in priced if isinstance(trigger, IncompleteRecord)),
            callbacks=tuple(price for trigger, price in priced if isinstance(trigger, CallbackFault)),
            combined=tuple(price for _, price in priced if price.with_all),
            replacing={price.rule: price.replaces for _, price in priced if price.replaces},
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
        none: Prices = {}
        return replace(
            self,
            missed=none,
            matters=none,
            found=none,
            aspects=none,
            elements=none,
            unsent=none,
            obligations=none,
            praise=none,
            incomplete=(),
            callbacks=(),
            combined=(),
            replacing={},
        )

    @property
    def counts_time(self) -> bool:
        """Say whether anything costs points for every time that it stays undone."""
        return any(price.per is not None for prices in self.missed.values() for price in prices)

    def missed_by(self, clock: str, step: str) -> tuple[Price, ...]:
        """Return what a missed deadline costs."""
        named = self.missed.get(clock, ())
        if not step:
            return named
        by_step = self.missed.get(step, ()) if step != clock else ()
        found = (*named, *by_step, *self.missed.get(ANY_STEP, ()))
        return tuple({price.rule: price for price in found}.values())


@dataclass(frozen=True, slots=True)
class Tariffs:
    """The tariffs of an edition, by the first day of each.

    Attributes:
        before: The tariff of every day before the first.
        counts_time: On some day something costs points for every time that it stays undone.
    """

    edition: Edition
    slices: tuple[tuple[date, Tariff], ...]
    before: Tariff
    counts_time: bool

    @classmethod
    def of(cls, edition: Edition) -> "Tariffs":
        """Read every slice of an edition."""
        slices = tuple((first, Tariff.of(rules)) for first, rules in edition.slices)
        counts_time = any(tariff.counts_time for _, tariff in slices)
        return cls(edition, slices, slices[0][1].unpriced(), counts_time)

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
    trigger = offence.trigger
    return Price(
        rule=key,
        sheet=offence.sheet,
        item=offence.item,
        points=points,
        forfeits=offence.forfeits,
        unit_kinds=sheet.unit_kind,
        peers=sheet.peers,
        clauses=offence.source,
        personal=offence.against == "department-and-person",
        with_all=frozenset(offence.with_all),
        replaces=frozenset(offence.replaces),
        when=trigger.when
        if isinstance(trigger, MissedDeadline | OfMatter) and trigger.when != Match()
        else None,
        fault=trigger.fault if isinstance(trigger, ObligationFault) else "",
        per=trigger.per if isinstance(trigger, MissedDeadline) else None,
        most=trigger.most if isinstance(trigger, MissedDeadline) else None,
        plans=trigger.plans if isinstance(trigger, CallbackFault) else (),
    )


def _by(
    priced: Iterable[tuple[Trigger | None, Price]], kind: type[_T], keys: Callable[[_T], Iterable[str]]
) -> Prices:
    found: dict[str, list[Price]] = {}
    for trigger, price in priced:
        if isinstance(trigger, kind):
            for key in keys(trigger):
                found.setdefault(key, []).append(price)
    return {key: tuple(prices) for key, prices in found.items()}
