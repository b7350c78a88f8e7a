"""What is printed on a sample, as people or the synthesis wrote it down."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, cast

from extraction.values import Record

SAME_LINE_PT = 2.0


@dataclass(frozen=True, slots=True)
class TableText:
    """A cell of a table as the measures see it; rows and columns count from 0."""

    table: int
    row: int
    column: int
    rowspan: int
    colspan: int
    text: str
    page: int = 1


@dataclass(frozen=True, slots=True)
class Truth:
    """``fields`` by path (``name`` or ``group[3].column``); ``groups`` says how many rows
    each has; ``cells`` of the document's tables, those that run over a page break joined."""

    form_type: str
    fields: Mapping[str, str]
    groups: Mapping[str, int]
    cells: tuple[TableText, ...]


class JsonCell(TypedDict):
    """``bbox`` is x0, top, x1, bottom in points of the page."""

    row: int
    col: int
    rowspan: int
    colspan: int
    text: str
    bbox: list[float]


class JsonTable(TypedDict):
    page: int
    n_rows: int
    cells: list[JsonCell]


def read_truth(path: Path) -> Truth:
    return truth_from_json(json.loads(path.read_text(encoding="utf-8")))


def truth_from_json(data: Mapping[str, object], new_tables: frozenset[int] = frozenset()) -> Truth:
    """The truth of a sample's JSON; ``new_tables`` are those (counted over the document)
    that do not continue the table on the page before, though they are first on their page."""
    fields = dict(cast("Mapping[str, str]", data["fields"]))
    groups = {}
    for name, rows in data.items():
        if isinstance(rows, list) and name != "tables":
            groups[name] = len(rows)
            for number, row in enumerate(rows):
                fields |= {f"{name}[{number}].{column}": text for column, text in row.items()}
    tables = cast("Sequence[JsonTable]", data["tables"])
    return Truth(str(data["form_type"]), fields, groups, join_tables(tables, new_tables))


def join_tables(
    tables: Sequence[JsonTable], new_tables: frozenset[int] = frozenset()
) -> tuple[TableText, ...]:
    """Tables of consecutive pages as one: rows run on, columns are the union of the lines.

    A table that shares its page with the one before it stands for itself.
    """
    joined: list[list[JsonTable]] = []
    for number, table in enumerate(tables):
        runs_on = bool(joined) and table["page"] == joined[-1][-1]["page"] + 1
        if runs_on and number not in new_tables:
            joined[-1].append(table)
        else:
            joined.append([table])
    return tuple(cell for number, parts in enumerate(joined) for cell in _join_parts(number, parts))


def _join_parts(number: int, parts: Sequence[JsonTable]) -> list[TableText]:
    lines = _union_lines(parts)
    cells = []
    rows_above = 0
    for part in parts:
        for cell in part["cells"]:
            left, right = (_nearest(lines, cell["bbox"][side]) for side in (0, 2))
            row, rowspan = cell["row"] + rows_above, cell["rowspan"]
            width, text, page = right - left, cell["text"], part["page"]
            cells.append(TableText(number, row, left, rowspan, width, text, page))
        rows_above += part["n_rows"]
    return cells


def _union_lines(parts: Sequence[JsonTable]) -> list[float]:
    lines: list[float] = []
    for part in parts:
        for x in sorted({cell["bbox"][side] for cell in part["cells"] for side in (0, 2)}):
            if not lines or min(abs(x - known) for known in lines) > SAME_LINE_PT:
                lines.append(x)
    return sorted(lines)


def _nearest(lines: Sequence[float], x: float) -> int:
    return min(range(len(lines)), key=lambda k: abs(lines[k] - x))


def record_cells(record: Record) -> tuple[TableText, ...]:
    """The cells of a record's tables in the form of the truth."""
    return tuple(
        TableText(number, cell.row, cell.column, cell.rowspan, cell.colspan, cell.text, cell.page)
        for number, table in enumerate(record.tables)
        for cell in table.cells
    )


def cells_by_page(cells: Sequence[TableText]) -> dict[int, tuple[TableText, ...]]:
    """Joined tables taken apart again: each page's part in its own smallest grid."""
    parts: dict[tuple[int, int], list[TableText]] = {}
    for cell in cells:
        parts.setdefault((cell.page, cell.table), []).append(cell)
    pages: dict[int, tuple[TableText, ...]] = {}
    for (page, _), part in sorted(parts.items()):
        pages[page] = pages.get(page, ()) + tuple(smallest_grid(part))
    return pages


def smallest_grid(cells: Sequence[TableText]) -> list[TableText]:
    """Rows and columns numbered anew over the borders that bound a cell."""
    rows = sorted({at for c in cells for at in (c.row, c.row + c.rowspan)})
    columns = sorted({at for c in cells for at in (c.column, c.column + c.colspan)})
    return [
        replace(
            c,
            row=(row := bisect_left(rows, c.row)),
            column=(column := bisect_left(columns, c.column)),
            rowspan=bisect_left(rows, c.row + c.rowspan) - row,
            colspan=bisect_left(columns, c.column + c.colspan) - column,
        )
        for c in cells
    ]
