"""Scorecards: bounds, what a bonus can lift, and the way down from a total to its evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.fold import MonthResult, fold
from services.scoring.domain.scorecards import Scorecard, trail
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.scoring import DoneShare, Item, Sheet
from shared.rulebook.schema.triggers import Praise
from shared.timekeeping.calendar import Month
from shared.values.canonical import text_of
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, an_edition_with, with_offences, with_scoring

BRANCH = "chongqing-branch"


def a_result(
    facts: Sequence[Fact], edition: Edition | None = None, as_of: str = "2026-08-10 00:00"
) -> MonthResult:
    result = fold(facts, edition or an_edition(), "2026-07", at(as_of))
    assert isinstance(result, MonthResult)
    return result


def a_card(told: Told, edition: Edition | None = None, as_of: str = "2026-08-10 00:00") -> Scorecard:
    cards = a_result(told.facts, edition, as_of).scorecards
    return next(card for card in cards if card.unit == BRANCH)


def a_clean_july() -> Told:
    return Told().organisation("chongqing").clean_month("chongqing")


def with_sheet(rules: Rules, item: Mapping[str, object], **sheet: object) -> Rules:
    """Return rules whose item ``process`` and sheet have other fields."""
    card = rules.scoring.sheets["branch-scorecard"]
    section = card.sections["work-quality"]
    changed: Item = section.items["process"].model_copy(update=dict(item))
    sections = {
        **card.sections,
        "work-quality": section.model_copy(update={"items": {**section.items, "process": changed}}),
    }
    other: Sheet = card.model_copy(update={"sections": sections, **sheet})
    return with_scoring(rules, sheets={"branch-scorecard": other})


def test_a_sheet_for_several_kinds_of_unit_makes_a_card_for_each() -> None:
    edition = an_edition_with(lambda rules: with_sheet(rules, {}, unit_kind=("branch", "sales-desk")))
    told = a_clean_july()
    told.registered("A", "2026-07-01 09:00", unit="chongqing-sales")
    told.missed("A", "2026-07-03 09:00", unit="chongqing-sales")

    cards = {card.unit: card.total for card in a_result(told.facts, edition).scorecards}

    # The desk is scored itself now, so the missed step costs it 2 points and the branch above it none.
    assert cards == {BRANCH: Decimal(100), "chongqing-sales": Decimal(98)}


def test_one_lost_point_can_be_followed_down_to_its_evidence() -> None:
    told = a_clean_july()
    told.registered("A", "2026-07-01 09:00")
    missed = told.missed("A", "2026-07-03 09:00")

    way = list(trail(a_card(told), "process"))

    assert [(step.key, text_of(step.value), step.clauses) for step in way[:3]] == [
        ("branch-scorecard", "98", ()),
        ("work-quality", "78", ("JK-15", "JK-16", "JK-17")),
        ("process", "46", ("JK-15",)),
    ]
    assert [(step.value, step.clauses, step.note, step.evidence) for step in way[3:]] == [
        (Decimal(-2), ("JK-15", "JK-03"), "missed-step", (missed.id,))
    ]


def test_a_mean_can_be_followed_down_to_its_inspections() -> None:
    told = a_clean_july()
    seen = told.inspected("I1", "2026-07-07 10:00", "weekly-branch", observations={"staff": "7.5"})

    way = list(trail(a_card(told), "staff"))

    assert [(step.key, step.value, step.evidence) for step in way[3:]] == [("I1", Decimal("7.5"), (seen.id,))]


def test_what_nobody_inspected_is_full_and_says_so() -> None:
    (item,) = [part for one in a_card(a_clean_july()).sections for part in one.parts if part.key == "staff"]

    assert (item.value, item.note, item.parts) == (item.of, "not-inspected", ())


def test_a_share_can_be_followed_down_to_its_weeks() -> None:
    way = list(trail(a_card(a_clean_july()), "sales-desk"))

    assert [step.key for step in way[3:]] == ["2026-W27", "2026-W28", "2026-W29", "2026-W30", "2026-W31"]


def test_a_reversal_lifts_no_item_above_its_full_marks() -> None:
    """July gives back what June took; the item has its 48 and not 50."""
    told = a_clean_july()
    told.registered("A", "2026-06-01 09:00")
    told.missed("A", "2026-06-03 09:00")
    told.appeal("A", "2026-07-03 09:00", "facts")

    assert a_card(told).items["process"] == 48
    assert a_card(told).total == 100


def test_a_reversal_balances_what_the_same_month_took() -> None:
    # 48 − 2 + 2 = 48.
    told = a_clean_july()
    told.registered("A", "2026-06-01 09:00")
    told.missed("A", "2026-06-03 09:00")
    told.appeal("A", "2026-07-03 09:00", "facts")
    told.registered("B", "2026-07-01 09:00")
    told.missed("B", "2026-07-03 09:00")

    assert a_card(told).items["process"] == 48


@pytest.mark.parametrize(
    ("item_cap", "sheet_cap", "item", "total"),
    [
        (None, None, 48, 100),
        (Decimal(50), None, 50, 100),
        (Decimal(50), Decimal(101), 50, 101),
        (Decimal(50), Decimal(105), 50, 102),
        (Decimal(60), Decimal(105), 51, 103),
    ],
)
def test_a_bonus_lifts_as_far_as_the_rulebook_says(
    item_cap: Decimal | None, sheet_cap: Decimal | None, item: int, total: int
) -> None:
    # Praise brings 3: 48 + 3 = 51, 100 + 3 = 103, each up to its cap.
    def change(rules: Rules) -> Rules:
        priced = with_offences(
            rules, missed_step={"trigger": Praise(on="praise", to="group"), "points": Decimal(3)}
        )
        return with_sheet(priced, {"cap": item_cap}, cap=sheet_cap)

    told = a_clean_july()
    told.praised("P", "2026-07-09 09:00", to="group")
    card = a_card(told, an_edition_with(change))

    assert card.items["process"] == item
    assert card.total == total


def test_an_item_stops_at_the_floor_that_the_rulebook_sets() -> None:
    edition = an_edition_with(lambda rules: with_sheet(rules, {"floor": Decimal(47)}))
    told = a_clean_july()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")

    assert a_card(told, edition).items["process"] == 47


def test_a_total_stops_at_zero_where_the_rulebook_lets_an_item_fall_below() -> None:
    # Process 48 − 75 × 2 = −102, and the other items bring 52: −50, so 0.
    edition = an_edition_with(lambda rules: with_sheet(rules, {"floor": Decimal(-200)}))
    told = a_clean_july()
    told.registered("A", "2026-07-01 09:00")
    for number in range(75):
        told.missed("A", "2026-07-03 09:00", f"step{number}")

    card = a_card(told, edition)

    assert card.items["process"] == -102
    assert card.total == 0


def test_a_share_of_nothing_due_is_full_and_says_so() -> None:
    how = DoneShare(method="done-share", obligation="satisfaction-survey")
    edition = an_edition_with(lambda rules: with_sheet(rules, {"how": how}))
    card = a_card(a_clean_july(), edition)
    (process,) = [part for part in card.sections[0].parts if part.key == "process"]

    assert process.value == 48
    assert process.note == "nothing-due"


def test_a_running_month_counts_the_weeks_that_are_done() -> None:
    # As of Monday 13 July two of five weeks are inspected: 3 × 2/5 = 1.2.
    assert a_card(a_clean_july(), as_of="2026-07-13 00:00").items["sales-desk"] == Decimal("1.2")


def test_a_week_with_two_desks_is_done_when_both_were_inspected() -> None:
    # Only the first desk was inspected each week: 3 × 0/5.
    told = a_clean_july()
    told.established("second-desk", "sales-desk", "chongqing-branch", "chongqing")

    def change(rules: Rules) -> Rules:
        duties = rules.obligations
        rule = duties.obligations["sales-desk-inspection"].model_copy(update={"about": "sales-desk"})
        changed = {**duties.obligations, "sales-desk-inspection": rule}
        return rules.model_copy(update={"obligations": duties.model_copy(update={"obligations": changed})})

    assert a_card(told, an_edition_with(change)).items["sales-desk"] == 0


def test_points_on_an_item_that_the_sheet_of_the_month_no_longer_has_stay_listed() -> None:
    told = a_clean_july()
    told.registered("A", "2026-07-01 09:00")
    told.missed("A", "2026-07-03 09:00")
    edition = an_edition_with(lambda rules: with_offences(rules, missed_step={"item": "gone"}))
    result = a_result(told.facts, edition)

    assert [posting.item for posting in result.postings if posting.rule == "missed-step"] == ["gone"]
    assert a_card(told, edition).total == 100


def test_a_unit_that_existed_for_a_part_of_the_month_has_a_card_that_says_so() -> None:
    told = a_clean_july()
    told.established("wuxi-branch", "branch", on="2026-07-15")
    cards = {card.unit: card.whole_month for card in a_result(told.facts).scorecards}

    assert cards == {BRANCH: True, "wuxi-branch": False}


OFFENCES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["missed", "handled", "finding", "incomplete", "elements", "unsent", "archives"]),
        st.integers(2, 28),
    ),
    max_size=12,
)


def tell(told: Told, number: int, case: str, what: str, day: int) -> None:
    """Tell one thing that goes wrong on a day of July."""
    time = f"2026-07-{day:02d} 09:00"
    report = "major-complaint"
    wrongs: dict[str, Callable[[], object]] = {
        "missed": lambda: told.missed(case, time, f"step{number}"),
        "handled": lambda: told.missed(case, time, "handled"),
        "finding": lambda: told.finding(f"F{number}", time, "shirking", case=case),
        "incomplete": lambda: told.amended(case, time, missing=["phone"]),
        "elements": lambda: told.done(case, time, f"s{number}", report=report, missing_elements=("cause",)),
        "unsent": lambda: told.missed(case, time, f"report{number}", report=report),
        "archives": lambda: told.inspected(f"I{number}", time, "archives", failed=["timely"]),
    }
    wrongs[what]()


def a_bad_july(wrongs: Sequence[tuple[int, str, int]], without: int | None = None) -> Told:
    told = a_clean_july()
    for case in range(6):
        told.registered(f"case{case}", "2026-07-01 09:00")
    for number, (case, what, day) in enumerate(wrongs):
        if number != without:
            tell(told, number, f"case{case}", what, day)
    return told


@settings(max_examples=30, deadline=None)
@given(OFFENCES)
def test_every_value_is_between_nothing_and_full_marks(wrongs: list[tuple[int, str, int]]) -> None:
    card = a_card(a_bad_july(wrongs))
    scores = [*card.sections, *(item for section in card.sections for item in section.parts)]

    assert all(0 <= score.value <= (score.of or 0) for score in scores)
    assert 0 <= card.total <= card.of
    assert card.total == sum(section.value for section in card.sections)


@settings(max_examples=30, deadline=None)
@given(OFFENCES.filter(bool), st.data())
def test_taking_an_offence_away_never_lowers_a_score(
    wrongs: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    """INVARIANT: in one month, less that went wrong is never worse.

    What breaks it: an offence that replaces dearer ones, or a sum that is cut off before it is added up.
    """
    without = data.draw(st.integers(0, len(wrongs) - 1))

    assert a_card(a_bad_july(wrongs, without)).total >= a_card(a_bad_july(wrongs)).total


def test_a_card_is_of_its_month() -> None:
    card = a_card(a_clean_july())

    assert (card.month, card.whole_month) == (str(Month(2026, 7)), True)
    assert card.of == 100
    assert replace(card, total=Decimal(0)).items == card.items
