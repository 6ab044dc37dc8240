"""What holds of every ranking that a rulebook has, whatever its units came to."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiandu.rulebook.coverage import GROUPS
from services.scoring.domain.rankings import MonthTotals, Ranked, Row, rankings
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Ranking
from tests.unit.rulebook.worked import FIELDS, edition_of

MONTHS = {"month": ("2026-07",), "quarter": ("2026-07", "2026-08", "2026-09")}
PERIODS = {"month": "2026-07", "quarter": "2026-Q3"}
THE_RANKINGS = [
    pytest.param(group, every, id=f"{group}: {every}")
    for group in (*GROUPS, *FIELDS)
    for every in MONTHS
    if any(one.every == every for one in edition_of(group).slices[-1][1].scoring.rankings.values())
]
UNITS = tuple(f"unit{number}" for number in range(7))
VALUES = st.integers(0, 8).map(lambda half: Fraction(half, 2))
"""Few of them, so that many are equal."""


def rules_of(group: str) -> Rules:
    return edition_of(group).slices[-1][1]


@st.composite
def months(draw: st.DrawFn, group: str, every: str) -> tuple[MonthTotals, ...]:
    """Units of every kind and peer group that is ranked, with values, gaps and nil returns."""
    rules = rules_of(group)
    rules_now = [one for one in rules.scoring.rankings.values() if one.every == every]
    all_kinds = sorted({kind for one in rules_now for kind in one.unit_kind} | {"not-ranked"})
    all_peers = sorted({peers for sheet in rules.scoring.sheets.values() for peers in sheet.peers} | {""})
    kinds = {unit: draw(st.sampled_from(all_kinds)) for unit in UNITS}
    peers = {unit: group for unit in UNITS if (group := draw(st.sampled_from(all_peers)))}
    return tuple(
        MonthTotals(
            month=month,
            hash="",
            values={
                one.by: {unit: draw(VALUES) for unit in sorted(draw(st.sets(st.sampled_from(UNITS))))}
                for one in rules_now
            },
            whole=frozenset(draw(st.sets(st.sampled_from(UNITS), min_size=4))),
            kinds=kinds,
            peers=peers,
            nil=frozenset(draw(st.sets(st.sampled_from(UNITS)))),
        )
        for month in MONTHS[every]
    )


def found(group: str, every: str, totals: tuple[MonthTotals, ...]) -> dict[str, Ranked]:
    return {one.ranking: one for one in rankings(totals, every, PERIODS[every], rules_of(group))}


def asked(rule: Ranking, rules: Rules, month: MonthTotals) -> set[str]:
    """Return whom the regulation ranks by a rule: units of its kinds and of the peer groups of its sheet."""
    sheet = rules.scoring.sheets.get(rule.by)
    return {
        unit
        for unit, kind in month.kinds.items()
        if kind in rule.unit_kind
        and (not sheet or not sheet.peers or month.peers.get(unit, "") in sheet.peers)
    }


@pytest.mark.parametrize(("group", "every"), THE_RANKINGS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_every_unit_is_ranked_once_or_left_out_with_a_reason(
    group: str, every: str, data: st.DataObject
) -> None:
    """INVARIANT: nobody whom the regulation ranks is missing, and nobody stands in a ranking twice.

    What breaks it: ranking only those that have a value, or by the peer group of another month.
    """
    totals = data.draw(months(group, every))
    by_rule: dict[str, list[str]] = {}
    for name, one in found(group, every, totals).items():
        units = [*(row.unit for row in one.rows), *(left.unit for left in one.left_out)]
        by_rule.setdefault(name.partition(".")[0], []).extend(units)

    rules = rules_of(group)

    assert {key: sorted(units) for key, units in by_rule.items() if units} == {
        key: sorted(asked(rule, rules, totals[-1]))
        for key, rule in rules.scoring.rankings.items()
        if rule.every == every and asked(rule, rules, totals[-1])
    }
    assert all(left.reason for one in found(group, every, totals).values() for left in one.left_out)


@pytest.mark.parametrize(("group", "every"), THE_RANKINGS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_equal_values_share_a_rank_and_the_next_is_skipped(
    group: str, every: str, data: st.DataObject
) -> None:
    totals = data.draw(months(group, every))

    ranked = found(group, every, totals)

    assert {name: [(row.rank, row.shared) for row in one.rows] for name, one in ranked.items()} == {
        name: [place(row, one, rules_of(group)) for row in one.rows] for name, one in ranked.items()
    }


def place(row: Row, ranked: Ranked, rules: Rules) -> tuple[int, bool]:
    """Return the rank of a row and whether it is shared, counted out."""
    rule = rules.scoring.rankings[ranked.ranking.partition(".")[0]]
    values = [one.value for one in ranked.rows]
    return 1 + sum(better(rule, value, row.value) for value in values), values.count(row.value) > 1


def better(rule: Ranking, one: Fraction, other: Fraction) -> bool:
    return one > other if rule.order == "high-first" else one < other


@pytest.mark.parametrize(("group", "every"), THE_RANKINGS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_renaming_units_renames_them_and_changes_nothing_else(
    group: str, every: str, data: st.DataObject
) -> None:
    """INVARIANT: no name decides a rank, a tie or who is left out.

    What breaks it: the order of names as a tie-break, or a choice of the best by its name.
    """
    totals = data.draw(months(group, every))
    names = dict(zip(UNITS, data.draw(st.permutations([f"renamed{unit}" for unit in UNITS])), strict=True))

    renamed = found(group, every, tuple(renaming(month, names) for month in totals))

    assert {name: stands(one) for name, one in renamed.items()} == {
        name: stands(one, names) for name, one in found(group, every, totals).items()
    }


def renaming(month: MonthTotals, names: Mapping[str, str]) -> MonthTotals:
    return replace(
        month,
        values={
            by: {names[unit]: value for unit, value in values.items()} for by, values in month.values.items()
        },
        whole=frozenset(names[unit] for unit in month.whole),
        kinds={names[unit]: kind for unit, kind in month.kinds.items()},
        peers={names[unit]: peers for unit, peers in month.peers.items()},
        nil=frozenset(names[unit] for unit in month.nil),
    )


def stands(one: Ranked, names: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return where each unit stands, under its new name."""
    rows = {row.unit: (row.rank, row.value, row.shared, row.months) for row in one.rows}
    left = {unit.unit: unit.reason for unit in one.left_out}
    return {(names or {}).get(unit, unit): where for unit, where in {**rows, **left}.items()}
