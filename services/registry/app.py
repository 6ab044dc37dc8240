"""Registry: wire the ports, seed the register once, serve HTTP.

Run: uvicorn services.registry.app:create_app --factory
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.registry import api, jobs
from services.registry.handlers import Registry
from services.registry.store import PROPOSAL_INDEXES, MongoProposals, MongoStore, proposals_in
from shared.service import Base, running
from shared.settings import Settings
from shared.web import service_app


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("registry", lifespan, api.router)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as (base, use):
        app.state.front, app.state.use = base, use
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Base, Registry]]:
    """Run the service, without its HTTP side."""
    made: list[Registry] = []

    async def seed(base: Base) -> None:
        proposals = proposals_in(base.database)
        await proposals.ensure_indexes(*PROPOSAL_INDEXES)
        use = Registry(
            store=MongoStore(base.directory.collection),
            proposals=MongoProposals(proposals),
            directory=base.directory,
            clock=base.clock,
            stamp=lambda stream, unit, request, now: base.stamp(
                stream=stream, unit=unit, correlation=request, now=now
            ),
        )
        made.append(use)
        await jobs.seed(use, base.settings)

    async with running(
        settings, "registry", collections=lambda base: [base.directory.collection], before=seed
    ) as base:
        yield base, made[0]
