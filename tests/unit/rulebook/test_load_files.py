"""The loader refuses files that are too large, misplaced, of another shape or encoding."""

import re
from pathlib import Path

import pytest

from shared.errors import RulebookRefusedError
from shared.rulebook.load import (
    edition_from_files,
    load_edition,
)
from tests.unit.rulebook.editions import RULEBOOKS, changed, jinke, line_of, refused


def test_a_file_that_is_no_topic_is_refused_so_that_no_rule_goes_unread() -> None:
    (problem,) = refused({**jinke(), "procedure.yaml": "procedures: {}\n"})

    assert (problem.file, problem.what) == ("procedure.yaml", "The file is no topic of a rulebook.")


@pytest.mark.parametrize(
    "name",
    ["calendars/cn/../../../home.yaml", "calendars//etc/x.yaml", "calendars/cn/2026.txt", "/limits.yaml"],
)
def test_a_file_that_would_lie_elsewhere_is_refused(name: str) -> None:
    """INVARIANT: whoever writes an edition's files to a folder writes nothing beside it.

    What breaks it: taking any name that begins like a day table's.
    """
    (problem,) = refused({**jinke(), name: "a: 1\n"})

    assert (problem.file, problem.what) == (name, "The file is no topic of a rulebook.")


def test_a_topic_that_every_rulebook_has_must_be_there() -> None:
    problems = refused({name: text for name, text in jinke().items() if name != "intake.yaml"})

    assert ("intake.yaml", "The file is missing.") in {(one.file, one.what) for one in problems}


def test_a_file_over_one_mebibyte_is_refused_unread() -> None:
    problems = refused({**jinke(), "limits.yaml": "# " + "x" * (1 << 20)})

    assert "The file is larger than 1 MiB." in {one.what for one in problems}


def test_a_file_of_aliases_upon_aliases_is_refused_quickly() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    problems = refused({**jinke(), "limits.yaml": bomb})

    assert any("More than 20 aliases" in one.what for one in problems)


def test_a_file_nested_without_end_is_refused() -> None:
    problems = refused({**jinke(), "limits.yaml": "tables: " + "[" * 5_000})

    assert any("levels deep" in one.what for one in problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("%YAML 1.1\n---\ntables: {}\n", "The file asks for another YAML than 1.2."),
        ("only words\n", "The file does not hold 'key: value' pairs."),
        ("? [tables]\n: {}\n", "A key must be one word."),
        ("tables:\n  rectification: []\n", "The list is empty."),
        ("tables: {rectification: {from: 2005-05-28, source: {a: b}}}\n", "is a set of pairs."),
        ("tables: {rectification: {from: [2005-05-28]}}\n", "is a list."),
        ("tables: {rectification: {from: " + "x" * 60 + "}}\n", f"is '{'x' * 40}…'."),
    ],
    ids=["another YAML", "words", "a list as key", "an empty list", "pairs", "a list", "a long word"],
)
def test_a_file_of_another_shape_is_refused(text: str, what: str) -> None:
    problems = refused({**jinke(), "limits.yaml": text})

    assert any(what in one.what and one.file == "limits.yaml" for one in problems)


def test_an_empty_topic_says_nothing_and_is_no_fault_of_writing() -> None:
    problems = refused({**jinke(), "limits.yaml": "# nothing yet\n"})

    assert {one.file for one in problems} == {"intake.yaml", "procedures.yaml"}


def test_a_rulebook_whose_entries_never_begin_is_refused() -> None:
    dateless = {name: re.sub(r"\n +from: .*", "", text) for name, text in jinke().items()}

    (problem,) = refused(dateless)

    assert problem.what == "No entry of the rulebook says from when it holds."


def test_an_opening_window_is_read_and_hashed() -> None:
    window = 'within: {hours: 1, counts_from: {before: "18:00", opens: "08:00"}}\n        requires: approve'
    files = changed("procedures.yaml", "within: {days: 10}\n        requires: approve", window)

    assert edition_from_files(files).hash != edition_from_files(jinke()).hash


def test_a_second_document_is_refused() -> None:
    problems = refused({**jinke(), "limits.yaml": jinke()["limits.yaml"] + "---\ntables: {}\n"})

    assert any("A second document begins here" in one.what for one in problems)


def test_the_refusal_of_a_folder_names_the_path(tmp_path: Path) -> None:
    for name, text in jinke().items():
        if "/" not in name:
            (tmp_path / name).write_text(text.replace("rank: 10", "rank: ten"), encoding="utf-8")

    with pytest.raises(RulebookRefusedError) as caught:
        load_edition(tmp_path, RULEBOOKS / "calendars")

    (problem,) = caught.value.problems
    line = line_of("procedures.yaml", "    rank: 10\n")
    assert str(problem).startswith(f"{tmp_path}/procedures.yaml:{line}: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulebookRefusedError, match="There is no such folder"):
        load_edition(tmp_path / "nowhere", RULEBOOKS / "calendars")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rulebook.yaml").write_bytes("group: 金科\n".encode("gb18030"))

    with pytest.raises(RulebookRefusedError, match="The file is not UTF-8"):
        load_edition(tmp_path, RULEBOOKS / "calendars")


# Dated entries
