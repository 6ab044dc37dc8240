"""A running handling with cases, and the people who call it. Now is 1 July 2026, 10:00."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aio_pika
import orjson
from httpx2 import ASGITransport, AsyncClient, Response

from jiandu.stack.stack import Stack
from services.handling.app import create_app, serving
from shared.broker.connection import declare
from shared.broker.topology import topology
from shared.events.intake import ComplaintRegistered
from shared.rulebook.edition import Edition
from shared.storage.database import open_database
from tests.builders_facts import SEALED, at
from tests.contract import scoring_world
from tests.contract.callback_world import PASSWORD, settings_for, until
from tests.contract.clocks import SetClock

BRANCH = "chongqing-branch"
NOW = at("2026-07-01 10:00")
ACCOUNTS = {
    "supervisor": ("group", "supervisor"),
    "officer": (BRANCH, "branch-officer"),
    "head": (BRANCH, "branch-head"),
    "leader": ("chongqing", "company-leader"),
    "wuxi": ("wuxi-branch", "branch-officer"),
    "wuxi-leader": ("wuxi", "company-leader"),
    "caller": (BRANCH, "caller"),
    "importer": ("chongqing", "importer"),
}


@dataclass
class World(scoring_world.World):
    """Handling, and the others as it hears them."""

    service: Any
    used: int = field(default=0)

    @property
    def now(self) -> datetime:
        """What handling takes for now."""
        return self.clock()

    @now.setter
    def now(self, moment: datetime) -> None:
        self.clock.stands_at = moment

    async def registered(
        self,
        number: int,
        received: datetime,
        unit: str = BRANCH,
        *,
        class_: str = "general",
        item: str = "",
        imported: bool = False,
    ) -> UUID:
        """Tell of a registration."""
        complaint = UUID(int=number)
        event = ComplaintRegistered(
            complaint_id=complaint,
            number=str(number),
            site="chongqing",
            unit=unit,
            kind="complaint",
            class_=class_,
            item=item,
            channel="visit",
            received_at=received,
            registered_at=received,
            registered_by="clerk",
            complete=True,
            customer="c",
            sealed=SEALED,
            command_key="k",
            imported=imported,
        )
        self.told.tell("intake", str(complaint), unit, received, event)
        return complaint

    async def there(self) -> None:
        """Send what was told, and wait until it has arrived."""
        await self.send()
        wanted = {one["source"]: one["sequence"] for one in self.told.envelopes}

        async def arrived() -> bool:
            received = await self.service.context.inbox.watermark()
            return all(received.get(source, 0) >= count for source, count in wanted.items())

        await until(arrived, within_s=60)


@asynccontextmanager
async def a_world(servers: Stack, name: str, edition: Edition | None = None) -> AsyncIterator[World]:
    """Run handling, with thirty cases: every third is Wuxi's, and two at a time share their moment."""
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(servers.mongo_url, settings.database("handling"))
        )
        stack.push_async_callback(database.drop)
        connection = await aio_pika.connect(settings.amqp_url.get_secret_value())
        stack.push_async_callback(connection.close)
        channel = await connection.channel()
        await declare(channel, topology("handling", "group"))
        clock = SetClock(NOW)
        service = await stack.enter_async_context(serving(settings, clock))
        world = World(channel, service, clock, "jinke")
        people = {"head": (BRANCH, "branch-head")}
        scoring_world.directory(world, ACCOUNTS, people, edition=edition)
        world.told.organisation()
        await world.there()
        for number in range(1, 31):
            unit = "wuxi-branch" if number % 3 == 0 else BRANCH
            # Two at a time share their moment, so that a page may end between them.
            await world.registered(number, NOW - timedelta(minutes=number // 2), unit)
        await world.there()
        yield world


class Api:
    """The service as one account sees it."""

    def __init__(self, world: World, account: str) -> None:
        app = create_app()
        context = world.service.context
        app.state.context, app.state.use = context, world.service.use
        self._world = world
        self._client = AsyncClient(transport=ASGITransport(app=app), base_url="http://handling")
        token = context.access.sign_in(account, PASSWORD, context.clock()).token
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str = "", **query: str | int) -> Response:
        return await self._client.get(f"/v1/cases{path}", params=query, headers=self._headers)

    async def do(self, complaint: UUID, key: str = "", **body: object) -> Response:
        return await self.send(complaint, orjson.dumps(body), key)

    async def send(self, complaint: UUID, body: bytes, key: str = "") -> Response:
        self._world.used += 1
        key = key or f"key-{self._world.used:06d}"
        headers = {**self._headers, "Idempotency-Key": key, "Content-Type": "application/json"}
        return await self._client.post(f"/v1/cases/{complaint}/commands", content=body, headers=headers)
