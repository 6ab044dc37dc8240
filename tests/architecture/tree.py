"""The files that the project's own rules are checked on."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FOLDERS = (".ci", "bench", "deploy", "docs", "jiandu", "rulebooks", "services", "shared", "tests")
_TEXTS = {"", ".example", ".json", ".lock", ".md", ".py", ".toml", ".yaml", ".yml"}
_OWN_TO_A_MACHINE = {".env", ".git", ".coverage"}


@cache
def texts() -> tuple[Path, ...]:
    """Every text file of the project; what tools leave behind is not among them."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for name in _FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
    return tuple(
        sorted(
            path
            for path in (*top, *below)
            if path.suffix in _TEXTS
            and path.name not in _OWN_TO_A_MACHINE
            and not {"__pycache__"} & set(path.parts)
        )
    )


@cache
def modules() -> dict[Path, ast.Module]:
    """Every Python file, parsed."""
    return {path: ast.parse(path.read_text("utf-8")) for path in texts() if path.suffix == ".py"}


def shown(path: Path) -> str:
    """Name a file as it is named in the project."""
    return path.relative_to(ROOT).as_posix()


def found(pattern: re.Pattern[str], *but: str) -> Iterator[str]:
    """Give ``file:line: text`` for each line of the project that a pattern is found in."""
    for path in texts():
        if shown(path) not in but:
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                if pattern.search(line):
                    yield f"{shown(path)}:{number}: {line.strip()[:100]}"
