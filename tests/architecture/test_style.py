"""The rules of form that no tool knows."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, found, modules, shown, texts

MOST_LINES = 500
NAMELESS = {
    "utils.py",
    "util.py",
    "helpers.py",
    "common.py",
    "misc.py",
    "models.py",
    "constants.py",
    "schemas.py",
}
"""Names that say nothing of what is inside."""

SERVICE_PARTS = {"__init__", "app", "api", "events", "jobs", "handlers", "store", "domain"}

_HERE = "tests/architecture/test_style.py"
_SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore)")
_REASONED = re.compile(r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z-]+(,\s*[a-z-]+)*\])  # \w.+")
_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/")
_INDEX = re.compile(
    r"pypi\.org|pythonhosted\.org|/simple/?\b|artifactory|--(?:extra-)?index-url|--find-links"
)
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def _claims() -> Iterator[tuple[str, str]]:
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                text = ast.get_docstring(node) or ""
                if "INVARIANT:" in text:
                    yield f"{shown(path)}::{getattr(node, 'name', 'module')}", text


def _comments(path: Path) -> Iterator[str]:
    """Yield the lines with a suppression; strings that only speak of one have a quote after it."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if _SUPPRESSION.search(line):
            yield f"{shown(path)}:{number}: {line.strip()}"


def test_an_invariant_says_what_breaks_it() -> None:
    """INVARIANT: a claim that a refactoring could break silently says how.

    What breaks it: a docstring of one paragraph.
    """
    claims = dict(_claims())
    wrong = {
        name
        for name, text in claims.items()
        if not text.startswith("INVARIANT: ") or not text.partition("\n\n")[2].startswith("What breaks it: ")
    }

    assert len(claims) > 50
    assert wrong == set()


def test_a_suppression_carries_its_code_and_its_reason() -> None:
    """INVARIANT: each exception to a tool's rule can be judged where it stands.

    What breaks it: a bare suppression, or one with the code alone. Write two spaces, ``#`` and the reason.
    """
    bare = [
        line
        for path in modules()
        if shown(path) != _HERE
        for line in _comments(path)
        if not _REASONED.search(line)
    ]

    assert bare == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [shown(path) for path in texts() if path.name in NAMELESS] == []


def test_no_python_file_is_too_long_to_read() -> None:
    lengths = {shown(path): len(path.read_text("utf-8").splitlines()) for path in modules()}

    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize("name", sorted({path.stem for path in (ROOT / "bench").glob("*.py")} - {"mutants"}))
def test_a_measurement_that_no_suite_takes_can_still_be_begun(name: str) -> None:
    """``mutants`` is left out: what it needs has a lock of its own."""
    assert importlib.import_module(f"bench.{name}").__doc__


def test_a_module_says_first_what_it_holds() -> None:
    silent = [shown(path) for path, tree in modules().items() if tree.body and not ast.get_docstring(tree)]

    assert silent == []


def test_a_service_has_the_modules_of_every_service() -> None:
    """INVARIANT: who knows one service finds their way in each.

    What breaks it: a ninth module. A part that grew too long becomes a package of the same name.
    """
    services = sorted(path for path in (ROOT / "services").iterdir() if (path / "app.py").exists())
    extra = {
        shown(part)
        for service in services
        for part in service.iterdir()
        if part.name not in {"README.md", "__pycache__"} and part.stem not in SERVICE_PARTS
    }

    assert [service.name for service in services] == ["callback", "handling", "intake", "registry", "scoring"]
    assert extra == set()


def test_no_file_names_a_machine_or_a_package_index() -> None:
    """INVARIANT: the project works anywhere.

    What breaks it: a path or an address of the machine that something was written on.
    """
    # `--no-emit-index-url` keeps the address out of the lock files.
    machine = list(found(_MACHINE, _HERE))
    index = [line for line in found(_INDEX, _HERE) if "--no-emit-" not in line]

    assert machine + index == []


def test_nothing_is_left_to_be_done_later() -> None:
    assert list(found(_UNFINISHED, _HERE)) == []


def test_no_test_is_skipped() -> None:
    marks = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")

    assert list(found(marks, _HERE)) == []
