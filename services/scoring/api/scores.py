"""What the facts come to: duties, postings, scorecards, rankings, published periods."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from services.scoring import domain
from services.scoring.api.entry import Reader, Use, rules_at, units_seen, visible
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
from shared.http.pages import Cursor, Limit, Page, by_moment, page_from, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.rulebook.late_entry import happened_at
from shared.service.entry import Context
from shared.values.bounds import Instant, Month, Period
from shared.values.canonical import plain

JSON_LINES = "application/jsonl"

agenda = APIRouter(prefix="/v1", tags=["duties"])
router = APIRouter(prefix="/v1", tags=["scores"])
read = partial(router.get, response_model_exclude_unset=True)

Closes = Annotated[Caller, needs("periods.close")]

Version = Annotated[int | None, Query(ge=1, description="An earlier version; the newest where left out.")]


class Closing(Body):
    """Close a period. ``at`` lets an importer publish history as of the day it was due."""

    at: Instant | None = None


@agenda.get("/duties", summary="List duties")
async def duties(
    use: Use,
    context: Context,
    who: Reader,
    cursor: Cursor,
    at: Instant | None = None,
    limit: Limit = 100,
) -> Page[DutyView]:
    """List the duties that are open, overdue or lately done, with why they are due then; the soonest first."""
    moment = at or use.scores.clock()
    rules_at(context, moment)
    seen = [one for one in await use.scores.agenda(moment) if context.access.sees(who, one[0].unit)]
    return page_from({_place(one[0]): one for one in seen}, cursor, limit, DutyView.of)


def _place(duty: Duty) -> str:
    return f"{duty.due_before:%Y-%m-%dT%H:%M}|{duty.obligation}|{duty.unit}|{duty.about}|{duty.period}"


@agenda.get("/figures", summary="List reported figures")
async def figures(
    use: Use,
    context: Context,
    who: Reader,
    month: Month,
    cursor: Cursor,
    unit: str | None = None,
    limit: Limit = 50,
) -> Page[FigureView]:
    """List the figures that stand for a month: those reported for it, or for the last period before it.

    In order of figure and unit.
    """
    seen = units_seen(context, who, unit)
    found = [one for one in await use.scores.figures(month) if seen is None or one["unit"] in seen]
    places = {f"{one['figure']}|{one['unit']}": plain(one) for one in found}
    return page_from(places, cursor, limit, FigureView.model_validate)


@agenda.get("/rosters", summary="Read the rosters of a month")
async def rosters(
    use: Use, context: Context, who: Reader, month: Month, unit: str | None = None
) -> RosterView:
    """List the shifts of a month, and the times in which nobody is on duty though somebody must be."""
    seen = units_seen(context, who, unit)
    shifts, gaps = await use.scores.rosters(month)
    return RosterView(
        shifts=[plain(one) for one in shifts if seen is None or one["unit"] in seen],
        gaps=[plain(one) for one in gaps if seen is None or one.unit in seen],
    )


@read("/inspections", summary="List inspections")
async def inspections(
    use: Use,
    context: Context,
    who: Reader,
    month: Month,
    cursor: Cursor,
    unit: str | None = None,
    limit: Limit = 50,
) -> Page[ListedInspection]:
    """List the inspections of a month, in order of time: who inspected, and which outside body assessed."""
    found = await use.scores.inspections(units_seen(context, who, unit), month, cursor.moment(), limit)
    return page_of(
        found,
        limit,
        ListedInspection.model_validate,
        cursor,
        lambda one: by_moment(datetime.fromisoformat(one["at"]), one["event"]),
    )


@read("/postings", summary="List postings")
async def postings(
    use: Use,
    context: Context,
    who: Reader,
    month: Month,
    cursor: Cursor,
    unit: str | None = None,
    limit: Limit = 50,
) -> Page[PostingView]:
    """List the postings of a month about matters as they stand now, each with clause, deadline and evidence.

    In order of matter. A matter's postings stay together, so a page may hold a few more than ``limit``.
    """
    units = units_seen(context, who, unit)
    found, after = await use.scores.postings(units, month, cursor, limit)
    return Page(items=[PostingView.model_validate(one) for one in found], next=cursor.on(after))


@read("/matters/{complaint_id}/postings", summary="List what a complaint cost")
async def postings_of(complaint_id: UUID, use: Use, context: Context, who: Reader) -> Page[PostingView]:
    """List what one complaint cost, as it stands now, all on one page; empty while it cost nothing."""
    found = await use.scores.store.matter(str(complaint_id))
    mine = found.postings.values() if found else ()
    return Page(
        items=[PostingView.model_validate(one) for one in mine if context.access.sees(who, one["unit"])],
        next=None,
    )


@router.get("/watermark", summary="Say how far the facts have arrived")
async def watermark(use: Use, context: Context, who: Reader) -> WatermarkView:
    """Say how far each source's facts have arrived, how many are missing, and which wait for an operator."""
    found = await use.scores.watermark()
    mine = [one for one in found["aside"] if context.access.sees(who, one["unit"])]
    return WatermarkView(**{**found, "aside": mine})


@router.get("/periods", summary="List published periods")
async def periods(use: Use, who: Reader, cursor: Cursor, limit: Limit = 50) -> Page[PeriodView]:
    """List the published periods in order of name, each with all its versions and their hashes."""
    found = await use.scores.store.listed(cursor, limit)
    return page_of(found, limit, PeriodView.model_validate, cursor, lambda one: str(one["period"]))


@router.post("/periods/{period}/close", status_code=201, summary="Close a period")
async def close(
    period: Period, body: Closing, use: Use, who: Closes, key: IdempotencyKey, digest: Digest
) -> VersionView:
    """Close and publish a period; publish it anew, visibly, where later facts changed it."""
    at = happened_at(who.rights, body.at, use.scores.clock())
    order = domain.Order(who.person, at, key, digest)
    return VersionView.model_validate(await use.scores.close(period, order))


@router.get(
    "/periods/{period}",
    summary="Read a published result",
    response_class=Response,
    responses={200: {"model": MonthResultView | SpanResultView, "description": "As it was published"}},
)
async def result(period: Period, use: Use, who: Reader, version: Version = None) -> Response:
    """Return what was published, byte for byte. Only headquarters sees every unit's sheet."""
    document = await use.scores.period(period, version)
    if not who.sees_all:
        msg = f"The whole result of {period} is headquarters'. See /v1/periods/{period}/rankings and your scorecard."
        raise NotFoundError(msg)
    return Response(document["result"], media_type="application/json")


@read("/periods/{period}/rankings", summary="Read the rankings of a period")
async def rankings(
    period: Period, use: Use, context: Context, who: Reader, version: Version = None
) -> RankingsView:
    """Return the published rankings, awards and recommendations; advice about other units is left out."""
    document = await use.scores.period(period, version)
    found = orjson.loads(document["result"])
    advice = [one for one in found.get("recommendations", ()) if context.access.sees(who, one["unit"])]
    return RankingsView(
        period=period,
        version=document["version"],
        rankings=found["rankings"],
        awards=found["awards"],
        recommendations=advice,
    )


@read("/periods/{period}/indicators", summary="Read the indicators of a month")
async def indicators(
    period: Period, use: Use, context: Context, who: Reader, unit: str | None = None, version: Version = None
) -> IndicatorsView:
    """Return the published indicators of a month, each with what it was counted from."""
    seen = units_seen(context, who, unit)
    document = await use.scores.period(period, version)
    found = orjson.loads(document["result"]).get("indicators", ())
    return IndicatorsView(
        period=period,
        version=document["version"],
        indicators=[one for one in found if seen is None or one["unit"] in seen],
    )


@read("/periods/{period}/rankings/{ranking}/fair", summary="Read a ranking fairly")
async def fair(period: Period, ranking: str, use: Use, who: Reader, version: Version = None) -> FairRanking:
    """Return a published month's ranking with what chance may have done to it: intervals, places by chance, a funnel.

    Drawn with the hash of the published result as seed, so that anyone who has the result draws the same.
    """
    return FairRanking.model_validate(await use.scores.fair(period, ranking, version))


@read("/scorecards/{period}/{unit}", summary="Read a unit's scorecards")
async def scorecard(
    period: Period, unit: str, use: Use, context: Context, who: Reader, version: Version = None
) -> UnitScorecards:
    """Return a unit's published scorecards and penalty sheets, each point with clause and evidence."""
    visible(context, who, unit)
    document = await use.scores.period(period, version)
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
    summary="Export every fact and publication",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {JSON_LINES: {"schema": {"type": "string"}}},
            "description": "One JSON object a line",
        }
    },
)
async def export(use: Use, who: Closes) -> StreamingResponse:
    """Stream every fact and publication as JSON lines: what ``jiandu backtest`` reads. No personal data is in it."""
    if not who.sees_all:
        msg = "There is no export for this unit."
        raise NotFoundError(msg)

    async def lines() -> AsyncIterator[bytes]:
        async for page in use.scores.export():
            yield b"".join(
                orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for line in page
            )

    return StreamingResponse(lines(), media_type=JSON_LINES)
