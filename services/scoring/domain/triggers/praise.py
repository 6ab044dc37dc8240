"""A customer praised the unit to somebody."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events.intake import PraiseReceived
from shared.rulebook.schema.triggers import Praise


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all(PraiseReceived):
        if fact.time >= before:
            continue
        to = PraiseReceived.view(fact.data).to
        day = context.edition.calendar.local_day(fact.time)
        occurrence = seen(fact, "praise", fact.time, day, Words((f"受表扬（{to}）",), (f"praised to: {to}",)))
        for price, _ in context.tariffs.on(day).priced(Praise, to):
            yield PricedOccurrence(occurrence, price, (fact.id,))


KIND = CaseKind(frozenset({PraiseReceived.TYPE}), _priced)
