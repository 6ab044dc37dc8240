"""Closing a period: who may publish when, and what a publication tells.

A publication says from exactly which facts it comes. What arrives later leads to a new version, visible.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from shared.errors import ConflictError, TransientError
from shared.events import Event, Happened
from shared.events.scoring import (
    AwardGranted,
    PeriodClosed,
    RankingPublished,
    RecommendationMade,
    ScorecardPublished,
)
from shared.rulebook.basis import window
from shared.rulebook.calendar import Month
from shared.rulebook.canonical import plain
from shared.rulebook.edition import Edition
from shared.rulebook.fold import (
    MonthResult,
    PeriodResult,
    SpanResult,
    canonical_bytes,
    content_hash,
    fold_span,
    result_hash,
)
from shared.rulebook.rankings import MonthTotals, Ranked

Document = dict[str, Any]


class NotCompleteError(TransientError):
    """Facts are still on their way; a period closes only on all of them."""

    code = "facts-on-their-way"


class PeriodOrderError(ConflictError):
    """The period has not ended, or an earlier one has to be closed first."""

    code = "period-order"


def check_ended(months: Sequence[Month], edition: Edition, at: datetime) -> None:
    """Refuse to close a period that still runs. Raises ``PeriodOrderError``."""
    _, end = window(edition, months[-1])
    if at < end:
        msg = f"The period runs until {end.isoformat()}. Close it then or later."
        raise PeriodOrderError(msg)


def totals(document: Document) -> MonthTotals:
    """Return what later periods need of a published month."""
    return MonthTotals.of_document(orjson.loads(document["result"]), document["result_hash"])


def span(
    period: str, months: Sequence[Month], published: Mapping[str, Document], edition: Edition, at: datetime
) -> SpanResult:
    """Return what a quarter or year comes to. Raises ``PeriodOrderError`` where a month is not published."""
    missing = [str(month) for month in months if str(month) not in published]
    if missing:
        msg = f"{period} rests on months that are not published: {', '.join(missing)}. Close them first."
        raise PeriodOrderError(msg)
    return fold_span([totals(published[str(month)]) for month in months], edition, period, at)


def publish(
    before: Document | None, result: PeriodResult, watermark: Mapping[str, int], by: str, at: datetime
) -> tuple[Document, list[Happened]]:
    """Return the publication and what it tells; nothing where it would say the same again."""
    says = content_hash(result)
    if before is not None and before["content_hash"] == says:
        return before, []
    version = before["version"] + 1 if before else 1
    facts_hash = result.facts_hash if isinstance(result, MonthResult) else ""
    document: Document = {
        "period": result.period,
        "version": version,
        "as_of": at.isoformat(),
        "by": by,
        "watermark": dict(watermark),
        "edition": result.edition,
        "edition_hash": result.edition_hash,
        "facts_hash": facts_hash,
        "result_hash": result_hash(result),
        "content_hash": says,
        "result": canonical_bytes(result).decode(),
        "earlier": [*before["earlier"], {key: before[key] for key in _KEPT}] if before else [],
    }
    closed = PeriodClosed(
        period=result.period,
        version=version,
        as_of=at,
        watermark=dict(watermark),
        facts_hash=facts_hash,
        edition_hash=result.edition_hash,
        result_hash=document["result_hash"],
        by=by,
    )
    return document, [Happened(event, at) for event in (closed, *_told(result, version))]


_KEPT = ("version", "as_of", "by", "facts_hash", "result_hash", "result")


def _told(result: PeriodResult, version: int) -> list[Event]:
    told: list[Event] = []
    if isinstance(result, MonthResult):
        told += [
            ScorecardPublished(
                period=result.period,
                version=version,
                sheet=card.sheet,
                unit=card.unit,
                total=card.total,
                items=dict(card.items),
                card=plain(card),
            )
            for card in result.scorecards
        ]
        told += [
            RecommendationMade(
                period=result.period,
                unit=one.unit,
                rule=one.recommendation,
                clause=", ".join(one.clauses),
                text_zh=one.text_zh,
                text_en=one.text_en,
            )
            for one in result.recommendations
        ]
    told += [_ranking(ranked, version) for ranked in result.rankings]
    told += [
        AwardGranted(
            period=result.period,
            unit=one.unit,
            award=one.award,
            amount=one.amount,
            currency=one.currency,
            paid_by=one.paid_by_zh,
            clause=", ".join(one.clauses),
        )
        for one in result.awards
    ]
    return told


def _ranking(ranked: Ranked, version: int) -> RankingPublished:
    return RankingPublished(
        period=ranked.period,
        version=version,
        ranking=ranked.ranking,
        rows=tuple(plain(row) for row in ranked.rows),
    )
