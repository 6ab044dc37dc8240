"""Handling: wire the ports, serve HTTP, follow events, sweep deadlines.

Run: uvicorn services.handling.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from services.handling import api, events, jobs
from services.handling.domain import Case
from services.handling.handlers import Handling
from services.handling.store import CASE_INDEXES, MongoStore, cases_in, horizons_in
from shared.inbox.applier import Subscription
from shared.runtime.settings import Settings
from shared.service.app import service_app
from shared.service.context import ServiceContext, running
from shared.storage.aggregates import Aggregates, Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("handling", lifespan, api.router)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as parts:
        app.state.context, app.state.use = parts.context, parts.use
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator["Parts"]:
    """Run the service, without its HTTP side."""
    parts = Parts()
    async with running(
        settings,
        "handling",
        collections=parts.wire,
        before=parts.prepare,
        subscriptions=parts.subscriptions,
        jobs=lambda context: jobs.jobs(parts.use, context.directory),
        takes_keys=True,
    ):
        yield parts


class Parts:
    """The object graph of the service, made once the database is open."""

    context: ServiceContext
    cases: Aggregates[Case]
    use: Handling

    def wire(self, context: ServiceContext) -> list[Aggregates[Any]]:
        """Make the collections and the use cases; return the collections that tell events."""
        self.context = context
        self.cases = cases_in(context.database, context.offer)
        self.horizons = horizons_in(context.database)
        self.use = Handling(
            MongoStore(self.cases, self.horizons),
            self.now,
            context.directory.edition_called,
            self.stamp,
            context.directory.within,
        )
        return [self.cases]

    def now(self) -> datetime:
        """Return the time of the service's clock."""
        return self.context.clock()

    def stamp(self, case: Case, correlation: str, causation: str | None, now: datetime) -> Stamp:
        """Stamp a decision on a case: its site's stream, its unit, the edition it began under."""
        return Stamp(
            service="handling",
            stream=case.site,
            group=self.context.settings.group,
            unit=case.unit,
            recorded=now,
            correlation=correlation,
            causation=causation,
            edition=case.edition,
            edition_hash=case.edition_hash,
        )

    async def prepare(self, context: ServiceContext) -> None:
        """Create the indexes."""
        await self.cases.ensure_indexes(*CASE_INDEXES)
        await self.horizons.ensure_indexes()

    def subscriptions(self, context: ServiceContext) -> list[Subscription[Any]]:
        """Return the table of subscriptions."""
        return events.subscriptions(
            self.cases,
            self.horizons,
            current=lambda: context.directory.edition,
            edition=context.directory.edition_called,
            stamp=self.stamp,
            clock=self.now,
        )
