"""What the quarter came to: rankings, star, advice, and one lost point followed down to its evidence.

Everything shown was read over HTTP, the points as scoring published them. Chinese first, then English.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.tree import Tree

from jiandu.demo.offences import DISPUTED
from jiandu.demo.player import DIRECTOR
from jiandu.demo.specials import PROBLEM_USER
from jiandu.demo.wire import Wire
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Text

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
class Flagged:
    """A customer who was called a problem user.

    Attributes:
        cases: The complaints that led to it, as handling knows them.
        file: The customer's file at the site, masked.
    """

    cases: Sequence[Document]
    file: Document


@dataclass(frozen=True, slots=True)
class Disputed:
    """A posting that was taken back after a dispute."""

    case: Document
    posting: Document
    reversal: Document


@dataclass(frozen=True, slots=True)
class Published:
    """What scoring published, and what became of three matters.

    Attributes:
        periods: Period → rankings, awards, recommendations.
        cards: Month → unit → scorecard.
        names: Unit → its name.
        overturns: How often rulings upheld what was contested, by clause and by inspector.
    """

    periods: Mapping[str, Document]
    cards: Mapping[str, Mapping[str, Document]]
    names: Mapping[str, Text]
    flagged: Flagged | None
    disputed: Disputed | None
    lost: Lost | None
    overturns: Document


async def read(
    wire: Wire, periods: Iterable[str], branches: Iterable[str], ids: Mapping[str, str]
) -> Published:
    """Read what was published, as the director sees it.

    Args:
        ids: Name of a complaint in its story → id.
    """
    units = await wire.get("registry", DIRECTOR, "/v1/units")
    found, cards = {}, dict[str, dict[str, Document]]()
    details = list[tuple[Document, Document]]()
    for period in periods:
        found[period] = await wire.get("scoring", DIRECTOR, f"/v1/periods/{period}/rankings")
        if "-Q" in period:
            continue
        cards[period] = {}
        for unit in branches:
            detail = await wire.get("scoring", DIRECTOR, f"/v1/scorecards/{period}/{unit}")
            cards[period][unit] = next(card for card in detail["scorecards"] if card["sheet"] == SHEET)
            details += [(cards[period][unit], posting) for posting in detail["postings"]]
    return Published(
        periods=found,
        cards=cards,
        names={unit["unit"]: Text(zh=unit["name_zh"], en=unit["name_en"]) for unit in units["items"]},
        flagged=await _flagged(wire, [ids[name] for name in sorted(ids) if name.startswith(PROBLEM_USER)]),
        disputed=await _disputed(wire, ids.get(DISPUTED, ""), [posting for _, posting in details]),
        lost=await _follow_down(wire, details),
        overturns=await wire.get("scoring", DIRECTOR, "/v1/overturns"),
    )


async def _case(wire: Wire, case_id: str) -> Document:
    case: Document = await wire.get("handling", DIRECTOR, f"/v1/cases/{case_id}")
    return case


async def _at_site(wire: Wire, site: str, path: str) -> Document:
    found: Document = await wire.get(f"intake-{site}", f"{site}-importer", path)
    return found


async def _flagged(wire: Wire, case_ids: Sequence[str]) -> Flagged | None:
    if not case_ids:
        return None
    cases = [await _case(wire, case_id) for case_id in case_ids]
    site = cases[0]["site"]
    complaint = await _at_site(wire, site, f"/v1/complaints/{case_ids[0]}")
    return Flagged(cases, await _at_site(wire, site, f"/v1/customers/{complaint['customer']}"))


async def _disputed(wire: Wire, case_id: str, postings: Iterable[Document]) -> Disputed | None:
    cost = {one["id"]: one for one in postings if one["subject"] == case_id and one["sheet"] == SHEET}
    for one in cost.values():
        if one["reverses"] in cost:
            return Disputed(await _case(wire, case_id), cost[one["reverses"]], one)
    return None


async def _follow_down(wire: Wire, details: Sequence[tuple[Document, Document]]) -> Lost | None:
    """Choose the missed step whose deadline takes most to explain, and read its case."""
    missed = [one for one in details if one[1]["rule"] == "missed-step" and not one[1]["reverses"]]
    if not missed:
        return None
    card, posting = max(missed, key=lambda one: (len(one[1]["explanation_zh"]), one[1]["id"]))
    case = await _case(wire, posting["subject"])
    history = await wire.get("handling", DIRECTOR, f"/v1/cases/{posting['subject']}/history?limit=200")
    complaint = await _at_site(wire, case["site"], f"/v1/complaints/{posting['subject']}")
    return Lost(card, posting, case, history["items"], complaint)


def show(published: Published, edition: Edition, console: Console) -> None:
    """Print everything."""
    for month in published.cards:
        console.print("", _month(month, published, edition))
    for period, told in published.periods.items():
        if "-Q" in period:
            console.print("", _quarter(period, told, published), "")
            for award in told["awards"]:
                console.print(_star(award, published))
    for period, told in published.periods.items():
        for advice in told["recommendations"]:
            console.print(_advice(period, advice, published))
    if published.flagged:
        console.print(f"\n{_problem_user(published.flagged, published, edition)}", highlight=False)
    if published.disputed:
        console.print(f"\n{_dispute(published.disputed, edition)}", highlight=False)
        console.print("", overturned(published.overturns))
    if published.lost:
        console.print("", heading("一分的来历", "one lost point, followed down"))
        console.print(_trail(published.lost, published, edition), highlight=False)


def both(zh: str, en: str) -> str:
    """Put the English under the Chinese, less bright.

    Example:
        >>> both("逾期", "late")
        '逾期\\n[dim]late[/]'
    """
    return f"{escape(zh)}\n[dim]{escape(en)}[/]"


def heading(zh: str, en: str) -> Rule:
    """Return a heading over the whole width."""
    return Rule(f"[bold]{zh}[/] / {en}", align="left")


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


def _row_name(name: Text) -> str:
    return f"{_short(name.zh)} [dim]{name.en.removesuffix(' branch')}[/]"


def _rows(told: Document, ranking: str) -> Sequence[Document]:
    rows: Sequence[Document] = next(one["rows"] for one in told["rankings"] if one["ranking"] == ranking)
    return rows


def _table(title: str, *columns: str) -> Table:
    """Return a table of branches. Headings stand at the bottom of their row, so all get the same height."""
    table = Table(title=title, title_justify="left", title_style="bold")
    most = max(column.count("\n") for column in columns)
    for name in ("名次\nrank", "分部\nbranch", *columns):
        is_name = name.startswith("分部")
        heading = name + "\n" * (most - name.count("\n"))
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=is_name)
    return table


def _month(month: str, published: Published, edition: Edition) -> Table:
    sections = edition.slices[-1][1].scoring.sheets[SHEET].sections
    # Three lines each, so that the table fits into 80 columns.
    parts = [
        f"{one.title.zh}\n{one.title.en} /{one.weight}".replace(" ", "\n", 1) for one in sections.values()
    ]
    table = _table(f"{month} 月度排序 / monthly ranking (JK-22)", "得分\nscore", *parts)
    for row in _rows(published.periods[month], "monthly"):
        card = published.cards[month][row["unit"]]
        seen = [shown(section["value"]) for section in card["sections"]]
        name = _row_name(published.names[row["unit"]])
        table.add_row(str(row["rank"]), name, f"[bold]{shown(row['shown'])}[/]", *seen)
    return table


def _quarter(period: str, told: Document, published: Published) -> Table:
    title = f"{period} 季度排名 / quarterly ranking (JK-22)"
    table = _table(title, "季度得分\nmean", *(f"{month}\nscore" for month in published.cards))
    for row in _rows(told, "quarterly"):
        unit = row["unit"]
        months = [shown(cards[unit]["total"]) for cards in published.cards.values()]
        name = _row_name(published.names[unit])
        table.add_row(str(row["rank"]), name, f"[bold]{shown(row['shown'])}[/]", *months)
    return table


def _star(one: Document, published: Published) -> Panel:
    name, clauses = published.names[one["unit"]], ", ".join(one["clauses"])
    words = both(
        f"★ {_short(name.zh)}：金科集团明星客户服务部，奖励 {one['amount']} 元，由{one['paid_by_zh']}支付（{clauses}）",
        f"★ {name.en}: star branch, {one['amount']} {one['currency']}, paid by {one['paid_by_en']} ({clauses})",
    )
    return Panel(words, title="季度之星 star of the quarter", border_style="yellow", expand=False)


def _advice(period: str, one: Document, published: Published) -> Panel:
    name, source = published.names[one["unit"]], f"{', '.join(one['clauses'])}, {period}"
    words = both(
        f"{_short(name.zh)}：{one['text_zh']}（{source}）", f"{name.en}: {one['text_en']} ({source})"
    )
    return Panel(words, title="建议 advice", border_style="red", expand=False)


def _problem_user(flagged: Flagged, published: Published, edition: Edition) -> str:
    cases, file, name = flagged.cases, flagged.file, published.names[flagged.file["unit"]]
    person, until = file["fields"].get("name", ""), datetime.fromisoformat(file["flag"]["until"])
    ends, where = edition.calendar.local_day(until), name.en.removesuffix(" branch")
    invalid = sum(case["validity"] == "invalid" for case in cases)
    return both(
        f"问题用户：{_short(name.zh)}业主{person}投诉{len(cases)}次，{invalid}次认定无效；经两人签认，{ends}期满",
        f"problem user at {where}: {invalid} of {len(cases)} complaints invalid; two signed; ends {ends}",
    )


def _dispute(disputed: Disputed, edition: Edition) -> str:
    posting, back, number = disputed.posting, disputed.reversal, disputed.case["number"]
    title = edition.slices[-1][1].scoring.offences[posting["rule"]].title
    lost, given = shown(posting["points"]), f"+{shown(back['points'])}"
    return both(
        f"争议成立：{number} {title.zh}，{posting['month']}记{lost}，{back['month']}冲回{given}",
        f"dispute upheld: {number}: {lost} for {title.en}, {posting['month']}; {given} back, {back['month']}",
    )


def overturned(counted: Document) -> Table:
    """Return how often rulings upheld what was contested, with the 95 % interval of the share.

    Args:
        counted: What ``/v1/overturns`` answers.
    """
    table = Table(title="改判统计 / overturned", title_justify="left", title_style="bold")
    for column in (
        "条款或人员\nclause or person",
        "裁决\nruled",
        "改判\nupheld",
        "改判率\nshare",
        "95%\ninterval",
    ):
        table.add_column(column, justify="left" if column.startswith("条款") else "right")
    for one in (*counted["by_clause"], *counted["by_inspector"]):
        low, high = (_percent(end) for end in one["interval"])
        table.add_row(
            one["of"], str(one["ruled"]), str(one["upheld"]), f"{_percent(one['share'])} %", f"{low}–{high} %"
        )
    return table


def _percent(share: str) -> int:
    """Return a share in percent, half up.

    Example:
        >>> _percent("0.9385")
        94
    """
    return int((Decimal(share) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _trail(lost: Lost, published: Published, edition: Edition) -> Tree:
    """Follow one lost point from the card's total down to the log."""
    card, posting, rules = lost.card, lost.posting, edition.slices[-1][1]
    name, title = published.names[card["unit"]], rules.scoring.offences[posting["rule"]].title
    tree = Tree(
        both(
            f"{_short(name.zh)} {card['month']} · {shown(posting['points'])} {title.zh} · 投诉 {lost.case['number']}",
            f"{name.en} {card['month']} · {shown(posting['points'])} {title.en} · complaint {lost.case['number']}",
        )
    )
    tree.add(Group("考核表 scorecard", _counted(card, posting["item"], edition)))
    clauses = tree.add("依据 clauses")
    known = rules.rulebook.rules
    for rule in dict.fromkeys(", ".join(posting["clauses"]).split(", ")):
        clauses.add(both(f"{rule} {known[rule].zh}", known[rule].en) if rule in known else rule)
    why = tree.add("期限说明 why it was due then")
    for zh, en in zip(posting["explanation_zh"], posting["explanation_en"], strict=True):
        why.add(both(zh, en))
    fields = lost.complaint["fields"]
    tree.add(
        f"业主 owner {fields.get('name', '')} {fields.get('phone', '')} · 项目 project {fields.get('project', '')}"
    )
    tree.add(
        Group(
            f"证据 evidence {', '.join(posting['evidence'])}", log(lost.history, lost.posting["at"], edition)
        )
    )
    return tree


def _counted(card: Document, key: str, edition: Edition) -> Table:
    """Show the total of the card, the section and the item that a point was lost from."""
    sheet = edition.slices[-1][1].scoring.sheets[SHEET]
    lines = [(sheet.title, card)]
    for section in card["sections"]:
        titles = sheet.sections[section["key"]]
        for item in section["parts"]:
            if item["key"] == key:
                lines += [(titles.title, section), (titles.items[key].title, item)]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    for title, part in lines:
        points = part["total"] if part is card else part["value"]
        table.add_row(title.zh, f"[dim]{title.en}[/]", f"{shown(points)} / {shown(part['of'])}")
    return table


def log(history: Sequence[Document], at: str, edition: Edition) -> Table:
    """Show every entry of a case in the log; the deadline that was missed ``at`` a moment stands out."""
    table = Table.grid(padding=(0, 2))
    for entry in history:
        when = f"{datetime.fromisoformat(entry['time']).astimezone(edition.calendar.zone):%m-%d %H:%M}"
        is_it = entry["type"] == "deadline.missed.v1" and entry["time"] == at
        place = f"#{entry['sequence']} {entry['hash'][:8]}"
        table.add_row(when, entry["type"], _said(entry), place, style="red" if is_it else "dim")
    return table


def _said(entry: Document) -> str:
    data = entry["data"]
    words = [str(data[key]) for key in ("step", "clock", "validity", "way", "by") if data.get(key)]
    return " ".join(dict.fromkeys(words))
