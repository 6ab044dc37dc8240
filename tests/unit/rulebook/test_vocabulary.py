"""What one entry may say by itself: words that go together, and words that exclude each other."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.rulebook.checks import faults, organisation_faults
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Keys
from shared.rulebook.schema.callback import Sample
from shared.rulebook.schema.group import Appointment, Award, Course
from shared.rulebook.schema.intake import Grade
from shared.rulebook.schema.obligations import FigureKind
from shared.rulebook.schema.organisation import Organisation
from shared.rulebook.schema.procedures import Alert, Appeals, Extension, Table
from shared.rulebook.schema.scoring import Counted, Indicator
from shared.rulebook.schema.triggers import MissedDeadline
from tests.builders_rules import an_edition

RULE = {"from": "2026-01-01", "source": "JK-01", "title": {"zh": "一", "en": "one"}}
DAY = {"days": 1}
COUNTED = {"count": "matters"}
TWO_RULES = "An indicator has exactly one of"


def made(kind: type[BaseModel], **fields: object) -> Any:  # noqa: ANN401  # of the kind that is asked for
    rule = RULE if "since" in kind.model_fields else {}
    return kind.model_validate({**rule, **fields}, by_alias=True)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Award, {"ranking": "r", "last": 3, "what": "black-list"}),
        (Award, {"ranking": "r", "amount": 100, "paid_by": {"zh": "一", "en": "one"}}),
        (Sample, {"share": 1}),
        (FigureKind, {"every": "month", "of": "branch", "measure": "count", "counted": "customers"}),
        (Alert, {"on": "registered", "to": "clerk"}),
        (Alert, {"on": "deadline", "clocks": "answer", "escalates": "leader"}),
        (Alert, {"on": "deadline", "clocks": "answer", "after": DAY, "to_origin": True}),
        (Extension, {"steps": "answer", "right": "cases.approve", "times": 2, "longest": [DAY, DAY]}),
        (MissedDeadline, {"on": "missed-deadline", "clocks": "steps", "per": DAY, "most": 5}),
        (Counted, {"count": "clocks", "is": "in-time", "of": "answer"}),
        (Indicator, {"measure": "satisfaction"}),
        (Indicator, {"numerator": COUNTED, "denominator": {"figure": "customers"}, "per": 10000}),
        (Indicator, {"mean": "promoters"}),
    ],
)
def test_an_entry_that_says_one_thing_is_taken(kind: type[BaseModel], fields: Mapping[str, object]) -> None:
    assert isinstance(made(kind, **fields), kind)


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        (Award, {"ranking": "r", "first": 3, "below": 60}, "at most one of 'first', 'last'"),
        (Award, {"ranking": "r", "amount": 100}, "'amount' and 'paid_by' belong together"),
        (Sample, {}, "exactly one of 'share', 'number' and 'margin'"),
        (Sample, {"number": 50, "margin": 0.05}, "exactly one of 'share', 'number' and 'margin'"),
        (FigureKind, {"every": "month", "of": "branch", "measure": "count"}, "either reported by a role"),
        (Alert, {"on": "deadline", "to": "clerk"}, "'clocks' goes with 'on: deadline'"),
        (Alert, {"on": "registered", "clocks": "answer", "to": "clerk"}, "'clocks' goes with 'on: deadline'"),
        (Alert, {"on": "registered", "after": DAY, "to": "clerk"}, "'before' or 'after', one of them"),
        (
            Alert,
            {"on": "deadline", "clocks": "answer", "before": DAY, "after": DAY, "to": "clerk"},
            "'before' or 'after', one of them",
        ),
        (Alert, {"on": "registered"}, "needs 'to', 'to_origin' or 'escalates'"),
        (
            Extension,
            {"steps": "answer", "right": "cases.approve", "times": 1, "longest": [DAY, DAY]},
            "'times' is 1 and 'longest' gives 2",
        ),
        (
            Appeals,
            {"within": DAY, "decided_within": DAY, "right": "cases.rule", "advised_within": DAY},
            "'advised_within' goes with 'advises'",
        ),
        (MissedDeadline, {"on": "missed-deadline", "clocks": "steps", "most": 5}, "'most' goes with 'per'"),
        (Counted, {"count": "clocks", "is": "upheld"}, "'clocks' are never 'upheld'; 'is' may be: in-time"),
        (Counted, {"count": "closings", "is": "in-time"}, "'is' may be: none"),
        (Indicator, {}, TWO_RULES),
        (Indicator, {"measure": "on-time", "mean": "satisfaction"}, TWO_RULES),
        (Indicator, {"measure": "on-time", "denominator": COUNTED}, "go with 'numerator'"),
        (Indicator, {"mean": "satisfaction", "per": 100}, "go with 'numerator'"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(
    kind: type[BaseModel], fields: Mapping[str, object], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        made(kind, **fields)


def test_one_key_stands_for_a_list_of_one() -> None:
    keys = TypeAdapter(Keys)

    assert keys.validate_python("branch") == keys.validate_python(["branch"]) == ("branch",)


def told(rules: Rules) -> list[str]:
    """Return what is wrong with rules, besides what the engine lacks."""
    lacking = "not supported by this engine yet"
    return [one.what for one in faults(rules) if lacking not in one.what]


def rules_with(topic: str, **sections: Mapping[str, object]) -> Rules:
    """Return jinke's rules with entries added to sections of one topic."""
    rules = an_edition().slices[-1][1]
    part = getattr(rules, topic)
    added = {name: {**getattr(part, name), **entries} for name, entries in sections.items()}
    return rules.model_copy(update={topic: part.model_copy(update=added)})


def a_table(by: str, **rows: str) -> Table:
    text = {"zh": "一", "en": "one"}
    inside = {row: {"title": text, "limit": DAY, "counts_from": begin} for row, begin in rows.items()}
    table: Table = made(Table, by=by, rows=inside)
    return table


def with_tables(rules: Rules, *tables: str) -> Rules:
    """Return rules of which the first step with a table has its limit in these tables."""
    procedures = rules.procedures.procedures
    key, step = next(
        (key, name)
        for key, procedure in procedures.items()
        for name, one in procedure.steps.items()
        if getattr(one.within, "table", ()) == ("rectification",)
    )
    procedure = procedures[key]
    old = procedure.steps[step]
    assert old.within is not None
    within = old.within.model_copy(update={"table": tables})
    steps = {**procedure.steps, step: old.model_copy(update={"within": within})}
    changed = {**procedures, key: procedure.model_copy(update={"steps": steps})}
    about = rules.procedures.model_copy(update={"procedures": changed})
    return rules.model_copy(update={"procedures": about})


def test_a_table_by_grade_has_a_row_for_each_grade_and_no_other() -> None:
    grades = {"one": made(Grade, rank=1), "two": made(Grade, rank=2)}
    rules = rules_with("intake", grades=grades)
    limits = rules_with("limits", tables={"by-grade": a_table("grade", one="receipt", tow="receipt")}).limits

    found = told(with_tables(rules.model_copy(update={"limits": limits}), "rectification", "by-grade"))

    assert [what for what in found if "moment" not in what] == [
        "'limits.tables.by-grade.rows.tow' names the grade 'tow', which does not exist.",
        "The table is by grade, and has no row for 'two'.",
    ]


def test_two_tables_of_one_step_are_by_different_things_and_count_from_one_moment() -> None:
    rules = rules_with("limits", tables={"more": a_table("item", window="receipt")})

    found = told(with_tables(rules, "rectification", "more"))

    assert found == [
        "Two of the tables are by the same thing, so that one row of each cannot be meant.",
        "The rows of the tables count from different moments, so that none ends first for certain.",
    ]


@pytest.mark.parametrize(
    ("needs", "of", "what"),
    [
        ("training", "centre-director", "names the course 'centre-director'"),
        ("opinion", "service", "names the role 'service'"),
    ],
)
def test_an_opinion_is_a_roles_and_training_a_courses(needs: str, of: str, what: str) -> None:
    gate = made(Appointment, role="branch-head", needs=needs, of=of)
    rules = rules_with("rights", appointments={"gate": gate}, courses={"service": made(Course)})

    assert [what in one for one in told(rules)] == [True]


@pytest.mark.parametrize(
    ("passed", "faulty"), [({}, True), ({"service": "2026-02-02"}, True), ({"service": "2026-02-01"}, False)]
)
def test_who_serves_from_the_first_has_passed_the_course_by_then(
    passed: Mapping[str, str], faulty: bool
) -> None:
    gate = made(Appointment, role=["branch-head", "clerk"], needs="training", of="service")
    rules = rules_with("rights", appointments={"branch-head": gate}, courses={"service": made(Course)})
    text = {"zh": "一", "en": "one"}
    unit = {"name": text, "kind": "branch", "site": "group", "established_on": "2005-01-01"}
    person = {"name": "甲", "unit": "b", "role": "branch-head", "since": date(2026, 2, 1), "passed": passed}
    organisation = Organisation.model_validate({"units": {"b": unit}, "people": {"p": person}})

    found = [one.what for one in organisation_faults(organisation, rules) if "course" in one.what]

    assert found == ["A 'branch-head' passes the course 'service' first, and no pass is recorded."] * faulty
