"""Pure: what handling and callback told of a complaint, as little of it as the ledger shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from shared.events import Event, iso
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackDue,
    CallbackMissed,
    CallbackRecalled,
    CallbackUnreachable,
)
from shared.events.handling import (
    AppealDecided,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
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
    ResultAccepted,
    ResultRefused,
    SettlementApproved,
    SettlementProposed,
    StepCompleted,
)

Data = Mapping[str, Any]
Missed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """The ledger's part of a complaint. Moments are ISO text, as they came.

    Attributes:
        status: registered | open | resolved | closed | withdrawn | merged.
        unit: Unit that answers for it now, where it was transferred.
        missed: Deadlines missed, each with clause and explanation in both languages.
        settlement: Way, amount and payer, and whether the chain approved it.
        callback: Window, attempts and answer of the latest callback.
    """

    status: str = "registered"
    procedure: str = ""
    unit: str = ""
    department: str = ""
    person: str = ""
    validity: str = ""
    class_: str = ""
    item: str = ""
    grade: str = ""
    tier: str = ""
    service: str = ""
    step: str = ""
    step_at: str = ""
    next_due: str = ""
    missed: tuple[Missed, ...] = ()
    settlement: Data | None = None
    accepted: bool = False
    escalated: int = 0
    resolved_at: str = ""
    closed_at: str = ""
    way: str = ""
    outcome: str = ""
    reopened: int = 0
    into: str = ""
    callback: Data | None = None


NOTHING_TOLD = Progress()


def dump(told: Progress) -> dict[str, Any]:
    """Return what differs from a complaint that nothing was told of yet."""
    if told is NOTHING_TOLD:  # of every registration
        return {}
    return {name: value for name, default in _DEFAULTS if (value := getattr(told, name)) != default}


def load(document: Data) -> Progress:
    """Read what :func:`dump` wrote."""
    known = {name: value for name, value in document.items() if name in _NAMES}
    return Progress(**{**known, "missed": tuple(known.get("missed", ()))})


def follow(told: Progress, record: Data) -> Progress:
    """Return what is known after one more event. Types that the ledger does not show change nothing."""
    effect = _EFFECTS.get(record["type"])
    return effect(told, record) if effect else told


def follow_all(told: Progress, records: Sequence[Data]) -> Progress:
    """Return what is known after some events, in order."""
    for record in records:
        told = follow(told, record)
    return told


def _opened(told: Progress, event: CaseOpened, _: Data) -> Progress:
    return replace(
        told,
        status="open",
        procedure=event.procedure,
        class_=event.class_,
        next_due=_text(event.next_due),
        **_graded(told, event),
        **_responsible(told, event),
    )


def _text(at: datetime | None) -> str:
    return iso(at) if at else ""


def _graded(told: Progress, event: CaseOpened | FindingMade | CaseReclassified) -> dict[str, Any]:
    return {
        "grade": event.grade or told.grade,
        "tier": event.tier or told.tier,
        "service": event.service or told.service,
    }


def _responsible(told: Progress, event: CaseEvent) -> dict[str, Any]:
    return {"department": event.department or told.department, "person": event.person or told.person}


def _assigned(told: Progress, event: CaseAssigned, _: Data) -> Progress:
    return replace(told, **_responsible(told, event))


def _step(told: Progress, event: StepCompleted, record: Data) -> Progress:
    return replace(told, step=event.step, step_at=record["time"], next_due=_text(event.next_due))


def _finding(told: Progress, event: FindingMade, _: Data) -> Progress:
    return replace(
        told,
        validity=event.validity,
        class_=event.class_,
        item=event.item,
        procedure=event.procedure,
        **_graded(told, event),
    )


def _deadline_missed(told: Progress, event: DeadlineMissed, record: Data) -> Progress:
    missed = {
        "event": record["id"],
        "clock": event.clock,
        "step": event.step,
        "occurrence": event.occurrence,
        "due_before": iso(event.due_before),
        "clause": event.clause,
        "zh": list(event.explanation_zh),
        "en": list(event.explanation_en),
    }
    return replace(told, missed=(*_without(told.missed, event), missed))


def _deadline_cleared(told: Progress, event: DeadlineCleared, _: Data) -> Progress:
    return replace(told, missed=_without(told.missed, event))


def _without(missed: Sequence[Missed], event: DeadlineMissed | DeadlineCleared) -> tuple[Missed, ...]:
    gone = (event.clock, event.occurrence)
    return tuple(one for one in missed if (one["clock"], one["occurrence"]) != gone)


def _appeal_decided(told: Progress, event: AppealDecided, _: Data) -> Progress:
    if not event.upheld:
        return told
    against = event.against
    return replace(
        told, missed=tuple(one for one in told.missed if against not in {one["event"], one["clock"]})
    )


def _clock_changed(told: Progress, event: ClockChanged, _: Data) -> Progress:
    return replace(told, next_due=_text(event.due_before) or told.next_due)


def _proposed(told: Progress, event: SettlementProposed, _: Data) -> Progress:
    return _settlement(told, event, None)


def _approved(told: Progress, event: SettlementApproved, record: Data) -> Progress:
    return _settlement(told, event, record["time"])


def _settlement(
    told: Progress, event: SettlementProposed | SettlementApproved, approved_at: str | None
) -> Progress:
    settlement = {
        "way": event.way,
        "amount": None if event.amount is None else str(event.amount),
        "payer": event.payer,
        "approved_at": approved_at,
    }
    return replace(told, way=event.way, settlement=settlement)


def _accepted(told: Progress, _: ResultAccepted, __: Data) -> Progress:
    return replace(told, accepted=True)


def _result_refused(told: Progress, _: ResultRefused, __: Data) -> Progress:
    return replace(told, accepted=False)


def _escalated(told: Progress, event: CaseEscalated, _: Data) -> Progress:
    return replace(told, escalated=max(told.escalated, event.level))


def _resolved(told: Progress, event: CaseResolved, record: Data) -> Progress:
    return replace(told, status="resolved", resolved_at=record["time"], way=event.way or told.way)


def _closed(told: Progress, event: CaseClosed, record: Data) -> Progress:
    return replace(
        told,
        status="closed",
        closed_at=record["time"],
        next_due="",
        class_=event.class_,
        validity=event.validity,
        way=event.way,
        outcome=event.outcome,
    )


def _reopened(told: Progress, _: CaseReopened, __: Data) -> Progress:
    return replace(told, status="open", closed_at="", resolved_at="", reopened=told.reopened + 1)


def _withdrawn(told: Progress, _: CaseWithdrawn, record: Data) -> Progress:
    return replace(told, status="withdrawn", closed_at=record["time"], next_due="")


def _reclassified(told: Progress, event: CaseReclassified, _: Data) -> Progress:
    return replace(
        told,
        class_=event.class_,
        item=event.item,
        procedure=event.procedure,
        **_graded(told, event),
    )


def _transferred(told: Progress, event: CaseTransferred, _: Data) -> Progress:
    return replace(told, unit=event.to_unit, **_responsible(told, event))


def _merged(told: Progress, event: CaseMerged, _: Data) -> Progress:
    return replace(told, status="merged", into=str(event.into))


def _parted(told: Progress, _: CaseParted, __: Data) -> Progress:
    return replace(told, status="open", into="")


def _callback(told: Progress, **known: Any) -> Progress:  # noqa: ANN401  # JSON values
    return replace(told, callback={**(told.callback or {}), **known})


def _callback_due(told: Progress, event: CallbackDue, _: Data) -> Progress:
    return replace(
        told,
        callback={
            "occurrence": event.occurrence,
            "earliest": iso(event.earliest),
            "due_before": iso(event.due_before),
            "attempts": 0,
            "result": "due",
        },
    )


def _callback_attempted(told: Progress, event: CallbackAttempted, _: Data) -> Progress:
    return _callback(told, attempts=event.attempt)


def _callback_completed(told: Progress, event: CallbackCompleted, record: Data) -> Progress:
    return _callback(
        told,
        result="completed",
        at=record["time"],
        satisfaction=event.satisfaction,
        satisfied=event.satisfied,
        solved=event.solved,
    )


def _callback_recalled(told: Progress, event: CallbackRecalled, _: Data) -> Progress:
    return _callback(told, again=event.satisfaction, agrees=event.agrees)


def _callback_missed(told: Progress, event: CallbackMissed, _: Data) -> Progress:
    return _callback(told, result="missed", clause=event.clause)


def _callback_unreachable(told: Progress, event: CallbackUnreachable, _: Data) -> Progress:
    return _callback(told, result="unreachable", attempts=event.attempts)


Effect = Callable[[Progress, Data], Progress]
E = TypeVar("E", bound=Event)


def _on(kind: type[E], effect: Callable[[Progress, E, Data], Progress]) -> tuple[str, Effect]:
    return kind.TYPE, lambda told, record: effect(told, kind.view(record["data"]), record)


_EFFECTS: Mapping[str, Effect] = dict(
    (
        _on(CaseOpened, _opened),
        _on(CaseAssigned, _assigned),
        _on(StepCompleted, _step),
        _on(FindingMade, _finding),
        _on(DeadlineMissed, _deadline_missed),
        _on(DeadlineCleared, _deadline_cleared),
        _on(AppealDecided, _appeal_decided),
        _on(ClockChanged, _clock_changed),
        _on(SettlementProposed, _proposed),
        _on(SettlementApproved, _approved),
        _on(ResultAccepted, _accepted),
        _on(ResultRefused, _result_refused),
        _on(CaseEscalated, _escalated),
        _on(CaseResolved, _resolved),
        _on(CaseClosed, _closed),
        _on(CaseReopened, _reopened),
        _on(CaseWithdrawn, _withdrawn),
        _on(CaseReclassified, _reclassified),
        _on(CaseTransferred, _transferred),
        _on(CaseMerged, _merged),
        _on(CaseParted, _parted),
        _on(CallbackDue, _callback_due),
        _on(CallbackAttempted, _callback_attempted),
        _on(CallbackCompleted, _callback_completed),
        _on(CallbackRecalled, _callback_recalled),
        _on(CallbackMissed, _callback_missed),
        _on(CallbackUnreachable, _callback_unreachable),
    )
)

_DEFAULTS = [(one.name, one.default) for one in fields(Progress) if one.default is not MISSING]
_NAMES = {one.name for one in fields(Progress)}
