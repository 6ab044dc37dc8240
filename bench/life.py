"""P3 and P4: a complaint's whole life with all services on the machine, and how soon a posting shows."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from bench.ceilings import confirmed_publishes, journaled_updates
from bench.registration import signed_in
from bench.texts import complaint
from bench.wire import Line, Reply, lines_to, request, storm
from jiandu.demo.player import Player
from jiandu.demo.quarter import scenario
from jiandu.demo.wire import wired
from jiandu.stack.plan import Plan, Service
from jiandu.stack.server import ROOT
from jiandu.stack.stack import Stack
from shared.rulebook.load import load_edition

COMPLAINTS = 250
STORM = 400
SAMPLES = 120
SEEN_WITHIN_S = 60
P3_PROMISED = 0.3
P4_P50_S, P4_P99_S = 0.25, 1.0


@dataclass(frozen=True, slots=True)
class Life:
    """What P3 and P4 came to. Rates are per second; latencies in seconds."""

    events: int
    events_per_s: float
    publishes_per_s: float
    updates_per_s: float
    postings_per_s: float
    half_load_per_s: float
    p50_s: float
    p99_s: float

    @property
    def ratio(self) -> float:
        """Return P3: events through the whole system ÷ the lower raw ceiling."""
        return self.events_per_s / min(self.publishes_per_s, self.updates_per_s)


def measure(folder: Path) -> Life:
    """Run P3 and P4 on servers and services of their own."""
    stack = Stack.servers(folder, mongo_cache_gb=1)
    try:
        publishes = asyncio.run(confirmed_publishes(stack.amqp_url))
        updates = asyncio.run(journaled_updates(stack.mongo_url))
        services = stack.start_all(Plan().processes(), group="jinke")
        # Comes first: the whole lives close their months at the end, and a late fact then waits for the next.
        postings, half, late = asyncio.run(_postings(stack, services))
        events, events_per_s = asyncio.run(_whole_lives(stack, services))
        return Life(
            events,
            events_per_s,
            publishes,
            updates,
            postings,
            half,
            statistics.median(late),
            late[int(0.99 * len(late))],
        )
    finally:
        stack.remove()


async def _whole_lives(stack: Stack, services: Sequence[Service]) -> tuple[int, float]:
    """Play whole lives as fast as they go. Returns events, and events per second until all are everywhere."""
    edition = load_edition(ROOT / "rulebooks" / "jinke", ROOT / "rulebooks" / "calendars")
    told = scenario(edition, COMPLAINTS, 3, 1)
    addresses = {service.name: service.url for service in services}
    async with wired(addresses, stack.file.secret("seed-password")) as wire:
        player = Player(wire, "bench")
        before, _ = await player.under_way()
        began = time.perf_counter()
        await player.play(told)
        await player.declare(told)
        heads, missing = await player.under_way()
        while missing:
            await asyncio.sleep(0.1)
            heads, missing = await player.under_way()
        seconds = time.perf_counter() - began
    events = sum(heads.values()) - sum(before.values())
    return events, events / seconds


class _Postings:
    """Registers late records, and looks for the posting that each one costs."""

    def __init__(self, intake: Sequence[Line], writer: str, reader: str) -> None:
        """Keep lines and sessions."""
        self._writer, self._reader = writer, reader
        self._free = asyncio.Queue[Line]()
        for line in intake:
            self._free.put_nowait(line)
        # Registered two days after receipt: 24 hours are allowed (JK-14), so each one costs a posting.
        received = datetime(2026, 7, 6, 2, tzinfo=UTC)
        self._times = {
            "received_at": received.isoformat(),
            "registered_at": (received + timedelta(days=2)).isoformat(),
        }

    def prepared(self, key: str, number: int) -> bytes:
        """Return the bytes of a late registration."""
        body = complaint(number, number, **self._times)
        return request("POST", "/v1/complaints", body, token=self._writer, key=key)

    async def register(self, prepared: bytes) -> Reply:
        """Register over a line that is free."""
        line = await self._free.get()
        try:
            reply = await line.ask(prepared)
        finally:
            self._free.put_nowait(line)
        if reply.status != HTTPStatus.CREATED:
            raise RuntimeError(reply.body[:300])
        return reply

    async def seen(self, line: Line, complaint_id: str) -> float:
        """Look until the posting is there; return the moment."""
        look = request("GET", f"/v1/matters/{complaint_id}/postings", token=self._reader)
        async with asyncio.timeout(SEEN_WITHIN_S):
            while True:
                reply = await line.ask(look)
                if reply.json()["items"]:
                    return reply.at
                await asyncio.sleep(0.01)


async def _postings(stack: Stack, services: Sequence[Service]) -> tuple[float, float, list[float]]:
    """Find the rate at which postings can appear, then register at half of it and time a sample."""
    by_name = {service.name: service.url for service in services}
    password = stack.file.secret("seed-password")
    writer = signed_in(by_name["intake-chongqing"], "chongqing-importer", password)
    reader = signed_in(by_name["scoring"], "director", password)
    intake, looking = await lines_to(by_name["intake-chongqing"], 64), await lines_to(by_name["scoring"], 8)
    path = _Postings(intake, writer, reader)
    began = time.perf_counter()
    replies, _ = await storm(
        intake, [path.prepared(f"storm-{at:06d}", 10_000_000 + at) for at in range(STORM)]
    )
    refused = [reply for reply in replies if reply.status != HTTPStatus.CREATED]
    if refused:
        raise RuntimeError(refused[0].body[:300])
    for reply in replies:
        await path.seen(looking[0], reply.json()["complaint_id"])
    rate = STORM / (time.perf_counter() - began)
    late: list[float] = []

    async def one(at: int) -> None:
        reply = await path.register(path.prepared(f"half-{at:06d}", 20_000_000 + at))
        if looking:
            line = looking.pop()
            late.append(await path.seen(line, reply.json()["complaint_id"]) - reply.at)
            looking.append(line)

    async with asyncio.TaskGroup() as group:
        for at in itertools.count():
            if len(late) >= SAMPLES:
                break
            group.create_task(one(at))
            await asyncio.sleep(2 / rate)
    return rate, rate / 2, sorted(late)
