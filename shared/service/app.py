"""A service's application: the routes that every service has, and the answers to what goes wrong.

Sessions, health, metrics, and the operator's routes beside the service's own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, Field

from shared.http.callers import Known
from shared.http.guard import Guard
from shared.http.parameters import Body, only_known_parameters
from shared.http.problems import EDGES, ERRORS
from shared.runtime.settings import Settings
from shared.service import api_pages, operations
from shared.service.context import ServiceContext
from shared.service.entry import Context


class SignIn(Body):
    """Account and password."""

    account: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)


class SessionView(BaseModel):
    """A session. Send ``token`` as bearer."""

    token: str
    expires_at: AwareDatetime
    account: str
    unit: str
    role: str
    rights: list[str]


common = APIRouter()
signed_in = APIRouter()


@common.post(
    "/v1/session", summary="Sign in", responses={401: ERRORS[401], 503: ERRORS[503]}, tags=["session"]
)
async def sign_in(body: SignIn, context: Context) -> SessionView:
    """Sign in. Works while the line to headquarters is cut."""
    session = context.access.sign_in(body.account, body.password, context.clock())
    return SessionView(
        token=session.token,
        expires_at=session.expires_at,
        account=session.caller.account,
        unit=session.caller.unit,
        role=session.caller.role,
        rights=sorted(session.caller.rights),
    )


class Liveness(BaseModel):
    """Whether the process goes on: `live`, or `failing`."""

    status: str
    failing: dict[str, str] = Field(description="Task that cannot go on → why; empty when all is well.")


class Readiness(BaseModel):
    """Whether the service can work: `ready`, or `not ready`."""

    status: str
    missing: dict[str, str] = Field(description="What is not ready → why; empty when the service can work.")


@common.get(
    "/health/live",
    tags=["health"],
    summary="Say whether the process goes on",
    responses={503: {"model": Liveness, "description": "A task of the process cannot go on"}},
)
async def live(context: Context, response: Response) -> Liveness:
    """Say that the process serves and that none of its tasks is stuck. Otherwise start it anew."""
    failing = context.failing()
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
    return Liveness(status="failing" if failing else "live", failing=failing)


@common.get(
    "/health/ready",
    tags=["health"],
    summary="Say whether the service can work",
    responses={503: {"model": Readiness, "description": "Not ready, with what is missing"}},
)
async def ready(context: Context, response: Response) -> Readiness:
    """Say whether the service can work, and what it waits for. A stopped broker makes no service unready."""
    missing = await context.ready()
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
    return Readiness(status="not ready" if missing else "ready", missing=missing)


class Positions(BaseModel):
    """Source → last sequence: of this service's own logs, and of those that have arrived here without a gap."""

    heads: dict[str, int]
    received: dict[str, int]


@signed_in.get(
    "/v1/positions",
    summary="Say how far this service's logs reach",
    responses={401: ERRORS[401], 503: ERRORS[503]},
    tags=["health"],
)
async def positions(context: Context, who: Known) -> Positions:
    """Say how far this service's logs reach. Nothing is under way where every head has been received."""
    return Positions(**await context.positions())


@common.get("/metrics", tags=["health"], include_in_schema=False)
async def metrics() -> Response:
    """Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


OPEN_ROUTES = frozenset(
    {"/v1/session", "/health/live", "/health/ready", "/metrics", "/openapi.json"}
    | {"/", "/docs", "/docs/{asset}"}
)
"""The only routes that answer without a session."""


U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Service(Generic[U]):
    """A running service: what it stands on, and its use cases."""

    context: ServiceContext
    use: U


Serving = Callable[[Settings], AbstractAsyncContextManager[Service[Any]]]
"""Runs a service without its HTTP side, as its ``app.py`` says."""


def service_app(title: str, serving: Serving, *routers: APIRouter) -> FastAPI:
    """Return a service's application with the common routes and error answers; it runs in its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(Settings()) as service:
            app.state.context, app.state.use = service.context, service.use
            yield

    # FastAPI's own pages load from a network that an intranet does not have; ours are in api_pages.
    # Nothing listens to its telemetry, and asking whether something does takes a twentieth of a request.
    silent = TelemetryConfig(tracing=False, metrics=False, logs=False)
    app = FastAPI(title=f"Jiandu {title}", lifespan=lifespan, docs_url=None, redoc_url=None, telemetry=silent)
    for kind, handler in EDGES.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Guard)
    # Routes are tried in order, so those that are called most come first.
    for router in routers:
        app.include_router(router, responses=ERRORS)
    refused: dict[int | str, dict[str, Any]] = {422: ERRORS[422]}
    app.include_router(common, responses=refused, dependencies=[Depends(only_known_parameters)])
    app.include_router(signed_in, responses=refused)
    app.include_router(operations.router, responses=ERRORS)
    app.include_router(api_pages.router)
    return app
