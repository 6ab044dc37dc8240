"""Where scoring keeps facts by subject, facts of units, what people recorded, and published periods."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.scoring.domain import Compact, Document, Subject
from shared.storage import ASCENDING, Aggregates, Change, Database, IndexModel, Offer, Stored


def _same(state: Document) -> Document:
    return state


def subjects_in(database: Database, offer: Offer) -> Aggregates[Subject]:
    """Return the collection of matters: their facts and what they post."""
    return Aggregates(database, "subjects", load=Subject.load, dump=Subject.dump, offer=offer)


def unit_facts_in(database: Database) -> Aggregates[Compact]:
    """Return the collection of facts about units: one document a fact, insert-only."""
    return Aggregates(database, "unit_facts", load=_same, dump=_same)


def records_in(database: Database, offer: Offer) -> Aggregates[Document]:
    """Return the collection of what people recorded here: inspections, findings, reports, rulings."""
    return Aggregates(database, "records", load=_same, dump=_same, offer=offer)


def periods_in(database: Database, offer: Offer) -> Aggregates[Document]:
    """Return the collection of published periods."""
    return Aggregates(database, "periods", load=_same, dump=_same, offer=offer)


SUBJECT_INDEXES = (
    IndexModel([("months", ASCENDING)]),
    IndexModel([("postings.unit", ASCENDING), ("postings.month", ASCENDING)]),
    IndexModel([("postings.id", ASCENDING)]),
)
UNIT_FACT_INDEXES = (IndexModel([("type", ASCENDING), ("time", ASCENDING)]),)


class MongoStore:
    """Scoring's collections in MongoDB."""

    def __init__(
        self,
        subjects: Aggregates[Subject],
        unit_facts: Aggregates[Compact],
        records: Aggregates[Document],
        periods: Aggregates[Document],
    ) -> None:
        """No IO happens here."""
        self.subjects, self.unit_facts, self.records, self.periods = subjects, unit_facts, records, periods

    async def ensure_indexes(self) -> None:
        """Create the indexes of every query below."""
        await self.subjects.ensure_indexes(*SUBJECT_INDEXES)
        await self.unit_facts.ensure_indexes(*UNIT_FACT_INDEXES)

    async def touching(self, month: str, page: int = 500) -> AsyncIterator[list[Stored[Subject]]]:
        """Walk the subjects that can post something in a month, a page at a time."""
        after = ""
        while found := await self.subjects.find(
            {"months": month, "_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=page
        ):
            yield found
            after = found[-1].id

    async def facts_of_units(self, types: Sequence[str], since: datetime | None = None) -> list[Compact]:
        """Return facts about units: of these types, that happened from ``since`` on."""
        query: Document = {"type": {"$in": list(types)}}
        if since is not None:
            query["time"] = {"$gte": since}
        return [stored.state for stored in await self.unit_facts.find(query) if stored.state]

    async def posted(self, units: Sequence[str] | None, month: str) -> list[Subject]:
        """Return the subjects with postings of these units in a month."""
        one: Document = {"month": month} if units is None else {"unit": {"$in": list(units)}, "month": month}
        query: Mapping[str, Any] = (
            {"months": month, "postings.0": {"$exists": True}}
            if units is None
            else {"postings": {"$elemMatch": one}}
        )
        return [stored.state for stored in await self.subjects.find(query) if stored.state]

    async def posting(self, posting: str) -> Compact | None:
        """Return a posting about a matter as it stands now."""
        for stored in await self.subjects.find({"postings.id": posting}, limit=1):
            if stored.state:
                return stored.state.postings[posting]
        return None

    async def every_fact(self, page: int = 500) -> AsyncIterator[list[Compact]]:
        """Walk all facts, of units and of matters, a page at a time."""
        after = ""
        while units := await self.unit_facts.find(
            {"_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=page
        ):
            yield [stored.state for stored in units if stored.state]
            after = units[-1].id
        after = ""
        while found := await self.subjects.find(
            {"_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=page
        ):
            yield [fact for stored in found if stored.state for fact in stored.state.facts.values()]
            after = found[-1].id

    async def record(self, key: str) -> Stored[Document]:
        """Return a record; ``version`` 0 where there is none."""
        return await self.records.get(key)

    async def save_record(self, change: Change[Document]) -> None:
        """Write a record with its event, together or not at all."""
        await self.records.save(change)

    async def period(self, period: str) -> Stored[Document]:
        """Return a published period; ``version`` 0 where it is not closed."""
        return await self.periods.get(f"period/{period}")

    async def all_periods(self) -> list[Document]:
        """Return every published period, in order."""
        found = await self.periods.find({}, sort=[("_id", ASCENDING)])
        return [stored.state for stored in found if stored.state]

    async def save_period(self, change: Change[Document]) -> None:
        """Write a publication with its events, together or not at all."""
        await self.periods.save(change)
