"""Coverage says of each rule how much is modelled, why not all, and what it waits for."""

from pathlib import Path

import pytest

from jiandu.rulebook_coverage import Row, coverage, page
from shared.rulebook.checks import not_yet
from shared.rulebook.load import edition_from_files
from tests.unit.rulebook.editions import changed, jinke


def rows(files: dict[str, str], nowhere: Path) -> dict[str, Row]:
    return {row.id: row for row in coverage(edition_from_files(files), nowhere)}


def test_a_rule_waits_for_what_its_entries_ask_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = edition_from_files(jinke())
    monkeypatch.setattr(not_yet, "NOT_YET", {"watches": ("procedures.watches.*",)})

    waiting = {row.id: row.waits for row in coverage(edition, tmp_path) if row.waits}

    # Both watches cite JK-14, the one on handling JK-15 too.
    assert waiting == {"JK-14": ("watches",), "JK-15": ("watches",)}
    assert "modelled<br>waits for: watches |" in page(edition, coverage(edition, tmp_path))


def test_what_is_left_to_people_comes_with_its_reason(tmp_path: Path) -> None:
    old = "  JK-18: {zh: 每月合理化建议（2分）, en: Monthly proposal (2 points)}\n"
    new = old.replace("}", ", coverage: partly, why: Nobody weighs the idea.}")
    files = changed("rulebook.yaml", old, new)

    assert (rows(files, tmp_path)["JK-18"].status, rows(files, tmp_path)["JK-18"].why) == (
        "partly",
        "Nobody weighs the idea.",
    )
    assert "| partly, because: Nobody weighs the idea. |" in page(
        edition_from_files(files), list(rows(files, tmp_path).values())
    )
