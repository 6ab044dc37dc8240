"""Claims about matters that customers bring up when they are called back. Rules XA-09, XA-11."""

from datetime import timedelta
from typing import Any

from services.intake import events
from services.intake.domain import follow_up
from services.intake.domain.complaints import Complaint
from services.intake.domain.progress import Progress
from shared.events.intake import ComplaintRegistered
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import Questionnaire
from shared.storage.aggregates import Stored
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX, FIELDS, RECEIVED, a_complaint
from tests.unit.intake.test_what_a_matter_is import ENTRY, gas

LATER = RECEIVED + timedelta(days=5)


def a_record(answer: str = "", unit: str = "chongqing-branch", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    data = {
        "complaint_id": a_complaint().id,
        "occurrence": 1,
        "question": "smell",
        "answer": answer,
        "kind": "complaint",
        "unit": unit,
        "by": "caller",
        "sealed": None if answer else A_BOX.model_dump(),
    }
    return {
        "id": "5f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11",
        "type": "callback.problem.v1",
        "time": LATER.isoformat(),
        "correlationid": "c",
        "data": data,
        **more,
    }


def noted(**changed: Any) -> follow_up.Problem:  # noqa: ANN401  # JSON
    record = a_record(**changed)
    decided = events.note(Stored(events.problem_of(record) or ""), [record])
    assert decided.index == {"waits": True}
    return decided.state


def registered(
    problem: follow_up.Problem, first: Complaint, words: str = "仍有异味", rules: Rules | None = None
) -> tuple[Complaint, ComplaintRegistered]:
    examined = follow_up.examine(problem, first, FIELDS, words, rules or gas())
    return follow_up.register(
        problem, first, examined, month="202607", problem_user=False, sealed=A_BOX, edition=an_edition().hash
    )


def test_what_was_brought_up_belongs_to_the_same_customer_and_the_same_first_taker() -> None:
    first = a_complaint()

    complaint, event = registered(noted(), first)

    assert (complaint.customer, complaint.registered_by) == (first.customer, "li-si")
    assert (event.channel, str(event.follows), event.received_at) == ("callback", first.id, LATER)
    assert event.complaint_id != a_complaint().id


def test_the_form_is_filled_from_the_first_record_and_the_rest_is_missing() -> None:
    # The customer's own words stand in the place of those of the first matter.
    known = {name: value for name, value in FIELDS.items() if name != "project"}
    examined = follow_up.examine(noted(), a_complaint(), known, "仍有异味", gas())

    assert (examined.values["phone"], examined.values["words"]) == ("13812345678", "仍有异味")
    assert examined.missing == ("project",)


def test_class_and_service_are_the_first_matter_s_where_the_kind_has_them() -> None:
    # As it was found; a service line of another kind falls back to the first that the kind names.
    found = a_complaint(told=Progress(class_="general-engineering"))

    complaint, event = registered(noted(), found)

    assert (complaint.class_, complaint.service) == ("general-engineering", "leak")
    # A leak is a matter of the first tier, and its floor is the gravest grade.
    assert (event.tier, event.grade) == ("safety", "grade-1")


def test_it_is_about_the_unit_that_answered_for_the_first_matter() -> None:
    moved, _ = registered(noted(unit="chengdu-branch"), a_complaint())
    stayed, _ = registered(noted(), a_complaint())

    assert (moved.unit, moved.concerns) == ("chongqing-branch", "chengdu-branch")
    assert stayed.about_unit == ""


def test_the_same_event_is_the_same_matter_and_is_noted_once() -> None:
    """INVARIANT: however often it is followed, one answer opens one matter.

    What breaks it: a matter named after the moment instead of the event.
    """
    problem = noted()
    again = events.note(Stored(problem.id, 1, problem), [a_record()])

    assert (again.state, again.index) == (problem, {})
    assert problem.id == follow_up.id_of("5f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11")
    assert events.problem_of({**a_record(), "type": "callback.completed.v1"}) is None


def test_a_choice_is_registered_as_question_and_answer() -> None:
    asked = {"title": {"zh": "是否还有异味", "en": "smell"}, "kind": "choice", "opens": "complaint"}
    choices = {"smell": {"zh": "有", "en": "yes"}}
    form = Questionnaire.model_validate(
        {**ENTRY, "questions": {"smell": {**asked, "choices": choices, "opens_on": "smell"}}}
    )
    rules = gas()
    rules = rules.model_copy(
        update={"callback": rules.callback.model_copy(update={"questionnaires": {"safety": form}})}
    )

    assert follow_up.words_of(noted(answer="smell"), {}, rules) == "是否还有异味：有"
    assert follow_up.words_of(noted(), {"smell": "厨房有味"}, rules) == "厨房有味"
    # An edition that no longer has the question still has what was told.
    assert follow_up.words_of(noted(answer="smell"), {}, gas()) == "smell：smell"


def test_what_was_entered_later_opens_what_was_entered_later() -> None:
    complaint, event = registered(noted(), a_complaint(registered_at=RECEIVED))

    assert complaint.imported
    assert event.imported
