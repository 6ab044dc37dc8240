"""Disputes over what costs points: lodged, advised on, ruled; and how often what was contested is overturned."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from services.scoring.api.entry import Reader, context_of, units_seen
from services.scoring.api.views import DisputeView, OverturnsView
from services.scoring.domain.disputes import Dispute, Words
from services.scoring.handlers import Asked, Disputes
from shared.errors import FieldProblem, InvalidInputError, NotFoundError
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.rulebook.disputes import Party
from shared.rulebook.late_entry import happened_at
from shared.values.bounds import Instant
from shared.values.canonical import plain

router = APIRouter(prefix="/v1", tags=["disputes"])

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Refs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=200)]


class NewDispute(Body):
    """What is contested, and why. No personal data: what is said here is told to every service.

    Attributes:
        about: A posting, an inspection's event, a matter (for a callback, or the service as a whole), an office.
        unit: For management: the unit that contests how it is managed.
        occurrence: For a callback: which one of the matter.
        since: For management: since when.
    """

    against: Literal["posting", "callback", "inspection", "management", "service-quality"]
    about: str = Field(min_length=1, max_length=200)
    unit: str = Field(default="", max_length=200)
    occurrence: int = Field(default=1, ge=1, le=1000)
    since: Instant | None = None
    grounds: Text
    evidence: Refs = ()
    at: Instant | None = None


class Advice(Body):
    """Advice with reasons (ZY-04)."""

    uphold: bool
    reasons: Text
    at: Instant | None = None


class DisputeRuling(Body):
    """A ruling with reasons."""

    upheld: bool
    reasons: Text
    at: Instant | None = None


def disputes_of(request: Request) -> Disputes:
    """Return the use cases."""
    found: Disputes = request.app.state.use.disputes
    return found


def party(who: Caller) -> Party:
    """Return a caller as a party to a dispute."""
    return Party(who.person, who.unit, who.role, who.rights, supervises=who.sees_all)


def _sees(request: Request, who: Caller, dispute: Dispute) -> bool:
    return context_of(request).access.sees(who, dispute.unit) or who.person in (dispute.by, dispute.person)


@router.post("/disputes", status_code=201, summary="Lodge a dispute")
async def lodge(
    body: NewDispute,
    request: Request,
    who: Annotated[Caller, needs("disputes.lodge")],
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Contest something that costs points, or how a unit is managed. Once, and inside the rulebook's term."""
    use, base = disputes_of(request), context_of(request)
    if body.against == "management":
        if body.since is None:
            raise InvalidInputError("The dispute was not stored.", [FieldProblem("since", "required")])
        base.access.must_see(who, body.unit, "such unit")
        base.directory.unit(body.unit)
        base.directory.unit(body.about)
    asked = Asked(body.against, body.about, body.unit, body.occurrence, body.since)
    found = await use.contested(asked)
    contested, by = found.contested, party(who)
    seen = base.access.sees(who, contested.unit) or who.person == contested.person
    if not seen and not {who.person, who.unit} & contested.other_side:
        msg = f"There is no such {body.against}."
        raise NotFoundError(msg)
    at = happened_at(who.rights, body.at, use.clock())
    words = Words(body.grounds, body.evidence, f"{who.unit}#{key}", digest)
    return DisputeView.model_validate(await use.lodge(found, words, by, at))


@router.post("/disputes/{dispute}/advice", status_code=201, summary="Advise on a dispute")
async def advise(
    dispute: UUID,
    body: Advice,
    request: Request,
    who: Annotated[Caller, needs("disputes.advise")],
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Advise on a dispute, with reasons, by the role that the rulebook names."""
    at, words = await _entry(request, who, dispute, body, Words(body.reasons, (), key, digest))
    made = await disputes_of(request).advise(str(dispute), words, party(who), at, uphold=body.uphold)
    return DisputeView.model_validate(made)


@router.post("/disputes/{dispute}/ruling", status_code=201, summary="Rule a dispute")
async def rule(
    dispute: UUID,
    body: DisputeRuling,
    request: Request,
    who: Reader,
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Rule a dispute, with reasons, by the right, roles and tier that the rulebook names. Upheld: it is reversed.

    Where the rulebook says so, it restates the month that was published; else it counts in the month of the ruling.
    """
    at, words = await _entry(request, who, dispute, body, Words(body.reasons, (), key, digest))
    made = await disputes_of(request).rule(str(dispute), words, party(who), at, upheld=body.upheld)
    return DisputeView.model_validate(made)


@router.get("/disputes", summary="List disputes")
async def listed(
    request: Request,
    who: Reader,
    unit: str | None = None,
    open_only: Annotated[bool, Query(description="Only those that are not ruled.")] = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[DisputeView]:
    """List the disputes over the caller's units, and those that the caller lodged, in order of id."""
    units = units_seen(request, who, unit)
    person = who.person if unit is None else None
    found = await disputes_of(request).store.disputes_listed(
        units, person, cursor, limit, open_only=open_only
    )
    return page_of(found, limit, DisputeView.model_validate, lambda one: one.id)


@router.get("/disputes/{dispute}", summary="Read a dispute")
async def one(dispute: UUID, request: Request, who: Reader) -> DisputeView:
    """Return a dispute with its advice and ruling."""
    found = await disputes_of(request).dispute(str(dispute))
    if not _sees(request, who, found):
        msg = "There is no such dispute. GET /v1/disputes lists them."
        raise NotFoundError(msg)
    return DisputeView.model_validate(found)


@router.get("/overturns", summary="Read how often findings are overturned")
async def overturns(request: Request, who: Reader) -> OverturnsView:
    """Say how often rulings upheld what was contested, by clause and by inspector. Headquarters' alone."""
    if not who.sees_all:
        msg = "How often findings are overturned is headquarters' to see."
        raise NotFoundError(msg)
    return OverturnsView.model_validate(plain(await disputes_of(request).overturns()))


async def _entry(
    request: Request, who: Caller, dispute: UUID, body: Advice | DisputeRuling, words: Words
) -> tuple[datetime, Words]:
    """Return when it was said, and the words under the caller's own key, once the caller may see the dispute."""
    use = disputes_of(request)
    found = await use.dispute(str(dispute))
    if not _sees(request, who, found):
        msg = "There is no such dispute. GET /v1/disputes lists them."
        raise NotFoundError(msg)
    return happened_at(who.rights, body.at, use.clock()), replace(words, key=f"{who.unit}#{words.key}")
