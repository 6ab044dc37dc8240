"""Pure: what handling and callback told of a complaint, as little of it as the ledger shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

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


def dump(told: Progress) -> dict[str, Any]:
    """Return what differs from a complaint that nothing was told of yet."""
    return {name: value for name, default in _DEFAULTS if (value := getattr(told, name)) != default}


def load(document: Data) -> Progress:
    """Read what :func:`dump` wrote."""
    known = {name: value for name, value in document.items() if name in _NAMES}
    return Progress(**{**known, "missed": tuple(known.get("missed", ()))})


def follow(told: Progress, record: Data) -> Progress:
    """Return what is known after one more event. Types that the ledger does not show change nothing."""
    effect = _EFFECTS.get(record["type"])
    return effect(told, record["data"], record) if effect else told


def follow_all(told: Progress, records: Sequence[Data]) -> Progress:
    """Return what is known after some events, in order."""
    for record in records:
        told = follow(told, record)
    return told


def _opened(told: Progress, data: Data, _: Data) -> Progress:
    return replace(
        told,
        status="open",
        procedure=data["procedure"],
        class_=data["class_"],
        next_due=data["next_due"] or "",
        **_graded(told, data),
        **_responsible(told, data),
    )


def _graded(told: Progress, data: Data) -> dict[str, Any]:
    return {name: data.get(name) or getattr(told, name) for name in ("grade", "tier", "service")}


def _responsible(told: Progress, data: Data) -> dict[str, Any]:
    return {
        "department": data.get("department") or told.department,
        "person": data.get("person") or told.person,
    }


def _assigned(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, **_responsible(told, data))


def _step(told: Progress, data: Data, record: Data) -> Progress:
    return replace(told, step=data["step"], step_at=record["time"], next_due=data.get("next_due") or "")


def _finding(told: Progress, data: Data, _: Data) -> Progress:
    return replace(
        told,
        validity=data["validity"],
        class_=data["class_"],
        item=data.get("item", ""),
        procedure=data["procedure"],
        **_graded(told, data),
    )


def _deadline_missed(told: Progress, data: Data, record: Data) -> Progress:
    missed = {
        "event": record["id"],
        "clock": data["clock"],
        "step": data.get("step", ""),
        "occurrence": data["occurrence"],
        "due_before": data["due_before"],
        "clause": data["clause"],
        "zh": list(data["explanation_zh"]),
        "en": list(data["explanation_en"]),
    }
    return replace(told, missed=(*_without(told.missed, data), missed))


def _deadline_cleared(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, missed=_without(told.missed, data))


def _without(missed: Sequence[Missed], data: Data) -> tuple[Missed, ...]:
    gone = (data["clock"], data["occurrence"])
    return tuple(one for one in missed if (one["clock"], one["occurrence"]) != gone)


def _appeal_decided(told: Progress, data: Data, _: Data) -> Progress:
    if not data["upheld"]:
        return told
    against = data["against"]
    return replace(
        told, missed=tuple(one for one in told.missed if against not in {one["event"], one["clock"]})
    )


def _clock_changed(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, next_due=data.get("due_before") or told.next_due)


def _settlement(told: Progress, data: Data, record: Data) -> Progress:
    settlement = {
        "way": data["way"],
        "amount": data.get("amount"),
        "payer": data.get("payer", ""),
        "approved_at": record["time"] if record["type"] == "settlement.approved.v1" else None,
    }
    return replace(told, way=data["way"], settlement=settlement)


def _accepted(told: Progress, _: Data, __: Data) -> Progress:
    return replace(told, accepted=True)


def _result_refused(told: Progress, _: Data, __: Data) -> Progress:
    return replace(told, accepted=False)


def _escalated(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, escalated=max(told.escalated, data["level"]))


def _resolved(told: Progress, data: Data, record: Data) -> Progress:
    return replace(told, status="resolved", resolved_at=record["time"], way=data.get("way") or told.way)


def _closed(told: Progress, data: Data, record: Data) -> Progress:
    return replace(
        told,
        status="closed",
        closed_at=record["time"],
        next_due="",
        class_=data["class_"],
        validity=data["validity"],
        way=data["way"],
        outcome=data["outcome"],
    )


def _reopened(told: Progress, _: Data, __: Data) -> Progress:
    return replace(told, status="open", closed_at="", resolved_at="", reopened=told.reopened + 1)


def _withdrawn(told: Progress, _: Data, record: Data) -> Progress:
    return replace(told, status="withdrawn", closed_at=record["time"], next_due="")


def _reclassified(told: Progress, data: Data, _: Data) -> Progress:
    return replace(
        told,
        class_=data["class_"],
        item=data.get("item", ""),
        procedure=data["procedure"],
        **_graded(told, data),
    )


def _transferred(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, unit=data["to_unit"], **_responsible(told, data))


def _merged(told: Progress, data: Data, _: Data) -> Progress:
    return replace(told, status="merged", into=data["into"])


def _parted(told: Progress, _: Data, __: Data) -> Progress:
    return replace(told, status="open", into="")


def _callback(told: Progress, **known: Any) -> Progress:  # noqa: ANN401  # JSON values
    return replace(told, callback={**(told.callback or {}), **known})


def _callback_due(told: Progress, data: Data, _: Data) -> Progress:
    return replace(
        told,
        callback={
            "occurrence": data["occurrence"],
            "earliest": data["earliest"],
            "due_before": data["due_before"],
            "attempts": 0,
            "result": "due",
        },
    )


def _callback_attempted(told: Progress, data: Data, _: Data) -> Progress:
    return _callback(told, attempts=data["attempt"])


def _callback_completed(told: Progress, data: Data, record: Data) -> Progress:
    return _callback(
        told,
        result="completed",
        at=record["time"],
        satisfaction=data["satisfaction"],
        satisfied=data["satisfied"],
        solved=data.get("solved"),
    )


def _callback_recalled(told: Progress, data: Data, _: Data) -> Progress:
    return _callback(told, again=data["satisfaction"], agrees=data["agrees"])


def _callback_missed(told: Progress, data: Data, _: Data) -> Progress:
    return _callback(told, result="missed", clause=data["clause"])


def _callback_unreachable(told: Progress, data: Data, _: Data) -> Progress:
    return _callback(told, result="unreachable", attempts=data["attempts"])


_EFFECTS: dict[str, Callable[[Progress, Data, Data], Progress]] = {
    "case.opened.v1": _opened,
    "case.assigned.v1": _assigned,
    "step.completed.v1": _step,
    "finding.made.v1": _finding,
    "deadline.missed.v1": _deadline_missed,
    "deadline.cleared.v1": _deadline_cleared,
    "appeal.decided.v1": _appeal_decided,
    "clock.changed.v1": _clock_changed,
    "settlement.proposed.v1": _settlement,
    "settlement.approved.v1": _settlement,
    "result.accepted.v1": _accepted,
    "result.refused.v1": _result_refused,
    "case.escalated.v1": _escalated,
    "case.resolved.v1": _resolved,
    "case.closed.v1": _closed,
    "case.reopened.v1": _reopened,
    "case.withdrawn.v1": _withdrawn,
    "case.reclassified.v1": _reclassified,
    "case.transferred.v1": _transferred,
    "case.merged.v1": _merged,
    "case.parted.v1": _parted,
    "callback.due.v1": _callback_due,
    "callback.attempted.v1": _callback_attempted,
    "callback.completed.v1": _callback_completed,
    "callback.recalled.v1": _callback_recalled,
    "callback.missed.v1": _callback_missed,
    "callback.unreachable.v1": _callback_unreachable,
}

_DEFAULTS = [(one.name, one.default) for one in fields(Progress) if one.default is not MISSING]
_NAMES = {one.name for one in fields(Progress)}
