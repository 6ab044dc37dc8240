"""Registry: wire the ports, seed the register once, serve HTTP, follow what is published.

Run: uvicorn services.registry.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from services.registry import api, events, jobs
from services.registry.domain.records import State
from services.registry.handlers import Editions, Organisation, Register, Registry
from services.registry.store import (
    PROPOSAL_INDEXES,
    MongoProposals,
    MongoPublished,
    MongoStore,
    proposals_in,
    published_in,
)
from shared.inbox.applier import Subscription
from shared.runtime.settings import Settings
from shared.service.app import service_app
from shared.service.context import ServiceContext, running
from shared.storage.aggregates import Aggregates


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("registry", lifespan, *api.routers)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as (context, use):
        app.state.context, app.state.use = context, use
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[ServiceContext, Registry]]:
    """Run the service, without its HTTP side."""
    parts = Parts()
    async with running(
        settings, "registry", collections=parts.wire, before=parts.prepare, subscriptions=parts.subscriptions
    ) as context:
        yield context, parts.use


class Parts:
    """The object graph of the service, made once the database is open."""

    proposals: Aggregates[State]
    published: Aggregates[State]
    use: Registry

    def wire(self, context: ServiceContext) -> list[Aggregates[Any]]:
        """Make the collections and the use cases; return the collections that tell events."""
        self.proposals = proposals_in(context.database, context.offer)
        self.published = published_in(context.database)
        register = Register(
            store=MongoStore(context.directory.collection),
            directory=context.directory,
            clock=context.clock,
            stamp=lambda stream, unit, request, now: context.stamp(
                stream=stream, unit=unit, correlation=request, now=now
            ),
        )
        proposals, published = MongoProposals(self.proposals), MongoPublished(self.published)
        self.use = Registry(
            Organisation(register, proposals, published), Editions(register, proposals, published)
        )
        return [context.directory.collection, self.proposals]

    async def prepare(self, context: ServiceContext) -> None:
        """Create the indexes, and fill an empty register."""
        await self.proposals.ensure_indexes(*PROPOSAL_INDEXES)
        await self.published.ensure_indexes()
        await jobs.seed(self.use, context.settings)

    def subscriptions(self, context: ServiceContext) -> list[Subscription[Any]]:
        """Return the table of subscriptions."""
        return events.subscriptions(self.published)
