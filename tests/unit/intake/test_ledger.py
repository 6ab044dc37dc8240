"""Claims about the ledger and its files."""

import csv
import io
import zipfile

import pytest
from python_calamine import CalamineWorkbook

from services.intake.api.export import csv_text, harmless, xlsx
from services.intake.domain.ledger import COLUMNS, Row, row_of
from services.intake.domain.progress import Progress, follow_all
from tests.builders_rules import an_edition
from tests.unit.intake.builders import a_complaint, a_record, the_rules

PAYLOADS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "  =1", "=cmd|' /C calc'!A0"]


def a_row(told: Progress | None = None, shown: dict[str, str] | None = None) -> Row:
    edition = an_edition()
    return row_of(a_complaint(told), shown or {}, the_rules(), edition.calendar.zone)


def read_csv(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_a_row_speaks_the_regulations_words_and_local_time() -> None:
    # Received 3 July 2026 02:00 UTC: 10:00 in Chongqing.
    row = a_row(shown={"name": "张**", "project": "金科十年城"})

    assert (row["kind"], row["class"], row["channel"]) == ("客户投诉", "一般性投诉", "来电")
    assert (row["received_at"], row["status"], row["name"]) == ("2026-07-03 10:00", "已登记", "张**")
    assert row["others"] == "project：金科十年城"


def test_a_row_shows_what_handling_and_callback_told() -> None:
    missed = a_record(
        "deadline.missed.v1",
        clock="facts",
        step="facts",
        occurrence=1,
        due_before="2026-07-05T02:00:00Z",
        clause="JK-03",
        explanation_zh=[],
        explanation_en=[],
    )
    closed = a_record(
        "case.closed.v1", class_="explanation", validity="invalid", way="explanation", outcome="已解释"
    )
    answered = a_record("callback.completed.v1", satisfaction=5, satisfied=True)

    row = a_row(follow_all(Progress(), [missed, closed, answered]))

    assert row["missed"] == "facts（JK-03，期限 2026-07-05 10:00）"
    assert (row["status"], row["validity"], row["outcome"]) == ("已办结", "无效投诉", "已解释")
    assert (row["callback"], row["satisfaction"]) == ("已回访", "5")


def test_every_column_has_a_cell_in_every_row() -> None:
    assert set(a_row()) == {column.key for column in COLUMNS}


def test_headings_are_chinese_first_and_english_second() -> None:
    lines = read_csv(csv_text(COLUMNS, []))

    assert (lines[0][0], lines[1][0]) == ("编号", "Number")
    assert len(lines) == 2


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_of_a_csv_begins_a_formula_in_any_column(payload: str) -> None:
    """INVARIANT: a spreadsheet shows what a customer wrote and never runs it.

    What breaks it: neutralising only the columns that someone thought of.
    """
    row = {column.key: payload for column in COLUMNS}

    cells = read_csv(csv_text(COLUMNS, [row]))[2]

    assert cells == [f"'{payload}"] * len(COLUMNS)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_of_a_workbook_is_a_formula_in_any_column(payload: str) -> None:
    row = {column.key: payload for column in COLUMNS}

    book = xlsx(COLUMNS, [row])

    sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert sheet.count('t="s"') == 3 * len(COLUMNS)


def test_a_workbook_holds_the_rows_as_they_are() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx(COLUMNS, [a_row()])))
    lines = book.get_sheet_by_index(0).to_python()

    assert lines[0][0] == "编号"
    assert lines[2][0] == a_complaint().number


def test_harmless_text_is_left_alone() -> None:
    assert harmless("客厅窗户漏水 - 多次报修") == "客厅窗户漏水 - 多次报修"
