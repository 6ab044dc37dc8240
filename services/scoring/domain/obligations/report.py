"""A duty that is done by handing in a report."""

from collections.abc import Collection, Iterator
from datetime import datetime

from services.scoring.domain.obligations.base import Done, Duty, DutyKind
from services.scoring.domain.obligations.record import UnitRecord
from shared.events.scoring import DutyFulfilled
from shared.rulebook.schema.obligations import Obligation


def is_report(rule: Obligation, sections: Collection[str], *, nil: bool) -> bool:
    """Say whether what was handed in is a report at all.

    It holds a section, where the rule asks for some; or it says that there is nothing, where the rule lets it.
    """
    return (rule.nil and nil) or not rule.sections or not rule.sections.keys().isdisjoint(sections)


def _done(record: UnitRecord, duty: Duty, before: datetime) -> Iterator[Done]:
    """Yield the reports. Nobody reports on what has not begun."""
    for fact in record.reports.get((duty.obligation, duty.about, duty.period), ()):
        if duty.begins <= fact.time < before:
            report = DutyFulfilled.view(fact.data)
            if is_report(duty.rule, report.sections, nil=report.nil):
                yield Done(fact.id, fact.time, report.by, report.sections, report.nil)


KIND = DutyKind(_done)
