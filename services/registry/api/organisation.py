"""Units and people over HTTP."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from services.registry.api.entry import Manages, Slug, Use
from services.registry.api.views import PersonView, ProposedUnit, UnitView, unit_view
from shared.errors import FieldProblem, InvalidInputError
from shared.events.registry import (
    DeputyNamed,
    OpinionRecorded,
    PersonAppointed,
    PersonLeft,
    TrainingRecorded,
    UnitEstablished,
)
from shared.http.callers import Known, needs
from shared.http.pages import Cursor, Page, page_from
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.service.context import ServiceContext
from shared.service.entry import Context, RequestId
from shared.values.bounds import Day

router = APIRouter(prefix="/v1", tags=["organisation"])
record = partial(router.post, status_code=201, response_model_exclude_unset=True)

Restates = Annotated[
    bool, Field(description="It is meant to change published months, which are then closed anew.")
]


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
    restates: Restates = False


class Closing(Body):
    """From which day a unit is closed, and which one its open matters go to."""

    closes_on: Day
    successor: Slug | Literal[""] = Field(default="", description="Unit; by default the one above.")
    restates: Restates = False


class Activation(Body):
    """What a proposed unit still lacks."""

    service_lead: Slug | Literal[""] = Field(default="", description="A person on record.")
    established_on: Day | None = Field(
        default=None, description="From when it works; by default as proposed."
    )
    restates: Restates = False


class NewRecord(Body):
    """What is otherwise about a unit from a day on. What is left out stays as it is."""

    since: Day
    kind: str | None = None
    parent: Slug | None = None
    name_zh: str | None = Field(default=None, min_length=1, max_length=100)
    name_en: str | None = Field(default=None, min_length=1, max_length=100)
    service_lead: Slug | None = Field(default=None, description="A person on record.")
    peers: str | None = Field(default=None, max_length=100)
    restates: Restates = False


class Training(Body):
    """The result of an examination."""

    course: str
    person: Slug
    unit: Slug
    on: Day
    passed: bool


class Leaving(Body):
    """From which day a person is gone, and who follows them."""

    on: Day
    successor: Slug | Literal[""] = ""


class Deputy(Body):
    """Who approves in an absent person's place."""

    person: Slug
    role: str
    unit: Slug
    deputy: Slug
    since: Day
    until: Day = Field(description="First day on which it holds no more.")


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


@router.get("/units", summary="List units", response_model_exclude_unset=True)
async def units(
    use: Use,
    context: Context,
    who: Known,
    cursor: Cursor,
    limit: Annotated[int, Query(ge=1, le=1000, description="A tree is of use only whole.")] = 1000,
) -> Page[UnitView]:
    """List the units in the caller's subtree, in order of name."""
    mine = {name: f"unit/{name}" for name in context.directory.records if context.access.sees(who, name)}
    page = page_from(mine, cursor, limit, str)
    found = await use.organisation.register.records.get_many(page.items)
    shown = [UnitView.model_validate(found[key].state) for key in page.items if key in found]
    return Page(items=shown, next=page.next)


@record("/units", summary="Establish a unit")
async def establish(
    body: NewUnit, use: Use, context: Context, request: RequestId, who: Manages
) -> UnitView | ProposedUnit:
    """Establish a unit inside one of the caller's. The same record again changes nothing.

    A unit that lacks what the regulation asks for first (ZY-03, LN-22) is proposed only, and says what is missing.
    """
    context.access.must_see(who, body.parent or "", "such unit")
    _must_be_known(body.service_lead, context)
    told = await use.organisation.establish(
        UnitEstablished(**body.model_dump(exclude={"restates"})),
        who.person,
        request,
        restates=body.restates,
    )
    return unit_view(told)


@record("/units/{unit}/activation", summary="Let a proposed unit begin its work")
async def activate(
    unit: str, body: Activation, use: Use, context: Context, request: RequestId, who: Manages
) -> UnitView:
    """Let a proposed unit begin its work. The regulation names who approves it. Again changes nothing."""
    known = context.directory.units.get(unit)
    above = known.parent if known else (await use.organisation.proposed(unit))["parent"]
    context.access.must_see(who, above or "", "such unit")
    _must_be_known(body.service_lead, context)
    told = await use.organisation.activate(
        unit,
        who.person,
        who.role,
        body.service_lead,
        body.established_on,
        request,
        restates=body.restates,
    )
    return UnitView.model_validate(told)


@record("/units/{unit}/records", summary="Record a unit anew from a day on")
async def set_anew(
    unit: str, body: NewRecord, use: Use, context: Context, request: RequestId, who: Manages
) -> UnitView:
    """Move a unit, or change its kind, name, lead or peer group, from a day on. The same again changes nothing.

    What lies before that day stays as it was. A day in a published month is refused unless it is said to restate it.
    """
    for one in (unit, *([body.parent] if body.parent else [])):
        context.access.must_see(who, one, "such unit")
    _must_be_known(body.service_lead or "", context)
    changes = body.model_dump(exclude={"since", "restates"}, exclude_none=True)
    told = await use.organisation.set_anew(unit, changes, body.since, request, restates=body.restates)
    return UnitView.model_validate(told)


@record("/units/{unit}/closing", summary="Close a unit")
async def close_unit(
    unit: str, body: Closing, use: Use, context: Context, request: RequestId, who: Manages
) -> UnitView:
    """Close a unit from a day on; its open matters go to its successor. The same again changes nothing.

    A day in a published month is refused unless it is said to restate it.
    """
    context.access.must_see(who, unit, "such unit")
    told = await use.organisation.close_unit(
        unit, body.closes_on, request, body.successor, restates=body.restates
    )
    return UnitView.model_validate(told)


@record("/trainings", summary="Record an examination")
async def train(
    body: Training,
    use: Use,
    context: Context,
    request: RequestId,
    who: Annotated[Caller, needs("training.record")],
) -> PersonView:
    """Record the result of an examination. Who fails a course does not serve where it is asked for (LN-22)."""
    context.access.must_see(who, body.unit, "such unit")
    event = TrainingRecorded(**body.model_dump(), by=who.person)
    told = await use.organisation.train(event, request)
    return PersonView.model_validate(told)


@record("/people/{person}/leaving", summary="Record that a person leaves")
async def leave(
    person: str, body: Leaving, use: Use, context: Context, request: RequestId, who: Manages
) -> PersonView:
    """Record that a person leaves on a day. Their accounts stop then, and their open matters go to the successor."""
    held = context.directory.people.get(person, {}).get("appointments") or [{"unit": ""}]
    context.access.must_see(who, str(held[-1]["unit"]), "such person")
    event = PersonLeft(person=person, unit=held[-1]["unit"], on=body.on, successor=body.successor)
    told = await use.organisation.leave(event, request)
    return PersonView.model_validate(told)


@record("/deputies", summary="Name a deputy")
async def name_deputy(
    body: Deputy, use: Use, context: Context, request: RequestId, who: Manages
) -> PersonView:
    """Name who approves in an absent person's place for some days. Each approval says for whom it was given."""
    context.access.must_see(who, body.unit, "such unit")
    event = DeputyNamed(**body.model_dump(), by=who.person)
    told = await use.organisation.name_deputy(event, request)
    return PersonView.model_validate(told)


@record("/appointments", summary="Appoint a person")
async def appoint(
    body: Appointment, use: Use, context: Context, request: RequestId, who: Manages
) -> PersonView:
    """Appoint a person to a role. Some roles need a recorded opinion first (JK-26)."""
    context.access.must_see(who, body.unit, "such unit")
    told = await use.organisation.appoint(PersonAppointed(**body.model_dump()), request)
    return PersonView.model_validate(told)


@record("/opinions", summary="Record an opinion")
async def give_opinion(body: Opinion, use: Use, request: RequestId, who: Manages) -> OpinionRecorded:
    """Record the group centre's opinion. The rulebook may name the role whose opinion it is (JK-26)."""
    told = await use.organisation.give_opinion(OpinionRecorded(**body.model_dump()), who.role, request)
    return OpinionRecorded.model_validate(told)


def _must_be_known(lead: str, context: ServiceContext) -> None:
    if lead and lead not in context.directory.people:
        raise InvalidInputError(
            "Nothing was recorded. Appoint the lead first: POST /v1/appointments; or leave it out.",
            [FieldProblem("service_lead", "nobody on record")],
        )
