"""A deadline passed; or what it asks for stays undone, and costs again for every such time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import NamedTuple

from services.scoring.domain.facts import History, facts_at, standing_misses
from services.scoring.domain.month import MonthContext, Price, Priced, Tariff, Tariffs
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events import Event
from shared.events.facts import Fact
from shared.events.handling import CaseClosed, CaseResolved, CaseWithdrawn, DeadlineMissed, StepCompleted
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.schema.procedures import Watch
from shared.rulebook.schema.triggers import ANY_STEP, MissedDeadline
from shared.timekeeping.limits import due_before
from shared.timekeeping.wording import say_due


class OverdueTime(NamedTuple):
    """One further time that a missed deed counts while it stays undone."""

    missed: Fact
    price: Price
    number: int
    at: datetime


def clock_key(missed: DeadlineMissed) -> str:
    """Return what an appeal calls a clock at one occurrence of its step."""
    return f"{missed.clock}#{missed.occurrence}"


def priced_by(tariff: Tariff, missed: DeadlineMissed) -> Sequence[Priced[MissedDeadline]]:
    """Return what a missed deadline costs: by its clock, by its own step or as any step, once by each rule."""
    named = tariff.priced(MissedDeadline, missed.clock)
    if not missed.step:
        return named
    by_step = tariff.priced(MissedDeadline, missed.step) if missed.step != missed.clock else ()
    found = (*named, *by_step, *tariff.priced(MissedDeadline, ANY_STEP))
    return tuple({price.rule: (price, trigger) for price, trigger in found}.values())


def overdue_times(history: History, before: datetime, tariffs: Tariffs) -> Iterator[OverdueTime]:
    """Yield each further time that a missed deed counts while it stays undone.

    The moment itself is too late for the deed, as a deadline is. Of each miss the first time after ``before``
    comes last, so that who asks learns when the next one is.
    """
    if not tariffs.counts_again:
        return
    calendar = tariffs.edition.calendar
    for fact in standing_misses(history, before):
        missed = DeadlineMissed.view(fact.data)
        due = missed.due_before
        tariff = tariffs.on(calendar.closing_day(due))
        watch = tariff.rules.procedures.watches.get(missed.clock)
        for price, trigger in priced_by(tariff, missed):
            if trigger.per is None or not _holds(trigger, history, fact):
                continue
            until, at = _undone_until(history, missed, watch), due
            for number in count(1):
                at = due_before(trigger.per, at, calendar).due_before
                if (until is not None and at > until) or (trigger.most is not None and number > trigger.most):
                    break
                yield OverdueTime(fact, price, number, at)
                if at > before:
                    break


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in standing_misses(history, before):
        missed = DeadlineMissed.view(fact.data)
        due, key = missed.due_before, clock_key(missed)
        day = context.closing_day(due)
        words = Words(missed.explanation_zh, missed.explanation_en)
        occurrence = seen(fact, key, due, day, words, clauses=(missed.clause,))
        for price, trigger in priced_by(context.tariffs.on(day), missed):
            if trigger.per is None and _holds(trigger, history, fact):
                yield PricedOccurrence(occurrence, price, (fact.id, missed.clock, key))
    for fact, price, number, at in overdue_times(history, before, context.tariffs):
        if at <= before:
            yield _undone_at(fact, price, number, at, context)


def _undone_at(
    fact: Fact, price: Price, number: int, at: datetime, context: MonthContext
) -> PricedOccurrence:
    missed = DeadlineMissed.view(fact.data)
    due, key = missed.due_before, clock_key(missed)
    said = say_due(at, context.edition.calendar)
    words = Words(
        (*missed.explanation_zh, f"至 {said.zh} 仍未完成（第 {number} 次）"),
        (*missed.explanation_en, f"still undone at {said.en} ({number})"),
    )
    day = context.closing_day(due)
    occurrence = seen(fact, f"{key}/time-{number}", at, day, words, clauses=(missed.clause,))
    return PricedOccurrence(occurrence, price, (fact.id, missed.clock, key), due)


def _again(history: History, as_of: datetime, tariffs: Tariffs) -> Iterator[datetime]:
    return (one.at for one in overdue_times(history, as_of, tariffs))


def _holds(trigger: MissedDeadline, history: History, fact: Fact) -> bool:
    """Say whether a price's condition holds for the case as it was when the deadline passed."""
    if trigger.when.is_empty:
        return True
    known, flags = facts_at(history, fact.time)
    return trigger.when.holds({**known, "procedure": DeadlineMissed.view(fact.data).procedure}, flags)


def _undone_until(history: History, missed: DeadlineMissed, watch: Watch | None) -> datetime | None:
    """Return when the deed of a miss was done, or was owed no more; None while it is owed."""
    ends = [fact.time for kind in (CaseClosed, CaseWithdrawn) for fact in history.all(kind)]
    if watch is None:
        for done in history.all(StepCompleted):
            step = StepCompleted.view(done.data)
            if step.step == (missed.step or missed.clock) and step.occurrence == missed.occurrence:
                ends.append(done.time)
    else:
        kind, is_it = _STOPS[watch.stops_at]
        ends += [done.time for done in history.all(kind) if is_it(done)]
    return min((end for end in ends if end >= missed.due_before), default=None)


def _any(_: Fact) -> bool:
    return True


_STOPS: Mapping[str, tuple[type[Event], Callable[[Fact], bool]]] = {
    "registration": (ComplaintRegistered, _any),
    "first-step": (StepCompleted, _any),
    "first-answer": (StepCompleted, _any),
    "resolution": (CaseResolved, _any),
    "closing": (CaseClosed, _any),
    "record-complete": (RecordAmended, lambda done: RecordAmended.view(done.data).complete),
}
"""What stops a watch → the facts that tell it. Every case's end stops them all."""

KIND = CaseKind(frozenset({DeadlineMissed.TYPE}), _priced, again=_again)
