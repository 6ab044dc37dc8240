"""What surrounds callback in its contract tests: a registry, an intake and a handling that only speak."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel

from services.callback.app import serving
from services.callback.handlers import UseCases
from shared.broker.connection import declare
from shared.broker.topology import topology
from shared.events import Event, Sealed, event_id, iso, source_of, to_bytes
from shared.events.handling import CaseClosed, CaseReopened
from shared.events.intake import ComplaintRegistered, ImportDeclared
from shared.events.registry import AccountGranted, EditionEnacted, UnitEstablished
from shared.identity.access import hash_password
from shared.identity.vault import Vault, seal, seal_secret
from shared.outbox.log import Entry
from shared.rulebook.edition import Edition
from shared.rulebook.load import bundle
from shared.runtime.clock import utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service
from shared.storage.database import open_database
from shared.storage.keys import KeyStore
from tests.builders_rules import an_edition
from tests.contract.clocks import SetClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
KEY = bytes(range(32))
LOOK_EVERY_S = 0.05
PASSWORD = "correct horse battery"
UNITS = {
    "group-centre": ("group-centre", None),
    "chongqing": ("subsidiary", "group-centre"),
    "chongqing-branch": ("branch", "chongqing"),
    "chengdu": ("subsidiary", "group-centre"),
    "chengdu-branch": ("branch", "chengdu"),
}
ACCOUNTS = {
    "supervisor": ("group-centre", "supervisor"),
    "caller": ("chongqing-branch", "caller"),
    "other-caller": ("chengdu-branch", "caller"),
    "central-caller": ("group-centre", "caller"),
    "importer": ("chongqing", "importer"),
    "engineer": ("chongqing", "engineer"),
}
EXCHANGES = {
    "registry": "jiandu.from.registry",
    "handling": "jiandu.from.handling",
    "intake": "jiandu.inbound",
}


def noon() -> datetime:
    """Return today's noon in the group's zone: inside the calling hours whenever the tests run."""
    today = utc_now().astimezone(SHANGHAI).date()
    return datetime.combine(today, time(12), SHANGHAI).astimezone(UTC)


def settings_for(mongo_url: str, amqp_url: str, prefix: str) -> Settings:
    """Return the settings of a replica that looks at everything often."""
    key = base64.b64encode(KEY).decode()
    given: dict[str, Any] = {
        "group": "jinke",
        "mongo_url": mongo_url,
        "amqp_url": amqp_url,
        "database_prefix": prefix,
        "token_secret": key,
        "site_key": key,
        "group_key": key,
        "sweep_every_s": 0.1,
        "poll_s": 0.1,
        "log_level": "ERROR",
    }
    return Settings(**given)


async def until(true: Callable[[], Awaitable[bool]], *, within_s: float = 30) -> None:
    """Wait for a condition. Raises ``TimeoutError``."""
    for _ in range(int(within_s / LOOK_EVERY_S)):
        if await true():
            return
        await asyncio.sleep(LOOK_EVERY_S)
    msg = f"This did not come true within {within_s} seconds: {true.__qualname__}."
    raise TimeoutError(msg)


@dataclass(slots=True)
class World:
    """The broker as the others see it, and the replicas that run."""

    channel: AbstractChannel
    intake: Vault
    edition: Edition = field(default_factory=an_edition)
    clock: SetClock = field(default_factory=SetClock)
    replicas: list[Service[UseCases]] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)
    ordinals: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def one(self) -> Service[UseCases]:
        """The first replica."""
        return self.replicas[0]

    def told(
        self, service: str, event: Event, subject: str, at: datetime, unit: str = "chongqing-branch"
    ) -> bytes:
        """Return the bytes of an event, numbered as its source would."""
        stream = "all" if service == "registry" else "chongqing"
        source = source_of(service, stream)
        sequence = self.sequences[source] = self.sequences.get(source, 0) + 1
        ordinal = self.ordinals[source, subject] = self.ordinals.get((source, subject), 0) + 1
        return to_bytes(
            {
                "specversion": "1.0",
                "id": str(event_id(source, subject, ordinal)),
                "source": source,
                "type": event.TYPE,
                "subject": subject,
                "time": iso(at),
                "group": "jinke",
                "unit": unit,
                "edition": self.edition.name,
                "editionhash": self.edition.hash if service == "handling" else "",
                "sequence": sequence,
                "ordinal": ordinal,
                "recordedtime": iso(at),
                "correlationid": "c",
                "causationid": None,
                "data": event.model_dump(mode="json"),
            }
        )

    async def send(self, service: str, *bodies: bytes, key: str = "") -> None:
        """Publish events to the service's exchange; ``key``: a wrapped customer key beside them."""
        exchange = await self.channel.get_exchange(EXCHANGES[service], ensure=False)
        messages = [
            aio_pika.Message(
                body,
                type=orjson.loads(body)["type"],
                message_id=str(random.random()),
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                headers={"x-jiandu-keys": {orjson.loads(body)["data"]["sealed"]["key"]: key}}
                if key
                else None,
            )
            for body in bodies
        ]
        await asyncio.gather(*(exchange.publish(message, "chongqing") for message in messages))

    async def entries(self, kind: str = "") -> list[Entry]:
        """Return callback's log, or the entries of one type."""
        log = self.one.context.log
        found = [one for source in await log.sources() for one in await log.read(source, 0, 100_000)]
        return [entry for entry in found if not kind or entry.type == kind]

    async def logged(self, kind: str, about: Sequence[UUID]) -> None:
        """Wait until the log holds an event of a type about each of some complaints."""
        wanted = {str(one) for one in about}

        async def there() -> bool:
            return wanted <= {entry.subject for entry in await self.entries(kind)}

        await until(there)

    async def applied(self, service: str) -> None:
        """Wait until everything that a service told has arrived."""
        source = source_of(service, "chongqing")

        async def there() -> bool:
            return (await self.one.context.inbox.watermark()).get(source) == self.sequences[source]

        await until(there)

    async def closed(
        self, *complaints: UUID, at: datetime, imported: bool = False, customer: str = ""
    ) -> None:
        """Tell of cases that were closed, and wait until their calls are owed."""
        bodies = [
            self.told(
                "handling", a_closing(complaint, imported=imported, customer=customer), str(complaint), at
            )
            for complaint in complaints
        ]
        await self.send("handling", *bodies)
        await self.logged("callback.due.v1", complaints)

    async def registered(self, complaint: UUID, at: datetime) -> None:
        """Tell of a registration, with the customer's key beside it, and wait for the contact."""
        key_id = f"customer/{complaint}"
        keys = await self.intake.ensure([key_id])
        wrapped = await self.intake.wrapped([key_id])
        sealed = seal(key_id, keys[key_id], {"name": "张三丰", "phone": "13812345678", "words": "渗水"})
        event = a_registration(complaint, at, sealed)
        await self.send("intake", self.told("intake", event, str(complaint), at), key=wrapped[key_id])

        async def there() -> bool:
            state = (await self.one.use.campaigns.matters.get(str(complaint))).state
            return state is not None and bool(state.boxes)

        await until(there)

    async def reopened(self, complaint: UUID, at: datetime) -> None:
        """Tell of a re-opening."""
        event = CaseReopened(complaint_id=complaint, occurrence=1, reason="again", by="officer")
        await self.send("handling", self.told("handling", event, str(complaint), at))

    async def declared(self, unit: str, up_to: datetime) -> None:
        """Tell that a unit's entered history is complete up to a moment."""
        event = ImportDeclared(unit=unit, complete_up_to=up_to, by="importer")
        await self.send("intake", self.told("intake", event, f"import/{unit}", up_to, unit))

    def token(self, account: str) -> str:
        """Return a session's token."""
        context = self.one.context
        return context.access.sign_in(account, PASSWORD, context.clock()).token

    def stand_at(self, moment: datetime) -> None:
        """Let the first replica take ``moment`` for now."""
        self.clock.stands_at = moment


def a_closing(complaint: UUID, *, imported: bool = False, customer: str = "") -> CaseClosed:
    return CaseClosed(
        complaint_id=complaint,
        occurrence=1,
        kind="complaint",
        class_="general",
        validity="valid",
        way="explanation",
        outcome="",
        customer=customer or f"customer/{complaint}",
        problem_user=False,
        imported=imported,
    )


def a_registration(complaint: UUID, at: datetime, sealed: Sealed) -> ComplaintRegistered:
    return ComplaintRegistered(
        complaint_id=complaint,
        number="CQ-1",
        site="chongqing",
        unit="chongqing-branch",
        kind="complaint",
        class_="general",
        channel="telephone",
        received_at=at,
        registered_at=at,
        registered_by="clerk",
        complete=True,
        customer=sealed.key,
        sealed=sealed,
        command_key="key",
    )


def directory(world: World) -> Sequence[bytes]:
    """Return what the registry tells at its first start."""
    then = datetime(2026, 1, 1, tzinfo=UTC)
    edition = world.edition
    enacted = EditionEnacted(
        name=edition.name, hash=edition.hash, enacted_at=then, approved_by=(), bundle=bundle(edition)
    )
    told = [world.told("registry", enacted, f"edition/{edition.hash}", then)]
    for unit, (kind, parent) in UNITS.items():
        established = UnitEstablished(
            unit=unit,
            kind=kind,
            parent=parent,
            site="chongqing",
            name_zh=unit,
            name_en=unit,
            established_on=date(2026, 1, 1),
        )
        told.append(world.told("registry", established, f"unit/{unit}", then))
    hashed = hash_password(PASSWORD)
    for account, (unit, role) in ACCOUNTS.items():
        subject = f"account/{account}"
        granted = AccountGranted(
            account=account,
            person=account,
            name="李",
            unit=unit,
            role=role,
            secret=seal_secret(KEY, subject, hashed),
        )
        told.append(world.told("registry", granted, subject, then))
    return told


@asynccontextmanager
async def a_world(settings: Settings, replicas: int, edition: Edition | None = None) -> AsyncIterator[World]:
    """Run replicas on one queue and one database, each of which knows the directory."""
    async with AsyncExitStack() as stack:
        mongo_url = settings.mongo_url.get_secret_value()
        for service in ("callback", "intake"):
            database = await stack.enter_async_context(
                open_database(mongo_url, f"{settings.database_prefix}_{service}")
            )
            # Dropped when the replicas have stopped: a sweep would make it anew.
            stack.push_async_callback(database.drop)
        connection = await aio_pika.connect(settings.amqp_url.get_secret_value())
        stack.push_async_callback(connection.close)
        channel = await connection.channel()
        await declare(channel, topology("callback", "group"))
        world = World(channel, Vault(KeyStore(database), KEY, KEY), edition or an_edition())
        for number in range(replicas):
            clock = SetClock() if number else world.clock
            world.replicas.append(await stack.enter_async_context(serving(settings, clock)))
        await world.send("registry", *directory(world))

        async def known() -> bool:
            return all(
                len(one.context.directory.accounts) == len(ACCOUNTS)
                and len(one.context.directory.units) == len(UNITS)
                and one.context.directory.enacted
                for one in world.replicas
            )

        await until(known)
        yield world
