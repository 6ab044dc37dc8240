"""What the quarter of any group came to: its rankings and indicators, and one point or one answer followed down.

Everything shown was read over HTTP, the numbers as scoring published them. Chinese first, then English.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.tree import Tree

from jiandu.demo.report import Document, both, heading, log, shown
from jiandu.demo.scenario import Scenario
from jiandu.demo.wire import Wire
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.group import Ranking
from shared.rulebook.schema.scoring import Indicator, Sheet
from shared.values.canonical import half_up, number_of, text_of

_SHARES = frozenset({"satisfaction", "record-completeness", "on-time", "callback-coverage", "first-response"})
_DISSATISFIED = "callback.completed.v1"
_MOST_UNITS = 6
"""Units that fit side by side."""

_MANY = 10_000
_WIDTH = 3
"""Characters of a heading's line."""

_REASONS = {
    "not-rated": Text(zh="样本不足，不参加排序", en="too few to rate"),
    "not-established": Text(zh="当期设立，不参加排序", en="not there all the time"),
    "nil-return": Text(zh="零报告", en="nil return"),
}


@dataclass(frozen=True, slots=True)
class Followed:
    """One matter, and what it did: it cost a posting, or its customer was not satisfied.

    Attributes:
        posting: What it cost; None where the group counts no points.
        event: The callback's answer, where there is no posting.
        history: Every entry of handling's log about the case.
        complaint: The record at the site, masked.
    """

    posting: Document | None
    event: Document | None
    case: Document
    history: Sequence[Document]
    complaint: Document


@dataclass(frozen=True, slots=True)
class Standings:
    """What scoring published.

    Attributes:
        periods: Period → its result, in the order in which they went out.
        names: Unit → its name.
        played: Units that were played.
    """

    periods: Mapping[str, Document]
    names: Mapping[str, Text]
    played: Sequence[str]
    followed: Followed | None

    @property
    def months(self) -> dict[str, Document]:
        """Return the months."""
        return {period: one for period, one in self.periods.items() if "indicators" in one}


# --- reading


async def read(wire: Wire, told: Scenario, events: Path) -> Standings:
    """Read what was published, as its publisher sees it.

    Args:
        events: The exported events, in which the matter is found that is followed down.
    """
    units = await wire.get("registry", told.reader, "/v1/units")
    periods = {
        one.period: await wire.get("scoring", told.reader, f"/v1/periods/{one.period}")
        for one in told.closings
    }
    names = {one["unit"]: Text(zh=one["name_zh"], en=one["name_en"]) for one in units["items"]}
    found = Standings(periods, names, told.branches, None)
    return replace(found, followed=await _followed(wire, told, found, events))


async def _followed(wire: Wire, told: Scenario, found: Standings, events: Path) -> Followed | None:
    """Choose the posting about a matter that takes most to explain, else the worst answer of the worst unit."""
    matters = _matters(events)
    costs = [
        one
        for month in found.months.values()
        for one in month["postings"]
        if one["subject"] in matters and not one["reverses"]
    ]
    posting = max(costs, key=lambda one: (len(one["explanation_zh"]), one["id"]), default=None)
    event = None if posting else _worst_answer(events, found)
    if posting is None and event is None:
        return None
    subject = posting["subject"] if posting else event["subject"] if event else ""
    case = await wire.get("handling", told.reader, f"/v1/cases/{subject}")
    history = await wire.get("handling", told.reader, f"/v1/cases/{subject}/history?limit=200")
    # A desk comes last among those of its site; it took in what no unit of the site did.
    accounts = {one.unit: one.account for one in told.declarations if one.site == case["site"]}
    reads = accounts.get(case["unit"], list(accounts.values())[-1])
    complaint = await wire.get(f"intake-{case['site']}", reads, f"/v1/complaints/{subject}")
    return Followed(posting, event, case, history["items"], complaint)


def _lines(events: Path) -> Iterator[Document]:
    with events.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _matters(events: Path) -> set[str]:
    return {one["subject"] for one in _lines(events) if one.get("type") == "case.opened.v1"}


def _worst_answer(events: Path, found: Standings) -> Document | None:
    """Return the answer of a dissatisfied customer: of the unit that stands last, where it has one."""
    answers = [
        one for one in _lines(events) if one.get("type") == _DISSATISFIED and not one["data"]["satisfied"]
    ]
    ranked = [one for month in found.months.values() for one in month["rankings"] if one["rows"]]
    last = ranked[-1]["rows"][-1]["unit"] if ranked else ""
    return max(
        answers,
        key=lambda one: (one["unit"] == last, -one["data"]["satisfaction"], one["time"]),
        default=None,
    )


# --- showing


def show(found: Standings, edition: Edition, console: Console) -> None:
    """Print everything."""
    rules = edition.slices[-1][1]
    for key, ranking in rules.scoring.rankings.items():
        for table in _rankings(key, ranking, found, rules):
            console.print("", table)
    for left in _left_out(found, rules):
        console.print(left, highlight=False)
    for period, told in found.periods.items():
        for one in (*told["awards"], *told.get("recommendations", ())):
            console.print(_panel(period, one, found, rules))
    console.print("", _indicators(found, rules))
    if found.followed:
        words = ("一分的来历", "one lost point, followed down")
        if not found.followed.posting:
            words = ("一个不满意的来历", "one dissatisfied customer, followed down")
        console.print("", heading(*words))
        console.print(_trail(found.followed, found, edition), highlight=False)


def _row_name(unit: str, found: Standings) -> str:
    name = found.names[unit]
    return f"{name.zh}\n[dim]{name.en}[/]"


def _rankings(key: str, ranking: Ranking, found: Standings, rules: Rules) -> Iterator[Table]:
    """Show a ranking: a scorecard's a table a month with its sections, an indicator's its months side by side."""
    every = {
        period: one
        for period, told in found.periods.items()
        for one in told["rankings"]
        if one["ranking"] == key and (one["rows"] or one["left_out"])
    }
    if sheet := rules.scoring.sheets.get(ranking.by):
        for period, one in every.items():
            if one["rows"]:
                yield _carded(period, one["rows"], ranking, sheet, found)
    elif any(one["rows"] for one in every.values()):
        yield _side_by_side(every, ranking, rules.scoring.indicators[ranking.by], found)


def _title(ranking: Ranking, period: str = "") -> str:
    return f"{period} {ranking.title.zh} / {ranking.title.en} ({', '.join(ranking.source)})".strip()


def _table(title: str, first: str, *columns: str) -> Table:
    """Return a table. Headings are narrow and stand at the bottom of their row."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    most = max(column.count("\n") for column in (first, *columns))
    for column in (first, *columns):
        padded = column + "\n" * (most - column.count("\n"))
        table.add_column(padded, justify="left" if column is first else "right", overflow="fold")
    return table


def _narrow(words: str) -> str:
    """Break a Chinese title into short lines; what stands in brackets is left out.

    Example:
        >>> _narrow("客户服务（规范）")
        '客户服\\n务'
    """
    plain = re.sub(r"（.*?）", "", words)
    return "\n".join(plain[at : at + _WIDTH] for at in range(0, len(plain), _WIDTH))


def _carded(period: str, rows: Sequence[Document], ranking: Ranking, sheet: Sheet, found: Standings) -> Table:
    titles = {_narrow(one.title.zh): one for one in sheet.sections.values()}
    parts = [f"{words}\n/{one.weight}" for words, one in titles.items()]
    cards = {(card["sheet"], card["unit"]): card for card in found.periods[period].get("scorecards", ())}
    table = _table(
        _title(ranking, period), "单位\nunit", "名次\nrank", "得分\nscore", *(parts if cards else ())
    )
    if cards:
        legend = (f"{words.replace(chr(10), '')} {one.title.en}" for words, one in titles.items())
        table.caption = " · ".join(legend)
    for row in rows:
        card = cards.get((ranking.by, row["unit"]))
        seen = [shown(section["value"]) for section in card["sections"]] if card else []
        table.add_row(
            _row_name(row["unit"], found), str(row["rank"]), f"[bold]{shown(row['shown'])}[/]", *seen
        )
    return table


def _side_by_side(
    every: Mapping[str, Document], ranking: Ranking, indicator: Indicator, found: Standings
) -> Table:
    table = _table(_title(ranking), "单位\nunit", *every)
    places = {
        period: {row["unit"]: (row["rank"], row["value"]) for row in one["rows"]}
        for period, one in every.items()
    }
    units = {row["unit"] for one in every.values() for row in (*one["rows"], *one["left_out"])}
    last = list(places.values())[-1]
    for unit in sorted(units, key=lambda unit: (last.get(unit, (99, ""))[0], unit)):
        cells = []
        for known in places.values():
            rank, value = known.get(unit, (0, ""))
            cells.append(f"[bold]{rank}[/]  {_value(indicator, value)}" if rank else "[dim]—[/]")
        table.add_row(_row_name(unit, found), *cells)
    return table


def _left_out(found: Standings, rules: Rules) -> Iterator[str]:
    """Say once who is in no place of which ranking, and why."""
    told: dict[tuple[str, str], dict[str, None]] = {}
    for result in found.periods.values():
        for ranking in result["rankings"]:
            for one in ranking["left_out"]:
                told.setdefault((ranking["ranking"], one["reason"]), {})[one["unit"]] = None
    for (key, reason), units in told.items():
        why, ranking = _REASONS.get(reason, Text(zh=reason, en=reason)), rules.scoring.rankings[key]
        zh = "、".join(found.names[unit].zh for unit in units)
        en = ", ".join(found.names[unit].en for unit in units)
        yield both(f"—{ranking.title.zh}：{why.zh}：{zh}", f"  {ranking.title.en}: {why.en}: {en}")


def _value(indicator: Indicator, value: str) -> str:
    """Show an indicator: shares in percent, large amounts in thousands, the rest to two places."""
    is_share = indicator.measure in _SHARES or (indicator.denominator is not None and indicator.per == 1)
    number = number_of(value)
    if is_share:
        return f"{half_up(number * 100, 1)} %"
    if abs(number) >= _MANY:
        return f"{int(half_up(number / 1_000, 0)):,} k"
    return text_of(half_up(number, 2))


def _panel(period: str, one: Document, found: Standings, rules: Rules) -> Panel:
    """Show an award, a penalty or advice."""
    name, source = found.names[one["unit"]], f"{', '.join(one['clauses'])}, {period}"
    if "award" in one:
        title = rules.scoring.awards[one["award"]].title
        amount = f"，{one['amount']} {one['currency']}" if number_of(one["amount"]) else ""
        words = both(f"★ {name.zh}：{title.zh}{amount}（{source}）", f"★ {name.en}: {title.en} ({source})")
    else:
        words = both(f"{name.zh}：{one['text_zh']}（{source}）", f"{name.en}: {one['text_en']} ({source})")
    style = "yellow" if one.get("what", "") == "award" or "award" in one else "red"
    return Panel(words, title="结果 outcome", border_style=style, expand=False)


# --- indicators


def _indicators(found: Standings, rules: Rules) -> Table:
    """Show the indicators that are published, or all: the last month's by unit, or of one unit by month."""
    named = {key for one in rules.scoring.publications.values() for key in one.indicators}
    known = {key: one for key, one in rules.scoring.indicators.items() if not named or key in named}
    months = found.months
    last = list(months)[-1]
    units = _shown_units(found, months[last])
    by_unit = len(units) > 1
    title = f"{last} 指标 / indicators" if by_unit else f"指标 / indicators · {found.names[units[0]].zh}"
    columns = [_narrow(found.names[unit].zh) for unit in units] if by_unit else list(months)
    table = _table(title, "指标\nindicator", *columns)
    for key, indicator in known.items():
        places = [(last, unit) for unit in units] if by_unit else [(month, units[0]) for month in months]
        figures = [_figure(months[month], key, unit) for month, unit in places]
        table.add_row(
            f"{indicator.title.zh}\n[dim]{indicator.title.en}[/]", *(_cell(indicator, one) for one in figures)
        )
    return table


def _shown_units(found: Standings, month: Document) -> list[str]:
    """Return the units that a ranking names; where nobody is ranked, those that were played."""
    named = [one["unit"] for ranking in month["rankings"] for one in (*ranking["rows"], *ranking["left_out"])]
    return list(dict.fromkeys(named or found.played))[:_MOST_UNITS]


def _figure(month: Document, indicator: str, unit: str) -> Document | None:
    return next(
        (one for one in month["indicators"] if one["indicator"] == indicator and one["unit"] == unit), None
    )


def _cell(indicator: Indicator, figure: Document | None) -> str:
    if figure is None or figure["value"] is None:
        return "[dim]—[/]"
    words = _value(indicator, figure["value"])
    if figure.get("breach"):
        return f"[red]{words}[/]"
    return words if figure["rated"] else f"[dim]({words})[/]"


# --- followed down


def _trail(followed: Followed, found: Standings, edition: Edition) -> Tree:
    case, rules = followed.case, edition.slices[-1][1]
    tree = Tree(_headline(followed, found, rules))
    if followed.posting:
        _explain(tree, followed.posting, rules, found)
    if followed.event:
        at = datetime.fromisoformat(followed.event["time"]).astimezone(edition.calendar.zone)
        data = followed.event["data"]
        tree.add(
            both(
                f"回访 {at:%m-%d %H:%M}：满意度 {data['satisfaction']} 分，由 {data['by']} 拨打",
                f"called back {at:%m-%d %H:%M}: {data['satisfaction']} of 5, by {data['by']}",
            )
        )
    kind = rules.intake.kinds[case["kind"]].title
    fields = followed.complaint["fields"]
    tree.add(f"{kind.zh} {kind.en} · 客户 customer {fields.get('name', '')} {fields.get('phone', '')}")
    missed = followed.posting["at"] if followed.posting else ""
    evidence = ", ".join(followed.posting["evidence"]) if followed.posting else followed.complaint["number"]
    tree.add(Group(f"证据 evidence {evidence}", log(followed.history, missed, edition)))
    return tree


def _headline(followed: Followed, found: Standings, rules: Rules) -> str:
    number = followed.case["number"]
    if posting := followed.posting:
        name, title = found.names[posting["unit"]], rules.scoring.offences[posting["rule"]].title
        points = shown(posting["points"])
        return both(
            f"{name.zh} {posting['month']} · {points} {title.zh} · {number}",
            f"{name.en} {posting['month']} · {points} {title.en} · {number}",
        )
    event: Any = followed.event
    name = found.names[event["unit"]]
    return both(f"{name.zh} · 客户不满意 · {number}", f"{name.en} · a dissatisfied customer · {number}")


def _explain(tree: Tree, posting: Document, rules: Rules, found: Standings) -> None:
    """Say what the point is counted in, which clauses ask for it, and why the deadline was then."""
    cards = [
        card
        for card in found.months[posting["month"]].get("scorecards", ())
        if (card["sheet"], card["unit"]) == (posting["sheet"], posting["unit"])
    ]
    for card in cards:
        table = Table.grid(padding=(0, 2))
        sheet = rules.scoring.sheets[card["sheet"]]
        table.add_row(
            sheet.title.zh, f"[dim]{sheet.title.en}[/]", f"{shown(card['total'])} / {shown(card['of'])}"
        )
        for section in card["sections"]:
            if posting["item"] in {item["key"] for item in section["parts"]}:
                title = sheet.sections[section["key"]].title
                table.add_row(
                    title.zh, f"[dim]{title.en}[/]", f"{shown(section['value'])} / {shown(section['of'])}"
                )
        tree.add(Group("考核表 scorecard", table))
    clauses = tree.add("依据 clauses")
    known = rules.rulebook.rules
    for rule in dict.fromkeys(", ".join(posting["clauses"]).split(", ")):
        clauses.add(both(f"{rule} {known[rule].zh}", known[rule].en) if rule in known else rule)
    if posting["explanation_zh"]:
        why = tree.add("期限说明 why it was due then")
        for zh, en in zip(posting["explanation_zh"], posting["explanation_en"], strict=True):
            why.add(both(zh, en))
