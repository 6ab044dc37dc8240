"""Invalid complaints (JK-02) and valid general ones (JK-03), step by step against their limits."""

import pytest

from services.handling.domain.refusals import MissingPartsError, NotInProcedureError, StepOrderError
from shared.events.handling import CaseOpened, CaseResolved, FindingMade, StepCompleted
from tests.unit.handling.builders import AGREED, a_story, on


@pytest.mark.rule("JK-03")
def test_until_it_is_found_invalid_a_complaint_is_taken_for_valid_by_its_class() -> None:
    story = a_story(class_="general")

    opened = story.last(CaseOpened)

    assert (opened.procedure, story.case.validity) == ("general", "")
    # 1 July 09:00 + 48 h.
    assert (story.due("facts"), opened.next_due) == ("07-03 09:00", on("07-03 09:00"))


@pytest.mark.rule("JK-02")
def test_an_invalid_complaint_is_explained_within_24_hours_of_the_finding() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00", validity="invalid")

    # 2 July 08:00 + 24 h.
    assert (story.case.procedure, story.due("explain")) == ("invalid", "07-03 08:00")
    story.step("explain", "07-03 07:59", evidence={"explanation-note": "f1"})

    assert story.missed == []
    assert story.last(StepCompleted).in_time is True
    assert [event.way for event in story.told(CaseResolved)] == [""]


@pytest.mark.rule("JK-02")
def test_an_explanation_at_the_very_end_of_the_24_hours_is_too_late() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00", validity="invalid")

    told = story.step("explain", "07-03 08:00", evidence={"explanation-note": "f1"})

    assert told[:2] == ["deadline.missed.v1", "step.completed.v1"]
    assert story.last(StepCompleted).in_time is False


@pytest.mark.rule("JK-02")
def test_the_facts_of_an_invalid_complaint_were_due_in_24_hours_though_48_were_shown_before() -> None:
    story = a_story(class_="general")

    # 30 h after receipt: inside the 48 h of a general complaint, beyond the 24 h of an invalid one.
    told = story.find("07-02 15:00", validity="invalid")

    assert story.missed == ["facts#1 07-02 09:00"]
    assert told == ["finding.made.v1", "step.completed.v1", "deadline.missed.v1"]


@pytest.mark.rule("JK-29")
def test_a_finding_without_a_reason_is_no_finding() -> None:
    story = a_story()

    with pytest.raises(MissingPartsError, match="reason"):
        story.find("07-02 08:00", validity="invalid", reason="")


@pytest.mark.rule("JK-29")
def test_a_finding_tells_its_author_its_reason_and_the_procedure_that_follows() -> None:
    story = a_story()

    story.find("07-02 08:00", validity="invalid", reason="outside what the contract promises")

    finding = story.last(FindingMade)
    assert (finding.by, finding.procedure) == ("branch-officer", "invalid")
    assert finding.reason == "outside what the contract promises"


@pytest.mark.rule("JK-03")
def test_a_general_complaint_runs_48_hours_then_48_then_24_then_ten_days() -> None:
    story = a_story(class_="general")

    story.find("07-03 08:00")
    # 3 July 08:00 + 48 h.
    assert story.due("negotiate") == "07-05 08:00"
    story.do("propose-settlement", "07-05 07:00", way="explanation", **AGREED)
    # 5 July 07:00 + 24 h.
    assert story.due("approve") == "07-06 07:00"
    story.do("approve-settlement", "07-06 06:00")
    # 6 July 06:00 + 10 days.
    assert story.due("carry-out") == "07-16 06:00"
    story.step("carry-out", "07-16 05:59")

    assert (story.case.status, story.missed) == ("resolved", [])


@pytest.mark.rule("JK-03")
def test_each_step_of_a_general_complaint_is_missed_at_its_own_moment() -> None:
    story = a_story(class_="general")

    story.find("07-03 09:00")
    story.do("propose-settlement", "07-05 09:00", way="explanation", **AGREED)
    story.do("approve-settlement", "07-06 09:00")
    story.step("carry-out", "07-16 09:00")

    # Each was done in the very moment at which its time had passed.
    assert story.missed == [
        "approve#1 07-06 09:00",
        "carry-out#1 07-16 09:00",
        "facts#1 07-03 09:00",
        "negotiate#1 07-05 09:00",
    ]


@pytest.mark.rule("JK-03")
def test_negotiating_before_the_facts_are_found_is_refused_with_what_must_come_first() -> None:
    story = a_story(class_="general")

    with pytest.raises(StepOrderError, match=r"First must come: the step 'facts' \(command 'make-finding'\)"):
        story.do("propose-settlement", "07-02 08:00", way="explanation", **AGREED)


@pytest.mark.rule("JK-03")
def test_an_agreement_without_the_owners_signature_is_refused() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")

    with pytest.raises(MissingPartsError, match=r"signatures\.owner"):
        story.do("propose-settlement", "07-03 08:00", way="explanation", evidence={"agreement": "f4"})


@pytest.mark.rule("JK-03")
def test_a_step_that_an_act_completes_is_not_completed_by_its_name() -> None:
    story = a_story(class_="general")

    with pytest.raises(NotInProcedureError, match="make-finding"):
        story.step("facts", "07-02 08:00")


@pytest.mark.rule("JK-10")
def test_an_explanation_at_the_reception_is_due_on_the_same_day() -> None:
    in_time, late = a_story(class_="explanation"), a_story(class_="explanation")

    in_time.step("explain", "07-01 23:59:59")
    late.step("explain", "07-02 00:00")

    assert (in_time.missed, late.missed) == ([], ["explain#1 07-02 00:00"])


@pytest.mark.rule("JK-10")
def test_after_an_investigation_an_explanation_follows_the_procedure_of_invalid_complaints() -> None:
    story = a_story(class_="explanation")

    story.find("07-01 18:00", validity="invalid")

    # 1 July 18:00 + 24 h, instead of the end of 1 July.
    assert (story.case.procedure, story.due("explain")) == ("invalid", "07-02 18:00")
    story.step("explain", "07-02 17:00", evidence={"explanation-note": "f1"})
    assert story.missed == []
