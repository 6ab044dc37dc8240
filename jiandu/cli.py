"""The command ``jiandu``.

Each group of commands is a typer app in a module of its own; this module only hangs them up.
"""

import typer

from jiandu import edition_cli, operations_cli, rulebook_cli
from jiandu.backtest import backtest
from jiandu.demo.cli import demo
from jiandu.fair import fair
from jiandu.stack import cli as stack

app = typer.Typer(
    name="jiandu",
    help="Supervise customer service across a group.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(stack.app)
app.add_typer(rulebook_cli.app)
app.add_typer(edition_cli.app)
app.add_typer(operations_cli.parked_app)
app.add_typer(operations_cli.log_app)
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
