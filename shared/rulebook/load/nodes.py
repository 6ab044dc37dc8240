"""YAML 1.2 text → nodes that know their line, with the traps closed.

What another reader of YAML could take for something else (``yes``, ``08:00``, ``010``) is refused,
because a rulebook must mean the same to everybody who reads it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from shared.errors import RulebookProblem

MOST_BYTES = 1 << 20
MOST_ALIASES = 20
DEEPEST = 40
LONGEST_SHOWN = 40

Scalar = str | int | bool | Decimal | date

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"[0-9]{1,3}(:[0-9]{1,2})+(\.[0-9]*)?")
_ODD_NUMBER = re.compile(
    r"[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]+|\.(inf|nan))",
    re.IGNORECASE,
)
_ANSWERS = frozenset({"yes", "no", "on", "off", "y", "n"})
_EMPTY = frozenset({"", "~", "null"})
_TRIGGER_KEY = "on"
"""The one word of the vocabulary that YAML 1.1 would have read as ``true``; as a key it is known."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value."""

    value: Scalar
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    items: "tuple[Node, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping; ``lines`` holds the line of each key."""

    children: "dict[str, Node]"
    lines: dict[str, int]
    line: int


Node = Leaf | Row | Branch


def value_of(node: Node) -> Any:  # noqa: ANN401  # any shape that YAML can hold
    """Return the plain value of a node."""
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, Row):
        return [value_of(item) for item in node.items]
    return {key: value_of(child) for key, child in node.children.items()}


@lru_cache(maxsize=64)
def read(name: str, text: str) -> tuple[Branch, tuple[RulebookProblem, ...]]:
    """Return the mapping that a file holds, with every fault of its writing.

    What could be read is returned beside the faults, so that a caller can look for more of them.
    Answers are remembered: of an amended edition most files are the same as before.
    """
    nothing = Branch({}, {}, 1)
    if len(text.encode()) > MOST_BYTES:
        what, mend = (
            "The file is larger than 1 MiB.",
            "Split nothing off a rulebook that long: look what fills it.",
        )
        return nothing, (RulebookProblem(name, 1, what, mend),)
    reader = _Reader(name)
    try:
        root = reader.document(_parse(text))
    except YAMLError as error:
        return nothing, (*reader.problems, _syntax(name, error))
    except _GaveUpError:
        return nothing, tuple(reader.problems)
    if root is None:
        return nothing, tuple(reader.problems)
    if not isinstance(root, Branch):
        reader.refuse(
            root.line, "The file does not hold 'key: value' pairs.", "Begin with the file's sections."
        )
        return nothing, tuple(reader.problems)
    return root, tuple(reader.problems)


def _parse(text: str) -> Iterator[Event]:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    yield from yaml.parse(text)


def _syntax(name: str, error: YAMLError) -> RulebookProblem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return RulebookProblem(
        name,
        mark.line + 1 if mark else 1,
        f"This is no valid YAML: {said}.",
        "Look at indentation, colons, brackets and quotes on this line and the one above.",
    )


class _GaveUpError(Exception):
    """The file goes beyond a bound; reading on would be unsafe."""


@dataclass(slots=True)
class _Reader:
    """Builds nodes from the parser's events."""

    name: str
    problems: list[RulebookProblem] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    aliases: int = 0

    def refuse(self, line: int, what: str, mend: str) -> None:
        self.problems.append(RulebookProblem(self.name, line, what, mend))

    def document(self, events: Iterator[Event]) -> Node | None:
        """Return the first document's node, None where the file is empty."""
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(_line(event), "A second document begins here.", "Keep one; delete the '---'.")
                    raise _GaveUpError
                if event.version and tuple(event.version) != (1, 2):
                    self.refuse(
                        _line(event), "The file asks for another YAML than 1.2.", "Delete the %YAML line."
                    )
            elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent):
                is_empty = isinstance(event, ScalarEvent) and event.value == "" and not event.style
                root = None if is_empty else self.node(event, events, 1)
        return root

    def node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        if depth > DEEPEST:
            self.refuse(_line(event), f"More than {DEEPEST} levels deep.", "Flatten the entry.")
            raise _GaveUpError
        if isinstance(event, AliasEvent):
            return self.alias(event)
        tag = getattr(event, "tag", None)
        if tag:
            self.refuse(_line(event), f"The tag '{tag}' is not part of a rulebook.", "Delete it.")
        node: Node
        if isinstance(event, MappingStartEvent):
            node = self.mapping(event, events, depth)
        elif isinstance(event, SequenceStartEvent):
            items = []
            for inside in events:
                if isinstance(inside, SequenceEndEvent):
                    break
                items.append(self.node(inside, events, depth + 1))
            node = Row(tuple(items), _line(event))
        else:
            node = self.scalar(event)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = node
        return node

    def alias(self, event: AliasEvent) -> Node:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            self.refuse(
                _line(event),
                f"More than {MOST_ALIASES} aliases.",
                "Write the entries out; a reader needs them.",
            )
            raise _GaveUpError
        found = self.anchors.get(event.anchor)
        if found is None:
            self.refuse(_line(event), f"Nothing above is called '&{event.anchor}'.", "Write the entry out.")
            return Leaf("", _line(event))
        return found

    def mapping(self, start: MappingStartEvent, events: Iterator[Event], depth: int) -> Branch:
        children: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            line = _line(event)
            key = self.key(event, events, depth)
            child = self.node(next(events), events, depth + 1)
            if key in children:
                self.refuse(
                    line,
                    f"'{key}' stands here a second time; line {lines[key]} has it.",
                    "Keep one of the two.",
                )
            else:
                children[key], lines[key] = child, line
        return Branch(children, lines, _line(start))

    def key(self, event: Event, events: Iterator[Event], depth: int) -> str:
        if not isinstance(event, ScalarEvent):
            self.node(event, events, depth + 1)
            self.refuse(_line(event), "A key must be one word.", "Write 'key: value'.")
            return ""
        key = str(event.value)
        if not event.style and key.lower() in _ANSWERS and key != _TRIGGER_KEY:
            self.refuse(
                _line(event),
                f"The key '{key}' means true or false to some readers of YAML.",
                "Choose another word.",
            )
        elif not _KEY.fullmatch(key):
            self.refuse(
                _line(event),
                f"'{key[:LONGEST_SHOWN]}' cannot be a key.",
                "Use at most 60 letters, digits and hyphens, beginning with a letter.",
            )
        return key

    def scalar(self, event: Event) -> Leaf:
        text, line = str(getattr(event, "value", "")), _line(event)
        if getattr(event, "style", None):
            return Leaf(text, line)
        trap = _trap(text)
        if trap:
            self.refuse(line, *trap)
            return Leaf(text, line)
        return Leaf(self.plain(text, line), line)

    def plain(self, text: str, line: int) -> Scalar:
        """Return the value of an unquoted word by the few forms that a rulebook knows."""
        if text in {"true", "false"}:
            return text == "true"
        if _WHOLE.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        if _DAY.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self.refuse(
                    line,
                    f"{text} is no day of the calendar.",
                    "Write year-month-day, for example 2026-07-01.",
                )
        return text


def _trap(text: str) -> tuple[str, str] | None:
    """Say why an unquoted word is refused, and how to mend it; None where it is plain to everybody."""
    lower = text.lower()
    plain = _WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text) or _DAY.fullmatch(text)
    said: tuple[str, str] | None = None
    if lower in _EMPTY:
        said = "The value is empty.", "Give a value, or delete the key."
    elif lower in _ANSWERS:
        said = (
            f"'{text}' means true or false to some readers of YAML.",
            f'Write true or false, or "{text}" in quotes.',
        )
    elif lower in {"true", "false"} and text != lower:
        said = f"'{text}' is written in another way than the rest.", f"Write {lower}."
    elif _CLOCK.fullmatch(text):
        said = f"'{text}' is a number to some readers of YAML.", f'Write "{text}" in quotes.'
    elif not plain and _ODD_NUMBER.fullmatch(text):
        said = (
            f"'{text}' is read differently by different readers.",
            "Write it plainly, or in quotes as text.",
        )
    return said


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
