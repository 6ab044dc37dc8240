"""Partners' outboxes over HTTP, for a clerk or for the partner's machine."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime

from services.intake.api.entry import Reads, Registers, Slug, Use
from services.intake.domain.partners import WORDS, Message
from shared.http.answers import View
from shared.http.pages import Cursor, Limit, Page

router = APIRouter(prefix="/v1/partners", tags=["partners"])


class MessageView(View):
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
        return cls.showing(one, complaint_id=one.complaint, zh=zh, en=en)


@router.get("/{channel}/outbox", summary="List what a partner has not been told")
async def outbox(channel: Slug, use: Use, who: Reads, cursor: Cursor, limit: Limit = 50) -> Page[MessageView]:
    """List what a partner has not been told yet of the matters that it sent, the earliest first.

    What the caller does not see is left out, so a page may hold less than ``limit``.
    """
    found, last = await use.partners.waiting(channel, who, cursor, limit)
    return Page(items=[MessageView.of(one) for one in found], next=cursor.on(last))


@router.post("/{channel}/outbox/{message_id}/receipt", summary="Note that a message was passed on")
async def receipt(channel: Slug, message_id: UUID, use: Use, who: Registers) -> MessageView:
    """Note that a message was passed on. Doing it again changes nothing."""
    return MessageView.of(await use.partners.take(channel, str(message_id), who))
