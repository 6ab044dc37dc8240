"""Rankings, awards, advice and results: complete, shared, stable, and never decided by rounding."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import in_order
from services.scoring.domain.month import MonthContext
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import (
    NOT_RATED,
    MonthTotals,
    Ranked,
    Row,
    awards,
    months_of,
    personal_results,
    rankings,
    recommendations,
)
from shared.rulebook.schema import Rules
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, with_scoring

SHEET = "branch-scorecard"
RULES = an_edition().slices[-1][1]

TOTALS = st.dictionaries(
    st.sampled_from([f"unit{number}" for number in range(12)]),
    st.decimals(0, 100, places=1),
    min_size=1,
)


def totals(units: Mapping[str, Decimal | str | int], month: str = "2026-07", by: str = SHEET) -> MonthTotals:
    return MonthTotals(
        month=month,
        hash="",
        values={by: {unit: Fraction(str(total)) for unit, total in units.items()}},
        whole=frozenset(units),
        kinds=dict.fromkeys(units, "branch"),
    )


def ranked(*months: MonthTotals, every: str = "month", rules: Rules = RULES) -> Ranked:
    (found,) = rankings(months, every, "p", rules)
    return found


def ranks(found: Ranked) -> dict[str, int]:
    return {row.unit: row.rank for row in found.rows}


def with_ranking(**changes: object) -> Rules:
    monthly = RULES.scoring.rankings["monthly"].model_copy(update=changes)
    return with_scoring(RULES, rankings={"monthly": monthly})


@settings(deadline=None)
@given(TOTALS)
def test_a_rank_is_one_more_than_the_number_of_units_that_did_better(units: dict[str, Decimal]) -> None:
    """INVARIANT: every unit is ranked, equal totals share a rank, and the next rank is skipped.

    What breaks it: numbering rows one by one, or dense ranks.
    """
    found = ranks(ranked(totals(units)))

    assert found == {
        unit: 1 + sum(other > total for other in units.values()) for unit, total in units.items()
    }


def test_a_ranking_of_several_kinds_of_unit_ranks_them_together() -> None:
    month = replace(
        totals({"a": 90, "b": 95, "c": 99}), kinds={"a": "branch", "b": "department", "c": "subsidiary"}
    )

    found = ranks(ranked(month, rules=with_ranking(unit_kind=("branch", "department"))))

    assert found == {"b": 1, "a": 2}


@settings(deadline=None)
@given(TOTALS, st.permutations(range(12)))
def test_what_a_unit_is_called_does_not_change_its_rank(units: dict[str, Decimal], order: list[int]) -> None:
    """INVARIANT: renaming units renames the rows and changes no rank.

    What breaks it: letting the name break a tie.
    """
    new_names = {unit: f"renamed{order[int(unit.removeprefix('unit'))]}" for unit in units}

    before = ranks(ranked(totals(units)))
    after = ranks(ranked(totals({new_names[unit]: total for unit, total in units.items()})))

    assert after == {new_names[unit]: rank for unit, rank in before.items()}


def test_a_shared_rank_says_so() -> None:
    found = ranked(totals({"a": 90, "b": "90.0", "c": 80}))

    assert [(row.unit, row.rank, row.shared) for row in found.rows] == [
        ("a", 1, True),
        ("b", 1, True),
        ("c", 3, False),
    ]


def test_a_ranking_may_run_from_low_to_high() -> None:
    assert ranks(ranked(totals({"a": 90, "b": 80}), rules=with_ranking(order="low-first"))) == {
        "b": 1,
        "a": 2,
    }


def test_units_of_another_kind_are_not_ranked() -> None:
    assert ranks(ranked(totals({"a": 90}), rules=with_ranking(unit_kind="subsidiary"))) == {}


def test_a_unit_that_was_there_for_some_days_is_ranked_where_the_rulebook_says_so() -> None:
    month = totals({"a": 90})
    partly = MonthTotals(month.month, "", month.values, frozenset(), month.kinds)

    assert ranks(ranked(partly)) == {}
    assert ranks(ranked(partly, rules=with_ranking(established="any-day"))) == {"a": 1}


def test_a_ranking_by_an_indicator_leaves_out_what_is_not_rated() -> None:
    month = totals({"a": "0.9", "b": "0.8"}, by="satisfaction")
    month.kinds["c"] = "branch"  # type: ignore[index]  # the builder made a dict
    whole = MonthTotals(month.month, "", month.values, frozenset({"a", "b", "c"}), month.kinds)

    found = ranked(whole, rules=with_ranking(by="satisfaction"))

    assert ranks(found) == {"a": 1, "b": 2}
    assert [(left.unit, left.reason) for left in found.left_out] == [("c", NOT_RATED)]


def test_a_quarter_weighs_its_months_as_the_rulebook_says() -> None:
    # (1 × 90 + 1 × 80 + 2 × 70) / 4 = 77.5
    quarterly = RULES.scoring.rankings["quarterly"].model_copy(update={"weights": (1, 1, 2)})
    rules = with_scoring(RULES, rankings={"quarterly": quarterly})
    months = [totals({"a": total}, month) for month, total in (("m1", 90), ("m2", 80), ("m3", 70))]

    (row,) = ranked(*months, every="quarter", rules=rules).rows

    assert row == Row(1, "a", Fraction("77.5"), "77.5", shared=False, months=(90, 80, 70))  # type: ignore[arg-type]  # whole numbers equal fractions


def test_a_quarter_without_weights_weighs_its_months_equally() -> None:
    quarterly = RULES.scoring.rankings["quarterly"].model_copy(update={"weights": ()})
    rules = with_scoring(RULES, rankings={"quarterly": quarterly})
    months = [totals({"a": total}, month) for month, total in (("m1", 90), ("m2", 80), ("m3", 70))]

    assert ranked(*months, every="quarter", rules=rules).rows[0].value == 80


def test_weights_that_do_not_fit_the_months_are_refused() -> None:
    with pytest.raises(ValueError, match="3 weights for 2 months"):
        ranked(totals({"a": 90}, "m1"), totals({"a": 90}, "m2"), every="quarter")


@settings(deadline=None)
@given(st.lists(st.decimals(0, 100, places=1), min_size=6, max_size=6))
def test_a_quarter_is_decided_by_exact_means(values: list[Decimal]) -> None:
    """INVARIANT: two units share a rank iff the sums of their months are equal.

    What breaks it: floats, or comparing rounded means.
    """
    months = [totals({"a": values[n], "b": values[n + 3]}, f"m{n}") for n in range(3)]

    found = ranks(ranked(*months, every="quarter"))

    assert (found["a"] == found["b"]) == (sum(values[:3]) == sum(values[3:]))


def with_award(**changes: object) -> Rules:
    star = RULES.scoring.awards["star-branch"].model_copy(update={"ranking": "monthly", **changes})
    return with_scoring(RULES, awards={"star-branch": star})


def granted(units: Mapping[str, int], rules: Rules) -> dict[str, Decimal]:
    return {award.unit: award.amount for award in awards((ranked(totals(units), rules=rules),), rules)}


def test_an_award_may_be_split_among_those_who_share_the_title() -> None:
    # 1000 / 3 = 333.33…, rounded down to the cent.
    three = {"a": 90, "b": 90, "c": 90, "d": 80}

    assert granted(three, with_award(ties="split")) == dict.fromkeys("abc", Decimal("333.33"))
    assert granted(three, with_award(ties="each")) == dict.fromkeys("abc", Decimal(1000))


def test_an_award_may_go_to_another_rank_and_to_nobody() -> None:
    assert granted({"a": 90, "b": 80}, with_award(rank=2)) == {"b": 1000}
    assert granted({"a": 90, "b": 90}, with_award(rank=2)) == {}


def test_an_award_says_what_it_is_and_who_pays() -> None:
    rules = with_award()
    (award,) = awards((ranked(totals({"a": 90}), rules=rules),), rules)

    assert (award.award, award.currency, award.clauses) == ("star-branch", "CNY", ("JK-23",))
    assert award.paid_by_en == "the branch's subsidiary"


def test_a_title_may_come_without_money() -> None:
    rules = with_award(amount=0, paid_by=None)
    (award,) = awards((ranked(totals({"a": 90}), rules=rules),), rules)

    assert (award.unit, award.amount, award.paid_by_zh, award.paid_by_en) == ("a", Decimal(0), "", "")


def advice(months: Sequence[MonthTotals]) -> list[tuple[str, dict[str, Fraction]]]:
    year, number = map(int, months[-1].month.split("-"))
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(year, number), at("2026-12-31 00:00"))
    previous = {month.month: month for month in months[:-1]}
    return [(found.unit, dict(found.months)) for found in recommendations(months[-1], previous, context)]


@pytest.mark.rule("JK-24")
@pytest.mark.parametrize(
    ("months", "advised"),
    [
        (("79.99", "79.99", "79.99"), ["a"]),
        (("80", "79.99", "79.99"), []),
        (("79.99", "80", "79.99"), []),
        (("79.99", "79.99", "80"), []),
        # Shown as 80.0, and under 80 all the same.
        (("79.999", "79.999", "79.999"), ["a"]),
    ],
)
def test_three_months_running_under_80_bring_advice_and_one_of_80_none(
    months: tuple[str, str, str], advised: list[str]
) -> None:
    run = [totals({"a": total}, f"2026-0{number}") for number, total in enumerate(months, start=7)]

    assert [unit for unit, _ in advice(run)] == advised


def test_advice_names_the_months_that_gave_cause() -> None:
    months = [
        totals({"a": total}, month) for month, total in (("2025-12", 79), ("2026-01", 60), ("2026-02", 70))
    ]

    assert advice(months) == [
        ("a", {"2025-12": Fraction(79), "2026-01": Fraction(60), "2026-02": Fraction(70)})
    ]


def test_a_month_that_was_never_published_breaks_a_run() -> None:
    months = [totals({"a": 60}, month) for month in ("2026-04", "2026-06", "2026-07")]

    assert advice(months) == []


def test_a_unit_without_a_total_in_one_of_the_months_has_no_run() -> None:
    months = [totals({"b": 60}, "2026-05"), totals({"a": 60}, "2026-06"), totals({"a": 60}, "2026-07")]

    assert advice(months) == []


def test_an_assessment_after_the_moment_of_closing_does_not_count() -> None:
    told = Told()
    told.assessed("zhou", "2026-08-02 10:00", "2026-07", "branch-assessment", 90)
    told.assessed("zhou", "2026-08-10 00:00", "2026-07", "sales-department", 80)
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(2026, 7), at("2026-08-10 00:00"))

    (result,) = personal_results(in_order(told.facts), context)

    assert (result.value, result.missing) == (None, ("sales-department",))
    assert result.parts == {"branch-assessment": 90}


def test_an_assessment_under_a_scheme_that_the_rulebook_does_not_know_is_passed_over() -> None:
    told = Told()
    fact = told.assessed("zhou", "2026-08-02 10:00", "2026-07", "branch-assessment", 90)
    unknown = fact._replace(data={**fact.data, "scheme": "other"})
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(2026, 7), at("2026-08-10 00:00"))

    assert personal_results([unknown], context) == ()


@pytest.mark.parametrize(
    ("period", "first", "last", "length"),
    [
        ("2026-07", (2026, 7), (2026, 7), 1),
        ("2026-Q1", (2026, 1), (2026, 3), 3),
        ("2026", (2026, 1), (2026, 12), 12),
    ],
)
def test_a_period_is_made_of_its_months(
    period: str, first: tuple[int, int], last: tuple[int, int], length: int
) -> None:
    months = months_of(period)

    assert (months[0], months[-1], len(months)) == (first, last, length)
