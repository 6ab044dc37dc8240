"""From the documents to the log. Its publisher takes it on from there to the broker.

The sequencer appends pending events to the log. With several replicas one holds the lease and does it;
the log's unique sequence is the fence if two believe they hold it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import structlog

from shared.broker import connection
from shared.broker.metrics import LOGGED
from shared.broker.topology import Topology
from shared.outbox.log import Log
from shared.outbox.publisher import WINDOW, Attach, Publisher
from shared.runtime.supervisor import TaskSupervisor
from shared.storage.aggregates import Aggregates
from shared.storage.database import DatabaseDownError
from shared.storage.lease import Lease

log = structlog.get_logger(__name__)

_LEASE_EVERY_S = 1.5
_OFFERS = 10_000
"""Hints kept. More are dropped, and what they told of is found by looking."""

_GATHER_S = 0.005
"""How long a first hint waits for others: one append for many."""

_LOOKS, _QUIET = 4, 8
"""Polls between looks while hints come, and at most between looks that find nothing."""

_REMEMBERED = 20_000
"""Events known to be logged, so that one found by looking is not appended again when its hint comes."""


class Offered(NamedTuple):
    """Drafts of one document that are durable now."""

    collection: str
    document: str
    drafts: Sequence[dict[str, Any]]


class Offers:
    """Hints from the collections to the relay: drafts that are durable now. Losing a hint loses nothing.

    Made before both, so that a collection can be made before the relay that reads it.
    """

    def __init__(self) -> None:
        """Nobody listens yet."""
        self.wanted = False
        self._queue: asyncio.Queue[Offered] = asyncio.Queue(_OFFERS)

    def __call__(self, collection: str, document: str, drafts: Sequence[dict[str, Any]]) -> None:
        """Tell of drafts; dropped while nobody listens, or too many wait. For ``Aggregates(offer=…)``."""
        if self.wanted and not self._queue.full():
            self._queue.put_nowait(Offered(collection, document, drafts))

    async def some(self, wait_s: float) -> list[Offered]:
        """Return what was offered, once a first hint has waited a moment for others; nothing after ``wait_s``."""
        try:
            async with asyncio.timeout(wait_s):
                offers = [await self._queue.get()]
        except TimeoutError:
            return []
        await asyncio.sleep(_GATHER_S)
        while not self._queue.empty() and len(offers) < WINDOW:
            offers.append(self._queue.get_nowait())
        return offers


class Relay:
    """Sequencer and publisher of one service.

    Args:
        offers: Hints of new drafts.
        collections: Every collection that can hold pending events.
        attach: Looks up keys to send beside events with sealed data.
        poll_s: How soon events are found that no offer told of (a crash, another replica).
        supervisor: Runs the tasks; its own, where none is given.
    """

    def __init__(  # noqa: PLR0913  # the composition root names each
        self,
        log_: Log,
        lease: Lease,
        offers: Offers,
        collections: Sequence[Aggregates[Any]],
        wanted: Topology,
        amqp_url: str,
        *,
        attach: Attach | None = None,
        poll_s: float = 0.25,
        announce_s: float = 5.0,
        supervisor: TaskSupervisor | None = None,
    ) -> None:
        """Nothing runs yet."""
        self._log, self._lease, self._poll_s = log_, lease, poll_s
        self._collections = {collection.name: collection for collection in collections}
        self._supervisor = supervisor or TaskSupervisor()
        self._offers = offers
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._held = asyncio.Event()
        self._publisher = Publisher(
            log_, wanted, amqp_url, self._held, attach=attach, poll_s=poll_s, announce_s=announce_s
        )

    async def run(self, stack: AsyncExitStack) -> None:
        """Start sequencer, publisher and request server; ``stack`` ends them."""
        # First in, so that it is last out: while the tasks run, one of them would take it again.
        stack.push_async_callback(self._release)
        start = self._supervisor.start
        start(stack, "relay-lease", self._keep_lease)
        start(stack, "relay-sequencer", self._sequence)
        start(stack, "relay-publisher", self._publisher.publish, breaks=connection.BROKEN)
        start(stack, "relay-requests", self._publisher.serve, breaks=connection.BROKEN)

    # --- who does it

    async def _keep_lease(self) -> None:
        while True:
            try:
                held = await self._lease.hold()
            except DatabaseDownError as error:
                log.warning("relay.lease-unknown", error=repr(error))
                held = False
            if held and not self._held.is_set():
                # Whoever held it since may have appended.
                self._log.forget_heads()
                self._held.set()
            elif not held:
                self._held.clear()
            self._offers.wanted = held
            await asyncio.sleep(_LEASE_EVERY_S)

    async def _release(self) -> None:
        try:
            await self._lease.release()
        except DatabaseDownError as error:
            log.warning("relay.lease-not-released", error=repr(error))

    # --- documents → log

    async def _sequence(self) -> None:
        looked, more, wait_s = float("-inf"), False, self._poll_s
        while True:
            if not self._held.is_set():
                wait_s = self._poll_s
                await self._held.wait()
            try:
                offers = [] if more else await self._offers.some(wait_s)
                offers = [one for one in offers if one.drafts[-1]["id"] not in self._recent]
                if not offers or time.monotonic() - looked > _LOOKS * self._poll_s:
                    found, more = await self._look({offer.document for offer in offers})
                    wait_s = self._poll_s if found else min(2 * wait_s, _QUIET * self._poll_s)
                    offers += found
                    looked = time.monotonic()
                if offers:
                    await self._append(offers)
            except DatabaseDownError as error:
                log.warning("relay.database-lost", error=repr(error))
                await asyncio.sleep(1)

    async def _look(self, told: set[str]) -> tuple[list[Offered], bool]:
        """Find pending events that no offer told of, and whether there may be more."""
        offers, more = [], False
        for collection in self._collections.values():
            page = await collection.pending(WINDOW)
            more = more or len(page) == WINDOW
            offers += [Offered(collection.name, key, drafts) for key, drafts in page if key not in told]
        return offers, more

    async def _append(self, offers: Sequence[Offered]) -> None:
        by_source: dict[str, dict[str, dict[str, Any]]] = {}
        logged: dict[str, dict[str, list[str]]] = {}
        for offer in offers:
            events = logged.setdefault(offer.collection, {}).setdefault(offer.document, [])
            for draft in offer.drafts:
                events.append(draft["id"])
                if draft["id"] not in self._recent:
                    by_source.setdefault(draft["source"], {})[draft["id"]] = draft
        for drafts in by_source.values():
            await self._append_to_one(list(drafts.values()))
        for name, documents in logged.items():
            await self._collections[name].clear(documents)

    async def _append_to_one(self, drafts: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(drafts), WINDOW):
            some = drafts[start : start + WINDOW]
            entries = await self._log.append(some)
            LOGGED.inc(len(entries))
            self._publisher.logged(entries)
            self._recent.update((draft["id"], None) for draft in some)
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
