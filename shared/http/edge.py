"""The HTTP edge of every service: problem details, the guard, callers and their rights, cursors.

Errors are RFC 9457 problem details with a stable ``code``. 422 is only for malformed requests.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import errors
from shared.identity.access import Access, Caller
from shared.runtime.clock import Clock
from shared.runtime.ids import fresh
from shared.storage.database import TRANSIENT, DatabaseDownError
from shared.values import idempotency
from shared.values.bounds import Instant
from shared.values.text import Written

log = structlog.get_logger(__name__)

MAX_BODY = 1_000_000

_STATUS: tuple[tuple[type[errors.SupervisionError], HTTPStatus], ...] = (
    (errors.UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (errors.ForbiddenError, HTTPStatus.FORBIDDEN),
    (errors.NotFoundError, HTTPStatus.NOT_FOUND),
    (errors.ConflictError, HTTPStatus.CONFLICT),
    (errors.InvalidInputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.RulebookRefusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.RulebookGapError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.SupervisionError, HTTPStatus.BAD_REQUEST),
)

_RETRY_AFTER_S = "1"


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str = ""
    problems: list[dict[str, Any]] = []


class Body(Written):
    """Base of request bodies: an unknown field is an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class HttpContext(Protocol):
    """What the edge needs of a running service; kept in ``app.state.front``."""

    access: Access
    clock: Clock

    async def ready(self) -> dict[str, str]:
        """Return what is not ready, by name; empty when the service can work."""
        ...

    def failing(self) -> dict[str, str]:
        """Return which of its endless tasks cannot go on, by name; empty when all is well."""
        ...

    async def positions(self) -> dict[str, dict[str, int]]:
        """Return how far its own logs reach, and how far those of others have arrived."""
        ...


# --- errors


def problem(
    status: HTTPStatus, code: str, detail: str, request: Request, problems: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """Return problem details as a response."""
    body = Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=str(request.scope.get("request_id", "")),
        problems=problems or [],
    )
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE or code == errors.NotYetHereError.code:
        headers["Retry-After"] = _RETRY_AFTER_S
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(mode="json"),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.SupervisionError)  # noqa: S101  # registered for this class only
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    problems: list[dict[str, Any]] = []
    if isinstance(error, errors.InvalidInputError):
        problems = [{"field": one.field, "reason": one.reason} for one in error.problems]
    elif isinstance(error, errors.RulebookRefusedError):
        problems = [
            {"file": one.file, "line": one.line, "what": one.what, "mend": one.mend} for one in error.problems
        ]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("http.refused", path=request.url.path, code=error.code, error=str(error))
    return problem(status, error.code, str(error), request, problems)


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class only
    problems = [_flaw(one) for one in error.errors()]
    names = ", ".join(dict.fromkeys(str(one["field"]) for one in problems))
    detail = f"Nothing was stored. Correct these fields and send the request again: {names}."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", detail, request, problems)


def _flaw(one: dict[str, Any]) -> dict[str, str]:
    """Name a field that pydantic refuses, with the reason. Where the body is no JSON there are no fields yet."""
    if one["type"] == "json_invalid":
        return {"field": "body", "reason": f"no JSON: {one.get('ctx', {}).get('error') or one['msg']}"}
    named = ".".join(str(part) for part in one["loc"] if part not in {"body", "query", "path"})
    return {"field": named or "body", "reason": one["msg"]}


_NO_JSON = RequestValidationError(
    [{"type": "json_invalid", "loc": ("body",), "msg": "not UTF-8, or nested too deeply"}]
)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class only
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST:
        # FastAPI's answer to a body that its parser gives up on; nothing else answers so.
        return await _malformed(request, _NO_JSON)
    code = "unauthenticated" if status is HTTPStatus.UNAUTHORIZED else status.phrase.lower().replace(" ", "-")
    return problem(status, code, str(error.detail), request)


async def _database_lost(request: Request, error: Exception) -> JSONResponse:
    # From a store that asks the driver itself.
    log.warning("http.refused", path=request.url.path, code=DatabaseDownError.code, error=repr(error))
    detail = "The database does not answer. Nothing was accepted; try again in a moment."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, DatabaseDownError.code, detail, request)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("http.failed", path=request.url.path, exc_info=error)
    detail = "The service failed. The operator finds the cause in the log under this request id."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, request)


class Guard:
    """Gives every request an id, and refuses bodies over the limit before they are read."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = fresh()  # names a request, not a fact
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        if chunked or not length.isdigit() or int(length) > MAX_BODY:
            detail = f"A request body may have up to {MAX_BODY} bytes and must state its length."
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail, Request(scope))
            await refused(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        await self._app(scope, receive, named)


# --- who is calling

_bearer = HTTPBearer(auto_error=False)


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Return who is calling. Raises ``UnauthenticatedError``."""
    return recognised(request.app.state.context, f"Bearer {credentials.credentials}" if credentials else "")


def recognised(context: HttpContext, authorization: str) -> Caller:
    """Return whom an ``Authorization`` header belongs to. Raises ``UnauthenticatedError``."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        msg = "Send a session's token: Authorization: Bearer …. POST /v1/session gives one."
        raise errors.UnauthenticatedError(msg)
    return context.access.recognise(token, context.clock())


def needs(right: str) -> Any:  # noqa: ANN401  # FastAPI's dependency marker is untyped
    """Return the dependency of a route that needs ``right``. The walk over all routes reads ``right``."""

    async def allowed(who: Annotated[Caller, Depends(caller)]) -> Caller:
        who.must(right)
        return who

    allowed.right = right  # type: ignore[attr-defined]  # read by the route walk
    return Depends(allowed)


async def digest(request: Request) -> idempotency.Digest:
    """Return the hash of what the body says: what an idempotency key is tied to."""
    return idempotency.Digest.of(await request.body())


IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Your own key for this call. The same key and body again: the first answer again.",
    ),
]
Digest = Annotated[idempotency.Digest, Depends(digest)]


async def command(request: Request, key: IdempotencyKey, digest: Digest) -> idempotency.Command:
    """Return what came beside a command's body."""
    return idempotency.Command(key, digest, str(request.scope["request_id"]))


Commanded = Annotated[idempotency.Command, Depends(command)]

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase}
    for status in (401, 403, 404, 409, 422, 503)
}
"""For ``responses=``: the problems every route may answer with."""


# --- pages

_PLACE: TypeAdapter[datetime] = TypeAdapter(Instant)


def cursor_of(at: datetime, name: UUID | str) -> str:
    """Return the cursor of the page that begins after what stands at a moment, under a name."""
    return urlsafe_b64encode(f"{at.isoformat()}|{name}".encode()).decode()


def place_of(cursor: str) -> tuple[datetime, str]:
    """Return after which moment and which name a page begins.

    Raises:
        InvalidInputError: It is no cursor that a list gave.
    """
    try:
        at, _, name = urlsafe_b64decode(cursor.encode()).decode().partition("|")
        return _PLACE.validate_python(at), str(UUID(name))
    except ValueError as error:
        msg = "The cursor cannot be read. Begin without one."
        raise errors.InvalidInputError(
            msg, [errors.FieldProblem("cursor", "no cursor that a list gave")]
        ) from error


EDGES: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    errors.SupervisionError: _expected,
    RequestValidationError: _malformed,
    HTTPException: _http,
    **dict.fromkeys(TRANSIENT, _database_lost),
    Exception: _unexpected,
}
"""What may go wrong → the answer to it."""
