"""Sheets by indicators, bounds of sections, peer groups, red and black lists, nil returns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.rankings import NIL_RETURN, NOT_RATED, MonthTotals, awards, rankings
from services.scoring.domain.scorecards import Scorecard
from shared.events.facts import Fact
from shared.events.registry import UnitEstablished
from shared.events.scoring import DutyFulfilled
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Award, Ranking
from shared.rulebook.schema.scoring import Indicator, Offence, Sheet
from shared.values.canonical import plain
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, an_edition_with, with_scoring

RULES = an_edition().slices[-1][1]
BRANCH = "chongqing-branch"
NAMED = {"from": "2005-05-28", "source": "JK-01", "title": {"zh": "考核", "en": "assessment"}}
TITLE = NAMED["title"]
Written = Mapping[str, Any]


def item(weight: int, how: Written) -> dict[str, Any]:
    return {"title": TITLE, "weight": weight, "how": how, "source": "JK-01"}


def sheet(items: Mapping[str, Written], bounds: Written | None = None, **more: Any) -> Sheet:  # noqa: ANN401  # YAML
    weight = sum(one["weight"] for one in items.values())
    section = {"title": TITLE, "weight": weight, "items": items, **(bounds or {})}
    return Sheet.model_validate(
        {
            **NAMED,
            "unit_kind": "branch",
            "kind": "scorecard",
            "full_marks": weight,
            "sections": {"rates": section},
            **more,
        }
    )


def with_sheet(one: Sheet, **offences: Offence) -> Edition:
    def change(rules: Rules) -> Rules:
        solved = Indicator.model_validate(
            {**NAMED, "numerator": {"count": "answers", "is": "solved"}, "denominator": {"count": "answers"}}
        )
        satisfied = Indicator.model_validate({**NAMED, "measure": "satisfaction"})
        return with_scoring(
            rules,
            sheets={"rates": one},
            indicators={"solved": solved, "satisfied": satisfied},
            offences=offences,
        )

    return an_edition_with(change)


def result_of(facts: Sequence[Fact], edition: Edition) -> MonthResult:
    result = fold(facts, edition, "2026-07", at("2026-08-10 00:00"))
    assert isinstance(result, MonthResult)
    return result


def card(facts: Sequence[Fact], one: Sheet) -> Scorecard:
    return next(
        found
        for found in result_of(facts, with_sheet(one)).scorecards
        if (found.sheet, found.unit) == ("rates", BRANCH)
    )


def seven_answers() -> list[Fact]:
    """Six of seven satisfied, four of seven solved."""
    told = Told().organisation("chongqing")
    for number in range(7):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", 5 if number else 1, solved=number < 4)
    return told.facts


BY_SATISFIED = {"method": "indicator", "indicator": "satisfied"}
BY_SOLVED = {"method": "indicator", "indicator": "solved"}


def test_an_item_by_indicator_is_its_share_of_full_marks_rounded_once() -> None:
    """60 × 6/7 = 51.43 → 51.4; 40 × 4/7 = 22.86 → 22.9; total 74.3."""
    found = card(seven_answers(), sheet({"satisfied": item(60, BY_SATISFIED), "solved": item(40, BY_SOLVED)}))

    assert found.items == {"satisfied": Decimal("51.4"), "solved": Decimal("22.9")}
    assert found.total == Decimal("74.3")
    (part,) = found.sections[0].parts[0].parts
    assert (part.key, part.note) == ("satisfied", "6/7")


@pytest.mark.parametrize(("edge", "marks"), [("0.857", 5), ("0.858", 3)])
def test_an_item_by_bands_has_the_marks_of_the_highest_band_reached(edge: str, marks: int) -> None:
    """6/7 = 0.857142…"""
    bands = [{"at_least": 0, "marks": 0}, {"at_least": edge, "marks": 5}, {"at_least": 0.8, "marks": 3}]

    assert (
        card(seven_answers(), sheet({"satisfied": item(5, {**BY_SATISFIED, "bands": bands})})).total == marks
    )


def test_below_every_band_there_are_no_marks() -> None:
    bands = [{"at_least": 0.9, "marks": 5}]

    assert card(seven_answers(), sheet({"satisfied": item(5, {**BY_SATISFIED, "bands": bands})})).total == 0


def test_what_is_left_out_lets_the_others_weigh_more() -> None:
    """No answers: only the 30 by deduction are left; 30 × 100 ÷ 30 = 100. With nothing left there is no score."""
    facts = Told().organisation("chongqing").facts
    left_out = item(70, {**BY_SATISFIED, "none": "left-out"})

    found = card(facts, sheet({"satisfied": left_out, "discipline": item(30, {"method": "deduct"})}))
    empty = card(facts, sheet({"satisfied": left_out}))

    assert (found.total, found.rated) == (Decimal(100), True)
    assert found.sections[0].parts[0].note == "left-out"
    assert (empty.rated, plain(empty)["rated"]) == (False, False)


def test_without_anything_counted_an_item_is_full_where_the_rulebook_does_not_leave_it_out() -> None:
    found = card(Told().organisation("chongqing").facts, sheet({"satisfied": item(70, BY_SATISFIED)}))

    assert (found.total, found.sections[0].parts[0].note) == (Decimal(70), "nothing-counted")
    assert "rated" not in plain(found)


def test_a_total_that_no_decimal_ends_is_rounded_to_six_places() -> None:
    """Of 20 + 50 + 30 the 30 are left out; 20 × 4/7 = 11.4 and 50 full: 61.4 × 100 ÷ 70 = 87.714286."""
    told = Told().organisation("chongqing")
    for number in range(7):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", 5, solved=number < 4)
    facts = told.facts
    rates = {
        "solved": item(20, BY_SOLVED),
        "rest": item(50, {"method": "deduct"}),
        "none": item(30, {"method": "indicator", "indicator": "nothing", "none": "left-out"}),
    }

    assert card(facts, sheet(rates)).total == Decimal("87.714286")


@pytest.mark.parametrize(("bounds", "total"), [({}, "51.4"), ({"floor": 55}, "55"), ({"cap": 50}, "50")])
def test_a_section_has_bounds_of_its_own(bounds: dict[str, int], total: str) -> None:
    assert card(seven_answers(), sheet({"satisfied": item(60, BY_SATISFIED)}, bounds)).total == Decimal(total)


def told_of_peers(groups: Mapping[str, str]) -> Told:
    told = Told()
    told.established("group", "group-centre")
    for unit, peers in groups.items():
        event = UnitEstablished.model_validate(
            {
                "unit": unit, "kind": "branch", "parent": "group", "site": unit, "name_zh": unit, "name_en": unit,
                "established_on": "2020-01-01", "peers": peers,
            }
        )  # fmt: skip
        told.tell("registry", f"unit/{unit}", unit, "2020-01-01 00:00", event)
    return told


def test_a_sheet_is_only_for_its_peers_and_charges_nobody_else() -> None:
    told = told_of_peers({"east": "urban", "west": "rural"})
    for unit in ("east", "west"):
        told.missed(f"case-{unit}", "2026-07-03 00:00", unit=unit)
    late = Offence.model_validate(
        {
            **NAMED,
            "sheet": "rates",
            "item": "rest",
            "points": -3,
            "trigger": {"on": "missed-deadline", "clocks": "facts"},
        }
    )

    result = result_of(
        told.facts, with_sheet(sheet({"rest": item(60, {"method": "deduct"})}, peers="urban"), late=late)
    )

    assert [(one.unit, one.total) for one in result.scorecards if one.sheet == "rates"] == [
        ("east", Decimal(57))
    ]
    assert [one.unit for one in (*result.postings, *result.uncharged) if one.rule == "late"] == ["east"]
    assert {unit: told.peers for unit, told in result.units.items()} == {
        "east": "urban",
        "group": "",
        "west": "rural",
    }


def totals(
    values: Mapping[str, int], peers: Mapping[str, str] | None = None, nil: Sequence[str] = ()
) -> MonthTotals:
    units = {*values, *nil, *(peers or {})}
    return MonthTotals(
        month="2026-07",
        hash="",
        values={"solved": {unit: Fraction(value) for unit, value in values.items()}},
        whole=frozenset(units),
        kinds=dict.fromkeys(units, "branch"),
        peers=peers or {},
        nil=frozenset(nil),
    )


def ruled(rule: Written, **lists: Written) -> Rules:
    written = {**NAMED, "by": "solved", "every": "month", "unit_kind": "branch"}
    return with_scoring(
        RULES,
        rankings={"by-solved": Ranking.model_validate({**written, **rule})},
        awards={
            key: Award.model_validate({**NAMED, "ranking": "by-solved", **one}) for key, one in lists.items()
        },
    )


def ranked(month: MonthTotals, rules: Rules) -> dict[str, list[tuple[int, str]]]:
    return {
        one.ranking: [(row.rank, row.unit) for row in one.rows]
        for one in rankings([month], "month", "2026-07", rules)
        if one.ranking.startswith("by-solved")
    }


def test_each_peer_group_is_ranked_for_itself() -> None:
    month = totals(
        {"a": 90, "b": 80, "c": 70, "d": 60}, {"a": "urban", "b": "rural", "c": "urban", "d": "rural"}
    )

    assert ranked(month, ruled({"per_peers": True})) == {
        "by-solved.rural": [(1, "b"), (2, "d")],
        "by-solved.urban": [(1, "a"), (2, "c")],
    }
    assert [unit for _, unit in ranked(month, ruled({}))["by-solved"]] == ["a", "b", "c", "d"]


def test_after_a_nil_return_a_unit_is_named_or_shares_the_best_place() -> None:
    month = totals({"a": 90, "b": 80}, {"c": ""}, nil=["n"])

    (named,) = [one for one in rankings([month], "month", "p", ruled({})) if one.ranking == "by-solved"]

    assert {left.unit: left.reason for left in named.left_out} == {"c": NOT_RATED, "n": NIL_RETURN}
    assert ranked(month, ruled({"nil": "best"}))["by-solved"] == [(1, "a"), (1, "n"), (3, "b")]
    assert ranked(month, ruled({"nil": "best", "order": "low-first"}))["by-solved"] == [
        (1, "b"),
        (1, "n"),
        (3, "a"),
    ]


def test_a_unit_that_had_something_to_count_is_ranked_by_it_whatever_it_returned() -> None:
    month = replace(totals({"a": 90, "b": 80}), nil=frozenset({"b"}))

    assert ranked(month, ruled({"nil": "best"}))["by-solved"] == [(1, "a"), (2, "b")]


def test_a_nil_return_of_the_month_is_known_from_the_report_that_says_so() -> None:
    def nil(rules: Rules) -> Rules:
        duty = rules.obligations.obligations["analysis-report"].model_copy(update={"nil": True})
        kept = rules.obligations.model_copy(update={"obligations": {"analysis-report": duty}})
        return rules.model_copy(update={"obligations": kept})

    told = Told().organisation("chongqing", "wuxi")
    for branch, is_nil in ((BRANCH, True), ("wuxi-branch", False)):
        event = DutyFulfilled(
            obligation="analysis-report", unit=branch, period="2026-07", by="head", nil=is_nil
        )
        told.tell("scoring", f"duty/{branch}", branch, "2026-08-02 10:00", event)

    units = result_of(told.facts, an_edition_with(nil)).units

    assert sorted(unit for unit, one in units.items() if one.nil) == [BRANCH]
    assert "nil" not in plain(units["wuxi-branch"])


@pytest.mark.parametrize(
    ("rule", "on_it"),
    [
        ({"rank": 2}, "bc"),
        ({"first": 2}, "abc"),
        ({"first": 1}, "a"),
        ({"last": 1}, "e"),
        ({"last": 2}, "de"),
        ({"last": 4}, "bcde"),
        ({"last": 9}, "abcde"),
        ({"at_least": 80}, "abc"),
        ({"below": 70}, "e"),
    ],
)
def test_who_shares_the_edge_of_a_list_is_on_it(rule: dict[str, int], on_it: str) -> None:
    """a 90, b and c 80, d 70, e 60."""
    rules = ruled({}, listed={"what": "black-list", **rule})
    found = rankings([totals({"a": 90, "b": 80, "c": 80, "d": 70, "e": 60})], "month", "2026-07", rules)

    listed = [one for one in awards(found, rules) if one.award == "listed"]

    assert "".join(one.unit for one in listed) == on_it
    assert {one.what for one in listed} == {"black-list"}


def test_a_list_of_a_ranking_by_peers_is_drawn_up_for_each_group() -> None:
    rules = ruled({"per_peers": True}, red={"what": "red-list", "first": 1})
    month = totals(
        {"a": 90, "b": 80, "c": 70, "d": 60}, {"a": "urban", "b": "rural", "c": "urban", "d": "rural"}
    )

    granted = awards(rankings([month], "month", "2026-07", rules), rules)

    assert [one.unit for one in granted if one.award == "red"] == ["b", "a"]


def test_of_an_empty_ranking_nobody_is_on_a_list() -> None:
    rules = ruled({}, black={"what": "black-list", "last": 3})

    assert awards(rankings([totals({})], "month", "2026-07", rules), rules) == ()
