"""Numbers that never came: asked for again, from the log of whoever sent them.

A wiped broker, a deleted queue and a lost binding all look like this, and are all healed by it.
"""

import asyncio
from datetime import datetime, timedelta

import orjson
import structlog

from shared.broker import connection, metrics
from shared.broker.topology import REQUESTS, Topology, owner_of
from shared.inbox.store import Holes, Inbox
from shared.runtime.clock import Clock
from shared.storage.database import DatabaseDownError
from shared.storage.lease import Lease

log = structlog.get_logger(__name__)


class HoleWatch:
    """Watches one consumer's inbox for holes.

    Args:
        after_s: Age at which a hole is asked for.
        lease: Lets one replica ask for all.
    """

    def __init__(  # the follower names each
        self,
        inbox: Inbox,
        wanted: Topology,
        amqp_url: str,
        clock: Clock,
        *,
        after_s: float,
        every_s: float,
        lease: Lease | None = None,
    ) -> None:
        """Nothing runs yet."""
        self._inbox, self._wanted, self._url, self._clock = inbox, wanted, amqp_url, clock
        self._after, self._every_s, self._lease = timedelta(seconds=after_s), every_s, lease
        self._since: dict[tuple[str, int], datetime] = {}

    async def run(self) -> None:
        """Look and ask until the connection breaks."""
        async with connection.connected(self._url, f"{self._wanted.main} holes") as broker:
            channel = await broker.channel(on_return_raises=True)
            await connection.declare(channel, self._wanted)
            requests = await channel.get_exchange(REQUESTS, ensure=False)
            while not channel.is_closed:
                missing = await self._look()
                if missing:
                    # What was sent again would take the same way: see that there is one.
                    await connection.declare(channel, self._wanted)
                for source, first, last in missing:
                    await self._ask(requests, source, first, last)
                await asyncio.sleep(self._every_s)
            raise connection.BrokerDownError

    async def _look(self) -> list[tuple[str, int, int]]:
        try:
            if self._lease and not await self._lease.hold():
                return []
            return await self.old()
        except DatabaseDownError as error:
            log.warning("follower.database-lost", error=repr(error))
            return []

    async def old(self) -> list[tuple[str, int, int]]:
        """Return the holes (source, first, last) that are old enough to be asked for; each anew after a while."""
        now = self._clock()
        still: dict[tuple[str, int], datetime] = {}
        old = []
        total = 0
        for holes in await self._inbox.holes():
            total += sum(last - first + 1 for first, last in holes.missing)
            for first, last in await self._lost(holes):
                began = holes.received == 0 and (holes.source, first) not in self._since
                since = self._since.get((holes.source, first), now)
                # Who has nothing of a source just began, and need not wait whether it is on its way.
                if began or now - since >= self._after:
                    old.append((holes.source, first, last))
                    since = now
                still[(holes.source, first)] = since
        self._since = still
        metrics.HOLES.set(total)
        return old

    async def _lost(self, holes: Holes) -> list[tuple[int, int]]:
        """Leave out what is set aside: it is missing from the documents, but not lost."""
        if not holes.missing:
            return []
        aside = await self._inbox.aside(holes.source)
        lost: list[tuple[int, int]] = []
        for first, last in holes.missing:
            begin = first
            for number in (*(one for one in aside if first <= one <= last), last + 1):
                if number > begin:
                    lost.append((begin, number - 1))
                begin = number + 1
        return lost

    async def _ask(self, requests: connection.Exchange, source: str, first: int, last: int) -> None:
        message = connection.message_of(orjson.dumps({"source": source, "first": first, "last": last}))
        log.warning("follower.hole", source=source, first=first, last=last)
        try:
            await requests.publish(message, owner_of(source), timeout=connection.PUBLISH_TIMEOUT_S)
        except connection.UnroutableError:
            log.warning("follower.hole-unheard", source=source, owner=owner_of(source))
