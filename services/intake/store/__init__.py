"""Where intake keeps its records, and the queries over them. Every query here has its index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain import progress
from services.intake.domain.census import Filed
from services.intake.domain.complaints import Complaint
from services.intake.domain.customers import Customer, Flag, Span
from services.intake.domain.files import Declaration, Praise, Product
from services.intake.store import records
from services.intake.store.records import State
from shared.storage import ASCENDING, DESCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Offer, Stored
from shared.storage.database import Database


@dataclass(frozen=True, slots=True)
class After:
    """Where the last page ended: a moment and an id."""

    moment: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which complaints a list asks for. Empty means any; times are half-open."""

    units: Sequence[str]
    since: datetime | None = None
    before: datetime | None = None
    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    after: After | None = None


# --- complaints

_SORT = (("received", DESCENDING), ("_id", DESCENDING))
MOST_ALIKE = 20


def listing(wanted: Wanted) -> dict[str, Any]:
    """Return the query of a list."""
    query: dict[str, Any] = {"unit": {"$in": list(wanted.units)}}
    received: dict[str, Any] = {}
    if wanted.since:
        received["$gte"] = wanted.since
    if wanted.before:
        received["$lt"] = wanted.before
    if wanted.after:
        received["$lte"] = wanted.after.moment
        query["$or"] = [{"received": {"$lt": wanted.after.moment}}, {"_id": {"$lt": wanted.after.id}}]
    if received:
        query["received"] = received
    if wanted.kinds:
        query["kind"] = {"$in": list(wanted.kinds)}
    if wanted.statuses:
        query["status"] = {"$in": list(wanted.statuses)}
    return query


def likeness(key: str, value: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return the query for complaints of one customer, or about one place."""
    return {key: value, "received": {"$gte": since, "$lt": until}}


class Complaints(Aggregates[Complaint]):
    """The complaints. Their indexes are few because each costs every registration."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        super().__init__(
            database,
            "complaints",
            load=load_complaint,
            dump=dump_complaint,
            offer=offer,
            indexes=(
                IndexModel(
                    [("unit", ASCENDING), *_SORT, ("kind", ASCENDING), ("status", ASCENDING)], name="list"
                ),
                IndexModel([("customer", ASCENDING), ("received", ASCENDING)], name="customer"),
                IndexModel([("place", ASCENDING), ("received", ASCENDING)], name="place"),
            ),
        )

    async def page(self, wanted: Wanted, limit: int) -> list[Complaint]:
        """Return complaints, the latest received first."""
        found = await self.find(listing(wanted), sort=_SORT, limit=limit)
        return [one.state for one in found if one.state]

    async def alike(self, key: str, value: str, since: datetime, until: datetime) -> list[Complaint]:
        """Return up to twenty complaints received in a time whose ``key`` (customer or place) is ``value``."""
        query = likeness(key, value, since, until)
        found = await self.find(query, sort=[("received", ASCENDING)], limit=MOST_ALIKE)
        return [one.state for one in found if one.state]


def index_of(complaint: Complaint, place: str) -> dict[str, Any]:
    """Return the fields that a new complaint is found by.

    Args:
        place: Keyed fingerprint of address and product; empty when the address is not known.
    """
    return {
        # The unit that it is about reads it too. One value where they are the same: most are.
        "unit": [complaint.unit, complaint.about_unit] if complaint.about_unit else complaint.unit,
        "received": complaint.received_at,
        "kind": complaint.kind,
        "status": complaint.told.status,
        "customer": complaint.customer,
        "place": place,
    }


def dump_complaint(one: Complaint) -> State:
    """Return a complaint as JSON."""
    return {
        "id": one.id,
        "number": one.number,
        "site": one.site,
        "unit": one.unit,
        "kind": one.kind,
        "class": one.class_,
        "item": one.item,
        "flags": list(one.flags),
        "channel": one.channel,
        "product": one.product,
        "received_at": one.received_at.isoformat(),
        "registered_at": one.registered_at.isoformat(),
        "registered_by": one.registered_by,
        "handed_over_by": one.handed_over_by,
        "handover_on": one.handover_on.isoformat() if one.handover_on else None,
        "imported": one.imported,
        "customer": one.customer,
        "problem_user": one.problem_user,
        "fields": dict(one.open_fields),
        "missing": list(one.missing),
        "first_missing": list(one.first_missing),
        "sealed": {"key": one.sealed.key, "box": one.sealed.box},
        "command_key": one.command_key,
        "digest": one.digest,
        "edition": one.edition,
        **{name: value for name in _LATER if (value := getattr(one, name))},
        "told": progress.dump(one.told),
        "remembered": list(one.remembered),
    }


_LATER = ("service", "grade", "tier", "about_unit", "external_number", "follows")
"""Fields that few records have, and those of earlier versions never."""


load_complaint = records.loading(
    Complaint,
    {"class_": "class", "open_fields": "fields"},
    **dict.fromkeys(("flags", "missing", "first_missing", "remembered"), tuple),
    **dict.fromkeys(("received_at", "registered_at", "handover_on"), records.moment),
    sealed=records.sealed,
    told=progress.load,
)
"""Reads what :func:`dump_complaint` wrote."""


# --- customers


def customer_key(customer: str) -> str:
    """Return the key, and the events' subject, of a customer's file."""
    return f"customer/{customer}"


class Customers(Aggregates[Customer]):
    """The customers' files. Both indexes are sparse: few customers are ever flagged."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        super().__init__(
            database,
            "customers",
            load=_load_customer,
            dump=_dump_customer,
            offer=offer,
            indexes=(
                IndexModel([("due", ASCENDING)], name="due", sparse=True),
                IndexModel([("decided", ASCENDING)], name="decided", sparse=True),
            ),
        )

    async def many(self, customers: Sequence[str]) -> list[Customer]:
        """Return the files of customers, as far as there are any."""
        found = await self.get_many(customer_key(one) for one in customers)
        return [one.state for one in found.values() if one.state]

    async def filed(self) -> list[Filed]:
        """Return every file as the census sees it."""
        names = ("state.unit", "state.opened_at", "state.spans")
        return [_filed(document["state"]) async for document in self.walk({}, names)]

    async def due(self, now: datetime, limit: int) -> list[Stored[Customer]]:
        """Return customers whose problem-user status is over, or is to be looked at."""
        return await self.find({"due": {"$lte": now}}, sort=[("due", ASCENDING)], limit=limit)

    async def flagged_since(self, moment: datetime | None) -> list[Customer]:
        """Return customers whose problem-user status was decided since; all of them for None."""
        query = {"decided": {"$gte": moment} if moment else {"$exists": True}}
        return [one.state for one in await self.find(query) if one.state]


def _filed(state: Mapping[str, Any]) -> Filed:
    return Filed(state["unit"], datetime.fromisoformat(state["opened_at"]), _spans(state["spans"]))


def _spans(told: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    return tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in told)


def index_of_flag(customer: Customer, now: datetime) -> dict[str, Any]:
    """Return the fields by which a decided status is found, and its end swept."""
    flag = customer.flag
    due = flag.due if flag and flag.status == "confirmed" else None
    # A null would stand in the sparse index; far in the future, it is in nobody's way.
    return {"decided": now, "due": due or _NEVER}


_NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _dump_customer(one: Customer) -> State:
    return {
        "customer": one.customer,
        "unit": one.unit,
        "opened_at": one.opened_at.isoformat(),
        "first_business_on": one.first_business_on.isoformat() if one.first_business_on else None,
        "sealed": one.sealed.model_dump(),
        "flag": records.dump(one.flag) if one.flag else None,
        "spans": [[since.isoformat(), until.isoformat()] for since, until in one.spans],
        "remembered": list(one.remembered),
    }


_load_flag = records.loading(
    Flag,
    behaviours=tuple,
    evidence=records.sealed,
    proposed_at=records.moment,
    decided_at=records.moment,
    until=records.moment,
    review_at=records.moment,
    reviewed_at=records.moment,
)
_load_customer = records.loading(
    Customer,
    opened_at=records.moment,
    sealed=records.sealed,
    first_business_on=records.day,
    flag=_load_flag,
    spans=_spans,
    remembered=tuple,
)


# --- products, praise, declarations


def product_key(unit: str, product: str) -> str:
    """Return the key, and the events' subject, of a product's file."""
    return f"product/{unit}/{product}"


class Products(Aggregates[Product]):
    """The products' files."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        load = records.loading(Product, handed_over_on=records.day, remembered=tuple)
        index = IndexModel([("unit", ASCENDING), ("_id", ASCENDING)], name="list")
        super().__init__(database, "products", load=load, dump=records.dump, offer=offer, indexes=[index])

    async def page(self, units: Sequence[str], after: str, limit: int) -> list[Product]:
        """Return products in order of unit and id."""
        found = await self.find(shelf(units, after), sort=[("_id", ASCENDING)], limit=limit)
        return [one.state for one in found if one.state]


def shelf(units: Sequence[str], after: str) -> dict[str, Any]:
    """Return the query for the products of some units."""
    return {"unit": {"$in": list(units)}, "_id": {"$gt": after}}


def census_in(database: Database, offer: Offer | None = None) -> Aggregates[dict[str, int]]:
    """Return the collection of what was told of customers' numbers, one document a unit and month."""
    return Aggregates(database, "census", offer=offer)


def praises_in(database: Database, offer: Offer | None = None) -> Aggregates[Praise]:
    """Return the collection of praise; it is only ever read by id."""
    load = records.loading(Praise, received_at=records.moment, sealed=records.sealed)
    return Aggregates(database, "praises", load=load, dump=records.dump, offer=offer)


def declarations_in(database: Database, offer: Offer | None = None) -> Aggregates[Declaration]:
    """Return the collection of importers' declarations; they are only ever read by unit."""
    load = records.loading(Declaration, complete_up_to=records.moment, remembered=tuple)
    return Aggregates(database, "imports", load=load, dump=records.dump, offer=offer)
