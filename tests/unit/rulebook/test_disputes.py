"""Disputes: who may contest what until when, who stands aside, and what a ruling needs first."""

from dataclasses import replace
from datetime import datetime

import pytest

from shared.errors import ForbiddenError, InvalidInputError, SupervisionError
from shared.rulebook.disputes import (
    AdviceMissingError,
    Contested,
    Party,
    RecusedError,
    TermOverError,
    check_advice,
    check_correction,
    check_lodging,
    check_ruling,
    rule_for,
)
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Contestable
from tests.builders_facts import at
from tests.unit.rulebook.worked import edition_of

ABOVE = {"jinan-service": "jinan", "jinan": "group", "market": "group", "branch": "jinan-service"}


def within(unit: str, top: str) -> bool:
    while unit and unit != top:
        unit = ABOVE.get(unit, "")
    return unit == top


def rules(group: str) -> Rules:
    return edition_of(group).at(at("2026-07-15"))


CALENDAR = edition_of("luneng").calendar
SINCE = at("2026-07-01 10:00")
POINTS = Contested(
    "posting",
    "offence-1",
    SINCE,
    "jinan-service",
    person="zhou",
    made_in="market",
    hands=frozenset({"inspector", "zhou"}),
    other_side=frozenset({"clerk"}),
)
RIGHTS = frozenset({"cases.rule", "disputes.rule", "disputes.lodge"})
HEAD = Party("head", "jinan-service", "service-head", RIGHTS)
PRESIDENT = Party("president", "group", "group-president", RIGHTS, supervises=True)
ADVISER = Party("adviser", "market", "supervision-head", RIGHTS, supervises=True)


def lodge(
    by: Party = HEAD, when: str = "2026-07-02 10:00", group: str = "luneng", contested: Contested = POINTS
) -> tuple[str, datetime | None, datetime]:
    _, rule = rule_for("posting", rules(group))
    lodged = check_lodging(rule, contested, by, at(when), CALENDAR, within)
    return lodged.standing, lodged.advise_before, lodged.decide_before


@pytest.mark.rule("LN-21", "ZY-04", "XA-05")
@pytest.mark.parametrize(
    ("group", "what", "key"),
    [
        ("luneng", "posting", "scores"),
        ("luneng", "management", "against-headquarters"),
        ("zhongyida", "service-quality", "service-dispute"),
        ("xinao", "grade", "complaint"),
        # A rule that names nothing is for whatever costs points.
        ("jinke", "callback", "branch"),
    ],
)
def test_what_is_contested_is_contested_under_its_rule(group: str, what: str, key: str) -> None:
    assert rule_for(what, rules(group))[0] == key  # type: ignore[arg-type]  # words of the vocabulary


def test_what_no_rule_names_cannot_be_contested() -> None:
    with pytest.raises(InvalidInputError) as refused:
        rule_for("service-quality", rules("luneng"))

    assert [problem.field for problem in refused.value.problems] == ["against"]


# --- who may lodge, and until when


@pytest.mark.rule("LN-21")
@pytest.mark.parametrize(
    ("by", "standing"),
    [
        (HEAD, "charged-unit"),
        pytest.param(replace(HEAD, unit="jinan"), "charged-unit", id="the unit above that answers for it"),
        pytest.param(replace(HEAD, person="zhou", unit="branch"), "charged-person", id="the person"),
    ],
)
def test_the_charged_unit_and_the_charged_person_have_standing(by: Party, standing: str) -> None:
    assert lodge(by)[0] == standing


@pytest.mark.rule("LN-21")
@pytest.mark.parametrize(
    "by",
    [
        pytest.param(replace(HEAD, unit="market"), id="another unit"),
        pytest.param(replace(HEAD, unit="branch"), id="a unit below"),
        pytest.param(PRESIDENT, id="who supervises, where the rule does not say so"),
        pytest.param(
            replace(HEAD, person="clerk", unit="market"), id="the other side, where the rule does not"
        ),
    ],
)
def test_nobody_else_has(by: Party) -> None:
    with pytest.raises(ForbiddenError):
        lodge(by)


@pytest.mark.rule("ZY-04")
@pytest.mark.parametrize(
    ("by", "standing"),
    [
        (HEAD, "charged-unit"),
        (replace(HEAD, person="clerk", unit="market"), "other-side"),
        (ADVISER, "supervising-office"),
    ],
)
def test_either_side_may_open_a_dispute_over_service(by: Party, standing: str) -> None:
    assert lodge(by, group="zhongyida")[0] == standing


@pytest.mark.rule("LN-21", "XA-05")
@pytest.mark.parametrize(
    ("group", "when", "in_time"),
    [
        # Seven days from 1 July 10:00.
        ("luneng", "2026-07-08 09:59", True),
        ("luneng", "2026-07-08 10:00", False),
        # Five working days from Wednesday 1 July 10:00: 2, 3, 6, 7, 8 July.
        ("xinao", "2026-07-08 09:59", True),
        ("xinao", "2026-07-08 10:00", False),
    ],
)
def test_it_is_contested_inside_its_term(group: str, when: str, in_time: bool) -> None:
    if in_time:
        assert lodge(when=when, group=group)[0] == "charged-unit"
    else:
        with pytest.raises(TermOverError):
            lodge(when=when, group=group)


def test_nothing_is_contested_before_it_is() -> None:
    with pytest.raises(InvalidInputError):
        lodge(when="2026-07-01 09:59")


@pytest.mark.rule("ZY-04")
def test_lodging_sets_the_terms_of_advice_and_ruling() -> None:
    # Ten days and twenty days from 2 July 10:00.
    assert lodge(group="zhongyida")[1:] == (at("2026-07-12 10:00"), at("2026-07-22 10:00"))


# --- who advises and rules


def rule_it(by: Party, group: str = "luneng", contested: Contested = POINTS, **more: str | datetime) -> None:
    _, rule = rule_for(contested.what, rules(group))
    when = at("2026-07-05 10:00")
    check_ruling(rule, contested, HEAD, by, when, within, **more)  # type: ignore[arg-type]  # named below


def test_who_has_the_right_and_had_no_hand_in_it_rules() -> None:
    rule_it(PRESIDENT)


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(replace(PRESIDENT, person="inspector"), id="who found it"),
        pytest.param(replace(PRESIDENT, person="zhou"), id="who answers for it"),
        pytest.param(replace(PRESIDENT, person="head"), id="who lodged it"),
        pytest.param(replace(PRESIDENT, unit="jinan-service"), id="the charged unit"),
    ],
)
def test_whoever_had_a_hand_in_it_stands_aside(by: Party) -> None:
    """INVARIANT: nobody rules their own finding, charge or complaint, whatever right they have.

    What breaks it: asking for the right alone.
    """
    with pytest.raises(RecusedError):
        rule_it(by, "jinke")


@pytest.mark.rule("ZY-04")
def test_the_unit_of_who_lodged_it_stands_aside_even_where_another_is_charged() -> None:
    lodged = replace(HEAD, person="clerk", unit="market")
    _, rule = rule_for("posting", rules("zhongyida"))

    with pytest.raises(RecusedError):
        check_advice(rule, POINTS, lodged, ADVISER)


def test_the_right_alone_rules_nothing_and_nothing_is_ruled_without_it() -> None:
    with pytest.raises(ForbiddenError):
        rule_it(replace(PRESIDENT, rights=frozenset()))


@pytest.mark.rule("ZY-04")
def test_the_president_rules_after_advice_or_once_its_time_is_over() -> None:
    with pytest.raises(AdviceMissingError):
        rule_it(PRESIDENT, "zhongyida", advise_before=at("2026-07-12 10:00"))
    rule_it(PRESIDENT, "zhongyida", advise_before=at("2026-07-05 10:00"))
    rule_it(PRESIDENT, "zhongyida", advise_before=at("2026-07-12 10:00"), advised_by="adviser")


@pytest.mark.rule("ZY-04")
def test_only_the_named_roles_advise_and_rule_and_not_one_person_both() -> None:
    _, rule = rule_for("posting", rules("zhongyida"))
    check_advice(rule, POINTS, HEAD, ADVISER)
    with pytest.raises(ForbiddenError):
        check_advice(rule, POINTS, HEAD, PRESIDENT)
    with pytest.raises(ForbiddenError):
        rule_it(ADVISER, "zhongyida", advised_by="someone")
    with pytest.raises(RecusedError):
        rule_it(PRESIDENT, "zhongyida", advised_by="president")


@pytest.mark.rule("LN-21")
@pytest.mark.parametrize("what", ["management", "posting", "inspection"])
@pytest.mark.parametrize(
    ("unit", "rules_it"), [("group", True), ("market", False), ("jinan", False), ("jinan-service", False)]
)
def test_headquarters_management_is_ruled_above_the_office_that_manages(
    what: Contestable, unit: str, rules_it: bool
) -> None:
    complaint = replace(POINTS, what=what, person="", made_in="market")
    by = replace(PRESIDENT, unit=unit, role="deputy-general-manager")

    if rules_it:
        rule_it(by, contested=complaint)
    else:
        with pytest.raises(ForbiddenError):
            rule_it(by, contested=complaint)


# --- a ruling that nobody asked for


def correct(by: Party, group: str) -> None:
    _, rule = rule_for("posting", rules(group))
    check_correction(rule, POINTS, by, within)


def test_headquarters_corrects_what_nobody_contested() -> None:
    correct(PRESIDENT, "jinke")
    check_correction(None, POINTS, PRESIDENT, within)


@pytest.mark.rule("ZY-04", "XA-05")
@pytest.mark.parametrize(
    ("by", "group", "refusal"),
    [
        pytest.param(replace(PRESIDENT, person="inspector"), "jinke", RecusedError, id="who found it"),
        pytest.param(replace(PRESIDENT, unit="jinan-service"), "jinke", RecusedError, id="the charged unit"),
        pytest.param(ADVISER, "zhongyida", ForbiddenError, id="another role"),
        pytest.param(replace(PRESIDENT, unit="market"), "xinao", ForbiddenError, id="the tier that made it"),
        pytest.param(PRESIDENT, "zhongyida", AdviceMissingError, id="without the advice that comes first"),
    ],
)
def test_a_ruling_without_a_dispute_is_no_way_round_the_rule(
    by: Party, group: str, refusal: type[SupervisionError]
) -> None:
    """INVARIANT: who may not rule a dispute over a posting does not rule the posting directly.

    What breaks it: a second way to a ruling that asks for the right alone.
    """
    with pytest.raises(refusal):
        correct(by, group)


def test_the_system_s_own_verdict_is_ruled_above_the_charged_unit() -> None:
    told_by_the_clock = replace(POINTS, what="clock", made_in="", hands=frozenset())

    rule_it(replace(PRESIDENT, unit="jinan"), "xinao", told_by_the_clock)
    with pytest.raises(ForbiddenError):
        rule_it(replace(PRESIDENT, unit="branch"), "xinao", told_by_the_clock)
