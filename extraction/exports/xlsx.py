"""A record as a workbook: the form set again cell by cell, its fields and its groups beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from extraction.exports.naming import (
    NO_TITLES,
    PASSED,
    ROUTES,
    Titles,
    group_columns,
    reasons_to_words,
    record_to_named_fields,
)
from extraction.exports.table_geometry import column_widths_px, row_heights_px
from extraction.values import Check, Field, KeyValue, PageSummary, Record, Source, Table, TableCell

# A character of the default 11-point face is 7 px wide at 96 dpi.
_CHARACTERS_PER_INCH = 96 / 7
_POINTS_PER_INCH = 72
_WIDEST_CHARACTERS, _HIGHEST_POINTS = 255.0, 409.0
_LONGEST_TEXT = 32_767

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_UNNAMEABLE = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST_SHEET_NAME = 31

_THIN = Side(style="thin", color="FF7F7F7F")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEADING = PatternFill("solid", fgColor="FFE8EDF3")
_DOUBTFUL = PatternFill("solid", fgColor="FFFFF1C9")
_WRAPPED = Alignment(wrap_text=True, vertical="center")
_CENTRED = Alignment(wrap_text=True, vertical="center", horizontal="center")
_SHORT_TEXT = 12
_PRINT_FACE = Font(size=9)


def record_to_xlsx(record: Record, titles: Titles = NO_TITLES) -> bytes:
    """The workbook's bytes; every text stays text, whatever it starts with."""
    book = Workbook()
    book.remove(book.active)
    names: set[str] = set()
    doubtful = _doubtful_places(record)
    for number, table in enumerate(record.tables):
        sheet = book.create_sheet(_sheet_name(f"表格{number + 1}", names))
        _write_table(
            sheet, table, record.pages, {place[1:] for place in doubtful if place[0] == number}
        )
    _write_fields(book.create_sheet(_sheet_name("字段", names)), record, titles)
    for group, rows in record.groups.items():
        sheet = book.create_sheet(_sheet_name(titles.of_group(group), names))
        _write_group(sheet, group, rows, titles)
    if record.key_values:
        _write_key_values(book.create_sheet(_sheet_name("键值", names)), record.key_values)
    if record.checks:
        _write_checks(book.create_sheet(_sheet_name("核对", names)), record.checks)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_table(
    sheet: Worksheet,
    table: Table,
    pages: tuple[PageSummary, ...],
    doubtful: set[tuple[int, int]],
) -> None:
    """The table at its size on paper. A cell that overlaps an earlier one is not merged."""
    page = next((page for page in pages if page.number in table.pages), None)
    _set_sizes(sheet, table, page.dpi if page else 0.0)
    taken: set[tuple[int, int]] = set()
    for cell in table.cells:
        places = {
            (row, column)
            for row in range(cell.row, cell.row + cell.rowspan)
            for column in range(cell.column, cell.column + cell.colspan)
        }
        if places & taken:
            continue
        taken |= places
        _write_table_cell(sheet, cell, (cell.row, cell.column) in doubtful)
    sheet.page_setup.orientation = "landscape" if page and page.width > page.height else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.sheet_view.showGridLines = False


def _write_table_cell(sheet: Worksheet, cell: TableCell, doubtful: bool) -> None:
    first = sheet.cell(cell.row + 1, cell.column + 1)
    _set_text(first, cell.text)
    first.alignment = _CENTRED if len(cell.text) <= _SHORT_TEXT else _WRAPPED
    first.font = _PRINT_FACE
    last_row, last_column = cell.row + cell.rowspan, cell.column + cell.colspan
    for row in sheet.iter_rows(cell.row + 1, last_row, cell.column + 1, last_column):
        for part in row:
            part.border = _BORDER
    if doubtful:
        first.fill = _DOUBTFUL
    if cell.rowspan > 1 or cell.colspan > 1:
        sheet.merge_cells(
            start_row=cell.row + 1,
            start_column=cell.column + 1,
            end_row=last_row,
            end_column=last_column,
        )


def _set_sizes(sheet: Worksheet, table: Table, dpi: float) -> None:
    if dpi <= 0:
        return
    for column, width_px in enumerate(column_widths_px(table), start=1):
        width = min(width_px / dpi * _CHARACTERS_PER_INCH, _WIDEST_CHARACTERS)
        sheet.column_dimensions[get_column_letter(column)].width = max(width, 1.0)
    for row, height_px in enumerate(row_heights_px(table), start=1):
        # Spreadsheets set text wider than print does, so rows get a fifth more room.
        height = min(height_px / dpi * _POINTS_PER_INCH * 1.2, _HIGHEST_POINTS)
        sheet.row_dimensions[row].height = max(height, 12.0)


def _write_fields(sheet: Worksheet, record: Record, titles: Titles) -> None:
    _write_heading(sheet, ("字段", "名称", "原文", "值", "置信度", "处理", "原因", "页", "位置"))
    for name, value in record.fields.items():
        row = sheet.max_row + 1
        contents = (
            name,
            titles.of_field(name),
            value.text,
            value.value,
            value.confidence,
            ROUTES[value.route],
            reasons_to_words(value.reasons),
            *_place(value.source),
        )
        for column, content in enumerate(contents, start=1):
            _write(sheet.cell(row, column), content, doubtful=value.route == "review")
        sheet.cell(row, 5).number_format = "0.000"
    _set_widths(sheet, (20, 16, 60, 16, 9, 8, 30, 6, 22))


def _write_group(
    sheet: Worksheet, group: str, rows: tuple[Mapping[str, Field], ...], titles: Titles
) -> None:
    columns = group_columns(rows)
    _write_heading(sheet, [*(titles.of_column(group, column) for column in columns), "页"])
    for number, values in enumerate(rows, start=2):
        for place, column in enumerate(columns, start=1):
            value = values.get(column)
            if value is not None:
                _write(sheet.cell(number, place), value.text, doubtful=value.route == "review")
        pages = sorted({value.source.page for value in values.values() if value.source})
        _write(sheet.cell(number, len(columns) + 1), "–".join(map(str, pages)))
    longest = (
        max((len(row[column].text) for row in rows if column in row), default=0)
        for column in columns
    )
    _set_widths(sheet, [*(min(max(2 * length + 2, 10), 44) for length in longest), 6])


def _write_key_values(sheet: Worksheet, pairs: tuple[KeyValue, ...]) -> None:
    _write_heading(sheet, ("键", "值", "置信度", "页", "位置"))
    for number, pair in enumerate(pairs, start=2):
        contents = (pair.key, pair.value, pair.confidence, *_place(pair.source))
        for column, content in enumerate(contents, start=1):
            _write(sheet.cell(number, column), content)
        sheet.cell(number, 3).number_format = "0.000"
    _set_widths(sheet, (24, 60, 9, 6, 22))


def _write_checks(sheet: Worksheet, checks: tuple[Check, ...]) -> None:
    _write_heading(sheet, ("核对", "结果", "说明", "字段"))
    for number, check in enumerate(checks, start=2):
        contents = (check.name, PASSED[check.passed], check.message, "、".join(check.fields))
        for column, content in enumerate(contents, start=1):
            _write(sheet.cell(number, column), content, doubtful=check.passed is False)
    _set_widths(sheet, (28, 10, 60, 50))


def _write_heading(sheet: Worksheet, contents: Iterable[str]) -> None:
    for column, content in enumerate(contents, start=1):
        cell = sheet.cell(1, column)
        _write(cell, content)
        cell.font = Font(bold=True)
        cell.fill = _HEADING
    sheet.freeze_panes = "A2"


def _write(cell: SheetCell, content: str | float | int | None, *, doubtful: bool = False) -> None:
    if isinstance(content, str):
        _set_text(cell, content)
    else:
        cell.value = content
    cell.alignment = _WRAPPED
    cell.border = _BORDER
    if doubtful:
        cell.fill = _DOUBTFUL


def _set_text(cell: SheetCell, text: str) -> None:
    """As text, marked so that editing the cell does not turn it into a formula either."""
    cell.value = _UNWRITABLE.sub("", text)[:_LONGEST_TEXT]
    if text.startswith(("=", "+", "-", "@")):
        cell.data_type = "s"
        cell.quotePrefix = True


def _set_widths(sheet: Worksheet, widths: Iterable[float]) -> None:
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def _place(source: Source | None) -> tuple[int | None, str]:
    if source is None:
        return None, ""
    return source.page, " ".join(f"{side:.0f}" for side in source.box)


def _doubtful_places(record: Record) -> set[tuple[int, int, int]]:
    """Table, row and column of every cell that holds a field to review."""
    return {
        (source.table, source.row, source.column)
        for value in (named.field for named in record_to_named_fields(record))
        if value.route == "review"
        and (source := value.source) is not None
        and source.table is not None
        and source.row is not None
        and source.column is not None
    }


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """A name that Excel allows and that no earlier sheet has, compared as Excel does."""
    name = _UNNAMEABLE.sub("", wanted).strip("'")[:_LONGEST_SHEET_NAME] or "数据"
    number = 2
    unique = name
    while unique.casefold() in taken:
        suffix = f"-{number}"
        unique = name[: _LONGEST_SHEET_NAME - len(suffix)] + suffix
        number += 1
    taken.add(unique.casefold())
    return unique
