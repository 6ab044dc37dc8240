"""From the log to the broker: what is new, and what somebody asks for again.

Confirms and returns are alarms here, not the safety net: whoever misses a number asks for it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

import orjson
import structlog

from shared.broker import connection
from shared.broker.messages import BATCH_TYPE, HEAD_TYPE, KEYS_HEADER, pack
from shared.broker.metrics import PUBLISHED, RESENT, UNROUTABLE
from shared.broker.topology import Topology
from shared.events import stream_of
from shared.outbox.log import Entry, Log
from shared.storage.database import DatabaseDownError

log = structlog.get_logger(__name__)

MOST_EVENTS = 64
MOST_BYTES = 128 * 1024
"""A batch holds no more, unless its only event is larger. With the prefetch it bounds a consumer's memory."""

WINDOW = 512
"""Unconfirmed events at once. It bounds the broker's queues, which have no length limit."""

_LEAST = 16
_QUIET = 8
"""Polls between looks at a log that nobody said anything about."""

_NOTED_EVERY_S = 1.0
_HEAD_LASTS_S = 60

Attach = Callable[[Sequence[Entry]], Awaitable[Mapping[str, tuple[str, str]]]]
"""Returns, by event id, key id and wrapped key of the customer: it travels beside the event and is never logged."""


def batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Part consecutive entries of one log into what goes in one message each."""
    first = size = 0
    for at, entry in enumerate(entries):
        size += len(entry.body)
        if at > first and (at - first == MOST_EVENTS or size > MOST_BYTES):
            yield entries[first:at]
            first, size = at, len(entry.body)
    if entries:
        yield entries[first:]


class _Tail:
    """The end of one log: how far it is published, and entries at hand that need not be read."""

    def __init__(self, done: int) -> None:
        self.done = self.noted = done
        self.last: Entry | None = None
        self.fresh: deque[Entry] = deque(maxlen=4 * WINDOW)

    def at_hand(self, most: int) -> list[Entry]:
        """Return the entries right after the last published one, as far as they are at hand without a gap."""
        while self.fresh and self.fresh[0].sequence <= self.done:
            self.fresh.popleft()
        run: list[Entry] = []
        for entry in self.fresh:
            # Another sequencer may have written the numbers in between.
            if len(run) == most or entry.sequence != self.done + 1 + len(run):
                break
            run.append(entry)
        return run


class Publisher:
    """Publishes the logs of one service.

    Args:
        held: Set while this replica is the one that publishes.
        attach: Looks up keys to send beside events with sealed data.
    """

    def __init__(  # the relay names each
        self,
        log_: Log,
        wanted: Topology,
        amqp_url: str,
        held: asyncio.Event,
        *,
        attach: Attach | None,
        poll_s: float,
        announce_s: float,
    ) -> None:
        """Nothing runs yet."""
        self._log, self._wanted, self._url, self._held = log_, wanted, amqp_url, held
        self._attach, self._poll_s, self._announce_s = attach, poll_s, announce_s
        self._tails: dict[str, _Tail] = {}
        self._new: set[str] = set()
        self._news = asyncio.Event()
        self._window = WINDOW
        self._returned = False

    def logged(self, entries: Sequence[Entry]) -> None:
        """Hear of entries that were just written. Losing the hint loses nothing."""
        for source in {entry.source for entry in entries}:
            if tail := self._tails.get(source):
                tail.fresh.extend(entries)
            else:
                self._new.add(source)
        self._news.set()

    # --- what is new

    async def publish(self) -> None:
        """Publish what is new for as long as the connection holds and the lease is held."""
        await self._held.wait()
        async with connection.connected(self._url, f"{self._wanted.main} publisher") as broker:
            channel = await broker.channel(on_return_raises=True)
            await connection.declare(channel, self._wanted)
            exchange = await channel.get_exchange(self._wanted.publishes_to, ensure=False)
            # Read anew: another replica may have published meanwhile.
            self._tails = {}
            announced = noted = float("-inf")
            try:
                while self._held.is_set():
                    if time.monotonic() - announced > self._announce_s:
                        # Comes first: while the broker is blocked it costs one small message a turn.
                        await self._announce(exchange)
                        announced = time.monotonic()
                    await self._take_up(self._new)
                    busy = [await self._publish_some(exchange, *one) for one in sorted(self._tails.items())]
                    if not any(busy) or time.monotonic() - noted > _NOTED_EVERY_S:
                        await self._note()
                        noted = time.monotonic()
                    if self._returned:
                        # Perhaps a binding of ours is gone. What was returned is asked for again.
                        self._returned = False
                        await connection.declare(channel, self._wanted)
                    if not any(busy):
                        self._news.clear()
                        # Only who holds the lease appends, and tells: the rest is for a stale holder's entries.
                        await connection.soon(self._news, _QUIET * self._poll_s)
                    if channel.is_closed:
                        raise connection.BrokerDownError
            finally:
                await self._note_at_last()

    async def _take_up(self, sources: Iterable[str]) -> None:
        for source in set(sources) - self._tails.keys():
            self._tails[source] = _Tail(await self._log.published(source))
        self._new.clear()

    async def _publish_some(self, exchange: connection.Exchange, source: str, tail: _Tail) -> bool:
        entries = tail.at_hand(self._window) or await self._log.read(source, tail.done, self._window)
        if not entries:
            return False
        await self._send(exchange, entries)
        PUBLISHED.inc(len(entries))
        tail.last, tail.done = entries[-1], entries[-1].sequence
        return True

    async def _note(self) -> None:
        """Remember how far it is published. Late or never, it only means that some go twice."""
        for tail in self._tails.values():
            if tail.last and tail.done > tail.noted:
                await self._log.set_published(tail.last)
                tail.noted = tail.done

    async def _note_at_last(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._note()
        except (DatabaseDownError, TimeoutError) as error:
            log.warning("relay.position-not-noted", error=repr(error))

    async def _announce(self, exchange: connection.Exchange) -> None:
        """Say how far each log reaches, so that a consumer that lost everything still learns of it."""
        sources = await self._log.sources()
        await self._take_up(sources)
        for source in sources:
            sequence, _ = await self._log.head(source)
            body = orjson.dumps({"source": source, "head": sequence})
            message = connection.message_of(body, type_=HEAD_TYPE, lasts_s=_HEAD_LASTS_S)
            await exchange.publish(
                message, stream_of(source), mandatory=False, timeout=connection.PUBLISH_TIMEOUT_S
            )

    # --- what somebody asks for again

    async def serve(self) -> None:
        """Send again what consumers ask for, for as long as the connection holds."""
        await self._held.wait()
        async with connection.connected(self._url, f"{self._wanted.main} requests") as broker:
            channel = await broker.channel(on_return_raises=True)
            await channel.set_qos(prefetch_count=4)
            await connection.declare(channel, self._wanted)
            exchange = await channel.get_exchange(self._wanted.publishes_to, ensure=False)

            async def work(arrivals: connection.Arrivals) -> None:
                while True:
                    message = await arrivals.get()
                    await self._answer(exchange, message.body)
                    await message.ack()

            await connection.consume(channel, self._wanted, self._wanted.requests, work)

    async def _answer(self, exchange: connection.Exchange, body: bytes) -> None:
        try:
            wanted = orjson.loads(body)
            source, first, last = str(wanted["source"]), int(wanted["first"]), int(wanted["last"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("relay.request-unreadable", error=repr(error))
            return
        after = max(first, 1) - 1
        while after < last:
            entries = await self._log.read(source, after, min(self._window, last - after))
            if not entries:
                break
            await self._send(exchange, entries)
            RESENT.inc(len(entries))
            after = entries[-1].sequence
        log.info("relay.sent-again", source=source, first=first, last=last, reached=after)

    # --- one window

    async def _send(self, exchange: connection.Exchange, entries: Sequence[Entry]) -> None:
        """Publish entries of one log and wait until the broker has confirmed all of them."""
        keys = await self._attach(entries) if self._attach else {}
        messages = list(batches(entries))
        try:
            async with asyncio.timeout(connection.PUBLISH_TIMEOUT_S):
                results = await asyncio.gather(
                    *(_send_one(exchange, some, keys) for some in messages), return_exceptions=True
                )
        except TimeoutError:
            # Blocked, or a line too slow for so much at once: the next window is smaller.
            self._window = max(_LEAST, self._window // 2)
            raise
        for some, result in zip(messages, results, strict=True):
            if isinstance(result, connection.UnroutableError):
                # Nobody has a queue for it now. Whoever should have one finds the gap and asks again.
                UNROUTABLE.inc(len(some))
                self._returned = True
            elif isinstance(result, BaseException):
                msg = f"The broker did not take entries from {some[0].sequence} of {some[0].source}."
                raise connection.BrokerDownError(msg) from result
        self._window = min(WINDOW, self._window * 2)


async def _send_one(
    exchange: connection.Exchange, some: Sequence[Entry], keys: Mapping[str, tuple[str, str]]
) -> None:
    beside = dict(keys[entry.event] for entry in some if entry.event in keys)
    message = connection.message_of(
        pack([entry.body for entry in some]),
        content_type=BATCH_TYPE,
        headers={KEYS_HEADER: dict(beside)} if beside else None,
    )
    await exchange.publish(message, stream_of(some[0].source), mandatory=True)
