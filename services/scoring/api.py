"""Scoring over HTTP: what people record, what the facts come to, what was published."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from services.scoring import domain
from services.scoring.handlers import Scoring
from shared.access import Caller
from shared.directory import Unit
from shared.errors import FieldProblem, ForbiddenError, InvalidInputError, NotFoundError
from shared.events import Event
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    InspectionRecorded,
    OffenceFound,
)
from shared.rulebook.canonical import plain
from shared.rulebook.duties import Duty, Status
from shared.rulebook.schema import Rules
from shared.service import Base
from shared.web import Body, Digest, IdempotencyKey, needs

router = APIRouter(prefix="/v1")

Period = Annotated[str, Path(pattern=r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$")]
MonthName = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Reader = Annotated[Caller, needs("scores.read")]
Version = Annotated[int | None, Query(ge=1, description="An earlier version; the newest where left out.")]
Words = Annotated[str, Field(max_length=4000)]
Refs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=200)]


class Recorded(Body):
    """Base of what people record. ``at``: when it happened; stating it needs the right to import."""

    at: AwareDatetime | None = None


class NewInspection(Recorded):
    """An inspection of a unit."""

    kind: str
    unit: str
    assessor: str = ""
    observations: dict[str, Decimal] = Field(default_factory=dict)
    failed_aspects: tuple[str, ...] = ()
    fields: dict[str, Words] = Field(default_factory=dict)
    evidence: Refs = ()


class NewFinding(Recorded):
    """An offence that an inspector found."""

    kind: str
    unit: str
    complaint_id: UUID | None = None
    department: str = ""
    person: str = ""
    evidence: Refs = ()
    reason: str = Field(min_length=1, max_length=4000)


class NewDuty(Recorded):
    """A report, meeting or other periodic duty that was done."""

    obligation: str
    unit: str
    period: str = Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4]|-W\d\d)?$")
    sections: tuple[str, ...] = ()
    fields: dict[str, Words] = Field(default_factory=dict)
    text: str = Field(default="", max_length=50_000)
    evidence: Refs = ()


class NewAssessment(Recorded):
    """One part of an employee's monthly result (JK-25)."""

    person: str
    unit: str
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    scheme: str
    part: str
    score: Decimal = Field(ge=0, le=100)


class Ruling(Recorded):
    """How a dispute over a posting was ruled."""

    unit: str
    upheld: bool
    reasons: str = Field(min_length=1, max_length=4000)


class Closing(Body):
    """Close a period. ``at`` lets an importer publish history as of the day it was due."""

    at: AwareDatetime | None = None


def _use(request: Request) -> Scoring:
    found: Scoring = request.app.state.use
    return found


def _base(request: Request) -> Base:
    found: Base = request.app.state.front
    return found


def _happened(who: Caller, at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if "complaints.import" not in who.rights:
        msg = "Stating when it happened needs the right 'complaints.import'. Leave 'at' out."
        raise ForbiddenError(msg)
    if at > now:
        raise InvalidInputError(
            "What has not happened cannot be recorded.", [FieldProblem("at", "in the future")]
        )
    return at


async def _record(
    request: Request, event: Event, subject: str, at: datetime, key: str, digest: str
) -> dict[str, Any]:
    unit = _base(request).directory.unit(event.model_dump()["unit"])
    state = await _use(request).record(subject, event, at, site=unit.site, key=key, digest=digest)
    return _shown(subject, state)


async def _before(request: Request, subject: str, digest: str) -> dict[str, Any] | None:
    """Return the first answer to this key. Before all checks: what was accepted once stays so."""
    state = await _use(request).first_answer(subject, digest)
    return None if state is None else _shown(subject, state)


def _shown(subject: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"record": subject, "type": state["type"], "at": state["at"], **state["data"]}


def _visible(request: Request, who: Caller, unit: str) -> Unit:
    """Return a unit that the caller may act on."""
    base = _base(request)
    base.access.must_see(who, unit, "such unit")
    return base.directory.unit(unit)


def _name(who: Caller, key: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{who.unit}#{key}"))


def _rules(request: Request, at: datetime) -> Rules:
    return domain.rules_of(_base(request).directory.edition, at)


# --- record


@router.post("/inspections", status_code=201, tags=["record"])
async def inspect(
    body: NewInspection,
    request: Request,
    who: Annotated[Caller, needs("inspections.record")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Record an inspection, with the points and fields that the rulebook asks for."""
    name = _name(who, key)
    subject = f"inspection/{name}"
    if before := await _before(request, subject, digest):
        return before
    at = _happened(who, body.at, _use(request).clock())
    unit, rules = _visible(request, who, body.unit), _rules(request, at)
    event = InspectionRecorded(inspection=name, by=who.person, **body.model_dump(exclude={"at"}))
    domain.check_inspection(event, rules, unit.kind)
    if body.at is None:
        own = _base(request).directory.within(who.unit, body.unit)
        domain.check_inspector(body.kind, rules, who.role, is_own_unit=own, sees_all=who.sees_all)
    return await _record(request, event, subject, at, key, digest)


@router.post("/findings", status_code=201, tags=["record"])
async def find(
    body: NewFinding,
    request: Request,
    who: Annotated[Caller, needs("findings.record")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Record an offence that was found, with its evidence.

    One about a complaint that has not arrived here answers 404 ``not-yet-here``: send it again in a second.
    """
    name = _name(who, key)
    subject = f"finding/{name}"
    if before := await _before(request, subject, digest):
        return before
    at = _happened(who, body.at, _use(request).clock())
    unit = _visible(request, who, body.unit)
    about = str(body.complaint_id or "")
    event = OffenceFound(
        finding=name, by=who.person, complaint_id=about, **body.model_dump(exclude={"at", "complaint_id"})
    )
    domain.check_finding(event, _rules(request, at))
    if about:
        had = await _use(request).units_of(about)
        seen = any(_base(request).access.sees(who, one.unit) for one in had)
        domain.check_about([one.site for one in had], unit.site, is_seen=seen)
    return await _record(request, event, subject, at, key, digest)


@router.post("/duties", status_code=201, tags=["record"])
async def fulfil(
    body: NewDuty,
    request: Request,
    who: Annotated[Caller, needs("reports.submit")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Submit a report or record another periodic duty. A missing section is taken, and counted."""
    subject = f"duty/{_name(who, key)}"
    if before := await _before(request, subject, digest):
        return before
    at = _happened(who, body.at, _use(request).clock())
    unit = _visible(request, who, body.unit)
    event = DutyFulfilled(by=who.person, **body.model_dump(exclude={"at"}))
    rules = _rules(request, at)
    domain.check_duty(event, rules, unit.kind)
    who.must(rules.obligations.obligations[body.obligation].right)
    return await _record(request, event, subject, at, key, digest)


@router.post("/assessments", status_code=201, tags=["record"])
async def assess(
    body: NewAssessment,
    request: Request,
    who: Annotated[Caller, needs("inspections.record")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Record one part of an employee's monthly result."""
    subject = f"assessment/{_name(who, key)}"
    if before := await _before(request, subject, digest):
        return before
    at = _happened(who, body.at, _use(request).clock())
    _visible(request, who, body.unit)
    event = AssessmentRecorded(by=who.person, **body.model_dump(exclude={"at"}))
    domain.check_assessment(event, _rules(request, at))
    return await _record(request, event, subject, at, key, digest)


@router.post("/postings/{posting}/ruling", status_code=201, tags=["record"])
async def rule(
    posting: str,
    body: Ruling,
    request: Request,
    who: Annotated[Caller, needs("disputes.rule")],
    key: IdempotencyKey,
    digest: Digest,
) -> dict[str, Any]:
    """Rule a dispute over a posting. Upheld: it is reversed in the month of the ruling."""
    subject, digest = f"ruling/{_name(who, key)}", f"{posting}/{digest}"
    if before := await _before(request, subject, digest):
        return before
    at = _happened(who, body.at, _use(request).clock())
    _visible(request, who, body.unit)
    found = await _use(request).posting(posting)
    if found["unit"] != body.unit:
        raise InvalidInputError(
            "The ruling was not stored.", [FieldProblem("unit", "the posting is another unit's")]
        )
    event = DisputeRuled(
        offence=found["offence"],
        about=found["subject"],
        unit=body.unit,
        upheld=body.upheld,
        reasons=body.reasons,
        by=who.person,
    )
    return await _record(request, event, subject, at, key, digest)


# --- read


@router.get("/duties", tags=["duties"])
async def duties(request: Request, who: Reader, at: AwareDatetime | None = None) -> list[dict[str, Any]]:
    """List the duties that are open, overdue or lately done, with why they are due then."""
    use, base = _use(request), _base(request)
    moment = at or use.clock()
    _rules(request, moment)
    found = await use.agenda(moment)
    return [_duty(duty, status) for duty, status in found if base.access.sees(who, duty.unit)]


def _duty(duty: Duty, status: Status) -> dict[str, Any]:
    shown = ("obligation", "unit", "about", "period", "begins", "ends", "due_before", "provisional")
    return {
        **{name: plain(getattr(duty, name)) for name in shown},
        "month": str(duty.month),
        "status": str(status),
        "title_zh": duty.rule.title.zh,
        "title_en": duty.rule.title.en,
        "clauses": list(duty.rule.source),
        "sections": sorted(duty.rule.sections),
        "fields": sorted(duty.rule.fields),
        "explanation_zh": [line.zh for line in duty.lines],
        "explanation_en": [line.en for line in duty.lines],
    }


@router.get("/postings", tags=["scores"])
async def postings(
    request: Request, who: Reader, month: MonthName, unit: str | None = None
) -> list[dict[str, Any]]:
    """List the postings of a month about matters as they stand now, each with clause, deadline and evidence."""
    base = _base(request)
    if unit is not None:
        base.access.must_see(who, unit, "such unit")
    units = [unit] if unit else None if who.sees_all else base.directory.below(who.unit)
    return await _use(request).postings(units, month)


@router.get("/matters/{complaint_id}/postings", tags=["scores"])
async def postings_of(complaint_id: UUID, request: Request, who: Reader) -> list[dict[str, Any]]:
    """List what one complaint cost, as it stands now; empty while it cost nothing."""
    base = _base(request)
    found = await _use(request).store.matter(str(complaint_id))
    mine = found.postings.values() if found else ()
    return [one for one in mine if base.access.sees(who, one["unit"])]


@router.get("/watermark", tags=["scores"])
async def watermark(request: Request, who: Reader) -> dict[str, Any]:
    """Say how far each source's facts have arrived, and how many are missing."""
    return await _use(request).watermark()


@router.get("/periods", tags=["scores"])
async def periods(request: Request, who: Reader) -> list[dict[str, Any]]:
    """List the published periods, each with all its versions and their hashes."""
    hidden = {"result", "keys"}
    return [
        {key: value for key, value in document.items() if key not in hidden}
        for document in await _use(request).store.all_periods()
    ]


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
    at = _happened(who, body.at, _use(request).clock())
    return await _use(request).close(period, domain.Order(who.person, at, key, digest))


@router.get("/periods/{period}", tags=["scores"])
async def result(period: Period, request: Request, who: Reader, version: Version = None) -> Response:
    """Return what was published, byte for byte. Only headquarters sees every unit's sheet."""
    document = await _use(request).period(period, version)
    if not who.sees_all:
        msg = f"The whole result of {period} is headquarters'. See /v1/periods/{period}/rankings and your scorecard."
        raise NotFoundError(msg)
    return Response(document["result"], media_type="application/json")


@router.get("/periods/{period}/rankings", tags=["scores"])
async def rankings(period: Period, request: Request, who: Reader, version: Version = None) -> dict[str, Any]:
    """Return the published rankings, awards and recommendations; advice about other units is left out."""
    document = await _use(request).period(period, version)
    found = orjson.loads(document["result"])
    base = _base(request)
    advice = [one for one in found.get("recommendations", ()) if base.access.sees(who, one["unit"])]
    return {
        "period": period,
        "version": document["version"],
        "rankings": found["rankings"],
        "awards": found["awards"],
        "recommendations": advice,
    }


@router.get("/scorecards/{period}/{unit}", tags=["scores"])
async def scorecard(
    period: Period, unit: str, request: Request, who: Reader, version: Version = None
) -> dict[str, Any]:
    """Return a unit's published scorecards and penalty sheets, each point with clause and evidence."""
    _visible(request, who, unit)
    document = await _use(request).period(period, version)
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
        async for page in _use(request).export():
            yield b"".join(
                orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for line in page
            )

    return StreamingResponse(lines(), media_type="application/jsonl")
