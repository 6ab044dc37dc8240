"""A unit's own norms, laid over the group's rulebook: files in, files out, and then the loader as for any rulebook.

Own norms are written as topic files. An entry of theirs holds for the unit from its own ``from`` on, in place of the
group's entry of that key or beside those that it has; before that day, and for everything else, the group's hold.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.differences import Change, changes
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from shared.rulebook.load.nodes import Branch, Leaf, Node, Row, read
from shared.rulebook.load.shape import dated_sections, topics
from shared.rulebook.load.slices import FROM
from shared.values.canonical import hash_of

SECTIONS: Mapping[str, frozenset[str]] = {
    "procedures": frozenset({"procedures", "reports", "papers", "watches", "alerts", "pauses", "extensions"}),
    "limits": frozenset({"tables"}),
    "callback": frozenset({"plans", "questionnaires", "hours"}),
    "intake": frozenset({"forms"}),
}
"""What a unit may have norms of its own of: how it works. What counts, what it costs and who decides is the group's."""

MEASURES = frozenset({"satisfied_from", "reopen_at", "needs_approval"})
"""Fields inside those sections that say what counts or who decides."""

_OWN = 1_000_000
"""Added to the lines of own norms, so that a fault in the merged text is told where its author wrote it."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a merged text, and the line that it came from."""

    text: str
    origin: int


def edition_with(base: Edition, own: Mapping[str, str], name: str) -> Edition:
    """Return the group's edition as it is for a unit with norms of its own.

    Args:
        own: Their topic files by name.
        name: What the norms are called.

    Raises:
        RulebookRefusedError: Names every fault with file and line, of the merged rulebook too.
    """
    merged, origins = overlaid(base.files, own)
    try:
        edition = edition_from_files(merged)
    except RulebookRefusedError as error:
        raise RulebookRefusedError([_placed(problem, origins, name) for problem in error.problems]) from error
    if measures := [one for one in changes(base, edition) if one.field in MEASURES]:
        raise RulebookRefusedError([_not_to_set(one, own, name) for one in measures])
    return replace(edition, name=f"{base.name}+{name}")


def _not_to_set(one: Change, own: Mapping[str, str], name: str) -> RulebookProblem:
    file = f"{one.topic}.yaml"
    branch, _ = read(file, own[file])
    section = branch.children[one.section]
    line = section.lines[one.key] if isinstance(section, Branch) else branch.lines[one.section]
    what = (
        f"'{one.section}.{one.key}.{one.field}' is not a unit's to set: the group measures all by the same."
    )
    return RulebookProblem(f"{name}/{file}", line, what, f"Leave it as the group has it: {one.was}.")


def overlaid(
    base: Mapping[str, str], own: Mapping[str, str]
) -> tuple[dict[str, str], Mapping[str, tuple[int, ...]]]:
    """Return the files of the merged rulebook, and for each file that was merged the origin of its lines.

    Raises:
        RulebookRefusedError: The norms are about something that is not a unit's to set.
    """
    problems: list[RulebookProblem] = []
    files, origins = dict(base), dict[str, tuple[int, ...]]()
    for name, text in sorted(own.items()):
        topic = name.removesuffix(".yaml")
        if topic not in SECTIONS:
            mend = f"Own norms are written in: {', '.join(f'{one}.yaml' for one in SECTIONS)}."
            problems.append(RulebookProblem(name, 1, "This file is not a unit's to set.", mend))
            continue
        branch, written = read(name, text)
        problems += written
        problems += _not_theirs(name, topic, branch)
        ground, _ = read(name, base.get(name, "{}"))
        lines = list(_lines(_laid_over(ground, _moved(branch), topic)))
        files[name] = "".join(f"{line.text}\n" for line in lines)
        origins[name] = tuple(line.origin for line in lines)
    if problems:
        raise RulebookRefusedError(problems)
    return files, origins


def pack(files: Mapping[str, str]) -> str:
    """Return files as one text that travels in an event: JSON, zlib, base64. ``load.unbundle`` reads it."""
    return base64.b64encode(
        zlib.compress(json.dumps(dict(sorted(files.items())), ensure_ascii=False).encode(), 9)
    ).decode()


def hash_of_norms(unit: str, files: Mapping[str, str], until: date | None) -> str:
    """Return what names own norms: whose they are, what they say and until when."""
    return hash_of({"unit": unit, "files": dict(files), "until": until.isoformat() if until else None})


def _not_theirs(name: str, topic: str, own: Branch) -> Iterator[RulebookProblem]:
    known = dated_sections(topics()[topic])
    for section in own.children:
        if section not in SECTIONS[topic] or section not in known:
            mend = f"Own norms may hold: {', '.join(sorted(SECTIONS[topic]))}."
            yield RulebookProblem(name, own.lines[section], f"'{section}' is not a unit's to set.", mend)


def _laid_over(base: Branch, own: Branch, topic: str) -> Branch:
    children, lines = dict(base.children), dict(base.lines)
    for section, node in own.children.items():
        ground = base.children.get(section)
        is_known = section in dated_sections(topics()[topic])
        if is_known and isinstance(ground, Branch) and isinstance(node, Branch):
            children[section] = _entries(ground, node)
        else:
            children[section], lines[section] = node, own.lines[section]
    return Branch(children, lines, base.line)


def _entries(base: Branch, own: Branch) -> Branch:
    """Let the unit's entries follow the group's earlier ones of the same key; from then on they are its own."""
    children, lines = dict(base.children), dict(base.lines)
    for key, node in own.children.items():
        theirs = node.items if isinstance(node, Row) else (node,)
        first = _since(theirs[0]) if theirs else None
        ground = base.children.get(key)
        listed = ground.items if isinstance(ground, Row) else (ground,) if ground else ()
        kept = [one for one in listed if first is None or (_since(one) or first) < first]
        children[key] = Row((*kept, *theirs), own.lines[key])
        lines[key] = own.lines[key]
    return Branch(children, lines, base.line)


def _since(node: Node) -> date | None:
    found = node.children.get(FROM) if isinstance(node, Branch) else None
    return found.value if isinstance(found, Leaf) and isinstance(found.value, date) else None


def _moved(node: Branch) -> Branch:
    """Return own norms with lines that cannot be taken for the group's."""

    def moved(one: Node) -> Node:
        if isinstance(one, Leaf):
            return Leaf(one.value, one.line + _OWN)
        if isinstance(one, Row):
            return Row(tuple(moved(item) for item in one.items), one.line + _OWN)
        return _moved(one)

    return Branch(
        {key: moved(child) for key, child in node.children.items()},
        {key: line + _OWN for key, line in node.lines.items()},
        node.line + _OWN,
    )


def _lines(node: Node, lead: str = "", tail: str = "", line: int = 0) -> Iterator[_Line]:
    """Write a node as the flow form of YAML, each key and item on a line of its own."""
    at = line or node.line
    if isinstance(node, Leaf):
        yield _Line(f"{lead}{_word(node)}{tail}", at)
        return
    opens, closes = ("{", "}") if isinstance(node, Branch) else ("[", "]")
    yield _Line(f"{lead}{opens}", at)
    if isinstance(node, Branch):
        for key, child in node.children.items():
            yield from _lines(child, f"{json.dumps(key)}: ", ",", node.lines[key])
    else:
        for item in node.items:
            yield from _lines(item, "", ",")
    yield _Line(f"{closes}{tail}", at)


def _word(leaf: Leaf) -> str:
    if isinstance(leaf.value, bool):
        return str(leaf.value).lower()
    return json.dumps(leaf.value, ensure_ascii=False) if isinstance(leaf.value, str) else str(leaf.value)


def _placed(problem: RulebookProblem, origins: Mapping[str, tuple[int, ...]], name: str) -> RulebookProblem:
    """Return a fault of the merged text where it was written."""
    if problem.file not in origins:
        return problem
    origin = origins[problem.file][problem.line - 1]
    if origin < _OWN:
        return replace(problem, line=origin)
    return replace(problem, file=f"{name}/{problem.file}", line=origin - _OWN)
