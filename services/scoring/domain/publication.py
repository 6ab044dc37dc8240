"""Closing a period: who may publish when, and what a publication tells.

A publication says from exactly which facts it comes. What arrives later leads to a new version, visible.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from services.scoring.domain.fold import (
    MonthResult,
    PeriodResult,
    SpanResult,
    canonical_bytes,
    content_hash,
    fold_span,
    result_hash,
)
from services.scoring.domain.month import later, rules_of_month, window
from services.scoring.domain.rankings import MonthTotals, Ranked
from shared.errors import (
    ConflictError,
    FieldProblem,
    InvalidInputError,
    RulebookGapError,
    TransientError,
)
from shared.events import Event, Happened
from shared.events.scoring import (
    AwardGranted,
    IndicatorsPublished,
    PeriodClosed,
    RankingPublished,
    RecommendationMade,
    ScorecardPublished,
)
from shared.rulebook.edition import Edition
from shared.timekeeping.calendar import Month
from shared.values.canonical import plain
from shared.values.idempotency import must_be_same

Document = dict[str, Any]


class NotCompleteError(TransientError):
    """Facts are still on their way; a period closes only on all of them."""

    code = "facts-on-their-way"


class SetAsideError(ConflictError):
    """Facts are here that could not be applied. Only an operator can let the period go on."""

    code = "facts-set-aside"


class PeriodOrderError(ConflictError):
    """The period has not ended, or an earlier one has to be closed first."""

    code = "period-order"


def check_ended(months: Sequence[Month], edition: Edition, at: datetime) -> None:
    """Refuse to close a period that still runs, or one from before the rulebook.

    Raises:
        PeriodOrderError: It has not ended.
        InvalidInputError: The edition or its calendars begin later.
    """
    if months[-1] >= edition.calendar.month_of(at):
        msg = f"The period runs until the end of {months[-1]}. Close it then or later."
        raise PeriodOrderError(msg)
    try:
        edition.on(date(months[0].year, months[0].month, 1))
        _, end = window(edition, months[-1])
    except RulebookGapError as error:
        raise InvalidInputError(
            "The period lies before the rulebook.", [FieldProblem("period", str(error))]
        ) from error
    if at < end:
        msg = f"The period runs until {end.isoformat()}. Close it then or later."
        raise PeriodOrderError(msg)


_NAMED = 5
"""How many of the facts that are set aside a refusal names."""


def set_aside(aside: Sequence[Document]) -> SetAsideError:
    """Return the refusal to publish without these facts, with what brings them back."""
    named = [
        f"{one['type']} about {one['subject']} of {one['unit']} ({one['cause']})" for one in aside[:_NAMED]
    ]
    more = [f"and {len(aside) - _NAMED} more"] if len(aside) > _NAMED else []
    return SetAsideError(
        f"Facts could not be applied, and wait for an operator: {'; '.join([*named, *more])}. GET /v1/watermark "
        "names each. Run `jiandu parked --service scoring list`; mend the cause and `parked replay`, or give them "
        "up with `parked discard`, which keeps the reason. Then close again."
    )


def looked_back_on(month: Month, edition: Edition) -> list[str]:
    """Return the months before one that its recommendations look at (JK-24)."""
    rules = rules_of_month(edition, month)
    furthest = max((rule.months_running for rule in rules.scoring.recommendations.values()), default=1)
    return [str(later(month, -back)) for back in range(1, furthest)]


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


@dataclass(frozen=True, slots=True)
class Order:
    """Who orders a publication, when, and under which idempotency key."""

    by: str
    at: datetime
    key: str
    digest: str


def answered(document: Document | None, order: Order) -> Document | None:
    """Return the summary of the publication that the same order made before.

    Raises:
        KeyReusedError: The key came before with another body.
    """
    if document is None:
        return None
    for key, digest, version in document["keys"]:
        if key == order.key:
            must_be_same(digest, order.digest)
            return next(dict(one) for one in document["versions"] if one["version"] == version)
    return None


def delivered(months: Sequence[Month], edition: Edition) -> frozenset[str]:
    """Return the indicators that the rulebook sends out when a period is closed (ZY-14)."""
    rules = rules_of_month(edition, months[-1])
    return frozenset(key for one in rules.scoring.publications.values() for key in one.indicators)


def publish(
    before: Document | None,
    result: PeriodResult,
    watermark: Mapping[str, int],
    order: Order,
    indicators: Collection[str] = (),
) -> tuple[Document, list[Happened]]:
    """Return the publication and what it tells; nothing where it would say the same again.

    ``indicators``: those that are told.
    """
    says = content_hash(result)
    if before is not None and before["content_hash"] == says:
        return before, []
    version = before["version"] + 1 if before else 1
    facts_hash = result.facts_hash if isinstance(result, MonthResult) else ""
    document: Document = {
        "period": result.period,
        "version": version,
        "as_of": order.at.isoformat(),
        "by": order.by,
        "watermark": dict(watermark),
        "edition": result.edition,
        "edition_hash": result.edition_hash,
        "facts_hash": facts_hash,
        "result_hash": result_hash(result),
        "content_hash": says,
        "result": canonical_bytes(result).decode(),
    }
    document["versions"] = [*(before["versions"] if before else ()), summary(document)]
    document["keys"] = [*(before["keys"] if before else ()), [order.key, order.digest, version]]
    closed = PeriodClosed(
        period=result.period,
        version=version,
        as_of=order.at,
        watermark=dict(watermark),
        facts_hash=facts_hash,
        edition_hash=result.edition_hash,
        result_hash=document["result_hash"],
        by=order.by,
    )
    return document, [Happened(event, order.at) for event in (closed, *_told(result, version, indicators))]


_SUMMARY = ("period", "version", "as_of", "by", "result_hash", "facts_hash", "edition_hash")


def summary(document: Document) -> Document:
    """Return what names one version of a publication."""
    return {name: document[name] for name in _SUMMARY}


def _told(result: PeriodResult, version: int, indicators: Collection[str]) -> list[Event]:
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
        told += _indicators(result, version, indicators)
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
            what=one.what,
        )
        for one in result.awards
    ]
    return told


def _indicators(result: MonthResult, version: int, indicators: Collection[str]) -> list[IndicatorsPublished]:
    """Return what is told of each unit, in the words of the published result: nobody reckons a figure again."""
    found: dict[str, list[dict[str, Any]]] = {}
    for figure in result.indicators:
        if figure.indicator in indicators:
            found.setdefault(figure.unit, []).append(plain(figure))
    return [
        IndicatorsPublished(period=result.period, version=version, unit=unit, indicators=tuple(told))
        for unit, told in found.items()
    ]


def _ranking(ranked: Ranked, version: int) -> RankingPublished:
    return RankingPublished(
        period=ranked.period,
        version=version,
        ranking=ranked.ranking,
        rows=tuple(plain(row) for row in ranked.rows),
    )
