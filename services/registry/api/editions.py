"""Editions over HTTP: drafted, approved, rejected, filed, interpreted."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from services.registry.api.entry import Known, Slug, context_of, request_id, use
from services.registry.api.views import EditionsView, EditionView, OverlayView, ProposalView, norms_view
from services.registry.domain.editions import Holder
from shared.events.registry import RulingRecorded
from shared.http.callers import needs
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.values.bounds import Day

router = APIRouter(prefix="/v1", tags=["editions"])


class Ruling(Body):
    """How a clause is to be read."""

    ruling: Slug
    edition: str
    clause: str = Field(pattern=r"^[A-Z]{2}-\d\d$")
    text: str = Field(min_length=1, max_length=4000)


class Proposal(Body):
    """The YAML files of an edition, by name."""

    files: dict[str, str] = Field(min_length=1)
    restates: bool = Field(
        default=False, description="It is meant to change published periods, which are closed anew then."
    )


class Approving(Body):
    """What was before who approves."""

    report: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Hash of the what-if report, where there was one.",
    )


class Rejection(Body):
    """Why a draft is refused."""

    reasons: str = Field(min_length=1, max_length=2000)


class Filing(Body):
    """Where the approved text was filed, and when."""

    filed_with: str = Field(min_length=1, max_length=200)
    on: Day


class OwnNorms(Body):
    """The YAML files of a unit's own norms, by name."""

    overlay: Slug = Field(description="What they are called.")
    unit: Slug
    files: dict[str, str] = Field(min_length=1)
    until: Day | None = Field(default=None, description="First day on which they hold no more.")


class Ending(Body):
    """From which day own norms hold no more, and why."""

    ends_on: Day
    reason: str = Field(min_length=1, max_length=500)


@router.get("/editions", summary="List editions")
async def editions(request: Request, who: Known) -> EditionsView:
    """List the editions enacted, the newest last, and the drafts that wait for approval."""
    found = use(request).editions
    enacted = [one.state for one in await found.register.store.all("edition/") if one.state]
    return EditionsView(
        enacted=[
            EditionView.model_validate(one) for one in sorted(enacted, key=lambda one: one["enacted_at"])
        ],
        waiting=[ProposalView.model_validate(one) for one in await found.proposals.waiting()],
    )


@router.get("/editions/{edition_hash}", summary="Read a draft")
async def proposal(edition_hash: str, request: Request, who: Known) -> ProposalView:
    """Read a draft with all that was decided about it: who approved for whom, who refused, where it was filed."""
    return ProposalView.model_validate(await use(request).editions.proposed(edition_hash))


@router.get("/editions/{edition_hash}/files", summary="Read the files of an edition")
async def files(edition_hash: str, request: Request, who: Known) -> dict[str, str]:
    """Read the YAML files of an edition or a draft, by name: what is to be approved, or what a new draft begins with."""
    return await use(request).editions.files(edition_hash)


@router.post("/editions", status_code=201, summary="Propose an edition")
async def propose(
    body: Proposal, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> ProposalView:
    """Propose an edition. One with errors is refused with file, line, what and how to mend.

    The regulation names who drafts which files, and whose approvals they need (QS-11, XA-15). A draft that changes
    a published period is refused unless it says so.
    """
    proposed = await use(request).editions.propose(
        body.files, who.person, who.role, request_id(request), restates=body.restates
    )
    return ProposalView.model_validate(proposed)


@router.post("/editions/{edition_hash}/approval", status_code=201, summary="Approve a draft")
async def approve(
    edition_hash: str,
    request: Request,
    who: Annotated[Caller, needs("editions.approve")],
    body: Approving | None = None,
) -> ProposalView:
    """Approve a draft; the last approval of its chains puts it into force."""
    report = body.report if body else ""
    approved = await use(request).editions.approve(edition_hash, holders(who), request_id(request), report)
    return ProposalView.model_validate(approved)


@router.post("/editions/{edition_hash}/rejection", status_code=201, summary="Refuse a draft")
async def reject(
    edition_hash: str, body: Rejection, request: Request, who: Annotated[Caller, needs("editions.approve")]
) -> ProposalView:
    """Refuse a draft, with reasons. It may be proposed again."""
    rejected = await use(request).editions.reject(
        edition_hash, holders(who), body.reasons, request_id(request)
    )
    return ProposalView.model_validate(rejected)


@router.post(
    "/editions/{edition_hash}/filing",
    status_code=201,
    summary="File an approved text",
    response_model_exclude_unset=True,
)
async def file(
    edition_hash: str, body: Filing, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> ProposalView:
    """Record that an approved text was filed with the body that the regulation names (XA-15)."""
    filed = await use(request).editions.file(
        edition_hash, body.filed_with, body.on, who.person, request_id(request)
    )
    return ProposalView.model_validate(filed)


@router.get("/overlays", summary="List units' own norms", response_model_exclude_unset=True)
async def overlays(request: Request, who: Known, limit: Limit = 50, cursor: Cursor = "") -> Page[OverlayView]:
    """List the own norms that units filed, in order of name."""
    stored = await use(request).editions.register.store.page("overlay/", cursor, limit)
    found = [one.state for one in stored if one.state]
    return page_of(found, limit, OverlayView.model_validate, lambda one: str(one["overlay"]))


@router.post(
    "/overlays", status_code=201, summary="Apply for norms of a unit's own", response_model_exclude_unset=True
)
async def propose_norms(
    body: OwnNorms, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> OverlayView | ProposalView:
    """Apply for norms of a unit's own. They are approved as an edition is, and hold for the unit alone (ZY-02)."""
    context_of(request).access.must_see(who, body.unit, "such unit")
    proposed = await use(request).editions.propose_norms(
        body.overlay, body.unit, body.files, body.until, who.person, who.role, request_id(request)
    )
    return norms_view(proposed)


@router.post(
    "/overlays/{overlay}/ending",
    status_code=201,
    summary="Let a unit's own norms end",
    response_model_exclude_unset=True,
)
async def end_norms(
    overlay: str, body: Ending, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> OverlayView:
    """Let own norms end. Matters that began under them keep them."""
    known = context_of(request).directory.norms.get(overlay)
    context_of(request).access.must_see(who, known.unit if known else "", "such norms")
    ended = await use(request).editions.end_norms(
        overlay, body.ends_on, body.reason, who.person, who.role, request_id(request)
    )
    return OverlayView.model_validate(ended)


@router.post("/rulings", status_code=201, summary="Rule how a clause is read")
async def rule(
    body: Ruling, request: Request, who: Annotated[Caller, needs("editions.propose")]
) -> RulingRecorded:
    """Record how a clause of an edition is to be read. The rulebook may name the role that interprets (QS-12)."""
    event = RulingRecorded(**body.model_dump(), by=who.person)
    return RulingRecorded.model_validate(
        await use(request).editions.rule(event, who.role, request_id(request))
    )


def holders(who: Caller) -> list[Holder]:
    """Return the roles in which the caller can act, their own first."""
    return [
        Holder(who.person, who.role),
        *(Holder(who.person, role, absent) for absent, role in who.stands_for),
    ]
