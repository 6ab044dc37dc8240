"""Scoring's use cases: record, read, close."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import structlog

from services.scoring import domain
from services.scoring.domain import Compact, Document, Order, Subject
from services.scoring.domain.facts import ORGANISATION_TYPES, UNIT_TYPES, fact_of, in_order, up_to
from services.scoring.domain.fair_view import document_of as fair_document
from services.scoring.domain.fair_view import fair_view
from services.scoring.domain.fold import MonthResult, PeriodResult, fold_subjects, unit_facts_since
from services.scoring.domain.month import Tariffs, rules_of_month, window
from services.scoring.domain.obligations import Duty, Status, UnitRecord, agenda
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import months_of
from services.scoring.domain.rosters import Gap, gaps, shifts
from services.scoring.store import Store, index_of
from shared.errors import NotFoundError, StaleWriteError, SupervisionError
from shared.events import Event, Happened, stream_of
from shared.events.facts import Fact
from shared.events.scoring import (
    DisputeRuled,
    InspectionRecorded,
    OffenceFound,
    PeriodClosed,
)
from shared.identity.directory import Directory, Unit
from shared.inbox.store import Inbox
from shared.outbox.log import Log
from shared.storage.aggregates import Change, Stamp, Stored, change_of
from shared.storage.retrying import retrying
from shared.timekeeping.calendar import Month
from shared.values.idempotency import must_be_same

logger = structlog.get_logger(__name__)

UNIT_FACT_TYPES = (*sorted(UNIT_TYPES | ORGANISATION_TYPES), DisputeRuled.TYPE, OffenceFound.TYPE)

REWORK_BATCH = 200
REWORK_ROUNDS = 5
"""Batches of one sweep; what is followed meanwhile has its turn in between."""


@dataclass(slots=True)
class Scoring:
    """Use cases over facts and periods.

    Attributes:
        stamp: Makes the stamp of an event for a stream, unit and correlation id.
    """

    store: Store
    inbox: Inbox
    log: Log
    directory: Directory
    clock: Callable[[], datetime]
    stamp: Callable[[str, str, str, datetime], Stamp]
    organisation: Organisation = field(default_factory=lambda: Organisation.of(()))
    _tariffs: dict[str, Tariffs] = field(default_factory=dict)
    _context: tuple[str, Organisation, str] | None = None

    def tariffs(self) -> Tariffs:
        """Return the prices of the edition in force, prepared once per edition."""
        edition = self.directory.edition
        if edition.hash not in self._tariffs:
            self._tariffs = {edition.hash: Tariffs.of(edition)}
        return self._tariffs[edition.hash]

    def context(self) -> str:
        """Return what names the edition and the organisation that postings are worked out with now."""
        edition, organisation = self.directory.edition.hash, self.organisation
        if self._context is None or self._context[0] != edition or self._context[1] is not organisation:
            text = f"{edition} {organisation.records} {organisation.spans}"
            self._context = (edition, organisation, hashlib.sha256(text.encode()).hexdigest())
        return self._context[2]

    async def load_organisation(self, _changed: Sequence[str] = ()) -> None:
        """Read the organisation from the facts about it."""
        facts = await self.store.facts_of_units(sorted(ORGANISATION_TYPES))
        organisation = Organisation.of(in_order(fact_of(fact) for fact in facts))
        # The one in hand remembers its answers.
        if organisation != self.organisation:
            self.organisation = organisation

    async def rework(self) -> int:
        """Work out anew what was worked out with another organisation or edition, or before its month had ended.

        Returns how many were. So a posting whose unit arrives later finds it, and what is judged at a month's
        end is told then. Bounded: a large change takes several sweeps, and a
        period that is closed meanwhile is folded from the facts anyway.
        """
        if not self.directory.enacted:
            return 0
        # Another replica may have followed what changed it.
        await self.load_organisation()
        total = 0
        for _ in range(REWORK_ROUNDS):
            batch = await self.store.outdated(self.context(), self.clock(), REWORK_BATCH)
            changes = [self._reworked(stored) for stored in batch]
            outcomes = await self.store.save_subjects(changes) if changes else ()
            total += sum(outcome is None for outcome in outcomes)
            if not batch:
                break
        return total

    def _reworked(self, stored: Stored[Subject]) -> Change[Subject]:
        known, now = stored.state or Subject({}, {}), self.clock()
        last = list(known.facts.values())[-1]
        try:
            subject, happened, months = domain.gather(known, (), self.tariffs(), self.organisation, now)
        except SupervisionError as error:
            # As it stands it is shown as it was; the close says what is wrong, in front of a person.
            logger.warning("scoring.not-reworked", subject=stored.id, error=str(error))
            return change_of(stored, known, (), None, index={"basis": self.context(), "again": None})
        stamp = self.stamp(stream_of(last["source"]), last["unit"], f"rework-{stored.id}", now)
        index = index_of(
            subject, months, self.context(), domain.judged_again(subject, months, self.tariffs(), now)
        )
        return change_of(stored, subject, happened, stamp, index=index)

    # --- record

    async def first_answer(self, subject: str, digest: str) -> Document | None:
        """Return what was recorded under this key before.

        Raises:
            KeyReusedError: The key came before with another body.
        """
        stored = await self.store.record(subject)
        return _same(stored.state, digest) if stored.state is not None else None

    async def record(
        self, subject: str, event: Event, at: datetime, *, unit: Unit, key: str, digest: str
    ) -> Document:
        """Keep what someone recorded, and tell it. The same key again gives the first answer.

        Raises:
            KeyReusedError: The key came before with another body.
        """
        stored = await self.store.record(subject)
        if stored.state is not None:
            return _same(stored.state, digest)
        data = event.model_dump(mode="json")
        state = {"digest": digest, "type": event.TYPE, "at": at.isoformat(), "data": data}
        now = self.clock()
        stamp = self.stamp(unit.site, unit.unit, key, now)
        try:
            await self.store.save_record(change_of(stored, state, [Happened(event, at)], stamp, index={}))
        except StaleWriteError:
            again = await self.store.record(subject)
            return _same(again.state or {}, digest)
        return state

    async def units_of(self, complaint_id: str) -> list[Unit]:
        """Return the units that a complaint was with; none where it is not known here."""
        matter = await self.store.matter(complaint_id)
        names = {str(fact["unit"]) for fact in matter.facts.values()} if matter else set()
        return [self.directory.units[name] for name in sorted(names) if name in self.directory.units]

    # --- read

    async def unit_facts(self, month: str) -> list[Fact]:
        """Return the facts about units that a month is judged by."""
        since = unit_facts_since(Month(int(month[:4]), int(month[5:])))
        recent = await self.store.facts_of_units(
            [one for one in UNIT_FACT_TYPES if one not in ORGANISATION_TYPES], since
        )
        dated = await self.store.facts_of_units(sorted(ORGANISATION_TYPES))
        return in_order(fact_of(fact) for fact in (*recent, *dated))

    async def agenda(self, now: datetime) -> list[tuple[Duty, Status]]:
        """Return the duties that are open, overdue or lately done."""
        edition = self.directory.edition
        month = edition.calendar.month_of(now)
        record = UnitRecord(tuple(await self.unit_facts(str(month))), self.organisation, edition.calendar)
        return list(agenda(edition, self.organisation, record, now))

    async def figures(self, month: str) -> list[Document]:
        """Return the figures that stand for a month."""
        record = UnitRecord(
            tuple(await self.unit_facts(month)), self.organisation, self.directory.edition.calendar
        )
        return [
            {"figure": figure, "unit": unit, "value": amounts.normal, "with_problem_users": amounts.all}
            for figure, unit in sorted(record.told)
            if (amounts := record.figure(figure, unit, month)) is not None
        ]

    async def rosters(self, month: str) -> tuple[list[Document], tuple[Gap, ...]]:
        """Return the shifts that touch a month, and the times of it that no shift covers."""
        edition, facts = self.directory.edition, await self.unit_facts(month)
        start, end = window(edition, Month(int(month[:4]), int(month[5:])))
        shown = [
            {"roster": roster, "unit": unit, "start": begin, "end": until, "person": person}
            for (roster, unit), own in sorted(shifts(facts).items())
            for begin, until, person in own
            if begin < end and until > start
        ]
        return shown, gaps(facts, edition, self.organisation, start, end)

    async def inspections(
        self, units: Sequence[str] | None, month: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[Document]:
        """Return one page of the inspections of units in a month, with who inspected and who assessed."""
        span = window(self.directory.edition, Month(int(month[:4]), int(month[5:])))
        found = await self.store.inspections(units, span, after, limit)
        return [
            {
                "record": one["subject"],
                "event": one["id"],
                "at": one["time"],
                **one["data"],
                # Who has an assessor is external, and who has none is not: see ``check_inspection``.
                "external": bool(InspectionRecorded.view(one["data"]).assessor),
            }
            for one in found
        ]

    async def postings(
        self, units: Sequence[str] | None, month: str, after: str, limit: int
    ) -> tuple[list[Compact], str | None]:
        """Return the postings of units in a month as they stand now, from one matter on, whole matters.

        Returns:
            About ``limit`` postings, and the last matter among them where more follow.
        """
        page = await self.store.posted(units, month, after, limit)
        found: list[Compact] = []
        for number, stored in enumerate(page, 1):
            mine = stored.state.postings.values() if stored.state else ()
            found += sorted(
                (one for one in mine if one["month"] == month and (units is None or one["unit"] in units)),
                key=lambda one: (one["unit"], one["sheet"], one["item"], one["at"], one["id"]),
            )
            if len(found) >= limit:
                return found, stored.id if number < len(page) or len(page) == limit else None
        return found, None

    async def posting(self, posting: str) -> Compact:
        """Return a posting about a matter, as it stands or as it was published. Raises ``NotFoundError``."""
        found = await self.store.posting(posting)
        if found is None:
            # One about a unit is nowhere but in what was published; the newest is disputed first.
            for name in sorted(await self.store.published(), reverse=True):
                told = orjson.loads((await self.period(name))["result"]).get("postings", ())
                found = next((one for one in told if one["id"] == posting), None)
                if found is not None:
                    break
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

    async def period(self, period: str, version: int | None = None) -> Document:
        """Return a published period, the newest version or the one asked for. Raises ``NotFoundError``."""
        stored = await self.store.period(period)
        if stored.state is None:
            msg = f"Period {period} is not published. POST /v1/periods/{period}/close closes it."
            raise NotFoundError(msg)
        if version is None or version == stored.state["version"]:
            return stored.state
        earlier = await self.store.version(period, version)
        if earlier is None:
            msg = f"Period {period} has no version {version}. GET /v1/periods lists them."
            raise NotFoundError(msg)
        return earlier

    async def fair(self, period: str, ranking: str, version: int | None = None) -> dict[str, Any]:
        """Return the fair view of a published month's ranking. Raises ``NotFoundError``."""
        document = await self.period(period, version)
        edition = self.directory.edition_called(document["edition_hash"])
        rules = rules_of_month(edition, months_of(period)[-1])
        seed = document["result_hash"]
        # In a thread: thousands of draws.
        view = await asyncio.to_thread(fair_view, orjson.loads(document["result"]), ranking, rules, seed)
        return {"version": document["version"], **fair_document(view)}

    async def watermark(self) -> dict[str, Any]:
        """Return how far each source's facts have all arrived, what is missing, and what is set aside."""
        gaps = await self.inbox.gaps()
        return {
            "received": {gap.source: gap.received for gap in gaps},
            "heads": {gap.source: gap.head for gap in gaps},
            "missing": sum(last - first + 1 for gap in gaps for first, last in gap.missing),
            "aside": await self._aside(),
        }

    async def _aside(self) -> list[Document]:
        """Return the facts that could not be applied and that only an operator brings back."""
        return [
            {
                "event": one.id,
                "type": one.type,
                "subject": one.subject,
                "unit": orjson.loads(one.body)["unit"],
                "source": one.source,
                "sequence": one.sequence,
                # Not the reason, which may quote what was met: that is for operators.
                "cause": one.fingerprint,
                "since": one.parked_at.isoformat(),
            }
            for one in await self.inbox.parked()
            # A fork or what nobody can read is no fact that is missing here.
            if one.kind == "failing"
        ]

    # --- close

    async def close(self, period: str, order: Order) -> Document:
        """Close and publish a period, or restate it when later facts change what was published.

        Publishing again without a change gives the publication that there is; the same key again gives the
        publication that it made.

        Returns:
            The summary of the version that holds.

        Raises:
            PeriodOrderError: The period has not ended, or a month that it rests on is open.
            NotCompleteError: Facts are still on their way.
            SetAsideError: Facts are here that could not be applied.
            KeyReusedError: The key came before with another body.
        """

        async def once() -> Document:
            stored = await self.store.period(period)
            if (told := domain.answered(stored.state, order)) is not None:
                return told
            return await self._publish(period, stored, order)

        return await retrying(once)

    async def _publish(self, period: str, stored: Stored[Document], order: Order) -> Document:
        edition, months = self.directory.edition, months_of(period)
        domain.check_ended(months, edition, order.at)
        watermark: dict[str, int] = {}
        result: PeriodResult
        if len(months) > 1:
            published = await self.store.periods_called([str(month) for month in months])
            result = domain.span(period, months, published, edition, order.at)
        else:
            watermark = await self._complete_watermark()
            result = await self._month(months[0], order.at, watermark)
        told = domain.delivered(months, edition) if len(months) == 1 else frozenset[str]()
        state, happened = await asyncio.to_thread(
            domain.publish, stored.state, result, watermark, order, told
        )
        if happened:
            if stored.state is not None:
                await self.store.keep_version(stored.state)
            stamp = self.stamp("group", "group", order.key, self.clock())
            await self.store.save_period(change_of(stored, state, happened, stamp, index={}))
        return domain.summary(state)

    async def _month(self, month: Month, at: datetime, watermark: Mapping[str, int]) -> MonthResult:
        edition = self.directory.edition
        if self.tariffs().counts_again:
            # What stays undone touches each month by itself, and must be among those that are read.
            while await self.rework():
                pass
        published = await self.store.periods_called(domain.looked_back_on(month, edition))
        before = {name: domain.totals(document) for name, document in published.items()}
        subjects = [
            list(up_to(stored.state.history(), watermark))
            async for page in self.store.touching(str(month))
            for stored in page
            if stored.state
        ]
        units = list(up_to(await self.unit_facts(str(month)), watermark))
        # In a thread, so that the service answers and follows meanwhile.
        return await asyncio.to_thread(fold_subjects, subjects, units, edition, month, at, before)

    async def _complete_watermark(self) -> dict[str, int]:
        gaps = await self.inbox.gaps()
        received = {gap.source: gap.received for gap in gaps}
        late = {gap.source for gap in gaps if gap.missing}
        for source in await self.log.sources():
            head, _ = await self.log.head(source, fresh=True)
            if received.get(source, 0) < head:
                late.add(source)
        if aside := [one for one in await self._aside() if one["source"] in late]:
            raise domain.set_aside(aside)
        if late or await self.store.records.pending(1) or await self.store.disputes.pending(1):
            names = ", ".join(sorted(late)) or "scoring's own records and rulings"
            msg = f"Facts are still on their way from {names}. Try again in a moment; GET /v1/watermark shows more."
            raise domain.NotCompleteError(msg)
        return received


def _same(state: Document, digest: str) -> Document:
    must_be_same(str(state.get("digest")), digest)
    return state
