"""The page at the end of a demo: rankings and indicators, what they came to, and one point or answer followed down.

The numbers are shown as scoring published them. Chinese first, then English.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from jiandu.demo.bilingual import both, heading, shown
from jiandu.demo.report import Disputed, Document, Flagged, Report
from jiandu.demo.trail import trail
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.group import Ranking
from shared.rulebook.schema.scoring import Indicator, Sheet
from shared.values.canonical import half_up, number_of, text_of

_SHARES = frozenset({"satisfaction", "record-completeness", "on-time", "callback-coverage", "first-response"})
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


def show(found: Report, edition: Edition, console: Console) -> None:
    """Print everything."""
    rules = edition.slices[-1][1]
    for key, ranking in rules.scoring.rankings.items():
        for table in _rankings(key, ranking, found, rules):
            console.print("", table)
    for left in _left_out(found, rules):
        console.print(left, highlight=False)
    outcomes = (
        _panel(period, one, found, rules)
        for period, told in found.periods.items()
        for one in (*told["awards"], *told.get("recommendations", ()))
    )
    for panel in outcomes:
        console.print(panel)
    for line in _lines(found, edition):
        console.print(f"\n{line}", highlight=False)
    if found.overturns["by_clause"]:
        console.print("", overturned(found.overturns))
    console.print("", _indicators(found, rules))
    if found.followed:
        words = ("一分的来历", "one lost point, followed down")
        if not found.followed.posting:
            words = ("一个不满意的来历", "one dissatisfied customer, followed down")
        console.print("", heading(*words))
        console.print(trail(found.followed, found, edition), highlight=False)


def _row_name(unit: str, found: Report) -> str:
    name = found.names[unit]
    return f"{name.zh}\n[dim]{name.en}[/]"


def _rankings(key: str, ranking: Ranking, found: Report, rules: Rules) -> Iterator[Table]:
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


def _carded(period: str, rows: Sequence[Document], ranking: Ranking, sheet: Sheet, found: Report) -> Table:
    """Show a month's scores with the sections of the cards, a longer period's with the months' scores."""
    titles = {_narrow(one.title.zh): one for one in sheet.sections.values()}
    cards = _cards(found.periods[period], ranking)
    parts = [f"{words}\n/{one.weight}" for words, one in titles.items()] if cards else list(found.months)
    table = _table(_title(ranking, period), "单位\nunit", "名次\nrank", "得分\nscore", *parts)
    if cards:
        legend = (f"{words.replace(chr(10), '')} {one.title.en}" for words, one in titles.items())
        table.caption = " · ".join(legend)
    for row in rows:
        if card := cards.get(row["unit"]):
            seen = [shown(section["value"]) for section in card["sections"]]
        else:
            every = (_cards(month, ranking).get(row["unit"]) for month in found.months.values())
            seen = [shown(one["total"]) if one else "—" for one in every]
        table.add_row(
            _row_name(row["unit"], found), str(row["rank"]), f"[bold]{shown(row['shown'])}[/]", *seen
        )
    return table


def _cards(period: Document, ranking: Ranking) -> dict[str, Document]:
    cards = period.get("scorecards", ())
    return {card["unit"]: card for card in cards if card["sheet"] == ranking.by}


def _side_by_side(
    every: Mapping[str, Document], ranking: Ranking, indicator: Indicator, found: Report
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


def _left_out(found: Report, rules: Rules) -> Iterator[str]:
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


def _panel(period: str, one: Document, found: Report, rules: Rules) -> Panel:
    """Show an award, a penalty or advice."""
    name, source = found.names[one["unit"]], f"{', '.join(one['clauses'])}, {period}"
    if "award" in one:
        title = rules.scoring.awards[one["award"]].title
        zh = f"，奖励 {one['amount']} {one['currency']}，由{one['paid_by_zh']}支付"
        en = f", {one['amount']} {one['currency']}, paid by {one['paid_by_en']}"
        zh, en = (zh, en) if number_of(one["amount"]) else ("", "")
        words = both(f"★ {name.zh}：{title.zh}{zh}（{source}）", f"★ {name.en}: {title.en}{en} ({source})")
    else:
        words = both(f"{name.zh}：{one['text_zh']}（{source}）", f"{name.en}: {one['text_en']} ({source})")
    style = "yellow" if one.get("what", "") == "award" or "award" in one else "red"
    return Panel(words, title="结果 outcome", border_style=style, expand=False)


def _lines(found: Report, edition: Edition) -> Iterator[str]:
    yield from (_problem_user(one, found, edition) for one in found.flagged)
    yield from (_dispute(one, edition.slices[-1][1]) for one in found.disputed)


def _problem_user(flagged: Flagged, found: Report, edition: Edition) -> str:
    cases, file, name = flagged.cases, flagged.file, found.names[flagged.file["unit"]]
    person, until = file["fields"].get("name", ""), datetime.fromisoformat(file["flag"]["until"])
    ends = edition.calendar.local_day(until)
    invalid = sum(case["validity"] == "invalid" for case in cases)
    return both(
        f"问题用户：{name.zh}客户{person}投诉{len(cases)}次，{invalid}次认定无效；经两人签认，{ends}期满",
        f"problem user at {name.en}: {invalid} of {len(cases)} complaints invalid; two signed; ends {ends}",
    )


def _dispute(disputed: Disputed, rules: Rules) -> str:
    posting, back, number = disputed.posting, disputed.reversal, disputed.case["number"]
    title = rules.scoring.offences[posting["rule"]].title
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
    columns = ("裁决\nruled", "改判\nupheld", "改判率\nshare", "95%\ninterval")
    table = _table("改判统计 / overturned", "条款或人员\nclause or person", *columns)
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
    return int(half_up(number_of(share) * 100, 0))


# --- indicators


def _indicators(found: Report, rules: Rules) -> Table:
    """Show the indicators that are published, or all: the last month's by unit, or of one unit by month."""
    named = {key for one in rules.scoring.publications.values() for key in one.indicators}
    known = {key: one for key, one in rules.scoring.indicators.items() if not named or key in named}
    months = found.months
    last = list(months)[-1]
    units = _shown_units(found, months[last])
    by_unit = len(units) > 1
    title = f"{last} 指标 / indicators" if by_unit else f"指标 / indicators · {found.names[units[0]].zh}"
    short = told_apart([found.names[unit].zh for unit in units])
    columns = [_narrow(one) for one in short] if by_unit else list(months)
    table = _table(title, "指标\nindicator", *columns)
    for key, indicator in known.items():
        places = [(last, unit) for unit in units] if by_unit else [(month, units[0]) for month in months]
        figures = [_figure(months[month], key, unit) for month, unit in places]
        table.add_row(
            f"{indicator.title.zh}\n[dim]{indicator.title.en}[/]", *(_cell(indicator, one) for one in figures)
        )
    return table


def told_apart(names: Sequence[str]) -> list[str]:
    """Return what tells names apart, without what all begin and end with.

    Example:
        >>> told_apart(["客户服务中心（重庆）分部", "客户服务中心（成都）分部"])
        ['重庆', '成都']
    """
    rest = [one[_alike(names) :] for one in names]
    after = _alike([one[::-1] for one in rest])
    found = [one[: len(one) - after] for one in rest]
    return found if all(found) else list(names)


def _alike(names: Sequence[str]) -> int:
    """Return with how many characters all names begin."""
    apart = (at for at, found in enumerate(zip(*names, strict=False)) if len(set(found)) > 1)
    return next(apart, min(map(len, names)))


def _shown_units(found: Report, month: Document) -> list[str]:
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
