"""The commands ``jiandu parked list|replay|discard`` and ``jiandu log status|verify``, for operators.

They speak HTTP to running services: those of the local stack, or one whose address is given.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from jiandu.stack.stack import FOLDER
from jiandu.stack.state import StateFile

parked_app = typer.Typer(name="parked", help="Messages that could not be applied.", no_args_is_help=True)
log_app = typer.Typer(
    name="log", help="The logs: how far they came, and whether they hold.", no_args_is_help=True
)
console = Console()

_PATIENCE_S = 300
"""Verifying walks whole logs."""

_SERVERS = frozenset({"mongod", "rabbitmq", "epmd"})
_FURTHER_REPLICA = re.compile(r"-(?!1$)\d+$")

Context = typer.Context
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Messages, by id.")]
Fingerprint = Annotated[
    str, typer.Option("--group", "-g", help="All messages of one group, by its fingerprint.")
]


class RefusedError(Exception):
    """A service refused, is not there, or was not named."""


@dataclass(frozen=True)
class Target:
    """A service to speak to."""

    name: str
    url: str
    account: str
    password: str

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  # JSON
        """Sign in and make one call.

        Raises:
            RefusedError: The service is not there, or says no.
        """
        try:
            with httpx2.Client(base_url=self.url, timeout=_PATIENCE_S, trust_env=False) as client:
                who = {"account": self.account, "password": self.password}
                token = _answer(client.post("/v1/session", json=who))["token"]
                headers = {"Authorization": f"Bearer {token}"}
                return _answer(client.request(method, f"/v1/operations{path}", json=body, headers=headers))
        except httpx2.TransportError as error:
            msg = f"{self.name} does not answer at {self.url}: {error}. Is it running? `jiandu stack status`"
            raise RefusedError(msg) from error


def _answer(response: httpx2.Response) -> Any:  # noqa: ANN401  # JSON
    if response.is_success:
        return response.json()
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text[:200]
    raise RefusedError(f"{response.status_code}: {detail}")


@dataclass(frozen=True)
class Where:
    """Which services are meant, and who asks."""

    service: str
    url: str
    account: str
    password: str
    folder: Path

    def targets(self) -> list[Target]:
        """Return the services that are meant.

        Raises:
            RefusedError: There is none.
        """
        if self.url:
            return [Target(self.service or self.url, self.url, self.account, self.password)]
        if not (self.folder / "state.json").exists():
            msg = f"No stack was ever started in {self.folder}. Give --url, or run `jiandu stack up`."
            raise RefusedError(msg)
        file = StateFile(self.folder.resolve())
        # Replicas share one database, so the first speaks for all.
        names = [
            name for name in file.running() if name not in _SERVERS and not _FURTHER_REPLICA.search(name)
        ]
        if not names or (self.service and self.service not in names):
            there = ", ".join(names) or "none"
            raise RefusedError(f"No service {self.service!r} runs here. There are: {there}.")
        secret = self.password or file.secret("seed-password")
        return [
            Target(name, f"http://127.0.0.1:{file.port(name)}", self.account, secret)
            for name in ([self.service] if self.service else names)
        ]


@parked_app.callback()
@log_app.callback()
def _ask(
    context: typer.Context,
    service: Annotated[str, typer.Option("--service", "-s", help="One of the local stack, by name.")] = "",
    url: Annotated[
        str, typer.Option(envvar="JIANDU_URL", help="Address of a service, in place of the local stack.")
    ] = "",
    account: Annotated[str, typer.Option(envvar="JIANDU_ACCOUNT", help="Who signs in.")] = "operator",
    password: Annotated[
        str, typer.Option(envvar="JIANDU_PASSWORD", help="Its password; else that of the local stack.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Where the local stack keeps its state.")] = FOLDER,
) -> None:
    context.obj = Where(service, url, account, password, folder)


def _where(context: typer.Context) -> Where:
    found: Where = context.obj
    return found


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


# --- parked messages


@parked_app.command("list")
def list_parked(
    context: Context,
    as_json: Json = False,
) -> None:
    """Show parked messages by cause, the largest group first."""
    with _refusals():
        found = {target.name: target.call("GET", "/parked") for target in _where(context).targets()}
    if as_json:
        _print_json(found)
        return
    table = Table("service", "count", "since", "group", "example", "why", box=None, pad_edge=False)
    for name, groups in found.items():
        for group in groups:
            first = group["messages"][0]
            since = group["since"][:19]
            table.add_row(
                name, str(group["count"]), since, group["fingerprint"], first["id"], first["reason"]
            )
    console.print(table if table.rows else "Nothing is parked.")


@parked_app.command()
def replay(
    context: Context,
    ids: Ids = None,
    group: Fingerprint = "",
    as_json: Json = False,
) -> None:
    """Try parked messages again, after their cause was mended."""
    body = _chosen(ids, group)
    _change("/parked/replay", body, "will be tried again", _one(context), as_json)


@parked_app.command()
def discard(
    context: Context,
    reason: Annotated[str, typer.Option(help="Why they are given up. It is kept.")],
    ids: Ids = None,
    group: Fingerprint = "",
    as_json: Json = False,
) -> None:
    """Give parked messages up. Later events of their subjects then go on without them."""
    body = {**_chosen(ids, group), "reason": reason}
    _change("/parked/discard", body, "are given up", _one(context), as_json)


def _chosen(ids: Sequence[str] | None, group: str) -> dict[str, Any]:
    if bool(ids) == bool(group):
        raise typer.BadParameter("Give either ids or --group.")
    return {"ids": list(ids)} if ids else {"fingerprint": group}


def _one(context: typer.Context) -> Target:
    where = _where(context)
    with _refusals():
        if not where.service and not where.url:
            name = context.command_path.rpartition(" ")[0]
            raise RefusedError(f"Name the service: {name} --service handling …, or --url.")
        return where.targets()[0]


def _change(path: str, body: Mapping[str, Any], what: str, target: Target, as_json: bool) -> None:
    with _refusals():
        done = target.call("POST", path, body)
    if as_json:
        _print_json({target.name: done})
    else:
        console.print(f"{target.name}: {done['count']} messages {what}.")


# --- logs


@log_app.command()
def status(
    context: Context,
    as_json: Json = False,
) -> None:
    """Show how far each log is published, and how far the followed ones have arrived."""
    with _refusals():
        found = {target.name: target.call("GET", "/log") for target in _where(context).targets()}
    if as_json:
        _print_json(found)
        return
    table = Table("service", "log", "head", "published", "received", "missing", box=None, pad_edge=False)
    for name, told in found.items():
        for own in told["own"]:
            table.add_row(name, own["source"], str(own["head"]), str(own["published"]), "", "")
        for one in told["followed"]:
            missing = f"{one['missing']} ({one['aside']} set aside)" if one["missing"] else "0"
            table.add_row(name, one["source"], str(one["head"]), "", str(one["received"]), missing)
    console.print(table)
    for name, told in found.items():
        console.print(
            f"{name}: {told['waiting']} events early, {told['on_ladder']} tried again, {told['parked']} parked"
        )


@log_app.command()
def verify(
    context: Context,
    as_json: Json = False,
) -> None:
    """Walk every log and check it entry by entry. Ends with code 1 where one does not hold."""
    with _refusals():
        found = {target.name: target.call("POST", "/log/verify") for target in _where(context).targets()}
    if as_json:
        _print_json(found)
    else:
        table = Table("service", "log", "entries", "verdict", box=None, pad_edge=False)
        for name, logs in found.items():
            for one in logs:
                broken = f"[red]broken at {one['broken_at']}: {one['reason']}[/]"
                verdict = "[green]holds[/]" if one["holds"] else broken
                table.add_row(name, one["source"], str(one["entries"]), verdict)
        console.print(table)
    if not all(one["holds"] for logs in found.values() for one in logs):
        raise typer.Exit(1)


def _print_json(value: Mapping[str, Any]) -> None:
    console.print_json(json.dumps(value, ensure_ascii=False))
