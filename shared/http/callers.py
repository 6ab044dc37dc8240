"""Who is calling, and what they may do."""

from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared import errors
from shared.http.parameters import refuse_unknown
from shared.identity.access import Access, Caller
from shared.runtime.clock import Clock


class HttpContext(Protocol):
    """What the edge needs of a running service; kept in ``app.state.context``."""

    access: Access
    clock: Clock


_bearer = HTTPBearer(auto_error=False)


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Return who is calling, once the query says nothing that the route does not know.

    Raises:
        UnauthenticatedError: Nobody whom the service knows.
        UnknownParameterError: Here and in no dependency of its own, which would cost a tenth of a command.
    """
    who = recognised(request.app.state.context, f"Bearer {credentials.credentials}" if credentials else "")
    refuse_unknown(request.scope["query_string"], request.scope["route"])
    return who


Known = Annotated[Caller, Depends(caller)]
"""Whoever is signed in."""


def recognised(context: HttpContext, authorization: str) -> Caller:
    """Return whom an ``Authorization`` header belongs to. Raises ``UnauthenticatedError``."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        msg = "Send a session's token: Authorization: Bearer …. POST /v1/session gives one."
        raise errors.UnauthenticatedError(msg)
    return context.access.recognise(token, context.clock())


def needs(right: str) -> Any:  # noqa: ANN401  # FastAPI's dependency marker is untyped
    """Return the dependency of a route that needs ``right``. The walk over all routes reads ``right``."""

    async def allowed(who: Known) -> Caller:
        who.must(right)
        return who

    allowed.right = right  # type: ignore[attr-defined]  # read by the route walk
    return Depends(allowed)
