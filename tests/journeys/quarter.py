"""A small quarter, played on a stack of its own, with or without somebody who disturbs it."""

import asyncio
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jiandu.demo.player import DIRECTOR, Player
from jiandu.demo.quarter import scenario
from jiandu.demo.scenario import Scenario
from jiandu.demo.wire import Wire, wired
from jiandu.stack.guard import guarded
from jiandu.stack.plan import Plan, Service
from jiandu.stack.server import ROOT
from jiandu.stack.stack import Stack
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition

COMPLAINTS = 80
SEED = 11

# Faults are to be seen and healed within a test's patience.
QUICK = {"JIANDU_GAPS_AFTER_S": "3", "JIANDU_GAPS_EVERY_S": "1", "JIANDU_ANNOUNCE_S": "1"}


@dataclass(frozen=True)
class Running:
    """A quarter that is being played: what a disturber may touch."""

    stack: Stack
    services: tuple[Service, ...]
    wire: Wire
    progress: "Progress"


@dataclass
class Progress:
    """How many calls were answered, by service."""

    total: int
    done: Counter[str] = field(default_factory=Counter)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def advance(self, service: str, calls: int) -> None:
        """Count answered calls."""
        self.done[service] += calls
        self._moved.set()

    async def reaches(self, share: float) -> None:
        """Wait until this share of all calls was answered."""
        while self.done.total() < share * self.total:
            self._moved.clear()
            await self._moved.wait()


Disturber = Callable[[Running], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Played:
    """What a played quarter came to.

    Attributes:
        results: Period → the published bytes.
        closings: Period → what closing it answered.
        export: Every exported event.
    """

    results: Mapping[str, bytes]
    closings: Mapping[str, Mapping[str, Any]]
    export: Path


def edition() -> Edition:
    """Return the rulebook that is played."""
    return load_edition(ROOT / "rulebooks" / "jinke", ROOT / "rulebooks" / "calendars")


@cache
def told() -> Scenario:
    """Return the same small quarter each time."""
    return scenario(edition(), COMPLAINTS, SEED)


@dataclass(frozen=True)
class Quarter:
    """A quarter that was played, on services that still run.

    Attributes:
        end: Ends the services; what was played stays.
    """

    played: Played
    stack: Stack
    services: tuple[Service, ...]
    end: Callable[[], None] = lambda: None

    @property
    def addresses(self) -> dict[str, str]:
        """Say where each service answers."""
        return {service.name: service.url for service in self.services}


def play(folder: Path, disturb: Disturber | None = None) -> Played:
    """Play the quarter on servers and services of its own, which are gone when it returns."""
    with playing(folder, disturb) as quarter:
        return quarter.played


@contextmanager
def playing(folder: Path, disturb: Disturber | None = None) -> Iterator[Quarter]:
    """Play the quarter on servers and services of its own, which go on until the block ends."""
    with guarded(folder / "stack"):
        stack = Stack.servers(folder / "stack")
        processes = tuple(
            dataclasses.replace(one, env={**one.env, **QUICK})
            for one in Plan(sites=tuple(told().importers)).processes()
        )
        try:
            services = stack.start_all(processes, group="jinke")
            played = asyncio.run(_played(folder, stack, services, disturb))
            yield Quarter(played, stack, services)
        finally:
            stack.remove()


async def _played(
    folder: Path, stack: Stack, services: tuple[Service, ...], disturb: Disturber | None
) -> Played:
    quarter = told()
    addresses = {service.name: service.url for service in services}
    async with wired(addresses, stack.file.secret("seed-password")) as wire:
        progress = Progress(quarter.calls)
        player = Player(wire, "journey", progress.advance)
        async with asyncio.TaskGroup() as group:
            if disturb is not None:
                group.create_task(disturb(Running(stack, services, wire, progress)))
            group.create_task(player.play(quarter))
        await player.declare(quarter)
        await player.settled()
        closed = await player.close(quarter)
        results = {one.period: await published(wire, one.period) for one in quarter.closings}
        export = folder / "events.jsonl"
        with export.open("wb") as file:
            async for piece in wire.lines_of("scoring", DIRECTOR, "/v1/export"):
                file.write(piece)
    return Played(results, {one["period"]: one for one in closed}, export)


async def published(wire: Wire, period: str) -> bytes:
    """Return the bytes of a publication."""
    return b"".join([piece async for piece in wire.lines_of("scoring", DIRECTOR, f"/v1/periods/{period}")])


def sha256(text: bytes) -> str:
    """Return the hash in hex."""
    return hashlib.sha256(text).hexdigest()
