"""The commands of ``jiandu rulebook``: check, schema, template, show, explain, diff, due, coverage."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from jiandu.reading import ROOT, Book, day_of, edition_of, folder_of, instant_of, refusals
from jiandu.rulebook.coverage import coverage as covered
from jiandu.rulebook.coverage import page
from jiandu.rulebook.diff import Altered, altered
from jiandu.rulebook.due import (
    DueDate,
    callback_due,
    duty_due,
    moments_of,
    of_clock,
    publication_due,
    rules_of,
    step_clock,
    watch_clock,
)
from jiandu.rulebook.explain import Said, sentences
from jiandu.rulebook.schema import schemas
from jiandu.rulebook.start import start
from shared.errors import InvalidInputError, RulebookProblem, RulebookRefusedError
from shared.rulebook.checks import organisation_faults
from shared.rulebook.edition import Edition
from shared.rulebook.load import ORGANISATION, load_organisation
from shared.timekeeping.base_types import Line
from shared.timekeeping.wording import say_due

app = typer.Typer(name="rulebook", help="Check, show and question a rulebook.", no_args_is_help=True)
console = Console()

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


class Language(StrEnum):
    """Language of explanations."""

    ZH = "zh"
    EN = "en"


InLanguage = Annotated[Language | None, typer.Option("--lang", help="One language instead of both.")]


@app.command()
def check(book: Book) -> None:
    """Read a rulebook and name every fault with file, line and remedy. Ends with code 1 if there is one."""
    with refusals(1):
        edition = edition_of(book)
        path = folder_of(book) / ORGANISATION
        if path.exists():
            rules = edition.slices[-1][1]
            found = organisation_faults(load_organisation(path), rules)
            if found:
                raise RulebookRefusedError(
                    [
                        RulebookProblem(str(path), 1, f"{'.'.join(map(str, one.loc))}: {one.what}", one.mend)
                        for one in found
                    ]
                )
    entries = sum(1 for _ in _entries(edition.slices[-1][1]))
    dates = "1 date" if len(edition.slices) == 1 else f"{len(edition.slices)} dates"
    sound = f"{edition.group} {edition.name} is sound: {entries} entries, {dates}, hash {edition.hash[:12]}"
    _print(sound)


@app.command()
def schema(
    folder: Annotated[
        Path, typer.Argument(help="Folder that the schemas are written to, for example .schemas.")
    ],
) -> None:
    """Write a JSON Schema for each file of a rulebook, for editors.

    A file names its own in its first line: # yaml-language-server: $schema=../../.schemas/intake.json
    """
    folder.mkdir(parents=True, exist_ok=True)
    for topic, text in schemas().items():
        (folder / f"{topic}.json").write_text(text, encoding="utf-8")
        _print(str(folder / f"{topic}.json"))


@app.command()
def template(
    folder: Annotated[Path, typer.Argument(help="New or empty folder; its name becomes the group's.")],
) -> None:
    """Write a small sound rulebook with comments, to begin from."""
    with refusals(1):
        written = start(folder)
    for path in written:
        _print(str(path))
    _print(f"jiandu rulebook check {folder}")


@app.command()
def show(
    book: Book,
    key: Annotated[str, typer.Argument(help="A key such as procedures.procedures.invalid.")] = "",
    on: Annotated[
        str, typer.Option(help="The day whose rules are shown; by default those that come last.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the rules of a day as a tree."""
    with refusals(1):
        edition = edition_of(book)
        rules = rules_of(edition, day_of(on)) if on else edition.slices[-1][1]
        found = _find(rules, key)
    if as_json:
        console.print_json(json.dumps(_plain(found), ensure_ascii=False))
        return
    tree = Tree(f"[bold]{edition.group} {edition.name}[/bold] {key}".rstrip())
    _grow(tree, _plain(found))
    # Wider than any line: a key or a value that is cut cannot be copied.
    Console(width=10_000, soft_wrap=True).print(tree)


@app.command()
def explain(
    book: Book,
    key: Annotated[
        str, typer.Argument(help="A key such as procedures.watches, or a clause such as JK-05.")
    ] = "",
    on: Annotated[
        str, typer.Option(help="The day whose rules are told; by default those that come last.")
    ] = "",
    language: InLanguage = None,
    as_json: Json = False,
) -> None:
    """Tell the regulation back in sentences. A draft may be told too."""
    with refusals(1):
        edition = edition_of(book)
        rules = rules_of(edition, day_of(on)) if on else edition.slices[-1][1]
        told = [
            one
            for one in sentences(rules, "" if key in rules.rulebook.rules else key)
            if key not in rules.rulebook.rules or key in one.cites
        ]
        if not told:
            msg = f"There is no '{key}' to explain. 'jiandu rulebook show' without a key shows all keys."
            raise InvalidInputError(msg)
    if as_json:
        console.print_json(json.dumps([_said_as_json(one) for one in told], ensure_ascii=False))
        return
    for one in told:
        since = f"  自 from {one.since}" if one.since and one.since > edition.slices[0][0] else ""
        _print(f"{one.key}{since}", "cyan")
        for spoken in one.lines:
            for words in _in(language, spoken):
                _print(f"  {words}")
        if one.note:
            _print(f"  注 note: {one.note}", "dim")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A group under rulebooks/, or a folder.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    language: InLanguage = None,
    as_json: Json = False,
) -> None:
    """Tell in sentences what differs between two editions. Either may be a draft."""
    with refusals(1):
        found = list(altered(edition_of(old), edition_of(new)))
    if as_json:
        console.print_json(json.dumps([_altered_as_json(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        until = f"  至 before {one.until}" if one.until else ""
        wording = "  仅文字 wording only" if one.is_wording else ""
        _print(f"{one.key}  自 from {one.since}{until}{wording}", "cyan")
        for mark, spoken in (("-", one.was), ("+", one.now)):
            for line in spoken:
                for words in dict.fromkeys(_in(language, line)):
                    _print(f"  {mark} {words}")
    if not found:
        _print("两版内容相同  the two say the same")


@app.command()
def due(  # noqa: PLR0913, PLR0917  # each is an option of the command line
    book: Book,
    procedure: Annotated[str, typer.Option(help="Procedure of the step.")] = "",
    step: Annotated[str, typer.Option(help="Step of the procedure.")] = "",
    watch: Annotated[str, typer.Option(help="A watch on the whole case instead.")] = "",
    callback: Annotated[str, typer.Option(help="A callback plan instead.")] = "",
    obligation: Annotated[str, typer.Option(help="A duty that comes round instead.")] = "",
    publication: Annotated[str, typer.Option(help="A publication instead.")] = "",
    begins: Annotated[
        str,
        typer.Option(
            "--from",
            help="When the clock starts, with offset; for duties a day of the period they answer for.",
        ),
    ] = "",
    item: Annotated[str, typer.Option(help="Row of a table of limits by item.")] = "",
    grade: Annotated[str, typer.Option(help="Row of a table of limits by grade.")] = "",
    tier: Annotated[str, typer.Option(help="Row of a table of limits by tier of service.")] = "",
    service: Annotated[str, typer.Option(help="Row of a table of limits by service line.")] = "",
    again: Annotated[bool, typer.Option(help="A later occurrence of the step.")] = False,
    received: Annotated[
        str, typer.Option(help="When the matter was received, whose rules hold; by default --from.")
    ] = "",
    moment: Annotated[
        list[str] | None, typer.Option(help="A moment of the case: handover=2026-08-20T09:00:00+08:00.")
    ] = None,
    language: InLanguage = None,
    as_json: Json = False,
) -> None:
    """Compute a due date and explain it."""
    with refusals(1):
        edition = edition_of(book)
        asked = {
            "step": step,
            "watch": watch,
            "callback": callback,
            "obligation": obligation,
            "publication": publication,
        }
        if sum(map(bool, asked.values())) != 1:
            msg = f"State exactly one of {', '.join('--' + name for name in asked)}."
            raise InvalidInputError(msg)
        if not begins:
            msg = "State --from: the moment at which the clock starts, or a day of the period."
            raise InvalidInputError(msg)
        if obligation:
            found = duty_due(edition, obligation, day_of(begins))
        elif publication:
            found = publication_due(edition, publication, day_of(begins))
        elif callback:
            found = callback_due(edition, callback, instant_of(begins))
        else:
            at, named = instant_of(begins), moments_of(moment or [])
            since = instant_of(received) if received else None
            if watch:
                clock = watch_clock(edition, watch, at, named, received=since)
            else:
                rows = {"item": item, "grade": grade, "tier": tier, "service": service}
                clock = step_clock(edition, procedure, step, at, rows, named, again=again, received=since)
            found = of_clock(edition, clock)
    if as_json:
        console.print_json(json.dumps(_as_json(found, edition), ensure_ascii=False))
        return
    shown = say_due(found.due_before, edition.calendar)
    provisional = "  暂定 provisional" if found.provisional else ""
    console.print(f"[bold]{shown.zh}  {shown.en}[/bold]{provisional}", highlight=False, soft_wrap=True)
    for line in found.lines:
        _print(f"  {'  '.join(_in(language, line))}")


@app.command()
def coverage(
    book: Book,
    write: Annotated[bool, typer.Option("--write", help="Write COVERAGE.md instead of showing it.")] = False,
    tests: Annotated[Path, typer.Option(help="Where the proofs are.", exists=True, file_okay=False)] = ROOT
    / "tests",
) -> None:
    """Show clause by clause where the rulebook holds it and what proves it."""
    with refusals(1):
        edition = edition_of(book)
        rows = covered(edition, tests)
        text = page(edition, rows)
        if not write:
            _print(text, end="")
            return
        path = folder_of(book) / "COVERAGE.md"
        path.write_text(text, encoding="utf-8")
    unproved = [row.id for row in rows if not row.proofs]
    _print(f"wrote {path}; without proof: {', '.join(unproved) or 'none'}")


def _print(words: str, style: str | None = None, end: str = "\n") -> None:
    """Print words as they are: nothing in them is markup, and no line is broken."""
    console.print(words, style=style, end=end, markup=False, highlight=False, soft_wrap=True)


def _in(language: Language | None, line: Line) -> tuple[str, ...]:
    """Return the words of one language, or of both, Chinese first."""
    words = {Language.ZH: line.zh, Language.EN: line.en}
    return (words[language],) if language else (line.zh, line.en)


def _words(lines: tuple[Line, ...]) -> dict[str, list[str]]:
    return {"zh": [line.zh for line in lines], "en": [line.en for line in lines]}


def _said_as_json(said: Said) -> dict[str, Any]:
    return {
        "key": said.key,
        "clause": said.clause,
        "from": said.since.isoformat() if said.since else None,
        **_words(said.lines),
        "note": said.note,
    }


def _altered_as_json(one: Altered) -> dict[str, Any]:
    return {
        "key": one.key,
        "from": one.since.isoformat(),
        "before": one.until.isoformat() if one.until else None,
        "fields": one.fields,
        "wording_only": one.is_wording,
        "was": _words(one.was),
        "now": _words(one.now),
    }


def _find(part: object, key: str) -> object:
    for name in filter(None, key.split(".")):
        inside: object = None
        if isinstance(part, BaseModel):
            fields = {field.alias or one: one for one, field in type(part).model_fields.items()}
            inside = getattr(part, fields[name]) if name in fields else None
        elif isinstance(part, Mapping):
            inside = part.get(name)
        if inside is None:
            msg = f"There is no '{name}' in '{key}'. 'jiandu rulebook show' without a key shows all keys."
            raise InvalidInputError(msg)
        part = inside
    return part


def _plain(part: object) -> Any:  # noqa: ANN401  # plain JSON
    if isinstance(part, BaseModel):
        return part.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(part, Mapping):
        return {key: _plain(inside) for key, inside in part.items()}
    return list(map(_plain, part)) if isinstance(part, tuple) else part


def _grow(tree: Tree, part: Any) -> None:  # noqa: ANN401  # plain JSON
    """Hang a part under a branch; titles, single values and lists of them become one line."""
    if not _is_deep(part):
        tree.add(_line(part))
        return
    for key, inside in part.items() if isinstance(part, dict) else enumerate(part):
        name = f"[cyan]{escape(str(key))}[/cyan]"
        if _is_deep(inside):
            _grow(tree.add(name), inside)
        else:
            tree.add(f"{name} {_line(inside)}")


def _is_deep(part: object) -> bool:
    if isinstance(part, dict):
        return part.keys() != {"zh", "en"}
    return isinstance(part, list) and any(isinstance(one, dict | list) for one in part)


def _line(part: Any) -> str:  # noqa: ANN401  # plain JSON
    if isinstance(part, dict):
        return escape(f"{part['zh']}  {part['en']}")
    return escape(", ".join(map(str, part)) if isinstance(part, list) else str(part))


def _entries(part: object) -> Iterator[str]:
    """Return the key of every entry that cites a rule."""
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _entries(getattr(part, name))
    elif isinstance(part, Mapping):
        for key, inside in part.items():
            if getattr(inside, "source", ()):
                yield key
            yield from _entries(inside)


def _as_json(found: DueDate, edition: Edition) -> dict[str, Any]:
    return {
        "due_before": found.due_before.isoformat().replace("+00:00", "Z"),
        "local": found.due_before.astimezone(edition.calendar.zone).isoformat(),
        "earliest": found.earliest.isoformat().replace("+00:00", "Z") if found.earliest else None,
        "provisional": found.provisional,
        "clause": found.clause,
        "period": found.period,
        "month": found.month,
        "edition": edition.name,
        "edition_hash": edition.hash,
        "explanation_zh": [line.zh for line in found.lines],
        "explanation_en": [line.en for line in found.lines],
    }
