"""Facts: what scoring keeps of an envelope, in an order that does not depend on how they arrived.

Everything that one decision rests on shares a subject, so that a fold can take one subject after another.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from shared.events import EVENTS, Event, Views, views_of
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackDue,
    CallbackMissed,
    CallbackRecalled,
    CallbackUnreachable,
    CallbackVoided,
)
from shared.events.facts import Fact, recency
from shared.events.handling import (
    AlertRaised,
    AppealDecided,
    AppealLodged,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseMerged,
    CaseOpened,
    CaseParted,
    CaseReclassified,
    CaseReopened,
    CaseResolved,
    CaseTransferred,
    CaseWithdrawn,
    ClockChanged,
    DeadlineCleared,
    DeadlineMissed,
    FindingMade,
    FindingProposed,
    ResultAccepted,
    ResultRefused,
    SettlementApproved,
    SettlementProposed,
    StepCompleted,
)
from shared.events.intake import (
    ComplaintRegistered,
    CustomersCounted,
    ImportDeclared,
    PraiseReceived,
    RecordAmended,
)
from shared.events.registry import (
    UnitClosed,
    UnitEstablished,
)
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
    ShiftRostered,
)
from shared.timekeeping.calendar import Month, WorkingCalendar
from shared.values.bounds import number


class _OfUnit(Protocol):
    """What every fact about a unit as a whole tells."""

    @property
    def unit(self) -> str: ...


ORGANISATION_TYPES = frozenset({UnitEstablished.TYPE, UnitClosed.TYPE})
"""Facts of the organisation. They are dated by themselves, so no ``before`` hides them."""

_OF_UNITS: Views[_OfUnit] = views_of(
    InspectionRecorded,
    DutyFulfilled,
    AssessmentRecorded,
    FigureReported,
    ShiftRostered,
    CustomersCounted,
    ImportDeclared,
    UnitEstablished,
    UnitClosed,
)
UNIT_TYPES = _OF_UNITS.keys() - ORGANISATION_TYPES
"""Facts about a unit as a whole."""

CASE_TYPES = frozenset(
    {
        ComplaintRegistered.TYPE,
        RecordAmended.TYPE,
        PraiseReceived.TYPE,
        CaseOpened.TYPE,
        CaseReclassified.TYPE,
        FindingMade.TYPE,
        StepCompleted.TYPE,
        DeadlineMissed.TYPE,
        DeadlineCleared.TYPE,
        SettlementProposed.TYPE,
        AppealDecided.TYPE,
        CaseResolved.TYPE,
        CaseClosed.TYPE,
        CaseReopened.TYPE,
        CaseTransferred.TYPE,
        CaseWithdrawn.TYPE,
        CaseEscalated.TYPE,
        ClockChanged.TYPE,
        AlertRaised.TYPE,
        CallbackDue.TYPE,
        CallbackAttempted.TYPE,
        CallbackCompleted.TYPE,
        CallbackMissed.TYPE,
        CallbackUnreachable.TYPE,
        CallbackVoided.TYPE,
        CallbackRecalled.TYPE,
        OffenceFound.TYPE,
        DisputeRuled.TYPE,
    }
)
"""Facts about one matter, and rulings over what it cost."""

REPLAYED_TYPES = frozenset(
    {
        AppealLodged.TYPE,
        CaseAssigned.TYPE,
        CaseMerged.TYPE,
        CaseParted.TYPE,
        FindingProposed.TYPE,
        ResultAccepted.TYPE,
        ResultRefused.TYPE,
        SettlementApproved.TYPE,
    }
)
"""What no fold needs by itself, and without which nobody could play a case again under another edition."""

COUNTED_TYPES = ORGANISATION_TYPES | UNIT_TYPES | CASE_TYPES | REPLAYED_TYPES
"""Every type that is kept. Others are no facts of scoring and do not enter its hash."""

_DEADLINES = views_of(DeadlineMissed, CallbackMissed)

# A callback counts in the month in which its window ends, even if nothing happens then.
_DUE = views_of(DeadlineMissed, CallbackMissed, CallbackDue)

_NUMBERS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[Decimal]]] = {
    InspectionRecorded.TYPE: lambda data: InspectionRecorded.view(data).observations.values(),
    AssessmentRecorded.TYPE: lambda data: (AssessmentRecorded.view(data).score,),
    FigureReported.TYPE: lambda data: (FigureReported.view(data).value,),
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
    if (of_unit := _OF_UNITS.get(kind)) is not None:
        return f"unit/{of_unit(data).unit}"
    about = ""
    if kind == OffenceFound.TYPE:
        about = OffenceFound.view(data).complaint_id
    elif kind == DisputeRuled.TYPE:
        about = DisputeRuled.view(data).about
    return about or str(envelope["subject"])


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
    if fact.time < before:
        return True
    deadline = _DEADLINES.get(fact.type)
    return deadline is not None and deadline(fact.data).due_before <= before


def months_touched(facts: Iterable[Fact], calendar: WorkingCalendar) -> list[Month]:
    """Return the months in which these facts can post or count something, in order."""
    found = set()
    for fact in facts:
        found.add(calendar.month_of(fact.time))
        if (due := _DUE.get(fact.type)) is not None:
            found.add(calendar.month_of(due(fact.data).due_before, closing=True))
    return sorted(found)


def touches(facts: Iterable[Fact], start: datetime, end: datetime) -> bool:
    """Say whether the month ``[start, end)`` is among ``months_touched``, without reckoning the others."""
    return any(
        start <= fact.time < end
        or ((due := _DUE.get(fact.type)) is not None and start < due(fact.data).due_before <= end)
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

    def all(self, kind: type[Event]) -> Sequence[Fact]:
        """Return the facts of one type, in order."""
        return self.by_type.get(_NAMES[kind], ())

    def first(self, kind: type[Event]) -> Fact | None:
        """Return the first fact of one type."""
        found = self.by_type.get(_NAMES[kind])
        return found[0] if found else None


# A fold asks for millions, and an attribute of a pydantic class costs five times as much as this.
_NAMES: Mapping[type[Event], str] = {kind: name for name, kind in EVENTS.items()}


_OPENING: tuple[type[Event], ...] = (ComplaintRegistered, CaseOpened)
_CHANGING: tuple[type[Event], ...] = (FindingMade, CaseReclassified, SettlementProposed)
_FIELDS = (
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
_TOLD = {
    kind.TYPE: (
        kind in _OPENING,
        [(name, name.rstrip("_")) for name in _FIELDS if name in kind.model_fields],
    )
    for kind in (*_OPENING, *_CHANGING)
}
"""Type → whether it holds from receipt, and its fields, all text, with what a condition calls them."""

_FLAGGED = views_of(ComplaintRegistered, CaseReclassified)


def facts_at(history: History, at: datetime) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what a matter was at a moment: field → value, and its flags.

    What it was registered and opened as holds from receipt, however late it was registered.
    """
    known: dict[str, str] = {}
    flags: tuple[str, ...] = ()
    for fact in history.facts:
        told = _TOLD.get(fact.type)
        if told is None:
            continue
        from_receipt, fields = told
        if from_receipt or fact.time <= at:
            known |= {name: value for field, name in fields if (value := fact.data.get(field))}
            if (flagged := _FLAGGED.get(fact.type)) is not None:
                flags = flagged(fact.data).flags
    return known, flags


def standing_misses(history: History, before: datetime) -> list[Fact]:
    """Return the missed deadlines that stand: of each clock and occurrence, the verdict that was told last."""
    missed = history.all(DeadlineMissed)
    if not missed:
        return []
    told = [fact for fact in (*missed, *history.all(DeadlineCleared)) if is_known(fact, before)]
    latest: dict[tuple[str, int], Fact] = {}
    for fact in told if len(told) == 1 else sorted(told, key=recency):
        verdict = _VERDICTS[fact.type](fact.data)
        latest[verdict.clock, verdict.occurrence] = fact
    told_missed = DeadlineMissed.TYPE
    return [fact for fact in latest.values() if fact.type == told_missed]


_VERDICTS = views_of(DeadlineMissed, DeadlineCleared)


def overturned(history: History) -> frozenset[str]:
    """Return the events that an upheld dispute took away for good: no month counts them."""
    ruled = (DisputeRuled.view(fact.data) for fact in history.all(DisputeRuled))
    return frozenset(one.offence for one in ruled if one.upheld and one.restates)


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
