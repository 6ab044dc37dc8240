"""What is told of deadlines: once, in order, at their own time, and taken back when it does not stand."""

import pytest

from services.handling import domain
from shared.events.handling import CaseOpened, DeadlineCleared, DeadlineMissed
from tests.unit.handling.builders import AGREED, a_story, an_engineering_story, on, shown, verdicts


def test_settling_again_tells_nothing_and_changes_nothing() -> None:
    story = an_engineering_story(until="receipt")
    story.sweep("07-12 00:00")

    again, told = domain.settle(story.case, story.edition, on("07-12 00:00"))

    assert (again, told) == (story.case, [])


def test_missed_deadlines_are_told_in_the_order_in_which_they_passed() -> None:
    """INVARIANT: after a standstill every missed deadline is told once, the earliest first.

    What breaks it: telling clocks in the order in which the case holds them.
    """
    story = a_story(class_="general", flags=["reputation-risk"])

    told = story.sweep("07-20 00:00")

    # The alert at the end of the day, the facts after 48 h, "handled" after 10 days.
    assert told == ["alert#1 07-02 00:00", "facts#1 07-03 09:00", "handled#1 07-11 09:00"]


def test_a_miss_has_the_deadline_as_its_time_and_says_why() -> None:
    story = an_engineering_story(until="receipt")

    story.sweep("07-05 00:00")

    missed, told = story.last(DeadlineMissed), story.happened[-1]
    assert (told.time, missed.due_before, missed.clause) == (on("07-02 09:00"), on("07-02 09:00"), "JK-04")
    assert missed.explanation_en == (
        "received Wed 1 Jul 2026 09:00",
        "within 24 hours",
        "due before Thu 2 Jul 2026 09:00 (JK-04)",
    )
    assert missed.explanation_zh[0].endswith("收到")


def test_a_late_deed_is_told_late_though_no_sweep_saw_it() -> None:
    """INVARIANT: whether a deed was late depends on its deadline, not on when a sweep last ran.

    What breaks it: leaving lateness to the sweep alone.
    """
    story = an_engineering_story(until="receipt")

    told = story.find("07-02 09:00")

    assert told == ["deadline.missed.v1", "finding.made.v1", "step.completed.v1"]


def test_a_deed_in_time_that_is_entered_after_the_sweep_takes_the_miss_back() -> None:
    """INVARIANT: a deed counts from when it was done, not from when it was entered.

    What breaks it: never looking at a miss again once it was told.
    """
    story = an_engineering_story(until="receipt")
    swept = story.sweep("07-05 00:00")

    story.find("07-02 08:59")

    cleared = story.last(DeadlineCleared)
    assert swept == ["facts#1 07-02 09:00"]
    assert (cleared.clock, cleared.due_before, cleared.reason) == ("facts", on("07-02 09:00"), "done-in-time")
    assert story.happened[-1].time == on("07-02 08:59")
    assert story.missed == []


def test_a_late_entry_settles_only_up_to_its_own_time() -> None:
    story = an_engineering_story(until="receipt")
    story.sweep("07-10 00:00")

    told = story.find("07-02 08:00")
    due = domain.next_due(story.case)

    # The plan's deadline, 3 July 08:00, has long passed, but its entry may follow; the sweep speaks for silence.
    assert told == ["finding.made.v1", "step.completed.v1", "deadline.cleared.v1"]
    assert shown(due) == "07-03 08:00"
    assert story.sweep("07-10 00:00") == ["plan#1 07-03 08:00"]


def test_an_earlier_command_takes_no_miss_back_that_it_has_nothing_to_do_with() -> None:
    story = an_engineering_story(until="receipt")
    story.sweep("07-10 00:00")

    story.do("assign", "07-01 12:00", department="engineering", person="engineer-1")

    assert story.missed == ["facts#1 07-02 09:00"]


def test_clocks_count_from_receipt_whenever_the_complaint_was_registered() -> None:
    story = a_story(class_="general-engineering", received="07-01 09:00", registered="07-03 10:00")

    # 49 h later: both 24-hour clocks had passed by then.
    assert sorted(verdicts(story.happened)) == ["facts#1 07-02 09:00", "recorded#1 07-02 09:00"]
    assert story.happened[0].event.TYPE == "case.opened.v1"


@pytest.mark.rule("JK-14")
@pytest.mark.parametrize(
    ("registered", "missed"), [("07-02 08:59:59", []), ("07-02 09:00", ["recorded#1 07-02 09:00"])]
)
def test_a_complaint_is_to_be_recorded_within_24_hours_of_receipt(registered: str, missed: list[str]) -> None:
    story = a_story(class_="general", received="07-01 09:00", registered=registered)

    assert story.missed == missed


@pytest.mark.rule("JK-14")
def test_a_complaint_without_any_step_in_ten_days_was_not_handled() -> None:
    untouched, touched = a_story(class_="general"), a_story(class_="general")
    touched.find("07-11 08:59")

    untouched.sweep("07-11 09:00")
    touched.sweep("07-11 09:00")

    assert "handled#1 07-11 09:00" in untouched.missed
    assert "handled#1 07-11 09:00" not in touched.missed


@pytest.mark.rule("JK-14")
def test_a_miss_names_who_answered_for_the_case_when_the_deadline_passed() -> None:
    story = a_story(class_="general")
    story.do("assign", "07-01 12:00", department="engineering", person="engineer-1")
    story.do("assign", "07-04 12:00", department="sales", person="clerk-2")

    missed = story.told(DeadlineMissed)[0]

    # 3 July 09:00 lies between the two.
    assert (missed.clock, missed.department, missed.person) == ("facts", "engineering", "engineer-1")


def test_the_next_due_moment_is_that_of_the_earliest_clock_not_told_yet() -> None:
    story = a_story(class_="general")

    first = domain.next_due(story.case)
    story.sweep("07-03 09:00")
    second = domain.next_due(story.case)
    story.sweep("07-11 09:00")

    assert [shown(first), shown(second)] == ["07-03 09:00", "07-11 09:00"]
    assert domain.next_due(story.case) is None


def test_the_opening_tells_the_next_due_moment() -> None:
    assert a_story(class_="major-engineering").last(CaseOpened).next_due == on("07-02 09:00")


def test_a_finished_case_is_due_no_more() -> None:
    story = a_story(class_="explanation")
    story.step("explain", "07-01 10:00")

    story.do("close", "07-01 11:00")

    assert domain.next_due(story.case) is None
    assert story.sweep("08-31 00:00") == []


def test_every_clock_explains_itself_in_both_languages() -> None:
    story = an_engineering_story()

    shown_ = {one["name"]: one for one in domain.explained(story.case, story.edition)}

    assert shown_["rectify"]["running"] is False
    assert shown_["rectify"]["explanation_en"] == [
        "send the rectification notice to the engineering department Sat 4 Jul 2026 06:00",
        "within 5 days",
        "due before Thu 9 Jul 2026 06:00 (JK-04, JK-11, JK-12)",
        "Wed 8 Jul 2026 05:00 done, in time",
    ]
    assert "限 5 日" in "".join(shown_["rectify"]["explanation_zh"]).replace("天", "日")


def test_a_published_calendar_year_moves_what_leant_on_it_and_nothing_else() -> None:
    story = an_engineering_story()

    assert domain.recompute(story.case, story.edition) == story.case


def test_what_is_stored_is_the_case() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00")
    story.do("propose-settlement", "07-03 08:00", way="explanation", **AGREED)
    story.sweep("07-20 00:00")

    stored = story.case.model_dump(mode="json", exclude_defaults=True)

    assert domain.Case.model_validate(stored) == story.case
    assert all(isinstance(key, str) for clock in stored["clocks"] for key in clock.get("told", {}))
