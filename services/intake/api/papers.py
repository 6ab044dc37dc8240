"""Papers over HTTP: pages for a printer, and nothing on them that a browser would run."""

from html import escape
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.intake.api.complaints import Purpose
from services.intake.api.entry import Reads, Reveals, Slug, Use
from services.intake.api.files import CustomerId
from services.intake.domain.papers import Paper
from shared.http.idempotency import Commanded

router = APIRouter(prefix="/v1", tags=["papers"], default_response_class=HTMLResponse)

Copies = Annotated[int | None, Query(ge=1, le=10, description="Default: as many as the rulebook says.")]

_STYLE = (
    "body{font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2cm}"
    "section{break-after:page}h1{font-size:1.3em;text-align:center}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #333;padding:.4em;text-align:left;vertical-align:top}th{width:30%;font-weight:normal}"
    ".en{color:#555;font-size:.8em}.sign{margin-top:3em}"
)


def page(paper: Paper, copies: int | None) -> str:
    """Return a paper as a page that prints each copy on a sheet of its own."""
    many = copies or paper.copies
    title = f"{escape(paper.title.zh)} <span class=en>{escape(paper.title.en)}</span>"
    lines = "".join(
        f"<tr><th>{escape(name.zh)}<br><span class=en>{escape(name.en)}</span></th><td>{escape(value)}</td></tr>"
        for name, value in paper.lines
    )
    signed = "".join(
        f"<p class=sign>{escape(name.zh)} <span class=en>{escape(name.en)}</span>：____________</p>"
        for name in paper.signatures
    )
    sheets = "".join(
        f"<section><h1>{title}</h1><p>{number} / {many}</p><table>{lines}</table>{signed}</section>"
        for number in range(1, many + 1)
    )
    return (
        f"<!doctype html><html lang=zh><meta charset=utf-8><title>{escape(paper.title.zh)}</title>"
        f"<style>{_STYLE}</style><body>{sheets}</body></html>"
    )


@router.get("/complaints/{complaint_id}/papers/{document}", summary="Read a paper about a matter")
async def paper(
    complaint_id: UUID, document: Slug, use: Use, who: Reads, copies: Copies = None
) -> HTMLResponse:
    """Show a paper of the rulebook about a matter, masked."""
    return HTMLResponse(page(await use.papers.of_matter(complaint_id, document, who), copies))


@router.post(
    "/complaints/{complaint_id}/papers/{document}", status_code=201, summary="Print a paper about a matter"
)
async def print_paper(
    complaint_id: UUID,
    document: Slug,
    body: Purpose,
    use: Use,
    who: Reveals,
    command: Commanded,
    copies: Copies = None,
) -> HTMLResponse:
    """Print a paper with everything on it, for a stated purpose, which is told as an event."""
    found = await use.papers.printed(complaint_id, document, body.purpose, who, command)
    return HTMLResponse(page(found, copies), status_code=201)


@router.get("/customers/{customer}/papers/{document}", summary="Read a paper about a customer")
async def customer_paper(
    customer: CustomerId, document: Slug, use: Use, who: Reads, copies: Copies = None
) -> HTMLResponse:
    """Show a paper of the rulebook about a customer, masked."""
    return HTMLResponse(page(await use.papers.of_customer(customer, document, who), copies))
