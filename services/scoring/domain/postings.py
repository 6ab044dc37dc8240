"""Postings: what the offences of a subject change in one month.

A posting is the difference of two sets: the offences known when the month ends, less those known when it
began. So a later finding takes only the difference, and a correction is a reversal in its own month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import uuid5

from services.scoring.domain.facts import History, is_known
from services.scoring.domain.month import MonthContext, later
from services.scoring.domain.offences import OFFENCES, Fallen, Offence, judge
from services.scoring.domain.triggers import MATTER_FOUND, months_overdue
from shared.events.handling import (
    CaseReclassified,
    DeadlineCleared,
    FindingMade,
)


@dataclass(frozen=True, slots=True)
class Posting:
    """Points of one unit in one month, with everything needed to follow them down.

    Attributes:
        points: Signed and exact. A forfeited item costs its full marks.
        unit: Who is charged; empty where no unit of the sheet's kind answers for it.
        month: The month that it counts in, ``2026-07``.
        at: When the offence was complete.
        reverses: The posting that this one takes back.
    """

    id: str
    sheet: str
    item: str
    offence: str
    rule: str
    subject: str
    points: Decimal
    unit: str
    month: str
    at: datetime
    clauses: tuple[str, ...]
    department: str
    person: str
    evidence: tuple[str, ...]
    explanation_zh: tuple[str, ...]
    explanation_en: tuple[str, ...]
    reverses: str = ""

    @property
    def clause(self) -> str:
        """Return the clauses as one text."""
        return ", ".join(self.clauses)


def postings(history: History, context: MonthContext) -> tuple[Posting, ...]:
    """Return what a case's facts post in the month of ``basis``, as far as it is known."""
    if context.before <= context.start or not _touches(history, context):
        return ()
    now = judge(history, context.before, context)
    then = judge(history, context.start, context)
    gone = [offence for key, offence in then.standing.items() if not _same(offence, now.standing.get(key))]
    new = [offence for key, offence in now.standing.items() if not _same(offence, then.standing.get(key))]
    posted = [charge(offence, context) for offence in new]
    for offence in gone:
        why = now.fallen.get(offence.id) or _corrected(offence, history, context.before)
        posted.append(reversal(offence, why, _charged_in(offence, history, context), context))
    return tuple(sorted(posted, key=in_sheet_order))


def charge(offence: Offence, context: MonthContext) -> Posting:
    """Return what an offence posts in the month of ``basis``."""
    month = str(context.month)
    return Posting(
        id=posting_id(offence.id, month),
        sheet=offence.sheet,
        item=offence.item,
        offence=offence.id,
        rule=offence.rule,
        subject=offence.subject,
        points=offence.points,
        unit=offence.unit,
        month=month,
        at=offence.at,
        clauses=offence.clauses,
        department=offence.department,
        person=offence.person,
        evidence=offence.evidence,
        explanation_zh=offence.explanation_zh,
        explanation_en=offence.explanation_en,
    )


def reversal(offence: Offence, why: Fallen, charged_in: str, context: MonthContext) -> Posting:
    """Return what takes back the posting of an offence in the month ``charged_in``."""
    month = str(context.month)
    return Posting(
        id=posting_id(offence.id, month, reversal=True),
        sheet=offence.sheet,
        item=offence.item,
        offence=offence.id,
        rule=offence.rule,
        subject=offence.subject,
        points=offence.points.copy_negate(),
        unit=offence.unit,
        month=month,
        at=offence.at,
        clauses=offence.clauses,
        department=offence.department,
        person=offence.person,
        evidence=tuple(dict.fromkeys((*offence.evidence, *why.evidence))),
        explanation_zh=(*offence.explanation_zh, f"冲回：{why.zh}"),
        explanation_en=(*offence.explanation_en, f"reversed: {why.en}"),
        reverses=posting_id(offence.id, charged_in),
    )


def in_sheet_order(posting: Posting) -> tuple[str, str, str, datetime, str]:
    """Return the order in which postings are shown and hashed."""
    return posting.unit, posting.sheet, posting.item, posting.at, posting.id


def posting_id(offence: str, month: str, *, reversal: bool = False) -> str:
    """Return the id of what an offence posts in a month."""
    return str(uuid5(OFFENCES, f"{offence}|{month}|{'reversal' if reversal else 'charge'}"))


def posting_of(document: Mapping[str, object]) -> Posting:
    """Read a posting back from its plain form."""
    read = dict(document)
    for name in ("clauses", "evidence", "explanation_zh", "explanation_en"):
        read[name] = tuple(document[name])  # type: ignore[arg-type]  # our own plain form: a list of texts
    read["points"] = Decimal(str(document["points"]))
    read["at"] = datetime.fromisoformat(str(document["at"]))
    return Posting(**read)  # type: ignore[arg-type]  # the other fields are texts in both forms


def _touches(history: History, context: MonthContext) -> bool:
    for fact in reversed(history.facts):
        if fact.time < context.start:
            break
        if is_known(fact, context.before) and not is_known(fact, context.start):
            return True
    return context.month in months_overdue(history, context.before, context.tariffs)


def _same(one: Offence, other: Offence | None) -> bool:
    return other is not None and (one.sheet, one.item, one.points, one.unit) == (
        other.sheet,
        other.item,
        other.points,
        other.unit,
    )


def _corrected(offence: Offence, history: History, before: datetime) -> Fallen:
    if offence.key == MATTER_FOUND:
        kinds = (FindingMade.TYPE, CaseReclassified.TYPE)
        changed = [fact for kind in kinds for fact in history.all(kind) if fact.time < before]
        last = max(changed, key=lambda fact: fact.time)
        return Fallen("后来的认定取代了它", "a later finding took its place", (last.id,))
    told = tuple(
        fact.id
        for fact in history.all(DeadlineCleared.TYPE)
        for cleared in (DeadlineCleared.view(fact.data),)
        if offence.key.endswith(f"{cleared.clock}#{cleared.occurrence}")
    )
    return Fallen("期限内已完成，登记在后", "the deed was done in time and entered later", told)


def _charged_in(offence: Offence, history: History, context: MonthContext) -> str:
    """Return the month whose posting is reversed: the latest in which the offence came to stand.

    The offence's own moment does not tell: a round that is missed anew under another limit has a later one.
    """
    month = later(context.month, -1)
    while _same(offence, judge(history, context.of_month(month).start, context).standing.get(offence.id)):
        month = later(month, -1)
    return str(month)
