"""Scoring's use cases: record, read, close."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from services.scoring import domain
from services.scoring.domain import Compact, Document
from services.scoring.store import MongoStore
from shared.directory import Directory
from shared.errors import KeyReusedError, NotFoundError, StaleWriteError
from shared.events import Event, Happened
from shared.events.scoring import PeriodClosed
from shared.rulebook.basis import Tariffs
from shared.rulebook.calendar import Month
from shared.rulebook.duties import Duty, Ledger, Status, agenda
from shared.rulebook.facts import ORGANISATION_TYPES, UNIT_TYPES, Fact, fact_of, in_order, up_to
from shared.rulebook.fold import MonthResult, PeriodResult, fold_subjects
from shared.rulebook.organisation import Organisation
from shared.rulebook.rankings import months_of
from shared.storage import Inbox, Log, Stamp, change_of

UNIT_FACT_TYPES = (*sorted(UNIT_TYPES | ORGANISATION_TYPES), "dispute.ruled.v1", "offence.found.v1")
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(slots=True)
class Scoring:
    """Use cases over facts and periods.

    Attributes:
        stamp: Makes the stamp of an event for a stream, unit and correlation id.
    """

    store: MongoStore
    inbox: Inbox
    log: Log
    directory: Directory
    clock: Callable[[], datetime]
    stamp: Callable[[str, str, str, datetime], Stamp]
    organisation: Organisation = field(default_factory=lambda: Organisation.of(()))
    _tariffs: dict[str, Tariffs] = field(default_factory=dict)

    def tariffs(self) -> Tariffs:
        """Return the prices of the edition in force, prepared once per edition."""
        edition = self.directory.edition
        if edition.hash not in self._tariffs:
            self._tariffs = {edition.hash: Tariffs.of(edition)}
        return self._tariffs[edition.hash]

    async def load_organisation(self, _changed: Sequence[str] = ()) -> None:
        """Read the organisation from the facts about it."""
        facts = await self.store.facts_of_units(sorted(ORGANISATION_TYPES))
        self.organisation = Organisation.of(in_order(fact_of(fact) for fact in facts))

    # --- record

    async def record(
        self, subject: str, event: Event, at: datetime, *, site: str, key: str, digest: str
    ) -> Document:
        """Keep what someone recorded, and tell it. The same key again gives the first answer.

        Raises:
            KeyReusedError: The key came before with another body.
        """
        stored = await self.store.record(subject)
        if stored.state is not None:
            return _first_answer(stored.state, digest)
        data = event.model_dump(mode="json")
        state = {"digest": digest, "type": event.TYPE, "at": at.isoformat(), "data": data}
        now = self.clock()
        stamp = self.stamp(site, str(data["unit"]), key, now)
        try:
            await self.store.save_record(change_of(stored, state, [Happened(event, at)], stamp, index={}))
        except StaleWriteError:
            again = await self.store.record(subject)
            return _first_answer(again.state or {}, digest)
        return state

    # --- read

    async def unit_facts(self, month: str) -> list[Fact]:
        """Return the facts about units that a month is judged by."""
        since = datetime(int(month[:4]) - 1, 1, 1, tzinfo=UTC)
        recent = await self.store.facts_of_units(
            [one for one in UNIT_FACT_TYPES if one not in ORGANISATION_TYPES], since
        )
        dated = await self.store.facts_of_units(sorted(ORGANISATION_TYPES))
        return in_order(fact_of(fact) for fact in (*recent, *dated))

    async def agenda(self, now: datetime) -> list[tuple[Duty, Status]]:
        """Return the duties that are open, overdue or lately done."""
        edition = self.directory.edition
        month = edition.calendar.month_of(now)
        ledger = Ledger(tuple(await self.unit_facts(str(month))), self.organisation, edition.calendar)
        return list(agenda(edition, self.organisation, ledger, now))

    async def postings(self, units: Sequence[str] | None, month: str) -> list[Compact]:
        """Return the postings of units in a month as they stand now, in order of unit, item and time."""
        found = [
            posting
            for subject in await self.store.posted(units, month)
            for posting in subject.postings.values()
            if posting["month"] == month and (units is None or posting["unit"] in units)
        ]
        return sorted(found, key=lambda one: (one["unit"], one["sheet"], one["item"], one["at"], one["id"]))

    async def posting(self, posting: str) -> Compact:
        """Return a posting about a matter, as it stands or as it was published. Raises ``NotFoundError``."""
        found = await self.store.posting(posting)
        if found is None:
            for document in await self.store.all_periods():
                told = orjson.loads(document["result"]).get("postings", ())
                found = next((one for one in told if one["id"] == posting), found)
        if found is None:
            msg = "There is no such posting. GET /v1/postings lists them."
            raise NotFoundError(msg)
        return found

    async def export(self) -> AsyncIterator[list[Compact]]:
        """Walk every fact, and then every publication, a page at a time."""
        async for page in self.store.every_fact():
            yield page
        for source in await self.log.sources():
            async for entries in self.log.every(source):
                records = [orjson.loads(entry.body) for entry in entries if entry.type == PeriodClosed.TYPE]
                yield [domain.compact(record) for record in records]

    async def period(self, period: str) -> Document:
        """Return a published period. Raises ``NotFoundError``."""
        stored = await self.store.period(period)
        if stored.state is None:
            msg = f"Period {period} is not published. POST /v1/periods/{period}/close closes it."
            raise NotFoundError(msg)
        return stored.state

    async def watermark(self) -> dict[str, Any]:
        """Return how far each source's facts have all arrived, and what is missing."""
        holes = await self.inbox.holes()
        return {
            "received": {hole.source: hole.received for hole in holes},
            "heads": {hole.source: hole.head for hole in holes},
            "missing": sum(last - first + 1 for hole in holes for first, last in hole.missing),
        }

    # --- close

    async def close(self, period: str, at: datetime, by: str, key: str) -> Document:
        """Close and publish a period, or restate it when later facts change what was published.

        Publishing again without a change gives the publication that there is.

        Raises:
            PeriodOrderError: The period has not ended, or a month that it rests on is open.
            NotCompleteError: Facts are still on their way.
        """
        edition, months = self.directory.edition, months_of(period)
        domain.check_ended(months, edition, at)
        stored = await self.store.period(period)
        watermark: dict[str, int] = {}
        result: PeriodResult
        if len(months) > 1:
            result = domain.span(period, months, await self._published(), edition, at)
        else:
            watermark = await self._complete_watermark()
            result = await self._month(months[0], at, watermark)
        state, happened = domain.publish(stored.state, result, watermark, by, at)
        if happened:
            stamp = self.stamp("group", "group", key, self.clock())
            await self.store.save_period(change_of(stored, state, happened, stamp, index={}))
        return state

    async def _month(self, month: Month, at: datetime, watermark: Mapping[str, int]) -> MonthResult:
        before = {
            name: domain.totals(document)
            for name, document in (await self._published()).items()
            if _MONTH.fullmatch(name) and name < str(month)
        }
        subjects = [
            list(up_to(stored.state.history(), watermark))
            async for page in self.store.touching(str(month))
            for stored in page
            if stored.state
        ]
        units = list(up_to(await self.unit_facts(str(month)), watermark))
        return fold_subjects(subjects, units, self.directory.edition, month, at, before)

    async def _published(self) -> dict[str, Document]:
        return {str(document["period"]): document for document in await self.store.all_periods()}

    async def _complete_watermark(self) -> dict[str, int]:
        holes = await self.inbox.holes()
        received = {hole.source: hole.received for hole in holes}
        late = {hole.source for hole in holes if hole.missing}
        for source in await self.log.sources():
            head, _ = await self.log.head(source, fresh=True)
            if received.get(source, 0) < head:
                late.add(source)
        if late or await self.store.records.pending(1):
            names = ", ".join(sorted(late)) or "scoring's own records"
            msg = f"Facts are still on their way from {names}. Try again in a moment; GET /v1/watermark shows more."
            raise domain.NotCompleteError(msg)
        return received


def _first_answer(state: Document, digest: str) -> Document:
    if state.get("digest") != digest:
        msg = "This idempotency key was used with another body. Send a new key."
        raise KeyReusedError(msg)
    return state
