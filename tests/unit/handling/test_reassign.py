"""Cases of units that closed and of people who left go on in other hands, from that day."""

import pytest

from services.handling.domain.reassign import Departures, reassign
from shared.events.handling import CaseAssigned, CaseTransferred, DeadlineMissed
from tests.unit.handling.builders import Story, a_story, on

CLOSES = "07-05 00:00"
UNIT = "chongqing-branch"


def closed(day: str = CLOSES, to: str = "chongqing-desk-1") -> Departures:
    return Departures(units={UNIT: (on(day), to)})


def go(story: Story, departures: Departures, up_to: str = "07-20 09:00") -> list[str]:
    told = story.take(reassign(story.case, departures, story.edition, on(up_to)))
    return [item.event.TYPE for item in told]


def test_the_case_of_a_closed_unit_goes_to_its_successor_on_that_day_and_once() -> None:
    """INVARIANT: no open case is left with nobody.

    What breaks it: moving a case again that has moved.
    """
    story = a_story()

    told = go(story, closed())
    again = go(story, closed())

    moved = story.last(CaseTransferred)
    assert "case.transferred.v1" in told
    assert (moved.from_unit, moved.to_unit, moved.by) == (UNIT, "chongqing-desk-1", "registry")
    assert (story.case.unit, story.case.charges[-1].since, again) == ("chongqing-desk-1", on(CLOSES), [])


def test_what_was_missed_before_that_day_stays_with_the_closed_unit() -> None:
    """Received 1 July 09:00. The facts are due within two days, on the 3rd; the unit closes on the 5th; handled is due
    within ten days, on the 11th.

    What breaks it: charging the successor with what had passed before it came in, or the closed unit for ever.
    """
    story = a_story()

    go(story, closed())
    story.sweep("07-20 09:00")

    missed = {
        item.event.clock: item.unit for item in story.happened if isinstance(item.event, DeadlineMissed)
    }
    assert missed == {"facts": UNIT, "handled": "chongqing-desk-1"}


@pytest.mark.parametrize(("up_to", "moves"), [("07-04 23:59", False), (CLOSES, True)])
def test_an_entered_case_waits_until_its_history_is_complete_up_to_that_day(up_to: str, moves: bool) -> None:
    assert ("case.transferred.v1" in go(a_story(), closed(), up_to)) is moves


def test_the_case_of_who_left_goes_to_the_successor_else_to_the_lead_of_the_unit() -> None:
    left = on("07-04 00:00")
    for heir, leads, person in (
        ("wang", {UNIT: "lead"}, "wang"),
        ("", {UNIT: "lead"}, "lead"),
        ("", {}, "li"),
    ):
        story = a_story()
        story.do("assign", "07-01 10:00", department="客服", person="li")

        go(story, Departures(people={"li": (left, heir)}, leads=leads))

        assert story.case.person == person
        assert len(story.told(CaseAssigned)) == (1 if person == "li" else 2)


def test_a_case_that_is_over_stays_where_it_ended() -> None:
    story = a_story()
    story.do("withdraw", "07-01 12:00", reason="the customer took it back")

    assert go(story, closed()) == []


def test_a_case_that_came_into_these_hands_later_leaves_them_at_once() -> None:
    story = a_story()
    story.do("assign", "07-06 10:00", department="客服", person="li")

    go(story, closed())

    assert story.case.charges[-1].since == on("07-06 10:00")
