"""What whoever may not lodge, advise or rule is told: each refusal of ``disputes`` once, word by word, with its code."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import FieldProblem, InvalidInputError, SupervisionError
from shared.rulebook.disputes import (
    Contested,
    DecidedError,
    Party,
    check_advice,
    check_correction,
    check_lodging,
    check_ruling,
)
from shared.rulebook.schema.procedures import Appeals
from tests.builders_facts import at
from tests.builders_rules import an_edition

CHARGED = Contested(
    "posting",
    "o",
    at("2026-07-01 10:00"),
    "branch",
    person="li",
    made_in="office",
    hands=frozenset({"inspector"}),
)
LODGER = Party("zhou", "desk", "clerk", frozenset())
JUDGE = Party("judge", "group", "director", frozenset({"cases.rule"}))


def a_rule(**fields: Any) -> Appeals:  # noqa: ANN401  # fields of a rule
    rule = {
        "since": "2026-01-01",
        "source": ["JK-01", "JK-02"],
        "title": {"zh": "一", "en": "one"},
        "within": {"days": 7},
        "decided_within": {"days": 7},
        "right": "cases.rule",
    }
    return Appeals.model_validate({**rule, **fields}, by_name=True, by_alias=True)


def within(unit: str, top: str) -> bool:
    return top in {"group", unit}


def ruling(by: Party = JUDGE, advised_by: str = "", **rule: Any) -> None:  # noqa: ANN401  # fields of a rule
    check_ruling(a_rule(**rule), CHARGED, LODGER, by, at("2026-07-02 10:00"), within, advised_by=advised_by)


@pytest.mark.parametrize(
    ("by", "rule", "code", "said"),
    [
        (
            replace(JUDGE, rights=frozenset()),
            {},
            "forbidden",
            "Role 'director' lacks the right 'cases.rule' that this ruling needs (JK-01, JK-02).",
        ),
        (
            JUDGE,
            {"decides": ["president", "board"]},
            "forbidden",
            "This is ruled by: president, board (JK-01, JK-02); you are a 'director'.",
        ),
        (
            replace(JUDGE, unit="office"),
            {"next_tier": True},
            "forbidden",
            "Somebody of a unit above 'office' rules this (JK-01, JK-02); yours is 'office'.",
        ),
        (
            replace(JUDGE, person="inspector"),
            {},
            "recused",
            "Whoever made or answers for what is contested does not rule it. Hand it to somebody else.",
        ),
        (
            replace(JUDGE, person="li"),
            {},
            "recused",
            "Whoever made or answers for what is contested does not rule it. Hand it to somebody else.",
        ),
        (
            replace(JUDGE, unit="branch"),
            {},
            "recused",
            "Nobody of 'branch', which is charged, rules this. Hand it to somebody of another unit.",
        ),
        (
            replace(JUDGE, person="zhou"),
            {},
            "recused",
            "Whoever lodged it, and their unit, neither advises nor rules. Hand it to somebody of another unit.",
        ),
        (
            replace(JUDGE, unit="desk"),
            {},
            "recused",
            "Whoever lodged it, and their unit, neither advises nor rules. Hand it to somebody of another unit.",
        ),
        (
            JUDGE,
            {"advises": "adviser"},
            "advice-missing",
            "The role 'adviser' advises first (JK-01, JK-02). Wait for the advice, or until its time is over.",
        ),
        (
            replace(JUDGE, person="wise"),
            {},
            "recused",
            "Who advised does not rule as well. Hand it to somebody else.",
        ),
    ],
)
def test_who_may_not_rule_is_told_why_and_who_may(
    by: Party, rule: dict[str, Any], code: str, said: str
) -> None:
    ruling(next_tier=True)
    with pytest.raises(SupervisionError) as refused:
        ruling(by, "wise" if by.person == "wise" else "", **rule)

    assert (refused.value.code, str(refused.value)) == (code, said)


@pytest.mark.parametrize(("advises", "who"), [("", "nobody"), ("adviser", "the role 'adviser'")])
def test_who_may_not_advise_is_told_who_does(advises: str, who: str) -> None:
    with pytest.raises(SupervisionError) as refused:
        check_advice(a_rule(advises=advises), CHARGED, LODGER, JUDGE)

    assert str(refused.value) == f"By this rule {who} advises (JK-01, JK-02); you are a 'director'."


def test_a_correction_in_place_of_a_dispute_is_told_to_lodge_one() -> None:
    with pytest.raises(SupervisionError) as refused:
        check_correction(a_rule(advises="adviser"), CHARGED, JUDGE, within)

    assert str(refused.value) == (
        "The role 'adviser' advises first (JK-01, JK-02). Lodge a dispute: POST /v1/disputes."
    )


def lodging(by: Party, when: str = "2026-07-02 10:00", contested: Contested = CHARGED) -> str:
    rule = a_rule(standing=["charged-unit", "charged-person"])
    return check_lodging(rule, contested, by, at(when), an_edition().calendar, within).standing


def test_who_has_no_standing_is_told_who_has() -> None:
    nobody = replace(CHARGED, person="")

    assert lodging(replace(LODGER, person="li")) == "charged-person"
    for by, contested in ((LODGER, CHARGED), (replace(LODGER, person=""), nobody)):
        with pytest.raises(SupervisionError) as refused:
            lodging(by, contested=contested)
        assert str(refused.value) == (
            "This may be contested by: charged-unit, charged-person (JK-01, JK-02). "
            "Neither you nor your unit 'desk' is one of them."
        )


def test_a_dispute_before_or_after_its_time_is_told_when_it_was() -> None:
    head = replace(LODGER, unit="branch")

    assert lodging(head, "2026-07-01 10:00") == lodging(head, "2026-07-08 09:59") == "charged-unit"
    with pytest.raises(InvalidInputError) as early:
        lodging(head, "2026-07-01 09:59")
    assert str(early.value) == "The dispute was not stored."
    assert list(early.value.problems) == [
        FieldProblem("at", "before what is contested, which stands since 2026-07-01T02:00:00+00:00")
    ]
    # Seven days after 1 July 10:00 in Shanghai, which is 02:00 in UTC.
    with pytest.raises(SupervisionError) as late:
        lodging(head, "2026-07-08 10:00")
    assert late.value.code == "term-over"
    assert str(late.value) == ("The time to contest this ended at 2026-07-08T02:00:00+00:00 (JK-01, JK-02).")


def test_what_nobody_answers_for_names_no_person_and_a_second_ruling_has_its_code() -> None:
    contested = Contested("posting", "o", at("2026-07-01 09:00"), "b")

    assert (contested.person, contested.made_in) == ("", "")
    assert DecidedError("x").code == "dispute-decided"
