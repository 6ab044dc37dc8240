"""What could not be applied: tried again after growing delays, then parked for an operator.

It waits in the consumer's database, not in the broker. So a wiped broker loses no retry, a consumer needs
no right to publish, and a backlog cannot stand between a message and its next try.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from shared.broker import metrics
from shared.inbox.deliveries import Arrived, Failure, UnreadableError, digest, read
from shared.inbox.store import Inbox, Parked
from shared.runtime.clock import Clock

log = structlog.get_logger(__name__)

RETRY_S = (1.0, 10.0, 60.0, 600.0)
"""Delays before each new try, in seconds. After the last one a message is parked."""

_PASSING_RUNG = 1
"""A failure that passes by itself (an edition on its way) waits no longer than this and is never parked."""

_LARGEST = 1_000_000
"""Bytes of an unreadable message that are kept."""

_BATCH = 256


class RetryQueue:
    """Messages set aside by one consumer.

    Args:
        delays_s: Before each new try. Tests give shorter ones.
    """

    def __init__(self, inbox: Inbox, clock: Clock, delays_s: Sequence[float] = RETRY_S) -> None:
        """No IO happens here."""
        self._inbox, self._clock = inbox, clock
        self._delays = [timedelta(seconds=delay) for delay in delays_s]

    async def take(self, failed: Sequence[Arrived]) -> None:
        """Set events aside that could not be applied, durably, until their next try."""
        now = self._clock()
        aside = [self._first(one, one.failure, now) for one in failed if one.failure]
        metrics.RETRIED.inc(len(aside))
        await self._inbox.set_aside(aside)
        for one in aside:
            if one.due is None:
                _tell_parked(one.kind, one)

    def _first(self, one: Arrived, failure: Failure, now: datetime) -> Parked:
        record = one.record
        return Parked(
            id=record["id"],
            fingerprint=_fingerprint(record["type"], failure),
            reason=failure.reason,
            type=record["type"],
            subject=record["subject"],
            source=record["source"],
            sequence=record["sequence"],
            body=one.body,
            wrapped=one.wrapped,
            attempts=1,
            parked_at=now,
            due=self._next(1, failure, now),
        )

    async def park(self, kind: str, body: bytes, reason: str, *, type_: str = "", subject: str = "") -> None:
        """Set a message aside that no further try can help."""
        parked = Parked(
            id=f"{kind}:{digest(body)[:32]}",
            kind=kind,
            fingerprint=f"{kind}:{type_ or '?'}:{reason}",
            reason=reason if len(body) <= _LARGEST else f"{reason}; {len(body)} bytes, cut",
            type=type_,
            subject=subject,
            body=body[:_LARGEST],
            attempts=1,
            parked_at=self._clock(),
        )
        await self._inbox.set_aside([parked])
        _tell_parked(kind, parked)

    async def retry_due(
        self,
        apply: Callable[[Sequence[Arrived]], Awaitable[None]],
        skip: Callable[[Arrived], Awaitable[bool]],
    ) -> None:
        """Try again what is due now. Safe to run in several replicas at once."""
        while batch := await self._inbox.due(self._clock(), _BATCH):
            tried = []
            for kept in batch:
                try:
                    tried.append((kept, Arrived(read(kept.body), kept.body, kept.wrapped)))
                except UnreadableError as error:
                    await self._again(kept, Failure(str(error), "unreadable"), parked=True)
            await apply([one for kept, one in tried if not kept.skip])
            done = []
            for kept, one in tried:
                if kept.skip and not await skip(one):
                    one.failure = Failure(
                        kept.reason, "an earlier event of the subject is missing", passing=True
                    )
                if one.failure is None:
                    done.append((kept, one))
                else:
                    await self._again(kept, one.failure)
            await self._inbox.record([one.receipt for _, one in done])
            await self._inbox.unpark([kept.id for kept, _ in done])

    async def _again(self, kept: Parked, failure: Failure, *, parked: bool = False) -> None:
        due = None if parked else self._next(kept.attempts + 1, failure, self._clock())
        # What is no event of ours stays in its group: to try it again tells nothing new about it.
        changed = kept.kind == "failing"
        await self._inbox.failed_again(
            kept,
            reason=failure.reason if changed else kept.reason,
            fingerprint=_fingerprint(kept.type, failure) if changed else kept.fingerprint,
            due=due,
        )
        if due is None:
            _tell_parked(kept.kind, kept)

    def _next(self, failures: int, failure: Failure, now: datetime) -> datetime | None:
        if failure.passing and self._delays:
            return now + self._delays[min(failures - 1, _PASSING_RUNG, len(self._delays) - 1)]
        return now + self._delays[failures - 1] if failures <= len(self._delays) else None


def _fingerprint(type_: str, failure: Failure) -> str:
    return f"failing:{type_}:{failure.where}"


def _tell_parked(kind: str, one: Parked) -> None:
    metrics.PARKED.labels(kind).inc()
    # The text of an error may quote what it met; the fingerprint quotes nothing.
    log.error("consumer.parked", kind=kind, id=one.id, subject=one.subject, fingerprint=one.fingerprint)
