"""From the broker to the documents: many messages, one read, one bulk write, one acknowledgement.

A message is acknowledged only when it is settled, durably: applied, waiting for an earlier one of its
subject, on the retry ladder, or parked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import uuid4

import aio_pika
import orjson
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.clock import Clock
from shared.errors import StaleWriteError, TransientError
from shared.events import Happened
from shared.messaging import link, metrics
from shared.messaging.relay import CONTENT_TYPE, HEAD_TYPE, PUBLISH_TIMEOUT_S, watch
from shared.messaging.topology import LADDER_S, REQUESTS, Topology, owner_of, retry_queue
from shared.storage import Aggregates, Change, Inbox, Parked, Stamp, Stored, change_of
from shared.storage.aggregates import DRIVER_ERROR

log = structlog.get_logger(__name__)
S = TypeVar("S")
Record = dict[str, Any]
"""An envelope as it came: a dict with the fields of :class:`shared.events.Envelope`."""

BATCH = 256
PREFETCH = 2 * BATCH
TRIES = 8
"""Rounds against other writers of the same documents before the events go to the ladder."""

_NEEDED = {"id": str, "source": str, "type": str, "subject": str, "sequence": int, "ordinal": int, "data": dict}


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What following some events does to a document."""

    state: S
    happened: Sequence[Happened] = ()
    stamp: Stamp | None = None
    index: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Following(Generic[S]):
    """One row of a service's table of subscriptions.

    Attributes:
        collection: Where the effect is written.
        key: The document that an event changes; ``None``: the event is none of ours.
        decide: Pure. Gets the document and its new events in order. ``None``: the document is not
            there yet and these events do not open it, so they wait.
        ordered: Events of a (source, subject) are applied gaplessly in order of their ordinal. Without
            it ``decide`` must be indifferent to order and repetition (sets of facts).
        after: Told which documents changed, once they are durable.
    """

    collection: Aggregates[S]
    key: Callable[[Record], str | None]
    decide: Callable[[Stored[S], Sequence[Record]], Decision[S] | None]
    ordered: bool = True
    after: Callable[[Sequence[str]], Awaitable[None]] | None = None


@dataclass(slots=True)
class _Delivery:
    message: AbstractIncomingMessage
    record: Record
    failed: str = ""


class Follower:
    """The consumer of one service.

    Args:
        keep_keys: Stores customer keys that came beside events (key id → wrapped key).
        holes_after_s: Age at which a hole is asked for.
    """

    def __init__(  # noqa: PLR0913  # the composition root names each
        self,
        inbox: Inbox,
        followings: Sequence[Following[Any]],
        wanted: Topology,
        amqp_url: str,
        clock: Clock,
        *,
        keep_keys: Callable[[Mapping[str, str]], Awaitable[None]] | None = None,
        holes_after_s: float = 60.0,
        holes_every_s: float = 5.0,
    ) -> None:
        """Nothing runs yet."""
        self._inbox, self._followings, self._wanted, self._url = inbox, followings, wanted, amqp_url
        self._clock, self._keep_keys = clock, keep_keys
        self._holes_after = timedelta(seconds=holes_after_s)
        self._holes_every_s = holes_every_s
        self._known_holes: dict[tuple[str, int], datetime] = {}
        self._channel: AbstractChannel | None = None

    async def run(self, stack: AsyncExitStack) -> None:
        """Start consuming; ``stack`` stops it after the batch in hand."""
        for name, session in (("consumer", self._consume), ("holes", self._watch_holes)):
            task = asyncio.create_task(link.supervise(name, session), name=f"follower-{name}")
            stack.push_async_callback(_ended, task)

    async def _consume(self) -> None:
        async with link.connected(self._url, f"{self._wanted.main} consumer") as connection:
            channel = await connection.channel(on_return_raises=True)
            await channel.set_qos(prefetch_count=PREFETCH)
            await link.declare(channel, self._wanted)
            queue = await channel.get_queue(self._wanted.main, ensure=False)
            arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            self._channel = channel
            await queue.consume(arrived.put)
            watching = asyncio.create_task(watch(channel, self._wanted.main))
            working = asyncio.create_task(self._work(arrived))
            try:
                done, _ = await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._channel = None
                await _ended(watching)
                await _ended(working)

    async def _work(self, arrived: asyncio.Queue[AbstractIncomingMessage]) -> None:
        while True:
            batch = [await arrived.get()]
            while not arrived.empty() and len(batch) < BATCH:
                batch.append(arrived.get_nowait())
            # A batch in hand is finished even while stopping: it would only be delivered again.
            await asyncio.shield(asyncio.create_task(self._settle(batch)))

    async def _settle(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        while True:
            try:
                await self._handle(batch)
            except (DRIVER_ERROR, TransientError) as error:
                # The database is away. Nothing is acknowledged; the prefetch bounds what waits here.
                log.warning("follower.database-lost", error=repr(error))
                await asyncio.sleep(1)
            else:
                break
        await batch[-1].ack(multiple=True)

    async def _handle(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        heads: dict[str, int] = {}
        deliveries: list[_Delivery] = []
        for message in batch:
            if message.type == HEAD_TYPE:
                told = orjson.loads(message.body)
                heads[told["source"]] = max(told["head"], heads.get(told["source"], 0))
                continue
            record = await self._readable(message)
            if record is not None:
                deliveries.append(_Delivery(message, record))
        await self._inbox.heard(heads)
        await self._store_keys(deliveries)
        await self.apply([delivery for delivery in deliveries])
        for delivery in deliveries:
            if delivery.failed:
                await self._to_ladder(delivery)
        settled = [delivery.record for delivery in deliveries if not delivery.failed]
        forks = await self._inbox.record([(one["source"], one["sequence"], one["id"]) for one in settled])
        for position in forks:
            metrics.FORKS.inc()
            await self._park(orjson.dumps(settled[position]), settled[position], "fork", "another event has this number")
        highest: dict[str, int] = {}
        for record in settled:
            highest[record["source"]] = max(record["sequence"], highest.get(record["source"], 0))
        await self._inbox.heard(highest)

    async def _readable(self, message: AbstractIncomingMessage) -> Record | None:
        try:
            record = orjson.loads(message.body)
        except orjson.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            wrong = [name for name, kind in _NEEDED.items() if not isinstance(record.get(name), kind)]
            if not wrong and record["source"].count("/") == 3:  # noqa: PLR2004  # jiandu/service/stream/epoch
                return record
            reason = f"fields missing or of the wrong type: {', '.join(wrong) or 'source'}"
        else:
            reason = "not a JSON object"
        await self._park(message.body, record if isinstance(record, dict) else {}, "unreadable", reason)
        return None

    async def _store_keys(self, deliveries: Sequence[_Delivery]) -> None:
        if self._keep_keys is None:
            return
        keys = {}
        for delivery in deliveries:
            wrapped = (delivery.message.headers or {}).get("x-jiandu-key")
            sealed = delivery.record["data"].get("sealed")
            if wrapped and sealed:
                keys[sealed["key"]] = str(wrapped)
        if keys:
            await self._keep_keys(keys)

    # --- effects

    async def apply(self, deliveries: Sequence[_Delivery]) -> None:
        """Write the effects of a batch; a document whose events fail is marked, the rest goes on."""
        for following in self._followings:
            by_key: dict[str, list[_Delivery]] = {}
            for delivery in deliveries:
                try:
                    key = following.key(delivery.record)
                except (KeyError, TypeError, ValueError) as error:
                    delivery.failed = repr(error)
                    continue
                if key is not None:
                    by_key.setdefault(key, []).append(delivery)
            if by_key:
                await self._apply_one(following, by_key)

    async def _apply_one(self, following: Following[S], by_key: dict[str, list[_Delivery]]) -> None:
        waiting: dict[str, list[Record]] = {}
        if following.ordered:
            for record in await self._inbox.waiting_for(list(by_key)):
                waiting.setdefault(str(following.key(record)), []).append(record)
        todo = set(by_key)
        changed: list[str] = []
        for _ in range(TRIES):
            todo = await self._round(following, {key: by_key[key] for key in sorted(todo)}, waiting, changed)
            if not todo:
                break
        for key in todo:
            for delivery in by_key[key]:
                delivery.failed = "other writers came first, again and again"
        if following.after and changed:
            await following.after(changed)

    async def _round(
        self,
        following: Following[S],
        by_key: Mapping[str, list[_Delivery]],
        waiting: Mapping[str, list[Record]],
        changed: list[str],
    ) -> set[str]:
        """Decide and write once. Returns the documents that another writer changed meanwhile."""
        stored = await following.collection.get_many(by_key)
        changes: list[Change[S]] = []
        early: list[Record] = []
        drained: list[str] = []
        for key, deliveries in by_key.items():
            records = {one["id"]: one for one in (*waiting.get(key, ()), *(one.record for one in deliveries))}
            ready, late, applied = _in_order(stored[key], records.values(), ordered=following.ordered)
            if not ready:
                early.extend(late)
                continue
            try:
                decision = following.decide(stored[key], ready)
            except (TransientError, *_NEVER):
                raise
            except Exception as error:  # noqa: BLE001  # one bad event must not stop the others
                log.warning("follower.failed", key=key, type=ready[0]["type"], error=repr(error), exc_info=True)
                for delivery in deliveries:
                    delivery.failed = repr(error)
                continue
            if decision is None:
                early.extend(records.values())
                continue
            early.extend(late)
            drained.extend(record["id"] for record in ready)
            changes.append(
                change_of(
                    stored[key],
                    decision.state,
                    decision.happened,
                    decision.stamp,
                    index=decision.index,
                    applied=applied,
                )
            )
        await self._inbox.wait(early)
        metrics.EARLY.inc(len(early))
        outcomes = await following.collection.save_many(changes) if changes else []
        lost = set()
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, StaleWriteError):
                lost.add(change.stored.id)
            elif outcome is not None:
                raise outcome
            else:
                changed.append(change.stored.id)
        metrics.APPLIED.inc(len(drained))
        if waiting:
            kept = {record["id"] for key in lost for record in waiting.get(key, ())}
            await self._inbox.no_longer_waiting([one for one in drained if one not in kept])
        return lost

    # --- what could not be applied

    async def _to_ladder(self, delivery: _Delivery) -> None:
        attempt = int(str((delivery.message.headers or {}).get("x-jiandu-attempt", 0)))
        if attempt >= len(LADDER_S):
            await self._park(delivery.message.body, delivery.record, "failing", delivery.failed, attempt)
            return
        if self._channel is None:
            raise link.BrokerDownError("The channel is gone; the batch will be delivered again.")
        headers = {**(delivery.message.headers or {}), "x-jiandu-attempt": attempt + 1}
        await self._channel.default_exchange.publish(
            aio_pika.Message(
                delivery.message.body,
                content_type=CONTENT_TYPE,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                message_id=uuid4().hex,  # noqa: TID251  # the transport's, not a fact's
                type=delivery.message.type,
                headers=headers,
            ),
            retry_queue(self._wanted.main, LADDER_S[attempt]),
            timeout=PUBLISH_TIMEOUT_S,
        )
        metrics.RETRIED.inc()

    async def _park(
        self, body: bytes, record: Mapping[str, Any], kind: str, reason: str, attempts: int = 0
    ) -> None:
        metrics.PARKED.labels(kind).inc()
        log.error("follower.parked", kind=kind, type=record.get("type"), subject=record.get("subject"), reason=reason)
        await self._inbox.park(
            Parked(
                id=str(record.get("id") or uuid4()),  # noqa: TID251  # names an unreadable message
                fingerprint=f"{kind}:{record.get('type', '?')}:{reason.split('(')[0][:80]}",
                reason=reason,
                type=str(record.get("type", "")),
                subject=str(record.get("subject", "")),
                body=body,
                attempts=attempts,
                parked_at=self._clock(),
            )
        )

    async def replay(self, ids: Sequence[str]) -> int:
        """Put parked messages through again, now. Those that fail again stay parked. Returns how many went."""
        chosen = [one for one in await self._inbox.parked() if one.id in set(ids)]
        done = []
        for parked in chosen:
            try:
                record = orjson.loads(parked.body)
            except orjson.JSONDecodeError:
                continue
            delivery = _Delivery(_NoMessage(), record)  # type: ignore[arg-type]  # only its record is read here
            await self.apply([delivery])
            if not delivery.failed:
                await self._inbox.record([(record["source"], record["sequence"], record["id"])])
                done.append(parked.id)
        return await self._inbox.unpark(done)

    # --- holes

    async def _watch_holes(self) -> None:
        async with link.connected(self._url, f"{self._wanted.main} holes") as connection:
            channel = await connection.channel(on_return_raises=False)
            await link.declare(channel, self._wanted)
            requests = await channel.get_exchange(REQUESTS, ensure=False)
            while True:
                try:
                    missing = await self._old_holes()
                except DRIVER_ERROR as error:
                    log.warning("follower.database-lost", error=repr(error))
                    missing = []
                for source, first, last in missing:
                    await requests.publish(
                        aio_pika.Message(
                            orjson.dumps({"source": source, "first": first, "last": last}),
                            message_id=uuid4().hex,  # noqa: TID251  # the transport's, not a fact's
                            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        ),
                        owner_of(source),
                        mandatory=False,
                        timeout=PUBLISH_TIMEOUT_S,
                    )
                    log.warning("follower.hole", source=source, first=first, last=last)
                await asyncio.sleep(self._holes_every_s)
                if channel.is_closed:
                    raise link.BrokerDownError

    async def _old_holes(self) -> list[tuple[str, int, int]]:
        now, found, total = self._clock(), [], 0
        still: dict[tuple[str, int], datetime] = {}
        for hole in await self._inbox.holes():
            for first, last in hole.missing:
                total += last - first + 1
                since = self._known_holes.get((hole.source, first), now)
                if now - since >= self._holes_after:
                    found.append((hole.source, first, last))
                    since = now
                still[(hole.source, first)] = since
        self._known_holes = still
        metrics.HOLES.set(total)
        return found


_NEVER = (asyncio.CancelledError, MemoryError)


class _NoMessage:
    headers: Mapping[str, Any] = {}


def _in_order(
    stored: Stored[Any], records: Iterable[Record], *, ordered: bool
) -> tuple[list[Record], list[Record], dict[str, int]]:
    """Split events into those to apply now, in order, and those that are early."""
    applied = dict(stored.applied)
    if not ordered:
        return sorted(records, key=lambda one: (one["source"], one["sequence"])), [], applied
    ready, early = [], []
    for record in sorted(records, key=lambda one: (one["source"], one["ordinal"])):
        reached = applied.get(record["source"], 0)
        if record["ordinal"] == reached + 1:
            applied[record["source"]] = reached + 1
            ready.append(record)
        elif record["ordinal"] > reached:
            early.append(record)
        else:
            metrics.DUPLICATES.inc()
    return _interleaved(ready), early, applied


def _interleaved(records: Sequence[Record]) -> list[Record]:
    """Order events of several sources by when they were recorded, never swapping two of one source."""
    latest: dict[str, str] = {}
    keyed = []
    for record in records:
        source = record["source"]
        # Without its Z an ISO instant sorts as text, with or without a fraction of a second.
        latest[source] = max(str(record["recordedtime"])[:-1], latest.get(source, ""))
        keyed.append((latest[source], record))
    return [record for _, record in sorted(keyed, key=lambda pair: pair[0])]


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
