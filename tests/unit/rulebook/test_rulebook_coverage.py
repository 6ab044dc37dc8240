"""Coverage says of each rule how much is modelled, and why not all."""

from pathlib import Path

from jiandu.rulebook.coverage import Row, coverage, page
from shared.rulebook.load import edition_from_files
from tests.unit.rulebook.editions import changed


def rows(files: dict[str, str], nowhere: Path) -> dict[str, Row]:
    return {row.id: row for row in coverage(edition_from_files(files), nowhere)}


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
