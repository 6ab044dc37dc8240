"""The registry over HTTP.

Records have names of their own, so no POST needs an idempotency key: the same body again is answered as the
first time and changes nothing; another body under a name that is taken answers 409.
"""

from bisect import bisect_right
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.params import Depends
from pydantic import BaseModel, Field

from services.registry.handlers import Registry
from shared.access import Caller, hash_password, is_password
from shared.bounds import Day
from shared.errors import FieldProblem, InvalidInputError
from shared.events import Sealed
from shared.events.registry import (
    AccountGranted,
    OpinionRecorded,
    PersonAppointed,
    RulingRecorded,
    UnitEstablished,
)
from shared.service import Base
from shared.vault import open_secret, seal_secret
from shared.web import Body, caller, needs

router = APIRouter(prefix="/v1")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Known = Annotated[Caller, Depends(caller)]
_SECRET = {"secret", "bundle"}


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is nobody's to read: password hashes, and the edition's bulk."""
    return {key: value for key, value in state.items() if key not in _SECRET}


def _use(request: Request) -> Registry:
    found: Registry = request.app.state.use
    return found


def _base(request: Request) -> Base:
    found: Base = request.app.state.front
    return found


def _id(request: Request) -> str:
    return str(request.scope["request_id"])


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


class NewAccount(Body):
    """An account for a person."""

    account: Slug
    person: Slug
    name: str = Field(min_length=1, max_length=50)
    unit: Slug
    role: str
    password: str = Field(min_length=10, max_length=200)


class AccountPage(BaseModel):
    """One page of accounts, in order of name. ``next``: cursor of the following page."""

    accounts: list[dict[str, Any]]
    next: str | None


class Revocation(Body):
    """Why an account is revoked."""

    reason: str = Field(min_length=1, max_length=500)


class Opinion(Body):
    """The group centre's opinion on a head who is to be appointed."""

    opinion: Slug
    unit: Slug
    role: str
    person: Slug
    favourable: bool
    reasons: str = Field(min_length=1, max_length=2000)


class Ruling(Body):
    """How a clause is to be read."""

    ruling: Slug
    edition: str
    clause: str = Field(pattern=r"^[A-Z]{2}-\d\d$")
    text: str = Field(min_length=1, max_length=4000)


class Proposal(Body):
    """The YAML files of an edition, by name."""

    files: dict[str, str] = Field(min_length=1)


@router.get("/units", tags=["organisation"])
async def units(request: Request, who: Known) -> list[dict[str, Any]]:
    """List the units in the caller's subtree, in order of name. All of them: a tree is of use only whole."""
    front = _base(request)
    found = await _use(request).store.all("unit/")
    return [one.state for one in found if one.state and front.access.sees(who, one.state["unit"])]


@router.post("/units", status_code=201, tags=["organisation"])
async def establish(
    body: NewUnit, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Establish a unit inside one of the caller's. The same record again changes nothing."""
    front = _base(request)
    front.access.must_see(who, body.parent or "", "such unit")
    if body.service_lead and body.service_lead not in front.directory.people:
        raise InvalidInputError(
            "The unit was not established. Appoint its lead first: POST /v1/appointments; or leave it out.",
            [FieldProblem("service_lead", "nobody on record")],
        )
    return await _use(request).establish(UnitEstablished(**body.model_dump()), _id(request))


@router.post("/units/{unit}/closing", status_code=201, tags=["organisation"])
async def close_unit(
    unit: str, body: Closing, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Close a unit from a day on. The same day again changes nothing."""
    _base(request).access.must_see(who, unit, "such unit")
    return await _use(request).close_unit(unit, body.closes_on, _id(request))


@router.post("/appointments", status_code=201, tags=["organisation"])
async def appoint(
    body: Appointment, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Appoint a person to a role. Some roles need a recorded opinion first (JK-26)."""
    _base(request).access.must_see(who, body.unit, "such unit")
    return await _use(request).appoint(PersonAppointed(**body.model_dump()), _id(request))


@router.post("/opinions", status_code=201, tags=["organisation"])
async def give_opinion(
    body: Opinion, request: Request, who: Annotated[Caller, needs("organisation.manage")]
) -> dict[str, Any]:
    """Record the group centre's opinion. The rulebook may name the role whose opinion it is (JK-26)."""
    return await _use(request).give_opinion(OpinionRecorded(**body.model_dump()), who.role, _id(request))


@router.get("/accounts", tags=["accounts"])
async def accounts(
    request: Request,
    who: Annotated[Caller, needs("accounts.manage")],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=100, description="``next`` of the page before.")] = "",
) -> AccountPage:
    """List accounts in the caller's subtree, revoked ones too. Password hashes are never shown."""
    front = _base(request)
    known = front.directory.accounts
    mine = sorted(name for name, one in known.items() if front.access.sees(who, one["unit"]))
    names = mine[bisect_right(mine, cursor) :][:limit]
    return AccountPage(
        accounts=[_shown(known[name]) for name in names], next=names[-1] if len(names) == limit else None
    )


@router.post("/accounts", status_code=201, tags=["accounts"])
async def grant(
    body: NewAccount, request: Request, who: Annotated[Caller, needs("accounts.manage")]
) -> dict[str, Any]:
    """Grant an account. The same account with the same password again changes nothing.

    A name is never given twice, not even after revocation.
    """
    front = _base(request)
    front.access.must_see(who, body.unit, "such unit")
    subject = f"account/{body.account}"
    secret = seal_secret(front.settings.group_key, subject, hash_password(body.password))
    event = AccountGranted(**body.model_dump(exclude={"password"}), secret=secret)
    asked = body.model_dump(exclude={"password"})

    def is_same(known: dict[str, Any]) -> bool:
        hashed = open_secret(front.settings.group_key, Sealed(**known["secret"]))
        same = not known["revoked"] and asked == {name: known[name] for name in asked}
        return same and is_password(hashed, body.password)

    return _shown(await _use(request).grant(event, _id(request), is_same))


@router.post("/accounts/{account}/revocation", status_code=201, tags=["accounts"])
async def revoke(
    account: str, body: Revocation, request: Request, who: Annotated[Caller, needs("accounts.manage")]
) -> dict[str, Any]:
    """Revoke an account and its sessions. Doing it again changes nothing."""
    front = _base(request)
    known = front.directory.accounts.get(account)
    front.access.must_see(who, str(known["unit"]) if known else "", "such account")
    return _shown(await _use(request).revoke(account, body.reason, _id(request)))


@router.get("/editions", tags=["editions"])
async def editions(request: Request, who: Known) -> dict[str, Any]:
    """List the editions enacted, the newest last, and those that wait for approval."""
    use = _use(request)
    enacted = [one.state for one in await use.store.all("edition/") if one.state]
    return {
        "enacted": sorted((_shown(one) for one in enacted), key=lambda one: one["enacted_at"]),
        "waiting": [_shown(one) for one in await use.proposals.waiting()],
    }


@router.post("/editions", status_code=201, tags=["editions"])
async def propose(
    body: Proposal, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> dict[str, Any]:
    """Propose an edition. One with errors is refused with file, line, what and how to mend."""
    return _shown(await _use(request).propose(body.files, who.person, _id(request)))


@router.post("/editions/{edition_hash}/approval", status_code=201, tags=["editions"])
async def approve(
    edition_hash: str, request: Request, who: Annotated[Caller, needs("editions.approve")]
) -> dict[str, Any]:
    """Approve a proposed edition; the last approval of the chain puts it into force."""
    return _shown(await _use(request).approve(edition_hash, who.person, who.role, _id(request)))


@router.post("/rulings", status_code=201, tags=["editions"])
async def rule(
    body: Ruling, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> dict[str, Any]:
    """Record how a clause of an edition is to be read. The rulebook may name the role that interprets (QS-12)."""
    event = RulingRecorded(**body.model_dump(), by=who.person)
    return await _use(request).rule(event, who.role, _id(request))
