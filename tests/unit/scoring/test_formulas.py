"""Indicators that a rulebook makes up: each number is counted by hand beside it."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.indicators import Figure
from shared.events import Event
from shared.events.callback import CallbackRecalled
from shared.events.facts import Fact
from shared.events.handling import CaseClosed, CaseReopened, CaseTransferred, ClockChanged
from shared.events.intake import CustomersCounted
from shared.events.scoring import FigureReported
from shared.rulebook.checks import measuring
from shared.rulebook.edition import Edition
from shared.rulebook.formulas import Formula, formula_of
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Match
from shared.rulebook.schema.obligations import FigureKind
from shared.rulebook.schema.scoring import Counted, Indicator
from shared.values.canonical import plain
from shared.values.intervals import byar, mean_interval
from tests.builders_facts import Told, at, case_id, case_uuid
from tests.builders_rules import an_edition, an_edition_with, with_scoring

RULES = an_edition().slices[-1][1]
BRANCH = "chongqing-branch"
NAMED = {"from": "2005-05-28", "source": "JK-01", "title": {"zh": "指标", "en": "indicator"}}
CUSTOMERS = FigureKind.model_validate(
    {**NAMED, "every": "month", "of": "branch", "measure": "count", "counted": "customers"}
)
TURNOVER = FigureKind.model_validate(
    {**NAMED, "every": "month", "of": "branch", "measure": "money", "by": "group-director"}
)


def made_up(**formula: Any) -> Edition:  # noqa: ANN401  # as a rulebook writes it
    indicator = Indicator.model_validate({**NAMED, **formula})

    def change(rules: Rules) -> Rules:
        reported = rules.obligations.model_copy(
            update={"figures": {"files": CUSTOMERS, "turnover": TURNOVER}}
        )
        return with_scoring(
            rules.model_copy(update={"obligations": reported}), indicators={"made-up": indicator}
        )

    return an_edition_with(change)


def figure(facts: Sequence[Fact], unit: str = BRANCH, **formula: Any) -> Figure:  # noqa: ANN401  # as above
    result = fold(facts, made_up(**formula), "2026-07", at("2026-08-10 00:00"))
    assert isinstance(result, MonthResult)
    return next(one for one in result.indicators if (one.indicator, one.unit) == ("made-up", unit))


def a_site() -> Told:
    return Told().organisation("chongqing")


def told_of(
    told: Told, case: str, time: str, event: Event, service: str = "handling", unit: str = BRANCH
) -> Fact:
    return told.tell(service, case_id(case), unit, time, event)


def closed(told: Told, case: str, time: str) -> Fact:
    event = CaseClosed(
        complaint_id=case_uuid(case), occurrence=1, kind="complaint", class_="general", validity="valid", way="",
        outcome="", customer="c", problem_user=False, imported=False,
    )  # fmt: skip
    return told_of(told, case, time, event)


def counted_customers(told: Told, month: str, normal: int, all_: int, unit: str = BRANCH) -> Fact:
    event = CustomersCounted(unit=unit, month=month, normal=normal, all=all_)
    return told.tell("intake", f"customers/{unit}/{month}", unit, f"{month}-28 00:00", event)


def test_a_complaint_rate_leaves_problem_users_out_of_both_numbers_and_shows_them_beside() -> None:
    """2 verified complaints of 1 000 customers; with problem users 3 of 1 010: 2 and 3000 ÷ 1010 per thousand."""
    told = a_site()
    for case, problem in (("A", False), ("B", False), ("C", True), ("D", False)):
        told.registered(case, "2026-07-01 09:00", problem_user=problem)
        told.found_valid(case, "2026-07-03 09:00", validity="valid" if case != "D" else "invalid")
    counted_customers(told, "2026-07", 1000, 1010)

    rate = figure(
        told.facts,
        numerator={"count": "findings", "when": {"validity": "valid"}},
        denominator={"figure": "files"},
        per=1000,
        better="low",
        target=1.9,
    )

    assert (rate.value, rate.hits, rate.of) == (Fraction(2), 2, 1000)
    assert (rate.hits_with_excluded, rate.of_with_excluded) == (3, 1010)
    # Byar: 2 × (1 − 1/18 − 1.96/(3√2))³ = 0.224625; 3 × (1 − 1/27 + 1.96/(3√3))³ = 7.220869, per thousand customers.
    assert rate.interval == (Decimal("0.224625"), Decimal("7.220869"))
    assert rate.breach


def test_a_rulebook_may_count_problem_users_too() -> None:
    told = a_site()
    told.registered("A", "2026-07-01 09:00", problem_user=True)

    count = figure(told.facts, numerator={"count": "matters"}, counts_problem_users=True)

    assert (count.value, count.rated) == (Fraction(1), True)


def test_of_customers_the_month_counts_or_the_last_one_before_it() -> None:
    told = a_site()
    counted_customers(told, "2026-05", 10, 10)
    counted_customers(told, "2026-06", 20, 20)
    counted_customers(told, "2026-08", 40, 40)

    assert figure(told.facts, numerator={"figure": "files"}).value == 20


def test_a_unit_without_a_figure_of_its_own_has_the_sum_of_those_below() -> None:
    told = Told().organisation("chongqing", "wuxi")
    counted_customers(told, "2026-07", 10, 11)
    counted_customers(told, "2026-07", 5, 5, unit="wuxi-branch")

    total = figure(told.facts, unit="group", numerator={"figure": "files"})

    assert (total.value, total.of_with_excluded) == (Fraction(15), 16)


def test_what_nobody_reported_has_no_value_and_is_not_rated() -> None:
    none = figure(a_site().facts, numerator={"figure": "turnover"})
    told = a_site()
    event = FigureReported(
        figure="turnover", unit=BRANCH, period="2026-07", value=Decimal("12.50"), by="clerk"
    )
    told.tell("scoring", "figure/turnover", BRANCH, "2026-08-02 09:00", event)

    reported = figure(told.facts, numerator={"figure": "turnover"})

    assert (none.value, none.rated) == (None, False)
    assert (reported.value, reported.interval, reported.rated) == (Fraction(25, 2), None, True)


def test_all_called_in_a_week_with_three_of_ten_out_of_reach() -> None:
    """FIELD vector 8: coverage 10/10, contact 7/10, satisfaction 6/7 are three numbers."""
    told = a_site()
    for number in range(10):
        case = f"case{number}"
        told.callback_due(case, "2026-07-13 09:00", "2026-07-20 00:00")
        told.callback_attempted(case, "2026-07-14 09:00", "completed" if number < 7 else "unreachable")
        if number < 7:
            told.callback_completed(case, "2026-07-14 09:05", 1 if number == 0 else 5)
    required = {"count": "callbacks"}

    coverage = figure(told.facts, numerator={**required, "is": "attempted"}, denominator=required)
    contact = figure(told.facts, numerator={**required, "is": "completed"}, denominator=required)
    unreached = figure(told.facts, numerator={**required, "is": "unreachable"}, denominator=required)
    satisfaction = figure(told.facts, measure="satisfaction")

    shown = [(one.hits, one.of) for one in (coverage, contact, unreached, satisfaction)]
    assert shown == [(10, 10), (7, 10), (3, 10), (6, 7)]


def test_a_share_per_hundred_has_its_interval_per_hundred() -> None:
    """7 of 10: centre 0.7 + z²/20 = 0.8921, spread z √(0.021 + z²/400) = 0.3429, over 1 + z²/10 = 1.3841.

    So (0.8921 ∓ 0.3429) ÷ 1.3841 = 0.3968 and 0.8922, each times a hundred.
    """
    told = a_site()
    for number in range(10):
        told.callback_due(f"case{number}", "2026-07-13 09:00", "2026-07-20 00:00")
        if number < 7:
            told.callback_completed(f"case{number}", "2026-07-14 09:05", 5)
    required = {"count": "callbacks"}

    contact = figure(told.facts, numerator={**required, "is": "completed"}, denominator=required, per=100)

    assert contact.value == 70
    assert [round(end, 2) for end in contact.interval or ()] == [Decimal("39.68"), Decimal("89.22")]


def test_an_answer_after_the_window_is_completed_and_not_in_time() -> None:
    told = a_site()
    told.callback_due("A", "2026-07-13 09:00", "2026-07-20 00:00")
    told.callback_completed("A", "2026-07-21 09:00")
    required = {"count": "callbacks", "of": "p"}

    states = [
        figure(told.facts, numerator={**required, "is": state}, denominator=required).hits
        for state in ("completed", "in-time")
    ]

    assert states == [1, 0]


def test_a_mean_of_levels_has_a_normal_interval() -> None:
    """5, 4, 4, 1: mean 3.5, mean square 14.5, so s² = 2.25 and s/√4 = 0.75; 3.5 ± 1.959964 × 0.75."""
    told = a_site()
    for number, level in enumerate((5, 4, 4, 1)):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", level)

    mean = figure(told.facts, mean="satisfaction", minimum_n=5)

    assert (mean.value, mean.hits, mean.of, mean.rated) == (Fraction(7, 2), 14, 4, False)
    assert mean.interval == (Decimal("2.030027"), Decimal("4.969973"))


def test_a_share_of_promoters_less_detractors() -> None:
    """3 promoters and 1 detractor of 6: (3 − 1) ÷ 6; SE² = (4/6 − (2/6)²) ÷ 6 = 5/54, as p + d − (p − d)² over n."""

    def asks(rules: Rules) -> Rules:
        key, sheet = next(iter(rules.callback.questionnaires.items()))
        question = next(iter(sheet.questions.values())).model_copy(update={"kind": "recommendation"})
        changed = sheet.model_copy(update={"questions": {**sheet.questions, "recommend": question}})
        callback = rules.callback.model_copy(update={"questionnaires": {key: changed}})
        indicator = Indicator.model_validate({**NAMED, "mean": "promoters"})
        return with_scoring(rules.model_copy(update={"callback": callback}), indicators={"nps": indicator})

    told = a_site()
    for number, score in enumerate(("10", "9", "9", "8", "7", "6", "")):
        told.callback_completed(f"case{number}", "2026-07-10 10:00", answers={"recommend": score})
    result = fold(told.facts, an_edition_with(asks), "2026-07", at("2026-08-10 00:00"))
    assert isinstance(result, MonthResult)

    nps = next(one for one in result.indicators if (one.indicator, one.unit) == ("nps", BRANCH))

    assert (nps.value, nps.of) == (Fraction(1, 3), 6)
    # 1/3 ± 1.959964 × √(5/54) = 1/3 ± 0.596398
    assert nps.interval == (Decimal("-0.263065"), Decimal("0.929731"))


def test_the_customer_s_word_is_another_number_than_the_closing() -> None:
    told = a_site()
    for case, solved in (("A", True), ("B", False), ("C", None)):
        closed(told, case, "2026-07-05 09:00")
        told.callback_completed(case, "2026-07-10 10:00", solved=solved)
    told.registered("D", "2026-07-01 09:00")

    solve_rate = figure(
        told.facts, numerator={"count": "answers", "is": "solved"}, denominator={"count": "answers"}
    )
    close_rate = figure(told.facts, numerator={"count": "closings"}, denominator={"count": "matters"})

    assert (solve_rate.value, close_rate.value) == (Fraction(1, 3), Fraction(3))


def test_what_happened_counts_in_its_own_month() -> None:
    told = a_site()
    for case, day in (("A", "07-05"), ("B", "06-30")):
        time = f"2026-{day} 09:00"
        uuid = case_uuid(case)
        told_of(told, case, time, CaseReopened(complaint_id=uuid, occurrence=2, reason="again", by="clerk"))
        told_of(
            told, case, time, CaseTransferred(complaint_id=uuid, from_unit="chongqing-sales", to_unit=BRANCH, reason="r", by="c")
        )  # fmt: skip
        for change in ("extended", "paused"):
            told_of(
                told,
                case,
                time,
                ClockChanged(complaint_id=uuid, clock="facts", change=change, reason="r", by="c"),
            )
        recall = CallbackRecalled(
            complaint_id=uuid,
            occurrence=1,
            plan="p",
            satisfaction=5,
            satisfied=True,
            agrees=True,
            first_by="a",
            by="b",
        )
        told_of(told, case, time, recall, "callback")

    counted = {
        what: figure(told.facts, numerator={"count": what}).hits
        for what in ("reopenings", "transfers", "extensions", "recalls", "escalations")
    }

    assert counted == {"reopenings": 1, "transfers": 1, "extensions": 1, "recalls": 1, "escalations": 0}
    assert figure(told.facts, unit="chongqing-sales", numerator={"count": "transfers"}).hits == 1
    assert figure(told.facts, numerator={"count": "extensions", "of": "plan"}).hits == 0


def test_fields_that_are_filled_when_the_month_ends() -> None:
    """Every form of jinke's complaints asks for the same fields; of two records one lacks two of them."""
    told = a_site()
    told.registered("A", "2026-07-01 09:00")
    told.registered("B", "2026-07-01 09:00", missing=("product", "demand"), complete=False)
    form = next(one for one in RULES.intake.forms.values() if "complaint" in one.kinds)
    required = sum(field.need != "may" for field in form.fields.values())

    filled = figure(
        told.facts,
        numerator={"count": "record-fields", "is": "filled"},
        denominator={"count": "record-fields"},
    )

    assert (filled.hits, filled.of) == (2 * required - 2, 2 * required)


def test_a_condition_asks_what_the_matter_was_at_the_moment_of_counting() -> None:
    """Answered as general on the 10th; a reclassification of the 20th does not move it."""
    told = a_site()
    told.registered("A", "2026-07-01 09:00")
    told.done("A", "2026-07-10 09:00")
    told.reclassified("A", "2026-07-20 09:00", class_="major")
    clocks = {"count": "clocks", "of": "facts", "is": "in-time"}

    by_class = [
        figure(told.facts, numerator={**clocks, "when": {"class": name}}).hits
        for name in ("general", "major")
    ]

    assert by_class == [1, 0]


def test_duties_count_for_who_owes_them() -> None:
    told = a_site().clean_month("chongqing")
    duties = {"count": "duties", "of": "proposal"}

    in_time = figure(told.facts, numerator={**duties, "is": "in-time"}, denominator=duties)
    late = figure(
        a_site().clean_month("chongqing", without={"proposal"}).facts,
        numerator={**duties, "is": "done"},
        denominator=duties,
    )

    assert [(one.hits, one.of) for one in (in_time, late)] == [(1, 1), (0, 1)]


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        ({"measure": "on-time"}, "share"),
        ({"measure": "complaint-count"}, "count"),
        (
            {
                "numerator": {"count": "matters", "when": {"channel": "phone"}},
                "denominator": {"count": "matters"},
            },
            "share",
        ),
        ({"numerator": {"count": "reopenings"}, "denominator": {"count": "closings"}}, "rate"),
        (
            {
                "numerator": {"count": "answers", "is": "solved"},
                "denominator": {"count": "answers", "of": "p"},
            },
            "rate",
        ),
        ({"mean": "satisfaction"}, "mean"),
    ],
)
def test_a_share_is_part_of_what_it_is_a_share_of(formula: dict[str, Any], kind: str) -> None:
    assert formula_of(Indicator.model_validate({**NAMED, **formula}), RULES).kind == kind


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({"count": "clocks", "of": "fact"}, "names the step or watch 'fact', which does not exist"),
        ({"count": "answers", "of": "p"}, "names the callback plan 'p', which does not exist"),
        ({"count": "closings", "of": "facts"}, "'closings' have no names."),
    ],
)
def test_what_of_names_must_exist(counted: dict[str, Any], said: str) -> None:
    indicator = Indicator.model_validate({**NAMED, "numerator": counted})

    (fault,) = measuring.faults(with_scoring(RULES, indicators={"made-up": indicator}))

    assert said in fault.what


def test_intervals_of_rates_and_means_are_those_of_the_books() -> None:
    # Exact Poisson limits of 10 events are 4.795 and 18.390; Byar's come within a hundredth.
    assert byar(10, Decimal(1)) == (Decimal("4.787450"), Decimal("18.391459"))
    assert byar(0, Decimal(1)).low == 0
    assert mean_interval(1, 5, 25) == (Decimal(5), Decimal(5))
    with pytest.raises(ValueError, match="is no rate"):
        byar(1, Decimal(0))


def test_a_figure_that_speaks_of_single_things_keeps_the_bytes_it_had() -> None:
    told = a_site()
    told.registered("A", "2026-07-01 09:00")

    assert "per" not in plain(figure(told.facts, measure="complaint-count"))
    assert (
        plain(figure(told.facts, numerator={"count": "matters"}, denominator={"figure": "files"}, per=10))[
            "per"
        ]
        == 10
    )


@pytest.mark.parametrize(
    ("measure", "formula"),
    [
        ("satisfaction", ("answers", "satisfied", ())),
        ("record-completeness", ("matters", "complete", ())),
        ("on-time", ("clocks", "in-time", ("steps",))),
        ("callback-coverage", ("callbacks", "attempted", ())),
        # Jinke's steps that answer a customer.
        ("first-response", ("clocks", "in-time", None)),
    ],
)
def test_a_measure_of_every_rulebook_is_a_share_of_what_was_counted(
    measure: str, formula: tuple[str, str, tuple[str, ...] | None]
) -> None:
    rules = an_edition().slices[-1][1]
    count, state, of = formula
    if of is None:
        of = tuple(
            sorted(
                {
                    key
                    for one in rules.procedures.procedures.values()
                    for key, step in one.steps.items()
                    if step.answers
                }
                | {key for key, one in rules.procedures.watches.items() if one.stops_at == "first-answer"}
            )
        )
    indicator = Indicator.model_validate(
        {"since": "2026-01-01", "source": "JK-01", "title": {"zh": "一", "en": "one"}, "measure": measure},
        by_name=True,
    )
    whole = Counted.model_validate({"count": count, "of": of})

    assert formula_of(indicator, rules) == Formula("share", whole.model_copy(update={"is_": (state,)}), whole)


def test_complaints_are_the_matters_of_the_kinds_that_count_as_complaints() -> None:
    rules = an_edition().slices[-1][1]
    indicator = Indicator.model_validate(
        {
            "since": "2026-01-01",
            "source": "JK-01",
            "title": {"zh": "一", "en": "one"},
            "measure": "complaint-count",
        },
        by_name=True,
    )
    kinds = tuple(sorted(key for key, one in rules.intake.kinds.items() if one.counts_as_complaint))

    assert formula_of(indicator, rules) == Formula(
        "count", Counted.model_validate({"count": "matters", "when": Match(kind=kinds)})
    )
    none = rules.intake.model_copy(update={"kinds": {}})
    formula = formula_of(indicator, rules.model_copy(update={"intake": none}))
    assert isinstance(formula.numerator, Counted)
    # A kind that nothing bears: an empty list would count everything.
    assert formula.numerator.when.kind == ("-",)
