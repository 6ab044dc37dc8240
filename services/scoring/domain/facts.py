"""Facts: what scoring keeps of an envelope, in an order that does not depend on how they arrived.

Everything that one decision rests on shares a subject, so that a fold can take one subject after another.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events.facts import Fact, moment, recency
from shared.timekeeping.calendar import Month, WorkingCalendar
from shared.values.bounds import number

ORGANISATION_TYPES = frozenset({"unit.established.v1", "unit.closed.v1"})
"""Facts of the organisation. They are dated by themselves, so no ``before`` hides them."""

UNIT_TYPES = frozenset(
    {
        "inspection.recorded.v1",
        "duty.fulfilled.v1",
        "assessment.recorded.v1",
        "figure.reported.v1",
        "customers.counted.v1",
        "import.declared.v1",
        "shift.rostered.v1",
    }
)
"""Facts about a unit as a whole."""

CASE_TYPES = frozenset(
    {
        "complaint.registered.v1",
        "record.amended.v1",
        "praise.received.v1",
        "case.opened.v1",
        "case.reclassified.v1",
        "finding.made.v1",
        "step.completed.v1",
        "deadline.missed.v1",
        "deadline.cleared.v1",
        "settlement.proposed.v1",
        "appeal.decided.v1",
        "case.resolved.v1",
        "case.closed.v1",
        "case.reopened.v1",
        "case.transferred.v1",
        "case.withdrawn.v1",
        "case.escalated.v1",
        "clock.changed.v1",
        "alert.raised.v1",
        "callback.due.v1",
        "callback.attempted.v1",
        "callback.completed.v1",
        "callback.missed.v1",
        "callback.unreachable.v1",
        "callback.voided.v1",
        "callback.recalled.v1",
        "offence.found.v1",
        "dispute.ruled.v1",
    }
)
"""Facts about one matter, and rulings over what it cost."""

REPLAYED_TYPES = frozenset(
    {
        "appeal.lodged.v1",
        "case.assigned.v1",
        "case.merged.v1",
        "case.parted.v1",
        "finding.confirmed.v1",
        "finding.proposed.v1",
        "result.accepted.v1",
        "result.refused.v1",
        "settlement.approved.v1",
        "works.started.v1",
    }
)
"""What no fold needs by itself, and without which nobody could play a case again under another edition."""

COUNTED_TYPES = ORGANISATION_TYPES | UNIT_TYPES | CASE_TYPES | REPLAYED_TYPES
"""Every type that is kept. Others are no facts of scoring and do not enter its hash."""

_DEADLINE_TYPES = frozenset({"deadline.missed.v1", "callback.missed.v1"})

# A callback counts in the month in which its window ends, even if nothing happens then.
_DUE_TYPES = _DEADLINE_TYPES | {"callback.due.v1"}

_NUMBERS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[object]]] = {
    "inspection.recorded.v1": lambda data: data.get("observations", {}).values(),
    "assessment.recorded.v1": lambda data: (data["score"],),
    "figure.reported.v1": lambda data: (data["value"],),
}
"""The numbers of facts that a fold counts with."""

_HASH_SPACE = 1 << 256


def fact_of(envelope: Mapping[str, Any]) -> Fact:
    """Return the fact that an envelope (as parsed JSON) tells.

    Raises:
        ValueError: A number that a fold counts with has more digits than a ``Number``.
    """
    if (numbers := _NUMBERS.get(envelope["type"])) is not None:
        for value in numbers(envelope["data"]):
            number(value)
    time = envelope["time"]
    return Fact(
        str(envelope["id"]),
        envelope["source"],
        envelope["sequence"],
        envelope["type"],
        subject_of(envelope),
        envelope["unit"],
        time if isinstance(time, datetime) else datetime.fromisoformat(time),
        envelope.get("edition", ""),
        envelope["data"],
    )


def subject_of(envelope: Mapping[str, Any]) -> str:
    """Return the subject whose offences the fact can change.

    An inspector's finding counts with the case that it is about; a ruling with what it is about; everything
    about a unit as a whole with that unit.
    """
    kind, data = envelope["type"], envelope["data"]
    if kind in UNIT_TYPES or kind in ORGANISATION_TYPES:
        return f"unit/{data['unit']}"
    if kind == "offence.found.v1" and data.get("complaint_id"):
        return str(data["complaint_id"])
    if kind == "dispute.ruled.v1" and data.get("about"):
        return str(data["about"])
    return str(envelope["subject"])


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts once each, in the one order that every machine gives them."""
    ordered = sorted(facts, key=_order)
    seen: set[str] = set()
    kept = []
    for fact in ordered:
        if fact.id not in seen:
            seen.add(fact.id)
            kept.append(fact)
    return kept


def by_subject(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Group counted facts by subject, each group in order and without doubles; subjects in order too."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.type in COUNTED_TYPES:
            groups.setdefault(fact.subject, []).append(fact)
    return {subject: in_order(groups[subject]) for subject in sorted(groups)}


def up_to(facts: Iterable[Fact], watermark: Mapping[str, int]) -> Iterable[Fact]:
    """Yield the facts that a published period rests on: those up to its watermark."""
    return (fact for fact in facts if fact.sequence <= watermark.get(fact.source, 0))


def is_known(fact: Fact, before: datetime) -> bool:
    """Say whether the fact had happened before ``before``.

    A deadline is over at its own moment, so one that passes at ``before`` has passed: a deadline at
    midnight on the 1st belongs to the month before.
    """
    return fact.time < before or (fact.type in _DEADLINE_TYPES and moment(fact.data["due_before"]) <= before)


def months_touched(facts: Iterable[Fact], calendar: WorkingCalendar) -> list[Month]:
    """Return the months in which these facts can post or count something, in order."""
    found = set()
    for fact in facts:
        found.add(calendar.month_of(fact.time))
        if fact.type in _DUE_TYPES:
            found.add(calendar.month_of(moment(fact.data["due_before"]), closing=True))
    return sorted(found)


def touches(facts: Iterable[Fact], start: datetime, end: datetime) -> bool:
    """Say whether the month ``[start, end)`` is among ``months_touched``, without reckoning the others."""
    return any(
        start <= fact.time < end
        or (fact.type in _DUE_TYPES and start < moment(fact.data["due_before"]) <= end)
        for fact in facts
    )


def _order(fact: Fact) -> tuple[datetime, str, int, str]:
    return fact.time, fact.source, fact.sequence, fact.id


@dataclass(frozen=True, slots=True)
class History:
    """The facts of one subject, in order, and the same by type."""

    subject: str
    facts: Sequence[Fact]
    by_type: Mapping[str, Sequence[Fact]]

    @classmethod
    def of(cls, facts: Sequence[Fact]) -> "History":
        """Index the facts of one subject, which are in order and without doubles."""
        by_type: dict[str, list[Fact]] = {}
        for fact in facts:
            if fact.type in by_type:
                by_type[fact.type].append(fact)
            else:
                by_type[fact.type] = [fact]
        return cls(facts[0].subject if facts else "", facts, by_type)

    def all(self, kind: str) -> Sequence[Fact]:
        """Return the facts of one type, in order."""
        return self.by_type.get(kind, ())

    def first(self, kind: str) -> Fact | None:
        """Return the first fact of one type."""
        found = self.by_type.get(kind)
        return found[0] if found else None


_OPENING = frozenset({"complaint.registered.v1", "case.opened.v1"})
_CHANGING = frozenset({"finding.made.v1", "case.reclassified.v1", "settlement.proposed.v1"})
_TOLD = (
    "kind",
    "class_",
    "validity",
    "item",
    "channel",
    "way",
    "liable",
    "procedure",
    "grade",
    "tier",
    "service",
)


def facts_at(history: History, at: datetime) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what a matter was at a moment: field → value, and its flags.

    What it was registered and opened as holds from receipt, however late it was registered.
    """
    known: dict[str, str] = {}
    flags: tuple[str, ...] = ()
    for fact in history.facts:
        if fact.type in _OPENING or (fact.type in _CHANGING and fact.time <= at):
            data = fact.data
            known |= {name.rstrip("_"): str(data[name]) for name in _TOLD if data.get(name)}
            flags = tuple(data.get("flags", flags))
    return known, flags


def standing_misses(history: History, before: datetime) -> list[Fact]:
    """Return the missed deadlines that stand: of each clock and round, the verdict that was told last."""
    missed = history.all("deadline.missed.v1")
    if not missed:
        return []
    told = [fact for fact in (*missed, *history.all("deadline.cleared.v1")) if is_known(fact, before)]
    latest: dict[tuple[str, int], Fact] = {}
    for fact in told if len(told) == 1 else sorted(told, key=recency):
        latest[fact.data["clock"], fact.data["occurrence"]] = fact
    return [fact for fact in latest.values() if fact.type == "deadline.missed.v1"]


def overturned(history: History) -> frozenset[str]:
    """Return the events that an upheld dispute took away for good: no month counts them."""
    ruled = (fact.data for fact in history.all("dispute.ruled.v1"))
    return frozenset(str(data["offence"]) for data in ruled if data["upheld"] and data.get("restates"))


@dataclass(frozen=True, slots=True)
class FactsHash:
    """Which facts a result rests on, as one number that no order changes and that parts can be added to.

    A sum of hashes rather than a hash of sorted ids: a fold of millions of facts need not hold their ids.
    """

    count: int = 0
    total: int = 0

    def plus(self, facts: Iterable[Fact]) -> "FactsHash":
        """Add facts that are not in it yet."""
        count, total = self.count, self.total
        for fact in facts:
            count += 1
            total += int.from_bytes(hashlib.sha256(fact.id.encode()).digest())
        return FactsHash(count, total % _HASH_SPACE)

    def __str__(self) -> str:
        """Show it as 64 hex digits."""
        return hashlib.sha256(f"{self.count}:{self.total:064x}".encode()).hexdigest()
