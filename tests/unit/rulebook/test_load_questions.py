"""Questions that no answer leads to, and answers that open what cannot come in, are refused."""

import pytest

from tests.unit.rulebook.editions import changed, refused

OPINION = "        title: {zh: 您的意见和建议, en: Your opinion}\n        kind: text\n"
NAMED = "        title: {zh: 问, en: question}\n        kind: yes-no\n"


@pytest.mark.parametrize(
    ("new", "what"),
    [
        pytest.param(
            OPINION + '        asked_if: {solvd: "yes"}\n',
            "the earlier question 'solvd'",
            id="no such question",
        ),
        pytest.param(
            OPINION + "        asked_if: {opinion: x}\n", "the earlier question 'opinion'", id="itself"
        ),
        pytest.param(
            OPINION + '        asked_if: {solved: "maybe"}\n', "the answer 'maybe'", id="no such answer"
        ),
        pytest.param(
            OPINION + '        asked_if: {satisfaction: "6"}\n', "the answer '6'", id="no such level"
        ),
        pytest.param(
            NAMED + "        opens: complaint\n        opens_on: [maybe]\n",
            "the answer 'maybe'",
            id="opened by what is not",
        ),
        pytest.param(NAMED + '        opens_on: ["no"]\n', "belong together", id="opened by nothing"),
    ],
)
def test_a_question_that_leads_nowhere_is_refused(new: str, what: str) -> None:
    (problem,) = refused(changed("callback.yaml", OPINION, new))

    assert what in problem.what
