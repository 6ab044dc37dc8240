"""A ranking seen fairly: beside each published place, what chance may have done to it.

Pure, from a published month alone, and never part of its bytes. The seed is the hash of what was published, so that
anyone who has it draws the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any, Literal

from services.scoring.domain.fair import (
    DRAWS,
    Count,
    Draw,
    FunnelLimits,
    Kind,
    drawing,
    drawing_normal,
    drawing_total,
    empirical_bayes,
    funnel,
    rank_intervals,
)
from services.scoring.domain.rankings import OF_PEERS
from shared.errors import NotFoundError
from shared.rulebook.formulas import Formula, formula_of
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Ranking
from shared.rulebook.schema.scoring import Reported
from shared.values.canonical import brief, number_of

CURVE = 60
"""Sizes at which the limits of a funnel are drawn."""

Status = Literal["usual", "unusual", "exceptional", "not-rated", "not-established", "nil-return"]

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FairRow:
    """One unit of a ranking.

    Attributes:
        rank: Its published place; None where it is not ranked.
        rank_low: Best of the places that it holds in 95 of 100 drawn rankings, as ``rank_high`` is the worst.
        n: How much was counted; None for a sheet.
        low: Of the 95 % interval of its value, as ``high``; None where what was counted gives none.
        shrunk: Its value drawn towards the common one, the more the less was counted (empirical Bayes).
        status: ``unusual`` lies outside the 95 % limits of the funnel, ``exceptional`` outside 99.8 %; or why the unit
            is not ranked.
    """

    unit: str
    value: Fraction | None
    n: Fraction | None
    low: Fraction | None
    high: Fraction | None
    shrunk: Fraction | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    status: Status


@dataclass(frozen=True, slots=True)
class FairView:
    """A ranking with what chance may have done to it.

    Attributes:
        per: Of how many the values speak.
        common: Value of all units together; None where there is no such thing.
        funnel: Limits around it by size, for a chart.
    """

    period: str
    ranking: str
    by: str
    better: Literal["high", "low"]
    per: int
    seed: str
    draws: int
    common: Fraction | None
    rows: tuple[FairRow, ...]
    funnel: tuple[FunnelLimits, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a published month says of one unit.

    Attributes:
        count: What its share or rate was counted from.
        draw: Draws a value that it might as well have shown.
    """

    value: Fraction | None
    n: Fraction | None = None
    interval: tuple[Fraction, Fraction] | None = None
    count: Count | None = None
    draw: Draw | None = None


def fair_view(document: Document, ranking: str, rules: Rules, seed: str) -> FairView:
    """Return the fair view of one ranking of a published month.

    Args:
        document: The plain form of a month's result.
        ranking: Name of the ranking, with its peer group where it has any (``<ranking>.<group>``).
        rules: The rules that the month was judged by.
        seed: Hash of the published result.

    Raises:
        NotFoundError: The month has no such ranking.
    """
    ranked = next((one for one in document["rankings"] if one["ranking"] == ranking), None)
    rule = rules.scoring.rankings.get(ranking.partition(OF_PEERS)[0])
    if ranked is None or rule is None or "units" not in document:
        names = ", ".join(one["ranking"] for one in document["rankings"]) if "units" in document else ""
        msg = f"{document['period']} has no monthly ranking '{ranking}'. It has: {names or 'none'}."
        raise NotFoundError(msg)
    better: Literal["high", "low"] = "high" if rule.order == "high-first" else "low"
    units = [row["unit"] for row in ranked["rows"]]
    left = {one["unit"]: one["reason"] for one in ranked["left_out"]}
    indicator = rules.scoring.indicators.get(rule.by)
    formula = formula_of(indicator, rules) if indicator else None
    kind = _kind(formula)
    shown = _shown(document, rule, formula, [*units, *left])
    counted = {unit: one.count for unit, one in shown.items() if one.count is not None}
    held: dict[str, tuple[int, int]] = {}
    if units:
        draws = [_draw(shown[row["unit"]], number_of(row["value"])) for row in ranked["rows"]]
        held = dict(zip(units, rank_intervals(draws, f"{seed}/{ranking}", better=better), strict=True))
    shrunk: dict[str, Fraction] = {}
    common: Fraction | None = None
    curve: tuple[FunnelLimits, ...] = ()
    if counted and kind is not None:
        shrunk = dict(zip(counted, empirical_bayes(list(counted.values()), kind), strict=True))
        common = sum((one.hits for one in counted.values()), Fraction(0)) / sum(
            one.of for one in counted.values()
        )
        curve = funnel(common, list(_sizes([one.of for one in counted.values()])), kind)
    per = formula.per if formula else 1
    ranks = {row["unit"]: row["rank"] for row in ranked["rows"]}

    def row(unit: str) -> FairRow:
        one = shown[unit]
        low, high = one.interval or (None, None)
        best, worst = held.get(unit, (None, None))
        said_nil: Status | None = "nil-return" if unit in ranks and one.value is None else None
        position: Status = left.get(unit) or said_nil or _position(one.count, common, kind)
        own = shrunk[unit] * per if unit in shrunk else None
        return FairRow(unit, one.value, one.n, low, high, own, ranks.get(unit), best, worst, position)

    return FairView(
        period=document["period"],
        ranking=ranking,
        by=rule.by,
        better=better,
        per=per,
        seed=seed,
        draws=DRAWS,
        common=None if common is None else common * per,
        rows=tuple(row(unit) for unit in (*units, *left)),
        funnel=curve,
    )


def document_of(view: FairView) -> dict[str, Any]:
    """Return a view as plain JSON: numbers as text of up to six decimals, places as numbers."""
    return {part.name: _plain(getattr(view, part.name)) for part in fields(view)}


def _plain(value: object) -> Any:  # noqa: ANN401  # any part of a view becomes plain JSON
    if isinstance(value, Fraction | float):
        return brief(Fraction(value))
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    return value


def _kind(formula: Formula | None) -> Kind | None:
    """Return what chance does to a value, where it is a share or a rate of what was counted."""
    if formula is None or isinstance(formula.numerator, Reported):
        return None
    return formula.kind if formula.kind in ("share", "rate") else None


def _shown(
    document: Document, rule: Ranking, formula: Formula | None, units: Sequence[str]
) -> dict[str, _Shown]:
    figures = {one["unit"]: one for one in document["indicators"] if one["indicator"] == rule.by}
    cards = {one["unit"]: one for one in document["scorecards"] if one["sheet"] == rule.by}
    found = {}
    for unit in units:
        if formula is not None and unit in figures:
            found[unit] = _of_figure(figures[unit], formula)
        elif unit in cards:
            found[unit] = _of_card(cards[unit], document["postings"])
        else:
            found[unit] = _Shown(None)
    return found


def _of_figure(figure: Document, formula: Formula) -> _Shown:
    if figure["value"] is None:
        return _Shown(None)
    value, hits, of = (number_of(str(figure[name])) for name in ("value", "hits", "of"))
    if isinstance(formula.numerator, Reported):
        # What was reported does not vary: nobody says how it came about.
        return _Shown(value, of)
    if formula.kind == "count":
        return _Shown(value, of, draw=drawing(Count(hits, Fraction(1)), "rate"))
    low, high = (number_of(end) for end in figure["interval"])
    kind = _kind(formula)
    if kind is None:
        return _Shown(value, of, (low, high), draw=drawing_normal(value, high - low))
    count = Count(hits, of)
    plain = drawing(count, kind)
    return _Shown(value, of, (low, high), count, lambda numbers: plain(numbers) * formula.per)


def _of_card(card: Document, postings: Sequence[Document]) -> _Shown:
    mine = [one for one in postings if (one["unit"], one["sheet"]) == (card["unit"], card["sheet"])]
    total = number_of(card["total"])
    return _Shown(total, draw=drawing_total(total, [number_of(one["points"]) for one in mine]))


def _draw(shown: _Shown, value: Fraction) -> Draw:
    """Return how a ranked unit is drawn; what was not counted, as after a nil return, stays what it is."""
    if shown.draw is not None and shown.value is not None:
        return shown.draw
    fixed = float(value)
    return lambda _: fixed


def _position(count: Count | None, common: Fraction | None, kind: Kind | None) -> Status:
    if count is None or common is None or kind is None:
        return "usual"
    (limits,) = funnel(common, [count.of], kind)
    value = float(count.value)
    if not limits.far_low <= value <= limits.far_high:
        return "exceptional"
    return "usual" if limits.low <= value <= limits.high else "unusual"


def _sizes(sizes: Sequence[Fraction]) -> Iterator[Fraction]:
    """Yield sizes from the smallest to the largest, each so many times the one before."""
    least, most = float(min(sizes)), float(max(sizes))
    for step in range(CURVE):
        yield Fraction(round(least * (most / least) ** (step / (CURVE - 1)), 6))
