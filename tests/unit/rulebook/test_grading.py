"""The grade and the tier of a matter, worked out from what is known of it."""

from typing import Any

import pytest

from shared.rulebook.grading import floor_of, grade_of, tier_of
from shared.rulebook.schema import Rules
from tests.builders_rules import an_edition


def an_entry(**fields: object) -> dict[str, object]:
    return {"from": "2020-01-01", "source": "XA-01", "title": {"zh": "条目", "en": "entry"}, **fields}


def rules_with(**intake: Any) -> Rules:  # noqa: ANN401  # sections of a rulebook, as YAML gives them
    plain = an_edition("general").slices[-1][1].model_dump(by_alias=True, exclude_none=True)
    plain["intake"] = {**plain["intake"], **intake}
    return Rules.model_validate(plain)


RULES = rules_with(
    grades={
        "third": an_entry(rank=3, presumed=True),
        "second": an_entry(rank=2, floor_for=[{"class": "outage"}]),
        "first": an_entry(rank=1, floor_for=[{"flag": "danger"}, {"tier": "safety"}]),
    },
    tiers={
        "safety": an_entry(applies={"service": ["leak", "ignition"]}),
        "supply": an_entry(applies={"service": "supply"}),
        "night": an_entry(applies={"flag": "at-night"}),
    },
    kinds={"complaint": an_entry(graded=True), "request": an_entry()},
)


@pytest.mark.parametrize(
    ("facts", "flags", "tier"),
    [
        ({"service": "leak"}, (), "safety"),
        ({"service": "supply"}, (), "supply"),
        ({"service": "billing"}, (), ""),
        # Two fit; the first that is written holds.
        ({"service": "supply"}, ("at-night",), "supply"),
        ({"service": "billing"}, ("at-night",), "night"),
    ],
)
@pytest.mark.rule("XA-13")
def test_the_first_tier_that_fits_holds(facts: dict[str, str], flags: tuple[str, ...], tier: str) -> None:
    assert tier_of(facts, flags, RULES) == tier


@pytest.mark.parametrize(
    ("stated", "facts", "flags", "grade"),
    [
        pytest.param("", {}, (), "third", id="the presumed one until one is found"),
        pytest.param("second", {}, (), "second", id="what is found"),
        pytest.param("third", {"class": "outage"}, (), "second", id="no milder than the floor"),
        pytest.param("first", {"class": "outage"}, (), "first", id="graver than the floor"),
        pytest.param("", {"class": "outage"}, ("danger",), "first", id="the gravest of two floors"),
        pytest.param("", {"tier": "safety"}, (), "first", id="a floor by tier"),
        pytest.param("of-another-edition", {}, (), "third", id="a grade that is not there"),
    ],
)
@pytest.mark.rule("XA-01")
def test_a_grade_is_what_was_stated_and_never_milder_than_its_floor(
    stated: str, facts: dict[str, str], flags: tuple[str, ...], grade: str
) -> None:
    assert grade_of(stated, {"kind": "complaint", **facts}, flags, RULES) == grade


@pytest.mark.parametrize("kind", ["request", "of-another-edition"])
def test_a_kind_without_grades_has_none(kind: str) -> None:
    assert grade_of("first", {"kind": kind}, ("danger",), RULES) == ""


def test_without_a_presumed_grade_the_floor_alone_is_known() -> None:
    grades = {"first": an_entry(rank=1, floor_for=[{"flag": "danger"}]), "second": an_entry(rank=2)}
    rules = rules_with(grades=grades, kinds={"complaint": an_entry(graded=True)})

    assert grade_of("", {"kind": "complaint"}, ("danger",), rules) == "first"
    assert grade_of("", {"kind": "complaint"}, (), rules) == ""


def test_the_floor_is_known_by_itself() -> None:
    assert floor_of({"class": "outage"}, ("danger",), RULES) == "first"
    assert floor_of({}, (), RULES) == ""
