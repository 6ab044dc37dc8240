"""A unit's own norms over the group's rulebook: what they may say, from when, and what of them is refused."""

from collections.abc import Mapping
from datetime import date

import pytest

from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.differences import Change, changes
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files, unbundle
from shared.rulebook.load.overlays import edition_with, pack
from tests.unit.rulebook.editions import changed, jinke

PLAN = """# 本公司回访规范
plans:
  complaints:
    from: {since}
    source: JK-27
    title: {{zh: 本公司回访, en: callback of ours}}
    applies: {{kind: complaint}}
    latest: {{days: 3}}
    ratio: 1
    attempts: 3
    apart: {{hours: 4}}
    questionnaire: {questionnaire}
    satisfied_from: 4
    reopen_at: 2
"""


def base() -> Edition:
    return edition_from_files(jinke())


def norms(since: str = "2026-08-01", questionnaire: str = "owners") -> dict[str, str]:
    return {"callback.yaml": PLAN.format(since=since, questionnaire=questionnaire)}


def refused(own: Mapping[str, str]) -> list[RulebookProblem]:
    with pytest.raises(RulebookRefusedError) as caught:
        edition_with(base(), own, "n1")
    return list(caught.value.problems)


@pytest.mark.rule("ZY-02")
def test_own_norms_hold_from_their_day_on_and_everything_else_is_the_groups() -> None:
    own = edition_with(base(), norms(), "n1")

    found = [one for one in changes(base(), own) if not one.is_wording]

    assert found == [
        Change("callback", "plans", "complaints", "latest", date(2026, 8, 1), None, {"days": 7}, {"days": 3})
    ]
    assert (own.name, own.hash != base().hash) == ("2005-05-28+n1", True)


@pytest.mark.rule("ZY-02")
@pytest.mark.parametrize(
    ("ours", "field"),
    [("satisfied_from: 3", "satisfied_from"), ("satisfied_from: 4\n    reopen_at: 1", "reopen_at")],
)
def test_own_norms_do_not_say_who_counts_as_satisfied(ours: str, field: str) -> None:
    """INVARIANT: every unit is measured by the same.

    What breaks it: letting a unit's plan of callbacks replace the group's in everything.
    """
    text = norms()["callback.yaml"].replace("    reopen_at: 2\n", "").replace("satisfied_from: 4", ours)
    text += "" if "reopen_at" in ours else "    reopen_at: 2\n"

    (fault,) = refused({"callback.yaml": text})

    # The entry's third line of the file.
    assert (fault.file, fault.line) == ("n1/callback.yaml", 3)
    assert f"'plans.complaints.{field}' is not a unit's to set" in fault.what


@pytest.mark.rule("ZY-02")
def test_a_later_entry_of_the_group_does_not_end_what_was_filed() -> None:
    """What breaks it: putting the unit's entry among the group's by day."""
    text = jinke()["callback.yaml"]
    plan = text[text.index("  complaints:\n") : text.index("\nquestionnaires:")]
    first = plan.removeprefix("  complaints:\n")
    versions = [first, first.replace("2005-05-28", "2026-10-01").replace("attempts: 3", "attempts: 9")]
    listed = "".join("    - " + one.strip().replace("\n", "\n  ") + "\n" for one in versions)
    later = edition_from_files(changed("callback.yaml", plan, f"  complaints:\n{listed}"))

    own = edition_with(later, norms(), "n1")

    assert own.on(date(2026, 12, 1)).callback.plans["complaints"].attempts == 3
    assert later.on(date(2026, 12, 1)).callback.plans["complaints"].attempts == 9


def test_a_merged_rulebook_is_a_rulebook_that_can_be_written_down_and_read_again() -> None:
    own = edition_with(base(), norms(), "n1")

    assert edition_from_files(own.files).hash == own.hash
    assert unbundle(pack(norms())) == norms()


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"scoring.yaml": "sheets: {}"}, "This file is not a unit's to set."),
        ({"callback.yaml": "campaigns: {}"}, "'campaigns' is not a unit's to set."),
        ({"intake.yaml": "# ours\nkinds: {}"}, "'kinds' is not a unit's to set."),
        ({"procedures.yaml": "appeals: {}"}, "'appeals' is not a unit's to set."),
    ],
)
@pytest.mark.rule("ZY-02")
def test_what_counts_what_it_costs_and_who_decides_is_the_groups(files: dict[str, str], what: str) -> None:
    assert [one.what for one in refused(files)] == [what]


def test_a_fault_of_own_norms_is_told_where_their_author_wrote_it() -> None:
    """Line 12 of the file names the questionnaire.

    What breaks it: lines of the merged text, which nobody has before them.
    """
    (fault,) = refused(norms(questionnaire="residents"))

    assert (fault.file, fault.line) == ("n1/callback.yaml", 12)
    assert "'residents', which does not exist" in fault.what


def test_text_that_is_no_rulebook_is_refused_with_its_line() -> None:
    (fault,) = refused({"callback.yaml": "plans:\n  complaints: yes\n"})

    assert (fault.file, fault.line) == ("callback.yaml", 2)


def test_an_entry_without_its_day_is_refused() -> None:
    own = {"callback.yaml": norms()["callback.yaml"].replace("    from: 2026-08-01\n", "")}

    assert any("from" in one.what for one in refused(own))
