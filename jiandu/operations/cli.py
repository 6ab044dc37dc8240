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
from rich.text import Text

from jiandu.stack.errors import StackError
from jiandu.stack.plan import HEADQUARTERS, operator_of, site_of
from jiandu.stack.stack import FOLDER
from jiandu.stack.state import StateFile

parked_app = typer.Typer(name="parked", help="Messages that could not be applied.", no_args_is_help=True)
log_app = typer.Typer(
    name="log", help="The logs: how far they came, and whether they hold.", no_args_is_help=True
)
console = Console()

_PATIENCE_S = 300
"""Verifying walks whole logs."""

SHORTEST_REASON = 3
"""The services refuse a shorter one; said here before anything is sent."""

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
        """Make one call of the operator's routes. Raises ``RefusedError``."""
        return self.send(method, f"/operations{path}", body)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  # JSON
        """Sign in and make one call.

        Raises:
            RefusedError: The service is not there, or says no.
        """
        with self._signed_in() as client:
            return self._answer(client.request(method, f"/v1{path}", json=body))

    def download(self, path: str, file: Path) -> int:
        """Sign in and write what a route streams to a file. Returns how many bytes there are.

        Raises:
            RefusedError: The service is not there, or says no.
        """
        with self._signed_in() as client, client.stream("GET", f"/v1{path}") as response:
            if not response.is_success:
                response.read()
                self._answer(response)
            with file.open("wb") as out:
                return sum(out.write(piece) for piece in response.iter_bytes())

    @contextmanager
    def _signed_in(self) -> Iterator[httpx2.Client]:
        try:
            with httpx2.Client(base_url=self.url, timeout=_PATIENCE_S, trust_env=False) as client:
                who = {"account": self.account, "password": self.password}
                token = self._answer(client.post("/v1/session", json=who))["token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            msg = f"{self.name} does not answer at {self.url}: {error}. Is it running? `jiandu stack status`"
            raise RefusedError(msg) from error

    def _answer(self, response: httpx2.Response) -> Any:  # noqa: ANN401  # JSON
        try:
            told = response.json()
        except ValueError:
            told = response.text[:200]
        if response.is_success and not isinstance(told, str):
            return told
        detail = told.get("detail", told) if isinstance(told, dict) else told
        raise RefusedError(f"{self.name} refuses '{self.account}': {response.status_code}: {detail}")


@dataclass(frozen=True)
class Where:
    """Which services are meant, and who asks."""

    service: str
    url: str
    site: str
    account: str
    password: str
    folder: Path

    def targets(self) -> list[Target]:
        """Return the services that are meant.

        Raises:
            RefusedError: There is none.
        """
        if self.url:
            return [self._target(self.service or self.url, self.url, self.site, self.password)]
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
            self._target(name, f"http://127.0.0.1:{file.port(name)}", site_of(name), secret)
            for name in ([self.service] if self.service else names)
        ]

    def _target(self, name: str, url: str, site: str, password: str) -> Target:
        return Target(name, url, self.account or operator_of(site), password)

    def ask(self, method: str, path: str) -> "Answers":
        """Ask every service that is meant; what refuses is told, and hides no other's answer."""
        answers = Answers({}, [])
        for target in self.targets():
            try:
                answers.by_service[target.name] = target.call(method, path)
            except RefusedError as error:
                answers.refusals.append(str(error))
        return answers


@dataclass(frozen=True)
class Answers:
    """What the services said, and the words of those that refused."""

    by_service: dict[str, Any]
    refusals: list[str]

    def end(self) -> None:
        """Name the services that refused. Ends with code 2 where there is one."""
        for refusal in self.refusals:
            _complain(refusal)
        if self.refusals:
            raise typer.Exit(2)


@parked_app.callback()
@log_app.callback()
def _ask(
    context: typer.Context,
    service: Annotated[str, typer.Option("--service", "-s", help="One of the local stack, by name.")] = "",
    url: Annotated[
        str, typer.Option(envvar="JIANDU_URL", help="Address of a service, in place of the local stack.")
    ] = "",
    site: Annotated[
        str, typer.Option(envvar="JIANDU_SITE", help="With --url: the site of that service.")
    ] = HEADQUARTERS,
    account: Annotated[
        str,
        typer.Option(
            envvar="JIANDU_ACCOUNT",
            help="Who signs in.",
            show_default="operator at headquarters, <site>-operator at an intake",
        ),
    ] = "",
    password: Annotated[
        str, typer.Option(envvar="JIANDU_PASSWORD", help="Its password; else that of the local stack.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Where the local stack keeps its state.")] = FOLDER,
) -> None:
    context.obj = Where(service, url, site, account, password, folder)


def _where(context: typer.Context) -> Where:
    found: Where = context.obj
    return found


@contextmanager
def refusals() -> Iterator[None]:
    """Show a refusal as its words alone, and end with code 2."""
    try:
        yield
    except (RefusedError, StackError) as error:
        _complain(str(error))
        raise typer.Exit(2) from None


def _complain(text: str) -> None:
    Console(stderr=True).print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line as it is, however narrow the terminal: what stands in it may be copied."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


# --- parked messages


@parked_app.command("list")
def list_parked(
    context: Context,
    as_json: Json = False,
) -> None:
    """Show parked messages by cause, the largest group first."""
    with refusals():
        answers = _where(context).ask("GET", "/parked")
    found = {name: page["items"] for name, page in answers.by_service.items()}
    if as_json:
        _print_json(found)
    else:
        for name, groups in found.items():
            for group in groups:
                first = group["messages"][0]
                say(f"{name}: {_messages(group['count'])} since {group['since'][:19]}")
                say(f"  group    {group['fingerprint']}")
                say(f"  example  {first['id']}")
                say(f"  why      {first['reason']}")
        if found and not any(found.values()):
            say("Nothing is parked.")
    answers.end()


@parked_app.command()
def replay(
    context: Context,
    ids: Ids = None,
    group: Fingerprint = "",
    as_json: Json = False,
) -> None:
    """Try parked messages again, after their cause was mended."""
    body = _chosen(ids, group)
    _change("/parked/replay", body, "tried again", _one(context), as_json)


@parked_app.command()
def discard(
    context: Context,
    reason: Annotated[
        str, typer.Option(help=f"Why they are given up, in {SHORTEST_REASON} letters or more. It is kept.")
    ],
    ids: Ids = None,
    group: Fingerprint = "",
    as_json: Json = False,
) -> None:
    """Give parked messages up. Later events of their subjects then go on without them."""
    if len(reason.strip()) < SHORTEST_REASON:
        msg = f"Give the reason in {SHORTEST_REASON} letters or more: it is what is left of the messages."
        raise typer.BadParameter(msg, param_hint="--reason")
    body = {**_chosen(ids, group), "reason": reason.strip()}
    _change("/parked/discard", body, "given up", _one(context), as_json)


def _chosen(ids: Sequence[str] | None, group: str) -> dict[str, Any]:
    if bool(ids) == bool(group):
        raise typer.BadParameter("Give either ids or --group.")
    return {"ids": list(ids)} if ids else {"fingerprint": group}


def _one(context: typer.Context) -> Target:
    where = _where(context)
    with refusals():
        if not where.service and not where.url:
            name = context.command_path.rpartition(" ")[0]
            raise RefusedError(f"Name the service: {name} --service handling …, or --url.")
        return where.targets()[0]


def _change(path: str, body: Mapping[str, Any], what: str, target: Target, as_json: bool) -> None:
    """Change parked messages. Ends with code 1 where not all that were named are parked."""
    with refusals():
        done = target.call("POST", path, body)["count"]
    if as_json:
        _print_json({target.name: {"count": done}})
    elif done:
        say(f"{target.name}: {_messages(done)} {what}.")
    named = len(set(body.get("ids", ()))) or 1
    if done < named:
        which = ", ".join(body["ids"]) if "ids" in body else f"group {body['fingerprint']}"
        _complain(
            f"{target.name}: not parked, so not {what}: {named - done} of {named}, {which}. "
            "`jiandu parked list` shows what is."
        )
        raise typer.Exit(1)


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


# --- logs


@log_app.command()
def status(
    context: Context,
    as_json: Json = False,
) -> None:
    """Show how far each log is published, and how far the followed ones have arrived."""
    with refusals():
        answers = _where(context).ask("GET", "/log")
    found = answers.by_service
    if as_json:
        _print_json(found)
    elif found:
        table = _table("service", "log", "head", "published", "received", "missing")
        for name, told in found.items():
            for own in told["own"]:
                table.add_row(name, own["source"], str(own["head"]), str(own["published"]), "", "")
            for one in told["followed"]:
                missing = f"{one['missing']} ({one['aside']} set aside)" if one["missing"] else "0"
                table.add_row(name, one["source"], str(one["head"]), "", str(one["received"]), missing)
        console.print(table)
        for name, told in found.items():
            say(
                f"{name}: {told['waiting']} events early, {told['retrying']} tried again, {told['parked']} parked"
            )
    answers.end()


@log_app.command()
def verify(
    context: Context,
    as_json: Json = False,
) -> None:
    """Check every log entry by entry, and every document's seal. Ends with code 1 where one does not hold."""
    with refusals():
        answers = _where(context).ask("POST", "/log/verify")
    found = answers.by_service
    if as_json:
        _print_json(found)
    elif found:
        table = _table("service", "log or collection", "entries", "verdict")
        for name, told in found.items():
            for one in told["logs"]:
                table.add_row(name, one["source"], str(one["entries"]), _holds(one))
            for one in told["documents"]:
                table.add_row(name, one["collection"] or "gone", str(one["documents"]), _holds(one))
        console.print(table)
        for name, told in found.items():
            for fault in _faults(told):
                say(f"{name}: {fault}")
    answers.end()
    if not all(one["holds"] for told in found.values() for one in (*told["logs"], *told["documents"])):
        raise typer.Exit(1)


def _faults(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["logs"]:
        if not one["holds"]:
            yield f"{one['source']} is broken at {one['broken_at']}: {one['reason']}"
    for one in told["documents"]:
        for document in one["named"]:
            yield f"{one['collection'] or 'gone'} {document['id']}: {document['reason']}"
        if one["edited"] > len(one["named"]):
            yield f"{one['collection'] or 'gone'}: {one['edited'] - len(one['named'])} more"


def _holds(one: Mapping[str, Any]) -> Text:
    return Text("holds", style="green") if one["holds"] else Text("broken", style="red")


def _print_json(value: Mapping[str, Any]) -> None:
    console.print_json(json.dumps(value, ensure_ascii=False))
