"""Handling: open the context, wire the use cases, serve HTTP, follow events, sweep deadlines.

Run: uvicorn services.handling.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.handling import api, events, jobs
from services.handling.domain import Case
from services.handling.handlers import Handling
from services.handling.store import Cases
from shared.runtime.clock import Clock, utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.service.context import opened
from shared.service.horizons import Horizons
from shared.storage.aggregates import Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("handling", serving, api.router)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Service[Handling]]:
    """Run the service, without its HTTP side."""
    async with opened(settings, "handling", clock) as context:
        directory = context.directory
        cases, horizons = Cases(context.database, context.offers), Horizons(context.database)
        await cases.ensure_indexes()
        await horizons.ensure_indexes()

        def stamp(case: Case, correlation: str, causation: str | None, now: datetime) -> Stamp:
            """Stamp a decision on a case: its site's stream, its unit, the edition it began under."""
            return Stamp(
                service="handling",
                stream=case.site,
                group=settings.group,
                unit=case.unit,
                recorded=now,
                correlation=correlation,
                causation=causation,
                edition=case.edition,
                edition_hash=case.edition_hash,
            )

        use = Handling(cases, horizons, clock, directory.edition_called, stamp, directory)
        subscriptions = events.subscriptions(
            cases,
            horizons,
            current=lambda: directory.edition,
            edition=directory.edition_called,
            stamp=stamp,
            clock=clock,
        )
        async with context.running(
            tells=[cases], subscriptions=subscriptions, jobs=jobs.jobs(use, directory), takes_keys=True
        ):
            yield Service(context, use)
