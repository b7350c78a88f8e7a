"""The truth of a synthetic form, in the JSON form of the project's samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.synthesis.placed import PlacedCell, PlacedPage
from models.synthesis.specification import FormSpec, Row

JsonCell = Mapping[str, "int | str | bool | list[float]"]


@dataclass(frozen=True, slots=True)
class TableTruth:
    """The smallest grid of one table on one page; boxes in points from the top left."""

    page: int
    page_width: float
    page_height: float
    ruling: str
    cells: tuple[PlacedCell, ...]

    @property
    def rows(self) -> int:
        return max(cell.row + cell.rowspan for cell in self.cells)

    @property
    def columns(self) -> int:
        return max(cell.column + cell.colspan for cell in self.cells)

    def to_json(self) -> Mapping[str, object]:
        return {
            "page": self.page,
            "page_width": self.page_width,
            "page_height": self.page_height,
            "ruling": self.ruling,
            "n_rows": self.rows,
            "n_cols": self.columns,
            "cells": [_cell_to_json(cell) for cell in self.cells],
        }


@dataclass(frozen=True, slots=True)
class Truth:
    """What a perfect reader reports; ``groups`` are the rows by the group's name."""

    form_type: str
    fields: Mapping[str, str]
    groups: Mapping[str, tuple[Row, ...]]
    tables: tuple[TableTruth, ...]

    def to_json(self) -> Mapping[str, object]:
        return {
            "form_type": self.form_type,
            "fields": dict(self.fields),
            **{name: [dict(row) for row in rows] for name, rows in self.groups.items()},
            "tables": [table.to_json() for table in self.tables],
        }


def form_to_truth(form: FormSpec, pages: tuple[PlacedPage, ...]) -> Truth:
    tables = tuple(
        TableTruth(
            page.number,
            page.width,
            page.height,
            ruling,
            tuple(cell for cell in page.cells if cell.table == number),
        )
        for page in pages
        for number, ruling in enumerate(page.rulings)
    )
    return Truth(form.form_type, form.fields, form.groups, tables)


def _cell_to_json(cell: PlacedCell) -> JsonCell:
    box = [cell.x0, cell.top, cell.x1, cell.bottom]
    return {
        "row": cell.row,
        "col": cell.column,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "text": cell.text,
        "bbox": [round(length, 2) for length in box],
        "label": cell.label,
        "continues": cell.continues,
    }
