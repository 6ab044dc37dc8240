"""A complaint's record still lacks a field when the month of its registration ends."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.schema.triggers import IncompleteRecord


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    registered = history.first(ComplaintRegistered)
    if registered is None:
        return
    first = ComplaintRegistered.view(registered.data)
    amended = history.all(RecordAmended)
    if first.complete and not amended:
        return
    month_end = context.month_end(registered.time)
    last = next((fact for fact in reversed(amended) if fact.time < month_end), None)
    record = RecordAmended.view(last.data) if last else first
    if month_end > before or record.complete:
        return
    day = context.closing_day(month_end)
    tariff = context.tariffs.on(day)
    if first.kind in tariff.uncounted_kinds:
        return
    missing = ", ".join(record.missing)
    words = Words((f"登记当月月末仍缺：{missing}",), (f"still missing when the month ended: {missing}",))
    more = (last.id,) if last else ()
    occurrence = seen(registered, "record", month_end, day, words, evidence=more)
    for price, _ in tariff.priced(IncompleteRecord):
        yield PricedOccurrence(occurrence, price, occurrence.evidence)


KIND = CaseKind(frozenset({ComplaintRegistered.TYPE}), _priced)
