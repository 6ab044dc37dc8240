"""A quarter from the first complaint to the star branch, on real servers, undisturbed and disturbed."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.journeys.quarter import Played, Quarter, Running, play, sha256, told

pytestmark = pytest.mark.journey

PERIODS = ("2026-07", "2026-08", "2026-09", "2026-Q3")


@pytest.fixture(scope="module")
def undisturbed(quarter: Quarter) -> Played:
    """The quarter as it goes when nothing fails."""
    return quarter.played


def scores(played: Played) -> dict[str, Any]:
    """Say what a quarter came to, without the names of events: those tell how often a sweep was first."""
    found: dict[str, Any] = {}
    for period in PERIODS:
        result = orjson.loads(played.results[period])
        found[period] = {
            "cards": sorted(
                (one["sheet"], one["unit"], one["total"]) for one in result.get("scorecards", ())
            ),
            "penalties": sorted((one["unit"], one["total"]) for one in result.get("penalties", ())),
            "rankings": [
                [(row["rank"], row["unit"], row["value"]) for row in one["rows"]]
                for one in result["rankings"]
            ],
            "postings": sorted(
                (one["rule"], one["subject"], one["points"], one["unit"], one["person"])
                for one in result.get("postings", ())
            ),
            "advice": sorted(one["unit"] for one in result.get("recommendations", ())),
            "awards": sorted(one["unit"] for one in result["awards"]),
        }
    return found


def backtest(export: Path) -> list[bytes]:
    """Run ``jiandu backtest --json``; return its lines."""
    ran = subprocess.run(
        [sys.executable, "-m", "jiandu", "backtest", "rulebooks/jinke", str(export), "--json"],
        check=True,
        capture_output=True,
    )
    return ran.stdout.splitlines()


async def sign_in(running: Running) -> int:
    """Sign in at Wuxi's intake; return the status of the answer."""
    (intake,) = [service for service in running.services if service.name == "intake-wuxi"]
    account = {"account": "wuxi-officer-1", "password": running.stack.file.secret("seed-password")}
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.post(f"{intake.url}/v1/session", json=account)).status_code


async def register(running: Running) -> str:
    """Make the quarter's last registration ahead of its turn, when it is answered again; return the matter's id."""
    calls = [one for story in told().stories for one in story.calls if one.path == "/v1/complaints"]
    last = calls[-1]
    answer = await running.wire.post(
        f"intake-{last.site}", last.account, last.path, last.body, key=f"journey/{last.key}"
    )
    return str(answer["complaint_id"])


def test_the_quarter_ends_with_rankings_a_star_and_advice(undisturbed: Played) -> None:
    result = orjson.loads(undisturbed.results["2026-Q3"])

    (quarterly,) = result["rankings"]

    assert len(quarterly["rows"]) == 4
    assert quarterly["rows"][0]["rank"] == 1
    assert [one["unit"] for one in result["awards"]] == [
        row["unit"] for row in quarterly["rows"] if row["rank"] == 1
    ]


def test_backtest_of_the_export_gives_the_published_bytes(undisturbed: Played) -> None:
    assert backtest(undisturbed.export) == [undisturbed.results[period] for period in PERIODS]
    assert [undisturbed.closings[period]["result_hash"] for period in PERIODS] == [
        sha256(undisturbed.results[period]) for period in PERIODS
    ]


def test_backtest_does_not_care_for_order_or_doubles(undisturbed: Played, tmp_path: Path) -> None:
    lines = undisturbed.export.read_bytes().splitlines()
    doubled = [*lines, *lines[::3]]
    random.Random(5).shuffle(doubled)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_bytes(b"\n".join(doubled))

    assert backtest(shuffled) == [undisturbed.results[period] for period in PERIODS]


def test_every_service_killed_once_in_the_middle_changes_no_score(
    undisturbed: Played, tmp_path: Path
) -> None:
    """INVARIANT: a service killed with -9 at any moment loses nothing and counts nothing twice.

    What breaks it: acknowledging before the write, publishing before the write, or an effect that is not
    tied to the event's number.
    """

    async def kill_each(running: Running) -> None:
        for place, service in enumerate(running.services, 1):
            await running.progress.reaches(place / (len(running.services) + 2))
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.restart)

    disturbed = play(tmp_path, kill_each)

    assert scores(disturbed) == scores(undisturbed)


def test_a_broker_that_stops_and_then_loses_its_disk_changes_no_score(
    undisturbed: Played, tmp_path: Path
) -> None:
    """INVARIANT: without the broker people sign in and register; with it again everything arrives.

    What breaks it: publishing inside the request, or a message that exists only in the broker.
    """
    registered: list[str] = []
    signed_in: list[int] = []

    async def stop_twice(running: Running) -> None:
        broker = running.stack.broker
        await running.progress.reaches(0.3)
        await asyncio.to_thread(broker.stop)
        registered.append(await register(running))
        signed_in.append(await sign_in(running))
        await asyncio.to_thread(broker.start)
        await running.progress.reaches(0.6)
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.wipe)
        await asyncio.to_thread(broker.start)

    disturbed = play(tmp_path, stop_twice)

    assert registered[0]
    assert signed_in == [200]
    assert scores(disturbed) == scores(undisturbed)
