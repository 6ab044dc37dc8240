"""Handling over HTTP: read cases, command them."""

from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, JsonValue

from services.handling import domain
from services.handling.domain import Actor, AnyCommand, Case
from services.handling.handlers import NOT_HERE, Handling
from services.handling.store import CaseQuery, Hearing
from shared.errors import NotYetHereError
from shared.http.answers import View
from shared.http.callers import needs
from shared.http.idempotency import Commanded
from shared.http.pages import Cursor, Limit, Page, by_moment, page_of
from shared.identity.access import Caller
from shared.service.context import ServiceContext
from shared.service.entry import Context, use_cases
from shared.storage.numbering import entry_id

router = APIRouter(prefix="/v1/cases", tags=["cases"])

Use = Annotated[Handling, Depends(use_cases)]
Reader = Annotated[Caller, needs("cases.read")]


class ClockView(BaseModel):
    """One clock of a case, and why it is due then."""

    name: str
    occurrence: int
    due_before: AwareDatetime
    running: bool
    missed: bool
    provisional: bool
    explanation_zh: list[str]
    explanation_en: list[str]


class CaseView(View):
    """A case as callers see it."""

    complaint_id: UUID
    number: str
    site: str
    unit: str
    department: str
    person: str
    kind: str
    class_: str = Field(serialization_alias="class")
    item: str
    service: str
    tier: str
    grade: str
    flags: Annotated[list[str], BeforeValidator(sorted)]
    procedure: str
    validity: str
    status: str
    received_at: AwareDatetime
    registered_at: AwareDatetime
    occurrence: int
    way: str
    edition: str


class DoneView(View):
    """A step that was done, in one of its occurrences."""

    step: str
    run: int = Field(validation_alias="occurrence")
    at: AwareDatetime
    by: str
    evidence: list[str]
    signatures: list[str]
    outcome: str


class AllowedView(BaseModel):
    """One thing that could be done."""

    do: str
    step: str
    by: list[str] = Field(description="Roles of which one must do it; empty: any.")
    title_zh: str
    title_en: str
    right: list[str] = Field(description="Rights that the caller needs, all of them.")
    needs: list[str] = Field(description="Fields that the command must hold, as `evidence.agreement`.")
    due_before: AwareDatetime | None
    why_not: str | None = Field(description="Why it cannot be done now; null where it can.")


class CaseDetail(CaseView):
    """A case with its clocks, what was done and what may be done next."""

    clocks: list[ClockView]
    done: list[DoneView]
    allowed: list[AllowedView]


class Answer(BaseModel):
    """What a command did."""

    complaint_id: UUID
    status: str
    procedure: str
    events: list[str]
    next_due: AwareDatetime | None


class Entry(BaseModel):
    """One entry of the log about a case."""

    source: str
    sequence: int
    type: str
    time: AwareDatetime
    recordedtime: AwareDatetime
    hash: str
    data: dict[str, JsonValue] = Field(description="The event of that type, as docs/events.md tells it.")


class AlertView(View):
    """What the system said by itself of a case, and when; ``late``: it was held up."""

    complaint_id: UUID
    number: str
    unit: str
    alert: str
    title_zh: str
    title_en: str
    at: AwareDatetime
    clock: str
    due_before: AwareDatetime | None
    late: bool


def _actor(who: Caller) -> Actor:
    return Actor.model_validate(who, from_attributes=True)


@router.get("", summary="List cases")
async def page(
    use: Use,
    context: Context,
    who: Reader,
    cursor: Cursor,
    status: domain.Status | None = None,
    overdue: bool | None = None,
    limit: Limit = 50,
) -> Page[CaseView]:
    """List the cases of the caller's units, the newest first."""
    units = context.access.units_of(who)
    found = await use.page(CaseQuery(units, status and str(status), overdue, cursor.moment(), limit))
    return page_of(
        found,
        limit,
        CaseView.model_validate,
        cursor,
        lambda case: by_moment(case.received_at, case.complaint_id),
    )


@router.get("/alerts", summary="List what the system told the caller's role")
async def alerts(
    use: Use,
    context: Context,
    who: Reader,
    cursor: Cursor,
    limit: Annotated[int, Query(ge=1, le=200, description="Cases on one page.")] = 50,
) -> Page[AlertView]:
    """List what the rulebook has the system tell the caller's role, and the unit of what it passed on.

    By case, the one with the newest alert first.
    """
    units = context.access.units_of(who)
    found = await use.alerted(Hearing(who.role, who.unit, units, cursor.moment(), limit))
    told = [
        AlertView.showing(
            one,
            complaint_id=case.complaint_id,
            number=case.number,
            unit=case.unit,
            title_zh=rule.title.zh,
            title_en=rule.title.en,
        )
        for case in found
        for one in domain.notices_for(case, who.role, who.unit, sees=context.access.sees(who, case.unit))
        for rule in (use.edition(case.edition_hash).at(case.received_at).procedures.alerts[one.alert],)
    ]
    last = found[-1] if len(found) == limit else None
    newest = max(one.at for one in last.notices) if last else None
    return Page(items=told, next=cursor.on(by_moment(newest, last.complaint_id) if last and newest else None))


@router.get("/{complaint_id}", summary="Read a case")
async def read(complaint_id: UUID, use: Use, context: Context, who: Reader) -> CaseDetail:
    """Read a case, its clocks with the reasons of their due moments, and what may be done next."""
    case = await use.get(str(complaint_id))
    _must_see(context, who, case)
    clocks = [ClockView(**one) for one in domain.explained(case, use.edition(case.edition_hash))]
    return CaseDetail(
        **CaseView.model_validate(case).model_dump(),
        clocks=clocks,
        done=[DoneView.model_validate(one) for one in case.done],
        allowed=[AllowedView.model_validate(one) for one in await use.allowed(case, _actor(who))],
    )


@router.get("/{complaint_id}/history", summary="Read a case's history")
async def history(
    complaint_id: UUID, use: Use, context: Context, who: Reader, cursor: Cursor, limit: Limit = 50
) -> Page[Entry]:
    """Read the entries of the log about a case, as they were written. Nothing is ever edited (QS-10)."""
    case = await use.get(str(complaint_id))
    _must_see(context, who, case)
    about = await context.log.about(str(complaint_id))
    found = [one for one in about if entry_id(one.source, one.sequence) > cursor][:limit]
    return page_of(
        found,
        limit,
        lambda one: Entry(**{**orjson.loads(one.body), "hash": one.hash}),
        cursor,
        lambda one: entry_id(one.source, one.sequence),
    )


@router.post("/{complaint_id}/commands", summary="Command a case")
async def command(
    complaint_id: UUID, body: AnyCommand, use: Use, context: Context, who: Reader, sent: Commanded
) -> Answer:
    """Do something to a case. GET the case for what is allowed next; the rulebook says who may.

    A step out of order, a closed case or missing evidence answers 409 with the next action.
    """
    answer = await use.command(str(complaint_id), body, _actor(who), sent, partial(context.access.sees, who))
    return Answer(**answer)


def _must_see(context: ServiceContext, who: Caller, case: Case) -> None:
    """Refuse a case of another unit in the very words of one that is not here."""
    if not context.access.sees(who, case.unit):
        raise NotYetHereError(NOT_HERE)
