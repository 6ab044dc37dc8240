"""The worked examples of what months come to: points, cards, indicators, ranks, lists. One shape for all groups.

The units are those that the group is seeded with. In ``months`` (July 2026 unless it says otherwise) every duty is
done in time, but for those in ``without`` and those that ``given`` tells of.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from jiandu.rulebook.coverage import GROUPS
from services.scoring.domain.fold import MonthResult, SpanResult, fold, fold_span
from services.scoring.domain.indicators import Figure
from services.scoring.domain.obligations import instances
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import MonthTotals, Ranked, months_of
from shared.events.facts import Fact
from shared.values.canonical import text_of
from tests.builders_facts import Told, at
from tests.unit.rulebook.worked import (
    FIELDS,
    Case,
    edition_of,
    organisation_of,
    params,
    told_of,
)

THE_GROUPS = (*(group for group in GROUPS if group not in ("general", "jinke")), *FIELDS)
JULY = ("2026-07",)
MUCH_LATER = at("2027-02-01 00:00")
TOPICS = ("points", "scorecards", "indicators", "rankings")


def do_the_duties(told: Told, group: str, month: str, without: set[str]) -> None:
    """Tell that every duty of a month was done an hour before it was due."""
    edition = edition_of(group)
    for duty in instances(edition, Organisation.of(told.facts), months_of(month)[0]):
        if duty.obligation in without:
            continue
        time = duty.due_before - timedelta(hours=1)
        for _ in range(duty.rule.times):
            told.does(duty, time)


def facts_of(group: str, case: Case) -> list[Fact]:
    """Return everything that an example tells."""
    told = told_of(group)
    given = [one if isinstance(one, list) else [1, one] for one in case["given"]]
    named = {fields["obligation"] for _, fact in given for fields in fact.values() if "obligation" in fields}
    for month in case.get("months", JULY):
        do_the_duties(told, group, month, {*case.get("without", ()), *named})
    for number, fact in given:
        for copy in range(number):
            tell(told, group, fact, case.get("unit", ""), "" if number == 1 else str(copy))
    return told.facts


def tell(told: Told, group: str, fact: Mapping[str, Any], unit: str, copy: str) -> None:
    for verb, fields in fact.items():
        more = {"unit": unit, **fields}
        if copy:
            more["case"] += copy
        if verb == "fulfilled" and "sections" not in more:
            obligations = edition_of(group).slices[-1][1].obligations.obligations
            more["sections"] = tuple(obligations[fields["obligation"]].sections)
        getattr(told, verb)(**more)


def the_result(facts: Iterable[Fact], group: str, month: str) -> MonthResult:
    result = fold(facts, edition_of(group), month, MUCH_LATER)
    assert isinstance(result, MonthResult)
    return result


@pytest.mark.parametrize(
    ("group", "case"), [param for topic in TOPICS for param in params(THE_GROUPS, topic)]
)
def test_a_month_comes_to_what_the_worked_example_says(group: str, case: Case) -> None:
    facts, expected = facts_of(group, case), case["expect"]
    results = {
        month: the_result(facts, group, month)
        for month in {*expected.get("postings", ()), *case.get("months", JULY)}
    }
    last = results[max(case.get("months", JULY))]
    shown: Mapping[str, Callable[[Any], object]] = {
        "postings": lambda asked: {month: postings(results[month], case["unit"]) for month in asked},
        "total": lambda _: text_of(the_card(last, case).total),
        "items": lambda asked: {key: text_of(the_card(last, case).items[key]) for key in asked},
        "penalties": lambda _: penalties(last, case["unit"]),
        "figures": lambda asked: figures(last, case["unit"], asked),
        "ranks": lambda asked: {key: ranks(last.rankings, key) for key in asked},
        "left_out": lambda asked: {key: left_out(last.rankings, key) for key in asked},
        "lists": lambda asked: {key: granted(last, key) for key in asked},
    }

    assert {part: shown[part](asked) for part, asked in expected.items()} == plainly(expected)


def plainly(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return an example's expectation as it is compared: numbers as text, postings in order."""
    found = dict(expected)
    if "postings" in found:
        found["postings"] = {
            month: sorted([rule, str(points)] for rule, points in rows)
            for month, rows in found["postings"].items()
        }
    for part in ("items", "penalties"):
        if part in found:
            found[part] = {key: str(value) for key, value in found[part].items()}
    if "total" in found:
        found["total"] = str(found["total"])
    return found


def postings(result: MonthResult, unit: str) -> list[list[str]]:
    return sorted([one.rule, text_of(one.points)] for one in result.postings if one.unit == unit)


def the_card(result: MonthResult, case: Case) -> Any:  # noqa: ANN401  # a Scorecard
    """Return the one card of the example's unit."""
    (card,) = (card for card in result.scorecards if card.unit == case["unit"])
    return card


def penalties(result: MonthResult, unit: str) -> dict[str, str]:
    """Return what each person of a unit lost, and in all."""
    (sheet,) = (one for one in result.penalties if one.unit == unit)
    rows = {row.person: text_of(row.points) for row in sheet.rows}
    return {"total": text_of(sheet.total), **rows}


def figures(result: MonthResult, unit: str, asked: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = {one.indicator: one for one in result.indicators if one.unit == unit}
    return {key: {part: SHOWN[part](found[key]) for part in parts} for key, parts in asked.items()}


SHOWN: Mapping[str, Callable[[Figure], object]] = {
    "hits": lambda figure: int(figure.hits),
    "of": lambda figure: int(figure.of),
    "value": lambda figure: None if figure.value is None else text_of(figure.value),
    "rated": lambda figure: figure.rated,
    "breach": lambda figure: figure.breach,
    "interval": lambda figure: [round(float(one), 3) for one in figure.interval or ()],
    "with_problem_users": lambda figure: f"{int(figure.hits_with_excluded)}/{int(figure.of_with_excluded)}",
}
"""What an example may ask of an indicator."""


def ranks(found: Iterable[Ranked], key: str) -> list[list[Any]]:
    (one,) = (one for one in found if one.ranking == key)
    return [[row.rank, row.unit] for row in one.rows]


def left_out(found: Iterable[Ranked], key: str) -> list[list[str]]:
    (one,) = (one for one in found if one.ranking == key)
    return [[left.unit, left.reason] for left in one.left_out]


def granted(result: MonthResult | SpanResult, key: str) -> list[str]:
    return [one.unit for one in result.awards if one.award == key]


@pytest.mark.parametrize(("group", "case"), params(THE_GROUPS, "spans"))
def test_a_quarter_or_year_comes_to_what_the_worked_example_says(group: str, case: Case) -> None:
    given, expected = case["given"], case["expect"]
    months = [totals(group, str(month), values) for month, values in given["totals"].items()]

    result = fold_span(months, edition_of(group), str(given["period"]), MUCH_LATER)

    found: dict[str, object] = {
        "ranks": {key: ranks(result.rankings, key) for key in expected.get("ranks", ())},
        "left_out": {key: left_out(result.rankings, key) for key in expected.get("left_out", ())},
        "shown": {
            key: {row.unit: row.shown for one in result.rankings if one.ranking == key for row in one.rows}
            for key in expected.get("shown", ())
        },
        "lists": {key: granted(result, key) for key in expected.get("lists", ())},
    }
    assert {part: found[part] for part in expected} == expected


def totals(group: str, month: str, values: Mapping[str, Mapping[str, Any]]) -> MonthTotals:
    """Return a published month: by sheet or indicator, the value of each unit."""
    units = organisation_of(group).units
    read = {key: {unit: Fraction(str(one)) for unit, one in of.items()} for key, of in values.items()}
    return MonthTotals(
        month=month,
        hash="",
        values=read,
        whole=frozenset(unit for of in read.values() for unit in of),
        kinds={key: unit.kind for key, unit in units.items()},
        peers={key: unit.peers for key, unit in units.items() if unit.peers},
    )
