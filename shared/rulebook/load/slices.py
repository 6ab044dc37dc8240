"""From dated entries to the flat book of each day on which something changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from shared.errors import RulebookProblem
from shared.rulebook.load.nodes import Branch, Leaf, Node, Row, value_of
from shared.rulebook.load.shape import Loc, dated_sections, topics

FROM = "from"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """What one file holds."""

    file: str
    root: Branch

    def place(self, loc: Loc) -> Place:
        """Return where the thing at ``loc`` stands, or the nearest thing around it that is written down."""
        node: Node = self.root
        line = node.line
        for part in loc:
            inside = inside_of(node, part)
            if inside is not None:
                line = node.lines[str(part)] if isinstance(node, Branch) else inside.line
                node = inside
        return Place(self.file, line)

    def path(self, loc: Loc) -> tuple[str | int, ...]:
        """Return ``loc`` without the parts that only name a choice of the schema."""
        node: Node = self.root
        path: list[str | int] = []
        for part in loc:
            inside = inside_of(node, part)
            if inside is not None:
                node = inside
                path.append(part)
        return tuple(path)

    def leaves(self) -> Iterator[tuple[Loc, Leaf]]:
        """Return every value with its place."""
        yield from _leaves((), self.root)


@dataclass(frozen=True, slots=True)
class Slice:
    """The book of one day: each topic with the entries that hold on it."""

    first: date
    pages: Mapping[str, Page]

    def plain(self) -> dict[str, Any]:
        """Return the book as plain values, ready to be validated."""
        return {topic: value_of(page.root) for topic, page in self.pages.items()}

    def page(self, topic: str) -> Page:
        """Return the page of a topic, empty where the book has none."""
        return self.pages.get(topic, Page(f"{topic}.yaml", Branch({}, {}, 1)))


def inside_of(node: Node, part: str | int) -> Node | None:
    """Return what a node holds under a key or a number, None where it holds nothing there."""
    if isinstance(node, Branch):
        return node.children.get(str(part))
    if isinstance(node, Row) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def _leaves(loc: tuple[str | int, ...], node: Node) -> Iterator[tuple[Loc, Leaf]]:
    if isinstance(node, Leaf):
        yield loc, node
    elif isinstance(node, Row):
        for index, item in enumerate(node.items):
            yield from _leaves((*loc, index), item)
    else:
        for key, child in node.children.items():
            yield from _leaves((*loc, key), child)


def slices_of(book: Mapping[str, Branch]) -> tuple[list[Slice], list[RulebookProblem]]:
    """Return the book of each day on which an entry begins, in order, with every fault of the dates."""
    days: set[date] = set()
    problems: list[RulebookProblem] = []
    for topic, branch in book.items():
        for place, entries in _dated(topic, branch):
            days |= {day for entry in entries if (day := _since(entry))}
            problems += _disorder(place, entries)
    return [_slice(book, day) for day in sorted(days)], problems


def _slice(book: Mapping[str, Branch], day: date) -> Slice:
    return Slice(
        day, {topic: Page(f"{topic}.yaml", _on(topic, branch, day)) for topic, branch in book.items()}
    )


def _dated(topic: str, branch: Branch) -> Iterator[tuple[Place, tuple[Node, ...]]]:
    """Return the entries of each key of the dated sections, with the place of the key."""
    for section in dated_sections(topics()[topic]):
        node = branch.children.get(section)
        if isinstance(node, Branch):
            for key, entry in node.children.items():
                place = Place(f"{topic}.yaml", node.lines[key])
                yield place, entry.items if isinstance(entry, Row) else (entry,)


def _since(entry: Node) -> date | None:
    if not isinstance(entry, Branch):
        return None
    node = entry.children.get(FROM)
    return node.value if isinstance(node, Leaf) and isinstance(node.value, date) else None


def _disorder(place: Place, entries: tuple[Node, ...]) -> Iterator[RulebookProblem]:
    if not entries:
        yield RulebookProblem(
            place.file, place.line, "The list is empty.", "Give an entry, or delete the key."
        )
    for earlier, later in pairwise(entries):
        before, after = _since(earlier), _since(later)
        if before and after and after <= before:
            relation = "begins on the same day as" if after == before else "begins before"
            what = f"The entry from {after} {relation} the one above it, from {before}."
            yield RulebookProblem(
                place.file, later.line, what, "Order the entries by 'from', each with a day of its own."
            )


def _on(topic: str, branch: Branch, day: date) -> Branch:
    children, lines = dict(branch.children), dict(branch.lines)
    for section in dated_sections(topics()[topic]):
        node = branch.children.get(section)
        if isinstance(node, Branch):
            children[section] = _section_on(node, day)
    return Branch(children, lines, branch.line)


def _section_on(section: Branch, day: date) -> Branch:
    children: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, entry in section.children.items():
        listed = entry.items if isinstance(entry, Row) else (entry,)
        # An entry without a day stays, so that the schema can refuse it.
        begun = [one for one in listed if (_since(one) or day) <= day]
        if begun:
            children[key] = max(begun, key=lambda one: _since(one) or date.max)
            lines[key] = children[key].line if isinstance(entry, Row) else section.lines[key]
    return Branch(children, lines, section.line)
