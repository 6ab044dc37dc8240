"""The command ``jiandu``.

Each group of commands is a typer app in a module of its own; this module only hangs them up.
"""

import typer

from jiandu.demo.cli import demo
from jiandu.operations import cli as operations
from jiandu.rulebook import cli as rulebook
from jiandu.rulebook import edition_cli as edition
from jiandu.scoring.backtest import backtest
from jiandu.scoring.fair import fair
from jiandu.stack import cli as stack

app = typer.Typer(
    name="jiandu",
    help="Supervise customer service across a group.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(stack.app)
app.add_typer(rulebook.app)
app.add_typer(edition.app)
app.add_typer(operations.parked_app)
app.add_typer(operations.log_app)
app.command()(demo)
app.command()(backtest)
app.command()(fair)


@app.callback()
def _root() -> None:
    # With a callback typer keeps the names of sub-commands even while there is only one.
    pass


def main() -> None:
    """Run the command line."""
    app()
