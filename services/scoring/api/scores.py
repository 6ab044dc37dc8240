"""What the facts come to: duties, postings, scorecards, rankings, published periods."""

from bisect import bisect_right
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.scoring import domain
from services.scoring.api.entry import (
    Cursor,
    Limit,
    Reader,
    context_of,
    happened,
    rules_at,
    units_seen,
    use_of,
    visible,
)
from services.scoring.domain.obligations import Duty, Status
from shared.errors import NotFoundError
from shared.http.edge import Body, Digest, IdempotencyKey, cursor_of, needs, place_of
from shared.identity.access import Caller
from shared.values.bounds import Instant, Month, Period
from shared.values.canonical import plain

router = APIRouter(prefix="/v1")

Version = Annotated[int | None, Query(ge=1, description="An earlier version; the newest where left out.")]


class Closing(Body):
    """Close a period. ``at`` lets an importer publish history as of the day it was due."""

    at: Instant | None = None


@router.get("/duties", tags=["duties"])
async def duties(
    request: Request, who: Reader, at: Instant | None = None, limit: Limit = 100, cursor: Cursor = ""
) -> dict[str, Any]:
    """List the duties that are open, overdue or lately done, with why they are due then; the soonest first."""
    use, base = use_of(request), context_of(request)
    moment = at or use.clock()
    rules_at(request, moment)
    seen = [one for one in await use.agenda(moment) if base.access.sees(who, one[0].unit)]
    found = {_place(duty): (duty, status) for duty, status in seen}
    places = sorted(found)
    page = places[bisect_right(places, cursor) :][:limit]
    return {
        "duties": [_duty(*found[place]) for place in page],
        "next": page[-1] if page and page[-1] != places[-1] else None,
    }


def _place(duty: Duty) -> str:
    return f"{duty.due_before:%Y-%m-%dT%H:%M}|{duty.obligation}|{duty.unit}|{duty.about}|{duty.period}"


def _duty(duty: Duty, status: Status) -> dict[str, Any]:
    shown = ("obligation", "unit", "about", "period", "begins", "ends", "due_before", "provisional")
    return {
        **{name: plain(getattr(duty, name)) for name in shown},
        "month": str(duty.month),
        "status": str(status),
        "title_zh": duty.rule.title.zh,
        "title_en": duty.rule.title.en,
        "clauses": list(duty.rule.source),
        "times": duty.rule.times,
        "nil": duty.rule.nil,
        "sections": sorted(duty.rule.sections),
        "fields": sorted(duty.rule.fields),
        "explanation_zh": [line.zh for line in duty.lines],
        "explanation_en": [line.en for line in duty.lines],
    }


@router.get("/figures", tags=["duties"])
async def figures(
    request: Request, who: Reader, month: Month, unit: str | None = None
) -> list[dict[str, Any]]:
    """List the figures that stand for a month: those reported for it, or for the last period before it."""
    use, seen = use_of(request), units_seen(request, who, unit)
    return [plain(one) for one in await use.figures(month) if seen is None or one["unit"] in seen]


@router.get("/rosters", tags=["duties"])
async def rosters(
    request: Request, who: Reader, month: Month, unit: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """List the shifts of a month, and the times in which nobody is on duty though somebody must be."""
    use, seen = use_of(request), units_seen(request, who, unit)
    shifts, gaps = await use.rosters(month)
    return {
        "shifts": [plain(one) for one in shifts if seen is None or one["unit"] in seen],
        "gaps": [plain(one) for one in gaps if seen is None or one.unit in seen],
    }


@router.get("/inspections", tags=["scores"])
async def inspections(
    request: Request,
    who: Reader,
    month: Month,
    unit: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """List the inspections of a month, in order of time: who inspected, and which outside body assessed."""
    after = place_of(cursor) if cursor else None
    found = await use_of(request).inspections(units_seen(request, who, unit), month, after, limit)
    last = found[-1] if len(found) == limit else None
    return {
        "inspections": found,
        "next": cursor_of(datetime.fromisoformat(last["at"]), last["event"]) if last else None,
    }


@router.get("/postings", tags=["scores"])
async def postings(
    request: Request,
    who: Reader,
    month: Month,
    unit: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """List the postings of a month about matters as they stand now, each with clause, deadline and evidence.

    In order of matter. A matter's postings stay together, so a page may hold a few more than ``limit``.
    """
    units = units_seen(request, who, unit)
    found, after = await use_of(request).postings(units, month, cursor, limit)
    return {"postings": found, "next": after}


@router.get("/matters/{complaint_id}/postings", tags=["scores"])
async def postings_of(complaint_id: UUID, request: Request, who: Reader) -> list[dict[str, Any]]:
    """List what one complaint cost, as it stands now; empty while it cost nothing."""
    base = context_of(request)
    found = await use_of(request).store.matter(str(complaint_id))
    mine = found.postings.values() if found else ()
    return [one for one in mine if base.access.sees(who, one["unit"])]


@router.get("/watermark", tags=["scores"])
async def watermark(request: Request, who: Reader) -> dict[str, Any]:
    """Say how far each source's facts have arrived, how many are missing, and which wait for an operator."""
    found = await use_of(request).watermark()
    mine = [one for one in found["aside"] if context_of(request).access.sees(who, one["unit"])]
    return {**found, "aside": mine}


@router.get("/periods", tags=["scores"])
async def periods(request: Request, who: Reader, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    """List the published periods in order of name, each with all its versions and their hashes."""
    found = await use_of(request).store.listed(cursor, limit)
    return {"periods": found, "next": found[-1]["period"] if len(found) == limit else None}


@router.post("/periods/{period}/close", status_code=201, tags=["scores"])
async def close(
    period: Period,
    body: Closing,
    request: Request,
    who: Annotated[Caller, needs("periods.close")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Close and publish a period; publish it anew, visibly, where later facts changed it."""
    at = happened(who, body.at, use_of(request).clock())
    return await use_of(request).close(period, domain.Order(who.person, at, key, digest))


@router.get("/periods/{period}", tags=["scores"])
async def result(period: Period, request: Request, who: Reader, version: Version = None) -> Response:
    """Return what was published, byte for byte. Only headquarters sees every unit's sheet."""
    document = await use_of(request).period(period, version)
    if not who.sees_all:
        msg = f"The whole result of {period} is headquarters'. See /v1/periods/{period}/rankings and your scorecard."
        raise NotFoundError(msg)
    return Response(document["result"], media_type="application/json")


@router.get("/periods/{period}/rankings", tags=["scores"])
async def rankings(period: Period, request: Request, who: Reader, version: Version = None) -> dict[str, Any]:
    """Return the published rankings, awards and recommendations; advice about other units is left out."""
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"])
    base = context_of(request)
    advice = [one for one in found.get("recommendations", ()) if base.access.sees(who, one["unit"])]
    return {
        "period": period,
        "version": document["version"],
        "rankings": found["rankings"],
        "awards": found["awards"],
        "recommendations": advice,
    }


@router.get("/periods/{period}/indicators", tags=["scores"])
async def indicators(
    period: Period, request: Request, who: Reader, unit: str | None = None, version: Version = None
) -> dict[str, Any]:
    """Return the published indicators of a month, each with what it was counted from."""
    seen = units_seen(request, who, unit)
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"]).get("indicators", ())
    return {
        "period": period,
        "version": document["version"],
        "indicators": [one for one in found if seen is None or one["unit"] in seen],
    }


@router.get("/periods/{period}/rankings/{ranking}/fair", tags=["scores"])
async def fair(
    period: Period, ranking: str, request: Request, who: Reader, version: Version = None
) -> dict[str, Any]:
    """Return a published month's ranking with what chance may have done to it: intervals, places by chance, a funnel.

    Drawn with the hash of the published result as seed, so that anyone who has the result draws the same.
    """
    return await use_of(request).fair(period, ranking, version)


@router.get("/scorecards/{period}/{unit}", tags=["scores"])
async def scorecard(
    period: Period, unit: str, request: Request, who: Reader, version: Version = None
) -> dict[str, Any]:
    """Return a unit's published scorecards and penalty sheets, each point with clause and evidence."""
    visible(request, who, unit)
    document = await use_of(request).period(period, version)
    found = orjson.loads(document["result"])
    cards = [one for one in found.get("scorecards", ()) if one["unit"] == unit]
    if not cards:
        msg = f"Unit '{unit}' has no scorecard in {period}."
        raise NotFoundError(msg)
    return {
        "period": period,
        "version": document["version"],
        "unit": unit,
        "scorecards": cards,
        "penalties": [one for one in found["penalties"] if one["unit"] == unit],
        "postings": [one for one in found["postings"] if one["unit"] == unit],
        "indicators": [one for one in found["indicators"] if one["unit"] == unit],
    }


@router.get("/export", tags=["scores"])
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

    return StreamingResponse(lines(), media_type="application/jsonl")
