"""The parts that every service runs on, wired once: database, log, relay, consumer, directory, sweeps.

A service's ``app.py`` says which collections it has and what it follows; this module holds them open.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import structlog

from shared.broker.topology import Topology, follows, topology
from shared.errors import TransientError
from shared.events.envelope import customer_key_of
from shared.identity import directory, vault
from shared.identity.access import Access
from shared.identity.directory import Directory
from shared.inbox.applier import Subscription
from shared.inbox.consumer import Consumer
from shared.inbox.store import Inbox
from shared.outbox.log import Entry, Log
from shared.outbox.publisher import Attach
from shared.outbox.sequencer import Relay
from shared.runtime import logging
from shared.runtime.clock import Clock, utc_now
from shared.runtime.ids import fresh
from shared.runtime.settings import Settings
from shared.runtime.supervisor import TaskSupervisor
from shared.storage.aggregates import Aggregates, Stamp
from shared.storage.database import Database, open_database
from shared.storage.keys import KeyStore
from shared.storage.lease import Lease
from shared.storage.seals import seal_key_of

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class ServiceContext:
    """What a service stands on. ``app.state.front`` of every service."""

    settings: Settings
    service: str
    database: Database
    log: Log
    inbox: Inbox
    vault: vault.Vault
    directory: Directory
    access: Access
    topology: Topology
    clock: Clock = utc_now
    relay: Relay | None = None
    consumer: Consumer | None = None
    supervisor: TaskSupervisor = field(default_factory=TaskSupervisor)

    def offer(self, collection: str, document: str, drafts: Sequence[dict[str, Any]]) -> None:
        """Tell the relay of durable drafts. For ``Aggregates(offer=base.offer)``."""
        if self.relay:
            self.relay.offer(collection, document, drafts)

    def stamp(self, *, stream: str, unit: str, correlation: str, now: datetime, **more: str) -> Stamp:
        """Return the stamp of a decision made now, under the edition in force (or the one named)."""
        edition = self.directory.edition if self.directory.enacted else None
        return Stamp(
            service=self.service,
            stream=stream,
            group=self.settings.group,
            unit=unit,
            recorded=now,
            correlation=correlation,
            causation=more.get("causation"),
            edition=more.get("edition", edition.name if edition else ""),
            edition_hash=more.get("edition_hash", edition.hash if edition else ""),
        )

    async def ready(self) -> dict[str, str]:
        """Say what is missing before this service can work. The broker is not: the log waits for it."""
        missing = {}
        try:
            await self.database.ping()
        except TransientError as error:
            missing["database"] = str(error)
        if not self.directory.enacted:
            missing["edition"] = "No rulebook edition has arrived from the registry yet."
        if awaited := self.directory.awaited(self.settings.site):
            missing["directory"] = awaited
        return missing

    def failing(self) -> dict[str, str]:
        """Say which of the endless tasks cannot go on. Then only a new process may help."""
        return self.supervisor.failing()

    async def positions(self) -> dict[str, dict[str, int]]:
        """Return how far this service's own logs reach, and how far those of others have arrived here."""
        heads = {source: (await self.log.head(source, fresh=True))[0] for source in await self.log.sources()}
        return {"heads": heads, "received": {one.source: one.received for one in await self.inbox.gaps()}}


@asynccontextmanager
async def running(
    settings: Settings,
    service: str,
    *,
    collections: Callable[[ServiceContext], Sequence[Aggregates[Any]]],
    subscriptions: Callable[[ServiceContext], Sequence[Subscription[Any]]] = lambda context: (),
    jobs: Callable[
        [ServiceContext], Sequence[tuple[str, Callable[[], Awaitable[None]]]]
    ] = lambda context: (),
    before: Callable[[ServiceContext], Awaitable[None]] | None = None,
    gives_keys: bool = False,
    takes_keys: bool = False,
) -> AsyncIterator[ServiceContext]:
    """Hold a service open.

    Args:
        collections: Makes the service's collections; those with events go through the relay.
        followings: The table of subscriptions, besides the directory's.
        jobs: Named sweeps, each run every ``sweep_every_s``.
        before: Runs once the collections are there and before anything is consumed (indexes, seeds).
        gives_keys, takes_keys: Whether customer keys travel beside this service's events, or are kept.
    """
    logging.configure(settings.log_level, service, settings.site)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(
                settings.mongo_url.get_secret_value(),
                settings.database(service),
                seal_key_of(settings.site_key),
            )
        )
        await database.ping()

        def offer(collection: str, document: str, drafts: Sequence[dict[str, Any]]) -> None:
            context.offer(collection, document, drafts)

        known = directory.directory_in(database, offer)
        keys = vault.Vault(KeyStore(database), settings.site_key, settings.group_key)
        context = ServiceContext(
            settings=settings,
            service=service,
            database=database,
            log=Log(database),
            inbox=Inbox(database),
            vault=keys,
            directory=known,
            access=Access(
                known, settings.site, settings.token_secret, settings.group_key, settings.session_hours
            ),
            topology=topology(service, settings.site),
        )
        known.clock = lambda: context.clock()  # noqa: PLW0108  # read at each use: tests set the base's clock
        await context.log.ensure_indexes()
        await context.inbox.ensure_indexes()
        await known.load()
        written = list(collections(context))
        for collection in written:
            await collection.ensure_indexes()
        amqp = settings.amqp_url.get_secret_value()
        context.relay = Relay(
            context.log,
            Lease(database, "relay", fresh()),  # names this process
            written,
            context.topology,
            amqp,
            attach=_attached(keys) if gives_keys else None,
            poll_s=settings.poll_s,
            announce_s=settings.announce_s,
            supervisor=context.supervisor,
        )
        if before:
            await before(context)
        await context.relay.run(stack)
        if follows(service):
            context.consumer = Consumer(
                context.inbox,
                [directory.subscription(known), *subscriptions(context)],
                context.topology,
                amqp,
                context.clock,
                keep_keys=keys.keep if takes_keys else None,
                gaps_after_s=settings.gaps_after_s,
                gaps_every_s=settings.gaps_every_s,
                lease=Lease(database, "gaps", fresh()),
                supervisor=context.supervisor,
            )
            await context.consumer.run(stack)
        for name, job in (("clock", database.ping), ("directory", known.catch_up), *jobs(context)):
            every_s = 30.0 if name == "clock" else settings.sweep_every_s
            context.supervisor.start(stack, f"job-{name}", partial(_again_and_again, name, job, every_s))
        yield context


def _attached(keys: vault.Vault) -> Attach:
    """Return what looks up, for entries about to be sent, the customer keys that go beside them."""

    async def attach(entries: Sequence[Entry]) -> Mapping[str, tuple[str, str]]:
        wanted = {}
        for entry in entries:
            if b'"sealed":{' in entry.body:
                key_id = customer_key_of(orjson.loads(entry.body))
                if key_id:
                    wanted[entry.event] = key_id
        if not wanted:
            return {}
        wrapped = await keys.wrapped(list(set(wanted.values())))
        return {event: (key_id, wrapped[key_id]) for event, key_id in wanted.items() if key_id in wrapped}

    return attach


async def _again_and_again(name: str, job: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await job()
        except TransientError as error:
            logger.warning("job.later", job=name, error=repr(error))
        except Exception:  # the third edge: a failing sweep must not end the service
            logger.exception("job.failed", job=name)
        await asyncio.sleep(every_s)
