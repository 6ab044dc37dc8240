"""Engineering quality: general (JK-04), major (JK-05), and the limits of rectification (JK-11, JK-12)."""

import pytest

from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotOwedError,
    StandardNotMetError,
    StepOrderError,
)
from shared.events.handling import ResultAccepted, ResultRefused, StepCompleted
from tests.unit.handling.builders import (
    ACCEPTED,
    AGREED,
    ALL_ELEMENTS,
    Story,
    a_story,
    an_engineering_story,
)


def a_major_story(until: str = "approve") -> Story:
    """A major engineering complaint, in time: facts 2 July 08:00, report that day, agreement 4 July 06:00."""
    story = a_story(class_="major-engineering", item="beam-broken")
    story.find("07-02 08:00")
    if until == "facts":
        return story
    story.step("report", "07-02 20:00", elements=ALL_ELEMENTS)
    story.step("negotiate", "07-04 05:00")
    if until == "negotiate":
        return story
    story.do("propose-settlement", "07-04 06:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-05 06:00")
    return story


@pytest.mark.rule("JK-04")
def test_facts_plan_and_notice_follow_each_other_within_24_hours_each() -> None:
    story = an_engineering_story(until="receipt")

    assert story.due("facts") == "07-02 09:00"
    story.find("07-02 08:00")
    assert story.due("plan") == "07-03 08:00"
    story.step("plan", "07-03 07:00", evidence={"rectification-plan": "f1"})
    assert story.due("notice") == "07-04 07:00"
    story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})

    # The notice starts the table's limit: a lift 5 days.
    assert (story.due("rectify"), story.missed) == ("07-09 06:00", [])


@pytest.mark.rule("JK-04")
@pytest.mark.parametrize(("at", "missed"), [("07-02 08:59:59", []), ("07-02 09:00", ["facts#1 07-02 09:00"])])
def test_the_facts_are_in_time_until_24_hours_have_passed(at: str, missed: list[str]) -> None:
    story = an_engineering_story(until="receipt")

    story.find(at)

    assert story.missed == missed


@pytest.mark.rule("JK-04")
def test_a_notice_without_an_item_would_start_no_limit_and_is_refused() -> None:
    story = an_engineering_story(until="plan", item="")

    with pytest.raises(MissingPartsError, match="item"):
        story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})


@pytest.mark.rule("JK-04")
def test_a_refused_result_starts_the_same_limit_again_as_its_next_run() -> None:
    story = an_engineering_story()

    story.do("refuse-result", "07-09 07:00", reason="the lift still stops between floors")

    # 9 July 07:00 + 5 days.
    assert (story.due("rectify"), story.last(ResultRefused).occurrence) == ("07-14 07:00", 1)
    story.step("rectify", "07-14 07:00", person="engineer")
    assert story.missed == ["rectify#2 07-14 07:00"]
    assert story.last(StepCompleted).occurrence == 2


@pytest.mark.rule("JK-04")
def test_a_result_below_the_national_standard_is_not_accepted_whatever_the_owner_says() -> None:
    story = an_engineering_story()

    with pytest.raises(StandardNotMetError, match="refuse-result"):
        story.do("accept-result", "07-09 08:00", **{**ACCEPTED, "standard_met": False})


@pytest.mark.rule("JK-04")
def test_the_owners_acceptance_resolves_the_case() -> None:
    story = an_engineering_story()

    told = story.do("accept-result", "07-09 08:00", **ACCEPTED)

    assert told == ["result.accepted.v1", "step.completed.v1", "case.resolved.v1"]
    assert (story.case.status, story.last(ResultAccepted).evidence) == ("resolved", ("acceptance-sheet:f3",))


@pytest.mark.rule("JK-04")
def test_there_is_nothing_to_accept_or_refuse_before_the_rectification() -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(StepOrderError, match="Complete the step 'rectify' first"):
        story.do("accept-result", "07-05 08:00", **ACCEPTED)
    with pytest.raises(StepOrderError, match="Complete the step 'rectify' first"):
        story.do("refuse-result", "07-05 08:00", reason="not done")


@pytest.mark.rule("JK-04")
def test_after_a_refusal_the_rectification_must_be_done_anew_before_it_is_accepted() -> None:
    story = an_engineering_story()
    story.do("refuse-result", "07-09 07:00", reason="no better")

    with pytest.raises(StepOrderError, match="rectify"):
        story.do("accept-result", "07-10 08:00", **ACCEPTED)


@pytest.mark.rule("JK-11")
@pytest.mark.parametrize(
    ("item", "due"),
    # The notice goes out on 4 July at 06:00.
    [
        ("warped-ironmongery-blocked", "07-09 06:00"),
        ("lift", "07-09 06:00"),
        ("fire-protection", "07-09 06:00"),
        ("communications", "07-09 06:00"),
        ("water-supply", "07-06 06:00"),
        ("sanitary-electrical", "07-19 06:00"),
        ("doors-windows", "07-19 06:00"),
        ("glass", "07-19 06:00"),
        ("security-door", "07-19 06:00"),
        ("railing", "07-11 06:00"),
    ],
)
def test_other_items_count_from_the_notice(item: str, due: str) -> None:
    assert an_engineering_story(until="notice", item=item).due("rectify") == due


@pytest.mark.rule("JK-11")
@pytest.mark.parametrize(
    ("item", "due"),
    # The works begin on 10 July at 08:00; a month later is 10 August.
    [
        ("infill-wall", "08-10 08:00"),
        ("waterproofing", "07-25 08:00"),
        ("plaster-floor", "07-20 08:00"),
        ("tiles-panelling", "07-20 08:00"),
        ("beam-axis", "07-25 08:00"),
        ("beam-broken", "07-25 08:00"),
        ("slab-dimensions", "07-25 08:00"),
    ],
)
def test_civil_works_count_from_their_actual_start(item: str, due: str) -> None:
    story = an_engineering_story(until="notice", item=item)
    before = story.due("rectify")

    story.do("start-works", "07-10 08:00")

    assert (before, story.due("rectify")) == ("-", due)


@pytest.mark.rule("JK-11")
def test_civil_works_cannot_be_complete_before_their_start_is_recorded() -> None:
    """INVARIANT: leaving the start of the works out does not take the limit away.

    What breaks it: letting a step be done whose clock never started.
    """
    story = an_engineering_story(until="notice", item="waterproofing")

    with pytest.raises(StepOrderError, match="works-start"):
        story.step("rectify", "07-30 08:00", person="engineer")


@pytest.mark.rule("JK-11")
def test_works_start_once_a_round() -> None:
    story = an_engineering_story(until="notice", item="waterproofing")
    story.do("start-works", "07-10 08:00")

    with pytest.raises(AlreadyDoneError):
        story.do("start-works", "07-11 08:00")


@pytest.mark.rule("JK-11")
def test_no_limit_outlasts_the_warranty() -> None:
    story = a_story(class_="general-engineering", item="glass")
    story.find("07-02 08:00", warranty_before="2026-07-10T00:00:00+08:00")
    story.step("plan", "07-03 07:00", evidence={"rectification-plan": "f1"})

    story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})

    # 15 days would be 19 July; the warranty ends before.
    assert story.due("rectify") == "07-10 00:00"


@pytest.mark.rule("JK-11")
def test_a_warranty_that_ended_before_bounds_nothing() -> None:
    story = a_story(class_="general-engineering", item="glass")
    story.find("07-02 08:00", warranty_before="2026-07-03T00:00:00+08:00")
    story.step("plan", "07-03 07:00", evidence={"rectification-plan": "f1"})

    story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})

    assert story.due("rectify") == "07-19 06:00"


@pytest.mark.rule("JK-12")
def test_a_date_fixed_with_the_owner_replaces_the_table() -> None:
    story = an_engineering_story(until="notice")

    story.do("agree-date", "07-05 08:00", step="rectify", on="2026-07-20", evidence={"agreement": "f5"})
    story.step("rectify", "07-20 23:59", person="engineer")

    # "By the 20th" ends with the 20th; the table would have said 9 July.
    assert (story.due("rectify"), story.missed) == ("07-21 00:00", [])


@pytest.mark.rule("JK-05")
def test_a_major_complaint_is_reported_on_the_day_on_which_its_facts_are_found() -> None:
    in_time, late = a_major_story("facts"), a_major_story("facts")

    in_time.step("report", "07-02 23:59", elements=ALL_ELEMENTS)
    late.step("report", "07-03 00:00", elements=ALL_ELEMENTS)

    assert (in_time.missed, late.missed) == ([], ["report#1 07-03 00:00"])


@pytest.mark.rule("JK-05")
def test_48_hours_to_negotiate_and_15_days_to_report_a_deadlock_run_from_the_facts() -> None:
    story = a_major_story("facts")

    # 2 July 08:00 + 48 h; the 15th day is 17 July and runs to its midnight.
    assert (story.due("negotiate"), story.due("deadlock-report")) == ("07-04 08:00", "07-18 00:00")


@pytest.mark.rule("JK-05")
def test_an_agreement_within_15_days_makes_the_deadlock_report_void() -> None:
    story = a_major_story("negotiate")

    story.do("propose-settlement", "07-17 20:00", way="rectification", **AGREED)
    story.sweep("07-18 12:00")

    assert story.missed == []
    with pytest.raises(NotOwedError, match="agreement"):
        story.step("deadlock-report", "07-18 13:00", elements=ALL_ELEMENTS)


@pytest.mark.rule("JK-05")
def test_without_an_agreement_the_deadlock_report_is_missed_when_the_15th_day_ends() -> None:
    story = a_major_story("negotiate")

    told = story.sweep("07-18 00:00")
    story.do("propose-settlement", "07-18 09:00", way="rectification", **AGREED)

    # What comes at the end of the day or after it cures nothing.
    assert told == ["deadlock-report#1 07-18 00:00"]
    assert story.missed == ["deadlock-report#1 07-18 00:00"]


@pytest.mark.rule("JK-05")
def test_both_reports_of_a_major_complaint_carry_their_kind_and_missing_elements() -> None:
    story = a_major_story("facts")
    story.step("report", "07-02 20:00", elements=["customer", "cause", "process", "progress", "support"])
    story.step("negotiate", "07-03 08:00", outcome="no agreement yet")

    story.step("deadlock-report", "07-17 20:00", elements=ALL_ELEMENTS)

    reports = [event for event in story.told(StepCompleted) if event.report == "major-complaint"]
    assert [(event.step, event.missing_elements) for event in reports] == [
        ("report", ("background",)),
        ("deadlock-report", ()),
    ]


@pytest.mark.rule("JK-05")
def test_the_leader_signs_the_agreement_within_48_hours() -> None:
    story = a_major_story("negotiate")
    story.do("propose-settlement", "07-04 06:00", way="rectification", **AGREED)

    assert story.due("approve") == "07-06 06:00"
    story.do("approve-settlement", "07-06 06:00")

    assert story.missed == ["approve#1 07-06 06:00"]


@pytest.mark.rule("JK-05")
def test_an_agreed_rectification_goes_on_with_notice_works_and_acceptance() -> None:
    story = a_major_story()

    story.step("notice", "07-06 08:00", evidence={"rectification-notice": "f2"})
    story.do("start-works", "07-08 08:00")
    # A broken beam: 15 days from the start of the works.
    assert story.due("rectify") == "07-23 08:00"
    story.step("rectify", "07-20 08:00", person="engineer")
    story.do("accept-result", "07-21 08:00", **ACCEPTED)

    assert (story.case.status, story.case.way, story.missed) == ("resolved", "rectification", [])
