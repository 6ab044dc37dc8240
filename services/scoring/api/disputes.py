"""Disputes over what costs points: lodged, advised on, ruled; and how often what was contested is overturned."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.scoring.api.entry import Reader, Use, units_seen
from services.scoring.api.views import DisputeView, OverturnsView
from services.scoring.domain.disputes import Dispute, Words
from services.scoring.handlers import Asked, UseCases
from shared.errors import FieldProblem, InvalidInputError, NotFoundError
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.rulebook.disputes import Party
from shared.rulebook.late_entry import happened_at
from shared.service.context import ServiceContext
from shared.service.entry import Context
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


def party(who: Caller) -> Party:
    """Return a caller as a party to a dispute."""
    return Party(who.person, who.unit, who.role, who.rights, supervises=who.sees_all)


@router.post("/disputes", status_code=201, summary="Lodge a dispute")
async def lodge(
    body: NewDispute,
    use: Use,
    context: Context,
    who: Annotated[Caller, needs("disputes.lodge")],
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Contest something that costs points, or how a unit is managed. Once, and inside the rulebook's term."""
    if body.against == "management":
        if body.since is None:
            raise InvalidInputError("The dispute was not stored.", [FieldProblem("since", "required")])
        context.access.must_see(who, body.unit, "such unit")
        context.directory.unit(body.unit)
        context.directory.unit(body.about)
    asked = Asked(body.against, body.about, body.unit, body.occurrence, body.since)
    found = await use.disputes.contested(asked)
    contested, by = found.contested, party(who)
    seen = context.access.sees(who, contested.unit) or who.person == contested.person
    if not seen and not {who.person, who.unit} & contested.other_side:
        msg = f"There is no such {body.against}."
        raise NotFoundError(msg)
    at = happened_at(who.rights, body.at, use.disputes.clock())
    words = Words(body.grounds, body.evidence, f"{who.unit}#{key}", digest)
    return DisputeView.model_validate(await use.disputes.lodge(found, words, by, at))


@router.post("/disputes/{dispute}/advice", status_code=201, summary="Advise on a dispute")
async def advise(
    dispute: UUID,
    body: Advice,
    use: Use,
    context: Context,
    who: Annotated[Caller, needs("disputes.advise")],
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Advise on a dispute, with reasons, by the role that the rulebook names."""
    await _found(use, context, who, dispute)
    at = happened_at(who.rights, body.at, use.disputes.clock())
    words = Words(body.reasons, (), f"{who.unit}#{key}", digest)
    made = await use.disputes.advise(str(dispute), words, party(who), at, uphold=body.uphold)
    return DisputeView.model_validate(made)


@router.post("/disputes/{dispute}/ruling", status_code=201, summary="Rule a dispute")
async def rule(
    dispute: UUID,
    body: DisputeRuling,
    use: Use,
    context: Context,
    who: Reader,
    key: IdempotencyKey,
    digest: Digest,
) -> DisputeView:
    """Rule a dispute, with reasons, by the right, roles and tier that the rulebook names. Upheld: it is reversed.

    Where the rulebook says so, it restates the month that was published; else it counts in the month of the ruling.
    """
    await _found(use, context, who, dispute)
    at = happened_at(who.rights, body.at, use.disputes.clock())
    words = Words(body.reasons, (), f"{who.unit}#{key}", digest)
    made = await use.disputes.rule(str(dispute), words, party(who), at, upheld=body.upheld)
    return DisputeView.model_validate(made)


@router.get("/disputes", summary="List disputes")
async def listed(
    use: Use,
    context: Context,
    who: Reader,
    cursor: Cursor,
    unit: str | None = None,
    open_only: Annotated[bool, Query(description="Only those that are not ruled.")] = False,
    limit: Limit = 50,
) -> Page[DisputeView]:
    """List the disputes over the caller's units, and those that the caller lodged, in order of id."""
    units = units_seen(context, who, unit)
    person = who.person if unit is None else None
    found = await use.disputes.store.disputes_listed(units, person, cursor, limit, open_only=open_only)
    return page_of(found, limit, DisputeView.model_validate, cursor, lambda one: one.id)


@router.get("/disputes/{dispute}", summary="Read a dispute")
async def one(dispute: UUID, use: Use, context: Context, who: Reader) -> DisputeView:
    """Return a dispute with its advice and ruling."""
    return DisputeView.model_validate(await _found(use, context, who, dispute))


@router.get("/overturns", summary="Read how often findings are overturned")
async def overturns(use: Use, who: Reader) -> OverturnsView:
    """Say how often rulings upheld what was contested, by clause and by inspector. Headquarters' alone."""
    if not who.sees_all:
        msg = "How often findings are overturned is headquarters' to see."
        raise NotFoundError(msg)
    return OverturnsView.model_validate(plain(await use.disputes.overturns()))


async def _found(use: UseCases, context: ServiceContext, who: Caller, dispute: UUID) -> Dispute:
    """Return a dispute that the caller may see. Raises ``NotFoundError``."""
    found = await use.disputes.dispute(str(dispute))
    if not context.access.sees(who, found.unit) and who.person not in (found.by, found.person):
        msg = "There is no such dispute. GET /v1/disputes lists them."
        raise NotFoundError(msg)
    return found
