"""A duty that is done by inspecting whom it is about."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.obligations.base import Done, Duty, DutyKind
from services.scoring.domain.obligations.record import UnitRecord
from shared.events.scoring import InspectionRecorded


def _done(record: UnitRecord, duty: Duty, before: datetime) -> Iterator[Done]:
    """Yield the inspections of the period: one of the next week answers for the next week."""
    until = min(before, max(duty.ends, duty.due_before))
    for fact in record.inspected(duty.rule.inspection, duty.about, duty.begins, until):
        yield Done(fact.id, fact.time, InspectionRecorded.view(fact.data).by)


KIND = DutyKind(_done, not_reported="an inspection fulfils it: POST /v1/inspections")
