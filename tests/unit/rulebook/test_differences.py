"""What differs between two editions: by place and by day, whatever the files look like."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.rulebook.differences import Change, changed_topics, changes, first_change
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.builders_rules import an_edition
from tests.unit.rulebook.editions import changed, jinke

RATIO = """    ratio: 1
    attempts: 3
"""
PLAN = jinke()["callback.yaml"][
    jinke()["callback.yaml"].index("  complaints:\n") : jinke()["callback.yaml"].index("\nquestionnaires:")
]


def edition(files: Mapping[str, str] | None = None) -> Edition:
    return edition_from_files(files or jinke())


def later_plan(since: str, attempts: int, before: str = "") -> dict[str, str]:
    """Return jinke's files with a second version of its callback plan."""
    first = PLAN.removeprefix("  complaints:\n")
    second = first.replace("2005-05-28", since).replace("attempts: 3", f"attempts: {attempts}")
    listed = "".join(
        "    - " + one.lstrip().replace("\n", "\n  ").rstrip(" ")
        for one in (first, *([before] if before else []), second)
    )
    return changed("callback.yaml", PLAN, f"  complaints:\n{listed}")


def test_an_edition_does_not_differ_from_itself() -> None:
    assert changes(edition(), edition()) == ()
    assert first_change(edition(), edition()) is None


def test_a_changed_value_names_its_place_its_day_and_both_values() -> None:
    new = edition(changed("callback.yaml", RATIO, RATIO.replace("3", "4")))

    assert changes(edition(), new) == (
        Change("callback", "plans", "complaints", "attempts", date(2005, 5, 28), None, 3, 4),
    )
    assert changes(edition(), new)[0].place == "callback.plans.complaints.attempts"
    assert first_change(edition(), new) == date(2005, 5, 28)


def test_a_limit_is_one_value_whatever_it_is_measured_in() -> None:
    new = edition(changed("callback.yaml", "latest: {days: 7}", "latest: {working_days: 5}"))

    (found,) = changes(edition(), new)

    assert (found.field, found.was, found.now) == ("latest", {"days": 7}, {"working_days": 5})


def test_a_second_version_changes_what_it_says_from_its_own_day() -> None:
    new = edition(later_plan("2026-10-01", 4))

    assert changes(edition(), new) == (
        Change("callback", "plans", "complaints", "attempts", date(2026, 10, 1), None, 3, 4),
    )


def test_a_second_version_that_says_the_same_is_no_change() -> None:
    """What breaks it: comparing the days on which versions begin."""
    assert changes(edition(), edition(later_plan("2026-10-01", 3))) == ()


def test_a_change_that_is_taken_back_later_ends_on_that_day() -> None:
    old, new = edition(later_plan("2026-10-01", 4)), edition()

    assert changes(old, new)[0].until is None
    (undone,) = changes(edition(later_plan("2027-01-01", 4)), old)
    # 4 attempts from October instead of January: they differ for three months.
    assert (undone.since, undone.until, undone.was, undone.now) == (
        date(2026, 10, 1),
        date(2027, 1, 1),
        3,
        4,
    )


def test_one_change_is_told_once_though_other_entries_begin_meanwhile() -> None:
    """What breaks it: a change for each day on which anything of the two editions begins."""
    both = later_plan("2026-10-01", 3)
    both["limits.yaml"] = changed("limits.yaml", "limit: {days: 2}", "limit: {days: 3}")["limits.yaml"]

    (found,) = changes(edition(later_plan("2026-10-01", 3)), edition(both))

    assert (found.topic, found.key, found.since, found.until) == (
        "limits",
        "rectification",
        date(2005, 5, 28),
        None,
    )


def test_a_new_entry_is_told_whole_and_an_entry_that_is_gone_too() -> None:
    extra = PLAN.replace("  complaints:", "\n  design-changes:").replace(
        "{kind: complaint}", "{kind: design-change}"
    )
    new = edition(changed("callback.yaml", PLAN, PLAN + extra))

    (added,) = changes(edition(), new)
    (gone,) = changes(new, edition())

    assert (added.key, added.field, added.was, gone.now) == ("design-changes", "", None, None)
    assert added.now == gone.was
    assert added.now["latest"] == {"days": 7}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("callback.yaml", "en: callback of complaints", "en: calls about complaints"),
        ("rulebook.yaml", 'edition: "2005-05-28"', 'edition: "2026-10-01"'),
    ],
)
def test_words_are_a_change_that_nothing_is_worked_out_from(file: str, old: str, new: str) -> None:
    found = edition(changed(file, old, new))

    assert [one.is_wording for one in changes(edition(), found)] == [True]
    assert first_change(edition(), found) is None


def test_the_topics_are_the_files_with_changes_and_not_what_the_edition_is_called() -> None:
    files = changed("callback.yaml", RATIO, RATIO.replace("3", "4"))
    files["rulebook.yaml"] = changed("rulebook.yaml", '"2005-05-28"', '"2026-10-01"')["rulebook.yaml"]

    assert changed_topics(edition(), edition(files)) == ("callback",)
    assert changed_topics(edition(), edition()) == ()


def test_a_day_that_becomes_a_working_day_is_a_change_from_that_day() -> None:
    name = "calendars/cn/2026.yaml"
    files = changed(name, "make_up: [2026-09-20, 2026-10-10]", "make_up: [2026-10-10]")

    (found,) = changes(edition(), edition(files))

    assert (found.topic, found.section, found.key) == ("calendar", "years", "2026")
    assert (found.since, found.until, found.is_wording) == (date(2026, 9, 20), date(2027, 1, 1), False)


def test_an_edition_that_begins_later_takes_away_what_held_before() -> None:
    """INVARIANT: a draft cannot drop the rules of past days unnoticed.

    What breaks it: comparing only the days on which both editions have rules.
    """
    later = {name: text.replace("from: 2005-05-28", "from: 2026-10-01") for name, text in jinke().items()}

    found = changes(edition(), edition(later))

    assert {(one.since, one.until, one.now) for one in found} == {
        (date(2005, 5, 28), date(2026, 10, 1), None)
    }
    assert len(found) > 100


def with_year(**fields: Any) -> Edition:  # noqa: ANN401  # fields of a year
    edition = an_edition()
    first, *others = edition.calendar.years
    return replace(
        edition, calendar=replace(edition.calendar, years=(first.model_copy(update=fields), *others))
    )


def test_a_table_of_the_same_days_differs_in_its_notice_from_the_first_of_the_year() -> None:
    year = an_edition().calendar.years[0].year

    (one,) = changes(an_edition(), with_year(source="another notice"))

    assert (one.topic, one.section, one.key, one.field) == ("calendar", "years", str(year), "source")
    assert (one.since, one.until, one.is_wording) == (date(year, 1, 1), date(year + 1, 1, 1), True)
    assert one.now["source"] == "another notice"


def test_a_table_that_is_new_or_gone_differs_as_a_whole() -> None:
    edition = an_edition()
    last = edition.calendar.years[-1].year
    less = replace(edition, calendar=replace(edition.calendar, years=edition.calendar.years[:-1]))

    (gone,), (new,) = changes(edition, less), changes(less, edition)

    for one in (gone, new):
        assert (one.place, one.field, one.since, one.until) == (
            f"calendar.years.{last}",
            "",
            date(last, 1, 1),
            date(last + 1, 1, 1),
        )
    assert (gone.now, new.was) == (None, None)
