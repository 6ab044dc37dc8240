"""A case is the fold of its events: each has its transition, and what changes a case is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.handling.domain.evolve import EVOLVE, begun, fold
from shared.events import PUBLISHERS, Event
from shared.events.handling import CaseEvent, FindingConfirmed, WorksStarted
from shared.events.intake import ComplaintRegistered, RecordAmended
from tests.unit.handling.builders import (
    Story,
    a_registration,
    a_rule,
    a_step,
    an_actor,
    an_edition,
    an_engineering_story,
    as_told,
)
from tests.unit.handling.test_properties import CLASSES, ENTRIES, FEW, Entry, play, swept


def everything_that_handling_tells() -> set[type[Event]]:
    names = vars(PUBLISHERS["handling"]).values()
    return {
        one for one in names if isinstance(one, type) and issubclass(one, CaseEvent) and "TYPE" in vars(one)
    }


def test_every_event_that_handling_tells_has_a_transition_and_every_transition_an_event() -> None:
    """INVARIANT: nothing that is told of a case leaves a gap in its replay.

    What breaks it: a new event without its transition, or a transition of an event that nobody tells.
    """
    assert EVOLVE.keys() == everything_that_handling_tells() | {RecordAmended}


@FEW
@given(class_=st.sampled_from(CLASSES), entries=ENTRIES, sweeping=st.booleans())
def test_from_nothing_the_events_of_any_history_make_its_case(
    class_: str, entries: list[Entry], sweeping: bool
) -> None:
    """INVARIANT: folding what was told from nothing gives the case that is stored.

    What breaks it: a decision that changes the case beside its events, or an event that lacks what the case needs.
    """
    story = swept(play(class_, entries, sweeping))
    told = ComplaintRegistered.model_validate(a_registration(class_=class_, item="glass").data)

    case = begun(told, story.edition, story.law)
    for decision in story.decisions:
        case = fold(case, decision, story.law)

    assert as_told(case) == as_told(story.case)


def test_works_that_no_step_tells_are_told_by_themselves() -> None:
    steps = {"rectify": a_step(after="works-start", within={"days": 3}, resolves=True)}
    edition = an_edition({"procedures": {"one": a_rule(applies={}, steps=steps)}})
    story = Story(a_registration(), edition)

    told = story.do("start-works", "07-02 09:00", an_actor("officer"))

    assert told == [WorksStarted.TYPE]
    assert story.due("rectify") == "07-05 09:00"


def test_works_that_a_step_tells_are_told_by_it_alone() -> None:
    story = an_engineering_story(until="notice")

    told = story.do("start-works", "07-05 09:00")

    assert (told, len(story.case.works)) == (["step.completed.v1"], 1)


@pytest.mark.rule("XA-18")
def test_a_confirmation_that_leaves_another_to_come_is_told_too() -> None:
    both = {
        key: a_rule("XA-18", of="validity", proposes=["officer"], confirms=[role], within={"hours": 24})
        for key, role in (("first", "head"), ("second", "leader"))
    }
    steps = {"facts": a_step(after="receipt", within={"hours": 48}, done_by="finding")}
    edition = an_edition({"procedures": {"one": a_rule(applies={}, steps=steps)}, "determinations": both})
    story = Story(a_registration(), edition)
    story.find("07-01 10:00", an_actor("officer"))

    told = story.do("confirm-finding", "07-01 11:00", an_actor("head"), agrees=True)

    assert told == [FindingConfirmed.TYPE]
    assert story.last(FindingConfirmed).determinations == ("first",)
    assert story.case.findings[-1].awaits == ("second",)


def test_resuming_when_what_was_paused_is_done_changes_nothing() -> None:
    story = an_engineering_story(until="notice")
    story.do("start-works", "07-05 09:00")
    story.do("pause", "07-05 10:00", reason="no-access")
    story.step("rectify", "07-05 11:00", person="engineer")
    before = story.case

    assert story.do("resume", "07-05 12:00") == []
    assert as_told(story.case) == as_told(before)
