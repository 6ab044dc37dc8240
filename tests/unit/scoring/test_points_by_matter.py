"""Points that a matter costs by itself: registered, found, re-opened. And callbacks of some plans only."""

from decimal import Decimal
from typing import Any

import pytest

from services.scoring.domain.fold import MonthResult, fold
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Match
from shared.rulebook.schema.triggers import CallbackFault, OfMatter
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition_with, with_offences

GRADES = {"grade-1": Decimal(-5), "grade-2": Decimal(-3)}


def an_edition_pricing(*, moment: str = "found", **when: Any) -> Edition:  # noqa: ANN401  # fields of a Match
    """Return jinke, where such a matter costs five points."""
    trigger = OfMatter.model_validate({"on": "matter", "moment": moment, "when": Match.model_validate(when)})
    change = {"trigger": trigger, "points": Decimal(-5)}
    return an_edition_with(lambda rules: with_offences(rules, missed_step=change))


def graded() -> Edition:
    """Return jinke, where a valid complaint of grade 1 costs five points and one of grade 2 three (XA-06)."""

    def of(grade: str) -> dict[str, Any]:
        when = Match(kind=("complaint",), validity=("valid",), grade=(grade,))
        return {"trigger": OfMatter(on="matter", moment="found", when=when), "points": GRADES[grade]}

    return an_edition_with(
        lambda rules: with_offences(rules, missed_step=of("grade-1"), never_handled=of("grade-2"))
    )


def posted(told: Told, edition: Edition, month: str = "2026-07") -> list[tuple[str, str]]:
    """Return what the scorecard's two offences post in a month, reversals among it."""
    result = fold(told.facts, edition, month, at("2026-12-31 00:00"))
    assert isinstance(result, MonthResult)
    return [
        (posting.rule, str(posting.points))
        for posting in result.postings
        if posting.rule in {"missed-step", "never-handled"}
    ]


def a_complaint(**more: Any) -> Told:  # noqa: ANN401  # fields of an event
    told = Told().organisation("chongqing")
    told.registered("A", "2026-07-01 09:00", **more)
    return told


@pytest.mark.rule("LN-18")
@pytest.mark.parametrize(
    ("channel", "kind", "costs"),
    [
        ("group", "complaint", [("missed-step", "-5")]),
        ("visit", "complaint", []),
        ("group", "enquiry", []),
    ],
)
def test_a_complaint_to_a_body_above_costs_points_without_any_finding(
    channel: str, kind: str, costs: list[tuple[str, str]]
) -> None:
    edition = an_edition_pricing(moment="registered", kind=["complaint"], channel=["group"])

    assert posted(a_complaint(channel=channel, kind=kind), edition) == costs


@pytest.mark.rule("XA-06")
@pytest.mark.parametrize(
    ("validity", "grade", "costs"),
    [
        ("valid", "grade-1", [("missed-step", "-5")]),
        ("valid", "grade-2", [("never-handled", "-3")]),
        ("valid", "grade-3", []),
        ("invalid", "grade-1", []),
    ],
)
def test_a_valid_complaint_costs_points_by_its_grade(
    validity: str, grade: str, costs: list[tuple[str, str]]
) -> None:
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", validity=validity, grade=grade)

    assert posted(told, graded()) == costs


@pytest.mark.rule("XA-06")
def test_a_later_finding_takes_the_difference_in_its_own_month() -> None:
    """INVARIANT: a matter costs what its standing finding says; what it cost before is taken back, visibly.

    What breaks it: charging every finding, or charging the first one for good.

    July: grade 1, −5. August: grade 2 in its place, +5 −3.
    """
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", grade="grade-1")
    again = told.found_valid("A", "2026-08-05 09:00", grade="grade-2")

    assert posted(told, graded(), "2026-07") == [("missed-step", "-5")]
    assert posted(told, graded(), "2026-08") == [("missed-step", "5"), ("never-handled", "-3")]
    result = fold(told.facts, graded(), "2026-08", at("2026-12-31 00:00"))
    assert isinstance(result, MonthResult)
    back = next(posting for posting in result.postings if posting.reverses)
    assert back.explanation_en[-1] == "reversed: a later finding took its place"
    assert back.explanation_zh[-1] == "冲回：后来的认定取代了它"
    assert again.id in back.evidence


def test_a_finding_that_says_the_same_again_changes_nothing() -> None:
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", grade="grade-1")
    told.found_valid("A", "2026-08-05 09:00", grade="grade-1")

    assert posted(told, graded(), "2026-08") == []


def test_a_corrected_grade_counts_as_corrected() -> None:
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", grade="grade-1")
    told.reclassified("A", "2026-07-20 09:00", grade="grade-2")

    assert posted(told, graded()) == [("never-handled", "-3")]


def test_an_upheld_appeal_against_the_finding_takes_the_points_back() -> None:
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", grade="grade-1")
    told.appeal("A", "2026-08-03 09:00", "finding")

    assert posted(told, graded(), "2026-08") == [("missed-step", "5")]


def test_a_finding_after_the_appeal_counts_again() -> None:
    told = a_complaint()
    told.found_valid("A", "2026-07-02 09:00", grade="grade-1")
    told.appeal("A", "2026-07-03 09:00", "finding")
    told.found_valid("A", "2026-07-06 09:00", grade="grade-2")

    assert posted(told, graded()) == [("never-handled", "-3")]


def test_each_time_that_a_matter_is_opened_again_counts() -> None:
    told = a_complaint()
    told.reopened("A", "2026-07-10 09:00", 2)
    told.reopened("A", "2026-07-20 09:00", 3)

    edition = an_edition_pricing(moment="reopened", kind=["complaint"])

    assert posted(told, edition) == [("missed-step", "-5"), ("missed-step", "-5")]


@pytest.mark.parametrize(
    ("told_plan", "due_plan", "costs"),
    [
        pytest.param("on-site", "on-site", [("missed-step", "-1")], id="one of the plans"),
        pytest.param("other", "other", [], id="another plan"),
        pytest.param("", "on-site", [("missed-step", "-1")], id="told before misses named their plan"),
    ],
)
@pytest.mark.rule("LN-17")
def test_a_missed_callback_costs_points_where_its_plan_is_named(
    told_plan: str, due_plan: str, costs: list[tuple[str, str]]
) -> None:
    trigger = CallbackFault(on="missed-callback", plans=("complaints", "on-site"))
    change = {"trigger": trigger, "points": Decimal(-1)}
    edition = an_edition_with(lambda rules: with_offences(rules, missed_step=change))
    told = a_complaint()
    told.callback_due("A", "2026-07-05 09:00", "2026-07-08 09:00", plan=due_plan)
    told.callback_missed("A", "2026-07-08 09:00", plan=told_plan)

    assert posted(told, edition) == costs
