"""The ledger and the form over HTTP."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.intake.api import export
from services.intake.api.complaints import first_of
from services.intake.api.entry import Slug, Use
from services.intake.domain.forms import form_for
from services.intake.domain.ledger import COLUMNS, Column, Row
from shared.access import Caller
from shared.bounds import Month
from shared.errors import FieldProblem, InvalidInputError
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.base import Rule
from shared.rulebook.schema.intake import Channel
from shared.web import needs

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


_FILES = {"content": {export.XLSX: {}, export.CSV: {}}, "description": "The ledger, in the format asked for"}


@router.get("/ledger", response_model=LedgerView, responses={200: _FILES}, tags=["ledger"])
async def ledger(
    use: Use,
    who: Annotated[Caller, needs("complaints.export")],
    month: Month,
    format: Annotated[Literal["json", "xlsx", "csv"], Query()] = "json",
    document: Annotated[Slug | None, Query(description="A ledger that the rulebook lays out.")] = None,
) -> Any:  # noqa: ANN401  # a file, or the model above
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


@router.get("/form", tags=["complaints"])
async def form(
    use: Use,
    who: Annotated[Caller, needs("complaints.register")],
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
