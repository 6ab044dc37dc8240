"""Dates agreed with the customer (JK-12), extensions of special cases (JK-03), pauses with reasons."""

from typing import Any

import pytest

from services.handling.domain.refusals import (
    AlreadyDoneError,
    DeadlinePassedError,
    NotInProcedureError,
    NotPermittedByRulebookError,
    SamePersonError,
    TimeRefusedError,
    UnknownKeyError,
)
from shared.errors import ForbiddenError
from shared.events.handling import ClockChanged
from tests.unit.handling.builders import (
    AGREED,
    Story,
    a_story,
    an_actor,
    an_engineering_story,
    on,
)

ACCESS: dict[str, Any] = {"reason": "no-access", "asked_by": "branch-officer"}


def a_proposed_story() -> Story:
    """A general complaint, agreed on 3 July at 08:00; the leader has to sign by 4 July 08:00."""
    story = a_story(class_="general")
    story.find("07-02 08:00")
    story.do("propose-settlement", "07-03 08:00", way="explanation", **AGREED)
    return story


@pytest.mark.rule("JK-12")
def test_an_agreed_date_may_also_be_earlier_than_the_table() -> None:
    story = an_engineering_story(until="notice")

    story.do(
        "agree-date",
        "07-05 08:00",
        step="rectify",
        due_before=on("07-06 18:00").isoformat(),
        evidence={"call": "c1"},
    )

    changed = story.last(ClockChanged)
    assert (changed.change, changed.due_before) == ("agreed", on("07-06 18:00"))
    assert story.sweep("07-06 18:00") == ["rectify#1 07-06 18:00"]


@pytest.mark.rule("JK-12")
def test_a_later_agreement_replaces_the_one_before_also_where_it_goes_back() -> None:
    story = an_engineering_story(until="notice")
    story.do("agree-date", "07-05 08:00", step="rectify", on="2026-07-20", evidence={"call": "c1"})
    story.do("agree-date", "07-06 08:00", step="rectify", on="2026-07-25", evidence={"call": "c2"})
    story.do("agree-date", "07-07 08:00", step="rectify", on="2026-07-20", evidence={"call": "c3"})

    assert story.due("rectify") == "07-21 00:00"


@pytest.mark.rule("JK-12")
def test_a_date_agreed_before_the_works_begin_holds_though_the_table_would_wait_for_them() -> None:
    story = an_engineering_story(until="notice", item="waterproofing")
    story.do("agree-date", "07-05 08:00", step="rectify", on="2026-07-20", evidence={"call": "c1"})
    before = story.due("rectify")

    story.do("start-works", "07-10 08:00")

    assert (before, story.due("rectify")) == ("07-21 00:00", "07-21 00:00")


@pytest.mark.rule("JK-12")
def test_an_agreed_date_serves_where_no_row_of_the_table_fits() -> None:
    story = an_engineering_story(until="plan", item="")
    story.do("agree-date", "07-03 20:00", step="rectify", on="2026-07-10", evidence={"call": "c1"})

    story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})

    assert story.sweep("07-11 00:00") == ["rectify#1 07-11 00:00"]


@pytest.mark.rule("JK-12")
def test_an_agreed_date_belongs_to_its_run() -> None:
    story = an_engineering_story(until="notice")
    story.do("agree-date", "07-05 08:00", step="rectify", on="2026-07-20", evidence={"call": "c1"})
    story.step("rectify", "07-19 08:00", person="engineer")

    story.do("refuse-result", "07-20 08:00", reason="no better")

    # The same limit starts again: a lift, 5 days.
    assert story.due("rectify") == "07-25 08:00"


@pytest.mark.rule("JK-12")
def test_a_date_agreed_after_the_deadline_cures_nothing_and_is_refused() -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(DeadlinePassedError, match="the miss stands"):
        story.do("agree-date", "07-09 06:00", step="rectify", on="2026-07-20", evidence={"call": "c1"})


@pytest.mark.parametrize(
    ("step", "refusal"),
    [("plan", NotPermittedByRulebookError), ("pay", NotInProcedureError), ("nothing", NotInProcedureError)],
)
def test_only_what_the_rulebook_names_takes_an_agreed_date(step: str, refusal: type[Exception]) -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(refusal):
        story.do("agree-date", "07-05 08:00", step=step, on="2026-07-20", evidence={"call": "c1"})


def test_no_date_is_agreed_for_what_is_done_or_in_the_past() -> None:
    done, open_ = an_engineering_story(), an_engineering_story(until="notice")

    with pytest.raises(AlreadyDoneError):
        done.do("agree-date", "07-08 08:00", step="rectify", on="2026-07-20", evidence={"call": "c1"})
    with pytest.raises(TimeRefusedError, match="Name a later one"):
        open_.do("agree-date", "07-06 08:00", step="rectify", on="2026-07-05", evidence={"call": "c1"})


@pytest.mark.rule("JK-03")
def test_a_special_case_gives_the_leader_more_time_to_sign() -> None:
    story = a_proposed_story()

    story.do(
        "extend", "07-03 20:00", step="approve", on="2026-07-06", reason="abroad", asked_by="branch-head"
    )
    story.do("approve-settlement", "07-06 23:00")

    changed = story.last(ClockChanged)
    assert (changed.change, changed.approved_by, changed.by) == ("extended", "company-leader", "branch-head")
    assert (story.due("approve"), story.missed) == ("07-07 00:00", [])


@pytest.mark.rule("JK-03")
def test_an_extension_is_granted_by_the_right_person_once_for_the_right_step_and_in_time() -> None:
    story = a_proposed_story()
    wanted: dict[str, Any] = {"step": "approve", "on": "2026-07-06", "reason": "abroad"}

    with pytest.raises(ForbiddenError, match=r"cases\.approve"):
        story.do("extend", "07-03 20:00", by=an_actor("branch-head"), **wanted)
    with pytest.raises(NotPermittedByRulebookError, match="grants the step 'carry-out' no extension"):
        story.do("extend", "07-03 20:00", **{**wanted, "step": "carry-out"})
    with pytest.raises(TimeRefusedError, match="after the present deadline"):
        story.do("extend", "07-03 20:00", **{**wanted, "on": "2026-07-03"})
    with pytest.raises(DeadlinePassedError):
        story.do("extend", "07-04 08:00", **wanted)
    story.do("extend", "07-03 20:00", **wanted)
    with pytest.raises(NotPermittedByRulebookError, match="as often as the rulebook"):
        story.do("extend", "07-03 21:00", **{**wanted, "on": "2026-07-08"})


@pytest.mark.rule("JK-03")
def test_a_step_that_has_not_begun_has_nothing_to_extend() -> None:
    story = a_story(class_="general")

    with pytest.raises(NotPermittedByRulebookError, match="No clock runs"):
        story.do("extend", "07-02 08:00", step="approve", on="2026-07-06", reason="abroad")


def test_a_pause_moves_the_deadline_by_its_length() -> None:
    story = an_engineering_story(until="notice")

    told = story.do("pause", "07-05 06:00", **ACCESS)
    story.do("resume", "07-07 06:00")

    # Two days of standstill on top of 9 July 06:00.
    assert (told, story.due("rectify")) == (["clock.changed.v1"], "07-11 06:00")
    assert [event.change for event in story.told(ClockChanged)] == ["paused", "resumed"]


def test_a_pause_ends_by_itself_after_the_longest_that_the_rulebook_allows() -> None:
    story = an_engineering_story(until="notice")

    story.do("pause", "07-05 06:00", **ACCESS)

    # 15 days on top of 9 July 06:00, and no later.
    assert story.sweep("07-24 05:59") == []
    assert story.sweep("07-24 06:00") == ["rectify#1 07-24 06:00"]


def test_a_pause_stops_no_other_clock() -> None:
    story = an_engineering_story(until="notice")
    story.do("reclassify", "07-04 10:00", flags=["reputation-risk"], reason="the press called")

    story.do("pause", "07-04 12:00", **ACCESS)

    assert story.sweep("07-05 00:00") == ["alert#1 07-05 00:00"]


def test_a_pause_is_given_by_who_may_approve_it_and_for_a_reason_that_is_known() -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(UnknownKeyError, match="no-access, weather"):
        story.do("pause", "07-05 06:00", reason="holidays")
    for role in ("branch-officer", "branch-head"):
        with pytest.raises(ForbiddenError, match=rf"cases\.approve.*{role}.*Ask someone whose role has it"):
            story.do("pause", "07-05 06:00", by=an_actor(role), **ACCESS)
    story.do("pause", "07-05 06:00", **ACCESS)

    changed = story.last(ClockChanged)
    assert (changed.change, changed.by, changed.approved_by) == ("paused", "branch-officer", "company-leader")


@pytest.mark.parametrize("kind", ["pause", "extend", "except-report"])
def test_who_answers_for_the_case_or_asks_for_it_approves_nothing(kind: str) -> None:
    given: dict[str, dict[str, Any]] = {
        "pause": {"reason": "no-access"},
        "extend": {"step": "approve", "on": "2026-07-06", "reason": "abroad"},
        "except-report": {"step": "alert", "reason": "nothing is known yet"},
    }
    story = a_proposed_story() if kind == "extend" else an_engineering_story(until="notice")
    at = "07-03 20:00" if kind == "extend" else "07-05 06:00"
    story.do("reclassify", at, flags=["reputation-risk"], reason="the press called")

    with pytest.raises(SamePersonError, match="Ask another leader"):
        story.do(kind, at, **given[kind], asked_by="company-leader")
    story.do("assign", at, department="d", person="company-leader")
    with pytest.raises(SamePersonError, match="Ask another leader"):
        story.do(kind, at, **given[kind])


def test_who_enters_for_others_lends_them_no_right_to_approve() -> None:
    """INVARIANT: an entry counts as if whoever did it had commanded it.

    What breaks it: judging with the rights of who enters, who may enter everything.
    """
    story = an_engineering_story(until="notice")
    importer = an_actor("importer", "importer-1", "chongqing")
    officer, leader = ({"person": role, "role": role} for role in ("branch-officer", "company-leader"))

    with pytest.raises(ForbiddenError, match=r"cases\.approve.*branch-officer"):
        story.do("pause", "07-05 06:00", by=importer, acting_for=officer, reason="no-access")
    with pytest.raises(ForbiddenError, match=r"cases\.transfer.*branch-officer"):
        story.do("transfer", "07-05 06:00", by=importer, acting_for=officer, to_unit="wuxi", reason="r")
    with pytest.raises(UnknownKeyError, match="company-leader"):
        story.do("resume", "07-05 06:00", by=importer, acting_for={"person": "x", "role": "x"})
    story.do("pause", "07-05 06:00", by=importer, acting_for=leader, **ACCESS)

    assert story.last(ClockChanged).approved_by == "company-leader"


def test_there_must_be_something_to_pause_or_to_resume() -> None:
    story = an_engineering_story(until="notice")

    with pytest.raises(NotPermittedByRulebookError, match="nothing to resume"):
        story.do("resume", "07-05 06:00")
    story.do("pause", "07-05 06:00", **ACCESS)
    with pytest.raises(NotPermittedByRulebookError, match="stands still already"):
        story.do("pause", "07-06 06:00", **{**ACCESS, "reason": "weather"})
    with pytest.raises(TimeRefusedError, match="the pause"):
        story.do("resume", "07-05 05:00")


def test_two_pauses_both_count() -> None:
    story = an_engineering_story(until="notice")
    story.do("pause", "07-05 06:00", **ACCESS)
    story.do("resume", "07-06 06:00")
    story.do("pause", "07-07 06:00", **ACCESS)
    story.do("resume", "07-07 18:00")

    # A day and half a day on top of 9 July 06:00.
    assert story.due("rectify") == "07-10 18:00"


def test_what_is_done_during_a_pause_is_done_in_time() -> None:
    story = an_engineering_story(until="notice")
    story.do("pause", "07-05 06:00", **ACCESS)

    story.step("rectify", "07-15 08:00", person="engineer")
    story.do("resume", "07-16 08:00")

    assert story.missed == []


def test_a_refused_result_starts_a_clock_that_no_old_pause_reaches_into() -> None:
    story = an_engineering_story(until="notice")
    story.do("pause", "07-05 06:00", **ACCESS)
    story.step("rectify", "07-06 08:00", person="engineer")

    story.do("refuse-result", "07-07 08:00", reason="no better")

    assert story.due("rectify") == "07-12 08:00"


def test_the_next_run_can_be_paused_though_the_pause_of_the_last_one_never_ended() -> None:
    story = an_engineering_story(until="notice")
    story.do("pause", "07-05 06:00", **ACCESS)
    story.step("rectify", "07-06 08:00", person="engineer")
    story.do("refuse-result", "07-07 08:00", reason="no better")

    story.do("pause", "07-08 08:00", **ACCESS)
    story.do("resume", "07-09 08:00")

    # 7 July 08:00 + 5 days + one day of standstill.
    assert story.due("rectify") == "07-13 08:00"
