"""Indicators: who counts, for whom, with what interval."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.indicators import Figure
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Watch
from shared.timekeeping.limits import Limit
from shared.values.intervals import wilson
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, an_edition_with, with_scoring


def figure(
    facts: Sequence[Fact], indicator: str, unit: str = "chongqing-branch", edition: Edition | None = None
) -> Figure:
    result = fold(facts, edition or an_edition(), "2026-07", at("2026-08-10 00:00"))
    assert isinstance(result, MonthResult)
    return next(one for one in result.indicators if (one.indicator, one.unit) == (indicator, unit))


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Published tables of the Wilson score interval without continuity correction.
        (6, 7, "0.486872", "0.974320"),
        (0, 10, "0.000000", "0.277533"),
        (10, 10, "0.722467", "1.000000"),
        (45, 50, "0.786398", "0.956524"),
        (1, 1, "0.206549", "1.000000"),
    ],
)
def test_an_interval_is_wilsons(hits: int, of: int, low: str, high: str) -> None:
    assert wilson(hits, of) == (Decimal(low), Decimal(high))


@settings(deadline=None)
@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_the_share_and_mirrors(share: tuple[int, int]) -> None:
    hits, of = share
    interval, mirrored = wilson(hits, of), wilson(of - hits, of)

    assert 0 <= interval.low <= Fraction(hits, of) <= interval.high <= 1
    assert abs(interval.low + mirrored.high - 1) <= Decimal("0.000001")


@pytest.mark.parametrize(("hits", "of"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_has_no_interval(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(hits, of)


def test_a_figure_holds_what_the_unit_answers_for() -> None:
    told = Told().organisation()
    told.registered("A", "2026-07-01 09:00", unit="chongqing-branch")
    told.registered("B", "2026-07-01 09:00", unit="chongqing-sales")
    told.registered("C", "2026-07-01 09:00", unit="chongqing")
    told.registered("D", "2026-07-01 09:00", unit="wuxi-branch")

    counted = {
        unit: figure(told.facts, "complaints", unit).hits
        for unit in ("chongqing-branch", "chongqing-sales", "chongqing", "wuxi-branch", "group")
    }

    assert counted == {
        "chongqing-branch": 3,
        "chongqing-sales": 1,
        "chongqing": 3,
        "wuxi-branch": 1,
        "group": 4,
    }


def test_what_the_units_below_counted_adds_up_with_and_without_problem_users() -> None:
    # 2 of the branch, 1 of them a problem user's, and 1 of its sales desk: 2 without and 3 with.
    told = Told().organisation("chongqing")
    told.registered("A", "2026-07-01 09:00", unit="chongqing-branch")
    told.registered("B", "2026-07-01 09:00", unit="chongqing-branch", problem_user=True)
    told.registered("C", "2026-07-01 09:00", unit="chongqing-sales")

    found = figure(told.facts, "complaints", "chongqing-branch")

    assert (found.hits, found.hits_with_excluded) == (2, 3)


def test_a_complaint_of_a_problem_user_is_left_out_and_shown_beside() -> None:
    told = Told().organisation("chongqing")
    told.registered("A", "2026-07-01 09:00")
    told.registered("B", "2026-07-01 09:00", problem_user=True)
    told.done("B", "2026-07-02 09:00")

    complaints, on_time = figure(told.facts, "complaints"), figure(told.facts, "on-time")

    assert (complaints.hits, complaints.hits_with_excluded) == (1, 2)
    assert (on_time.of, on_time.of_with_excluded) == (0, 1)


def test_a_count_has_no_interval_and_is_always_rated() -> None:
    none = figure(Told().organisation("chongqing").facts, "complaints")

    assert none.value == 0
    assert none.interval is None
    assert none.rated


def test_a_share_has_its_interval() -> None:
    told = Told().organisation("chongqing")
    for number in range(7):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", 5 if number else 1)

    satisfaction = figure(told.facts, "satisfaction")

    assert satisfaction.value == Fraction(6, 7)
    assert satisfaction.interval == (Decimal("0.486872"), Decimal("0.974320"))


def with_indicator(**changes: object) -> Edition:
    def change(rules: Rules) -> Rules:
        changed = rules.scoring.indicators["satisfaction"].model_copy(update=changes)
        return with_scoring(rules, indicators={"satisfaction": changed})

    return an_edition_with(change)


def seven_answers() -> list[Fact]:
    told = Told().organisation("chongqing")
    for number in range(7):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", 5 if number else 1)
    return told.facts


@pytest.mark.parametrize(
    ("target", "better", "minimum_n", "rated", "breach"),
    [
        ("0.85", "high", 7, True, False),
        ("0.86", "high", 7, True, True),
        ("0.86", "high", 8, False, False),
        ("0.86", "low", 7, True, False),
        ("0.85", "low", 7, True, True),
    ],
)
def test_a_target_is_judged_by_the_exact_share_where_enough_was_counted(
    target: str, better: str, minimum_n: int, rated: bool, breach: bool
) -> None:
    # 6 / 7 = 0.857142…
    edition = with_indicator(target=Decimal(target), better=better, minimum_n=minimum_n)

    found = figure(seven_answers(), "satisfaction", edition=edition)

    assert (found.rated, found.breach) == (rated, breach)


def test_of_two_answers_in_one_round_of_callback_the_last_counts() -> None:
    told = Told().organisation("chongqing")
    told.callback_completed("A", "2026-07-10 10:00", 1)
    told.callback_completed("A", "2026-07-11 10:00", 5)
    told.callback_completed("A", "2026-07-12 10:00", 1, occurrence=2)

    found = figure(told.facts, "satisfaction")

    assert (found.hits, found.of) == (1, 2)


def test_a_round_that_was_missed_is_not_also_in_time() -> None:
    """A miss that stands outweighs a step that says of itself that it was in time."""
    told = Told().organisation("chongqing")
    told.missed("A", "2026-07-03 09:00")
    told.done("A", "2026-07-02 09:00", in_time=True)
    told.done("A", "2026-07-02 09:00", "free", clock="", in_time=True)

    found = figure(told.facts, "on-time")

    assert (found.hits, found.of) == (0, 1)


def test_a_watch_is_no_step_and_does_not_count_as_a_deadline_of_the_process() -> None:
    told = Told().organisation("chongqing")
    told.missed("A", "2026-07-03 09:00", "handled")

    assert figure(told.facts, "on-time").of == 0


def test_a_watch_on_the_first_answer_counts_as_first_response() -> None:
    def change(rules: Rules) -> Rules:
        watch = rules.procedures.watches["handled"].model_copy(
            update={"stops_at": "first-answer", "within": Limit(hours=24)}
        )
        assert isinstance(watch, Watch)
        watched = rules.procedures.model_copy(update={"watches": {"answered": watch}})
        measured = rules.scoring.indicators["on-time"].model_copy(update={"measure": "first-response"})
        return with_scoring(rules.model_copy(update={"procedures": watched}), indicators={"first": measured})

    told = Told().organisation("chongqing")
    told.missed("A", "2026-07-03 09:00", "answered", step="")
    told.missed("A", "2026-07-03 09:00", "facts")

    found = figure(told.facts, "first", edition=an_edition_with(change))

    assert (found.hits, found.of) == (0, 1)


def test_a_closed_unit_has_no_figure_any_more() -> None:
    told = Told().organisation("chongqing")
    told.closed("chongqing-branch", "2026-07-01")
    result = fold(told.facts, an_edition(), "2026-07", at("2026-08-10 00:00"))

    assert isinstance(result, MonthResult)
    assert "chongqing-branch" not in {one.unit for one in result.indicators}
