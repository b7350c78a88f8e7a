"""A side that is none, taken back by the text beside it.

A stroke, a streak or the rest of a line above cuts a cell in two. Its text then stands neither
in the middle of its half nor at any side of it, but in the middle of both halves: so it was
printed over both. The other half is blank, or holds the next rows of the text, which keep to
them as rows of one text do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extraction.values import Box, Cell, Grid, boxes_union

IN_THE_MIDDLE, OFF_THE_MIDDLE, OFF_THE_SIDE = 0.3, 0.7, 0.5
"""In heights of the type: how far a text stands at most from the middle of both halves, and at
least from the middle and from the sides of its own."""
LEADING, OFF_THE_ROW = 0.7, 0.5
"""In heights of the type: white between two rows of one text at most, and how far at least
each stands from the middle of its half."""
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
    halves = [cell for cell in (first, second) if cell.words]
    if not halves or min(first.quality, second.quality) >= SURE:
        return False
    words = [word.box for half in halves for word in half.words]
    height = min(box.height for box in words)
    span = _along(boxes_union((first.box, second.box)), upright)
    if _off_middle(boxes_union(words), span, upright) > IN_THE_MIDDLE * height:
        return False
    if len(halves) == 2:
        return upright and _is_one_text(first, second, height)
    (own,) = halves
    spare = _spare(own, upright)
    off = _off_its_middle(own, upright)
    return off >= OFF_THE_MIDDLE * height and min(spare) >= OFF_THE_SIDE * height


def _is_one_text(upper: Cell, lower: Cell, height: float) -> bool:
    """Whether the text of ``lower`` keeps to that of ``upper`` as its next row does."""
    (before, above), (below, after) = (_spare(cell, True) for cell in (upper, lower))
    return (
        above + below <= LEADING * height
        and min(before, after) >= OFF_THE_SIDE * height
        and min(_off_its_middle(cell, True) for cell in (upper, lower)) >= OFF_THE_ROW * height
    )


def _off_its_middle(cell: Cell, upright: bool) -> float:
    return _off_middle(_body(cell), _along(cell.box, upright), upright)


def _off_middle(body: Box, span: tuple[float, float], upright: bool) -> float:
    return abs(sum(_along(body, upright)) - sum(span)) / 2


def _spare(cell: Cell, upright: bool) -> tuple[float, float]:
    """White between the text of ``cell`` and its sides."""
    (start, end), (near, far) = _along(_body(cell), upright), _along(cell.box, upright)
    return start - near, far - end


def _body(cell: Cell) -> Box:
    return boxes_union(word.box for word in cell.words)


def _along(box: Box, upright: bool) -> tuple[float, float]:
    return (box.top, box.bottom) if upright else (box.x0, box.x1)
