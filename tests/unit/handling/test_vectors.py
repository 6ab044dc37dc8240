"""FIELD's acceptance vectors that a case can show: 1 to 3. The fourth is among the alerts (``test_alerts.py``)."""

from dataclasses import replace
from datetime import time
from typing import Any

from services.handling import domain
from shared.events.handling import CaseClosed, StepCompleted
from shared.rulebook.edition import Edition
from tests.unit.handling.builders import (
    CHINA,
    Story,
    a_registration,
    a_rule,
    a_step,
    an_actor,
    an_edition,
    shown,
)

EIGHT_HOURS = ((time(8), time(12)), (time(13), time(17)))
PAUSES = {"away": a_rule(needs_approval=False)}
LEADER = domain.Actor(person="leader", unit="group", role="leader", rights=frozenset({"cases.handle"}))


def an_edition_of(name: str, **within: object) -> Edition:
    procedures = {
        "one": a_rule(applies={}, steps={"solve": a_step(after="receipt", within=within, resolves=True)})
    }
    edition = an_edition({"procedures": procedures, "pauses": PAUSES})
    calendar = replace(edition.calendar, hours=EIGHT_HOURS)
    return replace(edition, name=name, hash=name, calendar=calendar)


def test_vector_1_a_make_up_saturday_is_worked_and_the_spring_festival_is_not() -> None:
    """Received Friday 13 February 17:00, 16 working hours: Sat 14 is worked, 15 to 23 are off, Tue 24 to 17:00."""
    edition = an_edition_of("2026", working_hours=16)

    story = Story(a_registration(received="02-13 17:00"), edition)

    assert story.due("solve") == "02-24 17:00"
    assert story.sweep("02-24 17:00") == ["solve#1 02-24 17:00"]


GRADES: dict[str, Any] = {
    "grades": {"grade-1": a_rule(rank=1), "grade-3": a_rule(rank=3, presumed=True)},
    "kinds": {"complaint": a_rule(graded=True)},
}
ROWS = {
    grade: {"title": {"zh": "行", "en": "row"}, "limit": limit, "counts_from": "receipt"}
    for grade, limit in (("grade-1", {"hours": 24}), ("grade-3", {"hours": 72}))
}


def a_paused_story(*moments: str) -> Story:
    """72 hours from Wednesday 1 July 9:00, paused and resumed in turn at the moments."""
    procedures = {
        "one": a_rule(applies={}, steps={"solve": a_step(within={"table": "solve"}, resolves=True)})
    }
    edition = an_edition(
        {"procedures": procedures, "pauses": PAUSES},
        limits={"tables": {"solve": a_rule(by="grade", rows=ROWS)}},
        intake=GRADES,
    )
    story = Story(a_registration(class_=""), edition)
    for at, moment in enumerate(moments):
        turn(story, moment, ends=bool(at % 2))
    return story


def turn(story: Story, moment: str, *, ends: bool) -> None:
    story.do("resume" if ends else "pause", moment, by=LEADER, **({} if ends else {"reason": "away"}))


def test_vector_2_a_pause_still_counts_after_the_priority_was_raised_in_it() -> None:
    story = a_paused_story("07-01 12:00")
    story.find("07-01 13:00", by=an_actor("officer"), grade="grade-1")

    turn(story, "07-01 14:00", ends=True)

    # Grade 1 has 24 hours from receipt, 2 July 9:00, and the two hours of the pause.
    assert story.due("solve") == "07-02 11:00"


def test_vector_2_two_pauses_in_one_minute_count_as_long_as_they_were() -> None:
    story = a_paused_story("07-01 12:00:00", "07-01 12:00:10", "07-01 12:00:20", "07-01 12:00:40")

    clock = story.case.clock("solve")

    # 10 and 20 seconds beyond 4 July 9:00.
    assert clock is not None
    assert clock.due.astimezone(CHINA).strftime("%m-%d %H:%M:%S") == "07-04 09:00:30"


def test_vector_2_a_pause_over_a_holiday_gives_back_no_time_that_would_not_have_run() -> None:
    edition = an_edition_of("2026", working_days=3)
    story = Story(a_registration(received="09-29 09:00"), edition)

    turn(story, "09-30 09:00", ends=False)
    turn(story, "10-09 09:00", ends=True)

    # Three working days from Tue 29 Sept 9:00; one had run. 1 to 7 October are off, so the pause took Wed 30
    # from 9:00, Thu 8 and Fri 9 to 9:00: two working days. Due without it: Fri 9 October 9:00; Sat 10 is worked.
    assert story.due("solve") == "10-12 09:00"


def test_vector_3_what_was_closed_stands_under_its_edition_whatever_is_edited_later() -> None:
    old, new = an_edition_of("old", hours=48), an_edition_of("new", hours=1)
    story = Story(a_registration(), old)
    story.step("solve", "07-02 09:00")
    story.do("close", "07-02 10:00")
    editions = {edition.hash: edition for edition in (old, new)}

    under = editions[story.case.edition_hash]
    again = domain.recompute(story.case, under)
    swept, told = domain.settle(again, under, story.case.settled_up_to)

    # Recomputed, byte for byte: the case knows its edition, and the new limit is for what is received under it.
    assert swept.model_dump_json() == story.case.model_dump_json()
    assert (told, story.last(StepCompleted).in_time) == ([], True)
    assert shown(story.last(StepCompleted).due_before) == "07-03 09:00"
    assert len(story.told(CaseClosed)) == 1
    assert Story(a_registration(), new).due("solve") == "07-01 10:00"
