"""A row of the grid that a stroke drew: taken out again once the words are read.

A stroke of a pen that runs straight through a row looks like a ruling and cuts one cell in two.
Then all other cells of the row go through, and one half of the cut cell is blank: no form is
ruled so, while a table that lists several things in one cell prints all of them.
"""

from __future__ import annotations

from dataclasses import replace

from extraction.values import Cell, Grid, boxes_union

FEWEST_BESIDE = 3
"""Cells that go through, beside the one that is cut."""


def without_lone_rows(grid: Grid) -> Grid:
    """``grid`` without the rows that one cell alone begins, if it or the one above it is blank."""
    for row in range(grid.rows - 1, 0, -1):
        pair = _cut_alone(grid, row)
        if pair is not None:
            grid = _without_row(grid, row, *pair)
    return grid


def _cut_alone(grid: Grid, row: int) -> tuple[Cell, Cell] | None:
    """The cells above and below where ``row`` begins, if there are no others."""
    above = [cell for cell in grid.cells if cell.rows.stop == row]
    below = [cell for cell in grid.cells if cell.row == row]
    if len(above) != 1 or len(below) != 1:
        return None
    upper, lower = above[0], below[0]
    through = sum(cell.row < row < cell.rows.stop for cell in grid.cells)
    if upper.columns != lower.columns or upper.page != lower.page or through < FEWEST_BESIDE:
        return None
    return None if upper.words and lower.words else (upper, lower)


def _without_row(grid: Grid, row: int, upper: Cell, lower: Cell) -> Grid:
    """``upper`` and ``lower`` as one cell, and the row before ``row`` joined with it."""
    whole = replace(
        upper,
        rowspan=upper.rowspan + lower.rowspan,
        box=boxes_union((upper.box, lower.box)),
        words=(*upper.words, *lower.words),
        quality=min(upper.quality, lower.quality),
    )
    cells = [whole if cell is upper else cell for cell in grid.cells if cell is not lower]
    moved = (
        replace(cell, row=cell.row - 1)
        if cell.row >= row
        else replace(cell, rowspan=cell.rowspan - 1)
        if cell.rows.stop > row
        else cell
        for cell in cells
    )
    return replace(grid, rows=grid.rows - 1, cells=tuple(moved))
