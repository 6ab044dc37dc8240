"""Editions over HTTP: drafted, approved, rejected, filed, interpreted."""

from functools import partial

from fastapi import APIRouter
from pydantic import Field

from services.registry.api.entry import Approves, Proposes, Slug, Use
from services.registry.api.views import EditionsView, EditionView, OverlayView, ProposalView, norms_view
from services.registry.domain.editions import Holder
from shared.events.registry import RulingRecorded
from shared.http.callers import Known
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.service.entry import Context, RequestId
from shared.values.bounds import Day

router = APIRouter(prefix="/v1", tags=["editions"])
record = partial(router.post, status_code=201, response_model_exclude_unset=True)


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
async def editions(use: Use, who: Known) -> EditionsView:
    """List the editions enacted, the newest last, and the drafts that wait for approval."""
    found = use.editions
    enacted = sorted((await found.register.known("edition/")).values(), key=lambda one: one["enacted_at"])
    return EditionsView(
        enacted=[EditionView.model_validate(one) for one in enacted],
        waiting=[ProposalView.model_validate(one) for one in await found.proposals.waiting()],
    )


@router.get("/editions/{edition_hash}", summary="Read a draft")
async def proposal(edition_hash: str, use: Use, who: Known) -> ProposalView:
    """Read a draft with all that was decided about it: who approved for whom, who refused, where it was filed."""
    return ProposalView.model_validate(await use.editions.proposed(edition_hash))


@router.get("/editions/{edition_hash}/files", summary="Read the files of an edition")
async def files(edition_hash: str, use: Use, who: Known) -> dict[str, str]:
    """Read the YAML files of an edition or a draft, by name: what is to be approved, or what a new draft begins with."""
    return await use.editions.files(edition_hash)


@router.post("/editions", status_code=201, summary="Propose an edition")
async def propose(body: Proposal, use: Use, request: RequestId, who: Proposes) -> ProposalView:
    """Propose an edition. One with errors is refused with file, line, what and how to mend.

    The regulation names who drafts which files, and whose approvals they need (QS-11, XA-15). A draft that changes
    a published period is refused unless it says so.
    """
    proposed = await use.editions.propose(body.files, who.person, who.role, request, restates=body.restates)
    return ProposalView.model_validate(proposed)


@router.post("/editions/{edition_hash}/approval", status_code=201, summary="Approve a draft")
async def approve(
    edition_hash: str, use: Use, request: RequestId, who: Approves, body: Approving | None = None
) -> ProposalView:
    """Approve a draft; the last approval of its chains puts it into force."""
    report = body.report if body else ""
    approved = await use.editions.approve(edition_hash, holders(who), request, report)
    return ProposalView.model_validate(approved)


@router.post("/editions/{edition_hash}/rejection", status_code=201, summary="Refuse a draft")
async def reject(
    edition_hash: str, body: Rejection, use: Use, request: RequestId, who: Approves
) -> ProposalView:
    """Refuse a draft, with reasons. It may be proposed again."""
    rejected = await use.editions.reject(edition_hash, holders(who), body.reasons, request)
    return ProposalView.model_validate(rejected)


@record("/editions/{edition_hash}/filing", summary="File an approved text")
async def file(edition_hash: str, body: Filing, use: Use, request: RequestId, who: Proposes) -> ProposalView:
    """Record that an approved text was filed with the body that the regulation names (XA-15)."""
    filed = await use.editions.file(edition_hash, body.filed_with, body.on, who.person, request)
    return ProposalView.model_validate(filed)


@router.get("/overlays", summary="List units' own norms", response_model_exclude_unset=True)
async def overlays(use: Use, who: Known, cursor: Cursor, limit: Limit = 50) -> Page[OverlayView]:
    """List the own norms that units filed, in order of name."""
    found = await use.editions.register.page("overlay/", cursor, limit)
    return page_of(found, limit, OverlayView.model_validate, cursor, lambda one: str(one["overlay"]))


@record("/overlays", summary="Apply for norms of a unit's own")
async def propose_norms(
    body: OwnNorms, use: Use, context: Context, request: RequestId, who: Proposes
) -> OverlayView | ProposalView:
    """Apply for norms of a unit's own. They are approved as an edition is, and hold for the unit alone (ZY-02)."""
    context.access.must_see(who, body.unit, "such unit")
    proposed = await use.editions.propose_norms(
        body.overlay, body.unit, body.files, body.until, who.person, who.role, request
    )
    return norms_view(proposed)


@record("/overlays/{overlay}/ending", summary="Let a unit's own norms end")
async def end_norms(
    overlay: str, body: Ending, use: Use, context: Context, request: RequestId, who: Proposes
) -> OverlayView:
    """Let own norms end. Matters that began under them keep them."""
    known = context.directory.norms.get(overlay)
    context.access.must_see(who, known.unit if known else "", "such norms")
    ended = await use.editions.end_norms(overlay, body.ends_on, body.reason, who.person, who.role, request)
    return OverlayView.model_validate(ended)


@router.post("/rulings", status_code=201, summary="Rule how a clause is read")
async def rule(body: Ruling, use: Use, request: RequestId, who: Proposes) -> RulingRecorded:
    """Record how a clause of an edition is to be read. The rulebook may name the role that interprets (QS-12)."""
    event = RulingRecorded(**body.model_dump(), by=who.person)
    return RulingRecorded.model_validate(await use.editions.rule(event, who.role, request))


def holders(who: Caller) -> list[Holder]:
    """Return the roles in which the caller can act, their own first."""
    return [
        Holder(who.person, who.role),
        *(Holder(who.person, role, absent) for absent, role in who.stands_for),
    ]
