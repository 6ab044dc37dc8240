"""Scorecards: postings, inspections and duties of one unit and month, added up under one sheet.

A card is a tree: total, sections, items, and under each item what it was made of, so that one lost point can
be followed down. Values are exact; only items that say so are rounded, once, here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from services.scoring.domain.indicators import Figure
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, UnitRecord, fulfilment
from services.scoring.domain.postings import Posting, in_sheet_order
from shared.events.facts import Fact
from shared.events.scoring import (
    InspectionRecorded,
)
from shared.rulebook.schema.scoring import ByIndicator, DoneShare, Item, ObservedMean, Section, Sheet
from shared.values.bounds import number
from shared.values.canonical import LATER, brief, exact_sum, half_up, text_of

NOT_INSPECTED = "not-inspected"
"""Mark of an item that nobody inspected in the month; it has its full marks."""

NOTHING_DUE = "nothing-due"
"""Mark of an item whose duty did not fall due in the month; it has its full marks."""

NOTHING_COUNTED = "nothing-counted"
"""Mark of an item by an indicator that had nothing to count; it has its full marks."""

LEFT_OUT = "left-out"
"""Mark of such an item where the rulebook leaves it out; the others weigh more."""

TOTAL_PLACES = 6
"""Places of a total whose items weigh more, which no decimal need end."""


@dataclass(frozen=True, slots=True)
class Score:
    """A value, the clauses that give it, and what it was made of.

    Attributes:
        key: Section, item, posting, inspection or period.
        of: Full marks, where it has any.
        note: What a reader must know, for example ``not-inspected``.
        evidence: Ids of the events that show it.
    """

    key: str
    value: Decimal
    of: Decimal | None
    clauses: tuple[str, ...]
    note: str = ""
    evidence: tuple[str, ...] = ()
    parts: tuple["Score", ...] = ()


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A unit's card of one sheet and month.

    Attributes:
        total: Exact. Pages show one decimal, half up.
        whole_month: The unit existed on every day of the month.
        rated: Something was counted; a card of which every item is left out says nothing.
    """

    sheet: str
    unit: str
    month: str
    total: Decimal
    of: Decimal
    whole_month: bool
    sections: tuple[Score, ...]
    rated: bool = field(default=True, metadata=LATER)

    @property
    def items(self) -> Mapping[str, Decimal]:
        """Return the value of every item."""
        return {item.key: item.value for section in self.sections for item in section.parts}


@dataclass(frozen=True, slots=True)
class PenaltyRow:
    """What one person of a department lost in a month."""

    department: str
    person: str
    points: Decimal
    postings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PenaltySheet:
    """A unit's penalties of a month, by department and person: advice to HR, apart from the scorecard."""

    sheet: str
    unit: str
    month: str
    total: Decimal
    rows: tuple[PenaltyRow, ...]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one unit's card is made from."""

    unit: str
    postings: Mapping[str, Sequence[Posting]]
    record: UnitRecord
    duties: Sequence[Duty]
    figures: Mapping[str, Figure]
    context: MonthContext


def scorecards(
    posted: Iterable[Posting],
    record: UnitRecord,
    duties: Sequence[Duty],
    context: MonthContext,
    figures: Iterable[Figure] = (),
) -> tuple[Scorecard, ...]:
    """Return the card of every unit on every scorecard sheet that is for it, by sheet and unit."""
    charged = _by_unit(posted)
    counted: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        counted.setdefault(figure.unit, {})[figure.indicator] = figure
    return tuple(
        _scorecard(
            key,
            sheet,
            _Desk(
                unit, _by_item(charged.get((key, unit), ())), record, duties, counted.get(unit, {}), context
            ),
        )
        for key, sheet in sorted(context.rules.scoring.sheets.items())
        if sheet.kind == "scorecard"
        for unit in _scored(sheet, context)
    )


def _scored(sheet: Sheet, context: MonthContext) -> Iterator[str]:
    """Yield the units of the month that a sheet is for."""
    for unit in context.organisation.of_kind(sheet.unit_kind, context.first_day, context.last_day):
        known = context.organisation.on(unit, context.last_day)
        if not sheet.peers or (known is not None and known.peers in sheet.peers):
            yield unit


def penalty_sheets(posted: Iterable[Posting], context: MonthContext) -> tuple[PenaltySheet, ...]:
    """Return the penalties of every unit on every penalty sheet, by sheet and unit."""
    charged = _by_unit(posted)
    return tuple(
        _penalties(key, unit, charged.get((key, unit), ()), context)
        for key, sheet in sorted(context.rules.scoring.sheets.items())
        if sheet.kind == "penalties"
        for unit in _scored(sheet, context)
    )


def _by_unit(posted: Iterable[Posting]) -> dict[tuple[str, str], list[Posting]]:
    charged: dict[tuple[str, str], list[Posting]] = {}
    for posting in sorted(posted, key=in_sheet_order):
        charged.setdefault((posting.sheet, posting.unit), []).append(posting)
    return charged


def _by_item(posted: Iterable[Posting]) -> dict[str, list[Posting]]:
    by_item: dict[str, list[Posting]] = {}
    for posting in posted:
        by_item.setdefault(posting.item, []).append(posting)
    return by_item


def _scorecard(key: str, sheet: Sheet, desk: _Desk) -> Scorecard:
    sections = tuple(_section(name, section, desk) for name, section in sheet.sections.items())
    total = exact_sum(section.value for section in sections)
    left_out = exact_sum(
        sheet.sections[section.key].items[item.key].weight
        for section in sections
        for item in section.parts
        if item.note == LEFT_OUT
    )
    weighed = sheet.full_marks - left_out
    if left_out and weighed:
        total = half_up(Fraction(total) * Fraction(sheet.full_marks) / Fraction(weighed), TOTAL_PLACES)
    most = sheet.full_marks if sheet.cap is None else sheet.cap
    context = desk.context
    return Scorecard(
        sheet=key,
        unit=desk.unit,
        month=str(context.month),
        total=min(max(total, Decimal(0)), most),
        of=sheet.full_marks,
        whole_month=context.organisation.exists_throughout(desk.unit, context.first_day, context.last_day),
        sections=sections,
        rated=not left_out or weighed > 0,
    )


def _section(key: str, section: Section, desk: _Desk) -> Score:
    items = tuple(_item(name, item, desk) for name, item in section.items.items())
    clauses = dict.fromkeys(clause for item in items for clause in item.clauses)
    value = exact_sum(item.value for item in items)
    if section.floor is not None:
        value = max(value, section.floor)
    if section.cap is not None:
        value = min(value, section.cap)
    return Score(key, value, section.weight, tuple(clauses), parts=items)


def _item(key: str, item: Item, desk: _Desk) -> Score:
    value, note, observed = _found(item, desk)
    posted = desk.postings.get(key, ())
    if note == LEFT_OUT:
        return Score(key, Decimal(0), None, item.source, note, parts=observed)
    raw = exact_sum((value, *(posting.points for posting in posted)))
    # Full marks are the cap unless the rulebook sets one: a bonus lifts only as far as it says.
    most = item.weight if item.cap is None else item.cap
    parts = (*observed, *(_posted(posting) for posting in posted))
    return Score(key, min(max(raw, item.floor), most), item.weight, item.source, note, parts=parts)


def _posted(posting: Posting) -> Score:
    return Score(posting.id, posting.points, None, posting.clauses, posting.rule, posting.evidence)


def _found(item: Item, desk: _Desk) -> tuple[Decimal, str, tuple[Score, ...]]:
    """Return what an item is worth before postings, a mark, and what was observed."""
    if isinstance(item.how, ObservedMean):
        return _observed_mean(item, item.how, desk)
    if isinstance(item.how, DoneShare):
        return _done_share(item, item.how, desk)
    if isinstance(item.how, ByIndicator):
        return _by_indicator(item, item.how, desk)
    return item.weight, "", ()


def _observed_mean(item: Item, how: ObservedMean, desk: _Desk) -> tuple[Decimal, str, tuple[Score, ...]]:
    context = desk.context
    seen = [
        (fact, number(points))
        for fact in desk.record.inspected(how.inspection, desk.unit, context.start, context.before)
        if (points := InspectionRecorded.view(fact.data).observations.get(how.observed)) is not None
    ]
    if not seen:
        return item.weight, NOT_INSPECTED, ()
    mean = sum((Fraction(points) for _, points in seen), Fraction(0)) / len(seen)
    return half_up(mean, how.decimals), "", tuple(_observation(fact, points, item) for fact, points in seen)


def _observation(fact: Fact, points: Decimal, item: Item) -> Score:
    return Score(
        InspectionRecorded.view(fact.data).inspection, points, item.weight, item.source, "", (fact.id,)
    )


def _done_share(item: Item, how: DoneShare, desk: _Desk) -> tuple[Decimal, str, tuple[Score, ...]]:
    """Return full marks × periods done ÷ periods. A period is done if the duty was done for every unit of it."""
    periods: dict[str, list[Duty]] = {}
    for duty in desk.duties:
        if duty.obligation == how.obligation and duty.unit == desk.unit:
            periods.setdefault(duty.period, []).append(duty)
    if not periods:
        return item.weight, NOTHING_DUE, ()
    parts = tuple(_period_done(period, duties, desk) for period, duties in sorted(periods.items()))
    done = exact_sum(part.value for part in parts)
    value = half_up(Fraction(item.weight) * Fraction(done) / len(parts), how.decimals)
    return value, f"{text_of(done)}/{len(parts)}", parts


def _by_indicator(item: Item, how: ByIndicator, desk: _Desk) -> tuple[Decimal, str, tuple[Score, ...]]:
    """Return the marks of the indicator's band, or full marks × its value: of a percentage the share."""
    figure = desk.figures.get(how.indicator)
    if figure is None or figure.value is None:
        return item.weight, LEFT_OUT if how.none == "left-out" else NOTHING_COUNTED, ()
    if how.bands:
        reached = [band for band in how.bands if figure.value >= band.at_least]
        marks = max(reached, key=lambda band: band.at_least).marks if reached else Decimal(0)
    else:
        share = min(max(figure.value / figure.per, Fraction(0)), Fraction(1))
        marks = half_up(Fraction(item.weight) * share, how.decimals)
    counted = f"{brief(Fraction(figure.hits))}/{brief(Fraction(figure.of))}"
    shown = half_up(figure.value, TOTAL_PLACES)
    return marks, "", (Score(how.indicator, shown, None, figure.clauses, counted),)


def _period_done(period: str, duties: Sequence[Duty], desk: _Desk) -> Score:
    done = [fulfilment(desk.record, duty, min(duty.judged_at, desk.context.as_of)) for duty in duties]
    is_done = all(one.done_at is not None for one in done)
    evidence = tuple(name for one in done for name in one.evidence)
    return Score(period, Decimal(int(is_done)), Decimal(1), duties[0].rule.source, "", evidence)


def _penalties(key: str, unit: str, posted: Sequence[Posting], context: MonthContext) -> PenaltySheet:
    charged: dict[tuple[str, str], list[Posting]] = {}
    for posting in posted:
        charged.setdefault((posting.department, posting.person), []).append(posting)
    rows = tuple(_row(department, person, own) for (department, person), own in sorted(charged.items()))
    return PenaltySheet(key, unit, str(context.month), exact_sum(row.points for row in rows), rows)


def _row(department: str, person: str, posted: Sequence[Posting]) -> PenaltyRow:
    points = exact_sum(posting.points for posting in posted)
    return PenaltyRow(department, person, points, tuple(posting.id for posting in posted))


def trail(card: Scorecard, item: str) -> Iterator[Score]:
    """Yield the way from a card's total down to what cost or gave points on one item."""
    for section in card.sections:
        for found in section.parts:
            if found.key == item:
                yield Score(card.sheet, card.total, card.of, ())
                yield section
                yield found
                yield from found.parts
