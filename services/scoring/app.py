"""Scoring: open the context, wire the use cases, serve HTTP, follow every fact, publish when due.

Run: uvicorn services.scoring.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.scoring import api, events, jobs
from services.scoring.handlers import Disputes, Scoring, UseCases
from services.scoring.store import Store
from shared.runtime.clock import Clock, utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.service.context import opened
from shared.storage.aggregates import Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("scoring", serving, *api.routers)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Service[UseCases]]:
    """Run the service, without its HTTP side."""
    async with opened(settings, "scoring", clock) as context:
        store = Store(context.database, context.offers)
        await store.ensure_indexes()

        def stamp(stream: str, unit: str, correlation: str, now: datetime) -> Stamp:
            """Stamp a decision under the edition in force."""
            return context.stamp(stream=stream, unit=unit, correlation=correlation, now=now)

        scores = Scoring(
            store=store,
            inbox=context.inbox,
            log=context.log,
            directory=context.directory,
            clock=clock,
            stamp=stamp,
        )
        await scores.load_organisation()
        disputes = Disputes(store, scores, context.directory, clock, stamp)
        subscriptions = events.subscriptions(
            store,
            tariffs=scores.tariffs,
            organisation=lambda: scores.organisation,
            context=scores.context,
            organisation_changed=scores.load_organisation,
            stamp=stamp,
            clock=clock,
        )
        async with context.running(
            tells=[store.subjects, store.records, store.periods, store.disputes],
            subscriptions=subscriptions,
            jobs=jobs.jobs(scores, disputes),
        ):
            yield Service(context, UseCases(scores, disputes))
