"""The catalogue: every public event, defined once, by its publisher.

A new optional field keeps the version. A removed, renamed or re-meant one makes ``.v2`` and an upcaster.
"""

from collections.abc import Mapping
from typing import Any

from shared.events import callback, handling, intake, registry, scoring
from shared.events.envelope import (
    GENESIS,
    Envelope,
    Event,
    Happened,
    Sealed,
    Views,
    chain_hash,
    event_id,
    iso,
    source_of,
    stream_of,
    to_bytes,
    views_of,
)

PUBLISHERS = {
    "registry": registry,
    "intake": intake,
    "handling": handling,
    "callback": callback,
    "scoring": scoring,
}

EVENTS: dict[str, type[Event]] = {
    found.TYPE: found
    for module in PUBLISHERS.values()
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, Event) and "TYPE" in vars(found)
}


class UnknownEventError(ValueError):
    """The envelope names a type that the catalogue does not know."""


def read(envelope: Envelope) -> Event:
    """Return the typed event inside ``envelope``. Raises as ``typed`` does."""
    return typed(envelope.type, envelope.data)


def typed(name: str, data: Mapping[str, Any]) -> Event:
    """Return the event of a type from its data, also from data that an earlier release recorded.

    Raises:
        UnknownEventError: The type is not in the catalogue.
        ValueError: The data does not fit the type.
    """
    kind = EVENTS.get(name)
    if kind is None:
        raise UnknownEventError(f"No event '{name}' in the catalogue; this service may be too old.")
    return kind.of(data)


__all__ = [
    "EVENTS",
    "GENESIS",
    "PUBLISHERS",
    "Envelope",
    "Event",
    "Happened",
    "Sealed",
    "UnknownEventError",
    "Views",
    "chain_hash",
    "event_id",
    "iso",
    "read",
    "source_of",
    "stream_of",
    "to_bytes",
    "typed",
    "views_of",
]
