"""Pure: the ledgers, work orders and cards that a rulebook lays out (LN-23, LN-28)."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.intake.domain.complaints import Complaint
from services.intake.domain.customers import Customer
from services.intake.domain.ledger import Column, Row, local_of, row_of
from shared.errors import NotFoundError
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.intake import Document

Sources = Mapping[str, Mapping[str, str]]
"""``field``, ``case``, ``customer``, ``callback`` → what is known of each."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper, ready to be printed: title, lines with their values, who signs, how many copies."""

    title: Text
    lines: tuple[tuple[Text, str], ...]
    signatures: tuple[Text, ...]
    copies: int


def document_called(name: str, of: str, rules: Rules) -> Document:
    """Return a document of the rulebook. Raises ``NotFoundError`` naming those there are."""
    known = {key: one for key, one in rules.intake.documents.items() if one.of == of}
    if name not in known:
        msg = f"The rulebook has no {of} document '{name}'; it has: {', '.join(known) or 'none'}."
        raise NotFoundError(msg)
    return known[name]


def columns_of(document: Document) -> tuple[Column, ...]:
    """Return the columns of a ledger that the rulebook lays out."""
    return tuple(Column(key, line.title.zh, line.title.en) for key, line in document.lines.items())


def cells_of(document: Document, sources: Sources) -> Row:
    """Return what each line takes; what is written by hand, or not known, is empty."""
    cells = {}
    for key, line in document.lines.items():
        source, _, fact = line.takes.partition(".")
        cells[key] = sources.get(source, {}).get(fact, "")
    return cells


def paper_of(document: Document, sources: Sources, rules: Rules) -> Paper:
    """Return a paper about one matter or customer."""
    cells = cells_of(document, sources)
    parties = rules.procedures.parties
    return Paper(
        document.title,
        tuple((line.title, cells[key]) for key, line in document.lines.items()),
        tuple(parties[name].title for name in document.signatures),
        document.copies,
    )


def of_matter(complaint: Complaint, fields: Mapping[str, str], rules: Rules, zone: ZoneInfo) -> Sources:
    """Return what a matter gives: its facts as the ledger words them, its fields, its callback."""
    told, row = complaint.told, row_of(complaint, fields, rules, zone)
    callback = told.callback or {}
    return {
        "field": fields,
        "case": {**row, "resolved_at": local_of(told.resolved_at, zone)},
        "callback": {
            "result": row["callback"],
            "satisfaction": row["satisfaction"],
            "solved": {"True": "是", "False": "否"}.get(str(callback.get("solved")), ""),
            "attempts": str(callback.get("attempts", "")),
            "at": local_of(str(callback.get("at") or ""), zone),
        },
    }


def of_customer(customer: Customer, fields: Mapping[str, str], zone: ZoneInfo) -> Sources:
    """Return what a customer's file gives."""
    return {
        "customer": {
            **{name: fields.get(name, "") for name in ("name", "phone", "address")},
            "unit": customer.unit,
            "opened_at": local_of(customer.opened_at.isoformat(), zone),
            "first_business_on": customer.first_business_on.isoformat() if customer.first_business_on else "",
        }
    }
