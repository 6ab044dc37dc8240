"""The floor of P1: a bare endpoint that validates one model and inserts one document, with the same durability.

No session, no rights, no rulebook, no idempotency, no sealing, no event.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI, Request
from pydantic import AwareDatetime, BaseModel

from shared.storage.database import open_database


class Complaint(BaseModel):
    """The same body that intake takes."""

    kind: str
    channel: str
    class_: str = ""
    item: str = ""
    received_at: AwareDatetime | None = None
    fields: dict[str, str]


def create_app() -> FastAPI:
    """Build the floor."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_database(os.environ["BENCH_MONGO_URL"], os.environ["BENCH_DATABASE"]) as database:
            app.state.complaints = database.collection("complaints")
            yield
            await database.drop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/complaints", status_code=201)
    async def register(body: Complaint, request: Request) -> dict[str, str]:
        name = uuid4().hex
        await request.app.state.complaints.insert_one({"_id": name, **body.model_dump()})
        return {"complaint_id": name}

    return app
