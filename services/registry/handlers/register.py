"""The register itself: read a record, write it with the event that tells it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.registry.domain.records import GROUP, State, subject_of
from services.registry.store import BY_KEY, page_query, prefix_query
from shared.errors import KeyReusedError
from shared.events import Event, Happened
from shared.identity.directory import Directory, reduce
from shared.storage.aggregates import Aggregates, Stamp, Stored, change_of

ALL = "all"
"""Stream that every site hears."""


@dataclass(frozen=True, slots=True)
class Register:
    """The records that every other service has a copy of.

    Attributes:
        stamp: Makes the stamp of an event for a stream, unit and correlation id.
    """

    records: Aggregates[State]
    directory: Directory
    clock: Callable[[], datetime]
    stamp: Callable[[str, str, str, datetime], Stamp]

    async def known(self, prefix: str) -> dict[str, State]:
        """Return the records whose key begins with ``prefix``, in order of key."""
        found = await self.records.find(prefix_query(prefix), sort=BY_KEY)
        return {stored.id: stored.state or {} for stored in found}

    async def page(self, prefix: str, after: str, limit: int) -> list[State]:
        """Return one page of the same, after ``prefix + after``. The index of the keys serves it."""
        found = await self.records.find(page_query(prefix, after), sort=BY_KEY, limit=limit)
        return [stored.state for stored in found if stored.state]

    async def once(self, event: Event, request: str) -> State:
        """Write a record that never changes. Raises ``KeyReusedError`` where it has other contents."""
        stored = await self.records.get(subject_of(event))
        if stored.state is not None:
            if stored.state == event.model_dump(mode="json"):
                return stored.state
            msg = "This record exists with other contents. Choose a new id."
            raise KeyReusedError(msg)
        return await self.tell(event, ALL, request, stored)

    async def tell_new(self, event: Event | None, stored: Stored[State], stream: str, request: str) -> State:
        """Write what changed, if anything did."""
        return (stored.state or {}) if event is None else await self.tell(event, stream, request, stored)

    async def tell(
        self, event: Event, stream: str, request: str, stored: Stored[State] | None = None
    ) -> State:
        """Write a record and tell its event, together or not at all."""
        subject = subject_of(event)
        stored = stored or await self.records.get(subject)
        now = self.clock()
        data = event.model_dump(mode="json")
        state = reduce(stored.state, event.TYPE, data)
        stamp = self.stamp(stream, str(getattr(event, "unit", GROUP)), request, now)
        await self.records.save(change_of(stored, state, [Happened(event, now)], stamp, index={}))
        await self.directory.refresh([subject])
        return state
