"""Callback: wire the ports, serve HTTP, follow events, sweep windows. Any number of replicas may run.

Run: uvicorn services.callback.app:create_app --factory
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from services.callback import api, events, jobs
from services.callback.domain import Matter, Task
from services.callback.domain.campaigns import Campaign
from services.callback.handlers import Callbacks, Campaigns
from services.callback.store import (
    CAMPAIGN_INDEXES,
    INDEXES,
    MongoStore,
    campaigns_in,
    horizons_in,
    matters_in,
    reveals_in,
)
from shared.identity.directory import GROUP
from shared.inbox.applier import Subscription
from shared.rulebook.edition import Edition
from shared.runtime.settings import Settings
from shared.service.app import service_app
from shared.service.context import ServiceContext, running
from shared.storage.aggregates import Aggregates, Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("callback", lifespan, *api.routers)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as parts:
        app.state.context, app.state.use = parts.context, parts.use
        app.state.campaigns = parts.campaigns
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator["Parts"]:
    """Run one replica, without its HTTP side."""
    parts = Parts()
    async with running(
        settings,
        "callback",
        collections=parts.wire,
        before=lambda context: parts.prepare(),
        subscriptions=lambda context: parts.subscriptions(),
        jobs=lambda context: jobs.jobs(parts.use, parts.campaigns),
        takes_keys=True,
    ):
        yield parts


class Parts:
    """The object graph of the service, made once the database is open."""

    context: ServiceContext
    matters: Aggregates[Matter]
    reveals: Aggregates[dict[str, Any]]
    horizons: Aggregates[dict[str, Any]]
    use: Callbacks
    surveys: Aggregates[Campaign]
    campaigns: Campaigns

    def wire(self, context: ServiceContext) -> list[Aggregates[Any]]:
        """Make the collections and the use cases. Returns the collections that tell events."""
        self.context = context
        self.matters = matters_in(context.database, context.offer)
        self.reveals = reveals_in(context.database, context.offer)
        self.horizons = horizons_in(context.database)
        self.use = Callbacks(
            store=MongoStore(self.matters, self.horizons),
            reveals=self.reveals,
            vault=context.vault,
            clock=context.clock,
            current=lambda: context.directory.edition,
            edition=self.edition,
            stamp=self.stamp,
        )
        self.surveys = campaigns_in(context.database, context.offer)
        self.campaigns = Campaigns(
            matters=self.matters,
            campaigns=self.surveys,
            clock=context.clock,
            current=lambda: context.directory.edition,
            edition=self.edition,
            secret=lambda: secrets.token_hex(16),
            stamp=self.stamp_campaign,
        )
        return [self.matters, self.reveals, self.surveys]

    def edition(self, edition_hash: str) -> Edition:
        """Return the edition that a case was closed under; for a closing that names none, the one in force."""
        directory = self.context.directory
        return directory.edition_called(edition_hash) if edition_hash else directory.edition

    def stamp(self, task: Task, correlation: str, now: datetime) -> Stamp:
        """Stamp a decision on a task: its site's stream, its unit, the edition it was opened under."""
        return self.context.stamp(
            stream=task.stream,
            unit=task.unit,
            correlation=correlation,
            now=now,
            edition=task.edition,
            edition_hash=task.edition_hash,
        )

    def stamp_campaign(self, campaign: Campaign, now: datetime) -> Stamp:
        """Stamp a decision on a campaign, which is the group's and no site's."""
        return self.context.stamp(
            stream=GROUP,
            unit=campaign.unit,
            correlation=campaign.id,
            now=now,
            edition=campaign.edition,
            edition_hash=campaign.edition_hash,
        )

    async def prepare(self) -> None:
        """Create the indexes."""
        await self.matters.ensure_indexes(*INDEXES)
        await self.horizons.ensure_indexes()
        await self.surveys.ensure_indexes(*CAMPAIGN_INDEXES)

    def subscriptions(self) -> list[Subscription[Any]]:
        """Return the table of subscriptions."""
        return events.subscriptions(
            self.matters, self.horizons, edition=self.edition, stamp=self.stamp, clock=self.context.clock
        )
