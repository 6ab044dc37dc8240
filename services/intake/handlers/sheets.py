"""Use case: register the rows of a ledger that comes in, all of them or none (LN-23)."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from services.intake.domain import sheets
from services.intake.domain.complaints import Complaint, Submission
from services.intake.domain.papers import document_called
from services.intake.domain.sheets import Defaults, Entry, Fault, Grid, SheetRefusedError
from services.intake.handlers.complaints import Matters
from services.intake.handlers.entry import unit_for
from services.intake.handlers.ledger import Ledger
from shared.errors import ForbiddenError, InvalidInputError, NotFoundError, RulebookGapError
from shared.identity.access import Caller
from shared.rulebook.late_entry import must_import
from shared.rulebook.schema import Rules
from shared.values.idempotency import Command

_AT_ONCE = 100
"""Rows registered side by side: they share their writes, and leave room for the registrations of others."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that came in.

    Attributes:
        digest: Hash of its bytes: with the row, the key that each registration gets.
        cells: Reads them. Raises ``SheetRefusedError``.
        said: Holds what a row says against what a registration takes. Raises ``InvalidInputError``.
    """

    digest: str
    request: str
    cells: Callable[[], Grid]
    said: Callable[[Mapping[str, Any]], Submission]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that may be registered."""

    entry: Entry
    said: Submission
    unit: str
    command: Command


@dataclass(frozen=True, slots=True)
class Sheets:
    """Use cases over ledgers that come in. One is read at a time, for the memory and the time that it takes."""

    matters: Matters
    ledger: Ledger
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def register(
        self, file: File, document: str, defaults: Defaults, asked_unit: str, who: Caller
    ) -> tuple[list[tuple[int, Complaint]], bool]:
        """Register every row of a file. Returns row and record of each, and whether any is new.

        The same file again is the same commands again. What a database that goes away leaves half done, the same
        file sent again completes.

        Raises:
            SheetRefusedError: Names row, column and reason of what cannot be accepted. Nothing was stored.
            ForbiddenError: A row is late entry, or another unit's, and the caller may not import.
        """
        unit = unit_for(self.matters.context, who, asked_unit)
        async with self.turn:
            rows, faults = await asyncio.to_thread(self._rows, file, document, defaults, unit, who)
            faults += await self._numbers_known(rows)
            if faults:
                raise SheetRefusedError(faults)
            done: list[tuple[Complaint, bool]] = []
            for at in range(0, len(rows), _AT_ONCE):
                some = (
                    self.matters.register(row.said, who, row.unit, row.command)
                    for row in rows[at : at + _AT_ONCE]
                )
                # All of them come to an end, before the first that failed is told.
                ended = await asyncio.gather(*some, return_exceptions=True)
                for one in ended:
                    if isinstance(one, BaseException):
                        raise one
                    done.append(one)
        registered = [(row.entry.row, complaint) for row, (complaint, _) in zip(rows, done, strict=True)]
        return registered, any(is_new for _, is_new in done)

    def _rows(
        self, file: File, document: str, defaults: Defaults, unit: str, who: Caller
    ) -> tuple[list[Row], list[Fault]]:
        directory, now = self.matters.context.directory, self.matters.context.clock()
        today = self.ledger.rules_today(unit)

        def rules_at(named: str, at: datetime | None) -> Rules:
            try:
                return directory.edition_for(named or unit, at or now).at(at or now)
            except RulebookGapError:
                # Before the rulebook begins; the registration says so.
                return today

        sheet = sheets.read(
            file.cells(),
            document_called(document, "ledger", today) if document else None,
            defaults,
            rules=today,
            rules_at=rules_at,
            zone=directory.edition.calendar.zone,
        )
        rows: list[Row] = []
        faults = list(sheet.faults)
        forbidden: ForbiddenError | None = None
        for entry in sheet.entries:
            try:
                rows.append(self._row(entry, file, unit, who, now))
            except InvalidInputError as error:
                told = {(one.row, one.column) for one in faults if one.row == entry.row}
                found = [entry.fault(one.field, one.reason) for one in error.problems]
                faults += [one for one in found if (one.row, one.column) not in told]
            except NotFoundError as error:
                faults.append(entry.fault("unit", str(error)))
            except ForbiddenError as error:
                forbidden = error
        if forbidden and not faults:
            raise forbidden
        return rows, faults

    def _row(self, entry: Entry, file: File, unit: str, who: Caller, now: datetime) -> Row:
        said = file.said(entry.said)
        own = unit_for(self.matters.context, who, str(entry.said.get("unit") or unit))
        if said.registered_at is not None:
            must_import(who.rights)
        self.matters.examined(said, own, now)
        digest = hashlib.sha256(orjson.dumps([said, own], option=orjson.OPT_SORT_KEYS)).hexdigest()
        return Row(entry, said, own, Command(f"ledger-{file.digest}-{entry.row}", digest, file.request))

    async def _numbers_known(self, rows: Sequence[Row]) -> list[Fault]:
        """Find partners' numbers that are registered already, or that stand in the file twice."""
        faults: list[Fault] = []
        first: dict[tuple[str, str], int] = {}
        for row in rows:
            if not row.said.external_number:
                continue
            earlier = first.setdefault((row.said.channel, row.said.external_number), row.entry.row)
            known = await self.matters.number_known(row.said, row.command)
            if earlier != row.entry.row or known:
                reason = f"registered already, as {known}" if known else f"the same as in row {earlier}"
                faults.append(row.entry.fault("external_number", reason))
        return faults
