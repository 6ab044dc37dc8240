"""What the routes of every service are given: what the service stands on, its use cases, the request's name."""

from typing import Annotated, Any

from fastapi import Depends, Request

from shared.service.context import ServiceContext


async def context(request: Request) -> Any:  # noqa: ANN401  # the application's state is untyped
    """Return what the service stands on."""
    return request.app.state.context


async def use_cases(request: Request) -> Any:  # noqa: ANN401  # of another type in each service
    """Return the service's use cases: ``Use = Annotated[<their type>, Depends(use_cases)]``."""
    return request.app.state.use


async def request_id(request: Request) -> str:
    """Return what ``Guard`` named the request."""
    return str(request.scope["request_id"])


Context = Annotated[ServiceContext, Depends(context)]
RequestId = Annotated[str, Depends(request_id)]
