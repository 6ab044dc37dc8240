"""The parts that every service runs on, wired once: database, log, relay, consumer, directory, sweeps.

A service's ``app.py`` opens a context, wires its use cases to it, and runs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.broker.topology import Topology, follows, topology
from shared.errors import TransientError
from shared.events.envelope import customer_key_of
from shared.identity.access import Access
from shared.identity.directory import Directory, directory_in, subscription
from shared.identity.vault import Vault
from shared.inbox.applier import Subscription
from shared.inbox.consumer import Consumer
from shared.inbox.store import Inbox
from shared.outbox.log import Entry, Log
from shared.outbox.publisher import Attach
from shared.outbox.sequencer import Offers, Relay
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

Jobs = Sequence[tuple[str, Callable[[], Awaitable[None]]]]
"""Named sweeps, each run every ``sweep_every_s``."""

_CLOCK_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a service stands on. ``app.state.context`` of every service.

    Attributes:
        offers: For ``Aggregates(offer=context.offers)``: tells the relay of durable drafts.
    """

    settings: Settings
    service: str
    clock: Clock
    database: Database
    log: Log
    inbox: Inbox
    offers: Offers
    vault: Vault
    directory: Directory
    access: Access
    topology: Topology
    supervisor: TaskSupervisor

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
        self,
        *,
        tells: Sequence[Aggregates[Any]],
        subscriptions: Sequence[Subscription[Any]] = (),
        jobs: Jobs = (),
        gives_keys: bool = False,
        takes_keys: bool = False,
    ) -> AsyncIterator[None]:
        """Relay, consume and sweep for as long as the context is entered.

        Args:
            tells: The collections with events, besides the directory's.
            subscriptions: The table of subscriptions, besides the directory's.
            gives_keys, takes_keys: Whether customer keys travel beside this service's events, or are kept.
        """
        amqp, settings = self.settings.amqp_url.get_secret_value(), self.settings
        async with AsyncExitStack() as stack:
            relay = Relay(
                self.log,
                Lease(self.database, "relay", fresh()),  # names this process
                self.offers,
                tells,
                self.topology,
                amqp,
                attach=_attached(self.vault) if gives_keys else None,
                poll_s=settings.poll_s,
                announce_s=settings.announce_s,
                supervisor=self.supervisor,
            )
            await relay.run(stack)
            if follows(self.service):
                consumer = Consumer(
                    self.inbox,
                    [subscription(self.directory), *subscriptions],
                    self.topology,
                    amqp,
                    self.clock,
                    keep_keys=self.vault.keep if takes_keys else None,
                    gaps_after_s=settings.gaps_after_s,
                    gaps_every_s=settings.gaps_every_s,
                    lease=Lease(self.database, "gaps", fresh()),
                    supervisor=self.supervisor,
                )
                await consumer.run(stack)
            self.supervisor.every(stack, "clock", self.database.ping, _CLOCK_EVERY_S)
            for name, job in (("directory", self.directory.catch_up), *jobs):
                self.supervisor.every(stack, name, job, settings.sweep_every_s)
            yield


@asynccontextmanager
async def opened(settings: Settings, service: str, clock: Clock = utc_now) -> AsyncIterator[ServiceContext]:
    """Open what a service stands on: its database with log and inbox, and all that it knows of the group."""
    logging.configure(settings.log_level, service, settings.site)
    mongo, name = settings.mongo_url.get_secret_value(), settings.database(service)
    async with open_database(mongo, name, seal_key_of(settings.site_key)) as database:
        await database.ping()
        offers, log, inbox = Offers(), Log(database), Inbox(database)
        directory = directory_in(database, offers, clock)
        await log.ensure_indexes()
        await inbox.ensure_indexes()
        await directory.load()
        yield ServiceContext(
            settings=settings,
            service=service,
            clock=clock,
            database=database,
            log=log,
            inbox=inbox,
            offers=offers,
            vault=Vault(KeyStore(database), settings.site_key, settings.group_key),
            directory=directory,
            access=Access(
                directory, settings.site, settings.token_secret, settings.group_key, settings.session_hours
            ),
            topology=topology(service, settings.site),
            supervisor=TaskSupervisor(),
        )


def _attached(keys: Vault) -> Attach:
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
