"""A ledger that comes in as a file: its cells as text. How far it reaches is looked at before it is read."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook

from services.intake.api import export
from services.intake.domain.sheets import Fault, SheetRefusedError

MOST_UNPACKED = 20_000_000
"""Bytes of a workbook's parts together. A body of a megabyte could unpack to a gigabyte."""

LAST_ROW, LAST_COLUMN = 4_000, 200
"""How far down and right a cell may stand. Two far corners would make the reader fill everything between them."""

_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/(_rels/workbook\.xml\.rels|(workbook|sharedStrings|styles)\.xml"
    r"|worksheets/[^/]+\.xml)"
)
"""What of a workbook is read. Pictures, macros and links are not even unpacked."""

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number and makes the rest noughts."""

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, NotImplementedError)
"""What unpacking something else than a workbook may raise."""

Cell = int | float | str | bool | date | datetime | time | timedelta


def grid_of(body: bytes, kind: str) -> list[list[str]]:
    """Return the cells of a file from its first row and column on.

    Args:
        kind: The media type that it came with.

    Raises:
        SheetRefusedError: It is no workbook and no CSV file, or larger than what is taken.
    """
    media = kind.partition(";")[0].strip().lower()
    if media == export.XLSX:
        return _workbook(body)
    if media == "text/csv":
        return _csv(body)
    raise _no(f"send a workbook ({export.XLSX}) or a CSV file in UTF-8 (text/csv), with that Content-Type")


def _no(reason: str) -> SheetRefusedError:
    return SheetRefusedError([Fault(0, "", reason)])


# --- CSV


def _csv(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8-sig")
        lines = list(islice(csv.reader(io.StringIO(text, newline=""), strict=True), LAST_ROW + 1))
    except UnicodeDecodeError as error:
        raise _no("the CSV file is not in UTF-8; save it as CSV UTF-8") from error
    except csv.Error as error:
        raise _no(f"the CSV file cannot be read: {error}") from error
    _within(len(lines), max(map(len, lines), default=0))
    return [[export.as_it_was(cell).strip() for cell in line] for line in lines]


def _within(rows: int, columns: int) -> None:
    if rows > LAST_ROW or columns > LAST_COLUMN:
        raise _no(
            f"cells stand below row {LAST_ROW} or right of column {LAST_COLUMN}; delete the empty ones there, or send parts"
        )


# --- workbooks


def _workbook(body: bytes) -> list[list[str]]:
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(_repacked(body))) as book:
            lines = list(book.get_sheet_by_index(0).to_python(skip_empty_area=False))
    except (CalamineError, IndexError, *_BROKEN) as error:
        raise _no("this is no workbook that can be read; save it as .xlsx without a password") from error
    faults: list[Fault] = []
    grid = [list(_texts(row, line, faults)) for row, line in enumerate(lines, start=1)]
    if faults:
        raise SheetRefusedError(faults)
    return grid


def _repacked(body: bytes) -> bytes:
    """Return a workbook with nothing in it that was not looked at, so that its reader finds no other."""
    parts: dict[str, bytes] = {}
    left = MOST_UNPACKED
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for part in archive.infolist():
            if not _PARTS.fullmatch(part.filename):
                continue
            if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise zipfile.BadZipFile
            with archive.open(part) as packed:
                parts[part.filename] = packed.read(left + 1)
            left -= len(parts[part.filename])
            if left < 0:
                raise _no(f"the workbook unpacks to more than {MOST_UNPACKED} bytes; send parts")
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        for name, content in parts.items():
            _look_through(content)
            archive.writestr(name, content)
    return again.getvalue()


def _look_through(part: bytes) -> None:
    """Refuse cells that stand too far out, or nowhere, and definitions that a document brings along."""

    def started(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "c":
            return
        place = _PLACE.fullmatch(attributes.get("r", ""))
        if place is None:
            raise _no("a cell does not say where it stands; save the workbook with a spreadsheet program")
        _within(int(place[2]), _column(place[1]))

    def defined(*_: object) -> None:
        raise _no("the workbook defines words of its own (DOCTYPE)")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = started, defined
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise zipfile.BadZipFile from error


def _column(letters: str) -> int:
    """Return which column letters name.

    Example:
        >>> [_column(letters) for letters in ("A", "Z", "AA", "XFD")]
        [1, 26, 27, 16384]
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _texts(row: int, line: Sequence[Cell], faults: list[Fault]) -> Iterator[str]:
    for at, cell in enumerate(line, start=1):
        if isinstance(cell, int | float) and abs(cell) >= _EXACT:
            reason = (
                "a number of more than 15 digits, of which a spreadsheet keeps 15; format the cell as text"
            )
            faults.append(Fault(row, f"column {at}", reason))
        yield _text(cell)


def _text(cell: Cell) -> str:
    """Return a cell as people read it. A moment without a time of day is a day."""
    if isinstance(cell, datetime):
        return (cell + timedelta(milliseconds=500)).replace(microsecond=0).isoformat(" ")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()
