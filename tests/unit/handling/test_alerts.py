"""What the system says by itself: when something happens, and before and after a deadline."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from services.handling import domain
from shared.events.handling import AlertRaised, CaseEscalated, DeadlineMissed
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import Alert
from tests.unit.handling.builders import CHINA, Story, a_registration, a_rule, a_step, an_edition, on, shown

STEPS = {
    "answer": a_step(after="receipt", within={"hours": 24}),
    "solve": a_step(after="receipt", within={"days": 3}, resolves=True),
}
LEVELS = {"head": a_rule(level=1, to="head"), "director": a_rule(level=2, to="director")}
FLAGS = {"danger": a_rule(), "media": a_rule()}


def an_edition_that_says(alerts: Mapping[str, Any], **book: object) -> Edition:
    return an_edition(
        {
            "procedures": {"one": a_rule(applies={}, steps=STEPS)},
            "escalations": LEVELS,
            "pauses": {"away": a_rule(needs_approval=False)},
            "extensions": {"more": a_rule(steps="answer", right="cases.approve")},
            "alerts": {key: a_rule(**alert) for key, alert in alerts.items()},
            **book,
        },
        intake={"flags": FLAGS},
    )


def a_story_that_says(alerts: Mapping[str, Any], **registration: object) -> Story:
    """A complaint received on Wednesday 1 July at 9: answered by 2 July 9:00, solved by 4 July 9:00."""
    return Story(a_registration(class_="", **registration), an_edition_that_says(alerts))


def said(story: Story) -> list[str]:
    """What was said and what was missed, in the order in which it was told, each with its moment."""
    return [
        f"{item.event.alert if isinstance(item.event, AlertRaised) else 'miss'} {shown(item.time)}"
        for item in story.happened
        if isinstance(item.event, AlertRaised | DeadlineMissed)
    ]


THREE = {
    "remind": {"on": "deadline", "clocks": "answer", "before": {"hours": 4}, "to": "handler"},
    "press": {"on": "deadline", "clocks": "answer", "after": {"days": 1}, "to": "head"},
    "criticise": {"on": "deadline", "clocks": "answer", "after": {"days": 5}, "to": "centre"},
}
IN_ORDER = ["remind 07-02 05:00", "miss 07-02 09:00", "press 07-03 09:00", "criticise 07-07 09:00"]


def test_a_reminder_comes_before_the_deadline_and_pressing_and_criticism_after_it() -> None:
    story = a_story_that_says(THREE)

    for moment in ("07-02 04:59", "07-02 05:00", "07-02 09:00", "07-03 08:59", "07-03 09:00", "07-10 00:00"):
        story.sweep(moment)

    # solve is missed too, and nobody is told of it.
    assert [one for one in said(story) if one != "miss 07-04 09:00"] == IN_ORDER


def test_the_fourth_acceptance_vector_settles_what_was_missed_while_nobody_looked_once_and_in_order() -> None:
    """INVARIANT: looking once after an outage tells what looking all the time would have told, once and in order.

    What breaks it: sending at a clock's tick instead of settling silence. FIELD's vector 4.
    """
    story = a_story_that_says(THREE)
    story.step("solve", "07-01 10:00")

    story.sweep("07-07 09:01")
    first = said(story)
    again = story.sweep("07-08 09:00")

    assert first == IN_ORDER
    assert (again, said(story)) == ([], IN_ORDER)
    assert [event.late for event in story.told(AlertRaised)] == [True, True, False]


def test_sweeping_every_minute_and_once_come_to_the_same() -> None:
    often, once = a_story_that_says(THREE), a_story_that_says(THREE)

    for hour in range(24 * 6):
        often.sweep(f"07-{2 + hour // 24:02} {hour % 24:02}:30")
    once.sweep("07-07 23:30")

    assert said(often) == said(once)
    assert often.case.alerted == once.case.alerted


def test_nothing_is_said_of_a_deed_that_was_done_before_the_threshold() -> None:
    story = a_story_that_says(THREE)
    story.step("answer", "07-02 04:59")

    story.sweep("07-31 00:00")

    assert story.told(AlertRaised) == []


def test_a_late_deed_ends_the_pressing() -> None:
    story = a_story_that_says(THREE)
    story.step("answer", "07-03 08:59")

    story.sweep("07-31 00:00")

    assert [event.alert for event in story.told(AlertRaised)] == ["remind"]


def test_a_deadline_that_moves_is_warned_of_again() -> None:
    story = a_story_that_says(THREE)
    story.sweep("07-02 05:00")
    leader = domain.Actor(person="l", unit="group", role="leader", rights=frozenset({"cases.approve"}))
    story.do(
        "extend",
        "07-02 06:00",
        by=leader,
        step="answer",
        due_before=on("07-05 09:00").isoformat(),
        reason="r",
    )

    story.sweep("07-05 05:00")

    assert [one for one in said(story) if one.startswith("remind")] == [
        "remind 07-02 05:00",
        "remind 07-05 05:00",
    ]


def test_no_threshold_passes_while_a_clock_stands_still() -> None:
    story = a_story_that_says(THREE)
    story.do("pause", "07-01 10:00", by=_handler(), reason="away")
    story.sweep("07-20 00:00")
    before = story.told(AlertRaised)

    story.do("resume", "07-20 10:00", by=_handler())
    story.sweep("07-21 05:00")

    # 23 of the 24 hours are left on 20 July 10:00: due 21 July 9:00, the reminder four hours earlier.
    assert (before, said(story)[-1]) == ([], "remind 07-21 05:00")


def _handler() -> domain.Actor:
    return domain.Actor(
        person="h", unit="chongqing-branch", role="handler", rights=frozenset({"cases.handle"})
    )


def test_a_limit_that_is_shorter_than_the_warning_is_warned_of_at_once() -> None:
    story = a_story_that_says({"remind": {**THREE["remind"], "before": {"days": 2}}})

    assert said(story) == ["remind 07-01 09:00"]


def test_an_alert_may_be_at_the_deadline_itself_and_on_every_step() -> None:
    story = a_story_that_says({"over": {"on": "deadline", "clocks": "steps", "to": "head"}})

    story.sweep("07-31 00:00")

    assert said(story) == ["miss 07-02 09:00", "over 07-02 09:00", "miss 07-04 09:00", "over 07-04 09:00"]


def test_the_sweep_is_woken_by_thresholds_too() -> None:
    story = a_story_that_says(THREE)
    moments = []

    while (moment := domain.wakes_at(story.case, story.edition)) is not None:
        moments.append(shown(moment))
        story.sweep(moment.astimezone(CHINA).strftime("%m-%d %H:%M"))

    # The reminder, the miss, the pressing, the miss of solve, the criticism; then nothing more.
    assert moments == ["07-02 05:00", "07-02 09:00", "07-03 09:00", "07-04 09:00", "07-07 09:00"]


def test_where_nothing_is_said_only_deadlines_wake_the_sweep() -> None:
    story = a_story_that_says({})

    assert domain.wakes_at(story.case, story.edition) == domain.next_due(story.case)


def test_an_alert_escalates_a_case_that_is_not_there_yet() -> None:
    alerts = {
        "press": {"on": "deadline", "clocks": "answer", "after": {"hours": 1}, "escalates": "head"},
        "up": {"on": "deadline", "clocks": "answer", "after": {"days": 1}, "escalates": "director"},
        "again": {"on": "deadline", "clocks": "solve", "escalates": "head", "to": "head"},
    }
    story = a_story_that_says(alerts)

    story.sweep("07-31 00:00")

    taken = [(one.level, one.to, one.by, one.first_taker) for one in story.told(CaseEscalated)]
    # The case is at level 2 when `again` comes, so that one is only told.
    assert taken == [(1, "head", "alert/press", "first-taker"), (2, "director", "alert/up", "first-taker")]
    assert [event.alert for event in story.told(AlertRaised)] == ["press", "up", "again"]


@pytest.mark.rule("LN-05")
def test_a_registration_is_announced_to_the_roles_that_the_rulebook_names() -> None:
    alerts = {
        "tell": {"on": "registered", "when": {"channel": "visit"}, "to": ["head", "director"]},
        "never": {"on": "registered", "when": {"channel": "letter"}, "to": "head"},
    }
    story = a_story_that_says(alerts)

    (told,) = story.told(AlertRaised)

    assert (told.alert, told.to, told.to_unit, told.late) == ("tell", ("head", "director"), "", False)
    assert said(story) == ["tell 07-01 09:00"]


@pytest.mark.rule("LN-11")
def test_a_flag_is_answered_when_it_is_set_and_not_again() -> None:
    alerts = {"up": {"on": "flagged", "when": {"flag": "danger"}, "escalates": "director"}}
    story = a_story_that_says(alerts)
    before = story.told(AlertRaised)

    story.do("reclassify", "07-01 10:00", flags=["danger"], reason="gas")
    story.do("reclassify", "07-01 11:00", flags=["danger", "media"], reason="press")

    assert before == []
    assert said(story) == ["up 07-01 10:00"]
    assert story.last(CaseEscalated).level == 2


@pytest.mark.rule("LN-11")
def test_a_flag_of_the_registration_is_answered_with_it() -> None:
    alerts = {"up": {"on": "flagged", "when": {"flag": "danger"}, "to": "director"}}

    assert said(a_story_that_says(alerts, flags=["danger"])) == ["up 07-01 09:00"]


@pytest.mark.rule("LN-10")
def test_what_was_passed_on_is_answered_back_to_where_it_came_from() -> None:
    alerts = {"back": {"on": "resolved", "to_origin": True}}
    story, own = a_story_that_says(alerts), a_story_that_says(alerts)
    story.do("transfer", "07-01 10:00", to_unit="group", reason="beyond the branch")

    story.step("solve", "07-02 08:00")
    own.step("solve", "07-02 08:00")

    told = story.last(AlertRaised)
    assert (told.to_unit, told.to) == ("chongqing-branch", ())
    # Where the unit solved it itself there is nobody to answer.
    assert own.told(AlertRaised) == []


def test_every_moment_of_a_case_may_be_announced() -> None:
    moments = ("found", "transferred", "resolved", "closed", "reopened")
    story = a_story_that_says({on_: {"on": on_, "to": "head"} for on_ in moments})

    story.find("07-01 10:00")
    story.do("transfer", "07-01 11:00", to_unit="group", reason="r")
    story.step("answer", "07-01 12:00")
    story.step("solve", "07-01 13:00")
    story.do("close", "07-01 14:00")
    story.do("reopen", "07-01 15:00", reason="not solved")

    assert [event.alert for event in story.told(AlertRaised)] == list(moments)
    assert [shown(item.time) for item in story.happened if isinstance(item.event, AlertRaised)] == [
        "07-01 10:00",
        "07-01 11:00",
        "07-01 13:00",
        "07-01 14:00",
        "07-01 15:00",
    ]


@pytest.mark.rule("XA-02")
def test_a_finding_by_two_is_announced_when_it_is_proposed_and_not_a_second_time() -> None:
    alerts = {"plan": {"on": "found", "to": "head"}}
    determinations = {"validity": a_rule(of="validity", proposes="handler", confirms="office")}
    edition = an_edition_that_says(
        alerts,
        determinations=determinations,
        validities={"valid": a_rule(presumed=True), "invalid": a_rule()},
    )
    story = Story(a_registration(class_=""), edition)
    office = domain.Actor(person="o", unit="group", role="office")
    story.find("07-01 10:00", by=_handler())

    story.do("confirm-finding", "07-01 11:00", by=office, agrees=True)
    agreed = said(story)
    story.find("07-01 12:00", by=_handler())
    story.do("confirm-finding", "07-01 13:00", by=office, agrees=False, validity="invalid", reason="no")

    assert agreed == ["plan 07-01 10:00"]
    # The second proposal is announced, and what was found instead of it.
    assert said(story) == ["plan 07-01 10:00", "plan 07-01 12:00", "plan 07-01 13:00"]


def test_a_reminder_says_how_long_before() -> None:
    with pytest.raises(ValidationError, match="how long before"):
        Alert.model_validate(a_rule(on="deadline", clocks="answer", before={"until": "handover"}, to="head"))
