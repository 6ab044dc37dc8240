"""Rulings: what upheld disputes and appeals take away of what costs points."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from services.scoring.domain.facts import History
from shared.events.facts import Fact
from shared.events.handling import AppealDecided
from shared.events.scoring import DisputeRuled


class Fallen(NamedTuple):
    """Why an offence that its trigger finds does not stand."""

    zh: str
    en: str
    evidence: tuple[str, ...]


class Ruling(NamedTuple):
    """A ruling that was upheld.

    Attributes:
        against: An offence, an event, or a clock.
        restates: It was never an offence: the month that was published is stated anew. Else what it takes is
            reversed in the month of the ruling.
    """

    against: str
    at: datetime
    event: str
    restates: bool


def rulings_known(history: History, before: datetime) -> list[Ruling]:
    """Return the upheld rulings about a subject that count before a moment; one that restates always did."""
    told = (*history.all(AppealDecided), *history.all(DisputeRuled))
    return [ruling for ruling in rulings_of(told) if ruling.restates or ruling.at < before]


def rulings_of(facts: Iterable[Fact]) -> list[Ruling]:
    """Return the rulings that were upheld."""
    found = []
    for fact in facts:
        if fact.type == AppealDecided.TYPE and (decided := AppealDecided.view(fact.data)).upheld:
            found.append(Ruling(decided.against, fact.time, fact.id, decided.restates))
        elif fact.type == DisputeRuled.TYPE and (ruled := DisputeRuled.view(fact.data)).upheld:
            found.append(Ruling(ruled.offence, fact.time, fact.id, ruled.restates))
    return found


def overruled(
    offence: str, at: datetime, rulings: Sequence[Ruling], marks: Sequence[str] = ()
) -> Fallen | None:
    """Return why a ruling takes the offence away, or None.

    A ruling names an offence, an event, or a clock. A clock's name reaches only what had happened by then:
    the clock may be missed again at a later occurrence.

    Args:
        offence: Id of what may fall.
        at: When what the marks name was complete.
        rulings: The rulings that count.
        marks: What a ruling may name beside the offence.
    """
    for ruling in rulings:
        if ruling.against == offence or (ruling.against in marks and at <= ruling.at):
            return Fallen("申诉或争议裁定成立", "an appeal or dispute was upheld", (ruling.event,))
    return None
