"""Scoring: wire the ports, serve HTTP, follow every fact, publish when due.

Run: uvicorn services.scoring.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from services.scoring import api, events, jobs
from services.scoring.handlers import Disputes, Scoring
from services.scoring.store import (
    MongoStore,
    disputes_in,
    periods_in,
    records_in,
    rulings_in,
    subjects_in,
    unit_facts_in,
)
from shared.inbox.applier import Subscription
from shared.runtime.settings import Settings
from shared.service.app import service_app
from shared.service.context import ServiceContext, running
from shared.storage.aggregates import Aggregates, Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("scoring", lifespan, *api.routers)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as parts:
        app.state.context, app.state.use, app.state.disputes = parts.context, parts.use, parts.disputes
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator["Parts"]:
    """Run the service, without its HTTP side."""
    parts = Parts()
    async with running(
        settings,
        "scoring",
        collections=parts.wire,
        before=parts.prepare,
        subscriptions=parts.subscriptions,
        jobs=lambda context: jobs.jobs(parts.use, parts.disputes),
    ):
        yield parts


class Parts:
    """The object graph of the service, made once the database is open."""

    context: ServiceContext
    store: MongoStore
    use: Scoring
    disputes: Disputes

    def wire(self, context: ServiceContext) -> list[Aggregates[Any]]:
        """Make the collections and the use cases; return the collections that tell events."""
        self.context = context
        self.store = MongoStore(
            subjects_in(context.database, context.offer),
            unit_facts_in(context.database),
            records_in(context.database, context.offer),
            periods_in(context.database, context.offer),
            disputes_in(context.database, context.offer),
            rulings_in(context.database),
        )
        self.use = Scoring(
            store=self.store,
            inbox=context.inbox,
            log=context.log,
            directory=context.directory,
            clock=self.now,
            stamp=self.stamp,
        )
        self.disputes = Disputes(self.store, self.use, context.directory, self.now, self.stamp)
        return [self.store.subjects, self.store.records, self.store.periods, self.store.disputes]

    def now(self) -> datetime:
        """Return the time of the service's clock."""
        return self.context.clock()

    def stamp(self, stream: str, unit: str, correlation: str, now: datetime) -> Stamp:
        """Stamp a decision under the edition in force."""
        return self.context.stamp(stream=stream, unit=unit, correlation=correlation, now=now)

    async def prepare(self, context: ServiceContext) -> None:
        """Create the indexes and read the organisation."""
        await self.store.ensure_indexes()
        await self.use.load_organisation()

    def subscriptions(self, context: ServiceContext) -> list[Subscription[Any]]:
        """Return the table of subscriptions."""
        return events.subscriptions(
            self.store,
            tariffs=self.use.tariffs,
            organisation=lambda: self.use.organisation,
            context=self.use.context,
            organisation_changed=self.use.load_organisation,
            stamp=self.stamp,
            clock=self.now,
        )
