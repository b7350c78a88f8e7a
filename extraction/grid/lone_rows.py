"""A row of the grid that a stroke drew: taken out again once the words are read.

A stroke of a pen that runs straight through a row looks like a ruling and cuts one cell in two.
Then all other cells of the row go through, and one half of the cut cell is blank: no form is
ruled so, while a table that lists several things in one cell prints all of them.
"""

from __future__ import annotations

from extraction.grid.false_sides import with_joined
from extraction.values import Cell, Grid

FEWEST_BESIDE = 3
"""Cells that go through, beside the one that is cut."""


def without_lone_rows(grid: Grid) -> Grid:
    """``grid`` without the rows that one cell alone begins, if it or the one above it is blank."""
    for row in range(grid.rows - 1, 0, -1):
        pair = _cut_alone(grid, row)
        if pair is not None:
            # No cell begins there any more.
            grid = with_joined(grid, *pair)
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
