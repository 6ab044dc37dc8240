"""From the broker to the documents: many messages, one read, one bulk write, one acknowledgement.

A message is acknowledged only when it is settled, durably: applied, waiting for an earlier one of its
subject, waiting for its next try, or parked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Generic, Protocol, TypeVar

import structlog

from shared.broker import connection, metrics
from shared.broker.messages import HEAD_TYPE, KEYS_HEADER, unpack
from shared.broker.topology import Topology
from shared.events.envelope import customer_key_of
from shared.inbox.applier import EventApplier, Subscription
from shared.inbox.deliveries import Arrived, UnreadableError, key_beside, read, read_head
from shared.inbox.gaps import GapDetector
from shared.inbox.retries import RETRY_S, RetryQueue
from shared.inbox.store import Inbox, Receipt
from shared.runtime.clock import Clock
from shared.runtime.supervisor import TaskSupervisor
from shared.storage.database import DatabaseDownError
from shared.storage.lease import Lease

log = structlog.get_logger(__name__)

BATCH = 256
BATCH_BYTES = 512 * 1024
"""A batch takes no more messages once it holds so many, or so much."""

PREFETCH = BATCH

GATHER_S = 0.02
"""How long a first message waits for others. What a batch costs, many events pay together."""

STOP_S = 5.0
"""How long stopping waits for the batch in hand. Longer only when the database is away; then it comes again."""

_CLIMB_EVERY_S = 0.5
_LOOK_AROUND_EVERY_S = 30.0

KeepKeys = Callable[[Mapping[str, str]], Awaitable[None]]
"""Stores customer keys that came beside events (key id → wrapped key)."""


class Consumer:
    """The consumer of one service.

    Args:
        keep_keys: Where customer keys beside events are kept, if they are.
        gaps_after_s: Age at which a gap is asked for.
        lease: Lets one of several replicas ask for gaps.
        retry_s: Delays before a failed event is tried again.
        supervisor: Runs the tasks; its own, where none is given.
    """

    def __init__(  # noqa: PLR0913  # the composition root names each
        self,
        inbox: Inbox,
        subscriptions: Sequence[Subscription[Any]],
        wanted: Topology,
        amqp_url: str,
        clock: Clock,
        *,
        keep_keys: KeepKeys | None = None,
        gaps_after_s: float = 60.0,
        gaps_every_s: float = 5.0,
        lease: Lease | None = None,
        retry_s: Sequence[float] = RETRY_S,
        supervisor: TaskSupervisor | None = None,
    ) -> None:
        """Nothing runs yet."""
        self._inbox, self._wanted, self._url, self._keep_keys = inbox, wanted, amqp_url, keep_keys
        self._retries = RetryQueue(inbox, clock, retry_s)
        self._effects = EventApplier(inbox, subscriptions, self._retries.take)
        self._gaps = GapDetector(
            inbox, wanted, amqp_url, clock, after_s=gaps_after_s, every_s=gaps_every_s, lease=lease
        )
        self._supervisor = supervisor or TaskSupervisor()
        self._clock = clock
        self._heard: set[str] = set()

    async def run(self, stack: AsyncExitStack) -> None:
        """Start consuming; ``stack`` stops it after the batch in hand."""
        start = self._supervisor.start
        start(stack, "consumer-deliveries", self._consume, breaks=connection.BROKEN)
        start(stack, "consumer-gaps", self._gaps.run, breaks=connection.BROKEN)
        start(stack, "consumer-retries", self._retry)

    # --- broker → documents

    async def _consume(self) -> None:
        async with connection.connected(self._url, f"{self._wanted.main} consumer") as broker:
            channel = await broker.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            await connection.declare(channel, self._wanted)
            await connection.consume(channel, self._wanted, self._wanted.main, self._work)

    async def _work(self, arrivals: connection.Arrivals) -> None:
        tags: Prefix[connection.Delivery] = Prefix()
        while True:
            batch = await _gathered(arrivals)
            settling = asyncio.create_task(self._settle(batch, tags))
            try:
                await asyncio.shield(settling)
            except asyncio.CancelledError:
                # A batch in hand is finished even while stopping: it would only be delivered again.
                await asyncio.wait({settling}, timeout=STOP_S)
                settling.cancel()
                raise

    async def _settle(
        self, batch: Sequence[connection.Delivery], tags: "Prefix[connection.Delivery]"
    ) -> None:
        while True:
            try:
                await self._handle(batch)
                break
            except DatabaseDownError as error:
                # Nothing is acknowledged; the prefetch bounds what waits here. No other failure may
                # wait: what it waits for could be behind it in the queue.
                log.warning("consumer.database-lost", error=repr(error))
                await asyncio.sleep(1)
        last = tags.settle(batch)
        if last is not None:
            await last.ack(multiple=True)

    async def _handle(self, batch: Sequence[connection.Delivery]) -> None:
        """Settle a batch. Doing it again changes nothing."""
        events = await self._read(batch)
        await self._apply(list(events.values()))
        await self._retries.take([one for one in events.values() if one.failure])
        settled = {receipt: one for receipt, one in events.items() if not one.failure}
        for position in await self._inbox.record(list(settled)):
            await self._park_fork(list(settled.values())[position])
        # Only what nobody announced yet; for the rest, receipts and announcements say it.
        new = {one.source: one.sequence for one in events if one.source not in self._heard}
        await self._hear(new)

    async def _read(self, batch: Sequence[connection.Delivery]) -> dict[Receipt, Arrived]:
        """Return the events of a batch, each once. Announcements are heard, what is unreadable is parked."""
        found: dict[Receipt, Arrived] = {}
        hashes: dict[tuple[str, int], str] = {}
        heads: dict[str, int] = {}
        pieces = [(message, body) for message in batch for body in unpack(message.body)]
        for message, body in pieces:
            try:
                if message.type == HEAD_TYPE:
                    source, head = read_head(body)
                    heads[source] = max(head, heads.get(source, 0))
                    continue
                record = read(body)
                one = Arrived(record, body, key_beside(record, message.headers.get(KEYS_HEADER)))
            except UnreadableError as error:
                await self._retries.park("unreadable", body, str(error), type_=str(message.type or ""))
                continue
            receipt = one.receipt
            if hashes.setdefault((receipt.source, receipt.sequence), receipt.hash) != receipt.hash:
                await self._park_fork(one)
            elif found.setdefault(receipt, one) is not one:
                metrics.DUPLICATES.inc()
        await self._hear(heads)
        receipts = list(found)
        for position in await self._inbox.forks(receipts):
            await self._park_fork(found.pop(receipts[position]))
        return found

    async def _hear(self, heads: Mapping[str, int]) -> None:
        await self._inbox.heard(heads)
        self._heard.update(heads)

    async def _park_fork(self, one: Arrived) -> None:
        metrics.FORKS.inc()
        reason = "another event has this number"
        await self._retries.park(
            "fork", one.body, reason, type_=one.record["type"], subject=one.record["subject"]
        )

    # --- effects

    async def _apply(self, arrived: Sequence[Arrived]) -> None:
        await self._store_keys(arrived)
        await self._effects.apply([one for one in arrived if not one.failure])

    async def _store_keys(self, arrived: Sequence[Arrived]) -> None:
        if self._keep_keys is None:
            return
        beside = [one for one in arrived if one.wrapped]
        try:
            await self._keep_keys({customer_key_of(one.record): one.wrapped for one in beside})
        except DatabaseDownError:
            raise
        except Exception:  # noqa: BLE001  # one of them is not a key; the others are kept
            for one in beside:
                await self._store_key(self._keep_keys, one)

    @staticmethod
    async def _store_key(keep: KeepKeys, one: Arrived) -> None:
        try:
            await keep({customer_key_of(one.record): one.wrapped})
        except DatabaseDownError:
            raise
        except Exception as error:  # noqa: BLE001  # it goes to the retry queue with its event
            one.fail(error)

    # --- what could not be applied

    async def _retry(self) -> None:
        looked = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(_CLIMB_EVERY_S)
            try:
                await self._retries.retry_due(self._apply, self._effects.skip)
                if asyncio.get_running_loop().time() - looked > _LOOK_AROUND_EVERY_S:
                    looked = asyncio.get_running_loop().time()
                    await self._effects.look_around()
            except DatabaseDownError as error:
                log.warning("consumer.database-lost", error=repr(error))
                await asyncio.sleep(1)

    async def replay(self, ids: Sequence[str]) -> int:
        """Put parked messages through again, now. Those that fail again wait for their next try. Returns how many went."""
        await self._inbox.try_again(ids, self._clock())
        await self._retries.retry_due(self._apply, self._effects.skip)
        return len(set(ids)) - await self._inbox.count_aside(ids)


async def _gathered(arrivals: connection.Arrivals) -> list[connection.Delivery]:
    batch = [await arrivals.get()]
    if arrivals.qsize() < BATCH - 1:
        await asyncio.sleep(GATHER_S)
    size = len(batch[0].body)
    while not arrivals.empty() and len(batch) < BATCH and size < BATCH_BYTES:
        batch.append(arrivals.get_nowait())
        size += len(batch[-1].body)
    return batch


class Tagged(Protocol):
    """A delivery, as far as acknowledging needs it."""

    @property
    def delivery_tag(self) -> int | None:
        """Its number on its channel."""
        ...


M = TypeVar("M", bound=Tagged)


class Prefix(Generic[M]):
    """Deliveries of one channel that are settled, up to the first that is not."""

    def __init__(self) -> None:
        """A channel counts its deliveries from 1."""
        self._next = 1
        self._settled: dict[int, M] = {}

    def settle(self, batch: Sequence[M]) -> M | None:
        """Return the last message that may be acknowledged with all before it, if any is new."""
        last = None
        self._settled.update({message.delivery_tag or 0: message for message in batch})
        while (message := self._settled.pop(self._next, None)) is not None:
            last, self._next = message, self._next + 1
        return last
