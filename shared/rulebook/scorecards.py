"""Scorecards: postings, inspections and duties of one unit and month, added up under one sheet.

A card is a tree: total, sections, items, and under each item what it was made of, so that one lost point can
be followed down. Values are exact; only items that say so are rounded, once, here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from shared.bounds import number
from shared.rulebook.basis import Basis
from shared.rulebook.canonical import exact_sum, half_up, text_of
from shared.rulebook.duties import Duty, Ledger
from shared.rulebook.facts import Fact
from shared.rulebook.postings import Posting, in_sheet_order
from shared.rulebook.schema.scoring import DoneShare, Item, ObservedMean, Section, Sheet

NOT_INSPECTED = "not-inspected"
"""Mark of an item that nobody inspected in the month; it has its full marks."""

NOTHING_DUE = "nothing-due"
"""Mark of an item whose duty did not fall due in the month; it has its full marks."""


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
    """

    sheet: str
    unit: str
    month: str
    total: Decimal
    of: Decimal
    whole_month: bool
    sections: tuple[Score, ...]

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
    ledger: Ledger
    duties: Sequence[Duty]
    basis: Basis


def scorecards(
    posted: Iterable[Posting], ledger: Ledger, duties: Sequence[Duty], basis: Basis
) -> tuple[Scorecard, ...]:
    """Return the card of every unit on every scorecard sheet, by sheet and unit."""
    charged = _by_unit(posted)
    return tuple(
        _scorecard(key, sheet, unit, charged.get((key, unit), ()), ledger, duties, basis)
        for key, sheet in sorted(basis.rules.scoring.sheets.items())
        if sheet.kind == "scorecard"
        for unit in basis.organisation.of_kind(sheet.unit_kind, basis.first_day, basis.last_day)
    )


def penalty_sheets(posted: Iterable[Posting], basis: Basis) -> tuple[PenaltySheet, ...]:
    """Return the penalties of every unit on every penalty sheet, by sheet and unit."""
    charged = _by_unit(posted)
    return tuple(
        _penalties(key, unit, charged.get((key, unit), ()), basis)
        for key, sheet in sorted(basis.rules.scoring.sheets.items())
        if sheet.kind == "penalties"
        for unit in basis.organisation.of_kind(sheet.unit_kind, basis.first_day, basis.last_day)
    )


def _by_unit(posted: Iterable[Posting]) -> dict[tuple[str, str], list[Posting]]:
    charged: dict[tuple[str, str], list[Posting]] = {}
    for posting in sorted(posted, key=in_sheet_order):
        charged.setdefault((posting.sheet, posting.unit), []).append(posting)
    return charged


def _scorecard(
    key: str,
    sheet: Sheet,
    unit: str,
    posted: Sequence[Posting],
    ledger: Ledger,
    duties: Sequence[Duty],
    basis: Basis,
) -> Scorecard:
    by_item: dict[str, list[Posting]] = {}
    for posting in posted:
        by_item.setdefault(posting.item, []).append(posting)
    desk = _Desk(unit, by_item, ledger, duties, basis)
    sections = tuple(_section(name, section, desk) for name, section in sheet.sections.items())
    total = exact_sum(section.value for section in sections)
    most = sheet.full_marks if sheet.cap is None else sheet.cap
    return Scorecard(
        sheet=key,
        unit=unit,
        month=str(basis.month),
        total=min(max(total, Decimal(0)), most),
        of=sheet.full_marks,
        whole_month=basis.organisation.exists_throughout(unit, basis.first_day, basis.last_day),
        sections=sections,
    )


def _section(key: str, section: Section, desk: _Desk) -> Score:
    items = tuple(_item(name, item, desk) for name, item in section.items.items())
    clauses = dict.fromkeys(clause for item in items for clause in item.clauses)
    return Score(key, exact_sum(item.value for item in items), section.weight, tuple(clauses), parts=items)


def _item(key: str, item: Item, desk: _Desk) -> Score:
    value, note, observed = _found(item, desk)
    posted = desk.postings.get(key, ())
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
    return item.weight, "", ()


def _observed_mean(item: Item, how: ObservedMean, desk: _Desk) -> tuple[Decimal, str, tuple[Score, ...]]:
    basis = desk.basis
    seen = [
        (fact, number(fact.data["observations"][how.observed]))
        for fact in desk.ledger.inspected(how.inspection, desk.unit, basis.start, basis.before)
        if how.observed in fact.data.get("observations", {})
    ]
    if not seen:
        return item.weight, NOT_INSPECTED, ()
    mean = sum((Fraction(points) for _, points in seen), Fraction(0)) / len(seen)
    return half_up(mean, how.decimals), "", tuple(_observation(fact, points, item) for fact, points in seen)


def _observation(fact: Fact, points: Decimal, item: Item) -> Score:
    return Score(fact.data["inspection"], points, item.weight, item.source, "", (fact.id,))


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


def _period_done(period: str, duties: Sequence[Duty], desk: _Desk) -> Score:
    deeds = [desk.ledger.deed(duty, min(duty.judged_at, desk.basis.as_of)) for duty in duties]
    is_done = all(deed.done_at is not None for deed in deeds)
    evidence = tuple(name for deed in deeds for name in deed.evidence)
    return Score(period, Decimal(int(is_done)), Decimal(1), duties[0].rule.source, "", evidence)


def _penalties(key: str, unit: str, posted: Sequence[Posting], basis: Basis) -> PenaltySheet:
    charged: dict[tuple[str, str], list[Posting]] = {}
    for posting in posted:
        charged.setdefault((posting.department, posting.person), []).append(posting)
    rows = tuple(_row(department, person, own) for (department, person), own in sorted(charged.items()))
    return PenaltySheet(key, unit, str(basis.month), exact_sum(row.points for row in rows), rows)


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
