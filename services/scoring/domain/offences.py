"""Offences: what the facts of one subject come to under the rulebook, as known before a moment.

``judge`` is the whole of it: what ``priced_occurrences`` sees, at its price, less what rulings take away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext, Price
from services.scoring.domain.triggers import TRIGGERING, PricedOccurrence, Sight, is_for, priced_occurrences
from shared.events.facts import Fact
from shared.events.handling import (
    AppealDecided,
)
from shared.events.scoring import (
    DisputeRuled,
)

OFFENCES = UUID("7b6a3f0e-6a1c-5d0e-9d58-1a8a4f6c2e10")
"""Namespace of the ids of offences and of what they cost."""


@dataclass(frozen=True, slots=True)
class Offence:
    """One thing that costs points, or brings them, with everything needed to follow it down.

    Attributes:
        id: The same for the same rule, subject and occurrence on every machine.
        key: The occurrence inside the subject, for example ``facts#1``.
        at: When it was complete. A deadline's own moment; the month's end where the month is judged.
        clauses: What makes it an offence, then what set the deadline.
        evidence: Ids of the events that show it, then what they name as evidence.
    """

    id: str
    rule: str
    subject: str
    key: str
    sheet: str
    item: str
    points: Decimal
    unit: str
    at: datetime
    clauses: tuple[str, ...]
    department: str
    person: str
    evidence: tuple[str, ...]
    explanation_zh: tuple[str, ...]
    explanation_en: tuple[str, ...]


class Fallen(NamedTuple):
    """Why an offence that its trigger finds does not stand."""

    zh: str
    en: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands, and what does not although its trigger found it. Both by offence id."""

    standing: Mapping[str, Offence]
    fallen: Mapping[str, Fallen]


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


NOTHING = Judged({}, {})


def offences(history: History, before: datetime, context: MonthContext) -> tuple[Offence, ...]:
    """Return the offences that stand, from what happened before ``before``, in order of their moments."""
    standing = judge(history, before, context).standing.values()
    return tuple(sorted(standing, key=lambda offence: (offence.at, offence.rule, offence.id)))


def judge(history: History, before: datetime, context: MonthContext) -> Judged:
    """Return what the facts of one subject come to.

    First every trigger is applied; then rulings take away, composed offences are added (JK-14 "neither"),
    and what an offence replaces falls. What a ruling took away comes back for nobody, but the offence that
    replaced another no longer does so once it is itself ruled away.
    """
    if TRIGGERING.isdisjoint(history.by_type):
        return NOTHING
    found = [
        one for one in priced_occurrences(history, before, context) if is_for(one.sight, one.price, context)
    ]
    if not found:
        return NOTHING
    rulings = rulings_known(history, before)
    fallen: dict[str, Fallen] = {}
    standing = _without_overruled(found, rulings, fallen, context)
    standing |= _combined(history, standing, rulings, fallen, context)
    for offence_id, reason in _replaced(standing, context).items():
        fallen[offence_id] = reason
        del standing[offence_id]
    return Judged(standing, fallen)


def offence_id(rule: str, subject: str, key: str) -> str:
    """Return the id of an offence."""
    return str(uuid5(OFFENCES, f"{rule}|{subject}|{key}"))


def priced(sight: Sight, price: Price, context: MonthContext) -> Offence:
    """Return the offence that something seen is, at the price of one rule."""
    department, person = sight.department, sight.person
    if price.personal:
        unit = context.organisation.on(sight.unit, sight.day)
        department, person = department or sight.unit, person or (unit.lead if unit else "")
    return Offence(
        id=offence_id(price.rule, sight.subject, sight.key),
        rule=price.rule,
        subject=sight.subject,
        key=sight.key,
        sheet=price.sheet,
        item=price.item,
        points=price.points,
        unit=context.organisation.scored_unit(sight.unit, price.unit_kinds, sight.day),
        at=sight.at,
        clauses=tuple(dict.fromkeys((*price.clauses, *(clause for clause in sight.clauses if clause)))),
        department=department,
        person=person,
        evidence=sight.evidence,
        explanation_zh=sight.words.zh,
        explanation_en=sight.words.en,
    )


def rulings_known(history: History, before: datetime) -> list[Ruling]:
    """Return the upheld rulings about a subject that count before a moment; one that restates always did."""
    told = (*history.all(AppealDecided.TYPE), *history.all(DisputeRuled.TYPE))
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
    offence: Offence, rulings: Sequence[Ruling], marks: Sequence[str] = (), since: datetime | None = None
) -> Fallen | None:
    """Return why a ruling takes the offence away, or None.

    A ruling names an offence, an event, or a clock. A clock's name reaches only what had happened by then:
    the clock may be missed again in a later round.

    Args:
        offence: What may fall.
        rulings: The rulings that count.
        marks: What a ruling may name beside the offence.
        since: When what the marks name was complete; the offence's own moment where None.
    """
    for ruling in rulings:
        if ruling.against == offence.id or (ruling.against in marks and (since or offence.at) <= ruling.at):
            return Fallen("申诉或争议裁定成立", "an appeal or dispute was upheld", (ruling.event,))
    return None


def _without_overruled(
    found: Sequence[PricedOccurrence],
    rulings: Sequence[Ruling],
    fallen: dict[str, Fallen],
    context: MonthContext,
) -> dict[str, Offence]:
    standing: dict[str, Offence] = {}
    for sight, price, marks, since in found:
        offence = priced(sight, price, context)
        reason = overruled(offence, rulings, marks, since) if rulings else None
        if reason is None:
            standing[offence.id] = offence
        else:
            fallen[offence.id] = reason
    return standing


def _combined(
    history: History,
    standing: dict[str, Offence],
    rulings: Sequence[Ruling],
    fallen: dict[str, Fallen],
    context: MonthContext,
) -> dict[str, Offence]:
    """Return the offences that exist because all of their parts do, from the moment of the last part.

    One that is ruled away takes its parts along: there is nothing in it but them.
    """
    combined: dict[str, Offence] = {}
    in_time = sorted(standing.values(), key=lambda offence: (offence.at, offence.rule, offence.id))
    for index, last in enumerate(in_time):
        for price in context.tariffs.on(context.closing_day(last.at)).combined:
            parts = [offence for offence in in_time[: index + 1] if offence.rule in price.with_all]
            composed_id = offence_id(price.rule, history.subject, "all")
            is_new = composed_id not in combined and composed_id not in fallen
            if not is_new or last.rule not in price.with_all or {p.rule for p in parts} != price.with_all:
                continue
            offence = _composed(composed_id, price, parts, context)
            reason = overruled(offence, rulings)
            if reason is None:
                combined[composed_id] = offence
            else:
                fallen |= dict.fromkeys((composed_id, *(part.id for part in parts)), reason)
    for offence_ in [offence_ for offence_ in standing if offence_ in fallen]:
        del standing[offence_]
    return combined


def _composed(composed_id: str, price: Price, parts: Sequence[Offence], context: MonthContext) -> Offence:
    last = parts[-1]
    day = context.closing_day(last.at)
    clauses = dict.fromkeys((*price.clauses, *(clause for part in parts for clause in part.clauses)))
    return Offence(
        id=composed_id,
        rule=price.rule,
        subject=last.subject,
        key="all",
        sheet=price.sheet,
        item=price.item,
        points=price.points,
        unit=context.organisation.scored_unit(last.unit, price.unit_kinds, day),
        at=last.at,
        clauses=tuple(clauses),
        department=last.department,
        person=last.person,
        evidence=tuple(dict.fromkeys(name for part in parts for name in part.evidence)),
        explanation_zh=tuple(line for part in parts for line in part.explanation_zh),
        explanation_en=tuple(line for part in parts for line in part.explanation_en),
    )


def _replaced(standing: Mapping[str, Offence], context: MonthContext) -> dict[str, Fallen]:
    """Return the offences that another stands in place of: those complete at or before it."""
    fallen: dict[str, Fallen] = {}
    for offence in standing.values():
        replaces = context.tariffs.on(context.closing_day(offence.at)).replacing.get(offence.rule)
        if not replaces:
            continue
        for other in standing.values():
            if other.rule in replaces and other.at <= offence.at and other is not offence:
                fallen[other.id] = Fallen(
                    f"由 {offence.rule} 取代", f"replaced by {offence.rule}", offence.evidence
                )
    return fallen
