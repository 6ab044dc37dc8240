"""The command itself, as far as it goes without servers."""

import typer
from typer.testing import CliRunner

from jiandu.demo.cli import demo

app = typer.Typer()
app.command()(demo)


def test_another_group_is_refused_with_what_to_do_instead() -> None:
    ran = CliRunner().invoke(app, ["--group", "general"])
    assert ran.exit_code == 2
    assert "jiandu stack up" in ran.output


def test_the_quarter_has_three_months() -> None:
    assert CliRunner().invoke(app, ["--months", "4"]).exit_code == 2
