"""P1: registering a complaint by HTTP, against a bare endpoint with the same durability, in turns."""

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.texts import complaint
from bench.wire import lines_to, request, storm
from jiandu.stack.plan import Process
from jiandu.stack.processes import free_port
from jiandu.stack.stack import Stack

CALLERS = 64
ROUNDS = 5
REQUESTS = 2000
KNOWN = 1000
"""Customers of those turns in which all are known: each has a file and a key from the turn that warmed up."""

PROMISED = 1.2


@dataclass(frozen=True, slots=True)
class Registration:
    """What P1 came to, in requests per second: with customers that are known, all new, and the floor."""

    known: tuple[float, ...]
    new: tuple[float, ...]
    floor: tuple[float, ...]
    p99_ms: float

    def ratio(self, ours: tuple[float, ...]) -> float:
        """Return the median over rounds of ours ÷ floor, pair by pair."""
        return statistics.median(one / floor for one, floor in zip(ours, self.floor, strict=True))


@contextmanager
def _floor(stack: Stack) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "bench.floor:create_app", "--factory"),
            *("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        ],
        env={**os.environ, "BENCH_MONGO_URL": stack.mongo_url, "BENCH_DATABASE": "bench_floor"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def signed_in(url: str, account: str, password: str) -> str:
    """Return the token of an account."""
    answer = httpx2.post(
        f"{url}/v1/session", json={"account": account, "password": password}, trust_env=False
    )
    answer.raise_for_status()
    return str(answer.json()["token"])


async def reachable(url: str) -> None:
    """Wait until a server takes connections."""
    for _ in range(100):
        try:
            (line,) = await lines_to(url, 1)
        except ConnectionRefusedError:
            await asyncio.sleep(0.2)
        else:
            line.close()
            return
    msg = f"Nothing answers at {url}."
    raise RuntimeError(msg)


async def _measure(ours: str, floor: str, token: str) -> Registration:
    figures: dict[str, list[float]] = {"new": [], "floor": [], "known": []}
    late: list[float] = []
    await reachable(floor)
    for turn in range(ROUNDS + 1):
        for place, name in enumerate(figures):
            first = (turn * len(figures) + place) * REQUESTS
            ready = [
                request(
                    "POST",
                    "/v1/complaints",
                    complaint(number, number % KNOWN if name == "known" else number),
                    token=token,
                    key=f"bench-{number:08d}",
                )
                for number in range(first, first + REQUESTS)
            ]
            # New lines for each turn: a server hangs up on those that idle while the other is measured.
            lines = await lines_to(floor if name == "floor" else ours, CALLERS)
            replies, seconds = await storm(lines, ready)
            for line in lines:
                line.close()
            refused = [reply for reply in replies if reply.status != httpx2.codes.CREATED]
            if refused:
                msg = f"{len(refused)} of {len(replies)} were refused: {refused[0].body[:300]!r}"
                raise RuntimeError(msg)
            if turn:  # the first turn warms up
                figures[name].append(len(replies) / seconds)
                late += [reply.seconds for reply in replies] if name == "known" else []
    late.sort()
    p99_ms = late[int(0.99 * len(late))] * 1000
    return Registration(tuple(figures["known"]), tuple(figures["new"]), tuple(figures["floor"]), p99_ms)


def measure(folder: Path) -> Registration:
    """Run P1 on servers of its own."""
    stack = Stack.servers(folder, mongo_cache_gb=1)
    try:
        _, intake = stack.start_all(
            (Process("registry", "registry"), Process("intake-chongqing", "intake", "chongqing")),
            group="jinke",
        )
        token = signed_in(intake.url, "chongqing-officer-1", stack.file.secret("seed-password"))
        with _floor(stack) as floor:
            return asyncio.run(_measure(intake.url, floor, token))
    finally:
        stack.remove()
