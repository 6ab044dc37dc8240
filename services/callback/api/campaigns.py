"""Campaigns over HTTP: start, draw, look, draw again by oneself."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from services.callback.api.entry import Reader, Seen, Use
from services.callback.domain.campaigns import Campaign
from services.callback.domain.sampling import commitment, hash_of
from services.callback.handlers import Started
from shared.http.answers import View
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, by_moment, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.service.entry import Context
from shared.values.bounds import Instant

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

Runner = Annotated[Caller, needs("campaigns.run")]


class NewCampaign(Body):
    """Which campaign of the rulebook, and in what time the matters of its frame ended."""

    campaign: str = Field(min_length=1, max_length=100)
    since: Instant | None = None
    before: Instant | None = Field(default=None, description="Default: now.")


class CampaignView(View):
    """A campaign. The seed is told with the draw; the estimate at the end."""

    id: UUID
    campaign: str
    stage: str
    by: str
    opened_at: AwareDatetime
    frame_size: int
    frame_hash: str
    seed_hash: str
    size: int
    seed: str
    sizes: dict[str, int]
    drawn_at: AwareDatetime | None
    due_before: AwareDatetime | None
    asked: int
    answered: int
    estimate: str
    low: str
    high: str

    @classmethod
    def of(cls, one: Campaign) -> "CampaignView":
        """Show a campaign."""
        return cls.showing(
            one,
            campaign=one.rule,
            frame_size=len(one.frame),
            frame_hash=hash_of(one.members),
            seed_hash=commitment(one.seed),
            seed=one.seed if one.drawn_at else "",
            asked=len(one.sample),
            estimate=one.mean,
        )


class MemberView(BaseModel):
    """One of a frame. A customer's id is opaque."""

    stratum: str
    id: str
    drawn: bool


class FrameView(BaseModel):
    """Whom a campaign could ask, in the order of its hash."""

    frame_hash: str
    members: list[MemberView]


@router.post("", status_code=201, summary="Start a campaign")
async def start(
    body: NewCampaign, use: Use, sees: Seen, who: Runner, key: IdempotencyKey, digest: Digest
) -> CampaignView:
    """Fix whom a campaign could ask, and commit to a seed. Nobody is drawn yet."""
    said = Started(body.campaign, body.since, body.before, key, digest)
    return CampaignView.of(await use.campaigns.open(said, who, sees))


@router.get("", summary="List campaigns")
async def page(
    use: Use, context: Context, who: Reader, cursor: Cursor, limit: Limit = 50
) -> Page[CampaignView]:
    """List the campaigns of the caller's units, the latest first."""
    units = context.access.units_of(who)
    found = await use.campaigns.page(units, cursor.moment(), limit)
    return page_of(found, limit, CampaignView.of, cursor, lambda one: by_moment(one.opened_at, one.id))


@router.get("/{campaign_id}", summary="Read a campaign")
async def read(campaign_id: UUID, use: Use, sees: Seen, who: Reader) -> CampaignView:
    """Read how far a campaign is, and what it found."""
    return CampaignView.of(await use.campaigns.get(str(campaign_id), sees))


@router.get("/{campaign_id}/frame", summary="Read a campaign's frame")
async def frame(campaign_id: UUID, use: Use, sees: Seen, who: Runner) -> FrameView:
    """Read whom a campaign could ask and whom it asks: with the seed, anyone can draw again."""
    one = await use.campaigns.get(str(campaign_id), sees)
    sample = frozenset(one.sample)
    members = [
        MemberView(stratum=member.stratum, id=member.id, drawn=member.id in sample)
        for member in sorted(one.members)
    ]
    return FrameView(frame_hash=hash_of(one.members), members=members)


@router.post("/{campaign_id}/draw", summary="Draw the lot")
async def draw(campaign_id: UUID, use: Use, sees: Seen, who: Runner) -> CampaignView:
    """Draw whom to ask and tell the seed. The interviews stand in the queue at once. Again changes nothing."""
    return CampaignView.of(await use.campaigns.draw(str(campaign_id), sees))
