"""An inspector found an offence of some kind."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, seen
from shared.events.scoring import OffenceFound
from shared.rulebook.schema.triggers import Found


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    for fact in history.all(OffenceFound):
        if fact.time >= before:
            continue
        found = OffenceFound.view(fact.data)
        day = context.edition.calendar.local_day(fact.time)
        tariff = context.tariffs.on(day)
        prices = tariff.priced(Found, found.kind)
        if not prices:
            continue
        words = Words((found.reason,), (found.reason,))
        clauses: tuple[str, ...] = ()
        if norm := tariff.rules.obligations.norms.get(found.norm):
            zh, en = f"违反规范：{norm.title.zh}", f"norm not followed: {norm.title.en}"
            words, clauses = Words((*words.zh, zh), (*words.en, en)), norm.source
        key = f"finding/{found.finding}"
        occurrence = seen(fact, key, fact.time, day, words, clauses=clauses, evidence=found.evidence)
        for price, _ in prices:
            yield PricedOccurrence(occurrence, price, (fact.id, found.finding))


KIND = CaseKind(frozenset({OffenceFound.TYPE}), _priced)
