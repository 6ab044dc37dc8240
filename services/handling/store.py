"""Where cases are kept, with the fields that lists and sweeps are read by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.handling.domain import Case, Status
from shared.storage import ASCENDING, DESCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Offer, Stored
from shared.storage.database import Database

LIVE = "live"
"""Lane of the due index for cases that happen now; an entered case stands in its importer's lane."""


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """What to list: filters, and where the last page ended."""

    units: Sequence[str] | None
    status: str | None = None
    overdue: bool | None = None
    before: tuple[datetime, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whose alerts to list: a role at a unit, and the units that it sees (None: all)."""

    role: str
    unit: str
    units: Sequence[str] | None
    before: tuple[datetime, str] | None = None
    limit: int = 50


def lane_of(case: Case) -> str:
    """Return the lane of the due index in which a case stands."""
    return f"import/{case.charges[0].unit}" if case.imported else LIVE


def index_of(case: Case, due: datetime | None) -> dict[str, Any]:
    """Return the fields that cases are queried by."""
    return {
        "unit": case.unit,
        "held_by": (case.person or None) if case.is_live else None,
        "lane": lane_of(case),
        "status": str(case.status),
        "received": case.received_at,
        "overdue": any(clock.told and clock.runs for clock in case.clocks),
        "due": due,
        # A unit stands among the roles behind a sign that no role has.
        "alerted_to": sorted(
            {role for one in case.notices for role in one.roles}
            | {f"@{one.unit}" for one in case.notices if one.unit}
        ),
        "alerted_at": max((one.at for one in case.notices), default=None),
    }


CASE_INDEXES = (
    IndexModel([("lane", ASCENDING), ("due", ASCENDING)], partialFilterExpression={"due": {"$type": "date"}}),
    IndexModel(
        [("alerted_to", ASCENDING), ("alerted_at", DESCENDING), ("_id", DESCENDING)],
        partialFilterExpression={"alerted_at": {"$type": "date"}},
    ),
    IndexModel([("unit", ASCENDING), ("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("unit", ASCENDING), ("status", ASCENDING), ("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("unit", ASCENDING), ("overdue", ASCENDING), ("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("status", ASCENDING), ("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("overdue", ASCENDING), ("received", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("held_by", ASCENDING)], partialFilterExpression={"held_by": {"$type": "string"}}),
)
LATEST_ALERT_FIRST = (("alerted_at", DESCENDING), ("_id", DESCENDING))
NEWEST_FIRST = (("received", DESCENDING), ("_id", DESCENDING))


def due_query(lane: str, up_to: datetime) -> dict[str, Any]:
    """Return the query for the cases of a lane with a deadline at or before ``up_to``."""
    return {"lane": lane, "due": {"$type": "date", "$lte": up_to}}


def held_queries(units: Sequence[str], people: Sequence[str]) -> list[dict[str, Any]]:
    """Return the queries for the live cases of units, and for those of people."""
    return [
        {"unit": {"$in": list(units)}, "status": {"$in": [str(Status.OPEN), str(Status.RESOLVED)]}},
        {"held_by": {"$type": "string", "$in": list(people)}},
    ]


def page_query(wanted: CaseQuery) -> dict[str, Any]:
    """Return the query for one page, which ``NEWEST_FIRST`` puts in order."""
    query: dict[str, Any] = {}
    if wanted.units is not None:
        query["unit"] = {"$in": list(wanted.units)}
    if wanted.status is not None:
        query["status"] = wanted.status
    if wanted.overdue is not None:
        query["overdue"] = wanted.overdue
    if wanted.before is not None:
        received, complaint_id = wanted.before
        # The bound that an index can use, besides the exact one.
        query["received"] = {"$lte": received}
        query["$or"] = [{"received": {"$lt": received}}, {"_id": {"$lt": complaint_id}}]
    return query


def hearing_query(wanted: Hearing) -> dict[str, Any]:
    """Return the query for one page of what was told, which ``LATEST_ALERT_FIRST`` puts in order."""
    by_role: dict[str, Any] = {"alerted_to": wanted.role}
    if wanted.units is not None:
        by_role["unit"] = {"$in": list(wanted.units)}
    told = {"$or": [by_role, {"alerted_to": f"@{wanted.unit}"}]}
    if wanted.before is None:
        return {"alerted_at": {"$type": "date"}, **told}
    at, complaint_id = wanted.before
    earlier = {"$or": [{"alerted_at": {"$lt": at}}, {"_id": {"$lt": complaint_id}}]}
    return {"alerted_at": {"$type": "date", "$lte": at}, "$and": [told, earlier]}


class Cases(Aggregates[Case]):
    """The cases, with the queries that handling asks."""

    def __init__(self, database: Database, offer: Offer) -> None:
        """No IO happens here."""
        super().__init__(
            database,
            "cases",
            load=Case.model_validate,
            dump=lambda case: case.model_dump(mode="json", exclude_defaults=True),
            offer=offer,
            indexes=CASE_INDEXES,
        )

    async def due(self, lane: str, up_to: datetime, limit: int) -> list[Stored[Case]]:
        """Return cases of a lane with a deadline at or before ``up_to``, the oldest first."""
        return await self.find(due_query(lane, up_to), sort=[("due", ASCENDING)], limit=limit)

    async def page(self, wanted: CaseQuery) -> list[Stored[Case]]:
        """Return one page of cases, the newest first."""
        return await self.find(page_query(wanted), sort=NEWEST_FIRST, limit=wanted.limit)

    async def held(self, units: Sequence[str], people: Sequence[str], limit: int) -> list[Stored[Case]]:
        """Return live cases that are with one of these units or people."""
        found: dict[str, Stored[Case]] = {}
        for query in held_queries(units, people):
            found |= {one.id: one for one in await self.find(query, limit=limit)}
        return list(found.values())

    async def alerted(self, wanted: Hearing) -> list[Stored[Case]]:
        """Return one page of the cases of which somebody was told something, the newest alert first."""
        return await self.find(hearing_query(wanted), sort=LATEST_ALERT_FIRST, limit=wanted.limit)
