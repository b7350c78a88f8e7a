"""A side that is none, taken back by the text beside it.

A stroke, a streak or the rest of a line above cuts a cell in two. Its text then stands neither
in the middle of its half nor at any side of it, but in the middle of both halves, of which the
other one is blank: so it was printed over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extraction.values import Box, Cell, Grid, boxes_union

IN_THE_MIDDLE, OFF_THE_MIDDLE, OFF_THE_SIDE = 0.3, 0.7, 0.5
"""In heights of the type: how far a text stands at most from the middle of both halves, and at
least from the middle and from the sides of its own."""
SURE = 0.95
"""Quality of a cell from which on its sides are not put into question."""


def without_false_sides(grid: Grid) -> Grid:
    """``grid`` with each blank half joined to the half whose text was printed over both."""
    while (pair := next(_cut_in_two(grid.cells), None)) is not None:
        grid = with_joined(grid, *pair)
    return grid


def with_joined(grid: Grid, first: Cell, second: Cell) -> Grid:
    """``grid`` with two cells that share a whole side as one, the upper or left one ``first``,
    its rows and columns counted over the separators that still bound a cell."""
    whole = replace(
        first,
        rowspan=second.rows.stop - first.row,
        colspan=second.columns.stop - first.column,
        box=boxes_union((first.box, second.box)),
        words=(*first.words, *second.words),
        quality=min(first.quality, second.quality),
    )
    cells = [whole if cell is first else cell for cell in grid.cells if cell is not second]
    rows = _numbers(end for cell in cells for end in (cell.row, cell.rows.stop))
    columns = _numbers(end for cell in cells for end in (cell.column, cell.columns.stop))
    counted = (
        replace(
            cell,
            row=rows[cell.row],
            column=columns[cell.column],
            rowspan=rows[cell.rows.stop] - rows[cell.row],
            colspan=columns[cell.columns.stop] - columns[cell.column],
        )
        for cell in cells
    )
    return replace(grid, rows=len(rows) - 1, columns=len(columns) - 1, cells=tuple(counted))


def _numbers(separators: Iterable[int]) -> dict[int, int]:
    return {separator: number for number, separator in enumerate(sorted({*separators}))}


def _cut_in_two(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """Two cells that share a whole side and were one, the upper or left one first."""
    starts = {(cell.page, cell.row, cell.column): cell for cell in cells}
    for first in cells:
        below = starts.get((first.page, first.rows.stop, first.column))
        beside = starts.get((first.page, first.row, first.columns.stop))
        if below and below.columns == first.columns and _was_one(first, below, upright=True):
            yield first, below
        if beside and beside.rows == first.rows and _was_one(first, beside, upright=False):
            yield first, beside


def _was_one(first: Cell, second: Cell, upright: bool) -> bool:
    if bool(first.words) == bool(second.words) or min(first.quality, second.quality) >= SURE:
        return False
    own = first if first.words else second
    height = min(word.box.height for word in own.words)
    start, end = _along(boxes_union(word.box for word in own.words), upright)
    (near, far), both = (
        _along(box, upright) for box in (own.box, boxes_union((first.box, second.box)))
    )
    middle = (start + end) / 2
    return (
        abs(middle - sum(both) / 2) <= IN_THE_MIDDLE * height
        and abs(middle - (near + far) / 2) >= OFF_THE_MIDDLE * height
        and min(start - near, far - end) >= OFF_THE_SIDE * height
    )


def _along(box: Box, upright: bool) -> tuple[float, float]:
    return (box.top, box.bottom) if upright else (box.x0, box.x1)
