"""The general regulation on the same engine: answers in time (QS-01), service (QS-04), complaints (QS-06)."""

from typing import Any

import pytest

from services.handling.domain.refusals import MissingPartsError, NotInProcedureError, StepOrderError
from tests.builders_rules import an_edition as the_edition
from tests.unit.handling.builders import Story, a_registration, a_rule, a_step, an_actor, an_edition


def a_general_story(kind: str, class_: str = "") -> Story:
    return Story(a_registration(kind=kind, class_=class_), the_edition("general"))


@pytest.mark.rule("QS-01")
@pytest.mark.parametrize(
    ("at", "missed"), [("07-02 08:59:59", []), ("07-02 09:00", ["respond#1 07-02 09:00"])]
)
def test_a_request_is_answered_within_24_hours_round_the_clock(at: str, missed: list[str]) -> None:
    story = a_general_story("enquiry")

    story.step("respond", at)

    assert story.missed == missed


@pytest.mark.rule("QS-04")
def test_a_service_is_answered_passed_on_and_delivered_in_this_order() -> None:
    story = a_general_story("enquiry")

    with pytest.raises(StepOrderError, match="respond"):
        story.step("deliver", "07-01 10:00")
    story.step("respond", "07-01 10:00")
    story.step("pass-on", "07-01 11:00")
    story.step("deliver", "07-03 10:00")
    story.do("close", "07-03 11:00")

    assert (story.case.status, story.missed) == ("closed", [])


@pytest.mark.rule("QS-06")
def test_a_complaint_is_investigated_by_a_named_person_and_its_result_told_within_ten_days() -> None:
    story = a_general_story("complaint", "attitude")
    story.step("respond", "07-01 15:00")

    with pytest.raises(MissingPartsError, match="person"):
        story.find("07-05 08:00", evidence={"findings": "f1"})
    story.find("07-05 08:00", evidence={"findings": "f1"}, person="investigator-1")
    # 1 July 09:00 + 10 days.
    assert story.due("result") == "07-11 09:00"
    story.step("result", "07-11 09:00")

    assert story.missed == ["result#1 07-11 09:00"]


@pytest.mark.rule("QS-06")
def test_the_result_is_told_after_the_investigation_and_the_remedy_after_the_result() -> None:
    story = a_general_story("complaint", "attitude")

    with pytest.raises(StepOrderError, match=r"'investigate' \(command 'make-finding'\)"):
        story.step("result", "07-05 08:00")
    story.find("07-05 08:00", evidence={"findings": "f1"}, person="investigator-1")
    story.step("result", "07-06 08:00")
    story.step("remedy", "07-07 08:00")

    assert story.case.status == "resolved"


@pytest.mark.rule("QS-06")
def test_where_the_rulebook_needs_no_reason_for_a_finding_none_is_asked() -> None:
    story = a_general_story("complaint", "attitude")
    papers: dict[str, Any] = {"evidence": {"findings": "f1"}, "person": "investigator-1"}

    with pytest.raises(MissingPartsError, match="reason"):
        story.find("07-05 08:00", validity="invalid", reason="", **papers)
    story.find("07-05 08:00", validity="valid", reason="", **papers)

    assert story.case.validity == "valid"


@pytest.mark.rule("QS-04")
def test_a_rulebook_without_settlements_pauses_or_extensions_refuses_them() -> None:
    story = a_general_story("complaint", "attitude")

    with pytest.raises(NotInProcedureError):
        story.do("propose-settlement", "07-02 08:00", way="explanation")
    with pytest.raises(NotInProcedureError):
        story.do("refuse-result", "07-02 08:00", reason="not good")
    with pytest.raises(NotInProcedureError):
        story.do("start-works", "07-02 08:00")


@pytest.mark.rule("QS-01")
@pytest.mark.parametrize(
    ("stops_at", "missed"),
    # The answer comes after 2 h, the solution after 4 h, the closing after 5 h; the limit is 3 h.
    [
        ("first-answer", []),
        ("first-step", []),
        ("resolution", ["watched#1 07-01 12:00"]),
        ("closing", ["watched#1 07-01 12:00"]),
    ],
)
def test_a_watch_runs_until_what_it_watches_for(stops_at: str, missed: list[str]) -> None:
    steps = {"answer": a_step(answers=True), "solve": a_step(resolves=True)}
    watches = {"watched": a_rule(within={"hours": 3}, stops_at=stops_at)}
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    story = Story(a_registration(), an_edition({"procedures": procedures, "watches": watches}))

    story.step("answer", "07-01 11:00")
    story.step("solve", "07-01 13:00")
    story.do("close", "07-01 14:00")

    assert story.missed == missed


def test_a_chain_of_two_is_signed_in_its_order_by_two_persons() -> None:
    ways = {"refund": a_rule(has_amount=True, approvals=["service-head", "quality-head"], payer="company")}
    steps = {
        "agree": a_step(done_by="settlement"),
        "pay": a_step(after="approval", within={"days": 3}, when={"way": "refund"}, resolves=True),
    }
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    edition = an_edition({"procedures": procedures, "ways": ways})
    story = Story(a_registration(), edition)
    story.do("propose-settlement", "07-02 08:00", way="refund", amount="12.50")

    first = story.do("approve-settlement", "07-02 09:00", by=an_actor("service-head", edition=edition))
    before = story.due("pay")
    second = story.do("approve-settlement", "07-02 10:00", by=an_actor("quality-head", edition=edition))

    # The payment counts from the last signature.
    assert (first, before) == (["settlement.signed.v1"], "-")
    assert (second, story.due("pay")) == (["settlement.approved.v1"], "07-05 10:00")
