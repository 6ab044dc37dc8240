"""The ledger and the form over HTTP."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from services.intake.api import export
from services.intake.api.complaints import Key, NewComplaint, first_of
from services.intake.api.entry import Registers, Slug, Use
from services.intake.api.sheets import grid_of
from services.intake.domain.complaints import Submission
from services.intake.domain.forms import form_for
from services.intake.domain.ledger import COLUMNS, Column, Row
from services.intake.domain.sheets import Defaults, SheetRefusedError
from services.intake.handlers.sheets import File
from shared.errors import FieldProblem, InvalidInputError
from shared.http.callers import needs
from shared.http.parameters import Body
from shared.http.problems import problem
from shared.identity.access import Caller
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.base import Rule
from shared.rulebook.schema.intake import Channel
from shared.service.entry import RequestId
from shared.values.bounds import Month

router = APIRouter(prefix="/v1")


class Heading(BaseModel):
    """A column's key and heading."""

    key: str
    zh: str
    en: str


class LedgerView(BaseModel):
    """A month of the ledger."""

    month: str
    columns: list[Heading]
    rows: list[Row]


_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES = {
    "content": {export.XLSX: _FILE, export.CSV: _FILE},
    "description": "The ledger, in the format asked for",
}


@router.get(
    "/ledger",
    response_model=LedgerView,
    responses={200: _FILES},
    tags=["ledger"],
    summary="Read the ledger of a month",
)
async def ledger(
    use: Use,
    who: Annotated[Caller, needs("complaints.export")],
    month: Month,
    format: Annotated[Literal["json", "xlsx", "csv"], Query()] = "json",
    document: Annotated[Slug | None, Query(description="A ledger that the rulebook lays out.")] = None,
) -> LedgerView | Response:
    """Return the ledger 服务信息台帐 of a month of receipt, masked: one row a matter of the caller's units."""
    columns: Sequence[Column] = COLUMNS
    if document:
        columns, rows = await use.papers.month(first_of(month), document, who)
    else:
        rows = await use.ledger.month(first_of(month), who)
    if format == "json":
        headings = [Heading(key=one.key, zh=one.zh, en=one.en) for one in columns]
        return LedgerView(month=month, columns=headings, rows=rows)
    write, kind = (export.xlsx, export.XLSX) if format == "xlsx" else (export.csv_text, export.CSV)
    # Thousands of rows would keep registrations waiting.
    body = await asyncio.to_thread(write, columns, rows)
    headers = {"Content-Disposition": f'attachment; filename="ledger-{month}.{format}"'}
    return Response(body, media_type=kind, headers=headers)


class TakenAs(Body):
    """How a file is read, and what holds where a row does not say it."""

    document: Slug | None = Field(default=None, description="A ledger that the rulebook lays out.")
    unit: Slug | None = Field(default=None, description="As in a registration.")
    kind: Key = ""
    channel: Key = ""
    class_: Key = Field(default="", alias="class")
    service: Key = ""


class TakenRow(BaseModel):
    """What a row of the file became."""

    row: int
    complaint_id: UUID
    number: str


class TakenLedger(BaseModel):
    """Every row of the file, in its order. The same file again gives the same answer."""

    rows: list[TakenRow]


@router.post(
    "/ledger",
    status_code=201,
    summary="Register every row of a ledger",
    response_model=TakenLedger,
    responses={200: {"model": TakenLedger, "description": "The same file again: the first answer"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {export.XLSX: _FILE, export.CSV: _FILE},
        }
    },
    tags=["ledger"],
)
async def take_ledger(
    request: Request, use: Use, correlation: RequestId, who: Registers, asked: Annotated[TakenAs, Query()]
) -> Response:
    """Register every row of a ledger, or none of them: a workbook or CSV file as GET /v1/ledger gives it, filled in.

    The problems of a refusal have row, column and reason.
    """
    body = await request.body()
    cells = partial(grid_of, body, request.headers.get("content-type", ""))
    file = File(hashlib.sha256(body).hexdigest(), correlation, cells, _said)
    defaults = Defaults(asked.kind, asked.channel, asked.class_, asked.service)
    try:
        taken, is_new = await use.sheets.register(file, asked.document or "", defaults, asked.unit or "", who)
    except SheetRefusedError as refused:
        faults = [asdict(one) for one in refused.faults]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, refused.code, str(refused), request, faults)
    rows = [{"row": row, "complaint_id": one.id, "number": one.number} for row, one in taken]
    return Response(orjson.dumps({"rows": rows}), 201 if is_new else 200, media_type="application/json")


def _said(values: Mapping[str, Any]) -> Submission:
    """Hold what a row says against the body of a registration."""
    try:
        return NewComplaint.model_validate(values).said()
    except ValidationError as error:
        problems = [
            FieldProblem(".".join(str(part) for part in one["loc"]), one["msg"])
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidInputError("A row cannot be accepted.", problems) from error


class Choice(BaseModel):
    """Something to choose, with its words in both languages."""

    key: str
    zh: str
    en: str


class ClassChoice(Choice):
    """A class, with the items that may be named with it."""

    items: list[Choice]


class ChannelChoice(Choice):
    """A way in. ``number``: pattern of the numbers of the partner that sends by it; empty where there is none."""

    about_unit: bool
    number: str


class FieldView(Choice):
    """A field to ask for. ``need``: must, record or may."""

    need: str
    format: str
    choices: list[Choice]
    max_length: int
    personal: bool


class FormView(BaseModel):
    """What to ask for when a matter of a kind comes in."""

    kind: Choice
    kinds: list[Choice]
    classes: list[ClassChoice]
    services: list[Choice]
    channels: list[ChannelChoice]
    flags: list[Choice]
    moments: list[str]
    fields: list[FieldView]


@router.get("/form", tags=["complaints"], summary="Read what a kind of matter is asked for")
async def form(
    use: Use,
    who: Registers,
    kind: Annotated[str, Query(max_length=100)],
    unit: Annotated[Slug | None, Query(description="Unit whose matter it is. Default: the caller's.")] = None,
) -> FormView:
    """Say which fields a kind of matter is asked for today, in both languages. A unit's own norms count (ZY-02)."""
    rules = use.ledger.rules_today(unit or who.unit)
    found = rules.intake.kinds.get(kind)
    if found is None:
        problem = FieldProblem("kind", f"one of: {', '.join(rules.intake.kinds)}")
        raise InvalidInputError("There is no such kind of matter.", [problem])
    return FormView(
        kind=_choice(kind, found.title),
        kinds=_choices(rules.intake.kinds),
        classes=[_class(rules, name) for name in found.classes],
        services=[_choice(name, rules.intake.services[name].title) for name in found.services],
        channels=[_channel(name, one) for name, one in rules.intake.channels.items()],
        flags=_choices(rules.intake.flags),
        moments=list(found.moments),
        fields=[
            FieldView(
                key=name,
                zh=one.title.zh,
                en=one.title.en,
                need=one.need,
                format=one.format,
                choices=[_choice(key, text) for key, text in one.choices.items()],
                max_length=one.max_length,
                personal=one.personal,
            )
            for name, one in form_for(rules, kind).fields.items()
        ],
    )


def _choice(key: str, title: Text) -> Choice:
    return Choice(key=key, zh=title.zh, en=title.en)


def _choices(known: Any) -> list[Choice]:  # noqa: ANN401  # any mapping of rules
    return [_choice(key, rule.title) for key, rule in known.items() if isinstance(rule, Rule)]


def _channel(key: str, one: Channel) -> ChannelChoice:
    return ChannelChoice(
        key=key,
        zh=one.title.zh,
        en=one.title.en,
        about_unit=one.about_unit,
        number=one.partner.number if one.partner else "",
    )


def _class(rules: Rules, name: str) -> ClassChoice:
    found = rules.intake.classes[name]
    rows = rules.limits.tables[found.items_from].rows if found.items_from else {}
    items = [_choice(key, row.title) for key, row in rows.items()]
    return ClassChoice(key=name, zh=found.title.zh, en=found.title.en, items=items)
