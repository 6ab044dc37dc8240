"""The command itself, as far as it goes without servers."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jiandu.cli import app as whole
from jiandu.demo.cli import demo, next_steps

app = typer.Typer()
app.command()(demo)


def test_another_group_is_refused_with_what_to_do_instead() -> None:
    ran = CliRunner().invoke(app, ["--group", "general"])
    assert ran.exit_code == 2
    assert "jiandu stack up" in ran.output


def test_the_quarter_has_three_months() -> None:
    assert CliRunner().invoke(app, ["--months", "4"]).exit_code == 2


@pytest.mark.parametrize("running", [None, Path("run/demo")])
def test_every_command_that_is_proposed_at_the_end_is_one_that_there_is(running: Path | None) -> None:
    commands = [command for _, command in next_steps(Path("events.jsonl"), running)]

    ran = [CliRunner().invoke(whole, [*command.split(), "--help"]) for command in commands]

    assert [one.exit_code for one in ran] == [0, 0, 0]


def test_the_deadline_that_is_proposed_at_the_end_explains_itself() -> None:
    asked = [command for _, command in next_steps(Path("events.jsonl"), None)][1]

    ran = CliRunner().invoke(whole, asked.split())

    # 48 hours from Wednesday 30 September, 16:00; the holiday does not stop a limit in hours (JK-03).
    assert ran.stdout.splitlines()[0].startswith("2026-10-02 星期五 16:00")
