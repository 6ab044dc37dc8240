"""``jiandu fair``: a month's ranking with what chance may have done to it, as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jiandu.names import Names
from jiandu.reading import Book, edition_of, refusals
from jiandu.scoring.backtest import folded, read
from jiandu.scoring.charts import Dot, funnel_svg, heading, page, paragraph, table
from services.scoring.domain.fair_view import FairRow, FairView, fair_view
from services.scoring.domain.fold import MonthResult, document_of, result_hash
from services.scoring.domain.month import rules_of_month
from services.scoring.domain.rankings import months_of
from shared.errors import InvalidInputError
from shared.values.canonical import brief

STATUS = {
    "usual": "通常 usual",
    "unusual": "偏离95%界限 outside 95 %",
    "exceptional": "偏离99.8%界限 outside 99.8 %",
    "not-rated": "样本过少，不评定 not rated",
    "not-established": "当期未全期存在 not established",
    "nil-return": "零报告 nil return",
}
_HEAD = (
    "名次 rank",
    "单位 unit",
    "数值 value",
    "样本 n",
    "95%区间 interval",
    "收缩估计 shrunk",
    "名次区间 rank interval",
    "评定 status",
)


def fair(
    rulebook: Book,
    events: Annotated[Path, typer.Argument(help="Exported events, one JSON object a line.")],
    period: Annotated[str, typer.Option(help="A month, for example 2026-07.")],
    html: Annotated[Path, typer.Option(help="The file to write.")],
    ranking: Annotated[
        list[str] | None, typer.Option(help="Only these rankings; else every one of the month.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Leave out what happened from this moment on.")] = None,
    calendars: Annotated[
        Path | None, typer.Option(help="Folder of calendars; else those beside the rulebook, or ours.")
    ] = None,
) -> None:
    """Show how sure a month's ranking is: intervals, shrunk values, places by chance and a funnel plot."""
    with refusals(2):
        edition = edition_of(rulebook, calendars)
        (again,) = folded(events, edition, [period], as_of)
        result = again.result
        if not isinstance(result, MonthResult):
            msg = f"{period} is no month. A fair view is of a month, for example 2026-07."
            raise InvalidInputError(msg)
        document, seed = document_of(result), result_hash(result)
        rules = rules_of_month(edition, months_of(period)[0])
        wanted = ranking or [one.ranking for one in result.rankings]
        views = [fair_view(document, name, rules, seed) for name in wanted]
        names = Names.of(read(events)[0], edition)
        html.write_text(fair_page(edition.group, period, views, names), encoding="utf-8")
    Console().print(f"{html}: {', '.join(view.ranking for view in views) or 'no ranking'}")


def fair_page(group: str, period: str, views: list[FairView], names: Names) -> str:
    """Return the page of some rankings of one month."""
    parts = [
        paragraph(
            "名次按制度公布，不因本页改变。 The published places stand; this page shows how much of them may be chance."
        )
    ]
    for view in views:
        parts.append(heading(f"{names.ranking(view.ranking)} · {view.period}"))
        parts.append(table(_HEAD, [_row(one, names) for one in view.rows]))
        if view.common is not None:
            dots = [_dot(one, names) for one in view.rows if one.value is not None and one.n]
            parts.append(funnel_svg(dots, view.funnel, float(view.common), view.per))
            parts.append(
                paragraph(
                    f"总体 common value: {brief(view.common)}. 虚线95%，实线99.8%。 Dashed 95 %, solid 99.8 %."
                )
            )
        parts.append(paragraph(f"抽样 {view.draws} 次，种子 seed {view.seed}/{view.ranking}"))
    return page(f"{group} {period} 公平视图 fair view", parts)


def _row(one: FairRow, names: Names) -> tuple[object, ...]:
    between = None if one.low is None or one.high is None else f"{brief(one.low)} – {brief(one.high)}"
    places = None if one.rank_low is None else f"{one.rank_low} – {one.rank_high}"
    numbers = (None if number is None else brief(number) for number in (one.value, one.n))
    shrunk = None if one.shrunk is None else brief(one.shrunk)
    return one.rank, names.unit(one.unit), *numbers, between, shrunk, places, STATUS[one.status]


def _dot(one: FairRow, names: Names) -> Dot:
    mood = one.status if one.status in ("usual", "unusual", "exceptional") else "left"
    return Dot(names.short(one.unit), float(one.n or 1), float(one.value or 0), mood)
