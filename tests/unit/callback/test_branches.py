"""Which questions follow from answers, and which answers open a matter. Rules XA-09, XA-11."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.callback import domain
from services.callback.domain import Outcome
from shared.errors import InvalidInputError
from shared.events import Sealed
from shared.events.callback import CallbackProblem
from shared.rulebook.schema.callback import Question, Questionnaire
from tests.builders_rules import an_edition
from tests.unit.callback.builders import COMPLAINT, UNIT, a_call, a_matter, at

TITLE = {"zh": "问", "en": "question"}
ASKED: Mapping[str, Any] = {
    "satisfaction": {"kind": "satisfaction"},
    "solved": {"kind": "yes-no"},
    "left-over": {"kind": "text", "asked_if": {"solved": "no"}},
    "why": {"kind": "text", "required": False, "asked_if": {"satisfaction": ["1", "2"], "solved": "no"}},
    "smell": {
        "kind": "choice",
        "choices": {"none": TITLE, "smell": TITLE},
        "opens": "complaint",
        "opens_on": ["smell"],
    },
    "opinion": {"kind": "text", "required": False, "opens": "enquiry"},
    "recommend": {"kind": "recommendation", "required": False},
}
FORM = Questionnaire(
    since="2020-01-01",  # type: ignore[arg-type]  # read from text, as in YAML
    source=("XA-09",),
    title=TITLE,  # type: ignore[arg-type]  # as above
    questions={name: Question.model_validate({"title": TITLE, **one}) for name, one in ASKED.items()},
)


def checked(satisfaction: int, *, solved: bool, **answers: str) -> domain.Checked:
    given = {"smell": "none", **{name.replace("_", "-"): answer for name, answer in answers.items()}}
    call = a_call(
        "2026-07-02 10:00", Outcome.COMPLETED, satisfaction=satisfaction, solved=solved, answers=given
    )
    return domain.check(call, FORM)


def problems_of(satisfaction: int, *, solved: bool, **answers: str) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        checked(satisfaction, solved=solved, **answers)
    return {problem.field: problem.reason for problem in refused.value.problems}


def test_what_is_left_over_is_asked_only_where_the_matter_is_not_solved() -> None:
    assert checked(5, solved=True).words == {}
    assert problems_of(5, solved=False) == {"answers.left-over": "the questionnaire asks for it"}
    assert checked(5, solved=False, left_over="门还关不上").words == {"left-over": "门还关不上"}


def test_an_answer_to_what_was_not_asked_is_refused() -> None:
    problems = problems_of(5, solved=True, left_over="没有")

    assert problems == {"answers.left-over": "asked only after solved: no; leave it out"}


@pytest.mark.parametrize(
    ("satisfaction", "solved", "is_asked"), [(2, False, True), (3, False, False), (1, True, False)]
)
def test_a_question_may_hang_on_several_answers_all_of_which_must_hold(
    satisfaction: int, solved: bool, is_asked: bool
) -> None:
    answers = {"why": "态度差"} if solved else {"why": "态度差", "left_over": "漏水"}

    if is_asked:
        assert checked(satisfaction, solved=solved, **answers).words["why"] == "态度差"
    else:
        assert list(problems_of(satisfaction, solved=solved, **answers)) == ["answers.why"]


@pytest.mark.parametrize(
    ("given", "fits"), [("0", True), ("10", True), ("11", False), ("-1", False), ("7.5", False)]
)
def test_a_recommendation_goes_from_nought_to_ten(given: str, fits: bool) -> None:
    if fits:
        assert checked(5, solved=True, recommend=given).coded["recommend"] == given
    else:
        assert list(problems_of(5, solved=True, recommend=given)) == ["answers.recommend"]


def test_an_answer_that_opens_a_matter_is_told_with_the_words_sealed() -> None:
    found = checked(5, solved=True, smell="smell", opinion="希望增加网点")
    call = a_call("2026-07-02 10:00", Outcome.COMPLETED, satisfaction=5, solved=True)
    sealed = Sealed(key="customer/1", box="words")

    _, _, happened = domain.attempt(a_matter(), call, found, sealed, an_edition(), at("2026-07-02 10:00"))

    told = [item.event for item in happened if isinstance(item.event, CallbackProblem)]
    assert told == [
        # A choice says all by itself; words stay under the customer's key.
        CallbackProblem(
            complaint_id=COMPLAINT,
            occurrence=1,
            question="smell",
            answer="smell",
            kind="complaint",
            unit=UNIT,
            by="li",
        ),
        CallbackProblem(
            complaint_id=COMPLAINT,
            occurrence=1,
            question="opinion",
            kind="enquiry",
            unit=UNIT,
            by="li",
            sealed=sealed,
        ),
    ]
    assert "希望增加网点" not in str(told)


def test_an_answer_that_opens_nothing_is_only_an_answer() -> None:
    assert checked(5, solved=True).opens == ()
