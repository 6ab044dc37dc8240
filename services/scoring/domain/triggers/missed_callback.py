"""A callback was not made inside its window."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History, is_known
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackDue,
    CallbackMissed,
    CallbackUnreachable,
    CallbackVoided,
)
from shared.rulebook.schema.triggers import CallbackFault
from shared.timekeeping.wording import say_due


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all(CallbackMissed):
        missed = CallbackMissed.view(fact.data)
        due = missed.due_before
        if not is_known(fact, before) or _was_over(history, missed.occurrence, due):
            continue
        day = context.closing_day(due)
        said = say_due(due, context.edition.calendar)
        words = Words((f"回访期限 {said.zh} 已过",), (f"not called back before {said.en}",))
        key = f"callback#{missed.occurrence}"
        occurrence = seen(fact, key, due, day, words, clauses=(missed.clause,))
        plan = missed.plan or _plan_of(history, missed.occurrence)
        for price, trigger in context.tariffs.on(day).priced(CallbackFault):
            if not trigger.plans or plan in trigger.plans:
                yield PricedOccurrence(occurrence, price, (fact.id, key))


def _plan_of(history: History, occurrence: int) -> str:
    due = (CallbackDue.view(fact.data) for fact in history.all(CallbackDue))
    return next((one.plan for one in due if one.occurrence == occurrence), "")


def _was_over(history: History, occurrence: int, due: datetime) -> bool:
    # Known only after the sweep had spoken: calls that were made in time, or a case that was closed no more.
    ended = any(
        one.time < due and kind.view(one.data).occurrence == occurrence
        for kind in (CallbackCompleted, CallbackUnreachable, CallbackVoided)
        for one in history.all(kind)
    )
    calls = (one for one in history.all(CallbackAttempted) if one.time < due)
    return ended or any(
        call.occurrence == occurrence and call.outcome == "refused"
        for call in (CallbackAttempted.view(one.data) for one in calls)
    )


KIND = CaseKind(frozenset({CallbackMissed.TYPE}), _priced)
