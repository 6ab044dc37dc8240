"""Every rule of the catalogue stands in a rulebook and is proved by an example or a test."""

from functools import cache
from pathlib import Path

import pytest

from jiandu.rulebook.coverage import GROUPS, Row, coverage, page, proofs_in
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition
from tests.builders_rules import RULEBOOKS

TESTS = Path(__file__).parents[1]
CATALOGUE = {
    "general": [f"QS-{n:02d}" for n in range(1, 14)],
    "jinke": [f"JK-{n:02d}" for n in range(1, 36)],
    "luneng": [f"LN-{n:02d}" for n in range(1, 33)],
    "xinao": [f"XA-{n:02d}" for n in range(1, 19)],
    "zhongyida": [f"ZY-{n:02d}" for n in range(1, 15)],
}
"""The catalogue's ids, by the group whose regulation they come from."""

RULES = [pytest.param(group, rule, id=rule) for group, rules in CATALOGUE.items() for rule in rules]


@cache
def edition(group: str) -> Edition:
    """Return a group's edition."""
    return load_edition(RULEBOOKS / group, RULEBOOKS / "calendars")


@cache
def rows(group: str) -> dict[str, Row]:
    return {row.id: row for row in coverage(edition(group), TESTS)}


def test_every_group_has_its_rules_in_the_catalogue() -> None:
    assert set(GROUPS) == CATALOGUE.keys()


@pytest.mark.parametrize("group", CATALOGUE)
def test_a_rulebook_lists_every_rule_of_its_regulation(group: str) -> None:
    assert list(rows(group)) == CATALOGUE[group]


@pytest.mark.parametrize(("group", "rule"), RULES)
def test_a_rule_stands_somewhere_in_the_rulebook(group: str, rule: str) -> None:
    """INVARIANT: no rule of the catalogue is left out of the data.

    What breaks it: carrying a rule out in code alone, where no group could change it.
    """
    assert rows(group)[rule].keys


@pytest.mark.parametrize(("group", "rule"), RULES)
def test_a_rule_is_proved(group: str, rule: str) -> None:
    """INVARIANT: a worked example or a test names each rule that it shows.

    What breaks it: writing YAML that nothing exercises, or renaming a test's rule.
    """
    assert rows(group)[rule].proofs


@pytest.mark.parametrize("group", CATALOGUE)
def test_the_coverage_page_is_current(group: str) -> None:
    written = (RULEBOOKS / group / "COVERAGE.md").read_text("utf-8")

    current = page(edition(group), list(rows(group).values()))

    assert written == current, f"Run 'jiandu rulebook coverage {group} --write'."


@pytest.mark.parametrize("group", CATALOGUE)
def test_examples_and_tests_name_only_rules_that_exist(group: str) -> None:
    known = {rule for rules in CATALOGUE.values() for rule in rules}

    assert set(proofs_in(TESTS, group)) - known == set()
