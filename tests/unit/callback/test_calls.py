"""Calls: when one may be made, what ends a task, what is told. Wed 1 July 2026 10:00 closes; due Wed 8 July 10:00."""

from datetime import timedelta

import pytest

from services.callback import domain
from services.callback.domain import (
    Checked,
    Claim,
    NotAskedError,
    NotClosedThenError,
    Outcome,
    OutOfOrderError,
    OutsideHoursError,
    Status,
    TaskClaimedError,
    TaskDoneError,
    TooManyCallsError,
    TooSoonError,
)
from shared.errors import InvalidInputError, KeyReusedError, RulebookGapError
from shared.events.callback import CallbackAttempted, CallbackCompleted, CallbackUnreachable
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import Question
from shared.timekeeping.limits import Limit
from tests.builders_rules import an_edition, an_edition_with
from tests.unit.callback.builders import (
    ANOTHER,
    COMPLAINT,
    ME,
    a_call,
    a_matter,
    an_answer,
    at,
    called,
    closed,
    grown,
    registered,
    reopened,
    types,
    with_plan,
)

MOMENT = timedelta(microseconds=1)


def with_hours(**changes: object) -> domain.EditionOf:
    def change(rules: Rules) -> Rules:
        hours = {"standard": rules.callback.hours["standard"].model_copy(update=changes)}
        return rules.model_copy(update={"callback": rules.callback.model_copy(update={"hours": hours})})

    return lambda _: an_edition_with(change)


def with_questions(**questions: dict[str, object]) -> Edition:
    """Return the jinke edition with questions added."""

    def change(rules: Rules) -> Rules:
        owners = rules.callback.questionnaires["owners"]
        added = {name: Question.model_validate({"title": NAMED, **one}) for name, one in questions.items()}
        asked = owners.model_copy(update={"questions": {**owners.questions, **added}})
        callback = rules.callback.model_copy(update={"questionnaires": {"owners": asked}})
        return rules.model_copy(update={"callback": callback})

    return an_edition_with(change)


NAMED = {"zh": "名", "en": "name"}


# --- answers


def test_a_completed_call_is_told_with_its_answers_and_ends_the_task() -> None:
    # Satisfied from 4 on (JK-27), re-opened at 2 or less.
    matter, happened = called(a_matter(), an_answer("2026-07-02 10:00", 4))

    assert [item.event for item in happened] == [
        CallbackAttempted(complaint_id=COMPLAINT, occurrence=1, attempt=1, outcome="completed", by="li"),
        CallbackCompleted(
            complaint_id=COMPLAINT,
            occurrence=1,
            satisfaction=4,
            satisfied=True,
            solved=True,
            reopen=False,
            by="li",
        ),
    ]
    assert {item.time for item in happened} == {at("2026-07-02 10:00")}
    assert matter.current is not None
    assert matter.current.status is Status.COMPLETED
    assert domain.next_due(matter) is None


@pytest.mark.parametrize(
    ("satisfaction", "satisfied", "reopen"),
    # Satisfied from 4, re-opened up to 2: 3 is neither.
    [(5, True, False), (4, True, False), (3, False, False), (2, False, True), (1, False, True)],
)
def test_the_plan_says_who_is_satisfied_and_whose_case_goes_on(
    satisfaction: int, satisfied: bool, reopen: bool
) -> None:
    _, happened = called(a_matter(), an_answer("2026-07-02 10:00", satisfaction))

    event = happened[1].event
    assert isinstance(event, CallbackCompleted)
    assert (event.satisfied, event.reopen) == (satisfied, reopen)


def test_a_problem_user_is_called_but_marked() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"), problem_user=True)])

    _, happened = called(matter, an_answer("2026-07-02 10:00"))

    event = happened[1].event
    assert isinstance(event, CallbackCompleted)
    assert event.problem_user


def test_answers_must_fit_the_questionnaire() -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())
    call = a_call("2026-07-02 10:00", Outcome.COMPLETED, answers={"colour": "red"})

    with pytest.raises(InvalidInputError) as refused:
        domain.check(call, questionnaire)

    assert [problem.field for problem in refused.value.problems] == [
        "answers.colour",
        "satisfaction",
        "solved",
    ]


def test_every_question_says_where_its_answer_goes_and_nowhere_else_is_it_taken() -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())
    wrong = a_call("2026-07-02 10:00", Outcome.COMPLETED, satisfaction=5, answers={"solved": "yes"})

    places = {name: domain.field_of(name, one) for name, one in questionnaire.questions.items()}
    with pytest.raises(InvalidInputError) as refused:
        domain.check(wrong, questionnaire)

    assert places == {"satisfaction": "satisfaction", "solved": "solved", "opinion": "answers.opinion"}
    assert next((one.field, one.reason) for one in refused.value.problems) == (
        "answers.solved",
        "goes into the field 'solved' of the call",
    )


def test_coded_answers_are_among_the_choices() -> None:
    edition = with_questions(
        again={"kind": "yes-no"}, cause={"kind": "choice", "choices": {"late": NAMED, "rude": NAMED}}
    )
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], edition)
    fitting, odd, none = (
        a_call("2026-07-02 10:00", Outcome.COMPLETED, satisfaction=4, solved=True, answers=answers)
        for answers in ({"again": "yes", "cause": "late"}, {"again": "maybe", "cause": "other"}, {})
    )

    assert domain.check(fitting, questionnaire) == Checked(coded={"again": "yes", "cause": "late"}, words={})
    with pytest.raises(InvalidInputError) as refused:
        domain.check(odd, questionnaire)
    assert [(one.field, one.reason) for one in refused.value.problems] == [
        ("answers.again", "'yes' or 'no'"),
        ("answers.cause", "one of: late, rude"),
    ]
    with pytest.raises(InvalidInputError, match=r"answers\.again, answers\.cause"):
        domain.check(none, questionnaire)


def test_a_plan_without_its_questionnaire_names_the_key() -> None:
    with pytest.raises(RulebookGapError, match=r"callback\.questionnaires\.nowhere"):
        domain.questionnaire_of(a_matter().tasks[0], with_plan(questionnaire="nowhere"))


def test_a_moment_to_call_goes_only_with_the_wish_to_be_called() -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())

    with pytest.raises(InvalidInputError, match="call_back_at"):
        domain.check(a_call("2026-07-02 10:00", call_back_at=at("2026-07-03 10:00")), questionnaire)


def test_the_customer_s_own_words_are_set_apart_to_be_sealed() -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())
    call = a_call(
        "2026-07-02 10:00", Outcome.COMPLETED, satisfaction=2, solved=False, answers={"opinion": "太慢了"}
    )

    assert domain.check(call, questionnaire) == Checked(coded={}, words={"opinion": "太慢了"})


def test_only_a_completed_call_has_answers() -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())

    with pytest.raises(InvalidInputError, match="satisfaction"):
        domain.check(a_call("2026-07-02 10:00", satisfaction=5), questionnaire)


@pytest.mark.parametrize("asked_for", [None, "2026-07-02 10:00"])
def test_a_wish_to_be_called_later_names_a_later_moment(asked_for: str | None) -> None:
    questionnaire = domain.questionnaire_of(a_matter().tasks[0], an_edition())
    call_back_at = at(asked_for) if asked_for else None

    with pytest.raises(InvalidInputError, match="call_back_at"):
        domain.check(
            a_call("2026-07-02 10:00", Outcome.CALL_BACK_AT, call_back_at=call_back_at), questionnaire
        )


# --- calling hours and the window


@pytest.mark.parametrize("moment", ["2026-07-02 08:00", "2026-07-02 20:59:59"])
def test_customers_are_called_from_eight_and_before_nine_in_the_evening(moment: str) -> None:
    matter, _ = called(a_matter(), a_call(moment))

    assert matter.current is not None
    assert len(matter.current.attempts) == 1


@pytest.mark.parametrize("moment", ["2026-07-02 07:59:59", "2026-07-02 21:00", "2026-07-03 00:00"])
def test_outside_these_hours_a_call_is_refused_with_the_reason(moment: str) -> None:
    with pytest.raises(OutsideHoursError, match=r"from 08:00 and before 21:00 \(JK-27\)"):
        called(a_matter(), a_call(moment))


def test_hours_may_run_to_midnight() -> None:
    edition = with_hours(closes="00:00")("")

    matter, _ = called(a_matter(edition=edition), a_call("2026-07-02 23:59"), edition=edition)

    assert matter.tasks[0].attempts


def test_a_call_before_the_window_opens_is_refused() -> None:
    edition = with_plan(earliest=Limit(days=1))
    matter = a_matter(edition=edition)

    with pytest.raises(OutsideHoursError, match="opens at 2026-07-02 10:00"):
        called(matter, a_call("2026-07-02 09:59"), edition=edition)
    accepted, _ = called(matter, a_call("2026-07-02 10:00"), edition=edition)

    assert accepted.tasks[0].attempts


def test_a_call_before_the_closing_is_refused() -> None:
    with pytest.raises(NotClosedThenError):
        called(a_matter(), a_call("2026-07-01 09:59"))


def test_a_late_entry_belongs_to_the_last_closing_before_the_call() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"), 1), closed(at("2026-07-06 15:00"), 2, 3)])

    entered, _ = called(matter, an_answer("2026-07-02 10:00", 1))

    assert [task.status for task in entered.tasks] == [Status.COMPLETED, Status.OPEN]


def test_the_last_moment_of_the_window_is_in_time_and_its_end_is_not() -> None:
    due = at("2026-07-08 10:00")
    in_time = an_answer("2026-07-08 09:59:59.999999")
    late = an_answer("2026-07-08 10:00")

    _, before = called(a_matter(), in_time)
    matter, after = called(a_matter(), late)

    assert in_time.at == due - MOMENT
    assert types(before) == ["callback.attempted.v1", "callback.completed.v1"]
    assert types(after) == ["callback.missed.v1", "callback.attempted.v1", "callback.completed.v1"]
    assert after[0].time == due
    assert matter.tasks[0].status is Status.COMPLETED


# --- attempts


def test_after_three_attempts_the_customer_is_unreachable_and_the_task_is_done() -> None:
    # JK-27: three attempts, four hours apart. 2 July 10:00, 14:00, 3 July 10:00.
    calls = [a_call(moment) for moment in ("2026-07-02 10:00", "2026-07-02 14:00", "2026-07-03 10:00")]

    two, _ = called(a_matter(), *calls[:2])
    three, happened = called(two, calls[2])

    assert two.tasks[0].status is Status.OPEN
    assert three.tasks[0].status is Status.UNREACHABLE
    assert happened[1].event == CallbackUnreachable(complaint_id=COMPLAINT, occurrence=1, attempts=3)
    assert domain.settle(three, at("2026-08-01 00:00"))[1] == []


def test_two_attempts_are_not_enough_when_the_window_ends() -> None:
    matter, _ = called(a_matter(), a_call("2026-07-02 10:00"), a_call("2026-07-03 10:00"))

    _, happened = domain.settle(matter, at("2026-07-08 10:00"))

    assert types(happened) == ["callback.missed.v1"]


def test_a_window_with_all_its_attempts_ends_as_unreachable_and_not_as_missed() -> None:
    # Three attempts, one of which reached the customer, who asked to be called again.
    matter, _ = called(
        a_matter(),
        a_call("2026-07-02 10:00"),
        a_call("2026-07-03 10:00", Outcome.CALL_BACK_AT, call_back_at=at("2026-07-04 10:00")),
        a_call("2026-07-04 10:00"),
    )

    settled, happened = domain.settle(matter, at("2026-07-09 00:00"))

    assert types(happened) == ["callback.unreachable.v1"]
    assert happened[0].time == at("2026-07-08 10:00")
    assert settled.tasks[0].status is Status.UNREACHABLE


def test_an_attempt_too_soon_after_the_last_does_not_count() -> None:
    # Four hours apart (Limit hours: 4): 10:00 + 4 h = 14:00.
    matter, _ = called(a_matter(), a_call("2026-07-02 10:00"))

    with pytest.raises(TooSoonError, match="counts from 2026-07-02 14:00"):
        called(matter, a_call("2026-07-02 13:59"))
    later, _ = called(matter, a_call("2026-07-02 14:00"))

    assert len(later.tasks[0].attempts) == 2


def test_an_answer_is_never_too_soon() -> None:
    matter, _ = called(a_matter(), a_call("2026-07-02 10:00"), an_answer("2026-07-02 10:05"))

    assert matter.tasks[0].status is Status.COMPLETED


def test_nobody_is_called_more_than_five_times_in_24_hours() -> None:
    # per_day: 5. The first call was at 10:00, so at 10:00 of the next day four are left within 24 hours. With a wish to be called again every time, nothing lies too close.
    calls = [
        a_call(f"2026-07-02 {hour}:00", Outcome.CALL_BACK_AT, call_back_at=at(f"2026-07-02 {hour + 1}:00"))
        for hour in (10, 11, 12, 13, 14)
    ]
    matter, _ = called(a_matter(), *calls)

    with pytest.raises(TooManyCallsError, match="5 times"):
        called(matter, an_answer("2026-07-02 15:00"))
    with pytest.raises(TooManyCallsError, match="5 times"):
        called(matter, an_answer("2026-07-03 09:59"))
    tomorrow, _ = called(matter, an_answer("2026-07-03 10:00"))

    assert tomorrow.tasks[0].status is Status.COMPLETED


def test_attempts_are_entered_in_the_order_in_which_they_were_made() -> None:
    matter, _ = called(a_matter(), a_call("2026-07-03 10:00"))

    with pytest.raises(OutOfOrderError):
        called(matter, a_call("2026-07-02 10:00"))


def test_a_refusal_is_respected() -> None:
    matter, happened = called(a_matter(), a_call("2026-07-02 10:00", Outcome.REFUSED))

    assert types(happened) == ["callback.attempted.v1"]
    assert matter.tasks[0].status is Status.REFUSED
    with pytest.raises(TaskDoneError, match="it is refused"):
        called(matter, a_call("2026-07-03 10:00"))


def test_an_answer_stays_an_answer_when_the_case_is_re_opened_because_of_it() -> None:
    answered, _ = called(a_matter(), an_answer("2026-07-02 10:00", 1))

    matter, happened = domain.follow(answered, reopened(at("2026-07-02 10:00")), lambda _: an_edition())

    assert happened == []
    assert matter.tasks[0].status is Status.COMPLETED


def test_a_wish_to_be_called_later_is_kept_in_mind() -> None:
    wish = a_call("2026-07-02 10:00", Outcome.CALL_BACK_AT, call_back_at=at("2026-07-03 15:00"))
    matter, _ = called(a_matter(), wish)

    assert domain.check(wish, domain.questionnaire_of(matter.tasks[0], an_edition())) == Checked({}, {})
    assert matter.tasks[0].free_from == at("2026-07-03 15:00")


def test_a_claimed_task_is_free_again_when_the_lease_ends() -> None:
    taken = domain.claim(a_matter(), ME, at("2026-07-02 10:00"), timedelta(minutes=15))

    assert taken is not None
    assert taken.tasks[0].free_from == at("2026-07-02 10:15")


def test_a_re_opened_case_is_not_called() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00")), reopened(at("2026-07-03 09:00"))])

    with pytest.raises(TaskDoneError, match="the case was reopened"):
        called(matter, a_call("2026-07-03 09:00"))


def test_a_closing_without_a_plan_takes_no_calls() -> None:
    matter, _ = grown([closed(at("2026-07-01 10:00"), kind="legal-letter")])

    with pytest.raises(NotAskedError, match="no plan"):
        called(matter, a_call("2026-07-02 10:00"))


def test_the_same_key_is_answered_again_and_another_body_is_refused() -> None:
    matter, _ = called(a_matter(), a_call("2026-07-02 10:00", key="key-0001"))

    again = domain.answered(matter, "key-0001", "d")

    assert again is not None
    assert again[1].number == 1
    assert domain.answered(matter, "key-0002", "d") is None
    with pytest.raises(KeyReusedError):
        domain.answered(matter, "key-0001", "another body")


# --- claims


def test_a_claim_keeps_others_away_until_its_lease_ends() -> None:
    now, lasts = at("2026-07-02 10:00"), timedelta(minutes=15)
    taken = domain.claim(a_matter(), ME, now, lasts)
    assert taken is not None

    assert taken.tasks[0].claim == Claim(by=ME.account, until=at("2026-07-02 10:15"))
    assert domain.claim(taken, ANOTHER, at("2026-07-02 10:14:59"), lasts) is None
    assert domain.claim(taken, ANOTHER, at("2026-07-02 10:15"), lasts) is not None
    assert domain.claim(taken, ME, at("2026-07-02 10:01"), lasts) is not None


def test_another_caller_s_task_takes_no_call_of_mine() -> None:
    taken = domain.claim(a_matter(), ANOTHER, at("2026-07-02 10:00"), timedelta(minutes=15))
    assert taken is not None

    with pytest.raises(TaskClaimedError):
        called(taken, a_call("2026-07-02 10:14"))
    matter, _ = called(taken, a_call("2026-07-02 10:15"))

    assert matter.tasks[0].claim is None


def test_a_task_is_not_given_out_before_the_next_attempt_counts() -> None:
    matter, _ = called(a_matter(), a_call("2026-07-02 10:00"))
    lasts = timedelta(minutes=15)

    assert domain.claim(matter, ME, at("2026-07-02 13:59"), lasts) is None
    assert domain.claim(matter, ME, at("2026-07-02 14:00"), lasts) is not None


def test_what_is_not_open_is_not_given_out_and_cannot_be_given_back() -> None:
    registered_only, _ = grown([registered()])
    now, lasts = at("2026-07-02 10:00"), timedelta(minutes=15)

    assert domain.claim(registered_only, ME, now, lasts) is None
    assert domain.claim(a_matter(), ME, at("2026-07-08 10:00"), lasts) is None
    assert domain.release(registered_only, ME.account, now) is registered_only
    assert domain.release(a_matter(), ME.account, now) == a_matter()


def test_only_the_holder_gives_a_task_back() -> None:
    taken = domain.claim(a_matter(), ME, at("2026-07-02 10:00"), timedelta(minutes=15))
    assert taken is not None

    with pytest.raises(TaskClaimedError):
        domain.release(taken, "other", at("2026-07-02 10:01"))
    assert domain.release(taken, ME.account, at("2026-07-02 10:01")).tasks[0].claim is None
