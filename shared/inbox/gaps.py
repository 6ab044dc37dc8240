"""Numbers that never came: asked for again, from the log of whoever sent them.

A wiped broker, a deleted queue and a lost binding all look like this, and are all healed by it.
"""

import asyncio
from datetime import datetime, timedelta

import orjson
import structlog

from shared.broker import connection, metrics
from shared.broker.topology import REQUESTS, Topology, owner_of
from shared.inbox.store import Gaps, Inbox
from shared.runtime.clock import Clock
from shared.storage.database import DatabaseDownError
from shared.storage.lease import Lease

log = structlog.get_logger(__name__)


class GapDetector:
    """Watches one consumer's inbox for gaps.

    Args:
        after_s: Age at which a gap is asked for.
        lease: Lets one replica ask for all.
    """

    def __init__(  # the consumer names each
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
        async with connection.connected(self._url, f"{self._wanted.main} gaps") as broker:
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
            log.warning("consumer.database-lost", error=repr(error))
            return []

    async def old(self) -> list[tuple[str, int, int]]:
        """Return the gaps (source, first, last) that are old enough to be asked for; each anew after a while."""
        now = self._clock()
        still: dict[tuple[str, int], datetime] = {}
        old = []
        total = 0
        for gaps in await self._inbox.gaps():
            total += sum(last - first + 1 for first, last in gaps.missing)
            for first, last in await self._lost(gaps):
                began = gaps.received == 0 and (gaps.source, first) not in self._since
                since = self._since.get((gaps.source, first), now)
                # Who has nothing of a source just began, and need not wait whether it is on its way.
                if began or now - since >= self._after:
                    old.append((gaps.source, first, last))
                    since = now
                still[(gaps.source, first)] = since
        self._since = still
        metrics.GAPS.set(total)
        return old

    async def _lost(self, gaps: Gaps) -> list[tuple[int, int]]:
        """Leave out what is set aside: it is missing from the documents, but not lost."""
        if not gaps.missing:
            return []
        aside = await self._inbox.aside(gaps.source)
        lost: list[tuple[int, int]] = []
        for first, last in gaps.missing:
            begin = first
            for number in (*(one for one in aside if first <= one <= last), last + 1):
                if number > begin:
                    lost.append((begin, number - 1))
                begin = number + 1
        return lost

    async def _ask(self, requests: connection.Exchange, source: str, first: int, last: int) -> None:
        message = connection.message_of(orjson.dumps({"source": source, "first": first, "last": last}))
        log.warning("consumer.gap", source=source, first=first, last=last)
        try:
            await requests.publish(message, owner_of(source), timeout=connection.PUBLISH_TIMEOUT_S)
        except connection.UnroutableError:
            log.warning("consumer.gap-unheard", source=source, owner=owner_of(source))
