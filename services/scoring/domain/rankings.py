"""Rankings, awards, recommendations and personal results: what follows from the figures of units.

Ranks compare exact values; what is shown is rounded, and decides nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from services.scoring.domain.month import MonthContext, later
from shared.errors import InvalidInputError
from shared.events.facts import Fact
from shared.events.scoring import (
    AssessmentRecorded,
)
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Award, Ranking, Recommendation
from shared.rulebook.schema.scoring import PersonalResult
from shared.timekeeping.calendar import Month
from shared.values.bounds import number
from shared.values.canonical import LATER, brief, number_of

NOT_ESTABLISHED = "not-established"
"""The unit did not exist on every day of the period."""

NOT_RATED = "not-rated"
"""A value is missing, or too little was counted to rank by it."""

NIL_RETURN = "nil-return"
"""There was nothing to count, and the unit said so."""

OF_PEERS = "."
"""Stands between a ranking and the peer group that it is of."""

CENT = Decimal("0.01")

_PERIOD = re.compile(r"(?!0000)[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4])?")


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """What later periods need of a published month.

    Attributes:
        hash: Hash of the published result that it was taken from.
        values: Sheet or indicator → unit → exact value.
        whole: Units that existed on every day of the month.
        kinds: Unit → kind.
        peers: Unit → its peer group, where it has one.
        nil: Units that had nothing to report and said so.
    """

    month: str
    hash: str
    values: Mapping[str, Mapping[str, Fraction]]
    whole: frozenset[str]
    kinds: Mapping[str, str]
    peers: Mapping[str, str] = field(default_factory=dict)
    nil: frozenset[str] = frozenset()

    @classmethod
    def of_document(cls, document: Mapping[str, Any], hash_: str) -> "MonthTotals":
        """Read them from the plain form of a month's result."""
        values: dict[str, dict[str, Fraction]] = {}
        for card in document["scorecards"]:
            if not card.get("rated", True):
                continue
            values.setdefault(card["sheet"], {})[card["unit"]] = number_of(card["total"])
        for figure in document["indicators"]:
            if figure["rated"]:
                values.setdefault(figure["indicator"], {})[figure["unit"]] = number_of(figure["value"])
        units = document["units"]
        return cls(
            month=document["period"],
            hash=hash_,
            values=values,
            whole=frozenset(unit for unit, told in units.items() if told["whole_month"]),
            kinds={unit: told["kind"] for unit, told in units.items()},
            peers={unit: told["peers"] for unit, told in units.items() if told.get("peers")},
            nil=frozenset(unit for unit, told in units.items() if told.get("nil")),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One unit in a ranking.

    Attributes:
        value: Exact; ``shown`` to six places.
        months: What it is the mean of.
    """

    rank: int
    unit: str
    value: Fraction
    shown: str
    shared: bool
    months: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """A unit that is not ranked, and why."""

    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One ranking of a period."""

    ranking: str
    period: str
    clauses: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """A title and its money, a penalty, or a place on a list."""

    award: str
    unit: str
    amount: Decimal
    currency: str
    paid_by_zh: str
    paid_by_en: str
    clauses: tuple[str, ...]
    what: str = field(default="award", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Recommended:
    """What the rulebook asks for about a unit, and the months that gave cause."""

    recommendation: str
    unit: str
    clauses: tuple[str, ...]
    text_zh: str
    text_en: str
    months: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class PersonsResult:
    """A person's weighted result of a month; no value while a part is missing."""

    scheme: str
    person: str
    unit: str
    value: Fraction | None
    parts: Mapping[str, Decimal]
    missing: tuple[str, ...]
    clauses: tuple[str, ...]
    evidence: tuple[str, ...]


def rankings(months: Sequence[MonthTotals], every: str, period: str, rules: Rules) -> tuple[Ranked, ...]:
    """Return the rankings of a period that is made of these months, in order; by peers one for each group.

    A ranking of one peer group is called ``<ranking>.<group>``.
    """
    found = []
    for key, rule in sorted(rules.scoring.rankings.items()):
        if rule.every == every:
            for group, units in _groups(rule, months, rules).items():
                name = f"{key}{OF_PEERS}{group}" if rule.per_peers else key
                found.append(_ranked(name, rule, months, period, units))
    return tuple(found)


def _groups(rule: Ranking, months: Sequence[MonthTotals], rules: Rules) -> dict[str, list[str]]:
    """Return who is ranked together: all of the kinds, or each peer group for itself as it is in the last month.

    A sheet of some peer groups ranks only them.
    """
    kinds = {unit: kind for month in months for unit, kind in month.kinds.items()}
    peers = {unit: group for month in months for unit, group in month.peers.items()}
    sheet = rules.scoring.sheets.get(rule.by)
    groups: dict[str, list[str]] = {} if rule.per_peers else {"": []}
    for unit, kind in sorted(kinds.items()):
        mine = peers.get(unit, "")
        if kind in rule.unit_kind and (sheet is None or not sheet.peers or mine in sheet.peers):
            groups.setdefault(mine if rule.per_peers else "", []).append(unit)
    return dict(sorted(groups.items()))


def _ranked(
    key: str, rule: Ranking, months: Sequence[MonthTotals], period: str, units: Sequence[str]
) -> Ranked:
    weights = rule.weights or (1,) * len(months)
    rows: list[tuple[Fraction, str, tuple[Fraction, ...]]] = []
    left: list[Left] = []
    for unit in units:
        found = [_value(rule, month, unit, units) for month in months]
        values = tuple(value for value in found if value is not None)
        if rule.established == "whole-period" and not all(unit in month.whole for month in months):
            left.append(Left(unit, NOT_ESTABLISHED))
        elif len(values) < len(months):
            said = all(unit in month.nil for month, value in zip(months, found, strict=True) if value is None)
            left.append(Left(unit, NIL_RETURN if said else NOT_RATED))
        else:
            rows.append((_weighted_mean(values, weights), unit, values))
    return Ranked(key, period, rule.source, _in_ranks(rows, rule), tuple(left))


def _value(rule: Ranking, month: MonthTotals, unit: str, units: Sequence[str]) -> Fraction | None:
    """Return what a unit is ranked by; after a nil return, where the rulebook says so, the best of its group."""
    values = month.values.get(rule.by, {})
    if unit in values or rule.nil != "best" or unit not in month.nil:
        return values.get(unit)
    best = max if rule.order == "high-first" else min
    return best((values[one] for one in units if one in values), default=None)


def _weighted_mean(values: Sequence[Fraction], weights: Sequence[int]) -> Fraction:
    if len(weights) != len(values):
        raise ValueError(f"{len(weights)} weights for {len(values)} months; give one weight a month.")
    weighted = sum((value * weight for value, weight in zip(values, weights, strict=True)), Fraction(0))
    return weighted / sum(weights)


def _in_ranks(rows: Iterable[tuple[Fraction, str, tuple[Fraction, ...]]], rule: Ranking) -> tuple[Row, ...]:
    """Number the rows. Equal values share a rank, and the next rank is skipped."""
    sign = -1 if rule.order == "high-first" else 1
    ordered = sorted(rows, key=lambda row: (sign * row[0], row[1]))
    values = [value for value, _, _ in ordered]
    return tuple(
        Row(
            rank=values.index(value) + 1,
            unit=unit,
            value=value,
            shown=brief(value),
            shared=values.count(value) > 1,
            months=months if len(months) > 1 else (),
        )
        for value, unit, months in ordered
    )


def awards(ranked: Sequence[Ranked], rules: Rules) -> tuple[Granted, ...]:
    """Return the awards, penalties and lists of a period's rankings, of every peer group its own.

    Those who share a rank share what it brings; so all who share the last place that is asked for are in.
    """
    return tuple(
        _granted(key, rule, row, len(winners))
        for key, rule in sorted(rules.scoring.awards.items())
        for ranking in ranked
        if ranking.ranking.partition(OF_PEERS)[0] == rule.ranking
        for winners in [_chosen(rule, ranking.rows)]
        for row in winners
    )


def _chosen(rule: Award, rows: Sequence[Row]) -> list[Row]:
    if rule.first is not None:
        return [row for row in rows if row.rank <= rule.first]
    if rule.last is not None:
        edge = rows[-min(rule.last, len(rows))].rank if rows else 0
        return [row for row in rows if row.rank >= edge]
    if rule.at_least is not None:
        return [row for row in rows if row.value >= rule.at_least]
    if rule.below is not None:
        return [row for row in rows if row.value < rule.below]
    return [row for row in rows if row.rank == rule.rank]


def _granted(key: str, rule: Award, row: Row, winners: int) -> Granted:
    amount = Decimal(rule.amount)
    if rule.ties == "split":
        # Rounded down: together the winners never get more than the award.
        cents = int(Fraction(rule.amount) / winners / Fraction(CENT))
        amount = (Decimal(cents) * CENT).quantize(CENT, ROUND_DOWN)
    payer_zh, payer_en = (rule.paid_by.zh, rule.paid_by.en) if rule.paid_by else ("", "")
    return Granted(key, row.unit, amount, rule.currency, payer_zh, payer_en, rule.source, rule.what)


def recommendations(
    this: MonthTotals, previous: Mapping[str, MonthTotals], context: MonthContext
) -> tuple[Recommended, ...]:
    """Return what a month gives cause to recommend.

    Every month that completes a run raises one. A run is made of published months in which the unit existed
    throughout; a month that is not among ``previous`` breaks it.
    """
    known = {**previous, this.month: this}
    found = []
    for key, rule in sorted(context.rules.scoring.recommendations.items()):
        months = [str(later(context.month, -back)) for back in range(rule.months_running - 1, -1, -1)]
        run = [known[month] for month in months if month in known]
        if len(run) == rule.months_running:
            found.extend(_completed(key, rule, run))
    return tuple(found)


def _completed(key: str, rule: Recommendation, run: Sequence[MonthTotals]) -> list[Recommended]:
    found = []
    for unit in sorted(run[-1].values.get(rule.sheet, {})):
        totals = {
            month.month: month.values[rule.sheet][unit]
            for month in run
            if unit in month.whole and unit in month.values.get(rule.sheet, {})
        }
        if len(totals) == len(run) and all(total < rule.below for total in totals.values()):
            found.append(Recommended(key, unit, rule.source, rule.text.zh, rule.text.en, totals))
    return found


def personal_results(facts: Iterable[Fact], context: MonthContext) -> tuple[PersonsResult, ...]:
    """Return the weighted results of persons for the month, by scheme, unit and person.

    Of several assessments of a part the last one counts. It may be made after the month, as long as it was
    made by ``as_of``.
    """
    last: dict[tuple[str, str, str], dict[str, Fact]] = {}
    for fact in facts:
        if fact.type != AssessmentRecorded.TYPE or fact.time >= context.as_of:
            continue
        told = AssessmentRecorded.view(fact.data)
        if told.month == str(context.month):
            last.setdefault((told.scheme, told.unit, told.person), {})[told.part] = fact
    schemes = context.rules.scoring.personal_results
    return tuple(
        _personal(who, schemes[who[0]], parts) for who, parts in sorted(last.items()) if who[0] in schemes
    )


def _personal(
    who: tuple[str, str, str], scheme: PersonalResult, assessed: Mapping[str, Fact]
) -> PersonsResult:
    key, unit, person = who
    parts = {
        part: number(AssessmentRecorded.view(assessed[part].data).score)
        for part in sorted(scheme.parts)
        if part in assessed
    }
    missing = tuple(part for part in sorted(scheme.parts) if part not in assessed)
    weighted = (Fraction(score) * scheme.parts[part] / 100 for part, score in parts.items())
    return PersonsResult(
        scheme=key,
        person=person,
        unit=unit,
        value=None if missing else sum(weighted, Fraction(0)),
        parts=parts,
        missing=missing,
        clauses=scheme.source,
        evidence=tuple(assessed[part].id for part in parts),
    )


def months_of(period: str) -> tuple[Month, ...]:
    """Return the months of a period: a month (``2026-07``), quarter (``2026-Q3``) or year (``2026``).

    Raises:
        InvalidInputError: It is written otherwise.

    Example:
        >>> [str(month) for month in months_of("2026-Q3")]
        ['2026-07', '2026-08', '2026-09']
    """
    if not _PERIOD.fullmatch(period):
        msg = f"'{period}' is no period. Write 2026-07, 2026-Q3 or 2026."
        raise InvalidInputError(msg)
    year, _, part = period.partition("-")
    if part.startswith("Q"):
        return tuple(Month(int(year), 3 * int(part[1:]) - 2 + number) for number in range(3))
    return (
        (Month(int(year), int(part)),)
        if part
        else tuple(Month(int(year), 1 + number) for number in range(12))
    )
