"""What a command is given as text: a rulebook, a day, a moment. And how a refusal is shown: its words alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from shared.errors import InvalidInputError, SupervisionError
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition
from shared.values.bounds import Day, Instant

ROOT = Path(__file__).parents[1]
RULEBOOKS = ROOT / "rulebooks"

Book = Annotated[str, typer.Argument(metavar="GROUP|FOLDER", help="A group under rulebooks/, or a folder.")]

_DAY: TypeAdapter[date] = TypeAdapter(Day)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@contextmanager
def refusals(code: int) -> Iterator[None]:
    """Show an expected failure as its message, without a traceback, and end with ``code``."""
    try:
        yield
    except (SupervisionError, OSError) as error:
        named = isinstance(error, OSError) and error.filename is not None
        said = f"{error.filename}: {error.strerror}." if isinstance(error, OSError) and named else str(error)
        Console(stderr=True).print(said, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(code) from None


def folder_of(book: str) -> Path:
    """Return the folder of a rulebook that is named by its group or by its folder."""
    named = Path(book)
    return named if book and named.is_dir() else RULEBOOKS / book


def edition_of(book: str, calendars: Path | None = None) -> Edition:
    """Read a rulebook, with the calendars that are given, lie in it or beside it, or are ours.

    Raises:
        InvalidInputError: There is no such group or folder.
        RulebookRefusedError: It has faults.
    """
    folder = folder_of(book)
    if not book or not folder.is_dir():
        groups = ", ".join(sorted(path.parent.name for path in RULEBOOKS.glob("*/rulebook.yaml")))
        msg = f"There is no group and no folder '{book}'. Groups: {groups}."
        raise InvalidInputError(msg)
    there = [one for one in (folder / "calendars", folder.parent / "calendars") if one.is_dir()]
    calendars = calendars or next(iter(there), RULEBOOKS / "calendars")
    return load_edition(folder, calendars)


def day_of(text: str) -> date:
    """Read a day. Raises ``InvalidInputError``."""
    try:
        return _DAY.validate_python(text)
    except ValidationError as error:
        msg = f"'{text}' is no day: {_why(error)}. Write it as 2026-07-01."
        raise InvalidInputError(msg) from None


def instant_of(text: str) -> datetime:
    """Read a moment with its offset. Raises ``InvalidInputError``."""
    try:
        return _INSTANT.validate_python(text)
    except ValidationError as error:
        msg = f"'{text}' is no moment with an offset: {_why(error)}. Write it as 2026-02-13T16:10+08:00."
        raise InvalidInputError(msg) from None


def _why(error: ValidationError) -> str:
    said = error.errors()[0]["msg"].removeprefix("Value error, ").partition(";")[0]
    return said[:1].lower() + said[1:]
