"""Clause by clause: where a rulebook holds it, and what proves it. Writes ``COVERAGE.md``."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from shared.rulebook.checks import cited
from shared.rulebook.edition import Edition

GROUPS = ("general", "jinke", "luneng", "xinao", "zhongyida")
"""Every group whose regulation is written down."""

MARK = "rule"
_LEVELS = 3
"""Topic, section, entry: how far down a citation is shown."""

_STATUS = {"modelled": "modelled", "partly": "partly", "not-computable": "not computable"}


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of the catalogue.

    Attributes:
        status: What the rulebook says of it in ``rulebook.rules``, the one place where that stands.
        why: What is left to people, and why.
        keys: Section → the entries in it that cite the rule.
        proofs: Worked examples and tests that name the rule.
    """

    id: str
    zh: str
    en: str
    status: str
    why: str
    keys: Mapping[str, tuple[str, ...]]
    proofs: tuple[str, ...]


def coverage(edition: Edition, tests: Path) -> list[Row]:
    """Return a row for each rule that the rulebook lists."""
    rules = edition.slices[-1][1]
    keys = _keys(edition)
    proofs = proofs_in(tests, edition.group)
    return [
        Row(
            id=rule,
            zh=entry.zh,
            en=entry.en,
            status=_STATUS[entry.coverage],
            why=entry.why,
            keys=keys.get(rule, {}),
            proofs=tuple(sorted(proofs.get(rule, ()))),
        )
        for rule, entry in rules.rulebook.rules.items()
    ]


def page(edition: Edition, rows: list[Row]) -> str:
    """Return the text of ``COVERAGE.md``."""
    name = edition.slices[-1][1].rulebook.name
    lines = [
        f"# {name.zh}: coverage",
        "",
        f"{name.en}, edition {edition.name}.",
        f"Written by `jiandu rulebook coverage {edition.group} --write`; a test refuses a stale page.",
        "",
        "| rule | in one line | status | keys | proof |",
        "|---|---|---|---|---|",
        *(_line(row) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def proofs_in(tests: Path, group: str) -> dict[str, set[str]]:
    """Return what proves each rule: worked examples of the group, and tests that carry the mark."""
    found: dict[str, set[str]] = {}
    for path in sorted((tests / "cases" / group).glob("*.yaml")):
        for rule in _rules_of_cases(path):
            found.setdefault(rule, set()).add(f"tests/{path.relative_to(tests).as_posix()}")
    for rule, proof in _marks(tests):
        found.setdefault(rule, set()).add(proof)
    return found


@cache
def _marks(tests: Path) -> tuple[tuple[str, str], ...]:
    """Return each rule that a test is marked with, and the test."""
    return tuple(
        (rule, f"tests/{path.relative_to(tests).as_posix()}::{test}")
        for path in sorted(tests.rglob("test_*.py"))
        for test, rule in _marked(ast.parse(path.read_text("utf-8"), str(path)))
    )


def _rules_of_cases(path: Path) -> Iterator[str]:
    cases = YAML(typ="safe", pure=True).load(path.read_text("utf-8")) or []
    for case in cases:
        named = case.get("rule", ()) if isinstance(case, dict) else ()
        yield from [named] if isinstance(named, str) else named


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Return each marked test with the rules that its mark names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == f"pytest.mark.{MARK}":
                    for argument in mark.args:
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                            yield node.name, argument.value


def _keys(edition: Edition) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for _, rules in edition.slices:
        for rule, key in cited(rules):
            parts = key.split(".")[:_LEVELS]
            section, entry = ".".join(parts[:-1]), parts[-1]
            entries = found.setdefault(rule, {}).setdefault(section, [])
            if entry not in entries:
                entries.append(entry)
    return {
        rule: {section: tuple(entries) for section, entries in sections.items()}
        for rule, sections in found.items()
    }


def _line(row: Row) -> str:
    keys = "<br>".join(f"`{section}`: {', '.join(entries)}" for section, entries in row.keys.items())
    proofs = "<br>".join(f"`{proof}`" for proof in row.proofs)
    status = f"{row.status}, because: {row.why}" if row.why else row.status
    cells = (row.id, f"{row.zh}<br>{row.en}", status, keys, proofs or "none yet")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
