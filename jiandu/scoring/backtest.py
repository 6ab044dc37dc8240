"""``jiandu backtest``: the fold that scoring runs, over an exported event file and any rulebook folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from jiandu.names import Names
from jiandu.reading import Book, edition_of, instant_of, refusals
from jiandu.rulebook.due import rules_of
from jiandu.scoring.whatif import what_if
from jiandu.scoring.whatif_page import what_if_lines, what_if_page
from services.scoring.domain.facts import by_subject, fact_of, in_order, up_to
from services.scoring.domain.fold import (
    UNIT_SUBJECT,
    MonthResult,
    PeriodResult,
    canonical_bytes,
    fold_periods,
    fold_span,
    fold_subjects,
    result_hash,
    totals_of,
)
from services.scoring.domain.rankings import MonthTotals, months_of
from shared.errors import InvalidInputError
from shared.events.facts import Fact
from shared.events.scoring import PeriodClosed
from shared.rulebook.edition import Edition


@dataclass(frozen=True, slots=True)
class Published:
    """What an export says of one publication."""

    period: str
    version: int
    as_of: datetime
    watermark: Mapping[str, int]
    edition_hash: str
    result_hash: str


@dataclass(frozen=True, slots=True)
class Again:
    """A period folded again, beside what was published; ``published`` is None for a period of one's own asking."""

    period: str
    result: PeriodResult
    published: Published | None

    @property
    def equal(self) -> bool | None:
        """Say whether the bytes are those that were published."""
        return None if self.published is None else self.published.result_hash == result_hash(self.result)


def read(path: Path) -> tuple[list[Fact], list[Published]]:
    """Read an export: facts, and publications in the order in which they were made. Doubles count once.

    Raises:
        InvalidInputError: A line is not an event; the message names it.
    """
    facts: list[Fact] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            facts.append(fact_of(orjson.loads(line)))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            why = str(error) if type(error) is ValueError else repr(error)
            msg = f"{path}:{number}: this line is not an exported event ({why}). Export the period again."
            raise InvalidInputError(msg) from error
    closed = [fact for fact in in_order(facts) if fact.type == PeriodClosed.TYPE]
    closed.sort(key=lambda fact: (fact.source, fact.sequence))
    return facts, [_published(PeriodClosed.view(fact.data)) for fact in closed]


def _published(closed: PeriodClosed) -> Published:
    return Published(
        closed.period,
        closed.version,
        closed.as_of,
        closed.watermark,
        closed.edition_hash,
        closed.result_hash,
    )


def play(
    facts: list[Fact], published: list[Published], edition: Edition, earlier: Sequence[Edition] = ()
) -> Iterator[Again]:
    """Fold every publication again, in order, each up to its watermark and as of its moment.

    What was published under one of the ``earlier`` editions is folded under it, all else under ``edition``.
    """
    by_hash = {one.hash: one for one in earlier}
    groups = by_subject(facts)
    units = [fact for key, own in groups.items() if key.startswith(UNIT_SUBJECT) for fact in own]
    subjects = [own for key, own in groups.items() if not key.startswith(UNIT_SUBJECT)]
    known: dict[str, MonthTotals] = {}
    for one in published:
        months, under = months_of(one.period), by_hash.get(one.edition_hash, edition)
        result: PeriodResult
        if len(months) > 1:
            if missing := [str(month) for month in months if str(month) not in known]:
                msg = (
                    f"{one.period} rests on months that are not published in this file: {', '.join(missing)}. "
                    "Export the whole year."
                )
                raise InvalidInputError(msg)
            result = fold_span([known[str(month)] for month in months], under, one.period, one.as_of)
        else:
            result = fold_subjects(
                (list(up_to(own, one.watermark)) for own in subjects),
                list(up_to(units, one.watermark)),
                under,
                months[0],
                one.as_of,
                {name: totals for name, totals in known.items() if name < one.period},
            )
            known[one.period] = totals_of(result)
        yield Again(one.period, result, one)


def folded(
    events: Path,
    edition: Edition,
    periods: Sequence[str],
    as_of: str | None,
    earlier: Sequence[Edition] = (),
) -> list[Again]:
    """Fold the periods that are asked for, or else what the file says was published.

    Raises:
        InvalidInputError: There is nothing to fold, or an event is not what its type says.
    """
    facts, published = read(events)
    if not facts:
        msg = f"{events} holds no event."
        raise InvalidInputError(msg)
    if periods:
        for period in periods:
            rules_of(edition, date(*months_of(period)[0], 1))
        until = instant_of(as_of) if as_of else max(fact.time for fact in facts)
        found = fold_periods(facts, edition, periods, until)
        return [Again(name, result, None) for name, result in found.items()]
    if not published:
        msg = "The file holds no publication. Name what to fold: --period 2026-07 --period 2026-08 …"
        raise InvalidInputError(msg)
    return list(play(facts, published, edition, earlier))


def _compared(
    events: Path,
    current: Edition,
    draft: Edition,
    periods: Sequence[str],
    as_of: str | None,
    html: Path | None,
) -> list[str]:
    """Try a draft on the periods that are asked for, or that were published, and write the page."""
    facts, published = read(events)
    newest = {one.period: one.as_of for one in published}
    if periods:
        until = instant_of(as_of) if as_of else max((fact.time for fact in facts), default=None)
        newest = {period: until for period in periods if until is not None and months_of(period)}
    if not newest:
        msg = "The file holds no publication. Name what to compare: --period 2026-07 --period 2026-08 …"
        raise InvalidInputError(msg)
    found, names = what_if(facts, current, draft, newest), Names.of(facts, draft)
    if html is not None:
        html.write_text(what_if_page(found, current, draft, names), encoding="utf-8")
    return what_if_lines(found, names)


def backtest(  # noqa: PLR0913, PLR0917  # each is an option of the command line
    rulebook: Book,
    events: Annotated[Path, typer.Argument(help="Exported events, one JSON object a line.")],
    period: Annotated[
        list[str] | None,
        typer.Option(help="Fold these periods over all events instead of what was published."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="With --period: leave out what happened from this moment on.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print each result's exact bytes, one a line.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP|FOLDER",
            help="The edition that holds: show what RULEBOOK, a draft, would have changed.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="With --against: write it as a page to this file.")
    ] = None,
    earlier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GROUP|FOLDER",
            help="An edition of before: what was published under it is folded under it.",
        ),
    ] = None,
    calendars: Annotated[
        Path | None, typer.Option(help="Folder of calendars; else those beside the rulebook, or ours.")
    ] = None,
) -> None:
    """Score exported events anew: the same fold that scoring runs, so the same events give the same bytes."""
    console = Console(stderr=json)
    if against is not None:
        with refusals(2):
            editions = edition_of(against, calendars), edition_of(rulebook, calendars)
            lines = _compared(events, *editions, period or (), as_of, html)
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    with refusals(2):
        if as_of and not period:
            msg = "--as-of goes with --period: what was published is folded as of the moment that it states."
            raise InvalidInputError(msg)
        edition = edition_of(rulebook, calendars)
        before = [edition_of(one, calendars) for one in earlier or ()]
        try:
            again = folded(events, edition, period or (), as_of, before)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            msg = f"An event in {events} is not what its type says: {error!r}. Export the period again."
            raise InvalidInputError(msg) from error
    if json:
        for one in again:
            typer.echo(canonical_bytes(one.result))
    else:
        for one in again:
            _show(console, one)
    if any(one.equal is False for one in again):
        console.print("Some results differ from what was published.", style="yellow")
        raise typer.Exit(1)


def _show(console: Console, one: Again) -> None:
    verdict = {
        True: "与发布结果逐字节相同 · equal to what was published",
        False: "与发布结果不同 · differs",
        None: "",
    }[one.equal]
    console.print(f"\n[bold]{one.period}[/bold]  {verdict}")
    for ranked in one.result.rankings:
        table = Table(
            "名次 rank",
            "单位 unit",
            "得分 score",
            title=f"{ranked.ranking} {ranked.period}",
            title_justify="left",
        )
        for row in ranked.rows:
            table.add_row(str(row.rank), row.unit, row.shown)
        console.print(table)
    if isinstance(one.result, MonthResult):
        table = Table(
            "单位 unit",
            "项目 item",
            "规则 rule",
            "条款 clause",
            "分 points",
            title="扣分 postings",
            title_justify="left",
        )
        for posting in one.result.postings:
            table.add_row(
                posting.unit, posting.item or posting.sheet, posting.rule, posting.clause, str(posting.points)
            )
        console.print(table)
    for advice in getattr(one.result, "recommendations", ()):
        console.print(f"建议 {advice.unit}: {advice.text_zh} ({', '.join(advice.clauses)})")
    for award in one.result.awards:
        console.print(f"奖励 {award.unit}: {award.award} {award.amount} {award.currency}")
