"""A matter of some kind was registered, found or re-opened; it costs or brings points by itself."""

from collections.abc import Iterator
from datetime import datetime

from services.scoring.domain.facts import History, facts_at
from services.scoring.domain.month import MonthContext
from services.scoring.domain.rulings import Fallen
from services.scoring.domain.triggers.base import CaseKind, PricedOccurrence, Words, entered_later, seen
from shared.events.facts import Fact
from shared.events.handling import CaseReclassified, CaseReopened, FindingMade
from shared.events.intake import ComplaintRegistered
from shared.rulebook.schema.triggers import OfMatter

OF_FINDING = ("finding", "grade")
"""What an appeal names that takes a finding away."""

_REGISTERED = Words(("已登记",), ("registered",))
_REOPENED = Words(("已重新办理",), ("re-opened",))

_FOUND = "matter/found"
"""Key of what a matter costs by what was found of it."""


def _priced(history: History, before: datetime, context: MonthContext) -> Iterator[PricedOccurrence]:
    """Yield what a matter costs by itself; of its findings the one that stands, as corrected since."""
    registered = history.first(ComplaintRegistered)
    if registered is not None and registered.time < before:
        yield from _at(history, registered, "registered", registered, _REGISTERED, context)
    found = [fact for fact in history.all(FindingMade) if fact.time < before]
    if found:
        later = [fact for fact in history.all(CaseReclassified) if found[-1].time <= fact.time < before]
        reason = FindingMade.view(found[-1].data).reason
        words = Words((f"认定：{reason}",), (f"found: {reason}",))
        yield from _at(history, found[-1], "found", [*found, *later][-1], words, context)
    for fact in history.all(CaseReopened):
        if fact.time < before:
            yield from _at(history, fact, "reopened", fact, _REOPENED, context)


def _at(
    history: History, fact: Fact, moment: str, as_known_by: Fact, words: Words, context: MonthContext
) -> Iterator[PricedOccurrence]:
    day = context.edition.calendar.local_day(fact.time)
    prices = context.tariffs.on(day).priced(OfMatter, moment)
    if not prices:
        return
    key = f"matter/{moment}"
    if moment == "reopened":
        key = f"{key}#{CaseReopened.view(fact.data).occurrence}"
    known = facts_at(history, as_known_by.time)
    more = () if as_known_by is fact else (as_known_by.id,)
    occurrence = seen(fact, key, fact.time, day, words, evidence=more)
    marks = (fact.id, *OF_FINDING) if key == _FOUND else (fact.id,)
    for price, trigger in prices:
        if trigger.when.holds(*known):
            yield PricedOccurrence(occurrence, price, marks)


def _corrected(key: str, history: History, before: datetime) -> Fallen:
    if key != _FOUND:
        return entered_later(key, history, before)
    kinds = (FindingMade, CaseReclassified)
    changed = [fact for kind in kinds for fact in history.all(kind) if fact.time < before]
    last = max(changed, key=lambda fact: fact.time)
    return Fallen("后来的认定取代了它", "a later finding took its place", (last.id,))


KIND = CaseKind(
    frozenset({ComplaintRegistered.TYPE, FindingMade.TYPE, CaseReopened.TYPE}), _priced, corrected=_corrected
)
