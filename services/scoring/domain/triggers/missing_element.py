"""A report was sent without a required element; each missing one counts."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events.handling import StepCompleted
from shared.rulebook.schema.triggers import MissingElement


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all(StepCompleted):
        done = StepCompleted.view(fact.data)
        if not done.missing_elements or done.exempt or fact.time >= before:
            continue
        day = context.edition.calendar.local_day(fact.time)
        for price, _ in context.tariffs.on(day).priced(MissingElement, done.report):
            for element in done.missing_elements:
                key = f"{done.report}/{done.step}#{done.occurrence}/{element}"
                words = Words((f"报告缺少：{element}",), (f"the report lacks: {element}",))
                yield PricedOccurrence(seen(fact, key, fact.time, day, words), price, (fact.id,))


KIND = CaseKind(frozenset({StepCompleted.TYPE}), _priced)
