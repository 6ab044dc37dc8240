"""What the facts come to: duties, postings, scorecards, rankings, published periods."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.scoring import domain
from services.scoring.api.entry import (
    Reader,
    context_of,
    rules_at,
    units_seen,
    use_of,
    visible,
)
from services.scoring.api.published import (
    FairRanking,
    IndicatorsView,
    MonthResultView,
    PeriodView,
    RankingsView,
    SpanResultView,
    UnitScorecards,
    VersionView,
)
from services.scoring.api.views import (
    DutyView,
    FigureView,
    ListedInspection,
    PostingView,
    RosterView,
    WatermarkView,
)
from services.scoring.domain.obligations import Duty
from shared.errors import NotFoundError
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, cursor_of, page_from, page_of, place_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.rulebook.late_entry import happened_at
from shared.values.bounds import Instant, Month, Period
from shared.values.canonical import plain

JSON_LINES = "application/jsonl"

router = APIRouter(prefix="/v1")

Version = Annotated[int | None, Query(ge=1, description="An earlier version; the newest where left out.")]


class Closing(Body):
    """Close a period. ``at`` lets an importer publish history as of the day it was due."""

    at: Instant | None = None


@router.get("/duties", tags=["duties"], summary="List duties")
async def duties(
    request: Request, who: Reader, at: Instant | None = None, limit: Limit = 100, cursor: Cursor = ""
) -> Page[DutyView]:
    """List the duties that are open, overdue or lately done, with why they are due then; the soonest first."""
    use, base = use_of(request), context_of(request)
    moment = at or use.clock()
    rules_at(request, moment)
    seen = [one for one in await use.agenda(moment) if base.access.sees(who, one[0].unit)]
    return page_from({_place(one[0]): one for one in seen}, cursor, limit, DutyView.of)


def _place(duty: Duty) -> str:
    return f"{duty.due_before:%Y-%m-%dT%H:%M}|{duty.obligation}|{duty.unit}|{duty.about}|{duty.period}"


@router.get("/figures", tags=["duties"], summary="List reported figures")
async def figures(
    request: Request,
    who: Reader,
    month: Month,
    unit: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[FigureView]:
    """List the figures that stand for a month: those reported for it, or for the last period before it.

    In order of figure and unit.
    """
    use, seen = use_of(request), units_seen(request, who, unit)
    found = [one for one in await use.figures(month) if seen is None or one["unit"] in seen]
    places = {f"{one['figure']}|{one['unit']}": plain(one) for one in found}
    return page_from(places, cursor, limit, FigureView.model_validate)


@router.get("/rosters", tags=["duties"], summary="Read the rosters of a month")
async def rosters(request: Request, who: Reader, month: Month, unit: str | None = None) -> RosterView:
    """List the shifts of a month, and the times in which nobody is on duty though somebody must be."""
    use, seen = use_of(request), units_seen(request, who, unit)
    shifts, gaps = await use.rosters(month)
    return RosterView(
        shifts=[plain(one) for one in shifts if seen is None or one["unit"] in seen],
        gaps=[plain(one) for one in gaps if seen is None or one.unit in seen],
    )


@router.get("/inspections", tags=["scores"], summary="List inspections", response_model_exclude_unset=True)
async def inspections(
    request: Request,
    who: Reader,
    month: Month,
    unit: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[ListedInspection]:
    """List the inspections of a month, in order of time: who inspected, and which outside body assessed."""
    after = place_of(cursor) if cursor else None
    found = await use_of(request).inspections(units_seen(request, who, unit), month, after, limit)
    return page_of(
        found,
        limit,
        ListedInspection.model_validate,
        lambda one: cursor_of(datetime.fromisoformat(one["at"]), one["event"]),
    )


@router.get("/postings", tags=["scores"], summary="List postings", response_model_exclude_unset=True)
async def postings(
    request: Request,
    who: Reader,
    month: Month,
    unit: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[PostingView]:
    """List the postings of a month about matters as they stand now, each with clause, deadline and evidence.

    In order of matter. A matter's postings stay together, so a page may hold a few more than ``limit``.
    """
    units = units_seen(request, who, unit)
    found, after = await use_of(request).postings(units, month, cursor, limit)
    return Page(items=[PostingView.model_validate(one) for one in found], next=after)


@router.get(
    "/matters/{complaint_id}/postings",
    tags=["scores"],
    summary="List what a complaint cost",
    response_model_exclude_unset=True,
)
async def postings_of(complaint_id: UUID, request: Request, who: Reader) -> Page[PostingView]:
    """List what one complaint cost, as it stands now, all on one page; empty while it cost nothing."""
    base = context_of(request)
    found = await use_of(request).store.matter(str(complaint_id))
    mine = found.postings.values() if found else ()
    return Page(
        items=[PostingView.model_validate(one) for one in mine if base.access.sees(who, one["unit"])],
        next=None,
    )


@router.get("/watermark", tags=["scores"], summary="Say how far the facts have arrived")
async def watermark(request: Request, who: Reader) -> WatermarkView:
    """Say how far each source's facts have arrived, how many are missing, and which wait for an operator."""
    found = await use_of(request).watermark()
    mine = [one for one in found["aside"] if context_of(request).access.sees(who, one["unit"])]
    return WatermarkView(**{**found, "aside": mine})


@router.get("/periods", tags=["scores"], summary="List published periods")
async def periods(request: Request, who: Reader, limit: Limit = 50, cursor: Cursor = "") -> Page[PeriodView]:
    """List the published periods in order of name, each with all its versions and their hashes."""
    found = await use_of(request).store.listed(cursor, limit)
    return page_of(found, limit, PeriodView.model_validate, lambda one: str(one["period"]))


@router.post("/periods/{period}/close", status_code=201, tags=["scores"], summary="Close a period")
async def close(
    period: Period,
    body: Closing,
    request: Request,
    who: Annotated[Caller, needs("periods.close")],
    key: IdempotencyKey,
    digest: Digest,
) -> VersionView:
    """Close and publish a period; publish it anew, visibly, where later facts changed it."""
    at = happened_at(who.rights, body.at, use_of(request).clock())
    order = domain.Order(who.person, at, key, digest)
    return VersionView.model_validate(await use_of(request).close(period, order))


@router.get(
    "/periods/{period}",
    tags=["scores"],
    summary="Read a published result",
    response_class=Response,
    responses={200: {"model": MonthResultView | SpanResultView, "description": "As it was published"}},
)
async def result(period: Period, request: Request, who: Reader, version: Version = None) -> Response:
    """Return what was published, byte for byte. Only headquarters sees every unit's sheet."""
    document = await use_of(request).period(period, version)
    if not who.sees_all:
        msg = f"The whole result of {period} is headquarters'. See /v1/periods/{period}/rankings and your scorecard."
        raise NotFoundError(msg)
    return Response(document["result"], media_type="application/json")


@router.get(
    "/periods/{period}/rankings",
    tags=["scores"],
    summary="Read the rankings of a period",
    response_model_exclude_unset=True,
)
async def rankings(period: Period, request: Request, who: Reader, version: Version = None) -> RankingsView:
    """Return the published rankings, awards and recommendations; advice about other units is left out."""
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"])
    base = context_of(request)
    advice = [one for one in found.get("recommendations", ()) if base.access.sees(who, one["unit"])]
    return RankingsView(
        period=period,
        version=document["version"],
        rankings=found["rankings"],
        awards=found["awards"],
        recommendations=advice,
    )


@router.get(
    "/periods/{period}/indicators",
    tags=["scores"],
    summary="Read the indicators of a month",
    response_model_exclude_unset=True,
)
async def indicators(
    period: Period, request: Request, who: Reader, unit: str | None = None, version: Version = None
) -> IndicatorsView:
    """Return the published indicators of a month, each with what it was counted from."""
    seen = units_seen(request, who, unit)
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"]).get("indicators", ())
    return IndicatorsView(
        period=period,
        version=document["version"],
        indicators=[one for one in found if seen is None or one["unit"] in seen],
    )


@router.get(
    "/periods/{period}/rankings/{ranking}/fair",
    tags=["scores"],
    summary="Read a ranking fairly",
    response_model_exclude_unset=True,
)
async def fair(
    period: Period, ranking: str, request: Request, who: Reader, version: Version = None
) -> FairRanking:
    """Return a published month's ranking with what chance may have done to it: intervals, places by chance, a funnel.

    Drawn with the hash of the published result as seed, so that anyone who has the result draws the same.
    """
    return FairRanking.model_validate(await use_of(request).fair(period, ranking, version))


@router.get(
    "/scorecards/{period}/{unit}",
    tags=["scores"],
    summary="Read a unit's scorecards",
    response_model_exclude_unset=True,
)
async def scorecard(
    period: Period, unit: str, request: Request, who: Reader, version: Version = None
) -> UnitScorecards:
    """Return a unit's published scorecards and penalty sheets, each point with clause and evidence."""
    visible(request, who, unit)
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"])
    cards = [one for one in found.get("scorecards", ()) if one["unit"] == unit]
    if not cards:
        msg = f"Unit '{unit}' has no scorecard in {period}."
        raise NotFoundError(msg)
    return UnitScorecards(
        period=period,
        version=document["version"],
        unit=unit,
        scorecards=cards,
        penalties=[one for one in found["penalties"] if one["unit"] == unit],
        postings=[one for one in found["postings"] if one["unit"] == unit],
        indicators=[one for one in found["indicators"] if one["unit"] == unit],
    )


@router.get(
    "/export",
    tags=["scores"],
    summary="Export every fact and publication",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {JSON_LINES: {"schema": {"type": "string"}}},
            "description": "One JSON object a line",
        }
    },
)
async def export(request: Request, who: Annotated[Caller, needs("periods.close")]) -> StreamingResponse:
    """Stream every fact and publication as JSON lines: what ``jiandu backtest`` reads. No personal data is in it."""
    if not who.sees_all:
        msg = "There is no export for this unit."
        raise NotFoundError(msg)

    async def lines() -> AsyncIterator[bytes]:
        async for page in use_of(request).export():
            yield b"".join(
                orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for line in page
            )

    return StreamingResponse(lines(), media_type=JSON_LINES)
