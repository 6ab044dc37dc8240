"""Use cases about papers: of a matter, of a customer, and a month's ledger as the rulebook lays it out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.domain import papers
from services.intake.domain.ledger import Column, Row
from services.intake.domain.papers import Paper, Sources
from services.intake.handlers.complaints import Matters, Shown
from services.intake.handlers.customers import CustomerShown, Files
from services.intake.handlers.ledger import Ledger
from shared.errors import NotFoundError
from shared.identity.access import Caller
from shared.rulebook.schema.intake import Document
from shared.values.idempotency import Command


@dataclass(frozen=True, slots=True)
class Papers:
    """Use cases over papers. What is shown is masked, unless it is printed for a purpose."""

    matters: Matters
    files: Files
    ledger: Ledger

    async def of_matter(self, complaint_id: UUID, name: str, who: Caller) -> Paper:
        """Return a paper about a matter, masked."""
        return await self._of(await self.matters.get(complaint_id, who), name, who)

    async def printed(
        self, complaint_id: UUID, name: str, purpose: str, who: Caller, command: Command
    ) -> Paper:
        """Return a paper about a matter with everything on it; who printed it, and why, is told as an event."""
        shown = await self.matters.get(complaint_id, who)
        self._document(name, shown)
        fields = await self.matters.reveal(complaint_id, purpose, who, command)
        return await self._of(replace(shown, fields=fields), name, who, fields)

    async def of_customer(self, customer: str, name: str, who: Caller) -> Paper:
        """Return a paper about a customer, masked."""
        shown = await self.files.customer(customer, who)
        rules, zone = self.ledger.rules_today(shown.customer.unit), self._zone
        document = papers.document_called(name, "customer", rules)
        return papers.paper_of(document, papers.of_customer(shown.customer, shown.fields, zone), rules)

    async def month(self, first: date, name: str, who: Caller) -> tuple[tuple[Column, ...], list[Row]]:
        """Return a month's ledger with the rulebook's columns, the earliest received first."""
        document = papers.document_called(name, "ledger", self.ledger.rules_today(who.unit))
        rows: list[Row] = []
        async for page in self.ledger.pages(first, who):
            wanted = [one for one in page if not document.kinds or one.complaint.kind in document.kinds]
            files = await self._files_of(wanted, document)
            # Thousands of rows would keep registrations waiting.
            rows += await asyncio.to_thread(self._rows, wanted, document, files)
        return papers.columns_of(document), rows[::-1]

    def _rows(
        self, page: Sequence[Shown], document: Document, files: Mapping[str, CustomerShown]
    ) -> list[Row]:
        return [
            papers.cells_of(document, self._sources(one, files.get(one.complaint.customer))) for one in page
        ]

    async def _files_of(self, page: Sequence[Shown], document: Document) -> Mapping[str, CustomerShown]:
        if not any(line.takes.startswith("customer.") for line in document.lines.values()):
            return {}
        return await self.files.masked({one.complaint.customer for one in page})

    async def _of(
        self, shown: Shown, name: str, who: Caller, opened: Mapping[str, str] | None = None
    ) -> Paper:
        document = self._document(name, shown)
        files = await self._files_of([shown], document)
        file = files.get(shown.complaint.customer)
        if file and opened is not None:
            file = replace(file, fields={**file.fields, **opened})
        rules = self.ledger.rules_of(shown.complaint)
        return papers.paper_of(document, self._sources(shown, file), rules)

    def _document(self, name: str, shown: Shown) -> Document:
        document = papers.document_called(name, "matter", self.ledger.rules_of(shown.complaint))
        if document.kinds and shown.complaint.kind not in document.kinds:
            msg = f"'{name}' is for matters of kind {' or '.join(document.kinds)}, and this is '{shown.complaint.kind}'."
            raise NotFoundError(msg)
        return document

    def _sources(self, shown: Shown, file: CustomerShown | None) -> Sources:
        rules = self.ledger.rules_of(shown.complaint)
        sources = papers.of_matter(shown.complaint, shown.fields, rules, self._zone)
        return {**sources, **(papers.of_customer(file.customer, file.fields, self._zone) if file else {})}

    @property
    def _zone(self) -> ZoneInfo:
        return self.matters.context.directory.edition.calendar.zone
