"""A cell that prints a declared key beside another text: two cells whose border the scan lost.

Nothing of the border may be left, and no other row may have one there. That a text is printed
just as a key of the form, at a distance from its neighbour, says as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from extraction.grid.lost_sides import texts_in_a_row
from extraction.values import Box, Cell, Grid, Word, boxes_union

APART = 0.8
"""White between two texts at least, in heights of the type: more than between two words."""

Body = tuple[Word, ...]


def cut_at_keys(grid: Grid, is_key: Callable[[str], bool]) -> Grid:
    """``grid`` with each cell cut between texts that stand side by side, if one is a key."""
    cells = tuple(part for cell in grid.cells for part in _parts(cell, grid, is_key))
    return grid if len(cells) == len(grid.cells) else replace(grid, cells=cells)


def _parts(cell: Cell, grid: Grid, is_key: Callable[[str], bool]) -> Sequence[Cell]:
    if cell.colspan < 2 or len(cell.words) < 2:
        return (cell,)
    bodies = list(_side_by_side(cell.words))
    keys = sum(is_key("".join(word.text for word in body)) for body in bodies)
    if not keys or not 2 <= len(bodies) <= cell.colspan:
        return (cell,)
    columns = _columns_for(cell, bodies, grid)
    ends = [*columns[1:], (cell.columns.stop, cell.box.x1)]
    return tuple(
        replace(
            cell,
            column=column,
            colspan=stop - column,
            box=Box(x0, cell.box.top, x1, cell.box.bottom),
            words=body,
            quality=0.0,
        )
        for body, (column, x0), (stop, x1) in zip(bodies, columns, ends, strict=True)
    )


def _side_by_side(words: Sequence[Word]) -> Iterator[Body]:
    """The words of each text from the left, in their order; one of several lines is one text."""
    height = min(word.box.height for word in words)
    for span in texts_in_a_row(words, APART * height):
        yield tuple(word for word in words if span.x0 <= word.box.center[0] <= span.x1)


def _columns_for(cell: Cell, bodies: Sequence[Body], grid: Grid) -> list[tuple[int, float]]:
    """For each text a column to begin at and the border before it: the column that begins
    nearest to the middle of the white before the text, with room for those that follow."""
    begins = {one.column: one.box.x0 for one in grid.cells if one.page == cell.page}
    boxes = [boxes_union(word.box for word in body) for body in bodies]
    places = [(cell.column, cell.box.x0)]
    for number in range(1, len(boxes)):
        middle = (boxes[number - 1].x1 + boxes[number].x0) / 2
        first = places[-1][0] + 1
        last = cell.columns.stop - (len(boxes) - number)
        column = min(range(first, last + 1), key=lambda k: abs(begins.get(k, cell.box.x1) - middle))
        places.append((column, middle))
    return places
