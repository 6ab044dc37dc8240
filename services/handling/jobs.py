"""Time in: the sweeps that speak for silence, and that let cases follow who is there."""

from collections.abc import Awaitable, Callable
from datetime import time

from services.handling.domain import Departures
from services.handling.handlers import Handling
from shared.identity.directory import Directory


def jobs(use: Handling, directory: Directory) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """Return the named sweeps. Safe to repeat and to overlap."""

    async def deadlines() -> None:
        await use.sweep()

    async def reassign() -> None:
        departures = departures_from(directory)
        if departures.units or departures.people:
            await use.reassign(departures)

    return [("deadlines", deadlines), ("reassign", reassign)]


def departures_from(directory: Directory) -> Departures:
    """Return which units and people are not there any more, as the registry told."""
    if not directory.enacted:
        return Departures()

    at = directory.edition.calendar.at
    return Departures(
        units={unit: (at(day, time()), to) for unit, (day, to) in directory.closed().items()},
        people={person: (at(day, time()), heir) for person, (day, heir) in directory.gone().items()},
        leads={name: unit.service_lead for name, unit in directory.units.items() if unit.service_lead},
    )
