"""Campaigns' use cases: open, draw, place the interviews, close."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from services.callback.domain import Matter, campaigns
from services.callback.domain.campaigns import Campaign, Stage
from services.callback.handlers.calls import Sees
from services.callback.store import LATEST_FIRST, campaigns_query, index_of
from shared.errors import NotFoundError, StaleWriteError
from shared.events import Happened
from shared.identity.access import Caller
from shared.rulebook.edition import Edition
from shared.storage.aggregates import Aggregates, Stamp, Stored, change_of
from shared.storage.retrying import retrying
from shared.values.idempotency import must_be_same

logger = structlog.get_logger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class Started:
    """What a caller asks a campaign to be.

    Attributes:
        since, before: Time in which the matters of its frame ended; without ``since`` all that ended before.
    """

    rule: str
    since: datetime | None
    before: datetime | None
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Use cases over surveys.

    Attributes:
        secret: Makes a seed that nobody can guess.
        stamp: Makes the stamp of a decision on a campaign.
    """

    matters: Aggregates[Matter]
    campaigns: Aggregates[Campaign]
    clock: Callable[[], datetime]
    current: Callable[[], Edition]
    edition: Callable[[str], Edition]
    secret: Callable[[], str]
    stamp: Callable[[Campaign, datetime], Stamp]

    async def open(self, said: Started, who: Caller, sees: Sees) -> Campaign:
        """Start a campaign over what the caller sees. The same key again gets the same campaign.

        Raises:
            NotFoundError: The rulebook has no such campaign.
            ForbiddenError: Another role starts it.
            FrameEmptyError: Nobody fits.
        """
        campaign_id = str(uuid5(NAMESPACE_URL, f"jiandu/campaign/{who.account}/{said.key}"))
        known = (await self.campaigns.get(_key(campaign_id))).state
        if known is not None:
            return _same(known, said.digest)
        now, edition = self.clock(), self.current()
        rule = campaigns.rule_of(said.rule, who.role, edition, now)
        matters = [one for one in await self._all() if sees(_unit_of(one))]
        campaign, happened = campaigns.opened(
            campaign_id,
            said.rule,
            rule,
            campaigns.frame_of(matters, rule, said.since, said.before or now),
            seed=self.secret(),
            by=who.person,
            unit=who.unit,
            edition=edition,
            now=now,
        )
        campaign = campaign.model_copy(update={"digest": said.digest})
        try:
            await self._save(Stored(_key(campaign_id)), campaign, happened, now)
        except StaleWriteError:
            return _same(await self._stored(campaign_id, sees), said.digest)
        return campaign

    async def _all(self) -> list[Matter]:
        return [
            Matter.model_validate(document["state"]) async for document in self.matters.walk({}, ["state"])
        ]

    async def get(self, campaign_id: str, sees: Sees) -> Campaign:
        """Return a campaign. A foreign one looks like one that is not there."""
        return await self._stored(campaign_id, sees)

    async def page(
        self, units: Sequence[str] | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Campaign]:
        """Return one page of the campaigns of these units (of any, where None), the latest first."""
        place = (after[0], _key(after[1])) if after else None
        found = await self.campaigns.find(campaigns_query(units, place), sort=LATEST_FIRST, limit=limit)
        return [one.state for one in found if one.state]

    async def _stored(self, campaign_id: str, sees: Sees) -> Campaign:
        state = (await self.campaigns.get(_key(campaign_id))).state
        if state is None or not sees(state.unit):
            msg = "There is no such campaign here."
            raise NotFoundError(msg)
        return state

    async def draw(self, campaign_id: str, sees: Sees) -> Campaign:
        """Draw the lot, tell the seed, and make the interviews. Again changes nothing."""

        async def once() -> Campaign:
            await self._stored(campaign_id, sees)
            stored = await self.campaigns.get(_key(campaign_id))
            if stored.state is None:
                raise StaleWriteError("It went while it was read.")
            campaigns.must_be_drawable(stored.state)
            now = self.clock()
            campaign, happened = campaigns.draw(stored.state, self.edition(stored.state.edition_hash), now)
            if happened:
                await self._save(stored, campaign, happened, now)
            return campaign

        await self._place(await retrying(once))
        return await self._stored(campaign_id, sees)

    async def tend(self) -> None:
        """Make the interviews that a crash left out, and end what is over. Safe to repeat and to overlap."""
        for stored in await self.campaigns.find({"stage": str(Stage.DRAWN)}):
            if stored.state is None:
                continue
            if not stored.state.placed:
                await self._place(stored.state)
            else:
                await self._close(stored, stored.state)

    async def _place(self, campaign: Campaign) -> None:
        if campaign.placed:
            return
        edition, sample = self.edition(campaign.edition_hash), frozenset(campaign.sample)
        asked = [source for source in campaign.frame if source.id in sample]
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            about = await self.matters.get_many(str(source.matter) for source in batch)
            made = [
                campaigns.interview(campaign, source, state, edition)
                for source in batch
                if (state := about[str(source.matter)].state) is not None
            ]
            changes = [
                change_of(Stored(str(one.complaint_id)), one, [], None, index=index_of(one)) for one in made
            ]
            for late in await self.matters.save_many(changes) if changes else ():
                if late is not None and not isinstance(late, StaleWriteError):
                    raise late
        stored = await self.campaigns.get(_key(campaign.id))
        if stored.state is not None:
            placed = stored.state.model_copy(update={"placed": True})
            await self._try_save(stored, placed, [])

    async def _close(self, stored: Stored[Campaign], campaign: Campaign) -> None:
        now = self.clock()
        if campaign.due_before is None or now < campaign.due_before:
            return
        closed, happened = campaigns.close(campaign, await self._interviews(campaign), now)
        await self._try_save(stored, closed, happened)

    async def _interviews(self, campaign: Campaign) -> Mapping[UUID, Matter]:
        ids = [str(campaigns.interview_id(campaign, member)) for member in campaign.sample]
        found = await self.matters.get_many(ids)
        return {one.state.complaint_id: one.state for one in found.values() if one.state}

    async def _try_save(
        self, stored: Stored[Campaign], campaign: Campaign, happened: Sequence[Happened]
    ) -> None:
        try:
            await self._save(stored, campaign, happened, self.clock())
        except StaleWriteError as late:
            logger.info("campaign.changed-meanwhile", campaign=campaign.id, error=late.code)

    async def _save(
        self, stored: Stored[Campaign], campaign: Campaign, happened: Sequence[Happened], now: datetime
    ) -> None:
        stamp = self.stamp(campaign, now)
        index = {"stage": str(campaign.stage)}
        await self.campaigns.save(change_of(stored, campaign, happened, stamp, index=index))


def _key(campaign_id: str) -> str:
    return f"campaign/{campaign_id}"


def _same(known: Campaign, digest: str) -> Campaign:
    must_be_same(known.digest, digest)
    return known


def _unit_of(matter: Matter) -> str:
    return matter.current.unit if matter.current else matter.origin
