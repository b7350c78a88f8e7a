"""A side that is none, taken back by the text beside it.

A stroke, a streak or the rest of a line above cuts a cell in two. Its text then stands neither
in the middle of its half nor at any side of it, but in the middle of both halves: so it was
printed over both. The other half is blank, or holds the next rows of the text, which keep to
them as rows of one text do, or the rest of a row that runs over the side.

Two such sides leave the text in the middle one of three parts, which are rows that other columns
show: it is higher than the text of a row and fills its part, and the parts around it are blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median

from extraction.values import Box, Cell, Grid, boxes_union

IN_THE_MIDDLE, OFF_THE_MIDDLE, OFF_THE_SIDE = 0.3, 0.7, 0.5
"""In heights of the type: how far a text stands at most from the middle of both halves, and at
least from the middle and from the sides of its own."""
OVER_THE_SIDE = 0.05
"""White between a text and a side that it runs over, at most."""
LEADING, OFF_THE_ROW = 0.7, 0.5
"""In heights of the type: white between two rows of one text at most, and how far at least
each stands from the middle of its half."""
AT_THE_SIDE = 0.25
"""In heights of the type: white on either side of what cuts a row of text."""
ROWS_HIGH, FILLED = 1.45, 0.15
"""In heights of words: two rows of text; and the share of its cell's height that a text leaves on
either side where it fills it."""
SURE = 0.95
"""Quality of a cell from which on its sides are not put into question."""


def without_false_sides(grid: Grid) -> Grid:
    """``grid`` with the parts joined over which one text was printed."""
    while (parts := next(_cut_apart(grid.cells), None)) is not None:
        grid = with_joined(grid, *parts)
    return grid


def with_joined(grid: Grid, *parts: Cell) -> Grid:
    """``grid`` with ``parts``, from the top or the left, that share whole sides as one cell, its
    rows and columns counted over the separators that still bound a cell."""
    first, last = parts[0], parts[-1]
    whole = replace(
        first,
        rowspan=last.rows.stop - first.row,
        colspan=last.columns.stop - first.column,
        box=boxes_union(part.box for part in parts),
        words=tuple(word for part in parts for word in part.words),
        quality=min(part.quality for part in parts),
    )
    others = {id(part) for part in parts[1:]}
    cells = [whole if cell is first else cell for cell in grid.cells if id(cell) not in others]
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


def _cut_apart(cells: Sequence[Cell]) -> Iterator[tuple[Cell, ...]]:
    """Cells that share whole sides and were one, from the top or the left."""
    starts = {(cell.page, cell.row, cell.column): cell for cell in cells}
    heights = [word.box.height for cell in cells for word in cell.words]
    usual = median(heights) if heights else 0.0
    for first in cells:
        below = starts.get((first.page, first.rows.stop, first.column))
        last = starts.get((first.page, below.rows.stop, first.column)) if below else None
        if below and last and _were_one((first, below, last), usual):
            yield first, below, last
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
    both = boxes_union((first.box, second.box))
    if _off_middle(_white(boxes_union(words), both, upright)) > IN_THE_MIDDLE * height:
        return False
    if len(halves) == 2:
        return (_is_one_text if upright else _runs_over)(first, second, height)
    (own,) = halves
    white = near, far = _white(_body(own), own.box, upright)
    inner, outer = (far, near) if own is first else (near, far)
    # Or the text runs over the side, as none does that was set beside it.
    inside = inner >= OFF_THE_SIDE * height or inner <= OVER_THE_SIDE * height
    far_off = _off_middle(white) >= OFF_THE_MIDDLE * height
    return far_off and inside and outer >= OFF_THE_SIDE * height


def _is_one_text(upper: Cell, lower: Cell, height: float) -> bool:
    """Whether the text of ``lower`` keeps to that of ``upper`` as its next row does."""
    whites = [_white(_body(cell), cell.box, True) for cell in (upper, lower)]
    (before, above), (below, after) = whites
    return (
        above + below <= LEADING * height
        and min(before, after) >= OFF_THE_SIDE * height
        and min(map(_off_middle, whites)) >= OFF_THE_ROW * height
    )


def _runs_over(left: Cell, right: Cell, height: float) -> bool:
    """Whether one row of text stands on both sides of what cuts it."""
    bodies = one, rest = _body(left), _body(right)
    (before, inner), (other, after) = _white(one, left.box, False), _white(rest, right.box, False)
    off_row = abs(one.center[1] - rest.center[1])
    return (
        max(inner, other) <= AT_THE_SIDE * height
        and min(before, after) >= height
        and off_row <= IN_THE_MIDDLE * height
        and max(body.height for body in bodies) < ROWS_HIGH * height
    )


def _were_one(parts: tuple[Cell, Cell, Cell], usual: float) -> bool:
    """Whether the text of the middle one was printed over all three; ``usual`` is the height of
    the words of the grid."""
    upper, own, lower = parts
    if (
        not own.words
        or upper.words
        or lower.words
        or not upper.columns == own.columns == lower.columns
    ):
        return False
    if min(part.quality for part in parts) >= SURE:
        return False
    body, whole = _body(own), boxes_union(part.box for part in parts)
    return (
        body.height >= ROWS_HIGH * usual
        and max(_white(body, own.box, True)) <= FILLED * own.box.height
        and _off_middle(_white(body, whole, True)) <= IN_THE_MIDDLE * usual
    )


def _white(text: Box, around: Box, upright: bool) -> tuple[float, float]:
    """What ``text`` leaves blank before and behind it in the box ``around`` it."""
    if upright:
        return text.top - around.top, around.bottom - text.bottom
    return text.x0 - around.x0, around.x1 - text.x1


def _off_middle(white: tuple[float, float]) -> float:
    return abs(white[0] - white[1]) / 2


def _body(cell: Cell) -> Box:
    return boxes_union(word.box for word in cell.words)
