"""Partners' outboxes over HTTP, for a clerk or for the partner's machine."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.intake.api.entry import Slug, Use
from services.intake.domain.partners import WORDS, Message
from shared.http.callers import needs
from shared.identity.access import Caller

router = APIRouter(prefix="/v1/partners", tags=["partners"])


class MessageView(BaseModel):
    """What a partner is to hear. ``number`` is its own."""

    id: UUID
    number: str
    complaint_id: UUID
    what: str
    zh: str
    en: str
    at: AwareDatetime
    taken_at: AwareDatetime | None
    taken_by: str

    @classmethod
    def of(cls, one: Message) -> "MessageView":
        """Show a message."""
        zh, en = WORDS.get(one.what, (one.what, one.what))
        return cls(
            id=UUID(one.id),
            number=one.number,
            complaint_id=UUID(one.complaint),
            what=one.what,
            zh=zh,
            en=en,
            at=one.at,
            taken_at=one.taken_at,
            taken_by=one.taken_by,
        )


class OutboxView(BaseModel):
    """What waits for a partner, the earliest first."""

    messages: list[MessageView]


@router.get("/{channel}/outbox")
async def outbox(
    channel: Slug,
    use: Use,
    who: Annotated[Caller, needs("complaints.read")],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> OutboxView:
    """List what a partner has not been told yet of the matters that it sent."""
    return OutboxView(
        messages=[MessageView.of(one) for one in await use.partners.waiting(channel, who, limit)]
    )


@router.post("/{channel}/outbox/{message_id}/receipt")
async def receipt(
    channel: Slug, message_id: UUID, use: Use, who: Annotated[Caller, needs("complaints.register")]
) -> MessageView:
    """Note that a message was passed on. Doing it again changes nothing."""
    return MessageView.of(await use.partners.take(channel, str(message_id), who))
