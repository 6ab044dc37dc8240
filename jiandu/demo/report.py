"""What the quarter came to: rankings, star, advice, and one lost point followed down to its evidence.

Everything shown is what scoring published, read over HTTP. Chinese first, then English.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.tree import Tree

from jiandu.demo.player import DIRECTOR
from jiandu.demo.wire import Wire
from shared.rulebook.edition import Edition

Document = dict[str, Any]
SHEET = "branch-scorecard"

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Lost:
    """One lost point, with the case that it comes from.

    Attributes:
        card: The scorecard that lost it.
        history: Every entry of handling's log about the case.
        complaint: The record at the site, masked.
    """

    card: Document
    posting: Document
    case: Document
    history: Sequence[Document]
    complaint: Document


@dataclass(frozen=True, slots=True)
class Published:
    """What scoring published.

    Attributes:
        periods: Period → rankings, awards, recommendations.
        cards: Month → unit → scorecard.
        names: Unit → its name in Chinese.
    """

    periods: Mapping[str, Document]
    cards: Mapping[str, Mapping[str, Document]]
    names: Mapping[str, str]
    lost: Lost | None


async def read(wire: Wire, periods: Iterable[str], branches: Iterable[str]) -> Published:
    """Read what was published, as the director sees it."""
    units = await wire.get("registry", DIRECTOR, "/v1/units")
    found, cards, details = {}, dict[str, dict[str, Document]](), []
    for period in periods:
        found[period] = await wire.get("scoring", DIRECTOR, f"/v1/periods/{period}/rankings")
        if "-Q" in period:
            continue
        cards[period] = {}
        for unit in branches:
            detail = await wire.get("scoring", DIRECTOR, f"/v1/scorecards/{period}/{unit}")
            cards[period][unit] = next(card for card in detail["scorecards"] if card["sheet"] == SHEET)
            details.append((cards[period][unit], detail["postings"]))
    return Published(
        periods=found,
        cards=cards,
        names={unit["unit"]: unit["name_zh"] for unit in units},
        lost=await _follow_down(wire, details),
    )


async def _follow_down(wire: Wire, details: Sequence[tuple[Document, Sequence[Document]]]) -> Lost | None:
    """Choose the missed step whose deadline takes most to explain, and read its case."""
    missed = [
        (card, posting)
        for card, postings in details
        for posting in postings
        if posting["rule"] == "missed-step" and not posting["reverses"]
    ]
    if not missed:
        return None
    card, posting = max(missed, key=lambda one: (len(one[1]["explanation_zh"]), one[1]["id"]))
    case_id = posting["subject"]
    case = await wire.get("handling", DIRECTOR, f"/v1/cases/{case_id}")
    history = await wire.get("handling", DIRECTOR, f"/v1/cases/{case_id}/history")
    site = case["site"]
    complaint = await wire.get(f"intake-{site}", f"{site}-importer", f"/v1/complaints/{case_id}")
    return Lost(card, posting, case, history, complaint)


def show(published: Published, edition: Edition, console: Console) -> None:
    """Print everything."""
    for month in published.cards:
        console.print(_month(month, published, edition))
    for period, told in published.periods.items():
        if "-Q" in period:
            console.print(_quarter(period, told, published))
            _honours(told, published, console)
    _advice(published, console)
    if published.lost:
        console.print(_trail(published.lost, published, edition))


def shown(value: str) -> str:
    """Show points to a tenth, half up; what is exact stays in the result.

    Example:
        >>> shown("81.25")
        '81.3'
    """
    return str(Decimal(value).quantize(_TENTH, ROUND_HALF_UP))


_BRANCH = re.compile(r"（(.+?)）分部")


def _short(name: str) -> str:
    """Return a branch's name as people say it.

    Example:
        >>> _short("金科集团客户服务中心（重庆）分部")
        '重庆分部'
    """
    found = _BRANCH.search(name)
    return f"{found[1]}分部" if found else name


def _rows(told: Document, ranking: str) -> Sequence[Document]:
    rows: Sequence[Document] = next(one["rows"] for one in told["rankings"] if one["ranking"] == ranking)
    return rows


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("名次\nrank", justify="right")
    table.add_column("分部\nbranch", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _month(month: str, published: Published, edition: Edition) -> Table:
    sections = edition.slices[-1][1].scoring.sheets[SHEET].sections
    parts = [f"{section.title.zh}\n/{section.weight}" for section in sections.values()]
    table = _table(f"{month} 月度排序 / monthly ranking (JK-22)", "得分\nscore", *parts)
    for row in _rows(published.periods[month], "monthly"):
        card = published.cards[month][row["unit"]]
        seen = [shown(section["value"]) for section in card["sections"]]
        name = _short(published.names[row["unit"]])
        table.add_row(str(row["rank"]), name, f"[bold]{shown(row['shown'])}[/]", *seen)
    return table


def _quarter(period: str, told: Document, published: Published) -> Table:
    title = f"{period} 季度排名 / quarterly ranking (JK-22)"
    table = _table(title, *published.cards, "季度得分\nmean")
    for row in _rows(told, "quarterly"):
        unit = row["unit"]
        months = [shown(cards[unit]["total"]) for cards in published.cards.values()]
        name = _short(published.names[unit])
        table.add_row(str(row["rank"]), name, *months, f"[bold]{shown(row['shown'])}[/]")
    return table


def _honours(told: Document, published: Published, console: Console) -> None:
    for one in told["awards"]:
        words = (
            f"★ {published.names[one['unit']]}：金科集团明星客户服务部，奖励 {one['amount']} 元，"
            f"由{one['paid_by_zh']}支付（{', '.join(one['clauses'])}）\n"
            f"★ {one['unit']}: star branch, {one['amount']} {one['currency']}, paid by {one['paid_by_en']}"
        )
        console.print(Panel(words, border_style="yellow", expand=False))


def _advice(published: Published, console: Console) -> None:
    for period, told in published.periods.items():
        for one in told["recommendations"]:
            words = (
                f"{published.names[one['unit']]}：{one['text_zh']}（{', '.join(one['clauses'])}，{period}）\n"
                f"{one['unit']}: {one['text_en']}"
            )
            console.print(Panel(words, title="建议 advice", border_style="red", expand=False))


def _trail(lost: Lost, published: Published, edition: Edition) -> Tree:
    """Follow one lost point from the card's total down to the log."""
    card, posting = lost.card, lost.posting
    rules = edition.slices[-1][1]
    offence = rules.scoring.offences[posting["rule"]]
    sheet = rules.scoring.sheets[SHEET]
    name = _short(published.names[card["unit"]])
    tree = Tree(f"[bold]一分的来历 / one lost point, followed down[/] · {name} {card['month']}")
    total = tree.add(f"{sheet.title.zh} {shown(card['total'])} / {shown(card['of'])}")
    for section in card["sections"]:
        for item in section["parts"]:
            if item["key"] == posting["item"]:
                titles = sheet.sections[section["key"]]
                node = total.add(f"{titles.title.zh} {shown(section['value'])} / {shown(section['of'])}")
                line = f"{titles.items[item['key']].title.zh} {shown(item['value'])} / {shown(item['of'])}"
                _point(node.add(line), lost, offence.title.zh, edition)
    return tree


def _point(node: Tree, lost: Lost, title: str, edition: Edition) -> None:
    posting, case = lost.posting, lost.case
    point = node.add(f"[red]{shown(posting['points'])}[/] {title} · 投诉 {case['number']}")
    clauses = point.add("依据 clauses")
    known = edition.slices[-1][1].rulebook.rules
    for clause in posting["clauses"]:
        for rule in clause.split(", "):
            clauses.add(f"{rule} {known[rule].zh} / {known[rule].en}" if rule in known else rule)
    why = point.add("期限说明 why it was due then")
    for zh, en in zip(posting["explanation_zh"], posting["explanation_en"], strict=True):
        why.add(f"{zh}\n[dim]{en}[/]")
    fields = lost.complaint["fields"]
    point.add(
        f"业主 owner: {fields.get('name', '')} {fields.get('phone', '')} · 项目 {fields.get('project', '')}"
    )
    evidence = point.add(f"证据 evidence: {', '.join(posting['evidence'])}")
    zone = edition.calendar.zone
    for entry in lost.history:
        at = f"{datetime.fromisoformat(entry['time']).astimezone(zone):%m-%d %H:%M}"
        is_it = entry["type"] == "deadline.missed.v1" and entry["time"] == posting["at"]
        mark = "[red]" if is_it else "[dim]"
        said = _said(entry)
        evidence.add(f"{mark}{at} {entry['type']} {said} · #{entry['sequence']} {entry['hash'][:12]}[/]")


def _said(entry: Document) -> str:
    data = entry["data"]
    words = [str(data[key]) for key in ("step", "clock", "validity", "way", "by") if data.get(key)]
    return " ".join(dict.fromkeys(words))
