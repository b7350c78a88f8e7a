"""Small records for the measures, as an extraction would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.truth import TableText
from extraction.values import Box, Field, Record, Table, TableCell

BOX = Box(0, 0, 1, 1)


def make_field(text: str, confidence: float | None = 0.9) -> Field:
    return Field(text, None, confidence, "accept", (), None)


def make_record(
    fields: Mapping[str, str] | None = None,
    groups: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    cells: Sequence[TableText] = (),
    form_type: str = "some_form",
) -> Record:
    return Record(
        name="a.pdf",
        sha256="",
        form_type=form_type,
        producer={},
        fields={name: make_field(text) for name, text in (fields or {}).items()},
        groups={
            name: tuple({column: make_field(text) for column, text in row.items()} for row in rows)
            for name, rows in (groups or {}).items()
        },
        tables=tuple(make_table(cells, number) for number in sorted({c.table for c in cells})),
        checks=(),
        pages=(),
    )


def make_table(cells: Sequence[TableText], number: int) -> Table:
    mine = [c for c in cells if c.table == number]
    return Table(
        pages=tuple(sorted({c.page for c in mine})),
        rows=max(c.row + c.rowspan for c in mine),
        columns=max(c.column + c.colspan for c in mine),
        joined_because=None,
        cells=tuple(
            TableCell(c.row, c.column, c.rowspan, c.colspan, c.text, c.page, BOX, None)
            for c in mine
        ),
    )


def table_of(rows: Sequence[str], table: int = 0, page: int = 1) -> tuple[TableText, ...]:
    """Rows of cells whose texts are separated by ``|``."""
    return tuple(
        TableText(table, row, column, 1, 1, text, page)
        for row, line in enumerate(rows)
        for column, text in enumerate(line.split("|"))
    )
