"""A rulebook told back in sentences, Chinese first: what its author wrote, for who must live by it.

Each class of entry has its words in the module of its topic; limits speak in their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel

from jiandu.rulebook.explain import calling, group, handling, measuring, ranking
from jiandu.rulebook.explain.words import Book, Under, line, parts, titled
from shared.rulebook.schema import CalendarUse, Rules
from shared.rulebook.schema.base import Rule
from shared.rulebook.schema.group import CatalogueEntry
from shared.timekeeping.base_types import Line

__all__ = ["Said", "calling", "group", "handling", "measuring", "ranking", "sentence", "sentences"]


@dataclass(frozen=True, slots=True)
class Said:
    """One entry in words.

    Attributes:
        key: Where it stands, for example ``procedures.procedures.invalid``.
        clause: Rules of the catalogue that it comes from.
        cites: Those, and the ones that its steps or items come from.
        since: First day in force.
        lines: Its sentence, then a line for each step, row or item.
        note: How the text was read.
    """

    key: str
    clause: tuple[str, ...]
    cites: frozenset[str]
    since: date | None
    lines: tuple[Line, ...]
    note: str


_WHOLE = frozenset({"calendar"})
"""Topics without entries, told as one."""


def sentences(rules: Rules, key: str = "") -> Iterator[Said]:
    """Yield every entry of one day's rules in words; with ``key`` those that it names or holds."""
    book = Book(rules)
    for topic in type(rules).model_fields:
        page = getattr(rules, topic)
        if topic in _WHOLE and key in {"", topic}:
            yield sentence(topic, page, book)
        for section in type(page).model_fields:
            entries = getattr(page, section)
            for name, entry in entries.items() if isinstance(entries, Mapping) else ():
                where = f"{topic}.{section}.{name}"
                if isinstance(entry, BaseModel) and (f"{where}.".startswith(f"{key}.") or not key):
                    yield sentence(where, entry, book)


def sentence(key: str, entry: BaseModel, book: Book) -> Said:
    """Return one entry in words."""
    name = key.rpartition(".")[2]
    clause: tuple[str, ...] = entry.source if isinstance(entry, Rule) else ()
    title = titled(entry.title) if isinstance(entry, Rule) else line(name, name)
    if isinstance(entry, CatalogueEntry):
        clause, title = (name,), titled(entry)
    if isinstance(entry, CalendarUse):
        title = line("工作时间", "working hours")
    own: list[Line] = []
    below: list[Under] = []
    for part in parts(entry, book):
        if isinstance(part, Under):
            below.append(part)
        else:
            own.append(part)
    return Said(
        key=key,
        clause=clause,
        cites=frozenset(clause).union(*(one.source for one in below)),
        since=entry.since if isinstance(entry, Rule) else None,
        lines=(_line(title, own, clause), *_numbered(below)),
        note=entry.note if isinstance(entry, Rule) else "",
    )


def _numbered(below: list[Under]) -> Iterator[Line]:
    """Number the lines below an entry: 1, 2, and 2.1 for a line that belongs to the second."""
    number, inner = 0, 0
    for one in below:
        number, inner = (number + 1, 0) if one.level == 1 else (number, inner + 1)
        shown = f"{number}.{inner}" if inner else str(number)
        yield _line(line(f"（{shown}）{one.title.zh}", f"({shown}) {one.title.en}"), one.parts, one.source)


def _line(title: Line, said: list[Line] | tuple[Line, ...], clause: tuple[str, ...]) -> Line:
    """Join title, parts and clause to one sentence."""
    zh, en = title.zh, title.en
    if said:
        zh, en = f"{zh}：{'；'.join(one.zh for one in said)}", f"{en}: {'; '.join(one.en for one in said)}"
    if clause:
        zh, en = f"{zh}（{'、'.join(clause)}）", f"{en} ({', '.join(clause)})"
    return line(f"{zh}。", f"{en}.".replace("the the ", "the "))
