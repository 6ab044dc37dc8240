"""Claims about a ledger that comes in: how far it is read, and what its rows say. Rule LN-23."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pytest
import xlsxwriter

from services.intake.api import export, sheets
from services.intake.api.sheets import LAST_ROW, MOST_UNPACKED, grid_of
from services.intake.domain.ledger import COLUMNS
from services.intake.domain.papers import columns_of
from services.intake.domain.sheets import (
    MOST_FAULTS,
    MOST_ROWS,
    Defaults,
    Fault,
    Grid,
    Sheet,
    SheetRefusedError,
    read,
)
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition
from shared.rulebook.schema.intake import Document
from tests.builders_rules import RULEBOOKS, an_edition

RECEIVED = "2026-07-03 10:00"
LINE = {
    "kind": "客户投诉",
    "class": "一般性投诉",
    "channel": "来电",
    "name": "张三丰",
    "phone": "13812345678",
    "words": "客厅窗户漏水",
    "received_at": RECEIVED,
}
"""What a row of jinke's ledger needs."""


def a_grid(*lines: Mapping[str, str], headings: Sequence[str] = ()) -> Grid:
    keys = headings or list(dict.fromkeys(key for line in lines for key in line))
    return [list(keys), *([line.get(key, "") for key in keys] for line in lines)]


def taken(
    grid: Grid, edition: Edition | None = None, document: Document | None = None, **defaults: str
) -> Sheet:
    edition = edition or an_edition()
    rules = edition.at(datetime.fromisoformat(f"{RECEIVED}+08:00"))
    return read(
        grid,
        document,
        Defaults(**defaults),
        rules=rules,
        rules_at=lambda _, __: rules,
        zone=edition.calendar.zone,
    )


def faults_of(grid: Grid) -> list[Fault]:
    try:
        return list(taken(grid).faults)
    except SheetRefusedError as refused:
        return list(refused.faults)


def refusal(body: bytes, kind: str = export.XLSX) -> str:
    with pytest.raises(SheetRefusedError) as refused:
        grid_of(body, kind)
    return refused.value.faults[0].reason


# --- files


def workbook(rows: Mapping[tuple[int, int], object]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    day, moment = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
    formats: dict[type[object], object] = {date: day, datetime: moment}
    sheet = book.add_worksheet()
    for (row, column), value in rows.items():
        sheet.write(row, column, value, formats.get(type(value)))
    book.close()
    return file.getvalue()


def changed(body: bytes, part: str, content: bytes) -> bytes:
    """Return a workbook with one part replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return file.getvalue()


def with_cells(cells: str, before: str = "") -> bytes:
    sheet = f'{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
    return changed(workbook({(0, 0): "x"}), "xl/worksheets/sheet1.xml", sheet.encode())


def test_a_cell_is_read_as_people_read_it_wherever_it_stands() -> None:
    body = workbook(
        {
            (2, 1): 13812345678,
            (2, 2): 12.5,
            (2, 3): datetime.fromisoformat(RECEIVED),
            (2, 4): date(2026, 7, 3),
            (2, 5): "  窗户漏水 ",
        }
    )

    assert grid_of(body, export.XLSX)[2] == [
        "",
        "13812345678",
        "12.5",
        "2026-07-03 10:00:00",
        "2026-07-03",
        "窗户漏水",
    ]


def test_both_files_that_the_ledger_gives_are_read_to_the_same_cells() -> None:
    row = dict.fromkeys((column.key for column in COLUMNS), "") | {"name": "=1+1", "phone": "+8613812345678"}

    from_workbook = grid_of(export.xlsx(COLUMNS, [row]), export.XLSX)
    from_text = grid_of(export.csv_text(COLUMNS, [row]), export.CSV)

    assert from_workbook == from_text
    assert [cell for cell in from_text[2] if cell] == ["=1+1", "+8613812345678"]


def test_a_number_of_which_a_spreadsheet_lost_digits_is_refused_where_it_stands() -> None:
    with pytest.raises(SheetRefusedError) as refused:
        grid_of(workbook({(0, 0): "number", (4, 1): 6217001234567890123}), export.XLSX)

    assert [(one.row, one.column) for one in refused.value.faults] == [(5, "column 2")]


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"{}", "application/json", "send a workbook"),
        (b"nonsense", export.XLSX, "no workbook that can be read"),
        (workbook({(0, 0): "x"})[:500], export.XLSX, "no workbook that can be read"),
        ("种类".encode("gbk"), export.CSV, "not in UTF-8"),
        (b'"open', export.CSV, "cannot be read"),
        (b"\n" * (LAST_ROW + 1), export.CSV, "below row 4000"),
    ],
)
def test_what_is_no_sheet_is_refused_with_what_to_do(body: bytes, kind: str, why: str) -> None:
    assert why in refusal(body, kind)


def test_a_workbook_that_unpacks_to_more_than_memory_should_hold_is_refused_while_it_unpacks() -> None:
    """INVARIANT: a small body cannot ask for much memory.

    What breaks it: unpacking first, or believing the size that the archive states.
    """
    bomb = changed(workbook({(0, 0): "x"}), "xl/sharedStrings.xml", b" " * (MOST_UNPACKED + 1))

    assert len(bomb) < 100_000
    assert "unpacks to more than" in refusal(bomb)


@pytest.mark.parametrize(
    ("cells", "before", "why"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "", "below row 4000"),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row><c r="A4001"><v>1</v></c></row>', "", "below row 4000"),
        ('<row r="1"><c r="GS1"><v>1</v></c></row>', "", "right of column 200"),
        ('<row r="1048576"><c><v>1</v></c></row>', "", "does not say where it stands"),
        ('<row r="1"><c x=" r=\'A1\'"><v>1</v></c></row>', "", "does not say where it stands"),
        ("&a;", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>', "words of its own"),
    ],
)
def test_cells_that_the_reader_would_have_to_fill_the_space_up_to_are_refused(
    cells: str, before: str, why: str
) -> None:
    """INVARIANT: two cells cannot make the reader fill a million rows between them.

    What breaks it: leaving the look to the reader, or looking at the text of a part instead of its elements.
    """
    assert why in refusal(with_cells(cells, before))


def test_a_part_that_a_workbook_does_not_need_is_not_unpacked() -> None:
    macros = io.BytesIO(workbook({(0, 0): "x"}))
    with zipfile.ZipFile(macros, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/media/image1.png", b" " * (MOST_UNPACKED + 1))

    assert grid_of(macros.getvalue(), export.XLSX) == [["x"]]


def test_columns_are_counted_as_spreadsheets_letter_them() -> None:
    # 200 = 7 × 26 + 18: G, and R is the eighteenth letter.
    assert sheets._column("GR") == sheets.LAST_COLUMN


# --- columns


@pytest.mark.parametrize("heading", ["received_at", "受理时间", "Received", " received "])
def test_a_heading_is_known_by_key_or_in_either_language(heading: str) -> None:
    grid = a_grid(LINE)
    grid[0][-1] = heading  # type: ignore[index]  # built above, of lists

    (entry,) = taken(grid).entries

    assert str(entry.said["received_at"]) == "2026-07-03 10:00:00+08:00"
    assert entry.columns["received_at"] == heading


def test_the_second_line_of_headings_is_no_row() -> None:
    chinese, english = ([getattr(one, name) for one in COLUMNS] for name in ("zh", "en"))
    line = [LINE.get(one.key, "") for one in COLUMNS]

    entries = taken([chinese, english, line]).entries

    assert [entry.row for entry in entries] == [3]


@pytest.mark.parametrize(
    ("headings", "reason"),
    [
        ([*LINE, "颜色"], "no such column"),
        ([*LINE, "受理时间"], "the same as 'received_at'"),
        ([one for one in LINE if one != "received_at"], "needed column"),
        ([one for one in LINE if one != "kind"], "needed column"),
        ([one for one in LINE if one != "channel"], "needed column"),
    ],
)
def test_wrong_headings_are_refused_before_any_row_is_looked_at(headings: list[str], reason: str) -> None:
    (fault,) = faults_of(a_grid(LINE, LINE, headings=headings))

    assert (fault.row, reason in fault.reason) == (1, True)


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ([], "the sheet is empty"),
        (a_grid(headings=list(LINE)), "no row below the headings"),
        ([*a_grid(LINE), [""] * len(LINE) + ["漏水"]], "columns without a heading"),
    ],
)
def test_a_sheet_without_its_frame_is_refused(grid: Grid, reason: str) -> None:
    (fault,) = faults_of(grid)

    assert reason in fault.reason


def test_a_ledger_of_more_rows_than_one_request_registers_is_refused() -> None:
    assert faults_of(a_grid(*[LINE] * MOST_ROWS)) == []
    # The headings are row 1, so the first row too many is 2,002.
    assert [one.row for one in faults_of(a_grid(*[LINE] * (MOST_ROWS + 1)))] == [MOST_ROWS + 2]


# --- rows


def test_a_row_says_what_a_registration_says() -> None:
    more = {
        "flags": "reputation-risk；重大活动期间",
        "others": "project：金科十年城；demand：尽快；不要再拖",
        "number": "7",
    }

    (entry,) = taken(a_grid({**LINE, **more})).entries

    assert (entry.said["kind"], entry.said["class"], entry.said["channel"]) == (
        "complaint",
        "general",
        "telephone",
    )
    assert entry.said["fields"] == {
        "name": "张三丰",
        "phone": "13812345678",
        "words": "客厅窗户漏水",
        "project": "金科十年城",
        "demand": "尽快；不要再拖",
    }
    assert entry.said["flags"] == ("reputation-risk", "major-event")


def test_defaults_hold_where_a_row_does_not_say_it() -> None:
    silent = {key: value for key, value in LINE.items() if key not in {"kind", "class", "channel"}}
    rows = a_grid(silent, {**silent, "channel": "来函"})

    entries = taken(rows, kind="complaint", channel="telephone", class_="general").entries

    assert [(one.said["kind"], one.said["channel"]) for one in entries] == [
        ("complaint", "telephone"),
        ("complaint", "letter"),
    ]


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
    [
        ({"name": "张**"}, "name", "masked"),
        ({"phone": "138****5678"}, "phone", "masked"),
        ({"words": "******"}, "words", "masked"),
        ({"others": "first-taker：李四；demand：******；words：x"}, "words", "twice"),
        ({"others": "没有字段"}, "others", "字段：内容"),
        ({"received_at": ""}, "received_at", "needed"),
        ({"received_at": "3 July"}, "received_at", "no moment"),
        ({"received_at": "2026-07-03"}, "received_at", "no time of day"),
        ({"registered_at": "昨天"}, "registered_at", "no moment"),
        ({"status": "已办结"}, "status", "entered where it is handled"),
        ({"number": "CQ-202607-00001A"}, "number", "when it is registered"),
    ],
)
def test_a_cell_that_cannot_be_registered_is_named_with_its_row_and_column(
    changed: dict[str, str], column: str, reason: str
) -> None:
    (fault,) = faults_of(a_grid(LINE, {**LINE, **changed}))

    assert (fault.row, fault.column, reason in fault.reason) == (3, column, True)


def test_only_so_many_faults_are_listed_and_all_are_counted() -> None:
    error = SheetRefusedError([Fault(row, "x", "y") for row in range(MOST_FAULTS + 50)])

    assert len(error.faults) == MOST_FAULTS
    assert "Faults: 150, in rows: 150" in str(error)


# --- Luneng's own ledger


@pytest.fixture(scope="module")
def luneng() -> Edition:
    return load_edition(RULEBOOKS / "luneng", RULEBOOKS / "calendars")


@pytest.mark.rule("LN-23")
def test_luneng_s_ledger_is_taken_in_as_it_is_given_out(luneng: Edition) -> None:
    """The columns are those of the text; service line and class, which it lacks, hold for the whole file."""
    document = luneng.slices[-1][1].intake.documents["ledger"]
    row = dict.fromkeys(document.lines, "") | {
        "number": "1",
        "name": "济南供电",
        "phone": "053112345678",
        "model": "S11-400",
        "bought-on": "2025/3/7",
        "words": "变压器渗油",
        "contacted-at": "2026-07-03 09:30",
    }
    grid = grid_of(export.xlsx(columns_of(document), [row]), export.XLSX)

    sheet = taken(
        grid,
        luneng,
        document,
        kind="complaint",
        channel="telephone",
        class_="product-quality",
        service="procurement",
    )

    (entry,) = sheet.entries
    assert sheet.faults == ()
    assert entry.said["fields"] == {
        "name": "济南供电",
        "phone": "053112345678",
        "model": "S11-400",
        "bought-on": "2025-03-07",
        "words": "变压器渗油",
    }
    assert (entry.said["service"], str(entry.said["received_at"])) == (
        "procurement",
        "2026-07-03 09:30:00+08:00",
    )


def test_a_form_s_fields_may_stand_in_columns_of_their_own(luneng: Edition) -> None:
    """Repairs call the words 故障问题 and enquiries 征询内容; the row's own form decides."""
    line = {
        "种类": "报修",
        "受理渠道": "来访",
        "受理时间": RECEIVED,
        "服务项目": "采购与设备成套",
        "客户姓名": "王五",
        "电话": "053112345678",
        "故障问题": "不能启动",
    }

    (entry,) = taken(a_grid(line), luneng).entries

    assert entry.said["fields"] == {"name": "王五", "phone": "053112345678", "words": "不能启动"}
    assert entry.columns["fields.words"] == "故障问题"


def test_a_csv_of_one_s_own_making_is_read() -> None:
    text = io.StringIO()
    csv.writer(text).writerows([LINE, LINE.values()])

    assert taken(grid_of(text.getvalue().encode(), "text/csv")).faults == ()
