"""Intake: open the context, wire the use cases, serve HTTP, follow what is told of the complaints, sweep.

Run: uvicorn services.intake.app:create_app --factory
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.intake import api, events, jobs, store
from services.intake.handlers import (
    Census,
    Files,
    FollowUps,
    Intake,
    Ledger,
    Matters,
    Papers,
    Partners,
    People,
    Sheets,
)
from services.intake.store.noted import Outbox, Problems
from shared.runtime.clock import Clock, utc_now
from shared.runtime.settings import Settings
from shared.service.app import Service, service_app
from shared.service.context import opened


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("intake", serving, *api.routers)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Service[Intake]]:
    """Run the service, without its HTTP side."""
    async with opened(settings, "intake", clock) as context:
        database, offers = context.database, context.offers
        complaints = store.Complaints(database, offers)
        customers = store.Customers(database, offers)
        products = store.Products(database, offers)
        problems, outbox = Problems(database), Outbox(database)
        praises = store.praises_in(database, offers)
        declarations = store.declarations_in(database, offers)
        counted = store.census_in(database, offers)
        for kept in (complaints, customers, products, problems, outbox, praises, declarations, counted):
            await kept.ensure_indexes()

        people = People(context, customers)
        matters = Matters(context, complaints, people)
        files = Files(context, customers, products, praises, declarations, complaints, people)
        ledger = Ledger(matters)
        use = Intake(
            matters=matters,
            files=files,
            ledger=ledger,
            papers=Papers(matters, files, ledger),
            partners=Partners(matters, outbox),
            census=Census(context, customers, counted),
            people=people,
            follow_ups=FollowUps(context, problems, complaints, people),
            sheets=Sheets(matters, ledger),
        )
        await people.refresh()
        async with context.running(
            tells=[complaints, customers, products, praises, declarations, counted],
            subscriptions=[
                events.subscription(complaints),
                events.problems_following(problems),
                events.outbox_following(outbox),
            ],
            jobs=jobs.sweeps(use),
            gives_keys=True,
        ):
            # Edition and application live as long as the process; to look through them for garbage costs a request ms.
            gc.collect()
            gc.freeze()
            yield Service(context, use)
