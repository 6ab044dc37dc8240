"""Whether a duty was done."""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module

from services.scoring.domain.obligations.base import Duty, DutyKind, Fulfilment, Status
from services.scoring.domain.obligations.record import UnitRecord
from shared.rulebook.schema.obligations import WAYS_DONE

KINDS: Mapping[str, DutyKind] = {
    name: import_module(f"{__package__}.{name.replace('-', '_')}").KIND for name in WAYS_DONE
}
"""What ``done_by`` says → the kind of duty."""


def fulfilment(record: UnitRecord, duty: Duty, before: datetime) -> Fulfilment:
    """Return what was done for a duty before a moment."""
    done = list(KINDS[duty.rule.done_by].done(record, duty, before))
    held = {section for one in done for section in one.sections}
    owed = duty.rule.times
    nil = bool(done) and all(one.nil for one in done)
    return Fulfilment(
        done_at=done[owed - 1].at if len(done) >= owed else None,
        times=len(done),
        missing=() if nil else tuple(section for section in duty.rule.sections if section not in held),
        evidence=tuple(one.event for one in done),
        by=done[0].by if done else "",
        nil=nil,
    )


def status(record: UnitRecord, duty: Duty, now: datetime) -> Status:
    """Say how a duty stands at a moment. The due moment itself is too late."""
    done_at = fulfilment(record, duty, now).done_at
    if done_at is not None:
        return Status.DONE if done_at < duty.due_before else Status.DONE_LATE
    return Status.OPEN if now < duty.due_before else Status.OVERDUE
