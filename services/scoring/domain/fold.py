"""A score is a fold: facts, an edition, a period and a moment give a result, and always the same bytes.

Scoring's month close and ``jiandu backtest`` both run ``fold_subjects``; ``fold`` only groups the facts for it.
What-if is the same fold with another edition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from services.scoring.domain.counting import Count, counts
from services.scoring.domain.facts import (
    ORGANISATION_TYPES,
    FactsHash,
    History,
    by_subject,
    in_order,
    is_known,
    touches,
)
from services.scoring.domain.indicators import Figure, Tally, figures
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import UnitRecord, instances
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting, in_sheet_order, postings, unit_postings
from services.scoring.domain.rankings import (
    Granted,
    MonthTotals,
    PersonsResult,
    Ranked,
    Recommended,
    awards,
    months_of,
    personal_results,
    rankings,
    recommendations,
)
from services.scoring.domain.rosters import Gap, gaps
from services.scoring.domain.scorecards import PenaltySheet, Scorecard, penalty_sheets, scorecards
from services.scoring.domain.triggers import months_overdue
from shared.events.facts import Fact
from shared.events.scoring import (
    DutyFulfilled,
)
from shared.rulebook.edition import Edition
from shared.timekeeping.calendar import Month
from shared.timekeeping.periods import periods_of_month
from shared.values.canonical import LATER, bytes_of, hash_of, plain

UNIT_SUBJECT = "unit/"
"""How the subjects begin whose facts are about a unit as a whole."""


def unit_facts_since(month: Month) -> datetime:
    """Return from when on facts of units count for a month: the year before its own, in UTC.

    So a fold needs no unit's whole past. Of the organisation all facts count.
    """
    return datetime(month.year - 1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entries:
    """What one subject adds to one month."""

    postings: tuple[Posting, ...] = ()
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitInMonth:
    """What a unit was in a month, for rankings that look back on it.

    Attributes:
        nil: It had nothing to report for the month, and said so.
    """

    kind: str
    whole_month: bool
    peers: str = field(default="", metadata=LATER)
    nil: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class MonthResult:
    """Everything that a month comes to.

    Attributes:
        is_over: The month had ended by ``as_of``; what is judged at its end is in it.
        facts: How many facts it rests on.
        uncharged: Postings for which no unit of the sheet's kind answers. An alarm, not a score.
        gaps: Times in which nobody was on duty although a roster asks for somebody.
    """

    period: str
    group: str
    edition: str
    edition_hash: str
    as_of: datetime
    is_over: bool
    facts: int
    facts_hash: str
    units: Mapping[str, UnitInMonth]
    scorecards: tuple[Scorecard, ...]
    penalties: tuple[PenaltySheet, ...]
    postings: tuple[Posting, ...]
    uncharged: tuple[Posting, ...]
    indicators: tuple[Figure, ...]
    rankings: tuple[Ranked, ...]
    awards: tuple[Granted, ...]
    recommendations: tuple[Recommended, ...]
    personal_results: tuple[PersonsResult, ...]
    gaps: tuple[Gap, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What a quarter or year comes to, from its published months.

    Attributes:
        months: Month → hash of the result that counted.
    """

    period: str
    group: str
    edition: str
    edition_hash: str
    as_of: datetime
    months: Mapping[str, str]
    rankings: tuple[Ranked, ...]
    awards: tuple[Granted, ...]


PeriodResult = MonthResult | SpanResult


def fold(
    facts: Iterable[Fact],
    edition: Edition,
    period: str,
    as_of: datetime,
    published: Mapping[str, MonthTotals] | None = None,
) -> PeriodResult:
    """Return what a period comes to. Neither the order of the facts nor doubles among them matter.

    Args:
        facts: Any facts; those of types that do not count are passed over.
        edition: The rulebook that judges.
        period: ``2026-07``, ``2026-Q3`` or ``2026``.
        as_of: What happened from here on is left out, except of the organisation, which is dated by itself.
        published: Months that were published. Runs of months look at these alone, because advice rests on
            published scores; the months of a quarter that are not among them are folded from ``facts``.
    """
    groups = by_subject(facts)
    unit_facts = [fact for key, own in groups.items() if key.startswith(UNIT_SUBJECT) for fact in own]
    subjects = [own for key, own in groups.items() if not key.startswith(UNIT_SUBJECT)]
    known = dict(published or {})
    months = months_of(period)
    if len(months) == 1:
        return fold_subjects(subjects, unit_facts, edition, months[0], as_of, known)
    for month in months:
        if str(month) not in known:
            known[str(month)] = totals_of(fold_subjects(subjects, unit_facts, edition, month, as_of, known))
    return fold_span([known[str(month)] for month in months], edition, period, as_of)


def fold_subjects(
    subjects: Iterable[Sequence[Fact]],
    unit_facts: Sequence[Fact],
    edition: Edition,
    month: Month,
    as_of: datetime,
    published: Mapping[str, MonthTotals] | None = None,
) -> MonthResult:
    """Return what a month comes to, holding the facts of one subject at a time.

    Args:
        subjects: The counted facts of each subject but units, grouped; the groups in any order. Those that
            do not touch the month add nothing and may be left out.
        unit_facts: The facts whose subject begins with ``unit/``.
        edition: The rulebook that judges.
        month: The month.
        as_of: What happened from here on is left out.
        published: Months that were published before.
    """
    since = unit_facts_since(month)
    known = in_order(fact for fact in unit_facts if _is_used(fact, since, as_of))
    context = MonthContext.of(edition, Organisation.of(known), month, as_of)
    facts_hash = FactsHash().plus(known)
    posted: list[Posting] = []
    tally = Tally()
    for subject in subjects:
        facts = [fact for fact in in_order(subject) if is_known(fact, as_of)]
        if not touches(facts, context.start, context.end) and month not in months_overdue(
            History.of(facts), as_of, context.tariffs
        ):
            continue
        facts_hash = facts_hash.plus(facts)
        entries = subject_entries(facts, context)
        posted += entries.postings
        tally.add(entries.counts)
    return month_result(posted, tally, known, context, facts_hash, published)


def subject_entries(facts: Sequence[Fact], context: MonthContext) -> Entries:
    """Return what one subject adds to the month. ``facts`` are in order and without doubles (``in_order``)."""
    if not facts:
        return Entries()
    history = History.of(facts)
    return Entries(postings(history, context), counts(history, context))


def month_result(
    case_postings: Iterable[Posting],
    tally: Tally,
    unit_facts: Sequence[Fact],
    context: MonthContext,
    facts_hash: FactsHash,
    published: Mapping[str, MonthTotals] | None = None,
) -> MonthResult:
    """Return the month's result from what its subjects added.

    Args:
        case_postings: The postings of every subject.
        tally: Their counts.
        unit_facts: The facts of units that count, in order.
        context: The month.
        facts_hash: Which facts it rests on.
        published: Months that were published before.
    """
    edition, organisation = context.edition, context.organisation
    record = UnitRecord(tuple(unit_facts), organisation, edition.calendar)
    duties = instances(edition, organisation, context.month)
    posted = sorted((*case_postings, *unit_postings(record, duties, context)), key=in_sheet_order)
    counted = figures(tally, record, duties, context)
    cards = scorecards(posted, record, duties, context, counted)
    units = _units(record, context)
    totals = _totals(str(context.month), "", units, cards, counted)
    ranked = rankings((totals,), "month", str(context.month), context.rules)
    return MonthResult(
        period=str(context.month),
        group=edition.group,
        edition=edition.name,
        edition_hash=edition.hash,
        as_of=context.as_of,
        is_over=context.as_of >= context.end,
        facts=facts_hash.count,
        facts_hash=str(facts_hash),
        units=units,
        scorecards=cards,
        penalties=penalty_sheets(posted, context),
        postings=tuple(posting for posting in posted if posting.unit),
        uncharged=tuple(posting for posting in posted if not posting.unit),
        indicators=counted,
        rankings=ranked,
        awards=awards(ranked, context.rules),
        recommendations=recommendations(totals, published or {}, context),
        personal_results=personal_results(unit_facts, context),
        gaps=gaps(unit_facts, edition, organisation, context.start, context.before),
    )


def fold_span(months: Sequence[MonthTotals], edition: Edition, period: str, as_of: datetime) -> SpanResult:
    """Return what a quarter or year comes to, from its months in order."""
    last = months_of(period)[-1]
    context = MonthContext.of(edition, Organisation({}, {}), last, as_of)
    ranked = rankings(months, "quarter" if "-Q" in period else "year", period, context.rules)
    return SpanResult(
        period=period,
        group=edition.group,
        edition=edition.name,
        edition_hash=edition.hash,
        as_of=as_of,
        months={month.month: month.hash for month in months},
        rankings=ranked,
        awards=awards(ranked, context.rules),
    )


def fold_periods(
    facts: Sequence[Fact], edition: Edition, periods: Sequence[str], as_of: datetime
) -> dict[str, PeriodResult]:
    """Return several periods, each as if those before it had been published. Give them in order."""
    published: dict[str, MonthTotals] = {}
    results: dict[str, PeriodResult] = {}
    for period in periods:
        result = fold(facts, edition, period, as_of, published)
        results[period] = result
        if isinstance(result, MonthResult):
            published[period] = totals_of(result)
    return results


def totals_of(result: MonthResult) -> MonthTotals:
    """Return what later periods need of a month."""
    return _totals(result.period, result_hash(result), result.units, result.scorecards, result.indicators)


def document_of(result: PeriodResult) -> dict[str, Any]:
    """Return a result as plain JSON."""
    return {part.name: plain(getattr(result, part.name)) for part in fields(result)}


def canonical_bytes(result: PeriodResult) -> bytes:
    """Return the one byte string of a result: what is published, and what backtest must give again."""
    return bytes_of(document_of(result))


def result_hash(result: PeriodResult) -> str:
    """Return the SHA-256 of ``canonical_bytes``, in hex."""
    return hash_of(document_of(result))


def content_hash(result: PeriodResult) -> str:
    """Return a hash of what the result says, whatever facts and edition it says it from.

    Did a late fact change it, or an edition that came into force since? One that only holds later did not.
    """
    about = {"as_of", "edition", "edition_hash", "facts", "facts_hash", "months"}
    return hash_of({key: value for key, value in document_of(result).items() if key not in about})


def _units(record: UnitRecord, context: MonthContext) -> dict[str, UnitInMonth]:
    """Return what the units of the month were in it."""
    nil, organisation = _nil_returns(record, context), context.organisation
    return {
        unit: UnitInMonth(
            one.kind,
            organisation.exists_throughout(unit, context.first_day, context.last_day),
            one.peers,
            unit in nil,
        )
        for unit in organisation.existing(context.first_day, context.last_day)
        if (one := organisation.on(unit, context.last_day)) is not None
    }


def _nil_returns(record: UnitRecord, context: MonthContext) -> set[str]:
    """Return the units that said for the whole month that there was nothing to report, and took it back in no later return."""
    found: set[str] = set()
    for key, rule in context.rules.obligations.obligations.items():
        periods = [str(period) for period in periods_of_month(rule.every, context.month)] if rule.nil else []
        found |= {
            unit
            for obligation, unit, period in record.reports
            if obligation == key and period in periods and _is_nil(record, key, unit, periods)
        }
    return found


def _is_nil(record: UnitRecord, obligation: str, unit: str, periods: Sequence[str]) -> bool:
    """Say whether the last return of each of these periods is nil."""
    returns = (record.reports.get((obligation, unit, period)) for period in periods)
    return all(told and DutyFulfilled.view(told[-1].data).nil for told in returns)


def _is_used(fact: Fact, since: datetime, as_of: datetime) -> bool:
    return fact.type in ORGANISATION_TYPES or since <= fact.time < as_of


def _totals(
    month: str,
    hash_: str,
    units: Mapping[str, UnitInMonth],
    cards: Iterable[Scorecard],
    counted: Iterable[Figure],
) -> MonthTotals:
    document = {
        "period": month,
        "units": plain(units),
        "scorecards": [
            plain({"sheet": card.sheet, "unit": card.unit, "total": card.total, "rated": card.rated})
            for card in cards
        ],
        "indicators": [
            plain({"indicator": f.indicator, "unit": f.unit, "rated": f.rated, "value": f.value})
            for f in counted
        ],
    }
    return MonthTotals.of_document(document, hash_)
