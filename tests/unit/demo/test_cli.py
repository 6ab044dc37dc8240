"""The command itself, as far as it goes without servers."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jiandu.cli import app as whole
from jiandu.demo.cli import demo, next_steps
from tests.unit.rulebook.worked import edition_of

app = typer.Typer()
app.command()(demo)


def test_a_group_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    ran = CliRunner().invoke(app, ["--group", "nobody"])
    assert ran.exit_code == 2
    assert "jinke, luneng, xinao, zhongyida" in ran.output


def test_the_quarter_has_three_months() -> None:
    assert CliRunner().invoke(app, ["--months", "4"]).exit_code == 2


@pytest.mark.parametrize("group", ["jinke", "luneng", "zhongyida", "xinao", "general"])
@pytest.mark.parametrize("running", [None, Path("run/demo")])
def test_every_command_that_is_proposed_at_the_end_is_one_that_there_is(
    running: Path | None, group: str
) -> None:
    commands = [command for _, command in next_steps(edition_of(group), Path("events.jsonl"), running)]

    ran = [CliRunner().invoke(whole, [*command.split(), "--help"]) for command in commands]

    assert [one.exit_code for one in ran] == [0, 0, 0]


def test_the_deadline_that_is_proposed_at_the_end_explains_itself() -> None:
    asked = [command for _, command in next_steps(edition_of("jinke"), Path("events.jsonl"), None)][1]

    ran = CliRunner().invoke(whole, asked.split())

    # 48 hours from Wednesday 30 September, 16:00; the holiday does not stop a limit in hours (JK-03).
    assert ran.stdout.splitlines()[0].startswith("2026-10-02 星期五 16:00")


@pytest.mark.parametrize("group", ["luneng", "zhongyida", "xinao", "general"])
def test_the_deadline_that_is_proposed_is_a_step_of_the_group(group: str) -> None:
    asked = [command for _, command in next_steps(edition_of(group), Path("events.jsonl"), None)][1]

    assert CliRunner().invoke(whole, asked.split()).exit_code == 0
