"""Postings: what the offences of a subject change in one month.

A posting is the difference of two sets: the offences known when the month ends, less those known when it
began. So a later finding takes only the difference, and a correction is a reversal in its own month.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import uuid5

from services.scoring.domain.facts import History, is_known
from services.scoring.domain.month import MonthContext, later
from services.scoring.domain.obligations import Duty, UnitRecord, instances
from services.scoring.domain.offences import OFFENCES, Offence, judge, offences_of_units
from services.scoring.domain.rulings import Fallen, overruled
from services.scoring.domain.triggers import CASE_KINDS, months_overdue
from services.scoring.domain.triggers.base import entered_later


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
    """Return what a case's facts post in the month of ``context``, as far as it is known."""
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


def unit_postings(record: UnitRecord, duties: Sequence[Duty], context: MonthContext) -> tuple[Posting, ...]:
    """Return what inspections and duties post in the month of ``context``.

    An offence of a unit is settled in its own month. Later only a ruling can take it back; then the months
    before are judged again, to find what it took.
    """
    if context.before <= context.start:
        return ()
    posted = [
        charge(offence, context)
        for offence in offences_of_units(record, duties, context).values()
        if _ruling(offence, record, context.before) is None
    ]
    ruled = {
        one.against for one in record.rulings if not one.restates and context.start <= one.at < context.before
    }
    return tuple(sorted((*posted, *_reversals(record, ruled, context)), key=in_sheet_order))


def charge(offence: Offence, context: MonthContext) -> Posting:
    """Return what an offence posts in the month of ``context``."""
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
    kind = CASE_KINDS.get(offence.trigger) if offence.trigger else None
    return (kind.corrected if kind else entered_later)(offence.key, history, before)


def _charged_in(offence: Offence, history: History, context: MonthContext) -> str:
    """Return the month whose posting is reversed: the latest in which the offence came to stand.

    The offence's own moment does not tell: an occurrence that is missed anew under another limit has a later one.
    """
    month = later(context.month, -1)
    while _same(offence, judge(history, context.of_month(month).start, context).standing.get(offence.id)):
        month = later(month, -1)
    return str(month)


def _ruling(offence: Offence, record: UnitRecord, before: datetime) -> Fallen | None:
    rulings = [one for one in record.rulings if one.restates or one.at < before]
    return overruled(offence.id, offence.at, rulings)


def _reversals(record: UnitRecord, ruled: set[str], context: MonthContext) -> Iterator[Posting]:
    """Find what the month's rulings are about in the months before, and take it back."""
    earliest = min((fact.time for fact in record.facts), default=context.start)
    left, month = set(ruled), later(context.month, -1)
    while left and context.of_month(month).end > earliest:
        then = context.of_month(month)
        own = offences_of_units(record, instances(then.edition, then.organisation, month), then)
        for offence in own.values():
            why = _ruling(offence, record, context.before)
            if why is not None and offence.id in left and _ruling(offence, record, context.start) is None:
                yield reversal(offence, why, str(month), context)
        left -= set(own)
        month = later(month, -1)
