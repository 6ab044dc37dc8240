"""Use cases about the ledger and the form."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from services.intake.domain import ledger
from services.intake.domain.complaints import Complaint
from services.intake.handlers.complaints import Matters, Shown
from services.intake.handlers.entry import units_of
from services.intake.store import After, Wanted
from shared.identity.access import Caller
from shared.rulebook.schema import Rules
from shared.timekeeping.calendar import WorkingCalendar, add_months

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Ledger:
    """Use cases over a month's matters."""

    matters: Matters

    async def month(self, first: date, who: Caller) -> list[ledger.Row]:
        """Return the rows of a month of receipt, the earliest received first."""
        rows: list[ledger.Row] = []
        async for page in self.pages(first, who):
            # Thousands of rows would keep registrations waiting.
            rows += await asyncio.to_thread(self._rows, page)
        return rows[::-1]

    async def pages(self, first: date, who: Caller) -> AsyncIterator[list[Shown]]:
        """Walk the matters of a month of receipt, masked, the latest received first."""
        since, before = month_of(first, self.matters.context.directory.edition.calendar)
        units, after = units_of(self.matters.context, who), None
        while True:
            page = await self.matters.page(Wanted(units, since, before, after=after), who, _PAGE)
            if page:
                yield page
            if len(page) < _PAGE:
                return
            after = After(page[-1].complaint.received_at, page[-1].complaint.id)

    def _rows(self, page: list[Shown]) -> list[ledger.Row]:
        zone = self.matters.context.directory.edition.calendar.zone
        return [ledger.row_of(one.complaint, one.fields, self.rules_of(one.complaint), zone) for one in page]

    def rules_of(self, complaint: Complaint) -> Rules:
        """Return the rules of a matter's receipt, as the edition in force words them."""
        directory, at = self.matters.context.directory, complaint.received_at
        return directory.edition_for(complaint.concerns, at).at(at)

    def rules_today(self, unit: str) -> Rules:
        """Return the rules that a matter of a unit received now is registered under: with its own norms (ZY-02)."""
        directory, now = self.matters.context.directory, self.matters.context.clock()
        return directory.edition_for(directory.unit(unit).unit, now).at(now)


def month_of(first: date, calendar: WorkingCalendar) -> tuple[Any, Any]:
    """Return the half-open time of the local month that begins on ``first``."""
    return calendar.at(first, time(0)), calendar.at(add_months(first, 1), time(0))
