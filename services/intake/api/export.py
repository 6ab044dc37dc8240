"""The ledger as a file. No cell is ever a formula."""

import csv
import io
from collections.abc import Sequence

import xlsxwriter

from services.intake.domain.ledger import Column, Row

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the begin of a formula (OWASP, CSV injection), full-width forms too."""


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    Example:
        >>> [harmless(text) for text in ("=1+1", "  @SUM(A1)", "漏水")]
        ["'=1+1", "'  @SUM(A1)", '漏水']
    """
    return f"'{text}" if text.startswith(_STARTS) or text.lstrip().startswith(_STARTS) else text


def as_it_was(text: str) -> str:
    """Return the text that ``harmless`` was given.

    Example:
        >>> [as_it_was(harmless(text)) for text in ("+8613812345678", "'quoted'")]
        ['+8613812345678', "'quoted'"]
    """
    return text[1:] if text.startswith("'") and harmless(text[1:]) == text else text


def csv_text(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """Return a CSV file: Chinese headings, English headings, then the rows."""
    # With the mark at its begin Excel reads the file as UTF-8.
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(column.zh for column in columns)
    writer.writerow(column.en for column in columns)
    writer.writerows([harmless(row[column.key]) for column in columns] for row in rows)
    return text.getvalue().encode()


def xlsx(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """Return a workbook with one sheet. Every cell is a typed string."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("服务信息台帐")
    sheet.freeze_panes(2, 1)
    sheet.set_column(0, len(columns) - 1, 16)
    for at, column in enumerate(columns):
        sheet.write_string(0, at, column.zh, bold)
        sheet.write_string(1, at, column.en, bold)
    for line, row in enumerate(rows, start=2):
        for at, column in enumerate(columns):
            sheet.write_string(line, at, row[column.key])
    book.close()
    return file.getvalue()
