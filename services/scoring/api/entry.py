"""What every route needs: the use cases, and what the caller may see and say."""

from datetime import datetime
from typing import Annotated

from fastapi import Request

from services.scoring import domain
from services.scoring.handlers import Scoring
from shared.http.callers import needs
from shared.identity.access import Caller
from shared.identity.directory import Unit
from shared.rulebook.schema import Rules
from shared.service.context import ServiceContext

Reader = Annotated[Caller, needs("scores.read")]


def use_of(request: Request) -> Scoring:
    """Return the service's use cases."""
    found: Scoring = request.app.state.use.scores
    return found


def context_of(request: Request) -> ServiceContext:
    """Return what every service stands on."""
    found: ServiceContext = request.app.state.context
    return found


def visible(request: Request, who: Caller, unit: str) -> Unit:
    """Return a unit that the caller may act on. Raises ``NotFoundError``."""
    context = context_of(request)
    context.access.must_see(who, unit, "such unit")
    return context.directory.unit(unit)


def units_seen(request: Request, who: Caller, unit: str | None) -> list[str] | None:
    """Return the units that a list is about: the one asked for, or all that the caller sees; None for every unit."""
    if unit is not None:
        visible(request, who, unit)
        return [unit]
    return None if who.sees_all else context_of(request).directory.below(who.unit)


def rules_at(request: Request, at: datetime) -> Rules:
    """Return the rules in force at a moment. Raises ``InvalidInputError``."""
    return domain.rules_of(context_of(request).directory.edition, at)
