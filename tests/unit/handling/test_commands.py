"""How commands are read, who may give them, when they may have happened, and what is allowed next."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.handling import domain
from services.handling.domain import Actor, Command
from services.handling.domain.commands import KINDS, OFFERED
from services.handling.domain.refusals import (
    AlreadyDoneError,
    CaseOverError,
    MissingPartsError,
    NotInProcedureError,
    TimeRefusedError,
)
from tests.unit.handling.builders import (
    ACCEPTED,
    LATER,
    Story,
    a_registration,
    a_rule,
    a_step,
    a_story,
    an_actor,
    an_edition,
    an_engineering_story,
    another_case,
    on,
    shown,
)


def someone(rights: Iterable[str] = ()) -> Actor:
    return Actor(person="", unit="", role="", rights=frozenset(rights))


def all_commands(of: type[Command] = Command) -> set[type[Command]]:
    """Every model below one, in whatever module it is."""
    return {found for one in of.__subclasses__() for found in (one, *all_commands(one))}


def what(story: Story, *rights: str) -> dict[str, str | None]:
    """What is allowed next, by step or command, with why not."""
    held = frozenset(rights) if rights else frozenset(domain.RIGHTS.values())
    found = domain.allowed(story.case, story.edition, someone(held))
    return {one["step"] or one["do"]: one["why_not"] for one in found}


def test_every_model_of_a_command_is_declared_as_a_kind() -> None:
    """INVARIANT: what there is to a kind of command stands in one declaration.

    What breaks it: a model beside the others that no kind declares, or two kinds under one name.
    """
    declared = {one for one in all_commands() if "do" in one.__annotations__}

    assert {kind.model for kind in KINDS.values()} == declared
    assert {kind.do for kind in KINDS.values()} == KINDS.keys() == set(domain.RIGHTS)


def test_no_two_commands_stand_in_one_place_of_the_page() -> None:
    places = [offer.place for _, offer in OFFERED]

    assert places == sorted(set(places))


@pytest.mark.parametrize(
    "body",
    [
        {"do": "dance"},
        {"do": "close", "extra": 1},
        {"do": "complete-step"},
        {"do": "complete-step", "step": ""},
        {"do": "refuse-result", "reason": "  "},
        {"do": "resume", "at": "2026-07-01T09:00:00"},
        {"do": "propose-settlement", "way": "payment-in-lieu", "amount": "NaN"},
        {"do": "propose-settlement", "way": "payment-in-lieu", "amount": "-1"},
        {"do": "propose-settlement", "way": "payment-in-lieu", "amount": "1.005"},
        {"do": "agree-date", "step": "rectify", "evidence": {"call": "c"}},
        {"do": "agree-date", "step": "rectify", "on": "2026-07-20"},
        {"do": "complete-step", "step": "plan", "evidence": {"plan": []}},
        {"do": "merge", "into": "not-an-id", "reason": "x"},
    ],
)
def test_an_ill_formed_command_is_not_read(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        domain.parse_command(body)


def test_evidence_is_given_by_kind_one_reference_or_several() -> None:
    story = an_engineering_story(until="facts")

    story.step("plan", "07-03 07:00", evidence={"rectification-plan": ["f1", "f2"], "photo": "p1"})

    done = story.case.done_now("plan")
    assert done is not None
    assert done.evidence == ("rectification-plan:f1", "rectification-plan:f2", "photo:p1")


def test_what_is_commanded_happened_now_unless_it_says_when() -> None:
    story = an_engineering_story(until="receipt")
    now = on("07-02 08:00")

    case, told = domain.decide(
        story.case,
        domain.parse_command({"do": "make-finding", "validity": "valid", "reason": "seen"}),
        an_actor("branch-officer"),
        story.edition,
        now,
    )

    assert {item.time for item in told} == {now}
    assert case.findings[-1].at == now


def test_nothing_happens_in_the_future_or_before_the_receipt() -> None:
    story = an_engineering_story(until="receipt")
    officer = an_actor("branch-officer")
    ahead = domain.parse_command(
        {"do": "withdraw", "reason": "x", "at": (LATER + timedelta(seconds=1)).isoformat()}
    )

    with pytest.raises(TimeRefusedError, match="future"):
        domain.decide(story.case, ahead, officer, story.edition, LATER)
    with pytest.raises(TimeRefusedError, match="receipt"):
        story.do("withdraw", "07-01 08:59", reason="x")


def test_a_step_is_done_once_a_run() -> None:
    story = an_engineering_story(until="plan")

    with pytest.raises(AlreadyDoneError, match="'plan' is done already"):
        story.step("plan", "07-03 08:00", evidence={"rectification-plan": "f1"})


def test_a_step_lies_not_before_what_it_follows() -> None:
    story = an_engineering_story(until="facts")

    with pytest.raises(TimeRefusedError, match="the step 'facts'"):
        story.step("plan", "07-02 07:00", evidence={"rectification-plan": "f1"})


def test_a_step_of_another_procedure_is_refused_with_the_steps_that_there_are() -> None:
    story = an_engineering_story(until="facts")

    with pytest.raises(NotInProcedureError, match="facts, plan, notice, works-start, rectify, accept"):
        story.step("deadlock-report", "07-03 08:00")


def test_a_step_that_needs_a_person_takes_the_one_in_charge_or_asks_for_one() -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(MissingPartsError, match="person"):
        story.step("rectify", "07-06 08:00")
    story.do("assign", "07-06 09:00", department="engineering", person="engineer-1")
    story.step("rectify", "07-06 10:00")

    assert story.happened[-1].event.model_dump()["person"] == "engineer-1"


def test_a_closed_case_takes_no_command_but_its_reopening_and_appeals() -> None:
    story = an_engineering_story()
    story.do("accept-result", "07-09 04:00", **ACCEPTED)
    story.do("close", "07-10 08:00")

    with pytest.raises(CaseOverError, match=r"is closed\. Re-open it first"):
        story.do("assign", "07-10 09:00", department="x", person="y")
    assert set(what(story)) == {"reopen", "lodge-appeal"}


def test_a_step_that_follows_the_closing_is_done_after_it() -> None:
    steps = {
        "solve": a_step(resolves=True),
        "answer-back": a_step(after="closing", within={"hours": 1}, requires="solve"),
    }
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    story = Story(a_registration(), an_edition({"procedures": procedures}))
    story.step("solve", "07-02 08:00")
    story.do("close", "07-02 10:00")

    due = story.due("answer-back")
    assert what(story)["answer-back"] is None
    story.step("answer-back", "07-02 11:00")

    assert (due, story.missed) == ("07-02 11:00", ["answer-back#1 07-02 11:00"])


def test_what_is_allowed_next_says_what_must_come_first() -> None:
    found = what(an_engineering_story(until="facts"))

    assert found["plan"] is None
    assert found["notice"] == (
        "The step 'notice' cannot be done yet. First must come: the step 'plan' (command 'complete-step')."
    )
    assert "facts" not in found


def test_what_is_allowed_next_names_the_command_the_deadline_and_the_rights() -> None:
    story = a_story(class_="general")
    found = domain.allowed(story.case, story.edition, someone({"cases.handle"}))

    facts = next(one for one in found if one["step"] == "facts")
    assert (facts["do"], shown(facts["due_before"]), facts["right"]) == (
        "make-finding",
        "07-03 09:00",
        ["cases.find"],
    )
    assert facts["why_not"] == "Needs the right 'cases.find'."


def test_acts_are_offered_where_the_case_has_a_use_for_them() -> None:
    early, late = what(an_engineering_story(until="receipt")), what(an_engineering_story())

    assert {"make-finding", "withdraw", "transfer"} <= set(early)
    assert {"refuse-result", "accept"} <= set(late)
    assert "refuse-result" not in early
    assert "resolve" not in early


def test_a_merged_case_can_only_be_parted_and_a_resolved_one_closed_or_reopened() -> None:
    merged, resolved = an_engineering_story(until="receipt"), a_story(class_="explanation")
    merged.merge("07-01 10:00", another_case())
    resolved.step("explain", "07-01 10:00")

    assert set(what(merged)) == {"part"}
    assert {"close", "reopen"} <= set(what(resolved))


def test_pause_and_resume_are_offered_while_there_is_something_to_pause_or_resume() -> None:
    story = an_engineering_story(until="notice")
    before = set(what(story))
    story.do("pause", "07-05 06:00", reason="no-access")

    assert {"pause", "agree-date"} <= before
    assert "resume" not in before
    assert "resume" in what(story)


def test_the_right_to_pause_is_that_of_the_reason() -> None:
    story = an_engineering_story(until="notice")
    offered = domain.allowed(story.case, story.edition, someone())

    assert [one["right"] for one in offered if one["do"] == "pause"] == [["cases.approve"]]


def test_the_exception_of_a_report_is_offered_until_it_is_given_or_the_report_is_sent() -> None:
    story = a_story(class_="general", flags=["reputation-risk"])
    before = set(what(story))
    story.do("except-report", "07-01 10:00", step="alert", reason="nothing is known yet")

    assert "except-report" in before
    assert "except-report" not in what(story)


def test_an_appeal_that_waits_is_offered_for_decision() -> None:
    story = an_engineering_story(until="facts")
    story.do("lodge-appeal", "07-03 08:00", against="finding", grounds="outside our promise")

    assert "decide-appeal" in what(story)
