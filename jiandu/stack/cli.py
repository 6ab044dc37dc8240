"""The commands ``jiandu stack up``, ``env``, ``down`` and ``status``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from jiandu.stack.errors import StackError
from jiandu.stack.plan import Plan
from jiandu.stack.server import ROOT
from jiandu.stack.stack import FOLDER, Progress, Stack
from shared.errors import SupervisionError
from shared.rulebook.load import load_organisation

app = typer.Typer(name="stack", help="The servers and services on this machine.", no_args_is_help=True)
console = Console()

Folder = Annotated[Path, typer.Option(help="Where the stack keeps data, logs and keys.")]


@app.command()
def up(
    group: Annotated[str, typer.Option(help="The group to serve.")] = Plan.group,
    sites: Annotated[
        str, typer.Option(help="Intakes at these of its sites only, joined by commas.", show_default="all")
    ] = "",
    callbacks: Annotated[int, typer.Option(min=1, help="Replicas of callback.")] = 1,
    folder: Folder = FOLDER,
) -> None:
    """Start what does not run yet, wait until all is ready, and print the addresses."""
    named = dict.fromkeys(site.strip() for site in sites.split(",") if site.strip())
    with _refusals():
        plan = Plan(group=group, sites=tuple(named), callbacks=callbacks)
        stack = Stack(folder)
        with _shown() as progress:
            services = stack.up(plan, progress)
    table = Table("service", "address", "API", box=None, pad_edge=False)
    for service in services:
        table.add_row(service.name, service.url, f"{service.url}/docs")
    console.print(table)
    console.print(f"\nmongodb   {stack.mongo_url}\nrabbitmq  {stack.amqp_url}", soft_wrap=True)
    console.print(_accounts(group))
    console.print(f"their password: {stack.file.secret('seed-password')}", soft_wrap=True)
    console.print(f"logs: {stack.folder / 'logs'}", soft_wrap=True)


def _accounts(group: str) -> Table:
    organisation = load_organisation(ROOT / "rulebooks" / group / "organisation.yaml")
    table = Table(
        "unit", "accounts (role)", box=None, pad_edge=False, title="\naccounts", title_justify="left"
    )
    for unit, seed in organisation.units.items():
        held = [
            f"{account} ({organisation.role_of(account)})"
            for account in organisation.accounts
            if organisation.unit_of(account) == unit
        ]
        if held:
            table.add_row(f"{unit} {seed.name.zh}", ", ".join(held))
    return table


@app.command()
def env(folder: Folder = FOLDER) -> None:
    """Print addresses and password as variables of a shell: eval "$(jiandu stack env)"."""
    with _refusals():
        stack = Stack(folder)
        addresses = stack.addresses()
        if not addresses:
            raise StackError("Nothing is running. Run `jiandu stack up` first.")
    for name, url in addresses.items():
        typer.echo(f"export {name.upper().replace('-', '_')}={url}")
    typer.echo(f"export JIANDU_PASSWORD={stack.file.secret('seed-password')}")


@app.command()
def down(folder: Folder = FOLDER) -> None:
    """Stop everything. Data, ports and keys stay for the next time."""
    with _refusals(), _shown() as progress:
        ended = Stack(folder).down(progress)
    console.print(f"stopped {ended} processes" if ended else "nothing was running")


@app.command()
def status(folder: Folder = FOLDER) -> None:
    """Say what runs. Ends with code 1 when nothing does."""
    with _refusals():
        stack = Stack(folder)
    running = stack.file.running()
    if not running:
        console.print("nothing is running")
        raise typer.Exit(1)
    table = Table("process", "id", "port", box=None, pad_edge=False)
    ports = {**stack.file.state.ports, "rabbitmq": stack.file.state.ports.get("amqp", 0)}
    for name, identity in running.items():
        table.add_row(name, str(identity.pid), str(ports.get(name, "")))
    console.print(table)


@contextmanager
def _refusals() -> Iterator[None]:
    """Show an expected failure as its one message, without a traceback."""
    try:
        yield
    except (StackError, SupervisionError, OSError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(getattr(error, "exit_code", 1)) from None


@contextmanager
def _shown() -> Iterator[Progress]:
    """Show each part with what it is doing: live on a terminal, line by line elsewhere."""
    if not console.is_terminal:
        yield lambda name, phase: console.print(f"{name}: {phase}")
        return
    phases: dict[str, str] = {}
    spinner = Spinner("dots")

    def table() -> Table:
        shown = Table(box=None, show_header=False, pad_edge=False)
        for name, phase in phases.items():
            shown.add_row("[green]✓[/]" if phase == "ready" else spinner, name, phase)
        return shown

    with Live(get_renderable=table, console=console, transient=True, refresh_per_second=10):
        yield _into(phases)


def _into(phases: dict[str, str]) -> Callable[[str, str], None]:
    def note(name: str, phase: str) -> None:
        phases[name] = phase

    return note
