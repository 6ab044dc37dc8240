"""An aspect failed in an inspection of the month; each aspect counts once a month."""

from collections.abc import Iterator, Sequence

from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, UnitRecord
from services.scoring.domain.triggers.base import Occurrence, PricedOccurrence, UnitKind, Words
from shared.events.facts import Fact
from shared.events.scoring import InspectionRecorded
from shared.rulebook.schema.triggers import FailedAspect


def _priced(record: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> Iterator[PricedOccurrence]:
    del duties
    failed: dict[tuple[str, str, str], list[Fact]] = {}
    for kind, inspections in record.inspections.items():
        for fact in inspections:
            if context.start <= fact.time < context.before:
                inspected = InspectionRecorded.view(fact.data)
                for aspect in inspected.failed_aspects:
                    failed.setdefault((kind, inspected.unit, aspect), []).append(fact)
    for (kind, unit, aspect), facts in sorted(failed.items()):
        day = context.edition.calendar.local_day(facts[0].time)
        occurrence = Occurrence(
            subject=f"unit/{unit}",
            unit=unit,
            key=f"{kind}/{context.month}/{aspect}",
            at=facts[0].time,
            day=day,
            words=Words((f"检查发现不符合：{aspect}",), (f"failed in an inspection: {aspect}",)),
            evidence=tuple(fact.id for fact in facts),
        )
        for price, _ in context.tariffs.on(day).priced(FailedAspect, kind):
            yield PricedOccurrence(occurrence, price)


KIND = UnitKind(_priced)
