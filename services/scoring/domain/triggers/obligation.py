"""A periodic duty was late, lacked a section, or was not done when the month ended."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import Duty, UnitRecord, fulfilment
from services.scoring.domain.triggers.base import Occurrence, PricedOccurrence, UnitKind, Words
from shared.rulebook.schema.triggers import ObligationFault
from shared.timekeeping.wording import say_due


def _priced(record: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> Iterator[PricedOccurrence]:
    for duty in duties:
        day = context.closing_day(duty.due_before)
        prices = context.tariffs.on(day).priced(ObligationFault, duty.obligation)
        if not prices:
            continue
        by_fault = _faults(record, duty, context, day)
        for price, trigger in prices:
            for occurrence in by_fault.get(trigger.fault, ()):
                yield PricedOccurrence(occurrence, price)


def _faults(record: UnitRecord, duty: Duty, context: MonthContext, day: date) -> dict[str, list[Occurrence]]:
    """Return what is wrong with a duty, by fault. Not done and sections are judged when its month is over."""
    done = fulfilment(record, duty, min(duty.judged_at, context.as_of))
    is_over = duty.judged_at <= context.as_of
    due = say_due(duty.due_before, context.edition.calendar)
    zh = (*(line.zh for line in duty.lines), f"应于 {due.zh} 前完成")
    en = (*(line.en for line in duty.lines), f"due before {due.en}")

    def seen(key: str, at: datetime, zh_end: str, en_end: str) -> Occurrence:
        return Occurrence(
            subject=f"unit/{duty.unit}",
            unit=duty.unit,
            key=f"{duty.obligation}/{duty.about}/{duty.period}/{key}",
            at=at,
            day=day,
            words=Words((*zh, zh_end), (*en, en_end)),
            evidence=done.evidence,
        )

    if done.done_at is None:
        said = ("当月未完成", "not done when its month ended")
        if duty.rule.times > 1:
            said = (
                f"应办 {duty.rule.times} 次，仅办 {done.times} 次",
                f"done {done.times} of {duty.rule.times} times when its month ended",
            )
        return {"not-done": [seen("not-done", duty.judged_at, *said)]} if is_over else {}
    found: dict[str, list[Occurrence]] = {}
    if done.done_at >= duty.due_before:
        when = say_due(done.done_at, context.edition.calendar)
        found["late"] = [seen("late", duty.due_before, f"{when.zh} 才完成", f"done only at {when.en}")]
    if is_over:
        found["missing-section"] = [
            seen(f"section/{section}", duty.judged_at, f"缺少部分：{section}", f"section missing: {section}")
            for section in done.missing
        ]
    if is_over and done.missing:
        named = ", ".join(done.missing)
        said = (f"内容不全，缺少：{named}", f"incomplete, without: {named}")
        found["incomplete"] = [seen("incomplete", duty.judged_at, *said)]
    return found


KIND = UnitKind(_priced)
