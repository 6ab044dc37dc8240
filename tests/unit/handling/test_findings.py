"""A finding decides the procedure, whose limits hold from receipt; what was done stays done."""

from typing import Any

import pytest

from services.handling.domain.refusals import (
    CaseOverError,
    SamePersonError,
    TimeRefusedError,
    UnknownKeyError,
)
from shared.errors import RulebookGapError
from shared.events.handling import CaseReclassified, DeadlineCleared, DeadlineMissed, StepCompleted
from tests.unit.handling.builders import (
    AGREED,
    Story,
    a_registration,
    a_rule,
    a_step,
    a_story,
    an_actor,
    an_edition,
    an_engineering_story,
    on,
)


@pytest.mark.rule("JK-05")
def test_a_finding_that_shortens_a_limit_shortens_it_from_receipt() -> None:
    story = a_story(class_="general")

    # 30 h after receipt: inside the general 48 h, beyond the 24 h of a major matter.
    story.find("07-02 15:00", class_="major-engineering", item="beam-broken")

    missed = story.last(DeadlineMissed)
    assert (story.case.procedure, story.missed) == ("major-engineering", ["facts#1 07-02 09:00"])
    assert (missed.procedure, missed.clause) == ("major-engineering", "JK-05")
    assert "Thu 2 Jul 2026 15:00 JK-05 applies from the start" in missed.explanation_en


def test_a_finding_that_lengthens_a_limit_takes_back_the_miss_of_the_shorter_one() -> None:
    story = a_story(class_="major-engineering", item="beam-broken")
    story.sweep("07-02 12:00")

    told = story.find("07-02 15:00", class_="general")

    assert told == ["finding.made.v1", "step.completed.v1", "deadline.cleared.v1"]
    assert (story.last(DeadlineCleared).reason, story.missed) == ("done-in-time", [])


def test_a_miss_of_a_step_that_the_final_procedure_does_not_have_is_taken_back() -> None:
    story = a_story(class_="property-company")
    story.sweep("07-02 12:00")

    story.find("07-02 15:00", class_="general")

    # The passing on is not owed; the facts of a general complaint are in time until 3 July 09:00.
    assert (story.last(DeadlineCleared).clock, story.last(DeadlineCleared).reason) == ("notice", "not-owed")
    assert story.missed == []


def test_a_miss_under_two_procedures_is_told_again_with_the_deadline_of_the_final_one() -> None:
    story = a_story(class_="general")
    story.sweep("07-04 00:00")

    story.find("07-04 08:00", class_="major-engineering", item="beam-broken")

    # 48 h said 3 July 09:00, 24 h say 2 July 09:00. The later verdict on a clock is the one that counts.
    assert [event.due_before for event in story.told(DeadlineMissed)] == [
        on("07-03 09:00"),
        on("07-02 09:00"),
    ]
    assert story.missed == ["facts#1 07-02 09:00"]


def test_steps_done_before_a_finding_stay_done() -> None:
    story = an_engineering_story(until="notice")

    story.find("07-05 08:00", class_="major-engineering", item="lift")

    assert story.case.done_now("notice") is not None
    # What the new procedure asks for besides is owed from its own start, the facts of 2 July.
    assert story.due("deadlock-report") == "07-18 00:00"


def test_a_finding_made_anew_replaces_the_one_before() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")

    story.find("07-03 08:00", validity="invalid")

    assert (story.case.validity, story.case.procedure, story.due("explain")) == (
        "invalid",
        "invalid",
        "07-03 08:00",
    )


def test_a_finding_cannot_be_entered_before_the_one_that_it_replaces() -> None:
    story = a_story(class_="general")
    story.find("07-03 08:00")

    with pytest.raises(TimeRefusedError, match="the finding that it would replace"):
        story.find("07-02 08:00", validity="invalid")


@pytest.mark.parametrize(
    "fields",
    [{"validity": "doubtful"}, {"class": "weather"}, {"class": "general-engineering", "item": "moon"}],
)
def test_keys_that_the_rulebook_does_not_know_are_refused(fields: dict[str, Any]) -> None:
    story = a_story(class_="general")

    with pytest.raises(UnknownKeyError, match="Choose one of"):
        story.find("07-02 08:00", **fields)


def test_a_resolved_case_takes_no_finding() -> None:
    story = a_story(class_="explanation")
    story.step("explain", "07-01 10:00")

    with pytest.raises(CaseOverError, match="Close it, or re-open it first"):
        story.find("07-01 11:00")


def test_a_reclassification_corrects_class_and_procedure_and_keeps_the_findings_time() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")

    told = story.do("reclassify", "07-02 12:00", class_="general-engineering", item="glass", reason="glass")

    assert story.last(CaseReclassified).procedure == "general-engineering"
    # The plan counts from the facts, found at 08:00.
    assert (told, story.due("plan")) == (["case.reclassified.v1"], "07-03 08:00")


def test_an_act_done_before_completes_the_step_that_the_new_procedure_has_for_it() -> None:
    """INVARIANT: the same deed is not owed a second time under another name.

    What breaks it: looking for done steps by name only. A complaint reclassified to the property company's
    procedure has its cause found, though the step was called facts before.
    """
    story = a_story(class_="general")
    story.find("07-02 08:00", liable="developer")

    story.do("reclassify", "07-02 12:00", class_="property-handover", item="glass", reason="handed over")

    done = story.last(StepCompleted)
    assert (done.step, done.in_time, story.happened[-1].time) == ("cause", True, on("07-02 08:00"))
    assert story.due("agreement") == "07-03 08:00"


def test_finding_anew_does_not_move_what_counts_from_the_first_finding() -> None:
    """INVARIANT: a deadline that runs from the facts cannot be moved by finding the same facts again.

    What breaks it: completing the new procedure's step with the time of the newest finding.
    """
    story = a_story(class_="property-handover", item="glass")
    story.find("07-01 20:00", liable="developer")

    story.find("07-02 08:00", class_="major-engineering")

    # Confirmed on 1 July, so the report was due that day.
    assert story.missed == ["report#1 07-02 00:00"]


def test_a_settlement_reached_before_a_reclassification_still_counts() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00", liable="developer")
    story.do("propose-settlement", "07-02 20:00", way="rectification", **AGREED)

    story.do("reclassify", "07-03 06:00", class_="property-handover", item="glass", reason="handed over")

    agreement = [event for event in story.told(StepCompleted) if event.step == "agreement"]
    assert [event.in_time for event in agreement] == [True]
    assert agreement[0].signatures == ("owner:f4",)


def test_a_reclassification_lies_not_before_the_present_procedure() -> None:
    story = a_story(class_="general")
    story.find("07-03 08:00")

    with pytest.raises(TimeRefusedError, match="adoption"):
        story.do("reclassify", "07-02 08:00", class_="general-engineering", reason="late")


def test_an_item_named_later_starts_the_tables_limit_from_the_notice() -> None:
    story = a_story(class_="property-company")
    story.step(
        "notice", "07-02 08:00", evidence={"transfer-sheet": "f1"}, signatures={"property-company": "f1"}
    )

    story.do("reclassify", "07-03 08:00", item="railing", reason="it is the railing")

    assert story.due("rectify") == "07-09 08:00"


@pytest.mark.rule("JK-34")
def test_a_defect_before_handover_is_due_at_the_handover_once_that_is_known() -> None:
    known = a_story(kind="pre-handover-defect", class_="", handover_on=on("07-20 10:00").isoformat())
    unknown = a_story(kind="pre-handover-defect", class_="")

    before = unknown.due("mend")
    with pytest.raises(TimeRefusedError, match="not after the receipt"):
        unknown.do("reclassify", "07-02 08:00", handover_on=on("07-01 09:00").isoformat(), reason="a slip")
    unknown.do("reclassify", "07-02 08:00", handover_on=on("07-25 10:00").isoformat(), reason="date is set")

    assert (known.due("mend"), before, unknown.due("mend")) == ("07-20 10:00", "-", "07-25 10:00")


def test_a_kind_without_a_procedure_is_a_gap_of_the_rulebook() -> None:
    with pytest.raises(RulebookGapError, match=r"sets no 'procedures\.procedures for kind praise"):
        a_story(kind="praise", class_="")


def test_two_procedures_of_one_rank_are_a_gap_of_the_rulebook() -> None:
    steps = {"do": a_step(resolves=True)}
    clash = an_edition(
        {
            "procedures": {
                "one": a_rule(applies={"kind": "complaint"}, steps=steps),
                "two": a_rule(applies={"class": "attitude"}, steps=steps),
            }
        }
    )

    with pytest.raises(RulebookGapError, match="one and two both apply"):
        Story(a_registration(class_="attitude"), clash)


def test_no_procedure_for_a_matter_is_a_gap_that_names_the_matter() -> None:
    none = an_edition({"procedures": {"one": a_rule(applies={"class": "attitude"}, steps={"do": a_step()})}})

    with pytest.raises(RulebookGapError) as gap:
        Story(a_registration(class_="general"), none)

    assert gap.value.key == "procedures.procedures for kind complaint, class general"


def test_after_an_upheld_appeal_somebody_else_finds_anew() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")
    story.do("lodge-appeal", "07-03 08:00", against="finding", grounds="outside our promise")
    story.do("decide-appeal", "07-04 08:00", appeal="1", upheld=True, reasons="the contract excludes it")

    with pytest.raises(SamePersonError):
        story.find("07-04 09:00", validity="invalid")
    story.find("07-04 09:00", by=an_actor("branch-officer", "officer-2"), validity="invalid")

    assert story.case.validity == "invalid"
