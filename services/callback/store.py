"""Where matters are kept: one document a complaint, with the fields that queues, sweeps and months are read by."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.callback.domain import Dialler, Matter, Row, Status, next_due, rows_of
from services.callback.domain.campaigns import Campaign
from shared.events.envelope import iso
from shared.storage import ASCENDING, DESCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Offer, Stored
from shared.storage.database import Database

LIVE = "live"
"""Lane of the due index for what happens now; an entered complaint stands in its importer's lane."""


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """What to list: filters, and where the last page ended. ``units`` None: every unit."""

    units: Sequence[str] | None
    statuses: Sequence[str]
    due_before: datetime | None = None
    due_from: datetime | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 50


def index_of(matter: Matter) -> dict[str, Any]:
    """Return the fields that matters are queried by."""
    task = matter.current
    is_asked = task is not None and task.is_required
    is_free = task is not None and task.status is Status.OPEN and matter.ending_of(task) is None
    rows = rows_of(matter)
    imported = matter.imported or any(one.imported for one in matter.tasks)
    origin = matter.origin or (task.unit if task else "")
    return {
        "unit": task.unit if task else matter.origin,
        "status": str(task.status) if task else "not-closed",
        "ends": task.due_before if task and is_asked else None,
        "free": task.free_from if task and is_free else None,
        "holder": task.claim.by if task and is_free and task.claim else None,
        "closed_to": task.unit if task and is_free and not task.own_unit else None,
        "first_by": task.first_by if task and is_free and task.first_by else None,
        "roles": list(task.roles) if task and is_free and task.roles else None,
        "customer": customer_of(matter),
        "called": max(calls_of(matter), default=None),
        "lane": f"import/{origin}" if imported else LIVE,
        "due": next_due(matter),
        "months": sorted({_month_key(row.month, row.unit) for row in rows}),
        "rows": [asdict(row) for row in rows],
    }


def customer_of(matter: Matter) -> str:
    """Return who is called: the registration says it, or the case's end where that came first."""
    return matter.customer or (matter.current.customer if matter.current else "")


def calls_of(matter: Matter) -> list[datetime]:
    """Return when calls about a matter were made."""
    return [one.at for task in matter.tasks for one in task.attempts]


_UP = ASCENDING
_IS_DATE = {"$type": "date"}


INDEXES = (
    IndexModel([("lane", _UP), ("due", _UP)], name="sweep", partialFilterExpression={"due": _IS_DATE}),
    IndexModel([("unit", _UP), ("status", _UP), ("ends", _UP), ("_id", _UP)], name="queue-of-unit"),
    IndexModel([("status", _UP), ("ends", _UP), ("_id", _UP)], name="queue"),
    IndexModel(
        [("unit", _UP), ("ends", _UP), ("free", _UP)],
        name="free-of-unit",
        partialFilterExpression={"free": _IS_DATE},
    ),
    IndexModel([("ends", _UP), ("free", _UP)], name="free", partialFilterExpression={"free": _IS_DATE}),
    IndexModel([("holder", _UP)], name="held", partialFilterExpression={"holder": {"$type": "string"}}),
    IndexModel([("months", _UP)], name="month"),
    IndexModel(
        [("customer", _UP), ("called", _UP)], name="callee", partialFilterExpression={"called": _IS_DATE}
    ),
)


class Matters(Aggregates[Matter]):
    """The matters, with the queries that callback asks."""

    def __init__(self, database: Database, offer: Offer) -> None:
        """No IO happens here."""
        super().__init__(
            database,
            "tasks",
            load=Matter.model_validate,
            dump=lambda matter: matter.model_dump(mode="json", exclude_defaults=True),
            offer=offer,
            indexes=INDEXES,
        )

    async def due(self, lane: str, up_to: datetime, limit: int) -> list[Stored[Matter]]:
        """Return matters of a lane with a window that ended at or before ``up_to``, the oldest first."""
        return await self.find(due_query(lane, up_to), sort=[("due", _UP)], limit=limit)

    async def page(self, wanted: TaskQuery) -> list[Stored[Matter]]:
        """Return one page of tasks, those due soonest first."""
        return await self.find(page_query(wanted), sort=[("ends", _UP), ("_id", _UP)], limit=wanted.limit)

    async def free(
        self, units: Sequence[str] | None, who: Dialler, now: datetime, limit: int
    ) -> list[Stored[Matter]]:
        """Return open tasks that a caller may take now, those due soonest first."""
        return await self.find(free_query(units, who, now), sort=[("ends", _UP)], limit=limit)

    async def called(self, matter: Matter, since: datetime) -> list[datetime]:
        """Return when a matter's customer was called about other matters, after ``since``."""
        customer = customer_of(matter)
        if not customer:
            return []
        found = await self.find(callee_query(customer, since))
        others = [one.state for one in found if one.state and one.state.complaint_id != matter.complaint_id]
        return [moment for one in others for moment in calls_of(one) if moment > since]

    async def held(self, account: str, now: datetime) -> list[Stored[Matter]]:
        """Return open tasks that a caller holds."""
        found = await self.find(held_query(account))
        return [
            one
            for one in found
            if one.state
            and one.state.current
            and one.state.current.claim
            and now < one.state.current.claim.until
        ]

    async def month(self, month: str, units: Sequence[str] | None) -> AsyncIterator[Row]:
        """Walk what the tasks of a month add to its figures."""
        async for document in self.walk(month_query(month, units), ["rows"]):
            for row in map(Row.load, document["rows"]):
                if row.month == month and (units is None or row.unit in units):
                    yield row


def due_query(lane: str, up_to: datetime) -> dict[str, Any]:
    """Select what silence has something to say about."""
    return {"lane": lane, "due": {"$type": "date", "$lte": up_to}}


def callee_query(customer: str, since: datetime) -> dict[str, Any]:
    """Select the matters about which a customer was called since."""
    return {"customer": customer, "called": {"$type": "date", "$gt": since}}


def free_query(units: Sequence[str] | None, who: Dialler, now: datetime) -> dict[str, Any]:
    """Select what a caller may take: open, inside its window, nobody's, not too soon, and not barred to them."""
    query: dict[str, Any] = {
        "free": {"$type": "date", "$lte": now},
        "ends": {"$gt": now},
        "closed_to": {"$nin": sorted(who.units)},
        "first_by": {"$ne": who.person},
        "roles": {"$in": [None, who.role]},
    }
    if units is not None:
        query["unit"] = {"$in": list(units)}
    return query


def held_query(account: str) -> dict[str, Any]:
    """Select what a caller holds."""
    return {"holder": {"$type": "string", "$eq": account}}


def page_query(wanted: TaskQuery) -> dict[str, Any]:
    """Select one page of a queue."""
    query: dict[str, Any] = {"status": {"$in": list(wanted.statuses)}}
    if wanted.units is not None:
        query["unit"] = {"$in": list(wanted.units)}
    bounds = {"$gte": wanted.due_from, "$lt": wanted.due_before}
    given = {name: moment for name, moment in bounds.items() if moment is not None}
    if given:
        query["ends"] = given
    if wanted.after is not None:
        ends, complaint_id = wanted.after
        query["$and"] = [
            {"ends": {"$gte": ends}},
            {"$or": [{"ends": {"$gt": ends}}, {"_id": {"$gt": complaint_id}}]},
        ]
    return query


LATEST_FIRST = (("state.opened_at", DESCENDING), ("_id", DESCENDING))
CAMPAIGN_INDEXES = (IndexModel([("stage", _UP)], name="stage"), IndexModel(list(LATEST_FIRST), name="latest"))


def campaigns_in(database: Database, offer: Offer) -> Aggregates[Campaign]:
    """Return the collection of campaigns, one document each. A frame of 100,000 is some ten megabytes."""
    return Aggregates(
        database,
        "campaigns",
        load=Campaign.model_validate,
        dump=lambda campaign: campaign.model_dump(mode="json", exclude_defaults=True),
        offer=offer,
        indexes=CAMPAIGN_INDEXES,
    )


def reveals_in(database: Database, offer: Offer) -> Aggregates[dict[str, Any]]:
    """Return the collection of looks at personal data, one document each."""
    return Aggregates(database, "reveals", offer=offer)


def campaigns_query(units: Sequence[str] | None, after: tuple[datetime, str] | None) -> dict[str, Any]:
    """Select the campaigns that follow a place among those of these units."""
    query: dict[str, Any] = {} if units is None else {"state.unit": {"$in": list(units)}}
    if after is not None:
        opened, key = iso(after[0]), after[1]
        query["state.opened_at"] = {"$lte": opened}
        query["$or"] = [{"state.opened_at": {"$lt": opened}}, {"_id": {"$lt": key}}]
    return query


def month_query(month: str, units: Sequence[str] | None) -> dict[str, Any]:
    """Select the matters with a task whose window ends in a month."""
    if units is None:
        return {"months": {"$gte": _month_key(month, ""), "$lt": f"{month}0"}}
    return {"months": {"$in": [_month_key(month, unit) for unit in units]}}


def _month_key(month: str, unit: str) -> str:
    # One field rather than two, because an index cannot hold two lists. '0' is the sign after '/'.
    return f"{month}/{unit}"
