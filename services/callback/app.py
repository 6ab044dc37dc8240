"""Callback: open the context, wire the use cases, serve HTTP, follow events, sweep windows.

Any number of replicas may run.

Run: uvicorn services.callback.app:create_app --factory
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.callback import api, events, jobs
from services.callback.domain import Task
from services.callback.domain.campaigns import Campaign
from services.callback.handlers import Callbacks, Campaigns, UseCases
from services.callback.store import Matters, campaigns_in, reveals_in
from shared.identity.directory import GROUP
from shared.rulebook.edition import Edition
from shared.runtime.clock import Clock, utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.service.context import opened
from shared.service.horizons import Horizons
from shared.storage.aggregates import Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("callback", serving, *api.routers)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Service[UseCases]]:
    """Run one replica, without its HTTP side."""
    async with opened(settings, "callback", clock) as context:
        directory = context.directory
        matters = Matters(context.database, context.offers)
        reveals = reveals_in(context.database, context.offers)
        surveys = campaigns_in(context.database, context.offers)
        horizons = Horizons(context.database)
        for kept in (matters, reveals, surveys, horizons):
            await kept.ensure_indexes()

        def current() -> Edition:
            return directory.edition

        def edition(edition_hash: str) -> Edition:
            """Return the edition that a case was closed under; for a closing that names none, the one in force."""
            return directory.edition_called(edition_hash) if edition_hash else directory.edition

        def stamp(task: Task, correlation: str, now: datetime) -> Stamp:
            """Stamp a decision on a task: its site's stream, its unit, the edition it was opened under."""
            return context.stamp(
                stream=task.stream,
                unit=task.unit,
                correlation=correlation,
                now=now,
                edition=task.edition,
                edition_hash=task.edition_hash,
            )

        def stamp_campaign(campaign: Campaign, now: datetime) -> Stamp:
            """Stamp a decision on a campaign, which is the group's and no site's."""
            return context.stamp(
                stream=GROUP,
                unit=campaign.unit,
                correlation=campaign.id,
                now=now,
                edition=campaign.edition,
                edition_hash=campaign.edition_hash,
            )

        calls = Callbacks(
            matters=matters,
            horizons=horizons,
            reveals=reveals,
            vault=context.vault,
            clock=clock,
            current=current,
            edition=edition,
            stamp=stamp,
        )
        campaigns = Campaigns(
            matters=matters,
            campaigns=surveys,
            clock=clock,
            current=current,
            edition=edition,
            secret=lambda: secrets.token_hex(16),
            stamp=stamp_campaign,
        )
        subscriptions = events.subscriptions(matters, horizons, edition=edition, stamp=stamp, clock=clock)
        async with context.running(
            tells=[matters, reveals, surveys],
            subscriptions=subscriptions,
            jobs=jobs.jobs(calls, campaigns),
            takes_keys=True,
        ):
            yield Service(context, UseCases(calls, campaigns))
