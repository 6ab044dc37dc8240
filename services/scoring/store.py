"""Where scoring keeps facts by subject, facts of units, what people recorded, and published periods."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from services.scoring.domain import Compact, Document, Subject
from services.scoring.domain.disputes import Dispute
from shared.events.scoring import InspectionRecorded
from shared.storage import ASCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Change, Offer, Stored, change_of
from shared.storage.database import Database
from shared.timekeeping.calendar import Month

SUBJECT_INDEXES = (
    IndexModel([("months", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("postings.unit", ASCENDING), ("postings.month", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("postings.id", ASCENDING)]),
    IndexModel([("basis", ASCENDING)]),
    IndexModel([("again", ASCENDING)], partialFilterExpression={"again": {"$type": "date"}}),
)
PERIOD, VERSION, FACT, DISPUTE, RULING = "period/", "version/", "fact/", "dispute/", "ruling/"
_LISTED = (
    "period",
    "version",
    "as_of",
    "by",
    "watermark",
    "edition",
    "edition_hash",
    "facts_hash",
    "result_hash",
    "content_hash",
    "versions",
)
"""What a list says of a publication: all but the result itself."""


def index_of(subject: Subject, months: Sequence[Month], context: str, again: datetime | None) -> Document:
    """Return the fields that subjects are queried by.

    Args:
        basis: What the postings were worked out with; see ``Scoring.basis``.
        again: When they are to be worked out anew in any case.
    """
    postings = [
        {"id": one["id"], "unit": one["unit"], "month": one["month"]} for one in subject.postings.values()
    ]
    return {
        "months": [str(month) for month in months],
        "postings": postings,
        "basis": context,
        "again": again,
    }


def touching_query(month: str, after: str = "") -> Document:
    """Return the query for the subjects that can post something in a month."""
    return {"months": month, "_id": {"$gt": after}}


def posted_query(units: Sequence[str] | None, month: str, after: str = "") -> Document:
    """Return the query for the subjects with postings of these units (any, where None) in a month."""
    if units is None:
        return {**touching_query(month, after), "postings.month": month}
    posted = {"unit": {"$in": list(units)}, "month": month}
    return {"postings": {"$elemMatch": posted}, "_id": {"$gt": after}}


def outdated_query(context: str) -> Document:
    """Return the query for the subjects whose postings were worked out on another basis."""
    return {"basis": {"$ne": context}}


def again_query(now: datetime) -> Document:
    """Return the query for the subjects that have something to be judged anew by now."""
    return {"again": {"$type": "date", "$lte": now}}


def facts_query(types: Sequence[str], since: datetime | None = None) -> Document:
    """Return the query for facts about units: of these types, that happened from ``since`` on."""
    query: Document = {"type": {"$in": list(types)}}
    if since is not None:
        query["time"] = {"$gte": since}
    return query


def inspections_query(
    units: Sequence[str] | None, start: datetime, end: datetime, after: tuple[datetime, str] | None = None
) -> Document:
    """Return the query for the inspections of these units (any, where None) in ``[start, end)``."""
    query: Document = {"type": InspectionRecorded.TYPE, "time": {"$gte": start, "$lt": end}}
    if units is not None:
        query["unit"] = {"$in": list(units)}
    if after is not None:
        at, event = after
        query["$or"] = [{"time": {"$gt": at}}, {"time": at, "_id": {"$gt": f"{FACT}{event}"}}]
    return query


BY_ID = (("_id", ASCENDING),)
BY_TIME = (("time", ASCENDING), ("_id", ASCENDING))
DISPUTE_INDEXES = (
    IndexModel([("unit", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("by", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("due", ASCENDING)], partialFilterExpression={"due": {"$type": "date"}}),
)
RULING_INDEXES = (IndexModel([("owed", ASCENDING)], partialFilterExpression={"owed": True}),)
UNIT_FACT_INDEXES = (IndexModel([("type", ASCENDING), ("time", ASCENDING), ("_id", ASCENDING)]),)


class Store:
    """Scoring's collections.

    Attributes:
        subjects: The matters: their facts and what they post.
        unit_facts: Facts about units: one document a fact, insert-only.
        records: What people recorded here: inspections, findings, reports, rulings.
        rulings: Ours and those of handling: what they overturned, what they restate.
    """

    def __init__(self, database: Database, offer: Offer) -> None:
        """No IO happens here."""
        self.subjects: Aggregates[Subject] = Aggregates(
            database, "subjects", load=Subject.load, dump=Subject.dump, offer=offer, indexes=SUBJECT_INDEXES
        )
        self.unit_facts: Aggregates[Compact] = Aggregates(database, "unit_facts", indexes=UNIT_FACT_INDEXES)
        self.records: Aggregates[Document] = Aggregates(database, "records", offer=offer)
        self.periods: Aggregates[Document] = Aggregates(database, "periods", offer=offer)
        self.disputes: Aggregates[Dispute] = Aggregates(
            database,
            "disputes",
            load=Dispute.model_validate,
            dump=lambda dispute: dispute.model_dump(mode="json"),
            offer=offer,
            indexes=DISPUTE_INDEXES,
        )
        self.rulings: Aggregates[Document] = Aggregates(database, "rulings", indexes=RULING_INDEXES)

    async def ensure_indexes(self) -> None:
        """Create the indexes of every query below."""
        for kept in (self.subjects, self.unit_facts, self.disputes, self.rulings):
            await kept.ensure_indexes()

    async def touching(self, month: str, page: int = 500) -> AsyncIterator[list[Stored[Subject]]]:
        """Walk the subjects that can post something in a month, a page at a time."""
        after = ""
        while found := await self.subjects.find(touching_query(month, after), sort=BY_ID, limit=page):
            yield found
            after = found[-1].id

    async def facts_of_units(self, types: Sequence[str], since: datetime | None = None) -> list[Compact]:
        """Return facts about units: of these types, that happened from ``since`` on."""
        return [
            stored.state for stored in await self.unit_facts.find(facts_query(types, since)) if stored.state
        ]

    async def unit_fact(self, event: str) -> Compact | None:
        """Return a fact about a unit by its event."""
        return (await self.unit_facts.get(f"{FACT}{event}")).state

    async def inspections(
        self,
        units: Sequence[str] | None,
        window: tuple[datetime, datetime],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Compact]:
        """Return one page of the inspections of these units in a span of time, the earliest first."""
        query = inspections_query(units, *window, after)
        found = await self.unit_facts.find(query, sort=BY_TIME, limit=limit)
        return [stored.state for stored in found if stored.state]

    async def posted(
        self, units: Sequence[str] | None, month: str, after: str, limit: int
    ) -> list[Stored[Subject]]:
        """Return one page of the subjects with postings of these units in a month, in order of subject."""
        return await self.subjects.find(posted_query(units, month, after), sort=BY_ID, limit=limit)

    async def outdated(self, context: str, now: datetime, limit: int) -> list[Stored[Subject]]:
        """Return subjects whose postings were worked out on another basis, or before a month had ended."""
        return await self.subjects.find(outdated_query(context), limit=limit) or await self.subjects.find(
            again_query(now), limit=limit
        )

    async def save_subjects(self, changes: Sequence[Change[Subject]]) -> Sequence[Exception | None]:
        """Write many subjects with one call; an error for each that lost."""
        return await self.subjects.save_many(changes)

    async def matter(self, subject: str) -> Subject | None:
        """Return what is known of one matter."""
        return (await self.subjects.get(subject)).state

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
        """Return a published period in its newest version; ``version`` 0 where it is not closed."""
        return await self.periods.get(f"{PERIOD}{period}")

    async def version(self, period: str, version: int) -> Document | None:
        """Return an earlier version of a published period."""
        return (await self.periods.get(f"{VERSION}{period}/{version}")).state

    async def published(self) -> set[str]:
        """Return the names of the published periods."""
        return {
            str(one["_id"]).removeprefix(PERIOD) async for one in self.periods.walk(self._newest(), ["_id"])
        }

    async def periods_called(self, names: Sequence[str]) -> dict[str, Document]:
        """Return those of the named periods that are published, in their newest version."""
        found = await self.periods.get_many(f"{PERIOD}{name}" for name in names)
        return {stored.state["period"]: stored.state for stored in found.values() if stored.state}

    async def listed(self, after: str, limit: int) -> list[Document]:
        """Return one page of the published periods in order of name, without their results."""
        names = sorted(name for name in await self.published() if name > after)[:limit]
        query = {"_id": {"$in": [f"{PERIOD}{name}" for name in names]}}
        fields = [f"state.{name}" for name in _LISTED]
        found = [row["state"] async for row in self.periods.walk(query, fields)]
        return sorted(found, key=lambda one: str(one["period"]))

    @staticmethod
    def _newest() -> Document:
        return {"_id": {"$gte": PERIOD, "$lt": "period0"}}

    async def keep_version(self, document: Document) -> None:
        """Keep a version beside the one that is about to take its place. Doing it again changes nothing."""
        kept = await self.periods.get(f"{VERSION}{document['period']}/{document['version']}")
        if kept.state is None:
            await self.periods.save(change_of(kept, document, (), None, index={}))

    async def save_period(self, change: Change[Document]) -> None:
        """Write a publication with its events, together or not at all."""
        await self.periods.save(change)

    async def dispute(self, name: str) -> Stored[Dispute]:
        """Return a dispute; ``version`` 0 where there is none."""
        return await self.disputes.get(f"{DISPUTE}{name}")

    async def disputes_due(self, now: datetime, limit: int) -> list[Stored[Dispute]]:
        """Return disputes of which a term has passed."""
        return await self.disputes.find({"due": {"$type": "date", "$lte": now}}, limit=limit)

    async def disputes_listed(
        self, units: Sequence[str] | None, person: str | None, after: str, limit: int, *, open_only: bool
    ) -> list[Dispute]:
        """Return one page of the disputes over units (any, where None), and of those that a person lodged."""
        query: Document = {"_id": {"$gt": f"{DISPUTE}{after}"}}
        if open_only:
            query["state.ruling"] = None
        if units is not None:
            mine: list[Document] = [{"unit": {"$in": list(units)}}]
            query["$or"] = [*mine, {"by": person}] if person is not None else mine
        found = await self.disputes.find(query, sort=BY_ID, limit=limit)
        return [stored.state for stored in found if stored.state]

    async def rulings_pending(self) -> list[Stored[Document]]:
        """Return the rulings whose months are still to be stated anew."""
        return await self.rulings.find({"owed": True}, sort=BY_ID)

    async def ruling_done(self, stored: Stored[Document]) -> None:
        """Keep that a ruling's months were stated anew."""
        done = {**(stored.state or {}), "restated": True}
        await self.rulings.save(change_of(stored, done, (), None, index={"owed": False}))

    async def every_ruling(self, page: int = 500) -> AsyncIterator[Document]:
        """Walk the rulings."""
        after = ""
        while found := await self.rulings.find({"_id": {"$gt": after}}, sort=BY_ID, limit=page):
            for stored in found:
                if stored.state:
                    yield stored.state
            after = found[-1].id
