"""The sample consumer of score events, as another system would run it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aio_pika
import orjson
import pytest
from aio_pika.abc import AbstractChannel

from jiandu.stack.stack import Stack
from shared.broker.connection import declare
from shared.broker.messages import BATCH_TYPE, HEAD_TYPE, pack
from shared.broker.topology import topology
from shared.events import Event, Happened, to_bytes
from shared.events.scoring import RecommendationMade, ScorePosted
from shared.storage.aggregates import Stamp, Stored, change_of
from tests.conftest import FreshName
from tests.contract.message_path import eventually

pytestmark = pytest.mark.connected

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "score_consumer.py"
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
EXCHANGE = "jiandu.from.scoring"
QUEUE = "hr.scores"
WITHIN_S = 30


@pytest.fixture
async def amqp_url(servers: Stack, fresh_name: FreshName) -> str:
    return servers.broker.vhost(fresh_name("scores"))


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A broker with scoring's exchange and nobody who listens."""
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        opened = await connection.channel()
        await declare(opened, topology("scoring", "group"))
        yield opened


def posted(posting: str, points: str) -> ScorePosted:
    return ScorePosted(
        posting=posting,
        sheet="branch",
        item="handling",
        offence="o",
        rule="late",
        points=Decimal(points),
        unit="chongqing-branch",
        month="2026-07",
        clause="JK-04",
    )


def body_of(event: Event, subject: str) -> bytes:
    stamp = Stamp("scoring", "chongqing", "jinke", "chongqing-branch", NOON, "c")
    (draft,) = change_of(Stored(subject), {}, [Happened(event, NOON)], stamp, index={}).drafts
    return to_bytes({**draft, "sequence": 1})


async def tell(channel: AbstractChannel, *bodies: bytes) -> None:
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    await exchange.publish(aio_pika.Message(pack(bodies), content_type=BATCH_TYPE), "chongqing")


async def announce(channel: AbstractChannel) -> None:
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    body = b'{"source": "jiandu/scoring/chongqing/1", "head": 1}'
    await exchange.publish(aio_pika.Message(body, type=HEAD_TYPE), "chongqing")


@asynccontextmanager
async def consuming(amqp_url: str) -> AsyncIterator[Process]:
    """Run the sample as a process of its own."""
    env = {**os.environ, "AMQP_URL": amqp_url, "SCORE_QUEUE": QUEUE}
    process = await asyncio.create_subprocess_exec(sys.executable, str(SAMPLE), env=env, stdout=PIPE)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def printed(process: Process) -> tuple[str, dict[str, Any]]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), WITHIN_S)
    name, _, data = line.partition(b" ")
    return name.decode(), orjson.loads(data)


async def listened(amqp_url: str) -> bool:
    """Say whether the queue is there and its consumer with it. A missing queue closes the channel that asks."""
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        driver_errors = await connection.channel()
        try:
            queue = await driver_errors.declare_queue(QUEUE, durable=True, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        return (queue.declaration_result.consumer_count or 0) > 0


async def test_another_system_prints_points_and_nothing_else_and_misses_none_while_away(
    channel: AbstractChannel, amqp_url: str
) -> None:
    advice = RecommendationMade(
        period="2026-07", unit="chongqing-branch", rule="r", clause="JK-24", text_zh="约谈", text_en="a talk"
    )
    first, second = body_of(posted("p1", "-2.5"), "s1"), body_of(posted("p2", "2.5"), "s2")

    async with consuming(amqp_url) as hr:
        await eventually(lambda: listened(amqp_url), "the sample listens", WITHIN_S)
        await announce(channel)
        await tell(channel, body_of(advice, "s0"), first)
        name, data = await printed(hr)

    assert name == orjson.loads(first)["id"]
    assert data == posted("p1", "-2.5").model_dump(mode="json")
    assert data["points"] == "-2.5"

    await tell(channel, second)
    async with consuming(amqp_url) as hr:
        told = [await printed(hr)]
        # The first comes again where it was stopped before it could acknowledge.
        told += [await printed(hr)] if told[0][1]["posting"] == "p1" else []

    assert told[-1] == (orjson.loads(second)["id"], posted("p2", "2.5").model_dump(mode="json"))
