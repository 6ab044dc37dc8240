"""Whose unit a record is, and when what it tells happened."""

from datetime import datetime

from shared.errors import NotFoundError
from shared.identity.access import Caller
from shared.rulebook.late_entry import happened_at, must_import
from shared.service.context import ServiceContext


def unit_for(context: ServiceContext, who: Caller, asked: str) -> str:
    """Return the unit that a new record belongs to: the caller's own.

    An importer may name another unit of this site in the own subtree.

    Raises:
        ForbiddenError: Who may not import names a unit.
        NotFoundError: The unit lies outside the subtree, or at another site.
    """
    unit = who.unit
    if asked and asked != unit:
        must_import(who.rights)
        context.access.must_see(who, asked, "such unit")
        unit = asked
    if context.directory.unit(unit).site != context.settings.site:
        msg = f"Unit '{unit}' keeps its records at another site. Sign in at the intake of its subsidiary."
        raise NotFoundError(msg)
    return unit


def entered(
    context: ServiceContext, who: Caller, at: datetime | None, field: str = "at"
) -> tuple[datetime, datetime]:
    """Return when something happened, and the present moment. Raises as ``happened_at`` does."""
    now = context.clock()
    return happened_at(who.rights, at, now, field), now


def units_of(context: ServiceContext, who: Caller) -> list[str]:
    """Return the units of this site that the caller sees, in order of name."""
    site = context.settings.site
    return [
        name
        for name, unit in sorted(context.directory.units.items())
        if unit.site == site and context.access.sees(who, name)
    ]
