"""Complaints over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.direct import DirectRoute
from services.intake.api.entry import (
    LateMoment,
    Moment,
    OtherUnit,
    Reads,
    Registers,
    Reveals,
    Slug,
    Use,
    Words,
)
from services.intake.api.progress import ProgressView
from services.intake.domain.complaints import Amendment, Complaint, Submission, reported
from services.intake.handlers.complaints import Shown
from services.intake.handlers.ledger import month_of
from services.intake.store import After, Wanted
from shared.http.answers import View
from shared.http.idempotency import Commanded
from shared.http.pages import Cursor, Limit, Page, by_moment, page_of
from shared.http.parameters import Body
from shared.values.bounds import Month

router = APIRouter(prefix="/v1/complaints", tags=["complaints"])
direct = APIRouter(prefix="/v1/complaints", tags=["complaints"], route_class=DirectRoute)

Key = Annotated[str, Field(max_length=100)]

MOST_FIELDS = 60
MOST_CHARACTERS = 20_000
"""Of one field, before its own limit in the rulebook is looked up."""


class NewComplaint(Body):
    """A matter as it came in. GET /v1/form says which fields its kind needs."""

    kind: Key
    channel: Key
    fields: dict[Key, Annotated[str, Field(max_length=MOST_CHARACTERS)]] = Field(max_length=MOST_FIELDS)
    class_: Key = Field(default="", alias="class", description="Class as reported; a finding may change it.")
    item: Key = ""
    flags: tuple[Key, ...] = Field(default=(), max_length=20)
    product: str = Field(default="", max_length=200)
    received_at: Moment = Field(
        default=None, description="When any channel of the unit first had it. Default: now."
    )
    registered_at: LateMoment = None
    handed_over_by: str = Field(default="", max_length=100)
    handover_on: Moment = Field(
        default=None, description="When the flat is handed over, where the kind asks for it."
    )
    unit: OtherUnit = None
    service: Key = Field(default="", description="Service line, where the kind has any.")
    about_unit: Slug | None = Field(
        default=None, description="Unit that it is about, where the channel reaches another first."
    )
    external_number: Key = Field(default="", description="Number of the partner whose channel it came by.")

    def said(self) -> Submission:
        """Return what the caller says of the matter."""
        said = reported(self) | {
            "flags": tuple(dict.fromkeys(self.flags)),
            "about_unit": self.about_unit or "",
        }
        return Submission(
            **said, fields=self.fields, received_at=self.received_at, registered_at=self.registered_at
        )


class Links(BaseModel):
    """Where to go on."""

    complaint: str
    duplicates: str


class Registered(BaseModel):
    """The answer to a registration. The same key and body again give the same answer."""

    complaint_id: UUID
    number: str
    received_at: AwareDatetime
    registered_at: AwareDatetime
    complete: bool
    missing: list[str]
    links: Links


def _registered(complaint: Complaint) -> bytes:
    # Written out by hand: a response model would check again what was checked on the way in.
    return orjson.dumps(
        {
            "complaint_id": complaint.id,
            "number": complaint.number,
            "received_at": complaint.received_at,
            "registered_at": complaint.registered_at,
            "complete": not complaint.first_missing,
            "missing": complaint.first_missing,
            "links": {
                "complaint": f"/v1/complaints/{complaint.id}",
                "duplicates": f"/v1/complaints/{complaint.id}/duplicates",
            },
        },
        option=orjson.OPT_UTC_Z,
    )


@direct.post(
    "",
    status_code=201,
    summary="Register a complaint",
    response_model=Registered,
    responses={200: {"model": Registered, "description": "The same command again: the first answer"}},
)
async def register(body: NewComplaint, who: Registers, command: Commanded, use: Use) -> Response:
    """Register a matter. Durable when it answers."""
    said = body.said()
    complaint, is_new = await use.matters.register(said, who, body.unit or "", command)
    return Response(_registered(complaint), 201 if is_new else 200, media_type="application/json")


class ComplaintView(View):
    """A complaint as readers see it: personal data masked, and what handling and callback told.

    ``progress`` holds procedure, validity, next due moment, missed deadlines with clause and explanation,
    settlement, closing and callback, as far as they are known.
    """

    complaint_id: UUID
    number: str
    site: str
    unit: str
    kind: str
    class_: str = Field(serialization_alias="class")
    item: str
    service: str
    grade: str = Field(description="The grade that it was taken for; `progress` has what was found.")
    tier: str
    flags: list[str]
    channel: str
    external_number: str
    about_unit: str
    follows: UUID | None = Field(description="Matter whose callback brought it up.")
    product: str
    received_at: AwareDatetime
    registered_at: AwareDatetime
    registered_by: str
    handed_over_by: str
    handover_on: AwareDatetime | None
    imported: bool
    customer: str
    problem_user: bool
    complete: bool
    missing: list[str]
    fields: dict[str, str]
    erased: bool
    status: str
    progress: ProgressView

    @classmethod
    def of(cls, shown: Shown) -> "ComplaintView":
        """Show a complaint."""
        one = shown.complaint
        return cls.showing(
            one,
            complaint_id=one.id,
            follows=one.follows or None,
            complete=not one.missing,
            fields=dict(shown.fields),
            erased=shown.erased,
            status=one.told.status,
            progress=ProgressView.of(one.told),
        )


@router.get("", summary="List complaints", response_model_exclude_unset=True)
async def list_complaints(
    use: Use,
    who: Reads,
    cursor: Cursor,
    month: Month | None = None,
    kind: Annotated[list[str], Query()] = [],  # noqa: B006  # FastAPI copies a default, and reads it as a list
    status: Annotated[list[str], Query()] = [],  # noqa: B006  # as above
    unit: Annotated[list[str], Query()] = [],  # noqa: B006  # as above
    limit: Limit = 50,
) -> Page[ComplaintView]:
    """List complaints of the caller's units, masked, the latest received first."""
    since = before = None
    if month:
        since, before = month_of(first_of(month), use.matters.context.directory.edition.calendar)
    after = cursor.moment()
    wanted = Wanted(unit, since, before, kind, status, After(*after) if after else None)
    found = await use.matters.page(wanted, who, limit)
    return page_of(
        found,
        limit,
        ComplaintView.of,
        cursor,
        lambda one: by_moment(one.complaint.received_at, one.complaint.id),
    )


def first_of(month: str) -> date:
    """Return the first day of a month like ``2026-07``."""
    return date.fromisoformat(f"{month}-01")


@router.get("/{complaint_id}", summary="Read a complaint", response_model_exclude_unset=True)
async def get_complaint(complaint_id: UUID, use: Use, who: Reads) -> ComplaintView:
    """Show a complaint, masked, with what handling and callback told of it."""
    return ComplaintView.of(await use.matters.get(complaint_id, who))


class AlikeView(BaseModel):
    """A complaint that may be the same matter."""

    complaint_id: UUID
    number: str
    unit: str
    received_at: AwareDatetime
    status: str
    why: list[str] = Field(description="same-customer, same-place.")


class Duplicates(BaseModel):
    """What may be the same matter, within so many days before and after."""

    within_days: int
    complaints: list[AlikeView]


@router.get("/{complaint_id}/duplicates", summary="Suggest duplicates")
async def duplicates(complaint_id: UUID, use: Use, who: Reads) -> Duplicates:
    """Suggest duplicates: the same customer, or the same address and product."""
    within, found = await use.matters.duplicates(complaint_id, who)
    return Duplicates(
        within_days=within,
        complaints=[
            AlikeView(
                complaint_id=UUID(one.complaint.id),
                number=one.complaint.number,
                unit=one.complaint.unit,
                received_at=one.complaint.received_at,
                status=one.complaint.told.status,
                why=list(one.why),
            )
            for one in found
        ],
    )


class NewAmendment(Body):
    """Fields to fill in or correct. An empty value takes a field away."""

    fields: dict[Key, Annotated[str, Field(max_length=MOST_CHARACTERS)]] = Field(
        min_length=1, max_length=MOST_FIELDS
    )
    reason: Words
    at: LateMoment = None


class Amended(BaseModel):
    """What is still missing."""

    complaint_id: UUID
    complete: bool
    missing: list[str]


@router.post("/{complaint_id}/amendments", status_code=201, summary="Fill in or correct fields")
async def amend(
    complaint_id: UUID, body: NewAmendment, use: Use, who: Registers, command: Commanded
) -> Amended:
    """Fill in or correct fields of a record. The history keeps what was there."""
    said = Amendment(body.fields, body.reason, body.at)
    return Amended.model_validate(await use.matters.amend(complaint_id, said, who, command))


class Purpose(Body):
    """Why the personal data is needed."""

    purpose: Words


class Revealed(BaseModel):
    """All fields, unmasked. Whoever asked, and why, is on record."""

    complaint_id: UUID
    fields: dict[str, str]


@router.post("/{complaint_id}/reveal", status_code=201, summary="See all fields unmasked")
async def reveal(complaint_id: UUID, body: Purpose, use: Use, who: Reveals, command: Commanded) -> Revealed:
    """Show the fields unmasked, for a stated purpose, which is told as an event."""
    fields = await use.matters.reveal(complaint_id, body.purpose, who, command)
    return Revealed(complaint_id=complaint_id, fields=dict(fields))
