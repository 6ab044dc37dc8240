"""What a draft would have changed, as a page and as a few lines."""

from jiandu.names import Names
from jiandu.scoring.charts import heading, page, paragraph, slope_svg, table
from jiandu.scoring.whatif import Breach, Move, Points, WhatIf, shown
from services.scoring.domain.rankings import months_of
from shared.rulebook.edition import Edition
from shared.timekeeping.wording import say_due
from shared.values.canonical import brief

_MOVES = (
    "期间 period",
    "排名 ranking",
    "单位 unit",
    "原名次 was",
    "原得分",
    "新名次 now",
    "新得分",
    "依据 by clauses",
)
_POINTS = ("月份 month", "单位 unit", "规则 rule", "条款 clause", "原分 was", "新分 now", "差 difference")
_BREACHES = ("编号 matter", "单位 unit", "时限或指标 deadline or indicator", "到期 due", "条款 clause")


def what_if_page(found: WhatIf, current: Edition, draft: Edition, names: Names) -> str:
    """Return the page of a comparison: it opens in any browser without network."""
    parts = [
        paragraph(f"现行 current: {current.group} {current.name} {current.hash[:12]}"),
        paragraph(f"草案 draft: {draft.group} {draft.name} {draft.hash[:12]}"),
        paragraph(
            f"{found.played} 件重新推演；已公布的结果不变。回访时限按当时的规定。 {found.played} matters played again; "
            "what was published stands. Windows of callbacks are those of their day."
        ),
    ]
    if found.unplayed:
        parts.append(paragraph(f"草案没有适用程序 no procedure in the draft: {', '.join(found.unplayed)}"))
    for (period, ranking), (was, now) in found.places.items():
        if was != now:
            parts.append(heading(f"{names.ranking(ranking)} · {period}"))
            before, after = (
                {names.short(unit): float(place.rank) for unit, place in one.items()} for one in (was, now)
            )
            parts.append(slope_svg(before, after))
    parts += [
        heading("名次与得分 places and scores"),
        table(_MOVES, [_move(one, found, names) for one in found.moves]),
        heading("按条款 by clause"),
        table(_POINTS, [_points(one, names) for one in found.points]),
        heading(f"新增违约 new breaches ({len(found.new)})"),
        table(_BREACHES, [_breach(one, draft, names) for one in found.new]),
        heading(f"不再违约 vanished breaches ({len(found.vanished)})"),
        table(_BREACHES, [_breach(one, draft, names) for one in found.vanished]),
    ]
    return page(f"{draft.group} 草案回溯 what if", parts)


def what_if_lines(found: WhatIf, names: Names) -> list[str]:
    """Return a comparison in a few lines."""
    moved = [
        f"{one.period} {names.ranking(one.ranking)}: {names.unit(one.unit)} {_arrow(one)}"
        for one in found.moves
    ]
    return [
        *moved,
        f"新增违约 new breaches: {len(found.new)}; 不再违约 vanished: {len(found.vanished)}",
        f"重新推演 played again: {found.played}; 无适用程序 without procedure: {len(found.unplayed)}",
    ]


def _arrow(one: Move) -> str:
    (rank, value), (new_rank, new_value) = shown(one.was), shown(one.now)
    return f"{rank} ({value}) → {new_rank} ({new_value})"


def _move(one: Move, found: WhatIf, names: Names) -> tuple[str, ...]:
    months = {str(month) for month in months_of(one.period)}
    moved = [point for point in found.points if point.unit == one.unit and point.month in months]
    clauses = dict.fromkeys(clause for point in moved for clause in point.clauses)
    return (
        one.period,
        names.ranking(one.ranking),
        names.unit(one.unit),
        *shown(one.was),
        *shown(one.now),
        ", ".join(clauses),
    )


def _points(one: Points, names: Names) -> tuple[str, ...]:
    numbers = (brief(number) for number in (one.was, one.now, one.now - one.was))
    return (one.month, names.unit(one.unit), one.rule, ", ".join(one.clauses), *numbers)


def _breach(one: Breach, edition: Edition, names: Names) -> tuple[str | None, ...]:
    due = say_due(one.due_before, edition.calendar).zh if one.due_before else None
    return one.matter, names.unit(one.unit), one.what, due, one.clause
