"""The record is complete in time (XA-16), and what else other services tell of a case."""

from datetime import UTC
from typing import Any

import pytest

from services.handling import domain
from services.handling.domain.replay import replayed
from shared.events import Happened, read
from tests.unit.handling.builders import (
    COMPLAINT,
    Story,
    a_registration,
    a_rule,
    a_step,
    an_edition,
    an_envelope,
    on,
    verdicts,
)
from tests.unit.handling.test_replay import facts_of, missed

EDITION = an_edition(
    {
        "procedures": {"one": a_rule(applies={}, steps={"solve": a_step(resolves=True)})},
        "watches": {
            "record": a_rule("XA-16", after="registration", within={"hours": 24}, stops_at="record-complete")
        },
    }
)


INCOMPLETE = {"complete": False, "missing": ["address"], "registered": "07-01 11:00"}
AMENDED = {"complaint_id": str(COMPLAINT), "complete": True, "by": "clerk", "reason": "r"}


def an_incomplete_story(**registration: object) -> Story:
    """Received on 1 July at 9, registered at 11; the record may take until 2 July 11:00."""
    return Story(
        a_registration(**{**INCOMPLETE, **registration}),
        EDITION,
    )


def amend(story: Story, at: str, **told: Any) -> list[Happened]:  # noqa: ANN401  # fields of the event
    amended = an_envelope("record.amended.v1", {**AMENDED, **told}, at=on(at))
    heard = Happened(read(amended), max(amended.time.astimezone(UTC), story.case.registered_at))
    return story.take(domain.follow(story.case, amended, story.edition), heard)


@pytest.mark.rule("XA-16")
@pytest.mark.parametrize(
    ("at", "missed"), [("07-02 10:59:59", []), ("07-02 11:00", ["record#1 07-02 11:00"])]
)
def test_a_record_is_completed_within_its_limit_or_missed(at: str, missed: list[str]) -> None:
    story = an_incomplete_story()

    amend(story, at)

    assert story.missed == missed
    assert story.sweep("07-31 00:00") == []


@pytest.mark.rule("XA-16")
def test_a_record_that_is_complete_from_the_beginning_has_no_watch_running() -> None:
    story = an_incomplete_story(complete=True, missing=[])

    assert story.sweep("07-31 00:00") == []


def test_an_amendment_that_leaves_gaps_stops_nothing() -> None:
    story = an_incomplete_story()

    amend(story, "07-01 12:00", complete=False, missing=["phone"])

    assert story.sweep("07-03 00:00") == ["record#1 07-02 11:00"]


def test_the_first_complete_record_counts_and_later_amendments_do_not() -> None:
    story = an_incomplete_story()
    amend(story, "07-01 12:00")

    amend(story, "07-04 12:00")

    assert story.case.record_complete_at == on("07-01 12:00")
    assert story.missed == []


def test_an_amendment_that_arrives_after_the_sweep_takes_the_miss_back() -> None:
    story = an_incomplete_story()
    swept = story.sweep("07-02 12:00")

    told = amend(story, "07-02 09:00")

    assert (swept, verdicts(told)) == (["record#1 07-02 11:00"], ["cleared record#1 07-02 11:00"])


def test_a_dissatisfied_callback_re_opens_what_is_resolved_and_not_closed_yet() -> None:
    story = an_incomplete_story()
    story.step("solve", "07-02 08:00")
    answer = {
        "complaint_id": str(COMPLAINT),
        "occurrence": 1,
        "answers": {},
        "satisfaction": 1,
        "satisfied": False,
        "reopen": True,
        "by": "caller",
    }

    happened = story.take(
        domain.follow(
            story.case, an_envelope("callback.completed.v1", answer, at=on("07-03 09:00")), story.edition
        )
    )
    again, nothing = domain.follow(
        story.case, an_envelope("callback.completed.v1", answer, at=on("07-03 10:00")), story.edition
    )

    assert (str(story.case.status), story.case.occurrence) == ("open", 2)
    assert (again, nothing) == (story.case, [])
    assert (
        next(item.event.TYPE for item in happened if item.event.TYPE.startswith("case")) == "case.reopened.v1"
    )


@pytest.mark.rule("XA-16")
@pytest.mark.parametrize("at", ["07-02 10:59", "07-02 11:01"])
def test_a_what_if_knows_when_a_record_was_complete(at: str) -> None:
    story = an_incomplete_story()
    amend(story, at)
    story.sweep("07-10 09:00")
    facts = facts_of(story.happened, **INCOMPLETE)
    amended = facts[0]._replace(id="amended", type="record.amended.v1", time=on(at), data=AMENDED)

    again = replayed([*facts, amended], story.edition, on("07-10 09:00"))

    assert missed(again) == set(story.missed)
    assert all(one.type != "deadline.cleared.v1" for one in again)
