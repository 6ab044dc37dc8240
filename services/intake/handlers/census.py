"""Use case: tell how many customers each unit had when a month ended."""

from datetime import datetime, timedelta

import structlog

from services.intake.domain import census
from services.intake.store import Customers
from shared.errors import StaleWriteError
from shared.events import Happened
from shared.service.context import ServiceContext
from shared.storage.aggregates import Aggregates, change_of

logger = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)
"""A census walks all files. A month's figures are due days after its end; late entries show up with the next walk."""

Counted = dict[str, int]


class Census:
    """The census of one site's customers."""

    def __init__(self, context: ServiceContext, customers: Customers, told: Aggregates[Counted]) -> None:
        """No IO happens here."""
        self._context, self._customers, self.told = context, customers, told
        self._last: datetime | None = None

    def count_soon(self) -> None:
        """Let the next sweep count: an importer declared complete what was entered late."""
        self._last = None

    async def count_now_and_then(self) -> None:
        """Count where the rulebook asks for it, and only every so often."""
        now = self._context.clock()
        if self._last and now - self._last < EVERY:
            return
        self._last = now
        edition = self._context.directory.edition
        if census.is_wanted(edition.at(now)):
            await self.count()

    async def count(self) -> None:
        """Tell every month that is over whose numbers were not told yet, or changed by late entry."""
        context, now = self._context, self._context.clock()
        filed = await self._customers.filed()
        for event, end in census.count(filed, now, context.directory.edition.calendar):
            stored = await self.told.get(f"census/{event.unit}/{event.month}")
            numbers = {"normal": event.normal, "all": event.all}
            if stored.state == numbers:
                continue
            stamp = context.stamp(
                stream=context.settings.site, unit=event.unit, correlation=stored.id, now=now
            )
            change = change_of(stored, numbers, [Happened(event, end)], stamp, index={})
            try:
                await self.told.save(change)
            except StaleWriteError as late:
                logger.info("census.told-meanwhile", unit=event.unit, month=event.month, error=late.code)
