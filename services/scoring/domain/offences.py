"""Offences: what the facts of one subject come to under the rulebook, as known before a moment.

``judge`` is the whole of it: what ``priced_occurrences`` sees, at its price, less what rulings take away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from services.scoring.domain.facts import History
from services.scoring.domain.month import MonthContext, Price
from services.scoring.domain.obligations import Duty, UnitRecord
from services.scoring.domain.rulings import Fallen, Ruling, overruled, rulings_known
from services.scoring.domain.triggers import TRIGGERING, priced_occurrences, priced_of_units
from services.scoring.domain.triggers.base import PricedOccurrence
from shared.rulebook.schema.triggers import Cause

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
        trigger: The kind of trigger that found it; None where it is composed of others.
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
    trigger: type[Cause] | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands, and what does not although its trigger found it. Both by offence id."""

    standing: Mapping[str, Offence]
    fallen: Mapping[str, Fallen]


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
    found = [one for one in priced_occurrences(history, before, context) if _is_for(one, context)]
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


def offences_of_units(
    record: UnitRecord, duties: Sequence[Duty], context: MonthContext
) -> dict[str, Offence]:
    """Return by id what units did, or left undone, in the month, whatever rulings say of it."""
    found = priced_of_units(record, duties, context)
    offences_ = (_offence(one, context) for one in found if _is_for(one, context))
    return {offence.id: offence for offence in offences_}


def _is_for(found: PricedOccurrence, context: MonthContext) -> bool:
    """Say whether the price stands on a sheet of the unit that would be charged: some are of certain peers only."""
    occurrence, price = found.occurrence, found.price
    if not price.peers:
        return True
    organisation = context.organisation
    charged = organisation.on(
        organisation.scored_unit(occurrence.unit, price.unit_kinds, occurrence.day), occurrence.day
    )
    return charged is None or charged.peers in price.peers


def _offence(found: PricedOccurrence, context: MonthContext) -> Offence:
    """Return the offence that an occurrence is, at the price of one rule."""
    occurrence, price = found.occurrence, found.price
    department, person = occurrence.department, occurrence.person
    if price.personal:
        unit = context.organisation.on(occurrence.unit, occurrence.day)
        department, person = department or occurrence.unit, person or (unit.lead if unit else "")
    return Offence(
        id=offence_id(price.rule, occurrence.subject, occurrence.key),
        rule=price.rule,
        subject=occurrence.subject,
        key=occurrence.key,
        sheet=price.sheet,
        item=price.item,
        points=price.points,
        unit=context.organisation.scored_unit(occurrence.unit, price.unit_kinds, occurrence.day),
        at=occurrence.at,
        clauses=tuple(dict.fromkeys((*price.clauses, *(clause for clause in occurrence.clauses if clause)))),
        department=department,
        person=person,
        evidence=occurrence.evidence,
        explanation_zh=occurrence.words.zh,
        explanation_en=occurrence.words.en,
        trigger=price.trigger,
    )


def _without_overruled(
    found: Sequence[PricedOccurrence],
    rulings: Sequence[Ruling],
    fallen: dict[str, Fallen],
    context: MonthContext,
) -> dict[str, Offence]:
    standing: dict[str, Offence] = {}
    for one in found:
        offence = _offence(one, context)
        reason = overruled(offence.id, one.since or offence.at, rulings, one.marks)
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
            reason = overruled(offence.id, offence.at, rulings)
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
