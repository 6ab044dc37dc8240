"""A service's application: the routes that every service has, and the answers to what goes wrong.

Sessions, health, metrics, and the operator's routes beside the service's own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, Field

from shared.http.edge import EDGES, ERRORS, Body, Guard, HttpContext, caller
from shared.identity.access import Caller
from shared.runtime.settings import Settings
from shared.service import api_pages, operations
from shared.service.context import ServiceContext


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


@common.post("/v1/session", responses={401: ERRORS[401], 503: ERRORS[503]}, tags=["session"])
async def sign_in(body: SignIn, request: Request) -> SessionView:
    """Sign in. Works while the line to headquarters is cut."""
    context: HttpContext = request.app.state.context
    session = context.access.sign_in(body.account, body.password, context.clock())
    return SessionView(
        token=session.token,
        expires_at=session.expires_at,
        account=session.caller.account,
        unit=session.caller.unit,
        role=session.caller.role,
        rights=sorted(session.caller.rights),
    )


@common.get(
    "/health/live", tags=["health"], responses={503: {"description": "A task of the process cannot go on"}}
)
async def live(request: Request) -> JSONResponse:
    """Say that the process serves and that none of its tasks is stuck. Otherwise start it anew."""
    context: HttpContext = request.app.state.context
    failing = context.failing()
    status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
    return JSONResponse({"status": "failing" if failing else "live", "failing": failing}, status_code=status)


@common.get(
    "/health/ready", tags=["health"], responses={503: {"description": "Not ready, with what is missing"}}
)
async def ready(request: Request) -> JSONResponse:
    """Say whether the service can work, and what it waits for. A stopped broker makes no service unready."""
    context: HttpContext = request.app.state.context
    missing = await context.ready()
    status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
    return JSONResponse(
        {"status": "not ready" if missing else "ready", "missing": missing}, status_code=status
    )


class Positions(BaseModel):
    """Source → last sequence: of this service's own logs, and of those that have arrived here without a gap."""

    heads: dict[str, int]
    received: dict[str, int]


@common.get("/v1/positions", responses={401: ERRORS[401], 503: ERRORS[503]}, tags=["health"])
async def positions(request: Request, who: Annotated[Caller, Depends(caller)]) -> Positions:
    """Say how far this service's logs reach. Nothing is under way where every head has been received."""
    context: HttpContext = request.app.state.context
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
    app.include_router(common)
    app.include_router(operations.router, responses=ERRORS)
    app.include_router(api_pages.router)
    return app
