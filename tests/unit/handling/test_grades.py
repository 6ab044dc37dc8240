"""Grades, tiers and service lines: what they change in a case."""

from typing import Any

import pytest

from services.handling import domain
from services.handling.domain.refusals import NotPermittedByRulebookError, UnknownKeyError
from shared.events.handling import CaseClosed, CaseOpened, CaseReclassified, CaseResolved, FindingMade
from tests.unit.handling.builders import Story, a_registration, a_rule, a_step, an_edition


def a_row(**limit: object) -> dict[str, object]:
    return {"title": {"zh": "行", "en": "row"}, "limit": limit, "counts_from": "receipt"}


INTAKE: dict[str, Any] = {
    "grades": {
        "grade-1": a_rule(rank=1, floor_for=[{"flag": "danger"}]),
        "grade-2": a_rule(rank=2),
        "grade-3": a_rule(rank=3, presumed=True),
    },
    "tiers": {"safety": a_rule(applies={"service": "leak"}), "ordinary": a_rule()},
    "services": {"leak": a_rule(), "metering": a_rule()},
    "flags": {"danger": a_rule()},
    "kinds": {
        "complaint": a_rule(graded=True, services=["leak", "metering"]),
        "request": a_rule(services=["leak", "metering"]),
    },
}
TABLES = {
    "by-grade": a_rule(
        by="grade",
        rows={"grade-1": a_row(hours=24), "grade-2": a_row(hours=72), "grade-3": a_row(working_days=5)},
    ),
    "by-tier": a_rule(by="tier", rows={"safety": a_row(hours=48), "ordinary": a_row(working_days=5)}),
    "by-service": a_rule(by="service", rows={"leak": a_row(hours=2), "metering": a_row(hours=8)}),
}
STEPS = {
    "call": a_step(within={"table": "by-service"}),
    "solve": a_step(within={"table": ["by-grade", "by-tier"]}, resolves=True),
}
PLAN = {"alarm": a_step(after="receipt", within={"minutes": 30})}
EDITION = an_edition(
    {
        "validities": {"verified": a_rule(presumed=True), "valid": a_rule()},
        "procedures": {
            "one": a_rule(applies={"kind": ["complaint", "request"]}, steps=STEPS),
            "plan": a_rule(applies={"grade": "grade-1"}, overlay=True, steps=PLAN),
        },
    },
    limits={"tables": TABLES},
    intake=INTAKE,
)


def a_graded_story(**registration: object) -> Story:
    """A complaint about metering, received on Wednesday 1 July 2026 at 9."""
    return Story(a_registration(class_="", **{"service": "metering", **registration}), EDITION)


@pytest.mark.rule("XA-03")
def test_until_a_grade_is_found_the_presumed_one_sets_the_limit() -> None:
    story = a_graded_story()

    # Five working days from Wed 1 July 9:00: Thu, Fri, Mon, Tue, Wed 8 July 9:00.
    assert (story.case.grade, story.due("solve")) == ("grade-3", "07-08 09:00")
    assert story.last(CaseOpened).grade == "grade-3"


@pytest.mark.rule("XA-03")
def test_the_limit_of_a_grade_that_is_found_later_runs_from_receipt() -> None:
    story = a_graded_story()

    story.find("07-02 08:00", validity="valid", grade="grade-2")

    # 72 hours from Wed 1 July 9:00.
    assert story.due("solve") == "07-04 09:00"
    assert (story.last(FindingMade).grade, story.last(FindingMade).tier) == ("grade-2", "ordinary")


@pytest.mark.rule("XA-13")
@pytest.mark.parametrize(
    ("grade", "service", "due"),
    [
        # Grade 3 has five working days, the safety tier 48 hours: the tier's end comes first.
        ("", "leak", "07-03 09:00"),
        # Grade 1 has 24 hours: the grade's end comes first.
        ("grade-1", "leak", "07-02 09:00"),
    ],
)
def test_of_two_tables_the_row_that_ends_first_holds(grade: str, service: str, due: str) -> None:
    story = a_graded_story(service=service, grade=grade)

    assert story.due("solve") == due
    assert story.sweep("07-31 00:00")[-1] == f"solve#1 {due}"


def test_a_service_line_names_its_row() -> None:
    assert a_graded_story(service="leak").due("call") == "07-01 11:00"
    assert a_graded_story().due("call") == "07-01 17:00"


def test_a_matter_without_service_has_no_row_in_its_table() -> None:
    assert a_graded_story(service="").due("call") == "-"


@pytest.mark.rule("XA-01", "XA-02")
def test_a_flag_raises_the_grade_and_brings_the_emergency_plan_until_it_is_taken_back() -> None:
    story = a_graded_story(flags=["danger"], grade="grade-1")
    before = (story.case.grade, story.due("alarm"), story.due("solve"))

    story.do("reclassify", "07-01 09:10", flags=[], reason="no danger after all")

    assert before == ("grade-1", "07-01 09:30", "07-02 09:00")
    assert (story.case.grade, story.due("alarm"), story.due("solve")) == ("grade-3", "-", "07-08 09:00")
    assert story.last(CaseReclassified).grade == "grade-3"


def test_a_grade_that_was_stated_at_registration_stays_without_its_flag() -> None:
    story = a_graded_story(grade="grade-2")

    story.do("reclassify", "07-01 09:10", service="leak", reason="it leaks")

    assert (story.case.grade, story.case.tier) == ("grade-2", "safety")


@pytest.mark.rule("XA-01")
def test_nobody_finds_a_grade_that_is_milder_than_the_floor() -> None:
    story = a_graded_story(flags=["danger"])

    with pytest.raises(NotPermittedByRulebookError, match="'grade-1' at least"):
        story.find("07-01 10:00", grade="grade-2")


def test_only_what_has_grades_is_found_to_be_of_one() -> None:
    story = a_graded_story(kind="request")

    assert (story.case.grade, story.case.tier) == ("", "ordinary")
    with pytest.raises(UnknownKeyError, match="no grade 'grade-2'"):
        story.find("07-01 10:00", grade="grade-2")
    with pytest.raises(UnknownKeyError, match="no service 'gas'"):
        story.do("reclassify", "07-01 10:00", service="gas", reason="r")


def test_what_the_end_tells_is_enough_to_choose_a_callback_plan() -> None:
    story = a_graded_story(service="leak", channel="telephone")
    story.step("call", "07-01 10:00")

    story.step("solve", "07-02 08:00", outcome="mended")
    story.do("close", "07-02 09:00")

    resolved, closed = story.last(CaseResolved), story.last(CaseClosed)
    told = ("grade-3", "safety", "leak", "telephone", "one", "customer-1", 1)
    for end in (resolved, closed):
        assert (end.grade, end.tier, end.service, end.channel) == told[:4]
        assert (end.procedure, end.customer, end.occurrence) == told[4:]


def test_conditions_take_a_matter_for_what_is_presumed_of_it() -> None:
    edition = an_edition(
        {
            "validities": {"verified": a_rule(presumed=True), "unfounded": a_rule()},
            "procedures": {
                "verified": a_rule(applies={"validity": "verified"}, steps={"mend": a_step()}),
                "unfounded": a_rule(applies={"validity": "unfounded"}, steps={"tell": a_step()}),
            },
        }
    )
    story = Story(a_registration(), edition)
    before = story.case.procedure

    story.find("07-02 08:00", validity="unfounded")

    assert (before, story.case.procedure) == ("verified", "unfounded")


@pytest.mark.rule("LN-06")
def test_who_takes_it_first_answers_for_it_to_the_end() -> None:
    intake = {"kinds": {"complaint": a_rule(first_contact=True)}}
    procedures = {"one": a_rule(applies={}, steps={"answer": a_step()})}
    story = Story(a_registration(), an_edition({"procedures": procedures}, intake=intake))
    first = story.case.person

    story.do("transfer", "07-01 10:00", to_unit="chongqing", reason="beyond the branch")
    second = (story.case.unit, story.case.person)
    story.do("transfer", "07-01 11:00", to_unit="group", person="expert", reason="to the group")

    assert (first, second, story.case.person) == ("first-taker", ("chongqing", "first-taker"), "expert")


def test_a_matter_about_another_unit_is_that_units_from_receipt() -> None:
    story = a_graded_story(unit="call-centre", about_unit="chongqing-branch")

    assert (story.case.unit, story.case.taken_by) == ("chongqing-branch", "call-centre")
    assert {item.unit for item in story.happened} == {"chongqing-branch"}


def test_a_case_keeps_its_grade_through_storage() -> None:
    case = a_graded_story(service="leak", grade="grade-2").case

    stored = domain.Case.model_validate(case.model_dump(mode="json", exclude_defaults=True))

    assert stored == case
