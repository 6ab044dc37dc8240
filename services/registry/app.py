"""Registry: open the context, wire the use cases, seed the register once, serve HTTP, follow what is published.

Run: uvicorn services.registry.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from services.registry import api, events, jobs
from services.registry.handlers import Editions, Organisation, Register, Registry
from services.registry.store import Proposals, Published
from shared.runtime.clock import Clock, utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.service.context import opened
from shared.storage.aggregates import Stamp


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("registry", serving, *api.routers)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Service[Registry]]:
    """Run the service, without its HTTP side."""
    async with opened(settings, "registry", clock) as context:
        records = context.directory.collection
        proposals = Proposals(context.database, context.offers)
        published = Published(context.database)
        await records.ensure_indexes()
        await proposals.ensure_indexes()
        await published.ensure_indexes()

        def stamp(stream: str, unit: str, request: str, now: datetime) -> Stamp:
            return context.stamp(stream=stream, unit=unit, correlation=request, now=now)

        register = Register(records, directory=context.directory, clock=clock, stamp=stamp)
        use = Registry(Organisation(register, proposals, published), Editions(register, proposals, published))
        await jobs.seed(use, settings)
        async with context.running(tells=[records, proposals], subscriptions=events.subscriptions(published)):
            yield Service(context, use)
