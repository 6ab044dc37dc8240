"""What an operator sees and does of the message path, the same on every service: parked messages, the log.

Bodies are shown without what is sealed in them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field, JsonValue, computed_field, model_validator

from shared.errors import ForbiddenError
from shared.http.answers import View
from shared.http.callers import needs
from shared.http.pages import Page
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.inbox.store import Inbox, Parked
from shared.outbox.integrity import Sealed, check_documents
from shared.outbox.log import Log
from shared.service.context import ServiceContext
from shared.service.entry import Context

log = structlog.get_logger(__name__)

RIGHT = "operations.manage"
_SHOWN = 20
"""Messages shown of one group, and gaps of one source."""

_MOST = 10_000

router = APIRouter(prefix="/v1/operations", tags=["operations"])


# --- parked messages


class ParkedView(View):
    """One parked message."""

    id: str
    type: str
    subject: str
    source: str
    sequence: int
    reason: str
    attempts: int
    parked_at: AwareDatetime
    body: dict[str, JsonValue] | None = Field(
        description="The event, sealed parts masked; nothing where unreadable."
    )


class ParkedGroup(BaseModel):
    """Messages that failed alike: one cause, one mending."""

    fingerprint: str
    kind: str
    count: int
    since: AwareDatetime
    messages: list[ParkedView] = Field(description=f"The first {_SHOWN}.")


class Chosen(Body):
    """Which parked messages: by id, or a whole group."""

    ids: list[str] = Field(default=[], max_length=_MOST)
    fingerprint: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Chosen":
        if bool(self.ids) == (self.fingerprint is not None):
            msg = "Give either ids or a fingerprint."
            raise ValueError(msg)
        return self


class Discarded(Chosen):
    """Which parked messages to give up, and why."""

    reason: str = Field(min_length=3, max_length=500)


class Done(BaseModel):
    """How many messages it was."""

    count: int


async def _operator(context: Context, who: Annotated[Caller, needs(RIGHT)]) -> Caller:
    if not context.access.operates(who):
        msg = "Headquarters' services hold every unit's matters. Sign in at your own site's."
        raise ForbiddenError(msg)
    return who


Operator = Annotated[Caller, Depends(_operator)]


@router.get("/parked", summary="Read parked messages, grouped by cause")
async def parked(
    context: Context, who: Operator, fingerprint: Annotated[str | None, Query(max_length=300)] = None
) -> Page[ParkedGroup]:
    """List what could not be applied and waits for a decision, the largest group first, all on one page.

    Counted are the first 10,000 messages.
    """
    groups: dict[str, list[Parked]] = {}
    for one in await context.inbox.parked(fingerprint, _MOST):
        groups.setdefault(one.fingerprint, []).append(one)
    found = [
        ParkedGroup(
            fingerprint=name,
            kind=some[0].kind,
            count=len(some),
            since=min(one.parked_at for one in some),
            messages=[_view(one) for one in some[:_SHOWN]],
        )
        for name, some in groups.items()
    ]
    return Page(items=sorted(found, key=lambda group: (-group.count, group.fingerprint)), next=None)


@router.post("/parked/replay", summary="Try parked messages again")
async def replay(body: Chosen, context: Context, who: Operator) -> Done:
    """Put messages back in the retry queue, due at once. Those that fail again are parked again."""
    ids = [one.id for one in await _chosen(context, body)]
    log.info("operations.replay", by=who.account, fingerprint=body.fingerprint, count=len(ids))
    return Done(count=await context.inbox.try_again(ids, context.clock()))


@router.post("/parked/discard", summary="Give parked messages up")
async def discard(body: Discarded, context: Context, who: Operator) -> Done:
    """Give messages up, with a reason that is kept. Later events of their subjects then go on without them."""
    some = await _chosen(context, body)
    log.info("operations.discard", by=who.account, ids=[one.id for one in some], reason=body.reason)
    await context.inbox.discard(some, body.reason, who.account, context.clock())
    return Done(count=len(some))


async def _chosen(context: ServiceContext, body: Chosen) -> list[Parked]:
    return await context.inbox.parked(body.fingerprint, _MOST, ids=body.ids or None)


def _view(one: Parked) -> ParkedView:
    # What nobody could read may hold anything.
    body = None if one.kind == "unreadable" else masked(orjson.loads(one.body))
    return ParkedView.showing(one, body=body)


def masked(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return a JSON value without what is sealed in it.

    >>> masked({"n": 1, "sealed": {"key": "k", "box": "c2VjcmV0"}})
    {'n': 1, 'sealed': {'key': 'k', 'box': '***'}}
    """
    if isinstance(value, dict):
        hidden = {"box": "***"} if value.keys() == {"key", "box"} else {}
        return {name: masked(inner) for name, inner in value.items()} | hidden
    return [masked(inner) for inner in value] if isinstance(value, list) else value


# --- logs


class OwnLog(BaseModel):
    """A log of this service."""

    source: str
    head: int
    published: int = Field(description="Up to here the broker has confirmed it.")


class FollowedLog(BaseModel):
    """A log of another service, as it arrived here."""

    source: str
    head: int = Field(description="As far as it is known to reach.")
    received: int = Field(description="Up to here everything is settled.")
    missing: int
    gaps: list[tuple[int, int]] = Field(description=f"First and last missing number; the first {_SHOWN}.")
    aside: int = Field(description="Of the missing ones, how many are here but could not be applied.")

    @computed_field
    def holes(self) -> list[tuple[int, int]]:
        """The former name of `gaps`, for what was written to read it."""
        return self.gaps


class LogStatus(BaseModel):
    """Where the message path of this service stands."""

    own: list[OwnLog]
    followed: list[FollowedLog]
    waiting: int = Field(description="Events that are early for their subject.")
    retrying: int = Field(description="Events that failed and are tried again.")
    parked: int
    checked_at: datetime

    @computed_field
    def on_ladder(self) -> int:
        """The former name of `retrying`, for what was written to read it."""
        return self.retrying


@router.get("/log", summary="Read how far each log is published and received")
async def status(context: Context, who: Operator) -> LogStatus:
    """Say how far this service's logs are published, and how far those that it follows have arrived."""
    retrying, parked_count = await context.inbox.aside_counts()
    return LogStatus(
        own=[await _own(context.log, source) for source in await context.log.sources()],
        followed=await _followed(context.inbox),
        waiting=await context.inbox.waiting_count(),
        retrying=retrying,
        parked=parked_count,
        checked_at=context.clock(),
    )


async def _own(own: Log, source: str) -> OwnLog:
    head, _ = await own.head(source, fresh=True)
    return OwnLog(source=source, head=head, published=await own.published(source))


async def _followed(inbox: Inbox) -> list[FollowedLog]:
    return [
        FollowedLog(
            source=one.source,
            head=one.head,
            received=one.received,
            missing=sum(last - first + 1 for first, last in one.missing),
            gaps=list(one.missing[:_SHOWN]),
            aside=len(await inbox.aside(one.source)),
        )
        for one in await inbox.gaps()
    ]


class Checked(View):
    """What verifying one log found."""

    source: str
    entries: int = Field(description="Entries that hold, from the first on.")
    head: str = Field(description="Hash of the last of them.")
    holds: bool
    broken_at: int | None = None
    reason: str = ""


class EditedView(View):
    """A document that is not as the service left it."""

    id: str
    reason: str


class Documents(BaseModel):
    """What verifying the documents of one collection found."""

    collection: str = Field(description="Empty for documents of which the log alone still knows.")
    documents: int
    holds: bool
    edited: int = Field(description="How many are not as the service left them.")
    named: list[EditedView] = Field(description=f"The first {_SHOWN}.")


class Verified(BaseModel):
    """What verifying a service found."""

    logs: list[Checked]
    documents: list[Documents]


@router.post("/log/verify", summary="Verify every log, entry by entry, and every document")
async def verify(context: Context, who: Operator) -> Verified:
    """Walk each log of this service and check sequence, chain and content; then each document's seal.

    Names the first broken entry of each log, and the documents that were changed outside the service.
    """
    logs = [await _checked(context.log, source, who) for source in await _all_sources(context)]
    documents = [_documents(one, who) for one in await check_documents(context.database, context.log)]
    return Verified(logs=logs, documents=documents)


async def _checked(own: Log, source: str, who: Caller) -> Checked:
    found = await own.check(source)
    if found.broken_at:
        log.error("log.broken", source=source, at=found.broken_at, reason=found.reason, by=who.account)
    return Checked.showing(found, holds=found.broken_at is None)


def _documents(found: Sealed, who: Caller) -> Documents:
    for one in found.edited[:_SHOWN]:
        log.error(
            "document.edited", collection=found.collection, id=one.id, reason=one.reason, by=who.account
        )
    return Documents(
        collection=found.collection,
        documents=found.documents,
        holds=not found.edited,
        edited=len(found.edited),
        named=[EditedView.model_validate(one) for one in found.edited[:_SHOWN]],
    )


async def _all_sources(context: ServiceContext) -> Sequence[str]:
    """Also those of which nothing is left but that they were published."""
    return sorted({*await context.log.sources(), *await context.log.published_sources()})
