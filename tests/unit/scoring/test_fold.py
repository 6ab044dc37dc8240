"""The fold: the same facts give the same bytes, in any order, in any process, one subject at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import by_subject, fact_of, in_order
from services.scoring.domain.fold import (
    UNIT_SUBJECT,
    MonthResult,
    PeriodResult,
    SpanResult,
    canonical_bytes,
    content_hash,
    document_of,
    fold,
    fold_periods,
    fold_subjects,
    result_hash,
    subject_entries,
    totals_of,
)
from services.scoring.domain.month import MonthContext
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import MonthTotals
from shared.errors import RulebookGapError
from shared.events.facts import Fact
from shared.timekeeping.calendar import Month
from tests.builders_facts import SITES, Told, at
from tests.builders_rules import an_edition, an_edition_with, with_offences

ROOT = Path(__file__).parents[3]
AS_OF = at("2026-10-10 00:00")
QUARTER = ("2026-07", "2026-08", "2026-09")


def a_quarter() -> Told:
    """Tell a quarter in which every subsidiary does worse than the one before it in the alphabet."""
    told = Told().organisation()
    for month in QUARTER:
        for number, site in enumerate(SITES):
            told.clean_month(site, month, ["analysis-report"] if number == 3 else [])
            told.inspected(
                f"{site}-{month}",
                f"{month}-08 10:00",
                "weekly-branch",
                f"{site}-branch",
                {"staff": 8 - number},
            )
            for case in range(number + 1):
                name = f"{site}-{month}-{case}"
                told.registered(name, f"{month}-02 09:00", f"{site}-branch", ["phone"] if case == 2 else [])
                told.missed(name, f"{month}-04 09:00", unit=f"{site}-branch")
                told.done(name, f"{month}-05 09:00", unit=f"{site}-branch", in_time=False)
                told.callback_completed(name, f"{month}-20 09:00", 5 - number, f"{site}-branch")
        told.assessed("zhou", f"{month}-28 10:00", month, "branch-assessment", 90)
        told.assessed("zhou", f"{month}-28 10:00", month, "sales-department", "81.5")
    # 重庆 lets a case of July run out in August, and has a step of July appealed away in September.
    told.registered("long", "2026-07-28 09:00")
    told.missed("long", "2026-07-30 09:00")
    told.missed("long", "2026-08-07 09:00", "handled")
    told.registered("appealed", "2026-07-01 09:00")
    told.missed("appealed", "2026-07-03 09:00")
    told.appeal("appealed", "2026-09-01 09:00", "facts")
    return told


FACTS = a_quarter().facts


def month(facts: Iterable[Fact], period: str = "2026-08") -> MonthResult:
    result = fold(facts, an_edition(), period, AS_OF)
    assert isinstance(result, MonthResult)
    return result


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, len(FACTS)))
def test_neither_order_nor_doubles_change_a_byte(chance: Random, doubled: int) -> None:
    """INVARIANT: a fold depends on the set of facts.

    What breaks it: taking facts as they come, counting a redelivered one, or an unordered set in the result.
    """
    shuffled = [*FACTS, *FACTS[:doubled]]
    chance.shuffle(shuffled)

    assert canonical_bytes(month(shuffled)) == canonical_bytes(month(FACTS))


def test_another_process_hash_seed_zone_locale_and_decimal_context_give_the_same_bytes() -> None:
    """INVARIANT: nothing of the machine is in a result.

    What breaks it: iterating over a set of texts, the machine's own zone, or sums rounded to a context.
    """
    program = (
        "import decimal, sys\n"
        "decimal.getcontext().prec = 3\n"
        "from tests.unit.scoring.test_fold import FACTS, month\n"
        "from services.scoring.domain.fold import canonical_bytes\n"
        "sys.stdout.buffer.write(canonical_bytes(month(FACTS)))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "America/New_York", "LC_ALL": "C"}

    elsewhere = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True
    )

    assert elsewhere.stdout == canonical_bytes(month(FACTS))


def test_facts_read_from_json_give_the_same_bytes() -> None:
    told = a_quarter()
    read = [fact_of(orjson.loads(orjson.dumps(envelope))) for envelope in told.envelopes]

    assert canonical_bytes(month(read)) == canonical_bytes(month(FACTS))


def test_one_subject_at_a_time_gives_the_same_bytes() -> None:
    """The way of the service and of a year's backtest: nothing is held but one subject and the sums."""
    groups = by_subject(FACTS)
    unit_facts = [fact for key, own in groups.items() if key.startswith(UNIT_SUBJECT) for fact in own]
    subjects = (own for key, own in reversed(groups.items()) if not key.startswith(UNIT_SUBJECT))

    streamed = fold_subjects(subjects, unit_facts, an_edition(), Month(2026, 8), AS_OF)

    assert canonical_bytes(streamed) == canonical_bytes(month(FACTS))


def test_a_result_is_plain_json_that_says_what_it_rests_on() -> None:
    document = json.loads(canonical_bytes(month(FACTS)))

    assert document == document_of(month(FACTS))
    assert (document["period"], document["group"], document["is_over"]) == ("2026-08", "jinke", True)
    assert document["edition_hash"] == an_edition().hash
    assert document["as_of"] == "2026-10-09T16:00:00Z"
    assert document["uncharged"] == []


def test_a_month_rests_on_the_facts_that_can_touch_it() -> None:
    # Group, subsidiary, branch and desk: 4. The inspections of 2025 and August: 2. The cases that touch
    # August, with all of their facts: B 1, C 2, D 1; E none. In all 10.
    told = Told().organisation("chongqing")
    told.inspected("I1", "2024-12-31 23:00", "archives")
    told.inspected("I2", "2025-01-01 08:00", "archives")
    told.inspected("I3", "2026-08-08 10:00", "archives")
    told.registered("A", "2026-07-02 09:00")
    told.done("A", "2026-07-31 23:59")
    told.registered("B", "2026-08-02 09:00")
    told.registered("C", "2026-07-02 09:00")
    told.callback_due("C", "2026-07-30 09:00", "2026-08-06 09:00")
    told.missed("D", "2026-09-01 00:00")
    told.missed("E", "2026-07-31 23:59")

    assert month(told.facts).facts == 10


def test_a_callback_counts_where_its_window_ends_though_nothing_happens_then() -> None:
    told = Told().organisation("chongqing")
    told.callback_due("C", "2026-07-28 09:00", "2026-08-04 09:00")
    told.callback_completed("C", "2026-07-29 09:00")

    (coverage,) = [
        figure
        for figure in month(told.facts).indicators
        if (figure.indicator, figure.unit) == ("callback-coverage", "chongqing-branch")
    ]

    assert (coverage.hits, coverage.of) == (1, 1)


def test_facts_of_later_are_left_out() -> None:
    told = a_quarter()
    told.registered("later", "2026-10-10 00:00")
    told.fulfilled("proposal", "2026-08", "2026-10-11 00:00", "wuxi-branch")

    assert canonical_bytes(month(told.facts)) == canonical_bytes(month(FACTS))


def test_the_organisation_is_dated_by_itself_whenever_it_was_told() -> None:
    told = a_quarter()
    fact = told.established("new-branch", "branch", "wuxi", "new", on="2026-01-01")
    told_late = fact._replace(time=at("2027-01-01 00:00"))

    assert "new-branch" in month([*FACTS, told_late]).units


def test_an_offence_that_no_unit_answers_for_is_listed_and_scores_nobody() -> None:
    told = a_quarter()
    told.registered("lost", "2026-08-01 09:00", unit="unheard-of")
    told.missed("lost", "2026-08-03 09:00", unit="unheard-of")

    before, after = month(FACTS), month(told.facts)

    assert [(posting.rule, posting.unit) for posting in after.uncharged] == [("missed-step", "")]
    assert after.scorecards == before.scorecards


def test_a_late_fact_changes_the_content_and_a_later_closing_alone_does_not() -> None:
    told = a_quarter()
    told.missed("long", "2026-08-09 09:00", "late")
    later = fold(FACTS, an_edition(), "2026-08", at("2026-11-01 00:00"))

    assert content_hash(month(told.facts)) != content_hash(month(FACTS))
    assert content_hash(later) == content_hash(month(FACTS))
    assert result_hash(later) != result_hash(month(FACTS))


def test_an_edition_that_holds_only_later_changes_no_content() -> None:
    """INVARIANT: an edition in force alters no published period, and closing it again makes no second version.

    What breaks it: counting the edition's own name and hash among what a result says.
    """
    newer = replace(an_edition(), name="2026-10-15", hash="f" * 64)

    again = fold(FACTS, newer, "2026-08", AS_OF)

    assert content_hash(again) == content_hash(month(FACTS))
    assert result_hash(again) != result_hash(month(FACTS))


def test_what_if_is_the_same_fold_with_another_edition() -> None:
    dearer = an_edition_with(lambda rules: with_offences(rules, missed_step={"points": Decimal(-4)}))

    what_if = fold(FACTS, dearer, "2026-08", AS_OF)

    assert isinstance(what_if, MonthResult)
    assert total(what_if, "wuxi-branch") < total(month(FACTS), "wuxi-branch")


def total(result: MonthResult, unit: str) -> Decimal:
    return next(card.total for card in result.scorecards if card.unit == unit)


def test_a_running_month_is_not_over() -> None:
    running = fold(FACTS, an_edition(), "2026-08", at("2026-08-15 00:00"))

    assert isinstance(running, MonthResult)
    assert not running.is_over


def test_the_totals_of_the_quarter_are_those_counted_by_hand() -> None:
    # Each month, by site: missed steps 2 × n, staff 8 − (n − 1), one incomplete record from the third case on;
    # 无锡 besides sends no analysis report (−20).
    # 长沙 n=1: 100 − 2 = 98. 成都 n=2: 100 − 4 − 1 = 95. 重庆 n=3: 100 − 6 − 2 − 1 = 91.
    # 无锡 n=4: 100 − 8 − 3 − 1 − 20 = 68.
    # 重庆 besides: July two more missed steps 91 − 4 = 87; August −5 + 2, so 91 − 3 = 88;
    # September + 2, so 91 + 2 = 93.
    results = fold_periods(FACTS, an_edition(), [*QUARTER, "2026-Q3"], AS_OF)

    assert [
        {card.unit: int(card.total) for card in result.scorecards}
        for result in results.values()
        if isinstance(result, MonthResult)
    ] == [
        {"changsha-branch": 98, "chengdu-branch": 95, "chongqing-branch": 87, "wuxi-branch": 68},
        {"changsha-branch": 98, "chengdu-branch": 95, "chongqing-branch": 88, "wuxi-branch": 68},
        {"changsha-branch": 98, "chengdu-branch": 95, "chongqing-branch": 93, "wuxi-branch": 68},
    ]


def test_the_quarter_names_its_star_and_the_third_month_its_advice() -> None:
    results = fold_periods(FACTS, an_edition(), [*QUARTER, "2026-Q3"], AS_OF)
    quarter, september = results["2026-Q3"], results["2026-09"]

    assert isinstance(quarter, SpanResult)
    assert isinstance(september, MonthResult)
    # 重庆 (87 + 88 + 93) / 3 = 89.333…
    assert [(row.rank, row.unit, row.shown) for row in quarter.rankings[0].rows] == [
        (1, "changsha-branch", "98"),
        (2, "chengdu-branch", "95"),
        (3, "chongqing-branch", "89.333333"),
        (4, "wuxi-branch", "68"),
    ]
    assert [(award.unit, award.amount) for award in quarter.awards] == [("changsha-branch", Decimal(1000))]
    assert [advice.unit for advice in september.recommendations] == ["wuxi-branch"]
    assert dict(quarter.months) == {period: result_hash(results[period]) for period in QUARTER}
    assert isinstance(results["2026-08"], MonthResult)
    assert results["2026-08"].recommendations == ()


def test_a_quarter_rests_on_its_published_months_as_they_were() -> None:
    """INVARIANT: a fact that came after July was published changes the quarter only once July is restated.

    What breaks it: folding the months again when the quarter closes.
    """
    published = {
        period: totals_of(result)
        for period, result in fold_periods(FACTS, an_edition(), QUARTER, AS_OF).items()
        if isinstance(result, MonthResult)
    }
    told = a_quarter()
    told.missed("changsha-2026-07-0", "2026-07-09 09:00", "late", "changsha-branch")

    assert shown(fold(told.facts, an_edition(), "2026-Q3", AS_OF, published))["changsha-branch"] == "98"
    assert shown(fold(told.facts, an_edition(), "2026-Q3", AS_OF))["changsha-branch"] == "97.333333"


def shown(result: PeriodResult) -> dict[str, str]:
    return {row.unit: row.shown for row in result.rankings[0].rows}


def test_a_year_without_a_ranking_of_years_ranks_nothing() -> None:
    year = fold(FACTS, an_edition(), "2026", at("2027-01-10 00:00"))

    assert isinstance(year, SpanResult)
    assert (year.rankings, len(year.months)) == ((), 12)


def test_published_totals_are_read_back_from_the_published_document() -> None:
    result = month(FACTS)
    document = json.loads(canonical_bytes(result))

    assert MonthTotals.of_document(document, result_hash(result)) == totals_of(result)


def test_personal_results_are_part_of_the_month() -> None:
    # 0.5 × 90 + 0.5 × 81.5 = 85.75
    (result,) = month(FACTS).personal_results

    assert result.person == "zhou"
    assert result.value == Fraction("85.75")


def test_nothing_is_added_by_a_subject_without_facts() -> None:
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(2026, 7), AS_OF)

    assert subject_entries([], context).postings == ()


def test_a_month_before_the_rulebook_began_is_a_gap() -> None:
    with pytest.raises(RulebookGapError, match="2005-04-30"):
        fold(FACTS, an_edition(), "2005-04", AS_OF)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 9)))
def test_all_months_of_a_case_agree_with_one_look_at_it(left_out: set[int]) -> None:
    told = Told()
    story: Sequence[Fact] = [
        told.registered("A", "2026-07-28 09:00", missing=["phone"]),
        told.missed("A", "2026-07-30 09:00"),
        told.finding("F", "2026-07-30 10:00", "shirking", case="A"),
        told.missed("A", "2026-08-07 09:00", "handled"),
        told.amended("A", "2026-08-08 09:00"),
        told.done("A", "2026-08-09 09:00", in_time=False),
        told.missed("A", "2026-08-11 09:00", "sign"),
        told.cleared("A", "2026-08-10 09:00", "2026-08-11 09:00", "sign"),
        told.appeal("A", "2026-09-02 09:00", "handled"),
        told.finding("G", "2026-09-03 10:00", "bad-press", case="A"),
    ]
    facts = in_order(fact for number, fact in enumerate(story) if number not in left_out)
    organisation = Organisation.of(Told().organisation().facts)

    with localcontext() as context:
        context.prec = 1
        posted = [
            posting
            for number in (7, 8, 9)
            for posting in subject_entries(
                facts, MonthContext.of(an_edition(), organisation, Month(2026, number), AS_OF)
            ).postings
        ]
    by_offence: dict[str, list[int]] = {}
    for posting in posted:
        by_offence.setdefault(posting.offence, []).append(-1 if posting.reverses else 1)

    assert all(sum(moves) in {0, 1} for moves in by_offence.values())
