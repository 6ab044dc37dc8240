"""What surrounds scoring in its contract tests: a registry, an intake, a handling and a callback that only speak."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel
from httpx2 import ASGITransport, AsyncClient, Response

from services.scoring.app import create_app, serving
from services.scoring.handlers import UseCases
from shared.broker.connection import declare
from shared.broker.topology import topology
from shared.events import to_bytes
from shared.events.registry import AccountGranted, AccountRevoked, EditionEnacted, PersonAppointed
from shared.identity.access import hash_password
from shared.identity.vault import seal_secret
from shared.outbox.log import Entry
from shared.rulebook.edition import Edition
from shared.rulebook.load import bundle
from shared.runtime.settings import Settings
from shared.service.app import Service
from shared.storage.database import open_database
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition
from tests.contract.callback_world import KEY, PASSWORD, until
from tests.contract.clocks import SetClock

GROUP = "group"
ACCOUNTS = {
    "director": (GROUP, "centre-director"),
    "supervisor": (GROUP, "supervisor"),
    "importer": (GROUP, "importer"),
    "hr": ("chongqing", "hr-officer"),
    "head": ("chongqing-branch", "branch-head"),
    "officer": ("chongqing-branch", "branch-officer"),
    "wuxi-head": ("wuxi-branch", "branch-head"),
    "wuxi-importer": ("wuxi", "importer"),
    "engineer": ("chongqing", "engineer"),
}
DESK = ("chongqing-sales", "desk-officer")
PEOPLE = {**ACCOUNTS, "zhou": DESK, "wuxi-zhou": ("wuxi-sales", "desk-officer")}
EXCHANGES = {"intake": "jiandu.inbound"}


@dataclass(slots=True)
class World:
    """The broker as the others see it, and scoring itself."""

    channel: AbstractChannel
    service: Service[UseCases]
    clock: SetClock
    group: str
    told: Told = field(default_factory=lambda: Told("all", epoch=2))
    sent: int = 0
    keys: int = 0

    def bodies(self) -> list[tuple[str, bytes]]:
        """Return what was told and not sent yet: exchange and bytes of each."""
        new = self.told.envelopes[self.sent :]
        self.sent = len(self.told.envelopes)
        more = {"edition": "", "editionhash": "", "correlationid": "c", "causationid": None}
        return [
            (
                EXCHANGES.get(one["source"].split("/")[1], f"jiandu.from.{one['source'].split('/')[1]}"),
                to_bytes({**one, **more, "group": self.group, "recordedtime": one["time"]}),
            )
            for one in new
        ]

    async def send(self, *bodies: tuple[str, bytes]) -> None:
        """Publish events, those not sent yet where none are named."""
        for name, body in bodies or self.bodies():
            exchange = await self.channel.get_exchange(name, ensure=False)
            message = aio_pika.Message(body, type=orjson.loads(body)["type"])
            await exchange.publish(message, "all")

    async def arrived(self) -> None:
        """Send what was told, and wait until all facts, scoring's own too, have arrived."""
        if self.sent < len(self.told.envelopes):
            await self.send()
        wanted: dict[str, int] = {}
        for one in self.told.envelopes:
            wanted[one["source"]] = max(one["sequence"], wanted.get(one["source"], 0))

        async def there() -> bool:
            context, store = self.service.context, self.service.use.scores.store
            told = (store.records, store.subjects, store.periods, store.disputes)
            waiting = [await one.pending(1) for one in told]
            own = {one: (await context.log.head(one, fresh=True))[0] for one in await context.log.sources()}
            received = await context.inbox.watermark()
            return not any(waiting) and all(
                received.get(one, 0) >= count for one, count in {**wanted, **own}.items()
            )

        await until(there)

    async def entries(self, kind: str) -> list[Entry]:
        """Return the entries of one type in scoring's log."""
        log = self.service.context.log
        found = [one for source in await log.sources() for one in await log.read(source, 0, 100_000)]
        return [entry for entry in found if entry.type == kind]

    def stand_at(self, moment: datetime | str) -> None:
        """Let scoring take ``moment`` for now."""
        self.clock.stands_at = at(moment)

    def revoke(self, account: str) -> None:
        event = AccountRevoked(account=account, reason="left")
        self.told.tell("registry", f"account/{account}", GROUP, "2026-08-01", event)


class Api:
    """The service as one account sees it."""

    def __init__(self, world: World, account: str) -> None:
        app = create_app()
        context = world.service.context
        app.state.context, app.state.use = context, world.service.use
        self._world = world
        self._client = AsyncClient(transport=ASGITransport(app=app), base_url="http://scoring")
        self._token = context.access.sign_in(account, PASSWORD, context.clock()).token if account else ""

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def get(self, path: str, **query: str | int) -> Response:
        return await self._client.get(f"/v1{path}", params=query, headers=self._headers)

    async def post(self, path: str, body: dict[str, Any], key: str = "") -> Response:
        self._world.keys += 1
        headers = {**self._headers, "Idempotency-Key": key or f"key-{self._world.keys:06d}"}
        return await self._client.post(f"/v1{path}", json=body, headers=headers)


AUGUST = "2026-08-01"
"""When supervision begins unless a test says otherwise: months before it are closed by hand."""

TENTH = "2026-08-10 10:00"
"""What it is now, unless a test says otherwise."""


def directory(
    world: World,
    accounts: Mapping[str, tuple[str, str]],
    people: Mapping[str, tuple[str, str]],
    since: str = AUGUST,
    edition: Edition | None = None,
) -> None:
    """Tell the edition, the people and the accounts."""
    edition = edition or an_edition(world.group)
    enacted = EditionEnacted(
        name=edition.name,
        hash=edition.hash,
        enacted_at=at(since),
        approved_by=(),
        bundle=bundle(edition),
    )
    world.told.tell("registry", f"edition/{edition.hash}", GROUP, since, enacted)
    for person, (unit, role) in people.items():
        first = date(2026, 7, 31)
        appointed = PersonAppointed(person=person, name="李", unit=unit, role=role, since=first)
        world.told.tell("registry", f"person/{person}", unit, since, appointed)
    hashed = hash_password(PASSWORD)
    for account, (unit, role) in accounts.items():
        subject = f"account/{account}"
        granted = AccountGranted(
            account=account,
            person=account,
            name="李",
            unit=unit,
            role=role,
            secret=seal_secret(KEY, subject, hashed),
        )
        world.told.tell("registry", subject, unit, since, granted)


@asynccontextmanager
async def a_world(
    settings: Settings,
    *,
    since: str = AUGUST,
    now: str = TENTH,
    accounts: Mapping[str, tuple[str, str]] = ACCOUNTS,
    edition: Edition | None = None,
) -> AsyncIterator[World]:
    """Run scoring with everything around it, on a database of its own. It takes ``now`` for now."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(settings.mongo_url.get_secret_value(), settings.database("scoring"))
        )
        stack.push_async_callback(database.drop)
        connection = await aio_pika.connect(settings.amqp_url.get_secret_value())
        stack.push_async_callback(connection.close)
        channel = await connection.channel()
        await declare(channel, topology("scoring", "group"))
        clock = SetClock(at(now))
        service = await stack.enter_async_context(serving(settings, clock))
        world = World(channel, service, clock, settings.group)
        directory(world, accounts, PEOPLE if accounts is ACCOUNTS else accounts, since, edition)
        yield world


def file_of(lines: list[dict[str, Any]]) -> bytes:
    """Return lines as an export writes them."""
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def key_of(name: str) -> str:
    """Return an idempotency key."""
    return str(uuid5(NAMESPACE_URL, name))
