"""Intake: wire the ports, serve HTTP, follow what is told of the complaints, sweep.

Run: uvicorn services.intake.app:create_app --factory
"""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

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
from services.intake.store.noted import MongoOutbox, MongoProblems
from shared.runtime.settings import Settings
from shared.service.app import service_app
from shared.service.context import ServiceContext, running
from shared.storage.aggregates import Aggregates


def create_app() -> FastAPI:
    """Build the service; connections open in its lifespan."""
    return service_app("intake", lifespan, *api.routers)


@dataclass(slots=True)
class Parts:
    """The service's collections and use cases, made once its base is there."""

    complaints: store.MongoComplaints
    customers: store.MongoCustomers
    products: store.MongoProducts
    problems: MongoProblems
    outbox: MongoOutbox
    others: tuple[Aggregates[Any], ...]
    use: Intake


def parts_of(context: ServiceContext) -> Parts:
    """Wire the use cases to their collections."""
    complaints = store.MongoComplaints(context.database, context.offer)
    customers = store.MongoCustomers(context.database, context.offer)
    products = store.MongoProducts(context.database, context.offer)
    praises = store.praises_in(context.database, context.offer)
    declarations = store.declarations_in(context.database, context.offer)
    problems = MongoProblems(context.database)
    outbox = MongoOutbox(context.database)
    counted = store.census_in(context.database, context.offer)
    people = People(context, customers)
    matters = Matters(context, complaints, people)
    files = Files(context, customers, products, praises, declarations, complaints, people)
    ledger = Ledger(matters)
    return Parts(
        complaints,
        customers,
        products,
        problems,
        outbox,
        (praises, declarations, counted),
        Intake(
            matters=matters,
            files=files,
            ledger=ledger,
            papers=Papers(matters, files, ledger),
            partners=Partners(matters, outbox),
            census=Census(context, customers, counted),
            people=people,
            follow_ups=FollowUps(context, problems, complaints, people),
            sheets=Sheets(matters, ledger),
        ),
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections open for as long as the service runs."""
    async with serving(Settings()) as (context, use):
        app.state.context, app.state.use = context, use
        # Edition and application live as long as the process; looking through them for garbage costs a request ms.
        gc.collect()
        gc.freeze()
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[ServiceContext, Intake]]:
    """Run the service, without its HTTP side."""
    made: list[Parts] = []

    def collections(context: ServiceContext) -> Sequence[Aggregates[Any]]:
        parts = parts_of(context)
        made.append(parts)
        return (parts.complaints.records, parts.customers.records, parts.products.records, *parts.others)

    async def prepare(_: ServiceContext) -> None:
        parts = made[0]
        for collection in (parts.complaints, parts.customers, parts.products, parts.problems, parts.outbox):
            await collection.ensure_indexes()
        await parts.use.people.refresh()

    def sweeps(_: ServiceContext) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        return jobs.sweeps(made[0].use)

    async with running(
        settings,
        "intake",
        collections=collections,
        subscriptions=lambda _: [
            events.subscription(made[0].complaints),
            events.problems_following(made[0].problems),
            events.outbox_following(made[0].outbox),
        ],
        jobs=sweeps,
        before=prepare,
        gives_keys=True,
    ) as context:
        yield context, made[0].use
