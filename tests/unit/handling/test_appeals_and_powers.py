"""Appeals, decided elsewhere and by somebody else; the six powers with their conditions (JK-01, JK-30)."""

from typing import Any

import pytest

from services.handling.domain.refusals import (
    AlreadyDoneError,
    ConditionNotRecordedError,
    NotPermittedByRulebookError,
    UnknownKeyError,
)
from shared.errors import ForbiddenError, InvalidInputError
from shared.events.handling import AppealDecided, AppealLodged, CaseEscalated, DeadlineMissed, PowerUsed
from shared.rulebook.disputes import RecusedError, TermOverError
from tests.unit.handling.builders import (
    Story,
    a_registration,
    a_rule,
    a_step,
    a_story,
    an_actor,
    an_edition,
    an_engineering_story,
    on,
)


def a_missed_story() -> Story:
    """A general engineering complaint whose facts were missed on 2 July at 09:00."""
    story = an_engineering_story(until="receipt")
    story.sweep("07-02 12:00")
    return story


@pytest.mark.rule("JK-15")
def test_an_upheld_appeal_names_the_clock_and_run_that_no_longer_count() -> None:
    story = a_missed_story()
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="the owner gave no access")

    story.do("decide-appeal", "07-06 08:00", appeal="1", upheld=True, reasons="the log shows it")

    assert story.last(AppealLodged).against == "facts#1"
    decided = story.last(AppealDecided)
    assert (decided.against, decided.upheld, decided.by) == ("facts#1", True, "centre-director")


def test_what_an_appeal_took_away_is_not_told_again() -> None:
    story = a_missed_story()
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="the owner gave no access")
    story.do("decide-appeal", "07-06 08:00", appeal="1", upheld=True, reasons="the log shows it")

    # Found major: another deadline, but of the run that is excused.
    told = story.find("07-06 09:00", class_="general")

    assert "deadline.missed.v1" not in told
    assert "deadline.cleared.v1" not in told


def test_an_appeal_is_lodged_within_seven_days_of_what_it_is_against() -> None:
    in_time, late = a_missed_story(), a_missed_story()

    in_time.do("lodge-appeal", "07-09 08:59", against="facts", grounds="no access")

    # 2 July 09:00 + 7 days.
    assert in_time.last(AppealLodged).against == "facts#1"
    with pytest.raises(TermOverError, match="ended at 2026-07-09T01:00"):
        late.do("lodge-appeal", "07-09 09:00", against="facts", grounds="no access")


def test_an_appeal_is_lodged_once() -> None:
    story = a_missed_story()
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="the owner gave no access")

    with pytest.raises(AlreadyDoneError, match="only one"):
        story.do("lodge-appeal", "07-03 09:00", against="facts#1", grounds="once more")


@pytest.mark.parametrize("against", ["plan", "facts#2", "facts#x", "weather", "finding"])
def test_there_must_be_something_to_appeal_against(against: str) -> None:
    story = a_missed_story()

    with pytest.raises(NotPermittedByRulebookError):
        story.do("lodge-appeal", "07-03 08:00", against=against, grounds="nothing there")


def test_nobody_decides_an_appeal_about_his_own_finding_or_from_the_appellants_unit() -> None:
    """INVARIANT: an appeal never returns to who decided, lodged or answers for what it is about.

    What breaks it: checking the right alone. A director may have made the finding.
    """
    story = a_story(class_="general")
    director = an_actor("centre-director", unit="group")
    neighbour = an_actor("centre-director", "director-2", "chongqing-branch")
    story.find("07-02 08:00", by=director)
    story.do("lodge-appeal", "07-03 08:00", against="finding", grounds="outside our promise")
    verdict: dict[str, Any] = {"appeal": "1", "upheld": False, "reasons": "within it"}

    with pytest.raises(RecusedError):
        story.do("decide-appeal", "07-04 08:00", by=director, **verdict)
    with pytest.raises(RecusedError):
        story.do("decide-appeal", "07-04 08:00", by=neighbour, **verdict)
    story.do("decide-appeal", "07-04 08:00", by=an_actor("centre-director", "director-2", "group"), **verdict)

    assert (story.case.validity, story.last(AppealDecided).upheld) == ("valid", False)


def test_who_answered_when_the_deadline_passed_does_not_decide_about_it() -> None:
    story = an_engineering_story(until="receipt")
    story.do("assign", "07-01 12:00", department="centre", person="director-2")
    story.sweep("07-02 12:00")
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="no access")

    by = an_actor("centre-director", "director-2", "group")
    with pytest.raises(RecusedError):
        story.do("decide-appeal", "07-04 08:00", by=by, appeal="1", upheld=True, reasons="mine")


def test_deciding_needs_the_right_an_appeal_and_only_one_decision() -> None:
    story = a_missed_story()
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="no access")
    verdict: dict[str, Any] = {"upheld": True, "reasons": "so it was"}

    with pytest.raises(ForbiddenError, match=r"cases\.rule"):
        story.do(
            "decide-appeal", "07-04 08:00", by=an_actor("supervisor", unit="group"), appeal="1", **verdict
        )
    with pytest.raises(UnknownKeyError, match="Name one of: 1"):
        story.do("decide-appeal", "07-04 08:00", appeal="2", **verdict)
    story.do("decide-appeal", "07-04 08:00", appeal="1", **verdict)
    with pytest.raises(AlreadyDoneError):
        story.do("decide-appeal", "07-04 09:00", appeal="1", **verdict)


def test_an_appeal_that_nobody_decides_is_missed_like_any_deadline() -> None:
    story = an_engineering_story(until="receipt")
    story.find("07-02 08:00")
    story.do("lodge-appeal", "07-03 08:00", against="finding", grounds="outside our promise")

    story.sweep("07-18 00:00")

    # Ten working days from Friday 3 July 08:00: Friday 17 July 08:00.
    missed = [event for event in story.told(DeadlineMissed) if event.clock == "appeal-1"]
    assert [(event.due_before, event.step) for event in missed] == [(on("07-17 08:00"), "")]


def test_a_finding_made_anew_in_the_meantime_is_not_overturned_with_the_old_one() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")
    story.do("lodge-appeal", "07-03 08:00", against="finding", grounds="outside our promise")
    story.find("07-04 08:00", by=an_actor("branch-officer", "officer-2"), validity="invalid")

    story.do("decide-appeal", "07-05 08:00", appeal="1", upheld=True, reasons="so it was")

    assert story.case.validity == "invalid"


def test_an_appeal_against_a_miss_that_was_taken_back_meanwhile_is_still_decided() -> None:
    story = a_story(class_="general", flags=["reputation-risk"])
    story.sweep("07-02 08:00")
    story.do("lodge-appeal", "07-02 09:00", against="alert", grounds="there was no risk")
    story.do("reclassify", "07-02 10:00", flags=[], reason="flagged by mistake")

    told = story.do("decide-appeal", "07-03 08:00", appeal="1", upheld=True, reasons="so it was")

    assert (told, story.missed) == (["appeal.decided.v1"], [])


def test_an_importer_enters_an_appeal_and_its_decision_for_two_units() -> None:
    story = a_missed_story()
    importer = an_actor("importer", "importer-1", "group")
    head = {"person": "head-1", "role": "branch-head", "unit": "chongqing-branch"}
    director = {"person": "director-1", "role": "centre-director", "unit": "group"}

    story.do(
        "lodge-appeal", "07-03 08:00", by=importer, acting_for=head, against="facts", grounds="no access"
    )
    story.do(
        "decide-appeal",
        "07-04 08:00",
        by=importer,
        acting_for=director,
        appeal="1",
        upheld=False,
        reasons="access",
    )

    decided = story.last(AppealDecided)
    assert (story.last(AppealLodged).by, decided.by) == ("head-1", "director-1")
    assert decided.entered_by == "importer-1"


def test_a_unit_s_importer_enters_no_ruling_of_those_above_and_none_of_their_own() -> None:
    """INVARIANT: nobody rules on a matter of their own unit, in whosever name.

    What breaks it: taking the name that an importer states without asking where the importer stands.
    """
    story = a_missed_story()
    story.do("lodge-appeal", "07-03 08:00", against="facts", grounds="no access")
    importer = an_actor("importer", "importer-2", "chongqing")
    director = {"person": "director-1", "role": "centre-director", "unit": "group"}
    verdict = {"appeal": "1", "upheld": True, "reasons": "so it was"}

    with pytest.raises(ForbiddenError, match="lies outside 'chongqing'"):
        story.do("decide-appeal", "07-04 08:00", by=importer, acting_for=director, **verdict)
    with pytest.raises(ForbiddenError, match="rules on nothing"):
        story.do("decide-appeal", "07-04 08:00", by=importer, **verdict)


def test_a_rulebook_may_tell_appeals_apart_by_what_they_are_against() -> None:
    appeals = {
        "short": a_rule(
            within={"days": 1}, decided_within={"days": 1}, right="cases.rule", against="validity"
        ),
        "long": a_rule(within={"days": 9}, decided_within={"days": 1}, right="cases.rule", against="clock"),
    }
    steps = {
        "facts": a_step(after="receipt", within={"hours": 1}),
        "other": a_step(after="receipt", within={"hours": 1}),
    }
    procedures = {"one": a_rule(applies={"kind": "complaint"}, steps=steps)}
    story = Story(a_registration(), an_edition({"procedures": procedures, "appeals": appeals}))
    story.sweep("07-01 12:00")

    story.do("lodge-appeal", "07-09 08:00", against="facts", grounds="eight days later")

    with pytest.raises(InvalidInputError, match="not stored"):
        story.do("lodge-appeal", "07-09 08:00", against="responsibility", grounds="no rule for it")


@pytest.mark.rule("JK-30")
@pytest.mark.parametrize("power", ["investigate", "borrow-staff", "co-ordinate"])
def test_a_power_with_a_condition_is_not_used_before_the_condition_is_recorded(power: str) -> None:
    story = an_engineering_story(until="receipt")

    with pytest.raises(ConditionNotRecordedError, match="condition"):
        story.do("use-power", "07-01 12:00", power=power, detail="two plumbers for a day")
    story.do("use-power", "07-01 12:00", power=power, condition="spoken with Mr Zhao", detail="two plumbers")

    used = story.last(PowerUsed)
    assert (used.power, used.condition, used.by) == (power, "spoken with Mr Zhao", "branch-officer")


@pytest.mark.rule("JK-01")
@pytest.mark.parametrize("power", ["accept", "press", "propose-penalty"])
def test_the_other_powers_have_no_condition(power: str) -> None:
    story = an_engineering_story(until="receipt")

    assert story.do("use-power", "07-01 12:00", power=power, detail="by the end of the week") == [
        "power.used.v1"
    ]


@pytest.mark.rule("JK-01")
def test_a_power_is_used_by_who_has_the_right_and_only_a_known_one() -> None:
    story = an_engineering_story(until="receipt")

    with pytest.raises(ForbiddenError, match=r"powers\.use"):
        story.do("use-power", "07-01 12:00", by=an_actor("desk-officer"), power="press", detail="now")
    with pytest.raises(UnknownKeyError, match="borrow-staff"):
        story.do("use-power", "07-01 12:00", power="arrest", detail="now")


@pytest.mark.rule("JK-01")
def test_a_case_goes_up_level_by_level_with_its_first_taker_named() -> None:
    story = an_engineering_story(until="receipt")

    story.do("escalate", "07-01 12:00", reason="beyond the branch")
    story.do("escalate", "07-01 13:00", level=3, reason="the press is there")

    assert [(event.level, event.to) for event in story.told(CaseEscalated)] == [
        (1, "branch-head"),
        (3, "centre-director"),
    ]
    assert story.last(CaseEscalated).first_taker == "first-taker"


def test_a_case_does_not_go_down_nor_above_the_highest_level() -> None:
    story = an_engineering_story(until="receipt")
    story.do("escalate", "07-01 12:00", level=2, reason="beyond the branch")

    with pytest.raises(NotPermittedByRulebookError, match="Choose one of: 3"):
        story.do("escalate", "07-01 13:00", level=1, reason="back again")
    story.do("escalate", "07-01 14:00", reason="up")
    with pytest.raises(NotPermittedByRulebookError, match="none above"):
        story.do("escalate", "07-01 15:00", reason="further up")
