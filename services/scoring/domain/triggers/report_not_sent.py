"""A report of a case fell due and was not sent when the month ended."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History, standing_misses
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from services.scoring.domain.triggers.missed_deadline import clock_key
from shared.events.handling import DeadlineMissed, StepCompleted
from shared.rulebook.schema.triggers import ReportNotSent


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in standing_misses(history, before):
        missed = DeadlineMissed.view(fact.data)
        due = missed.due_before
        day = context.closing_day(due)
        prices = context.tariffs.on(day).priced(ReportNotSent, missed.report)
        if not prices:
            continue
        month_end = context.month_end(due, closing=True)
        if month_end > before or _was_sent(history, missed, month_end):
            continue
        key = clock_key(missed)
        words = Words(
            (*missed.explanation_zh, f"月末仍未报送（{missed.report}）"),
            (*missed.explanation_en, f"not sent when the month ended ({missed.report})"),
        )
        occurrence = seen(fact, f"{missed.report}/{key}", month_end, day, words, clauses=(missed.clause,))
        for price, _ in prices:
            yield PricedOccurrence(occurrence, price, (fact.id, missed.clock, key))


def _was_sent(history: History, missed: DeadlineMissed, month_end: datetime) -> bool:
    done = (StepCompleted.view(one.data) for one in history.all(StepCompleted) if one.time < month_end)
    return any(
        one.report == missed.report
        and one.step == (missed.step or one.step)
        and one.occurrence == missed.occurrence
        for one in done
    )


KIND = CaseKind(frozenset({DeadlineMissed.TYPE}), _priced)
