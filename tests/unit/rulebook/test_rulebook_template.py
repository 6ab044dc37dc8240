"""The template is a sound rulebook that says why each part is there."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jiandu.rulebook.cli import app
from jiandu.rulebook.schema import schema_of
from jiandu.rulebook.start import TEMPLATE
from shared.rulebook.load.shape import topics

RUN = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


def test_the_template_passes_the_check_under_the_folders_name(tmp_path: Path) -> None:
    """INVARIANT: who begins with the template begins with a rulebook that could be in force.

    What breaks it: a check or a field that the vocabulary gains and the template does not follow.
    """
    folder = tmp_path / "tianyuan"

    written = RUN.invoke(app, ["template", str(folder)])
    checked = RUN.invoke(app, ["check", str(folder)])

    assert written.stdout.splitlines()[-1] == f"jiandu rulebook check {folder}"
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout.startswith("tianyuan 2026-01 is sound: ")


@pytest.mark.parametrize("topic", topics())
def test_each_file_names_the_schema_by_which_an_editor_checks_it(tmp_path: Path, topic: str) -> None:
    RUN.invoke(app, ["template", str(tmp_path)])

    first = (tmp_path / f"{topic}.yaml").read_text("utf-8").splitlines()[0]
    schema = json.loads((tmp_path / first.partition("$schema=")[2]).read_text("utf-8"))

    assert schema == schema_of(topic)


@pytest.mark.parametrize("path", sorted(TEMPLATE.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_file_begins_with_what_it_is_for_in_both_languages(path: Path) -> None:
    chinese, english = path.read_text("utf-8").splitlines()[:2]

    assert chinese.startswith("# ")
    assert not chinese.isascii()
    assert english.startswith("# ")
    assert english.isascii()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")

    result = RUN.invoke(app, ["template", str(tmp_path)])

    assert result.exit_code == 1
    assert result.stderr == f"'{tmp_path}' is not empty. Name a folder that is new or empty.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
