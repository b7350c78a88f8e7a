"""A side that is none, taken back by the text beside it.

A stroke, a streak or the rest of a line above cuts a cell in two. Its text then stands neither
in the middle of its half nor at any side of it, but in the middle of both halves, of which the
other one is blank: so it was printed over both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extraction.values import Box, Cell, Grid, boxes_union

IN_THE_MIDDLE, OFF_THE_MIDDLE, OFF_THE_SIDE = 0.3, 0.7, 0.5
"""In heights of the type: how far a text stands at most from the middle of both halves, and at
least from the middle and from the sides of its own."""
SURE = 0.95
"""Quality of a cell from which on its sides are not put into question."""


def without_false_sides(grid: Grid) -> Grid:
    """``grid`` with each blank half joined to the half whose text was printed over both."""
    cells = list(grid.cells)
    while (pair := next(_cut_in_two(cells), None)) is not None:
        first, second = pair
        whole = replace(
            first,
            rowspan=second.rows.stop - first.row,
            colspan=second.columns.stop - first.column,
            box=boxes_union((first.box, second.box)),
            words=(*first.words, *second.words),
            quality=min(first.quality, second.quality),
        )
        cells = [whole if cell is first else cell for cell in cells if cell is not second]
    return grid if len(cells) == len(grid.cells) else _numbered(grid, cells)


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


def _numbered(grid: Grid, cells: Sequence[Cell]) -> Grid:
    """``cells`` counted over the rows and columns in which one of them begins."""
    rows = {row: number for number, row in enumerate(sorted({cell.row for cell in cells}))}
    columns = {c: number for number, c in enumerate(sorted({cell.column for cell in cells}))}
    rows[grid.rows], columns[grid.columns] = len(rows), len(columns)
    return replace(
        grid,
        rows=rows[grid.rows],
        columns=columns[grid.columns],
        cells=tuple(
            replace(
                cell,
                row=rows[cell.row],
                column=columns[cell.column],
                rowspan=rows[_begun(rows, cell.rows.stop)] - rows[cell.row],
                colspan=columns[_begun(columns, cell.columns.stop)] - columns[cell.column],
            )
            for cell in cells
        ),
    )


def _begun(numbers: dict[int, int], line: int) -> int:
    """The first row or column from ``line`` on in which a cell begins: nothing ends elsewhere."""
    return min(number for number in numbers if number >= line)
