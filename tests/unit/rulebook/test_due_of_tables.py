"""``rulebook due`` of limits that stand in tables, and of later rounds."""

import pytest

from jiandu.rulebook.due import of_clock, step_clock
from shared.errors import InvalidInputError
from shared.rulebook.edition import Edition
from tests.unit.handling.builders import a_rule, a_step, an_edition, on, shown


def a_row(**limit: object) -> dict[str, object]:
    return {"title": {"zh": "行", "en": "row"}, "limit": limit, "counts_from": "receipt"}


def an_edition_with_tables() -> Edition:
    tables = {
        "by-grade": a_rule("XA-03", by="grade", rows={"first": a_row(hours=24), "third": a_row(hours=120)}),
        "by-tier": a_rule("XA-13", by="tier", rows={"safety": a_row(hours=48)}),
    }
    steps = {
        "solve": a_step(within={"table": ["by-grade", "by-tier"]}),
        "reply": a_step(after="receipt", within={"hours": 5}, again_within={"hours": 2}),
    }
    return an_edition({"procedures": {"one": a_rule(applies={}, steps=steps)}}, limits={"tables": tables})


@pytest.mark.parametrize(("grade", "due"), [("first", "07-02 09:00"), ("third", "07-03 09:00")])
@pytest.mark.rule("XA-03", "XA-13")
def test_of_several_tables_the_row_that_ends_first_is_due(grade: str, due: str) -> None:
    rows = {"grade": grade, "tier": "safety"}

    found = of_clock(
        an_edition_with_tables(),
        step_clock(an_edition_with_tables(), "one", "solve", on("07-01 09:00"), rows),
    )

    assert shown(found.due_before) == due
    assert found.clause == "QS-06, XA-03, XA-13"


def test_a_matter_of_no_tier_is_due_by_the_table_of_its_grade_alone() -> None:
    edition = an_edition_with_tables()

    # Wed 1 Jul 09:00 + 120 h = Mon 6 Jul 09:00.
    found = of_clock(edition, step_clock(edition, "one", "solve", on("07-01 09:00"), {"grade": "third"}))

    assert shown(found.due_before) == "07-06 09:00"


@pytest.mark.parametrize(
    ("named", "table"), [({}, "by-grade"), ({"grade": "first", "tier": "none"}, "by-tier")]
)
def test_tables_of_which_no_row_or_an_unknown_one_is_named_are_named(
    named: dict[str, str], table: str
) -> None:
    with pytest.raises(InvalidInputError, match=rf"limits\.tables\.{table}\.rows"):
        step_clock(an_edition_with_tables(), "one", "solve", on("07-01 09:00"), named)


@pytest.mark.parametrize(("again", "due"), [(False, "07-01 14:00"), (True, "07-01 11:00")])
def test_a_later_round_is_due_by_its_own_limit(again: bool, due: str) -> None:
    edition = an_edition_with_tables()

    found = of_clock(edition, step_clock(edition, "one", "reply", on("07-01 09:00"), again=again))

    assert shown(found.due_before) == due
