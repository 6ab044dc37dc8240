"""Units and people over HTTP."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from services.registry.api.entry import Known, Slug, base, request_id, use
from shared.access import Caller
from shared.bounds import Day
from shared.errors import FieldProblem, InvalidInputError
from shared.events.registry import OpinionRecorded, PersonAppointed, UnitEstablished
from shared.web import Body, needs

router = APIRouter(prefix="/v1")


class NewUnit(Body):
    """A unit to establish."""

    unit: Slug
    kind: str
    parent: Slug | None = None
    site: Slug
    name_zh: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    established_on: Day
    service_lead: Slug | Literal[""] = Field(default="", description="A person on record.")
    peers: str = Field(default="", max_length=100, description="Peer group of its kind of unit.")


class Closing(Body):
    """From which day a unit is closed."""

    closes_on: Day


class Appointment(Body):
    """A person and a role."""

    person: Slug
    name: str = Field(min_length=1, max_length=50)
    unit: Slug
    role: str
    since: Day
    opinion: str = ""


class Opinion(Body):
    """The group centre's opinion on a head who is to be appointed."""

    opinion: Slug
    unit: Slug
    role: str
    person: Slug
    favourable: bool
    reasons: str = Field(min_length=1, max_length=2000)


@router.get("/units", tags=["organisation"])
async def units(request: Request, who: Known) -> list[dict[str, Any]]:
    """List the units in the caller's subtree, in order of name. All of them: a tree is of use only whole."""
    front = base(request)
    found = await use(request).organisation.register.store.all("unit/")
    return [one.state for one in found if one.state and front.access.sees(who, one.state["unit"])]


@router.post("/units", status_code=201, tags=["organisation"])
async def establish(
    body: NewUnit, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Establish a unit inside one of the caller's. The same record again changes nothing."""
    front = base(request)
    front.access.must_see(who, body.parent or "", "such unit")
    if body.service_lead and body.service_lead not in front.directory.people:
        raise InvalidInputError(
            "The unit was not established. Appoint its lead first: POST /v1/appointments; or leave it out.",
            [FieldProblem("service_lead", "nobody on record")],
        )
    return await use(request).organisation.establish(
        UnitEstablished(**body.model_dump()), request_id(request)
    )


@router.post("/units/{unit}/closing", status_code=201, tags=["organisation"])
async def close_unit(
    unit: str, body: Closing, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Close a unit from a day on. The same day again changes nothing."""
    base(request).access.must_see(who, unit, "such unit")
    return await use(request).organisation.close_unit(unit, body.closes_on, request_id(request))


@router.post("/appointments", status_code=201, tags=["organisation"])
async def appoint(
    body: Appointment, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Appoint a person to a role. Some roles need a recorded opinion first (JK-26)."""
    base(request).access.must_see(who, body.unit, "such unit")
    return await use(request).organisation.appoint(PersonAppointed(**body.model_dump()), request_id(request))


@router.post("/opinions", status_code=201, tags=["organisation"])
async def give_opinion(
    body: Opinion, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Record the group centre's opinion. The rulebook may name the role whose opinion it is (JK-26)."""
    return await use(request).organisation.give_opinion(
        OpinionRecorded(**body.model_dump()), who.role, request_id(request)
    )
