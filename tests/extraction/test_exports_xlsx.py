"""The workbook: the form's cells stand as printed, and nothing in it runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from extraction.declarations import load_declarations
from extraction.exports.naming import Titles, find_titles
from extraction.exports.table_geometry import column_widths_px, row_heights_px
from extraction.exports.xlsx import record_to_xlsx
from extraction.values import Box, Record, Table, TableCell
from tests.extraction.export_samples import awkward_record, truth_to_record


def open_book(record: Record, titles: Titles | None = None) -> Workbook:
    return load_workbook(io.BytesIO(record_to_xlsx(record, titles or Titles())))


@pytest.fixture(scope="module")
def record(samples: Path) -> Record:
    return truth_to_record(samples / "truth" / "seed_001.json")


def test_the_form_is_rebuilt_cell_by_cell(record: Record) -> None:
    sheet = open_book(record)["表格1"]
    merged = {
        (area.min_row - 1, area.min_col - 1, area.size["rows"], area.size["columns"])
        for area in sheet.merged_cells.ranges
    }
    for cell in record.tables[0].cells:
        assert (sheet.cell(cell.row + 1, cell.column + 1).value or "") == cell.text
        span = (cell.row, cell.column, cell.rowspan, cell.colspan)
        assert (span in merged) == (cell.rowspan * cell.colspan > 1)
    assert sheet["A1"].border.left.style == "thin" and sheet["A1"].alignment.wrap_text


def test_columns_keep_their_proportions(record: Record) -> None:
    table = record.tables[0]
    widths = column_widths_px(table)
    first_page = [cell for cell in table.cells if cell.page == 1]
    whole = max(c.box.x1 for c in first_page) - min(c.box.x0 for c in first_page)
    assert sum(widths) == pytest.approx(whole, rel=0.02)
    sheet = open_book(record)["表格1"]
    shown = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert shown[1] / shown[0] == pytest.approx(widths[1] / widths[0], rel=0.01)


def test_sizes_are_found_from_spans_alone() -> None:
    cells = (
        TableCell(0, 0, 1, 2, "a", 1, Box(0, 0, 100, 20), None),
        TableCell(1, 1, 1, 1, "b", 1, Box(70, 20, 100, 50), None),
    )
    table = Table((1,), 2, 2, None, cells)
    assert column_widths_px(table) == (70, 30)
    assert row_heights_px(table) == (20, 30)


def test_fields_and_groups_have_sheets_with_printed_names(record: Record) -> None:
    titles = find_titles(record.form_type, load_declarations())
    book = open_book(record, titles)
    assert book.sheetnames == [
        "表格1",
        "字段",
        *(titles.of_group(g) for g in record.groups),
        "核对",
    ]
    rows = list(book["字段"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == list(record.fields)
    leader = next(row for row in rows if row[0] == "leader")
    assert leader[1:3] == ("项目负责人", "郭睿") and leader[5] == "待核"
    group = book[titles.of_group("indicators")]
    assert group.max_row == len(record.groups["indicators"]) + 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-", "@A1", '=HYPERLINK("http://a")', "{=1}"])
def test_no_text_becomes_a_formula(text: str) -> None:
    book = open_book(awkward_record(text))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
    first = book["表格1"]["A1"]
    assert first.value == text and first.data_type == "s"


@given(st.text(max_size=40))
def test_any_text_gives_a_workbook(text: str) -> None:
    open_book(awkward_record(text), Titles(groups={"g": text}))


def test_names_of_sheets_stay_apart() -> None:
    book = open_book(awkward_record("a"), Titles(groups={"g": "字段"}))
    assert book.sheetnames == ["表格1", "字段", "字段-2", "键值", "核对"]


def test_overlapping_cells_do_not_break_the_workbook() -> None:
    base = awkward_record("a")
    cells = (
        TableCell(0, 0, 2, 2, "a", 1, Box(0, 0, 100, 100), None),
        TableCell(1, 1, 1, 2, "b", 1, Box(50, 50, 150, 100), None),
    )
    record = Record(
        base.name, base.sha256, "unknown", {}, {}, {}, (Table((1,), 2, 3, None, cells),), (), ()
    )
    sheet = open_book(record)["表格1"]
    assert [str(area) for area in sheet.merged_cells.ranges] == ["A1:B2"]
