"""What the routes share: the use cases, who asks, and what they see."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends

from services.callback.handlers import Sees, UseCases
from shared.http.callers import Known, needs
from shared.identity.access import Caller
from shared.service.entry import Context, use_cases

Use = Annotated[UseCases, Depends(use_cases)]
Reader = Annotated[Caller, needs("callbacks.read")]


async def seen(context: Context, who: Known) -> Sees:
    """Return what says whether the caller sees a unit."""
    return partial(context.access.sees, who)


async def within(context: Context, who: Known) -> Callable[[list[str]], list[str] | None]:
    """Return what narrows the units asked for, and those below them, to those that the caller sees; None: all."""

    def units(asked: list[str]) -> list[str] | None:
        if not asked:
            return context.access.units_of(who)
        wanted = sorted({below for top in asked for below in context.directory.below(top)})
        return [unit for unit in wanted if context.access.sees(who, unit)]

    return units


Seen = Annotated[Sees, Depends(seen)]
Within = Annotated[Callable[[list[str]], list[str] | None], Depends(within)]
