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
PROMISED = 1.2


@dataclass(frozen=True, slots=True)
class Registration:
    """What P1 came to. ``ratio`` is the median over rounds of ours ÷ floor, pair by pair."""

    ours: tuple[float, ...]
    floor: tuple[float, ...]
    p99_ms: float

    @property
    def ratio(self) -> float:
        """Return the median of the pairs."""
        return statistics.median(ours / floor for ours, floor in zip(self.ours, self.floor, strict=True))


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
    figures: dict[str, list[float]] = {"ours": [], "floor": []}
    late: list[float] = []
    await reachable(floor)
    number = 0
    for turn in range(ROUNDS + 1):
        for name in ("ours", "floor"):
            bodies = [complaint(number + extra) for extra in range(REQUESTS)]
            number += REQUESTS
            ready = [
                request("POST", "/v1/complaints", body, token=token, key=f"bench-{turn}-{name}-{at}")
                for at, body in enumerate(bodies)
            ]
            # New lines for each turn: a server hangs up on those that idle while the other is measured.
            lines = await lines_to({"ours": ours, "floor": floor}[name], CALLERS)
            replies, seconds = await storm(lines, ready)
            for line in lines:
                line.close()
            refused = [reply for reply in replies if reply.status != httpx2.codes.CREATED]
            if refused:
                msg = f"{len(refused)} of {len(replies)} were refused: {refused[0].body[:300]!r}"
                raise RuntimeError(msg)
            if turn:  # the first turn warms up
                figures[name].append(len(replies) / seconds)
                late += [reply.seconds for reply in replies] if name == "ours" else []
    late.sort()
    return Registration(tuple(figures["ours"]), tuple(figures["floor"]), late[int(0.99 * len(late))] * 1000)


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
