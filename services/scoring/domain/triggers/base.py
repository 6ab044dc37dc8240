"""What a kind of trigger declares, and what it finds."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext, Price, Tariffs
from services.scoring.domain.obligations import Duty, UnitRecord
from services.scoring.domain.rulings import Fallen
from shared.events.facts import Fact
from shared.events.handling import CaseEvent, DeadlineCleared


class Words(NamedTuple):
    """What an explanation says, line by line."""

    zh: tuple[str, ...]
    en: tuple[str, ...]


class Occurrence(NamedTuple):
    """Something seen in the facts that a rule may put a price on.

    Attributes:
        unit: The unit that the facts are about; the sheet's kind decides who is charged.
        day: The local day whose rules hold.
    """

    subject: str
    unit: str
    key: str
    at: datetime
    day: date
    words: Words
    department: str = ""
    person: str = ""
    clauses: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class PricedOccurrence(NamedTuple):
    """An occurrence and one rule's price for it.

    Attributes:
        marks: What an appeal may name, beside the offence itself: events, a clock, its occurrence.
        since: When what an appeal is about was complete; the occurrence's own moment where None.
    """

    occurrence: Occurrence
    price: Price
    marks: tuple[str, ...] = ()
    since: datetime | None = None


def _never(history: History, as_of: datetime, tariffs: Tariffs) -> Iterator[datetime]:
    del history, as_of, tariffs
    return iter(())


def entered_later(key: str, history: History, before: datetime) -> Fallen:
    """Return that the deed was done in time, by what cleared the deadline that the key of an offence ends with."""
    del before
    told = ((fact, DeadlineCleared.view(fact.data)) for fact in history.all(DeadlineCleared))
    cleared = tuple(fact.id for fact, one in told if key.endswith(f"{one.clock}#{one.occurrence}"))
    return Fallen("期限内已完成，登记在后", "the deed was done in time and entered later", cleared)


class CaseKind(NamedTuple):
    """A kind of trigger that the facts of one matter set off.

    Attributes:
        types: Without a fact of one of these types a matter shows nothing of the kind.
        priced: What the facts show, from what happened before a moment, once for each price.
        again: Moments at which it costs once more although nothing happens, the first after ``as_of`` included.
        corrected: Why an offence of such a key no longer stands, where no ruling took it away.
    """

    types: frozenset[str]
    priced: Callable[[History, datetime, MonthContext], Iterator[PricedOccurrence]]
    again: Callable[[History, datetime, Tariffs], Iterator[datetime]] = _never
    corrected: Callable[[str, History, datetime], Fallen] = entered_later


class UnitKind(NamedTuple):
    """A kind of trigger that what a unit did, or owed, in a month sets off."""

    priced: Callable[[UnitRecord, Sequence[Duty], MonthContext], Iterator[PricedOccurrence]]


def seen(
    fact: Fact,
    key: str,
    at: datetime,
    day: date,
    words: Words,
    *,
    clauses: tuple[str, ...] = (),
    evidence: Sequence[str] = (),
) -> Occurrence:
    """Return what one fact shows, with whom it names as responsible."""
    who = CaseEvent.view(fact.data)
    return Occurrence(
        fact.subject,
        fact.unit,
        key,
        at,
        day,
        words,
        who.department,
        who.person,
        clauses,
        (fact.id, *evidence),
    )
