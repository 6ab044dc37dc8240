"""What is answered when something goes wrong: RFC 9457 problem details with a stable ``code``.

422 is only for malformed requests.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared import errors
from shared.storage.database import TRANSIENT, DatabaseDownError

log = structlog.get_logger(__name__)

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
    problems: list[dict[str, str | int | None]] = Field(
        default=[],
        description="Each with field and reason; of a rulebook with file, line, what and mend; of a ledger with row, "
        "column and reason.",
    )


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
    named = ".".join(str(part) for part in one["loc"] if part not in {"body", "header", "path", "query"})
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


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase}
    for status in (401, 403, 404, 409, 422, 503)
}
"""For ``responses=``: the problems every route may answer with."""


EDGES: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    errors.SupervisionError: _expected,
    RequestValidationError: _malformed,
    HTTPException: _http,
    **dict.fromkeys(TRANSIENT, _database_lost),
    Exception: _unexpected,
}
"""What may go wrong → the answer to it."""
