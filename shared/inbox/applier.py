"""From events to documents: which document, in which order, written once.

A document holds the last ordinal it applied of each source, written with the change itself. That makes an
effect idempotent for ever, whatever the broker delivers, and lets an event that is early wait for its turn.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson
import structlog

from shared.broker import metrics
from shared.errors import StaleWriteError
from shared.events import Happened
from shared.inbox.deliveries import Arrived, Record
from shared.inbox.store import Inbox, Waiting
from shared.storage.aggregates import Aggregates, Change, Stamp, Stored, change_of
from shared.storage.database import DatabaseDownError

log = structlog.get_logger(__name__)
S = TypeVar("S")

TRIES = 8
"""Rounds against other writers of the same documents before an event goes to the retry queue."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What following some events does to a document."""

    state: S
    happened: Sequence[Happened] = ()
    stamp: Stamp | None = None
    index: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscription(Generic[S]):
    """One row of a service's table of subscriptions.

    Attributes:
        collection: Where the effect is written.
        key: The document that an event changes; ``None``: the event is none of ours.
        decide: Pure. Gets the document and its new events in order. ``None``: the document is not
            there yet and these events do not open it, so they wait.
        ordered: Events of a (source, subject) are applied gaplessly in order of their ordinal; the key
            is then the subject. Without it ``decide`` must be indifferent to order and repetition (sets
            of facts).
        after: Told which documents changed, once they are durable. May be told twice.
    """

    collection: Aggregates[S]
    key: Callable[[Record], str | None]
    decide: Callable[[Stored[S], Sequence[Record]], Decision[S] | None]
    ordered: bool = True
    after: Callable[[Sequence[str]], Awaitable[None]] | None = None


SetAside = Callable[[Sequence[Arrived]], Awaitable[None]]


class EventApplier:
    """Applies events to documents.

    Args:
        set_aside: Keeps events that failed after they had been acknowledged as early.
    """

    def __init__(self, inbox: Inbox, subscriptions: Sequence[Subscription[Any]], set_aside: SetAside) -> None:
        """No IO happens here."""
        self._inbox, self._set_aside = inbox, set_aside
        self._subscriptions = subscriptions
        self._untold: list[set[str]] = [set() for _ in subscriptions]
        self._looked = ""

    async def apply(self, arrived: Sequence[Arrived]) -> None:
        """Write the effects of a batch. An event that fails is marked; the rest goes on.

        Raises:
            DatabaseDownError: What was written is not known. Applying the same batch again is safe.
        """
        for number, subscription in enumerate(self._subscriptions):
            by_key: dict[str, list[Arrived]] = {}
            for one in arrived:
                try:
                    key = _key(subscription, one.record)
                except Exception as error:  # noqa: BLE001  # one bad event must not stop the others
                    one.fail(error)
                    continue
                if key is not None:
                    by_key.setdefault(key, []).append(one)
            if by_key:
                await self._follow(number, by_key)
            # Before the next subscription: it may stand on what this one changed.
            await self._tell(number)

    async def skip(self, one: Arrived) -> bool:
        """Count an event as applied without an effect, so that what waits for it goes on.

        Returns:
            Whether that is done; otherwise an earlier event of the subject is still missing.
        """
        done = True
        for number, subscription in enumerate(self._subscriptions):
            if subscription.ordered and _key(subscription, one.record) is not None:
                done = await self._skip(number, one.record) and done
        return done

    async def _skip(self, number: int, record: Record) -> bool:
        subscription, key, source = self._subscriptions[number], record["subject"], record["source"]
        for _ in range(TRIES):
            stored = await subscription.collection.get(key)
            reached = stored.applied.get(source, 0)
            if stored.state is None or record["ordinal"] <= reached:
                return True
            if record["ordinal"] > reached + 1:
                return False
            applied = {**stored.applied, source: record["ordinal"]}
            change = change_of(stored, stored.state, (), None, index={}, applied=applied)
            (outcome,) = await subscription.collection.save_many([change])
            if outcome is None:
                await self._drain(number, [key])
                return True
        return False

    async def look_around(self, limit: int = 500) -> None:
        """Try some of the events that wait, a few each time.

        Nothing else comes back for an event that waits for a document which no event opens.
        """
        page = await self._inbox.waiting_after(self._looked, limit)
        self._looked = page[-1].id if len(page) == limit else ""
        for number, subscription in enumerate(self._subscriptions):
            keys = {one.key for one in page if one.collection == subscription.collection.name}
            if keys:
                await self._drain(number, sorted(keys))
            await self._tell(number)

    # --- one subscription

    async def _follow(self, number: int, by_key: Mapping[str, list[Arrived]]) -> None:
        todo = by_key
        for _ in range(TRIES):
            todo = await self._round(number, todo)
            if not todo:
                break
        for late in todo.values():
            for one in late:
                one.fail(StaleWriteError("Other writers came first, again and again."))
        # After the write, and not before: another replica may have put an event here that waited for
        # this very write. Either it sees what was written, or this sees what it put here.
        await self._drain(number, list(by_key))

    async def _drain(self, number: int, keys: Sequence[str]) -> None:
        """Apply what waits for documents that may have moved on."""
        name = self._subscriptions[number].collection.name
        for _ in range(TRIES):
            waiting = await self._inbox.waiting_for(name, keys)
            if not waiting:
                return
            arrived = {one.id: Arrived(orjson.loads(one.body), one.body) for one in waiting}
            by_key: dict[str, list[Arrived]] = {}
            for one in waiting:
                by_key.setdefault(one.key, []).append(arrived[one.id])
            lost = await self._round(number, by_key, waiting_already=True)
            failed = [one for one in arrived.values() if one.failure]
            await self._set_aside(failed)
            over = {id_ for id_, one in arrived.items() if one.settled or one.failure}
            await self._inbox.no_longer_waiting(sorted(over))
            keys = sorted({one.key for one in waiting if one.id in over} | set(lost))
            if not keys:
                return

    async def _round(
        self, number: int, by_key: Mapping[str, list[Arrived]], *, waiting_already: bool = False
    ) -> Mapping[str, list[Arrived]]:
        """Decide and write once. Returns what another writer's change undid."""
        subscription = self._subscriptions[number]
        stored = await subscription.collection.get_many(by_key)
        plans = [_plan(subscription, stored[key], arrived) for key, arrived in by_key.items()]
        if not waiting_already:
            name = subscription.collection.name
            early = [
                Waiting(name, plan.key, one.record["id"], one.body) for plan in plans for one in plan.early
            ]
            await self._inbox.wait(early)
            metrics.EARLY.inc(len(early))
        ready = [(plan, plan.change) for plan in plans if plan.change]
        outcomes = await subscription.collection.save_many([change for _, change in ready]) if ready else []
        lost = {}
        for (plan, _), outcome in zip(ready, outcomes, strict=True):
            if isinstance(outcome, StaleWriteError):
                lost[plan.key] = by_key[plan.key]
                continue
            for one in plan.used:
                if outcome is None:
                    one.settled = True
                else:
                    one.fail(outcome)
            if outcome is None:
                metrics.APPLIED.inc(len(plan.used))
                self._untold[number].add(plan.key)
        return lost

    async def _tell(self, number: int) -> None:
        after = self._subscriptions[number].after
        if after is None or not self._untold[number]:
            return
        told, self._untold[number] = self._untold[number], set()
        try:
            await after(sorted(told))
        except Exception as error:
            # They are told with the next batch: their change is durable, and no delivery brings it back.
            self._untold[number] |= told
            if isinstance(error, DatabaseDownError):
                raise
            log.exception("consumer.after-failed", collection=self._subscriptions[number].collection.name)


# --- one document


@dataclass(slots=True)
class _Plan:
    """What to do with the events of one document."""

    key: str
    change: Change[Any] | None = None
    used: Sequence[Arrived] = ()
    early: Sequence[Arrived] = ()


def _plan(subscription: Subscription[S], stored: Stored[S], arrived: Sequence[Arrived]) -> _Plan:
    """Decide what the events of one document do. Those that fail are marked and left out."""
    ready, early = _in_order(stored, arrived, ordered=subscription.ordered)
    decision: Decision[S] | None = None
    while ready:
        try:
            decision = subscription.decide(stored, [one.record for one in ready])
            break
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  # one bad event must not stop the others
            bad, error = _culprit(subscription, stored, ready)
            log.warning("consumer.failed", key=stored.id, type=bad.record["type"], error=repr(error))
            bad.fail(error)
            place = ready.index(bad)
            held = [
                one for one in ready[place + 1 :] if subscription.ordered and _source(one) == _source(bad)
            ]
            early.extend(held)
            ready = [one for one in ready if one is not bad and one not in held]
    if not ready:
        return _Plan(stored.id, early=early)
    if decision is None:
        return _Plan(stored.id, early=[*early, *ready])
    applied = dict(stored.applied)
    if subscription.ordered:
        applied.update({_source(one): one.record["ordinal"] for one in ready})
    elif decision.state is stored.state and not decision.happened:
        for one in ready:
            one.settled = True
        return _Plan(stored.id, early=early)
    change = change_of(
        stored, decision.state, decision.happened, decision.stamp, index=decision.index, applied=applied
    )
    return _Plan(stored.id, change, ready, early)


def _culprit(
    subscription: Subscription[S], stored: Stored[S], ready: Sequence[Arrived]
) -> tuple[Arrived, Exception]:
    """Find the first event that cannot be applied after those before it. ``decide`` is pure, so it may be asked."""
    works, fails = 0, len(ready)
    error: Exception = RuntimeError("These events failed together, and then did not.")
    while works + 1 < fails:
        middle = (works + fails) // 2
        if _error(subscription, stored, ready[:middle]):
            fails = middle
        else:
            works = middle
    return ready[fails - 1], _error(subscription, stored, ready[:fails]) or error


def _error(subscription: Subscription[S], stored: Stored[S], ready: Sequence[Arrived]) -> Exception | None:
    try:
        subscription.decide(stored, [one.record for one in ready])
    except Exception as error:  # noqa: BLE001  # it is what is looked for
        return error
    return None


def _key(subscription: Subscription[Any], record: Record) -> str | None:
    key = subscription.key(record)
    if subscription.ordered and key not in (None, record["subject"]):
        msg = f"An ordered subscription is keyed by subject: {record['subject']} is not {key}."
        raise ValueError(msg)
    return key


def _source(one: Arrived) -> str:
    return str(one.record["source"])


def _in_order(
    stored: Stored[Any], arrived: Iterable[Arrived], *, ordered: bool
) -> tuple[list[Arrived], list[Arrived]]:
    """Split events into those to apply now, in order, and those that are early. The others were applied."""
    if not ordered:
        return sorted(arrived, key=lambda one: (_source(one), one.record["sequence"])), []
    reached = dict(stored.applied)
    ready, early = [], []
    for one in sorted(arrived, key=lambda one: (_source(one), one.record["ordinal"])):
        source, ordinal = _source(one), one.record["ordinal"]
        if ordinal == reached.get(source, 0) + 1:
            reached[source] = ordinal
            ready.append(one)
        elif ordinal > reached.get(source, 0):
            early.append(one)
        else:
            one.settled = True
            metrics.DUPLICATES.inc()
    return _interleaved(ready), early


def _interleaved(ready: Sequence[Arrived]) -> list[Arrived]:
    """Order events of several sources by when they were recorded, never swapping two of one source."""
    if len(ready) == 1:
        return list(ready)
    latest: dict[str, str] = {}
    keyed = []
    for one in ready:
        source = _source(one)
        # Without its Z an ISO instant sorts as text, with or without a fraction of a second.
        latest[source] = max(one.record["recordedtime"][:-1], latest.get(source, ""))
        keyed.append((latest[source], one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]
