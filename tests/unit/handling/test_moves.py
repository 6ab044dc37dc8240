"""Hand-over, withdrawal, merging and parting, closing and re-opening."""

import pytest

from services.handling import domain
from services.handling.domain.refusals import (
    AlreadyDoneError,
    CannotMergeError,
    CaseNotOverError,
    CaseOverError,
    DutiesOpenError,
    NotInProcedureError,
    StepOrderError,
    TimeRefusedError,
    UnknownKeyError,
)
from shared.errors import NotYetHereError
from shared.events import Envelope
from shared.events.handling import CaseClosed, CaseParted, CaseReopened, CaseTransferred, DeadlineMissed
from tests.unit.handling.builders import (
    ACCEPTED,
    ALL_ELEMENTS,
    COMPLAINT,
    OTHER,
    Story,
    a_registration,
    a_rule,
    a_step,
    a_story,
    an_edition,
    an_engineering_story,
    an_envelope,
    another_case,
    on,
)


def a_closed_story() -> Story:
    """A general engineering complaint, accepted on 9 July and closed on 10 July at 08:00."""
    story = an_engineering_story()
    story.do("accept-result", "07-09 04:00", **ACCEPTED)
    story.do("close", "07-10 08:00")
    return story


def a_callback(at: str, occurrence: int = 1, reopen: bool = True) -> Envelope:
    data = {
        "complaint_id": str(COMPLAINT),
        "occurrence": occurrence,
        "satisfaction": 1,
        "satisfied": False,
        "reopen": reopen,
        "by": "caller-1",
    }
    return an_envelope("callback.completed.v1", data, on(at))


def test_the_customers_clocks_do_not_stop_when_a_case_goes_to_another_unit() -> None:
    """INVARIANT: no internal hand-over moves a deadline that the customer waits for.

    What breaks it: starting or pausing clocks by the unit that answers.
    """
    story = an_engineering_story(until="receipt")

    story.do("transfer", "07-01 20:00", to_unit="chengdu-branch", reason="the flat lies there")
    story.sweep("07-02 09:00")

    assert story.missed == ["facts#1 07-02 09:00"]
    assert (story.case.unit, story.happened[-1].unit) == ("chengdu-branch", "chengdu-branch")


def test_a_deadline_that_passed_before_a_transfer_stays_with_the_unit_of_its_time() -> None:
    story = an_engineering_story(until="receipt")

    story.do("transfer", "07-02 10:00", to_unit="chengdu-branch", reason="the flat lies there")

    missed = [item for item in story.happened if isinstance(item.event, DeadlineMissed)]
    assert [item.unit for item in missed] == ["chongqing-branch"]
    assert story.last(CaseTransferred).from_unit == "chongqing-branch"


def test_a_transfer_to_the_same_unit_is_refused() -> None:
    story = an_engineering_story()

    with pytest.raises(AlreadyDoneError, match="Assign it"):
        story.do("transfer", "07-09 08:00", to_unit="chongqing-branch", reason="no reason")


def test_hand_overs_follow_each_other_in_time() -> None:
    story = an_engineering_story(until="receipt")
    story.do("assign", "07-01 12:00", department="engineering", person="engineer-1")

    with pytest.raises(TimeRefusedError, match="the hand-over before"):
        story.do("assign", "07-01 11:00", department="sales", person="clerk-2")


def test_a_withdrawal_ends_the_clocks_and_keeps_the_misses_before_it() -> None:
    story = a_story(class_="general", flags=["reputation-risk"])

    story.do("withdraw", "07-02 12:00", reason="the owner settled it himself")
    story.sweep("08-31 00:00")

    # The alert was due at the end of 1 July; the facts would have been on the 3rd.
    assert story.missed == ["alert#1 07-02 00:00"]
    with pytest.raises(CaseOverError, match="Re-open it first"):
        story.find("07-02 13:00")


def test_a_withdrawal_lies_not_before_what_was_done() -> None:
    story = an_engineering_story()

    with pytest.raises(TimeRefusedError, match="the last deed"):
        story.do("withdraw", "07-05 08:00", reason="earlier")


def test_a_withdrawn_case_that_is_taken_up_again_starts_its_open_clocks_anew() -> None:
    story = a_story(class_="general")
    story.do("withdraw", "07-02 12:00", reason="the owner settled it himself")

    story.do("reopen", "07-20 10:00", reason="it was not settled after all")

    # 48 h from 20 July 10:00, as a second run; nothing of the time between is missed.
    assert story.sweep("07-22 10:00") == ["facts#2 07-22 10:00"]
    assert story.due("handled") == "07-30 10:00"


def test_a_merged_case_keeps_its_misses_and_has_no_more() -> None:
    story = an_engineering_story(until="receipt")
    story.sweep("07-02 12:00")

    story.merge("07-03 08:00", another_case())
    story.sweep("08-31 00:00")

    assert story.missed == ["facts#1 07-02 09:00"]
    with pytest.raises(CaseOverError, match="another case"):
        story.find("07-04 08:00")


def test_a_case_cannot_go_on_inside_itself() -> None:
    story = an_engineering_story(until="receipt")

    with pytest.raises(UnknownKeyError, match="inside itself"):
        story.do("merge", "07-01 20:00", into=str(COMPLAINT), reason="by mistake")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"unit": "chengdu-branch"}, "Transfer one of them first"),
        ({"kind": "legal-letter", "class_": ""}, "of kind 'legal-letter'"),
        ({"received": "07-01 09:01"}, "Merge that one into this"),
    ],
)
def test_a_case_goes_on_only_where_the_same_unit_handles_it_as_early(other: dict[str, str], why: str) -> None:
    """INVARIANT: merging starts no clock anew and hands no case to anybody.

    What breaks it: merging into a letter, which owes nothing; into a case of today; into another unit's.
    """
    story = an_engineering_story(until="receipt")

    with pytest.raises(CannotMergeError, match=why):
        story.merge("07-01 20:00", another_case(**other))


def test_a_case_goes_on_only_inside_one_that_is_there_and_open() -> None:
    """INVARIANT: no complaint ends in nothing.

    What breaks it: taking any id for a case.
    """
    story = an_engineering_story(until="receipt")
    withdrawn = a_story(complaint_id=str(OTHER), received="07-01 08:00")
    withdrawn.do("withdraw", "07-01 12:00", reason="settled")

    with pytest.raises(NotYetHereError, match="not here"):
        story.do("merge", "07-01 20:00", into=str(OTHER), reason="the same crack")
    with pytest.raises(CannotMergeError, match="is withdrawn"):
        story.merge("07-01 20:00", withdrawn.case)
    assert story.case.status == "open"


def test_of_two_cases_only_the_later_goes_on_inside_the_other_even_when_both_are_asked_at_once() -> None:
    """INVARIANT: no circle of cases, each going on inside the next, and none of them handled.

    What breaks it: looking only at how the other case stands, which two writers see as open both.
    """
    # Received in the same minute, so that the ids decide: 0e7d… comes before 5b0e….
    one, two = a_story(), a_story(complaint_id=str(OTHER))
    first, second = one.case, two.case

    one.merge("07-01 12:00", second)
    with pytest.raises(CannotMergeError, match="Merge that one into this"):
        two.merge("07-01 12:00", first)


def test_a_parted_case_stands_as_if_it_had_never_been_merged() -> None:
    """INVARIANT: merging hides no miss for good.

    What breaks it: leaving clocks cancelled when a case is parted again.
    """
    story = an_engineering_story(until="receipt")
    story.merge("07-01 12:00", another_case())
    during = story.sweep("07-03 00:00")

    told = story.do("part", "07-03 08:00", reason="another crack after all")

    assert (during, told) == ([], ["case.parted.v1", "deadline.missed.v1"])
    assert story.last(CaseParted).from_case == OTHER
    assert (story.case.status, story.missed) == ("open", ["facts#1 07-02 09:00"])


def test_only_a_merged_case_is_parted() -> None:
    with pytest.raises(CaseNotOverError, match="not merged"):
        an_engineering_story().do("part", "07-09 08:00", reason="why not")


def test_a_case_is_closed_only_when_it_is_resolved() -> None:
    story = an_engineering_story()

    with pytest.raises(StepOrderError, match=r"Complete 'accept' \(command 'accept-result'\) first"):
        story.do("close", "07-09 08:00")


def test_before_its_way_is_agreed_nothing_can_resolve_a_general_complaint() -> None:
    story = a_story(class_="general")

    with pytest.raises(StepOrderError, match="Go on with the next step"):
        story.do("close", "07-02 08:00")


def test_an_assignment_names_department_and_person_from_now_on() -> None:
    story = a_story(class_="general")

    story.do("assign", "07-02 08:00", department="engineering", person="engineer-1")

    assert (story.case.department, story.case.person) == ("engineering", "engineer-1")


def test_a_case_is_not_closed_over_a_report_that_was_never_sent() -> None:
    story = a_story(class_="explanation", flags=["reputation-risk"])
    story.step("explain", "07-01 10:00")

    with pytest.raises(DutiesOpenError, match="alert"):
        story.do("close", "07-03 08:00")
    story.step("alert", "07-03 09:00", elements=ALL_ELEMENTS)
    story.do("close", "07-03 10:00")

    # Sent late, so the file is complete and the miss stands.
    assert (story.case.status, story.missed) == ("closed", ["alert#1 07-02 00:00"])


def test_the_closing_tells_callback_whom_to_call_about_what() -> None:
    closed = a_closed_story().last(CaseClosed)

    assert (closed.occurrence, closed.kind, closed.class_) == (1, "complaint", "general-engineering")
    assert (closed.validity, closed.customer, closed.imported) == ("valid", "customer-1", False)


def test_a_procedure_with_a_resolving_step_is_resolved_by_nothing_else() -> None:
    story = an_engineering_story()

    with pytest.raises(NotInProcedureError, match="accept"):
        story.do("resolve", "07-09 08:00", outcome="solved")


def test_a_procedure_without_a_resolving_step_is_resolved_by_saying_so() -> None:
    plain = an_edition(
        {"procedures": {"plain": a_rule(applies={"kind": "complaint"}, steps={"look": a_step()})}}
    )
    story = Story(a_registration(), plain)

    told = story.do("resolve", "07-02 08:00", outcome="looked into")

    assert (told, story.case.outcome) == (["case.resolved.v1"], "looked into")


def test_a_reopened_case_rectifies_again_within_the_same_limit() -> None:
    story = a_closed_story()

    told = story.do("reopen", "07-15 10:00", reason="it stopped again")

    # 15 July 10:00 + 5 days.
    assert (told, story.due("rectify")) == (["case.reopened.v1"], "07-20 10:00")
    assert (story.last(CaseReopened).occurrence, story.case.status) == (2, "open")
    assert story.sweep("07-20 10:00") == ["rectify#2 07-20 10:00"]


def test_a_reopened_case_is_accepted_and_closed_a_second_time() -> None:
    story = a_closed_story()
    story.do("reopen", "07-15 10:00", reason="it stopped again")

    story.step("rectify", "07-18 08:00", person="engineer")
    story.do("accept-result", "07-18 12:00", **ACCEPTED)
    story.do("close", "07-19 08:00")

    assert (story.last(CaseClosed).occurrence, story.missed) == (2, [])


def test_where_nothing_is_rectified_the_resolving_step_begins_again() -> None:
    story = a_story(class_="general")
    story.find("07-02 08:00", validity="invalid")
    story.step("explain", "07-02 20:00", evidence={"explanation-note": "f1"})
    story.do("close", "07-03 08:00")

    story.do("reopen", "07-10 08:00", reason="the owner did not understand")

    assert story.due("explain") == "07-11 08:00"


def test_a_finding_after_a_reopening_does_not_judge_the_time_before_it() -> None:
    """INVARIANT: what was owed and done in an earlier opening is not judged by a later finding.

    What breaks it: retargeting every clock of a case, as a first finding does.
    """
    story = a_story(class_="general")
    story.find("07-02 20:00", validity="invalid")
    story.step("explain", "07-03 08:00", evidence={"explanation-note": "f1"})
    story.do("close", "07-03 10:00")
    story.do("reopen", "07-20 08:00", reason="it is valid after all")
    before = story.missed

    story.find("07-21 08:00", validity="valid")

    # 35 h to the facts were too late for an invalid complaint; that stands. The negotiation counts from the
    # re-opening, not from the facts of 2 July.
    assert (before, story.missed) == (["facts#1 07-02 09:00"], ["facts#1 07-02 09:00"])
    assert story.due("negotiate") == "07-22 08:00"


def test_a_case_lies_closed_before_it_is_reopened() -> None:
    with pytest.raises(CaseNotOverError, match="open already"):
        an_engineering_story().do("reopen", "07-09 08:00", reason="why not")
    with pytest.raises(TimeRefusedError, match="the end of the case"):
        a_closed_story().do("reopen", "07-10 07:00", reason="too early")


def test_a_dissatisfied_callback_reopens_the_case_once() -> None:
    story = a_closed_story()

    told = story.take(domain.follow(story.case, a_callback("07-13 11:00"), story.edition))
    again, nothing = domain.follow(story.case, a_callback("07-13 11:00"), story.edition)

    assert [item.event.TYPE for item in told] == ["case.reopened.v1"]
    assert told[0].time == on("07-13 11:00")
    assert (again, nothing) == (story.case, [])


@pytest.mark.parametrize(
    "callback", [a_callback("07-13 11:00", occurrence=2), a_callback("07-13 11:00", reopen=False)]
)
def test_a_callback_of_another_opening_or_a_satisfied_one_changes_nothing(callback: Envelope) -> None:
    story = a_closed_story()

    assert domain.follow(story.case, callback, story.edition) == (story.case, [])


def test_other_events_about_a_complaint_change_no_case() -> None:
    story = a_closed_story()
    amended = an_envelope("callback.scheduled.v1", {}, on("07-13 11:00"))

    assert domain.follow(story.case, amended, story.edition) == (story.case, [])
