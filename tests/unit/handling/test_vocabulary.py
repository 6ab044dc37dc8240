"""Words of the vocabulary that no rulebook here uses yet, so that another group's rulebook may."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.handling.domain.refusals import (
    AlreadyDoneError,
    CaseNotOverError,
    MissingPartsError,
    NotInProcedureError,
    StepOrderError,
)
from shared.errors import RulebookGapError
from shared.events.handling import DeadlineMissed
from tests.unit.handling.builders import (
    Story,
    a_registration,
    a_rule,
    a_step,
    a_story,
    an_actor,
    an_edition,
    an_engineering_story,
    another_case,
)

WAYS = {
    "repair": a_rule(),
    "refund": a_rule(has_amount=True, payer="company"),
}


def a_story_of(
    steps: Mapping[str, Any], topics: Mapping[str, Any] | None = None, **registration: object
) -> Story:
    """A complaint under a procedure made by hand."""
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    return Story(
        a_registration(**registration), an_edition({"procedures": procedures, "ways": WAYS, **(topics or {})})
    )


def test_a_limit_may_count_from_the_registration() -> None:
    story = a_story_of({"call": a_step(after="registration", within={"hours": 1})}, registered="07-01 15:00")

    assert story.due("call") == "07-01 16:00"


def test_a_limit_may_count_from_the_finding_that_holds() -> None:
    story = a_story_of({"tell": a_step(after="finding", within={"hours": 1})})
    story.find("07-02 08:00", validity="invalid")
    story.find("07-03 08:00", validity="valid")

    story.find("07-04 08:00", validity="valid")

    # Valid since 3 July; finding the same again starts nothing.
    assert story.due("tell") == "07-03 09:00"


def test_a_limit_may_count_from_any_flag() -> None:
    flags = {"loud": a_rule()}
    procedures = {"one": a_rule(applies={}, steps={"calm": a_step(after="flagged", within={"hours": 1})})}
    story = Story(a_registration(), an_edition({"procedures": procedures}, intake={"flags": flags}))

    story.do("reclassify", "07-02 08:00", flags=["loud"], reason="it got loud")

    assert story.due("calm") == "07-02 09:00"


def test_a_limit_may_count_from_settlement_approval_and_start_of_works_without_steps_for_them() -> None:
    story = a_story_of(
        {
            "write": a_step(after="settlement", within={"hours": 1}, when={"way": ["repair", "refund"]}),
            "book": a_step(after="approval", within={"hours": 2}, when={"way": "refund"}),
            "mend": a_step(after="works-start", within={"hours": 3}, when={"way": "repair"}),
        }
    )

    story.do("propose-settlement", "07-02 08:00", way="repair")
    story.do("start-works", "07-03 08:00")
    first = (story.due("write"), story.due("mend"))
    story.do("propose-settlement", "07-03 09:00", way="refund", amount="5")

    # Nobody has to sign, so the second way holds at once and the works are not owed any more.
    assert first == ("07-02 09:00", "07-03 11:00")
    assert story.due("book") == "07-03 11:00"
    assert story.sweep("07-31 00:00") == ["book#1 07-03 11:00"]
    assert [event.clock for event in story.told(DeadlineMissed)] == ["write", "book"]


def test_a_way_that_never_held_owes_nothing() -> None:
    story = a_story_of({"book": a_step(after="receipt", within={"hours": 2}, when={"way": "refund"})})

    story.do("propose-settlement", "07-02 08:00", way="repair")

    assert (story.due("book"), story.sweep("07-31 00:00")) == ("-", [])


def test_a_step_may_have_its_date_by_agreement_alone() -> None:
    story = a_story_of({"visit": a_step(agreed=True)})

    story.do("agree-date", "07-02 08:00", step="visit", on="2026-07-05", evidence={"call": "c1"})

    assert story.sweep("07-06 00:00") == ["visit#1 07-06 00:00"]


def test_a_row_may_count_from_what_the_step_itself_names() -> None:
    tables = {
        "parts": a_rule(
            rows={
                "pump": {"title": {"zh": "泵", "en": "pump"}, "limit": {"days": 2}, "counts_from": "notice"}
            }
        )
    }
    steps = {"order": a_step(), "mend": a_step(after="order", within={"table": "parts"})}
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    edition = an_edition({"procedures": procedures}, limits={"tables": tables})
    story = Story(a_registration(item="pump"), edition)

    story.step("order", "07-02 08:00")

    # This procedure sends no notice, so the step's own moment counts.
    assert story.due("mend") == "07-04 08:00"


def test_a_table_that_is_not_there_is_a_gap_of_the_rulebook() -> None:
    with pytest.raises(RulebookGapError, match=r"limits\.tables\.nowhere"):
        a_story_of({"mend": a_step(after="receipt", within={"table": "nowhere"})}, item="pump")


def test_a_pause_without_a_longest_lasts_until_it_is_resumed() -> None:
    pauses = {"storm": a_rule(needs_approval=False)}
    story = a_story_of({"mend": a_step(after="receipt", within={"days": 2})}, {"pauses": pauses})

    # It needs no approval, so who handles the case gives it.
    story.do("pause", "07-02 09:00", by=an_actor("service-officer", edition=story.edition), reason="storm")
    during = story.sweep("07-20 00:00")
    story.do("resume", "07-20 09:00", note="it is over")

    # 18 days of standstill on top of 3 July 09:00.
    assert (during, story.due("mend")) == ([], "07-21 09:00")


def test_a_step_may_ask_for_a_reason() -> None:
    story = a_story_of({"drop": a_step(needs={"reason": True})})

    with pytest.raises(MissingPartsError, match="reason"):
        story.step("drop", "07-02 08:00")
    story.step("drop", "07-02 08:00", reason="out of stock")

    assert story.case.done_now("drop") is not None


def test_a_step_waits_for_the_moment_from_which_its_limit_counts() -> None:
    story = a_story_of({"book": a_step(after="approval", within={"hours": 2})})

    with pytest.raises(StepOrderError, match=r"what it counts from \(approval\)"):
        story.step("book", "07-02 08:00")


def test_an_acceptance_may_stand_without_anything_to_rectify() -> None:
    story = a_story_of({"accept": a_step(done_by="acceptance", resolves=True)})

    with pytest.raises(NotInProcedureError, match="nothing that a refusal would start again"):
        story.do("refuse-result", "07-02 08:00", reason="no")
    story.do("accept-result", "07-02 08:00", standard_met=True, outcome="content")

    assert (story.case.status, story.case.outcome) == ("resolved", "content")


def test_what_follows_a_refused_result_is_owed_again_after_it() -> None:
    story = a_story_of(
        {
            "mend": a_step(after="receipt", within={"days": 2}, again_on_refusal=True),
            "clean": a_step(after="mend", within={"hours": 4}),
        }
    )
    story.step("mend", "07-02 08:00")
    story.step("clean", "07-02 10:00")

    story.do("refuse-result", "07-03 08:00", reason="still dripping")
    with pytest.raises(StepOrderError, match="mend"):
        story.step("clean", "07-03 09:00")
    story.step("mend", "07-04 08:00")

    assert story.sweep("07-04 12:00") == ["clean#2 07-04 12:00"]


def test_a_merged_case_is_parted_not_reopened() -> None:
    story = an_engineering_story(until="receipt")
    story.merge("07-01 12:00", another_case())

    with pytest.raises(CaseNotOverError, match="Part it first"):
        story.do("reopen", "07-01 13:00", reason="why not")


def test_a_result_is_accepted_once_and_not_refused_after_it() -> None:
    story = a_story_of(
        {
            "mend": a_step(after="receipt", within={"days": 2}, again_on_refusal=True),
            "look": a_step(resolves=True),
        }
    )
    story.step("mend", "07-02 08:00")
    story.do("accept-result", "07-02 09:00", standard_met=True)

    with pytest.raises(AlreadyDoneError, match="Close the case"):
        story.do("accept-result", "07-02 10:00", standard_met=True)
    with pytest.raises(AlreadyDoneError, match="Re-open the case"):
        story.do("refuse-result", "07-02 10:00", reason="no")


def test_a_step_does_not_wait_for_one_that_another_way_asks_for() -> None:
    story = a_story_of({"pay": a_step(when={"way": "refund"}), "end": a_step(requires="pay", resolves=True)})

    story.step("end", "07-02 08:00")

    assert story.case.status == "resolved"


def test_a_step_done_before_what_the_new_procedure_counts_it_from_was_in_time() -> None:
    story = a_story(class_="property-company", item="glass")
    story.step(
        "notice", "07-02 08:00", evidence={"transfer-sheet": "f1"}, signatures={"property-company": "f1"}
    )
    story.find("07-02 08:30", class_="general-engineering")

    story.step("plan", "07-03 08:00", evidence={"rectification-plan": "f1"})

    # The notice went out before the plan from which it counts now.
    assert story.sweep("07-10 00:00") == []
