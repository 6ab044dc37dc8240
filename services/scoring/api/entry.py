"""What the routes share: the use cases, and what the caller may see and say."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends

from services.scoring import domain
from services.scoring.handlers import UseCases
from shared.http.callers import needs
from shared.identity.access import Caller
from shared.identity.directory import Unit
from shared.rulebook.schema import Rules
from shared.service.context import ServiceContext
from shared.service.entry import use_cases

Use = Annotated[UseCases, Depends(use_cases)]
Reader = Annotated[Caller, needs("scores.read")]


def visible(context: ServiceContext, who: Caller, unit: str) -> Unit:
    """Return a unit that the caller may act on. Raises ``NotFoundError``."""
    context.access.must_see(who, unit, "such unit")
    return context.directory.unit(unit)


def units_seen(context: ServiceContext, who: Caller, unit: str | None) -> list[str] | None:
    """Return the units that a list is about: the one asked for, or all that the caller sees; None for every unit."""
    if unit is not None:
        visible(context, who, unit)
        return [unit]
    return context.access.units_of(who)


def rules_at(context: ServiceContext, at: datetime) -> Rules:
    """Return the rules in force at a moment. Raises ``InvalidInputError``."""
    return domain.rules_of(context.directory.edition, at)
