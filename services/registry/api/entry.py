"""What every route needs: the use cases, and who asks."""

from typing import Annotated

from fastapi import Request
from fastapi.params import Depends
from pydantic import Field

from services.registry.handlers import Registry
from shared.http.callers import caller
from shared.identity.access import Caller
from shared.service.context import ServiceContext

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Known = Annotated[Caller, Depends(caller)]


def use(request: Request) -> Registry:
    """Return the service's use cases."""
    found: Registry = request.app.state.use
    return found


def context_of(request: Request) -> ServiceContext:
    """Return what the service stands on."""
    found: ServiceContext = request.app.state.context
    return found


def request_id(request: Request) -> str:
    """Return the id of the request."""
    return str(request.scope["request_id"])
