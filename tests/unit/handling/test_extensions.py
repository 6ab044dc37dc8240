"""More time: asked for before the deadline, each time for as long as the rulebook says; and limits of later rounds."""

import pytest

from services.handling import domain
from services.handling.domain.refusals import (
    AlreadyDoneError,
    DeadlinePassedError,
    NotPermittedByRulebookError,
    SamePersonError,
    TimeRefusedError,
)
from shared.errors import ForbiddenError
from shared.events.handling import ClockChanged, ExtensionAsked
from tests.unit.handling.builders import (
    CHINA,
    Story,
    a_registration,
    a_rule,
    a_step,
    an_actor,
    an_edition,
    on,
    shown,
)

STEPS = {
    "contact": a_step(after="receipt", within={"hours": 24}),
    "reply": a_step(
        after="receipt",
        within={"working_days": 5, "counts_from": "next-day"},
        again_within={"working_days": 3, "counts_from": "next-day"},
        again_on_refusal=True,
    ),
    "accepted": a_step(done_by="acceptance", requires="reply", resolves=True),
}
LONGER = a_rule(
    steps="reply",
    right="cases.approve",
    times=2,
    longest=[{"working_days": 5}, {"working_days": 10}],
    asked_in_time=True,
)
EDITION = an_edition(
    {"procedures": {"one": a_rule(applies={}, steps=STEPS)}, "extensions": {"longer": LONGER}}
)
LEADER = an_actor("unit-leader", "leader", edition=EDITION)


def a_demand() -> Story:
    """Received on Wednesday 1 July: the fifth working day after it is Wednesday 8 July, to its end."""
    return Story(a_registration(class_=""), EDITION)


def ask(story: Story, at: str) -> list[str]:
    return story.do("ask-extension", at, by=HANDLER, step="reply", reason="an expert has to look")


HANDLER = an_actor("service-officer", "handler", edition=EDITION)


def extend(story: Story, at: str, day: str) -> list[str]:
    return story.do("extend", at, by=LEADER, step="reply", on=f"2026-{day}", reason="as asked")


def test_an_extension_asked_for_in_time_may_be_granted_after_the_deadline() -> None:
    story = a_demand()
    story.step("contact", "07-01 10:00")
    ask(story, "07-08 23:59")
    missed = story.sweep("07-09 12:00")

    told = extend(story, "07-10 09:00", "07-15")

    # The miss of midnight was told, and falls: five working days on from Wed 8 July end with Wed 15 July.
    assert missed == ["reply#1 07-09 00:00"]
    assert told == ["clock.changed.v1", "deadline.cleared.v1"]
    assert (story.due("reply"), story.missed) == ("07-16 00:00", [])
    changed = story.last(ClockChanged)
    assert (changed.by, changed.approved_by) == ("handler", "leader")
    assert (shown(changed.asked_at), shown(changed.ends)) == ("07-08 23:59", "07-16 00:00")


def test_asking_alone_gives_no_time() -> None:
    story = a_demand()

    assert ask(story, "07-08 10:00") == ["deadline.missed.v1", "extension.asked.v1"]

    asked = story.last(ExtensionAsked)
    assert (asked.step, asked.occurrence, asked.by) == ("reply", 1, "handler")
    assert "reply#1 07-09 00:00" in story.sweep("07-09 00:00")


def test_what_was_not_asked_for_in_time_is_not_granted() -> None:
    story = a_demand()

    with pytest.raises(NotPermittedByRulebookError, match="ask-extension"):
        extend(story, "07-07 10:00", "07-15")
    with pytest.raises(DeadlinePassedError):
        ask(story, "07-09 00:00")


def test_who_asked_does_not_grant() -> None:
    story = a_demand()
    story.do("ask-extension", "07-07 10:00", by=LEADER, step="reply", reason="r")

    with pytest.raises(SamePersonError):
        extend(story, "07-07 11:00", "07-15")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Five working days on from Wed 8 July: Wed 15 July. Ten from there: Wed 29 July.
        ("07-15", "07-29"),
        ("07-10", "07-24"),
    ],
)
def test_each_extension_is_as_long_as_the_rulebook_says_of_it(first: str, second: str) -> None:
    story = a_demand()
    ask(story, "07-08 10:00")
    with pytest.raises(TimeRefusedError, match="number 1 end at"):
        extend(story, "07-08 11:00", "07-16")
    extend(story, "07-08 11:00", first)
    ask(story, f"{first} 10:00")
    too_late = f"07-{int(second[-2:]) + 1}"

    with pytest.raises(TimeRefusedError, match="number 2 end at"):
        extend(story, f"{first} 11:00", too_late)
    extend(story, f"{first} 11:00", second)

    assert domain.next_due(story.case) == on(f"07-{int(second[-2:]) + 1} 00:00").astimezone(CHINA)


def test_one_request_is_open_at_a_time_and_serves_once() -> None:
    story = a_demand()
    ask(story, "07-07 10:00")
    with pytest.raises(AlreadyDoneError, match="asked for already"):
        ask(story, "07-07 11:00")
    extend(story, "07-08 11:00", "07-15")

    with pytest.raises(NotPermittedByRulebookError, match="ask-extension"):
        extend(story, "07-09 11:00", "07-20")


def test_more_time_is_asked_only_where_the_rulebook_grants_some() -> None:
    story = a_demand()

    with pytest.raises(NotPermittedByRulebookError, match="'contact' no extension"):
        story.do("ask-extension", "07-01 10:00", step="contact", reason="r")
    with pytest.raises(ForbiddenError):
        story.do("extend", "07-01 10:00", by=an_actor("nobody"), step="reply", on="2026-07-15", reason="r")


def test_a_later_round_has_its_own_limit() -> None:
    story = a_demand()
    story.step("reply", "07-03 10:00")

    story.do("refuse-result", "07-06 10:00", reason="not what was asked")

    # Three working days after Monday 6 July end with Thursday 9 July; the first round had five.
    assert story.due("reply") == "07-10 00:00"
    story.step("reply", "07-07 10:00")
    story.do("refuse-result", "07-08 10:00", reason="still not")
    assert story.due("reply") == "07-14 00:00"
    assert story.sweep("07-31 00:00")[-1] == "reply#3 07-14 00:00"


def test_a_step_may_have_a_limit_in_later_rounds_only() -> None:
    steps = {
        "reply": a_step(again_within={"hours": 8}, again_on_refusal=True),
        "accepted": a_step(done_by="acceptance", requires="reply"),
    }
    story = Story(a_registration(), an_edition({"procedures": {"one": a_rule(applies={}, steps=steps)}}))
    before = story.due("reply")
    story.step("reply", "07-03 10:00")

    story.do("refuse-result", "07-06 10:00", reason="no")

    assert (before, story.due("reply")) == ("-", "07-06 18:00")
