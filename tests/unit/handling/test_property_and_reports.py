"""Matters of the property company (JK-06, JK-08), risks to reputation (JK-07), and report elements (JK-17)."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.handling.domain.refusals import (
    AlreadyDoneError,
    MissingPartsError,
    NotInProcedureError,
    SamePersonError,
    TimeRefusedError,
    UnknownKeyError,
)
from shared.events.handling import CaseResolved, DeadlineMissed, ReportExcepted, StepCompleted
from tests.unit.handling.builders import (
    ACCEPTED,
    AGREED,
    ALL_ELEMENTS,
    IN_LIEU,
    Story,
    a_story,
    an_actor,
)


def a_handover_story(liable: str = "developer") -> Story:
    """A major complaint handed over by the property company; cause found on 2 July at 08:00."""
    story = a_story(class_="property-handover", item="sanitary-electrical", channel="property-company")
    story.find("07-02 08:00", liable=liable)
    return story


@pytest.mark.rule("JK-06")
def test_a_matter_of_the_property_company_is_passed_on_against_signature_within_24_hours() -> None:
    story = a_story(class_="property-company")

    with pytest.raises(MissingPartsError, match=r"signatures\.property-company"):
        story.step("notice", "07-02 08:00", evidence={"transfer-sheet": "f1"})
    story.step(
        "notice", "07-02 08:00", evidence={"transfer-sheet": "f1"}, signatures={"property-company": "f1"}
    )
    story.step("result", "07-06 08:00", outcome="mended")

    # 1 July 09:00 + 24 h; without an item only the passing on has a limit.
    assert (story.due("notice"), story.due("rectify"), story.missed) == ("07-02 09:00", "-", [])
    assert story.case.status == "resolved"


@pytest.mark.rule("JK-06")
def test_the_tables_limits_apply_to_what_the_property_company_mends() -> None:
    story = a_story(class_="property-company", item="water-supply")

    story.step(
        "notice", "07-02 08:00", evidence={"transfer-sheet": "f1"}, signatures={"property-company": "f1"}
    )

    # Secondary water supply: 2 days from the passing on.
    assert story.due("rectify") == "07-04 08:00"
    assert story.sweep("07-04 08:00") == ["rectify#1 07-04 08:00"]


@pytest.mark.rule("JK-06")
def test_a_reopened_matter_of_the_property_company_is_mended_and_resolved_again() -> None:
    story = a_story(class_="property-company", item="water-supply")
    story.step(
        "notice", "07-02 08:00", evidence={"transfer-sheet": "f1"}, signatures={"property-company": "f1"}
    )
    story.step("rectify", "07-03 08:00")
    story.step("result", "07-03 09:00", outcome="mended")
    story.do("reopen", "07-06 08:00", reason="it leaks again")

    story.step("rectify", "07-07 08:00")
    story.step("result", "07-07 09:00", outcome="mended for good")

    assert (story.case.status, story.missed) == ("resolved", [])


@pytest.mark.rule("JK-07")
def test_a_risk_to_reputation_is_told_on_the_day_of_receipt_whatever_the_procedure() -> None:
    story = a_story(class_="general", flags=["reputation-risk"], received="07-01 21:00")

    # The procedure's own clocks run beside it.
    assert (story.due("alert"), story.due("facts")) == ("07-02 00:00", "07-03 21:00")
    assert story.sweep("07-02 00:00") == ["alert#1 07-02 00:00"]
    assert story.last(DeadlineMissed).report == "major-complaint"


@pytest.mark.rule("JK-07")
def test_a_risk_that_shows_later_is_told_on_the_day_on_which_it_shows() -> None:
    story = a_story(class_="general")

    story.do("reclassify", "07-02 15:00", flags=["reputation-risk"], reason="the owners gather")
    story.step("alert", "07-02 23:00", elements=ALL_ELEMENTS)

    assert (story.due("alert"), story.missed) == ("07-03 00:00", [])


@pytest.mark.rule("JK-07")
def test_a_flag_taken_back_takes_its_report_with_it() -> None:
    story = a_story(class_="general", flags=["reputation-risk"])
    story.sweep("07-02 08:00")

    told = story.do("reclassify", "07-02 09:00", flags=[], reason="flagged by mistake")

    assert told == ["case.reclassified.v1", "deadline.cleared.v1"]
    assert story.missed == []
    with pytest.raises(NotInProcedureError, match="has no step 'alert'"):
        story.step("alert", "07-02 10:00")


@pytest.mark.rule("JK-08")
def test_cause_within_24_hours_then_the_report_on_that_day_and_agreement_within_24_hours() -> None:
    story = a_handover_story()

    assert (story.due("cause"), story.due("report"), story.due("agreement")) == (
        "07-02 09:00",
        "07-03 00:00",
        "07-03 08:00",
    )
    assert story.sweep("07-03 08:00") == ["report#1 07-03 00:00", "agreement#1 07-03 08:00"]


@pytest.mark.rule("JK-08")
def test_who_is_liable_must_be_found_because_the_procedure_goes_on_by_it() -> None:
    story = a_story(class_="property-handover", item="glass")

    with pytest.raises(MissingPartsError, match="developer"):
        story.find("07-02 08:00")
    with pytest.raises(UnknownKeyError, match="liable"):
        story.find("07-02 08:00", liable="nobody")


@pytest.mark.rule("JK-08")
def test_where_the_developer_is_not_liable_the_matter_ends_with_an_explanation() -> None:
    story = a_handover_story(liable="third-party")
    story.step("report", "07-02 10:00", elements=ALL_ELEMENTS)

    story.step("explain", "07-03 08:00", evidence={"explanation-note": "f2"})

    assert (story.case.status, story.due("agreement"), story.missed) == ("resolved", "-", [])


@pytest.mark.rule("JK-08")
def test_an_agreed_repair_needs_the_owners_signature_on_plan_and_result() -> None:
    story = a_handover_story()
    story.step("report", "07-02 10:00", elements=ALL_ELEMENTS)
    told = story.do("propose-settlement", "07-03 07:00", way="rectification", **AGREED)

    # Nobody has to sign a rectification here, so it holds at once.
    assert told == ["settlement.proposed.v1", "settlement.approved.v1", "step.completed.v1"]
    with pytest.raises(MissingPartsError, match=r"signatures\.owner"):
        story.step("notice", "07-04 08:00", evidence={"rectification-plan": "f2"})
    story.step("notice", "07-04 08:00", evidence={"rectification-plan": "f2"}, signatures={"owner": "f2"})
    # Sanitary ware: 15 days from the notice.
    assert story.due("rectify") == "07-19 08:00"
    story.step("rectify", "07-18 08:00", person="engineer")
    with pytest.raises(MissingPartsError, match=r"signatures\.owner"):
        story.do("accept-result", "07-18 09:00", standard_met=True, evidence={"acceptance-sheet": "f3"})
    story.do("accept-result", "07-18 09:00", **ACCEPTED)

    assert (story.case.status, story.missed) == ("resolved", [])


@pytest.mark.rule("JK-08")
def test_payment_instead_of_the_repair_needs_the_leaders_approval_and_seven_days() -> None:
    story = a_handover_story()
    story.step("report", "07-02 10:00", elements=ALL_ELEMENTS)
    story.do("propose-settlement", "07-03 07:00", **IN_LIEU)

    story.do("approve-settlement", "07-04 10:00", deposit="10000")

    assert (story.due("pay"), story.case.way) == ("07-11 10:00", "payment-in-lieu")
    story.step("pay", "07-11 09:59", evidence={"payment-slip": "f6"})
    assert (story.last(CaseResolved).way, story.missed) == ("payment-in-lieu", [])


@pytest.mark.rule("JK-17")
def test_a_report_tells_which_of_its_six_elements_are_missing() -> None:
    story = a_handover_story()

    story.step("report", "07-02 10:00", elements=["customer", "cause"])

    done = story.last(StepCompleted)
    assert (done.report, done.elements) == ("major-complaint", ("customer", "cause"))
    assert done.missing_elements == ("background", "process", "progress", "support")


@pytest.mark.rule("JK-07", "JK-17")
def test_an_empty_alert_lacks_all_six_elements_and_its_sender_excepts_nothing() -> None:
    """INVARIANT: what a report lacks is waived by a leader only.

    What breaks it: taking the sender's word, or no elements for nothing to count.
    """
    story = a_story(class_="general", flags=["reputation-risk"])

    with pytest.raises(ValidationError, match="exempt"):
        story.step("alert", "07-01 10:00", elements=[], exempt=True)
    story.step("alert", "07-01 10:00", elements=[])

    sent = story.last(StepCompleted)
    assert (sent.missing_elements, sent.exempt) == (tuple(ALL_ELEMENTS), False)


@pytest.mark.rule("JK-17")
def test_an_element_that_the_report_does_not_have_is_refused() -> None:
    story = a_handover_story()

    with pytest.raises(UnknownKeyError, match="weather"):
        story.step("report", "07-02 10:00", elements=["weather"])


@pytest.mark.rule("JK-17")
def test_a_leader_excepts_a_special_case_before_its_report_is_sent() -> None:
    story = a_handover_story()
    special: dict[str, Any] = {
        "step": "report",
        "reason": "the press asks today",
        "asked_by": "branch-officer",
    }

    story.do("except-report", "07-02 09:00", **special)
    with pytest.raises(AlreadyDoneError, match="excepted already"):
        story.do("except-report", "07-02 09:30", **special)
    with pytest.raises(TimeRefusedError, match="the exception of the report"):
        story.step("report", "07-02 08:30", elements=["customer"])
    story.step("report", "07-02 10:00", elements=["customer"])

    excepted, sent = story.last(ReportExcepted), story.last(StepCompleted)
    assert (excepted.step, excepted.by, excepted.approved_by) == (
        "report",
        "branch-officer",
        "company-leader",
    )
    assert (sent.exempt, len(sent.missing_elements)) == (True, 5)


@pytest.mark.rule("JK-17")
def test_a_report_that_nobody_excepted_counts_with_what_it_lacks_and_is_not_excepted_later() -> None:
    story = a_handover_story()
    story.step("report", "07-02 10:00", elements=["customer"])

    with pytest.raises(AlreadyDoneError, match="open a dispute"):
        story.do("except-report", "07-02 11:00", step="report", reason="the press asks today")

    assert story.last(StepCompleted).exempt is False


@pytest.mark.rule("JK-17")
def test_who_excepts_a_report_does_not_send_it() -> None:
    story = a_handover_story()
    head = an_actor("branch-head")
    both = head.model_copy(update={"rights": head.rights | {"cases.approve"}})
    story.do("except-report", "07-02 09:00", by=both, step="report", reason="the press asks today")

    with pytest.raises(SamePersonError, match="Let who handles the case send it"):
        story.step("report", "07-02 10:00", by=both, elements=["customer"])


@pytest.mark.rule("JK-17")
def test_a_step_that_sends_no_report_has_no_special_case() -> None:
    story = a_story(class_="explanation")

    with pytest.raises(NotInProcedureError, match="no report"):
        story.do("except-report", "07-01 10:00", step="explain", reason="the press asks today")
