"""Bands of cells, each with columns of its own, stacked into one table on a common lattice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from models.synthesis.specification import BLACK, OTHER, Align, CellSpec, Colour, Ruling, TableSpec

NEAREST_BORDERS = 8
"""Thousandths of a table's width, about 4 points on A4."""


@dataclass(frozen=True, slots=True)
class BandCell:
    """A cell of a band: columns as positions 0..1000 across the table, rows from 0."""

    x0: int
    x1: int
    row: int
    text: str
    label: str
    rowspan: int = 1
    align: Align = "center"
    bold: bool = False
    fill: Colour | None = None
    ink: Colour = BLACK
    top: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    rows: int
    cells: tuple[BandCell, ...]
    header: tuple[int, ...] = ()


def bands_to_table(bands: tuple[Band, ...], ruling: Ruling = "full") -> TableSpec:
    """Stack the bands; the lattice has every column border that any of them has."""
    stacked: list[BandCell] = []
    header: list[int] = []
    row = 0
    for band in bands:
        stacked += [replace(cell, row=cell.row + row) for cell in band.cells]
        header += [index + row for index in band.header]
        row += band.rows
    merged = near_borders_to_one(stacked)
    borders = sorted(set(merged.values()))
    at = {x: borders.index(line) for x, line in merged.items()}
    cells = [_lattice_cell(cell, at) for cell in stacked]
    cells += _blank_cells(row, len(borders) - 1, cells)
    widths = tuple((b - a) / 1000 for a, b in pairwise(borders))
    ordered = tuple(sorted(cells, key=lambda cell: (cell.row, cell.column)))
    return TableSpec(widths, row, ordered, ruling, tuple(header))


def near_borders_to_one(cells: list[BandCell]) -> dict[int, int]:
    """The line of the lattice for each border of a cell.

    Borders of different bands that all but coincide are one column line, as they are in a
    spreadsheet; no print shows two lines a point apart.
    """
    narrowest = {(cell.x0, cell.x1) for cell in cells}
    merged: dict[int, int] = {}
    line = 0
    for x in sorted({0, 1000} | {x for cell in cells for x in (cell.x0, cell.x1)}):
        own = {before for before, now in merged.items() if now == line}
        between_cells = any((before, x) in narrowest for before in own)
        if x - line >= NEAREST_BORDERS or between_cells or x == 1000:
            line = x
        merged[x] = line
    return merged


def _lattice_cell(cell: BandCell, at: dict[int, int]) -> CellSpec:
    return CellSpec(
        row=cell.row,
        column=at[cell.x0],
        rowspan=cell.rowspan,
        colspan=at[cell.x1] - at[cell.x0],
        text=cell.text,
        label=cell.label,
        align=cell.align,
        bold=cell.bold,
        fill=cell.fill,
        ink=cell.ink,
        top=cell.top,
    )


def _blank_cells(rows: int, columns: int, cells: list[CellSpec]) -> list[CellSpec]:
    taken = {
        (row, column)
        for cell in cells
        for row in range(cell.row, cell.row + cell.rowspan)
        for column in range(cell.column, cell.column + cell.colspan)
    }
    free = [(r, c) for r in range(rows) for c in range(columns) if (r, c) not in taken]
    return [CellSpec(row, column, 1, 1, "", OTHER) for row, column in free]


def shares_to_borders(
    shares: tuple[float, ...], start: int = 0, end: int = 1000
) -> tuple[int, ...]:
    """Borders 0..1000 of columns whose widths are in proportion to ``shares``."""
    total, position, borders = sum(shares), 0.0, [start]
    for share in shares:
        position += share
        borders.append(round(start + (end - start) * position / total))
    return tuple(borders)


def snapped(borders: tuple[int, ...], grid: tuple[int, ...], tolerance: int) -> tuple[int, ...]:
    """Move each inner border to the nearest line of ``grid`` within ``tolerance``, in order."""
    moved = [borders[0]]
    for border in borders[1:-1]:
        near = min(grid, key=lambda line: abs(line - border))
        chosen = near if abs(near - border) <= tolerance else border
        moved.append(chosen if moved[-1] + 8 < chosen < borders[-1] - 8 else border)
    moved.append(borders[-1])
    return tuple(moved) if all(a < b for a, b in pairwise(moved)) else borders
