"""A running intake, and the people who call it, on a database of its own."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson

from services.intake.app import create_app, serving
from services.intake.handlers import Intake
from shared.rulebook.edition import Edition
from shared.service.context import ServiceContext
from shared.storage.database import open_database
from tests.contract.clocks import SetClock
from tests.unit.intake.builders import PASSWORD, body, seed, settings_of

NOW = datetime(2026, 7, 10, 2, 0, tzinfo=UTC)
NO_BROKER = "amqp://guest:guest@127.0.0.1:9/"
"""Port 9 is `discard`, where no broker ever listens."""

DAY = timedelta(days=1)


@dataclass
class Site:
    """A running intake and the people who call it."""

    context: ServiceContext
    use: Intake
    http: httpx2.AsyncClient
    clock: SetClock
    tokens: dict[tuple[str, datetime], dict[str, str]] = field(default_factory=dict)
    keys: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def now(self) -> datetime:
        """What the site takes for now."""
        return self.clock()

    @now.setter
    def now(self, moment: datetime) -> None:
        self.clock.stands_at = moment

    def bearer(self, account: str) -> dict[str, str]:
        if (account, self.now) not in self.tokens:
            token = self.context.access.sign_in(account, PASSWORD, self.now).token
            self.tokens[account, self.now] = {"Authorization": f"Bearer {token}"}
        return self.tokens[account, self.now]

    async def post(
        self, path: str, content: object, account: str = "officer", key: str = ""
    ) -> httpx2.Response:
        key = key or f"key-{next(self.keys):06d}"
        headers = {**self.bearer(account), "Idempotency-Key": key}
        return await self.http.post(path, json=content, headers=headers)

    async def get(self, path: str, account: str = "officer") -> httpx2.Response:
        return await self.http.get(path, headers=self.bearer(account))

    async def registered(self, account: str = "officer", **changed: object) -> dict[str, Any]:
        answer = await self.post("/v1/complaints", body(**changed), account)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def customer(self, complaint: dict[str, Any]) -> str:
        shown = (await self.get(f"/v1/complaints/{complaint['complaint_id']}")).json()
        return str(shown["customer"])

    async def events(self, subject: str) -> list[dict[str, Any]]:
        """Return what was told about a subject, once the log holds it."""
        await self.logged()
        return [orjson.loads(entry.body) for entry in await self.context.log.about(subject)]

    async def told(self) -> "Counter[tuple[str, str]]":
        """Count all events that were told, by type and subject."""
        await self.logged()
        log = self.context.log
        entries = [one for source in await log.sources() for one in await log.read(source, 0, 100_000)]
        return Counter((entry.type, entry.subject) for entry in entries)

    async def logged(self) -> None:
        """Wait until everything that was decided stands in the log."""
        pending = True
        while pending:
            found = [await collection.pending(1000) for collection in self._collections()]
            pending = any(found)
            await asyncio.sleep(0.02)

    def _collections(self) -> list[Any]:
        files: Any = self.use.files
        matters: Any = self.use.matters
        told: Any = self.use.census.told
        kept = [told, matters.store, files.customers, files.products]
        return [*kept, files.praises, files.declarations]

    async def counted(self) -> int:
        return int(await self.context.database.collection("complaints").count_documents({}))


@asynccontextmanager
async def a_site(
    mongo_url: str, prefix: str, amqp_url: str = NO_BROKER, edition: Edition | None = None
) -> AsyncIterator[Site]:
    settings = settings_of(mongo_url, amqp_url, prefix)
    await seed(mongo_url, settings.database("intake"), edition=edition)
    app = create_app()
    clock = SetClock(NOW)
    async with serving(settings, clock) as service:
        app.state.context, app.state.use = service.context, service.use
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://intake") as http:
            yield Site(service.context, service.use, http, clock)
    async with open_database(mongo_url, settings.database("intake")) as database:
        await database.drop()
