"""What is found by two: one proposes, another confirms (XA-18; FIELD, validity by two)."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.handling import domain
from services.handling.domain import Actor
from services.handling.domain.refusals import (
    AlreadyDoneError,
    NotPermittedByRulebookError,
    SamePersonError,
    StepOrderError,
)
from shared.errors import ForbiddenError
from shared.events.handling import FindingMade, FindingProposed, StepCompleted
from shared.rulebook.edition import Edition
from tests.unit.handling.builders import Story, a_registration, a_rule, a_step, an_edition, shown

INTAKE: dict[str, Any] = {
    "grades": {
        "grade-1": a_rule(rank=1, floor_for=[{"flag": "danger"}]),
        "grade-2": a_rule(rank=2),
        "grade-3": a_rule(rank=3, presumed=True),
    },
    "flags": {"danger": a_rule()},
    "kinds": {"complaint": a_rule(graded=True), "request": a_rule()},
}
ROWS = {
    f"grade-{rank}": {
        "title": {"zh": "行", "en": "row"},
        "limit": {"hours": 24 * rank},
        "counts_from": "receipt",
    }
    for rank in (1, 2, 3)
}
BY_TWO: dict[str, Any] = {"proposes": ["handler", "head"], "confirms": ["office", "head"]}
GRADE = {"grade": a_rule(of="grade", within={"hours": 4}, **BY_TWO)}
VALIDITY = {"validity": a_rule(of="validity", proposes=["handler"], confirms=["centre"])}


def an_edition_by_two(**determinations: object) -> Edition:
    steps = {
        "facts": a_step(done_by="finding", after="receipt", within={"hours": 48}),
        "solve": a_step(within={"table": "solve"}, resolves=True),
    }
    return an_edition(
        {
            "validities": {"valid": a_rule(presumed=True), "invalid": a_rule()},
            "procedures": {
                "one": a_rule(applies={"validity": "valid"}, steps=steps),
                "tell": a_rule(
                    applies={"validity": "invalid"},
                    steps={"tell": a_step(after="finding", within={"days": 1})},
                ),
            },
            "determinations": determinations,
        },
        limits={"tables": {"solve": a_rule(by="grade", rows=ROWS)}},
        intake=INTAKE,
    )


def of(role: str, person: str = "") -> Actor:
    return Actor(person=person or role, unit="chongqing-branch", role=role, rights=frozenset())


def a_proposed_story(grade: str = "grade-2", **registration: object) -> Story:
    """Received on 1 July at 9; the handler proposes a grade on 2 July at 8."""
    story = Story(a_registration(class_="", **registration), an_edition_by_two(**GRADE))
    story.find("07-02 08:00", by=of("handler"), grade=grade)
    return story


@pytest.mark.rule("XA-18")
def test_what_is_proposed_holds_at_once_and_is_not_found_yet() -> None:
    story = a_proposed_story()

    # Grade 2 has 48 hours from receipt on 1 July 9:00; the office has 4 hours from 2 July 8:00.
    assert (story.due("solve"), story.due("confirm-grade")) == ("07-03 09:00", "07-02 12:00")
    assert story.told(FindingMade) == []
    told = story.last(FindingProposed)
    assert (told.grade, told.by, shown(told.confirm_before)) == ("grade-2", "handler", "07-02 12:00")
    # The handler's deed is done; what is open is the other person's.
    assert story.last(StepCompleted).step == "facts"


@pytest.mark.rule("XA-18")
def test_a_second_person_confirms_it_and_then_it_is_found() -> None:
    story = a_proposed_story()

    story.do("confirm-finding", "07-02 11:59", by=of("office"), agrees=True)

    made = story.last(FindingMade)
    assert (made.grade, made.by, made.confirmed_by) == ("grade-2", "handler", ("office",))
    assert story.sweep("07-02 23:00") == []


@pytest.mark.rule("XA-18")
def test_a_confirmation_that_does_not_come_is_a_miss_of_its_own() -> None:
    story = a_proposed_story()

    assert story.sweep("07-02 12:00") == ["confirm-grade#1 07-02 12:00"]


@pytest.mark.rule("XA-18")
def test_nobody_confirms_their_own_proposal_nor_without_the_role() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**GRADE))
    story.find("07-02 08:00", by=of("head", "ann"), grade="grade-2")

    with pytest.raises(SamePersonError):
        story.do("confirm-finding", "07-02 09:00", by=of("head", "ann"), agrees=True)
    with pytest.raises(ForbiddenError, match="is for office or head, not for 'handler'"):
        story.do("confirm-finding", "07-02 09:00", by=of("handler"), agrees=True)
    story.do("confirm-finding", "07-02 09:00", by=of("head", "bob"), agrees=True)


@pytest.mark.rule("XA-18")
def test_only_who_may_propose_finds() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**GRADE))

    with pytest.raises(ForbiddenError, match="is for handler or head"):
        story.find("07-02 08:00", by=of("office"), grade="grade-2")


@pytest.mark.rule("XA-18")
def test_who_confirms_may_find_another_grade_and_its_limits_hold_from_receipt() -> None:
    story = a_proposed_story(grade="grade-3")

    story.do(
        "confirm-finding",
        "07-02 09:30",
        by=of("office"),
        agrees=False,
        grade="grade-1",
        reason="persons were in danger",
    )

    # 24 hours from 1 July 9:00 had passed half an hour before; a limit found late is missed at its own moment.
    assert story.missed == ["solve#1 07-02 09:00"]
    made = story.last(FindingMade)
    assert (made.grade, made.by, made.reason) == ("grade-1", "office", "persons were in danger")


def test_no_second_word_is_milder_than_the_floor() -> None:
    story = a_proposed_story(grade="grade-1", flags=["danger"])

    with pytest.raises(NotPermittedByRulebookError, match="'grade-1' at least"):
        story.do(
            "confirm-finding", "07-02 09:00", by=of("office"), agrees=False, grade="grade-2", reason="less"
        )


def test_a_word_on_the_grade_is_none_on_the_validity() -> None:
    story = a_proposed_story()

    with pytest.raises(NotPermittedByRulebookError, match="no word on the validity"):
        story.do(
            "confirm-finding", "07-02 09:00", by=of("office"), agrees=False, validity="invalid", reason="r"
        )


def test_a_second_proposal_is_confirmed_in_its_own_time() -> None:
    story = a_proposed_story()

    story.find("07-02 11:00", by=of("handler"), grade="grade-3")

    assert story.due("confirm-grade") == "07-02 15:00"
    assert story.sweep("07-02 15:00") == ["confirm-grade#2 07-02 15:00"]


def test_validity_by_two_changes_the_procedure_with_the_second_word() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**VALIDITY))
    story.find("07-02 08:00", by=of("handler"), validity="valid")

    story.do(
        "confirm-finding", "07-02 10:00", by=of("centre"), agrees=False, validity="invalid", reason="no fault"
    )

    assert (story.case.procedure, story.case.validity) == ("tell", "invalid")
    # A day from the finding that holds, 2 July 10:00.
    assert story.due("tell") == "07-03 10:00"


def test_a_finding_under_two_determinations_holds_once_both_are_confirmed() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**GRADE, **VALIDITY))
    story.find("07-02 08:00", by=of("handler"), grade="grade-2")

    story.do("confirm-finding", "07-02 09:00", by=of("centre"), agrees=True)
    before = story.told(FindingMade)
    story.do("confirm-finding", "07-02 10:00", by=of("office"), agrees=True)

    assert before == []
    assert story.last(FindingMade).confirmed_by == ("centre", "office")


def test_what_differs_is_proposed_to_who_has_still_to_confirm() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**GRADE, **VALIDITY))
    story.find("07-02 08:00", by=of("handler"), grade="grade-2")

    story.do(
        "confirm-finding", "07-02 09:00", by=of("office"), agrees=False, grade="grade-3", reason="no harm"
    )

    assert (story.told(FindingMade), story.last(FindingProposed).grade) == ([], "grade-3")
    story.do("confirm-finding", "07-02 10:00", by=of("centre"), agrees=True)
    assert (story.last(FindingMade).grade, story.last(FindingMade).by) == ("grade-3", "office")


def test_a_matter_without_grades_needs_no_second_person() -> None:
    story = Story(a_registration(class_="", kind="request"), an_edition_by_two(**GRADE))

    story.find("07-02 08:00", by=of("anybody"))

    assert story.last(FindingMade).confirmed_by == ()
    with pytest.raises(AlreadyDoneError, match="awaits nobody"):
        story.do("confirm-finding", "07-02 09:00", by=of("office"), agrees=True)


def test_without_a_finding_there_is_nothing_to_confirm() -> None:
    story = Story(a_registration(class_=""), an_edition_by_two(**GRADE))

    with pytest.raises(StepOrderError, match="make-finding"):
        story.do("confirm-finding", "07-02 09:00", by=of("office"), agrees=True)


def test_a_file_is_not_closed_on_a_proposal() -> None:
    story = a_proposed_story()
    story.step("solve", "07-02 09:00")

    with pytest.raises(StepOrderError, match="confirm-finding"):
        story.do("close", "07-02 10:00")
    story.do("confirm-finding", "07-02 10:00", by=of("office"), agrees=True)
    story.do("close", "07-02 11:00")

    assert story.case.status == "closed"


def test_what_is_allowed_names_the_confirmation_while_it_is_awaited() -> None:
    story = a_proposed_story()
    before = {one["do"] for one in domain.allowed(story.case, story.edition, of("office"))}

    story.do("confirm-finding", "07-02 10:00", by=of("office"), agrees=True)

    after = {one["do"] for one in domain.allowed(story.case, story.edition, of("office"))}
    assert ("confirm-finding" in before, "confirm-finding" in after) == (True, False)


@pytest.mark.parametrize(
    "said",
    [{"agrees": True, "grade": "grade-1"}, {"agrees": False}, {"agrees": False, "grade": "grade-1"}],
    ids=["agrees and differs", "differs in nothing", "differs without a reason"],
)
def test_who_does_not_agree_says_what_holds_instead_and_why(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        domain.parse_command({"do": "confirm-finding", **said})
