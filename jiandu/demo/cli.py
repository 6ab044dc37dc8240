"""The command ``jiandu demo``."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jiandu.demo import page, report
from jiandu.demo.bilingual import both, heading
from jiandu.demo.group import MONTHS
from jiandu.demo.habits import habits_of
from jiandu.demo.player import Advance, Player
from jiandu.demo.quarter import scenario
from jiandu.demo.scenario import Scenario
from jiandu.demo.wire import RefusedError, UnreachableError, Wire, wired
from jiandu.stack.errors import StackError
from jiandu.stack.plan import Plan, Service, sites_of
from jiandu.stack.server import ROOT
from jiandu.stack.stack import FOLDER, Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition
from shared.timekeeping.limits import Limit

console = Console()

_GROUP = "jinke"
"""Is played where no other is named."""

_SERVICES = (
    ("intake", "登记 registered"),
    ("handling", "处理 handled"),
    ("callback", "回访 called back"),
    ("scoring", "检查与报告 inspected and reported"),
)


def demo(
    group: Annotated[str, typer.Option(help="The group to play.")] = _GROUP,
    complaints: Annotated[
        int | None, typer.Option(min=1, help="How many; the stories that show everything always come.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same quarter.")] = 7,
    months: Annotated[int, typer.Option(min=1, max=MONTHS, help="Play only the first months.")] = MONTHS,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the system running afterwards.")] = False,
    folder: Annotated[
        Path, typer.Option(help="Where the demo's own stack lives. It is emptied first.")
    ] = FOLDER / "demo",
    services: Annotated[
        str,
        typer.Option(
            envvar="JIANDU_DEMO_SERVICES",
            help="Play into running services instead: NAME=ADDRESS of each, with spaces between. "
            "The accounts' password is then read from JIANDU_SEED_PASSWORD.",
        ),
    ] = "",
) -> None:
    """Play a quarter of a group's units through the real HTTP API, and show what it came to."""
    began = time.monotonic()
    try:
        sites_of(group)
    except StackError as error:
        _fail(str(error), 2)
    edition = load_edition(ROOT / "rulebooks" / group, ROOT / "rulebooks" / "calendars")
    told = scenario(edition, complaints, seed, months)
    name, events = f"demo-{seed}-{months}", folder / "events.jsonl"
    try:
        if services:
            addresses = _given(services)
            password = os.environ.get("JIANDU_SEED_PASSWORD", "")
            folder.mkdir(parents=True, exist_ok=True)
            show = asyncio.run(_played(told, edition, addresses, password, events, name))
        else:
            _must_be_ours(folder, events)
            Stack(folder).remove()
            stack = Stack(folder)
            try:
                addresses = {service.name: service.url for service in _up(stack, edition, told)}
                password = stack.file.secret("seed-password")
                show = asyncio.run(_played(told, edition, addresses, password, events, name))
            finally:
                if not keep:
                    with console.status("停止 stopping"):
                        stack.down()
    except StackError as error:
        _fail(str(error), error.exit_code)
    except (RefusedError, UnreachableError) as error:
        _fail("\n".join((str(error), *getattr(error, "__notes__", ()))), 1)
    show()
    seconds = f"{time.monotonic() - began:.0f}"
    console.print(
        f"\n{told.complaints} 件事项，{told.calls} 次调用，{seconds} 秒"
        f" / {told.complaints} matters, {told.calls} calls, {seconds} s",
        highlight=False,
    )
    if services:
        console.print(f"事件 events: {events}", soft_wrap=True)
        return
    if keep:
        _addresses(group, addresses, password)
    console.print("", heading("接下来可以试", "try this"))
    for words, command in next_steps(edition, events, folder if keep else None):
        console.print(words, highlight=False)
        console.print(
            f"  {_program()} {command}", style="bold", soft_wrap=True, highlight=False, markup=False
        )


def _given(services: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in services.split()]
    if not all(name and address for name, _, address in pairs):
        _fail("Give each service as NAME=ADDRESS, for example handling=http://127.0.0.1:8105.", 2)
    return {name: address for name, _, address in pairs}


def _up(stack: Stack, edition: Edition, told: Scenario) -> tuple[Service, ...]:
    plan = Plan(group=edition.group, sites=tuple(told.importers))
    with console.status("启动 starting") as status:
        return stack.up(plan, lambda name, phase: status.update(f"{name}: {phase}"))


def _must_be_ours(folder: Path, events: Path) -> None:
    """Refuse to empty a folder that holds something else than a stack."""
    others = set(folder.iterdir()) - {events} if folder.is_dir() else set()
    if others and not (folder / "state.json").exists():
        _fail(f"{folder} holds something that is no stack, and the demo would delete it. Name another.", 2)


async def _played(
    told: Scenario, edition: Edition, addresses: Mapping[str, str], password: str, events: Path, name: str
) -> Callable[[], None]:
    """Play it all, and return what prints the outcome."""
    async with wired(addresses, password) as wire:
        with _bars(told) as advance:
            player = Player(wire, name, advance, reader=told.reader, importers=told.importers)
            await player.play(told)
        with console.status("申报补录完成，等待事件到齐 waiting until every event has arrived") as status:
            await player.declare(told)
            await player.settled(lambda missing: status.update(f"在途事件 events under way: {missing}"))
        with console.status("关账发布 publishing"):
            await player.close(told)
            await _export(wire, told.reader, events)
            found = await report.read(wire, told, player.ids, events, edition)
            return partial(page.show, found, edition, console)


async def _export(wire: Wire, reader: str, path: Path) -> None:
    with path.open("wb") as file:
        async for piece in wire.lines_of("scoring", reader, "/v1/export"):
            file.write(piece)


@contextmanager
def _bars(told: Scenario) -> Iterator[Advance]:
    """Show a bar for each service that is called."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    calls: Counter[str] = Counter(call.service for story in told.stories for call in story.calls)
    with Progress(*columns, console=console) as progress:
        tasks = {service: progress.add_task(words, total=calls[service]) for service, words in _SERVICES}
        yield lambda service, done: progress.advance(tasks[service], done)


def _addresses(group: str, addresses: Mapping[str, str], password: str) -> None:
    table = Table("服务 service", "接口 interface", box=None, pad_edge=False)
    for name, address in addresses.items():
        table.add_row(name, f"{address}/openapi.json")
    console.print("", table)
    console.print(f"账号 accounts: rulebooks/{group}/organisation.yaml")
    console.print(f"密码 password: {password}", soft_wrap=True)


def next_steps(edition: Edition, events: Path, running: Path | None) -> Iterator[tuple[str, str]]:
    """Give what to try now: words in both languages, and the command after the program's name.

    Args:
        running: Folder of the stack, where it was left running.
    """
    yield (
        both(
            "由导出的事件重算，结果逐字节相同；改动制度后再试，看有何不同",
            "score the exported events anew: the same bytes; then change the rulebook",
        ),
        f"backtest rulebooks/{edition.group} {events}",
    )
    yield (
        both("问一个期限是怎么算出来的", "ask how a deadline comes about"),
        f"rulebook due {edition.group} {_a_step(edition)} --from 2026-09-30T16:00:00+08:00",
    )
    if running:
        yield both("停止系统", "stop the system"), f"stack down --folder {running}"
    else:
        words = "再演一遍并保留运行，自行调用接口", "play it again and leave it running, to call it yourself"
        named = "" if edition.group == _GROUP else f" --group {edition.group}"
        yield both(*words), f"demo{named} --keep"


def _a_step(edition: Edition) -> str:
    """Return the step that the habits name, or else the first that has a limit of its own."""
    if asked := habits_of(edition.group).ask:
        procedure, _, step = asked.partition(".")
        return f"--procedure {procedure} --step {step}"
    rules = edition.slices[-1][1]
    named = (
        f"--procedure {key} --step {name}"
        for key, procedure in rules.procedures.procedures.items()
        for name, step in procedure.steps.items()
        if isinstance(step.within, Limit) and step.after in ((), ("receipt",))
    )
    return next(named)


def _program() -> str:
    """Return how this command was called, for commands that can be copied."""
    called = Path(sys.argv[0])
    return "python -m jiandu" if called.name == "__main__.py" else os.path.relpath(called)


def _fail(words: str, code: int) -> NoReturn:
    Console(stderr=True).print(words, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)
