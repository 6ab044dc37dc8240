"""The worked examples of points, scorecards, ranks, duties and indicators, against the real rulebooks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from jiandu.rulebook.coverage import GROUPS
from services.scoring.domain.facts import in_order
from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, UnitRecord, instances, publishing, status
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import (
    MonthTotals,
    Ranked,
    awards,
    months_of,
    personal_results,
    rankings,
    recommendations,
)
from shared.events.facts import Fact
from shared.timekeeping.calendar import Month
from shared.values.canonical import text_of
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition
from tests.unit.rulebook.worked import FIELDS, Case, edition_of, examples, params, told_of

BRANCH = "chongqing-branch"
MUCH_LATER = at("2026-12-31 00:00")


def cases(group: str, topic: str) -> list[Any]:
    """Return the examples of one file as test parameters, each named by its claim."""
    return [pytest.param(case, id=case["name"]) for case in examples(group, topic)]


def tell(told: Told, facts: Iterable[Mapping[str, Any]], unit: str = "") -> Told:
    """Tell facts written as ``{verb: {field: value}}``."""
    for fact in facts:
        for verb, fields in fact.items():
            getattr(told, verb)(**({"unit": unit} if unit else {}), **fields)
    return told


def a_month(case: Case, months: Iterable[str]) -> list[Fact]:
    """Return the facts of 重庆分部 in months that are clean but for what the example says."""
    told = Told().organisation("chongqing", "wuxi")
    named = {
        fields["obligation"] for fact in case["given"] for fields in fact.values() if "obligation" in fields
    }
    for month in months:
        told.clean_month("chongqing", month, {*case.get("without", ()), *named})
    return tell(told, case["given"]).facts


def the_result(facts: Iterable[Fact], month: str, group: str = "jinke") -> MonthResult:
    result = fold(facts, an_edition(group), month, MUCH_LATER)
    assert isinstance(result, MonthResult)
    return result


@pytest.mark.parametrize("case", cases("jinke", "points"))
def test_a_month_posts_what_the_worked_example_says(case: Case) -> None:
    facts = a_month(case, case["expect"])

    posted = {
        month: sorted(
            [posting.rule, text_of(posting.points)]
            for posting in the_result(facts, month).postings
            if posting.unit == BRANCH
        )
        for month in case["expect"]
    }

    assert posted == {
        month: sorted([rule, str(points)] for rule, points in expected)
        for month, expected in case["expect"].items()
    }


@pytest.mark.parametrize("case", cases("jinke", "scorecards"))
def test_a_scorecard_adds_up_as_the_worked_example_says(case: Case) -> None:
    result = the_result(a_month(case, ["2026-07"]), "2026-07")

    assert the_card(result, case["expect"]) == {
        part: _texts(told) if isinstance(told, dict) else str(told) for part, told in case["expect"].items()
    }


def the_card(result: MonthResult, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the example asks of the branch's card; of penalties always all of them."""
    card = next(card for card in result.scorecards if card.unit == BRANCH)
    sheet = next(sheet for sheet in result.penalties if sheet.unit == BRANCH)
    notes = {item.key: item.note for section in card.sections for item in section.parts}
    rows = {f"{row.department}/{row.person}": text_of(row.points) for row in sheet.rows}
    shown = {
        "total": text_of(card.total),
        "items": {key: text_of(card.items[key]) for key in asked.get("items", {})},
        "notes": {key: notes[key] for key in asked.get("notes", {})},
        "penalties": {"total": text_of(sheet.total), **rows},
    }
    return {part: shown[part] for part in asked}


@pytest.mark.parametrize("case", cases("jinke", "rankings"))
def test_ranks_titles_advice_and_results_are_those_of_the_worked_example(case: Case) -> None:
    assert {key: follows(case["given"], key) for key in case["expect"]} == case["expect"]


def follows(given: Mapping[str, Any], what: str) -> object:
    """Return one consequence of published totals or of assessments."""
    rules = an_edition().slices[-1][1]
    months = [_totals(month, units) for month, units in sorted(given.get("totals", {}).items())]
    ranked = {
        "month": rankings(months[-1:], "month", "2026-07", rules),
        "quarter": rankings(months, "quarter", "2026-Q3", rules) if len(months) == 3 else (),
    }
    newest = ranked["quarter"] or ranked["month"]
    found: dict[str, Callable[[], object]] = {
        "monthly": lambda: _rows(ranked["month"]),
        "quarterly": lambda: _rows(ranked["quarter"]),
        "left_out": lambda: [[left.unit, left.reason] for left in newest[0].left_out],
        "shown": lambda: {row.unit: row.shown for row in newest[0].rows},
        "stars": lambda: {granted.unit: int(granted.amount) for granted in awards(newest, rules)},
        "advice": lambda: _advice(months),
        "personal": lambda: _personal(given["assessed"]),
    }
    return found[what]()


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items()}


def _rows(ranked: Sequence[Ranked]) -> list[list[Any]]:
    return [[row.rank, row.unit] for row in ranked[0].rows]


def _totals(month: str, units: Mapping[str, Any]) -> MonthTotals:
    return MonthTotals(
        month=month,
        hash="",
        values={
            "branch-scorecard": {unit.rstrip("*"): Fraction(str(total)) for unit, total in units.items()}
        },
        whole=frozenset(unit for unit in units if not unit.endswith("*")),
        kinds={unit.rstrip("*"): "branch" for unit in units},
    )


def _context(month: str, group: str = "jinke", facts: Iterable[Fact] = ()) -> MonthContext:
    return MonthContext.of(an_edition(group), Organisation.of(facts), months_of(month)[0], MUCH_LATER)


def _advice(months: Sequence[MonthTotals]) -> list[str]:
    previous = {month.month: month for month in months[:-1]}
    return [advice.unit for advice in recommendations(months[-1], previous, _context(months[-1].month))]


def _personal(assessed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    facts = tell(Told(), [{"assessed": fields} for fields in assessed]).facts
    return {
        result.person: f"missing {', '.join(result.missing)}"
        if result.value is None
        else text_of(result.value)
        for result in personal_results(in_order(facts), _context("2026-07"))
    }


@pytest.mark.parametrize(("group", "case"), params((*GROUPS, *FIELDS), "duties"))
def test_a_duty_is_due_and_stands_as_the_worked_example_says(group: str, case: Case) -> None:
    given, expected = case["given"], case["expect"]
    told = ORGANISATIONS[group]() if group in ORGANISATIONS else told_of(group)
    facts = in_order(tell(told, given.get("facts", ())).facts)
    due = published_due(given["published"]) if "published" in given else _due(owed(group, given, facts))

    assert due.items() >= {period: at(moment) for period, moment in expected.get("due", {}).items()}.items()
    assert len(due) == len(expected.get("due", due))
    assert {moment: standing(group, given, facts, at(moment)) for moment in expected.get("status", {})} == (
        expected.get("status", {})
    )


def owed(group: str, given: Mapping[str, Any], facts: Sequence[Fact]) -> list[Duty]:
    """Return the duties that the example is about."""
    year, month = map(int, given["month"].split("-"))
    return [
        duty
        for duty in instances(edition_of(group), Organisation.of(facts), Month(year, month))
        if (duty.obligation, duty.unit) == (given["obligation"], given["unit"])
        and duty.about == given.get("about", duty.unit)
        and duty.period == given.get("period", duty.period)
    ]


def standing(group: str, given: Mapping[str, Any], facts: Sequence[Fact], now: datetime) -> str:
    (duty,) = owed(group, given, facts)
    ledger = UnitRecord(tuple(facts), Organisation.of(facts), edition_of(group).calendar)
    return str(status(ledger, duty, now))


def published_due(period: str) -> dict[str, datetime]:
    return {one.period: one.due_before for one in publishing(an_edition(), months_of(period)[0])}


def _due(duties: Iterable[Duty]) -> dict[str, datetime]:
    return {duty.period: duty.due_before for duty in duties}


def a_service_organisation() -> Told:
    told = Told()
    told.established("hq", "headquarters")
    told.established("quality", "quality", "hq")
    told.established("north", "service-unit", "hq", "north")
    told.established("north-service", "customer-service", "north", "north")
    return told


ORGANISATIONS: Mapping[str, Callable[[], Told]] = {
    "jinke": lambda: Told().organisation(),
    "general": a_service_organisation,
}
"""Where an example's units are made up for it; else they are those that the group is seeded with."""


@pytest.mark.parametrize("case", cases("general", "indicators"))
def test_an_indicator_counts_as_the_worked_example_says(case: Case) -> None:
    told = a_service_organisation()
    for number, fact in case["given"]:
        for copy in range(number):
            ((verb, fields),) = fact.items()
            tell(told, [{verb: {**fields, "case": f"{fields['case']}{copy}"}}], "north-service")
    found = {
        figure.indicator: figure
        for figure in the_result(told.facts, "2026-07", "general").indicators
        if figure.unit == "north"
    }

    assert {key: _shown(found[key], expected) for key, expected in case["expect"].items()} == case["expect"]


def _shown(figure: Any, expected: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401  # a Figure
    shown = {
        "hits": figure.hits,
        "of": figure.of,
        "value": None if figure.value is None else text_of(figure.value),
        "breach": figure.breach,
        "with_problem_users": f"{figure.hits_with_excluded}/{figure.of_with_excluded}",
    }
    return {key: shown[key] for key in expected}
