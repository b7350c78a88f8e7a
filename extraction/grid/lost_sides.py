"""A side that the scan lost whole, given back by the words of the cell.

Nothing of such a side is left to see, so the two cells beside it come out as one. Its words
tell: they stand in two bodies, each in the middle between the borders that the rows above or
below show, and none crosses the border between them. A cell that was printed as one sets its
text over that border.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extraction.values import Box, Cell, Grid, Word, boxes_union

OFF_CENTRE = 0.12
"""How far, as a share of its cell's width, the middle of a text may lie from that of its cell."""
CLEAR = 0.25
"""White on either side of a lost border, as a share of the type's height."""
SPLIT_QUALITY = 0.5
"""Of the two cells: no more than even, as their border was not seen."""


def restore_lost_sides(grid: Grid) -> Grid:
    """``grid`` with every cell cut in two whose words stand in two columns of their own."""
    cells = tuple(part for cell in grid.cells for part in _parts(cell, grid))
    return grid if len(cells) == len(grid.cells) else replace(grid, cells=cells)


def _parts(cell: Cell, grid: Grid) -> Sequence[Cell]:
    if cell.colspan < 2 or len(cell.words) < 2:
        return (cell,)
    for column, x in _borders_beside(cell, grid):
        left, right = _split(cell, column, x)
        if all(_stands_in_the_middle(part) for part in (left, right)):
            # What is left of the border cannot be cut again; what is right of it may.
            return (left, *_parts(right, grid))
    return (cell,)


def _borders_beside(cell: Cell, grid: Grid) -> Iterator[tuple[int, float]]:
    """Columns within ``cell`` that begin in the row above or below, and where."""
    borders: dict[int, float] = {}
    for one in grid.cells:
        above = one.row + one.rowspan == cell.row
        below = one.row == cell.row + cell.rowspan
        inside = cell.column < one.column < cell.column + cell.colspan
        if (above or below) and inside and one.page == cell.page:
            borders[one.column] = one.box.x0
    yield from sorted(borders.items())


def _split(cell: Cell, column: int, x: float) -> tuple[Cell, Cell]:
    box = cell.box
    words = [word for word in cell.words if not _is_rest_of_border(word, x, cell.words)]
    left = tuple(word for word in words if word.box.center[0] < x)
    right = tuple(word for word in words if word.box.center[0] >= x)
    quality = min(cell.quality, SPLIT_QUALITY)
    return (
        replace(
            cell,
            colspan=column - cell.column,
            box=Box(box.x0, box.top, x, box.bottom),
            words=left,
            quality=quality,
        ),
        replace(
            cell,
            column=column,
            colspan=cell.column + cell.colspan - column,
            box=Box(x, box.top, box.x1, box.bottom),
            words=right,
            quality=quality,
        ),
    )


def _is_rest_of_border(word: Word, x: float, words: Sequence[Word]) -> bool:
    """A stroke on the border itself, which reads as a ``1``."""
    clear = CLEAR * max(one.box.bottom - one.box.top for one in words)
    return abs(word.box.center[0] - x) <= clear and word.box.x1 - word.box.x0 <= clear


def _stands_in_the_middle(cell: Cell) -> bool:
    if not cell.words:
        return False
    body = boxes_union(word.box for word in cell.words)
    clear = CLEAR * min(word.box.bottom - word.box.top for word in cell.words)
    inside = cell.box.x0 + clear <= body.x0 and body.x1 <= cell.box.x1 - clear
    middle = (cell.box.x0 + cell.box.x1) / 2
    return inside and abs(body.center[0] - middle) <= OFF_CENTRE * (cell.box.x1 - cell.box.x0)
