"""Where intake keeps its records, and the queries over them. Every query here has its index."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from services.intake.domain import progress
from services.intake.domain.census import Filed
from services.intake.domain.complaints import Complaint
from services.intake.domain.customers import Customer, Flag, Span
from services.intake.domain.files import Declaration, Praise, Product
from services.intake.domain.follow_up import Problem
from services.intake.domain.partners import Message
from shared.events import Sealed
from shared.storage import ASCENDING, DESCENDING, IndexModel
from shared.storage.aggregates import Aggregates, Change, Offer, Stored
from shared.storage.database import Database

S = TypeVar("S")
State = dict[str, Any]


class Records(Protocol[S]):
    """What the handlers need of a collection of records."""

    async def get(self, key: str) -> Stored[S]:
        """Return a record; ``version`` 0 where there is none."""
        ...

    async def save(self, change: Change[S]) -> None:
        """Write a record with its events, together or not at all. Raises ``StaleWriteError``."""
        ...


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


class Complaints(Records[Complaint], Protocol):
    """What the handlers need of the complaints."""

    async def page(self, wanted: Wanted, limit: int) -> list[Complaint]:
        """Return complaints, the latest received first."""
        ...

    async def alike(self, key: str, value: str, since: datetime, until: datetime) -> list[Complaint]:
        """Return up to twenty complaints received in a time whose ``key`` (customer or place) is ``value``."""
        ...


class Customers(Records[Customer], Protocol):
    """What the handlers need of the customers' files."""

    async def many(self, customers: Sequence[str]) -> list[Customer]:
        """Return the files of customers, as far as there are any."""
        ...

    async def filed(self) -> list[Filed]:
        """Return every file as the census sees it."""
        ...

    async def due(self, now: datetime, limit: int) -> list[Stored[Customer]]:
        """Return customers whose problem-user status is over, or is to be looked at."""
        ...

    async def flagged_since(self, moment: datetime | None) -> list[Customer]:
        """Return customers whose problem-user status was decided since; all of them for None."""
        ...


class Products(Records[Product], Protocol):
    """What the handlers need of the products' files."""

    async def page(self, units: Sequence[str], after: str, limit: int) -> list[Product]:
        """Return products in order of unit and id."""
        ...


class Problems(Records[Problem], Protocol):
    """What the handlers need of what callbacks brought up."""

    async def waiting(self, limit: int) -> list[Stored[Problem]]:
        """Return what is not registered yet."""
        ...


class Outbox(Records[Message], Protocol):
    """What the handlers need of partners' outboxes."""

    async def waiting(self, channel: str, after: Message | None, limit: int) -> list[Message]:
        """Return one page of what is not passed on yet, the earliest first."""
        ...


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


class MongoComplaints:
    """The complaints in MongoDB."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        self.records: Aggregates[Complaint] = Aggregates(
            database, "complaints", load=load_complaint, dump=dump_complaint, offer=offer
        )
        self.get, self.save = self.records.get, self.records.save

    async def ensure_indexes(self) -> None:
        """Create what the queries below need; they are few because each costs every registration."""
        await self.records.ensure_indexes(
            IndexModel(
                [("unit", ASCENDING), *_SORT, ("kind", ASCENDING), ("status", ASCENDING)], name="list"
            ),
            IndexModel([("customer", ASCENDING), ("received", ASCENDING)], name="customer"),
            IndexModel([("place", ASCENDING), ("received", ASCENDING)], name="place"),
        )

    async def page(self, wanted: Wanted, limit: int) -> list[Complaint]:
        """See :class:`Complaints`."""
        found = await self.records.find(listing(wanted), sort=_SORT, limit=limit)
        return [one.state for one in found if one.state]

    async def alike(self, key: str, value: str, since: datetime, until: datetime) -> list[Complaint]:
        """See :class:`Complaints`."""
        query = likeness(key, value, since, until)
        found = await self.records.find(query, sort=[("received", ASCENDING)], limit=MOST_ALIKE)
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


def load_complaint(state: Mapping[str, Any]) -> Complaint:
    """Read what :func:`dump_complaint` wrote."""
    return Complaint(
        id=state["id"],
        number=state["number"],
        site=state["site"],
        unit=state["unit"],
        kind=state["kind"],
        class_=state["class"],
        item=state["item"],
        flags=tuple(state["flags"]),
        channel=state["channel"],
        product=state["product"],
        received_at=datetime.fromisoformat(state["received_at"]),
        registered_at=datetime.fromisoformat(state["registered_at"]),
        registered_by=state["registered_by"],
        handed_over_by=state["handed_over_by"],
        handover_on=_moment(state["handover_on"]),
        imported=state["imported"],
        customer=state["customer"],
        problem_user=state["problem_user"],
        open_fields=state["fields"],
        missing=tuple(state["missing"]),
        first_missing=tuple(state["first_missing"]),
        sealed=Sealed(**state["sealed"]),
        command_key=state["command_key"],
        digest=state["digest"],
        edition=state["edition"],
        **{name: state[name] for name in _LATER if name in state},
        told=progress.load(state["told"]),
        remembered=tuple(state["remembered"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value else None


# --- customers


def customer_key(customer: str) -> str:
    """Return the key, and the events' subject, of a customer's file."""
    return f"customer/{customer}"


class MongoCustomers:
    """The customers' files in MongoDB."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        self.records: Aggregates[Customer] = Aggregates(
            database, "customers", load=_load_customer, dump=_dump_customer, offer=offer
        )
        self.get, self.save = self.records.get, self.records.save

    async def ensure_indexes(self) -> None:
        """Both are sparse: few customers are ever flagged."""
        await self.records.ensure_indexes(
            IndexModel([("due", ASCENDING)], name="due", sparse=True),
            IndexModel([("decided", ASCENDING)], name="decided", sparse=True),
        )

    async def many(self, customers: Sequence[str]) -> list[Customer]:
        """See :class:`Customers`."""
        found = await self.records.get_many(customer_key(one) for one in customers)
        return [one.state for one in found.values() if one.state]

    async def filed(self) -> list[Filed]:
        """See :class:`Customers`."""
        names = ("state.unit", "state.opened_at", "state.spans")
        return [_filed(document["state"]) async for document in self.records.walk({}, names)]

    async def due(self, now: datetime, limit: int) -> list[Stored[Customer]]:
        """See :class:`Customers`."""
        return await self.records.find({"due": {"$lte": now}}, sort=[("due", ASCENDING)], limit=limit)

    async def flagged_since(self, moment: datetime | None) -> list[Customer]:
        """See :class:`Customers`."""
        query = {"decided": {"$gte": moment} if moment else {"$exists": True}}
        return [one.state for one in await self.records.find(query) if one.state]


def _filed(state: Mapping[str, Any]) -> Filed:
    return Filed(state["unit"], datetime.fromisoformat(state["opened_at"]), _spans(state))


def _spans(state: Mapping[str, Any]) -> tuple[Span, ...]:
    return tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in state["spans"])


def index_of_flag(customer: Customer, now: datetime) -> dict[str, Any]:
    """Return the fields by which a decided status is found, and its end swept."""
    flag = customer.flag
    due = flag.due if flag and flag.status == "confirmed" else None
    # A null would stand in the sparse index; far in the future, it is in nobody's way.
    return {"decided": now, "due": due or _NEVER}


_NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _dump_customer(one: Customer) -> State:
    flag = one.flag
    return {
        "customer": one.customer,
        "unit": one.unit,
        "opened_at": one.opened_at.isoformat(),
        "first_business_on": _iso(one.first_business_on),
        "sealed": one.sealed.model_dump(),
        "flag": None
        if flag is None
        else {
            "rule": flag.rule,
            "status": flag.status,
            "behaviours": list(flag.behaviours),
            "evidence": flag.evidence.model_dump(),
            "proposed_by": flag.proposed_by,
            "proposed_at": flag.proposed_at.isoformat(),
            "decided_by": flag.decided_by,
            "decided_at": _iso(flag.decided_at),
            "reason": flag.reason,
            "until": _iso(flag.until),
            "contact": flag.contact,
            "review_at": _iso(flag.review_at),
            "reviewed_at": _iso(flag.reviewed_at),
        },
        "spans": [[since.isoformat(), until.isoformat()] for since, until in one.spans],
        "remembered": list(one.remembered),
    }


def _load_customer(state: Mapping[str, Any]) -> Customer:
    flag = state["flag"]
    return Customer(
        customer=state["customer"],
        unit=state["unit"],
        opened_at=datetime.fromisoformat(state["opened_at"]),
        sealed=Sealed(**state["sealed"]),
        first_business_on=_day(state["first_business_on"]),
        flag=None
        if flag is None
        else Flag(
            rule=flag["rule"],
            status=flag["status"],
            behaviours=tuple(flag["behaviours"]),
            evidence=Sealed(**flag["evidence"]),
            proposed_by=flag["proposed_by"],
            proposed_at=datetime.fromisoformat(flag["proposed_at"]),
            decided_by=flag["decided_by"],
            decided_at=_moment(flag["decided_at"]),
            reason=flag["reason"],
            until=_moment(flag["until"]),
            contact=flag.get("contact", ""),
            review_at=_moment(flag.get("review_at")),
            reviewed_at=_moment(flag.get("reviewed_at")),
        ),
        spans=_spans(state),
        remembered=tuple(state["remembered"]),
    )


# --- products, praise, declarations


def product_key(unit: str, product: str) -> str:
    """Return the key, and the events' subject, of a product's file."""
    return f"product/{unit}/{product}"


class MongoProducts:
    """The products' files in MongoDB."""

    def __init__(self, database: Database, offer: Offer | None = None) -> None:
        """No IO happens here."""
        self.records: Aggregates[Product] = Aggregates(
            database, "products", load=_load_product, dump=_dump_product, offer=offer
        )
        self.get, self.save = self.records.get, self.records.save

    async def ensure_indexes(self) -> None:
        """Products are listed by unit and id."""
        await self.records.ensure_indexes(IndexModel([("unit", ASCENDING), ("_id", ASCENDING)], name="list"))

    async def page(self, units: Sequence[str], after: str, limit: int) -> list[Product]:
        """See :class:`Products`."""
        found = await self.records.find(shelf(units, after), sort=[("_id", ASCENDING)], limit=limit)
        return [one.state for one in found if one.state]


def shelf(units: Sequence[str], after: str) -> dict[str, Any]:
    """Return the query for the products of some units."""
    return {"unit": {"$in": list(units)}, "_id": {"$gt": after}}


def _dump_product(one: Product) -> State:
    return {**asdict(one), "handed_over_on": _iso(one.handed_over_on), "remembered": list(one.remembered)}


def _load_product(state: Mapping[str, Any]) -> Product:
    more = {"handed_over_on": _day(state["handed_over_on"]), "remembered": tuple(state["remembered"])}
    return Product(**{**state, **more})


def census_in(database: Database, offer: Offer | None = None) -> Aggregates[dict[str, int]]:
    """Return the collection of what was told of customers' numbers, one document a unit and month."""
    return Aggregates(database, "census", load=dict, dump=dict, offer=offer)


def praises_in(database: Database, offer: Offer | None = None) -> Aggregates[Praise]:
    """Return the collection of praise; it is only ever read by id."""

    def dump(one: Praise) -> State:
        sealed = one.sealed.model_dump()
        return {
            "id": one.id,
            "unit": one.unit,
            "to": one.to,
            "received_at": one.received_at.isoformat(),
            "customer": one.customer,
            "sealed": sealed,
            "digest": one.digest,
        }

    def load(state: Mapping[str, Any]) -> Praise:
        more = {
            "received_at": datetime.fromisoformat(state["received_at"]),
            "sealed": Sealed(**state["sealed"]),
        }
        return Praise(**{**state, **more})

    return Aggregates(database, "praises", load=load, dump=dump, offer=offer)


def declarations_in(database: Database, offer: Offer | None = None) -> Aggregates[Declaration]:
    """Return the collection of importers' declarations; they are only ever read by unit."""

    def dump(one: Declaration) -> State:
        return {
            "unit": one.unit,
            "complete_up_to": one.complete_up_to.isoformat(),
            "by": one.by,
            "remembered": list(one.remembered),
        }

    def load(state: Mapping[str, Any]) -> Declaration:
        more = {
            "complete_up_to": datetime.fromisoformat(state["complete_up_to"]),
            "remembered": tuple(state["remembered"]),
        }
        return Declaration(**{**state, **more})

    return Aggregates(database, "imports", load=load, dump=dump, offer=offer)
