"""Columns at the edge of a table that runs on over a page, where that page lost their rulings.

The page before shows where they stand: the column lines that both pages have lie alike, and the
table goes on to one side of them. A fax eats the outer hairlines of a page, and of a column of
dark fill there may be no ruling to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extraction.grid.cells import words_into_cells
from extraction.grid.join import are_apart, column_lines
from extraction.values import Box, Cell, Grid, PageReading, Word

FARTHEST_MM = 4.0
"""How far a page may lie off the page before in the scanner."""
SAME_LINE_MM = 1.2
AGREEING = 0.8
"""Share of the second page's column lines that are those of the first, its outer ones among
them."""
FEWEST_LINES = 3
UNSEEN_QUALITY = 0.5
"""Of a cell of which no side but the inner one was seen."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A column that the page lost, from the cell above it that its table ends in."""

    x0: float
    x1: float
    is_merged: bool


def restore_outer_columns(readings: Sequence[PageReading]) -> tuple[PageReading, ...]:
    """``readings`` with the outer columns that a page lost of a table of the page before."""
    restored: list[PageReading] = list(readings[:1])
    for after in readings[1:]:
        restored.append(_restored(restored[-1], after))
    return tuple(restored)


def _restored(before: PageReading, after: PageReading) -> PageReading:
    if not before.grids or not after.grids or after.number != before.number + 1:
        return after
    upper, lower = before.grids[-1], after.grids[0]
    if not (upper.ruled and lower.ruled) or are_apart(before, upper, after):
        return after
    moved = _moved_onto(before, upper, after)
    beside = lower.box_on(after.number)
    left, right = _strips_beside(moved, beside, after)
    if not left and not right:
        return after
    cells = [replace(cell, column=cell.column + len(left)) for cell in lower.cells]
    added = [
        *_new_cells(left, 0, lower, after, lambda cell: cell.column),
        *_new_cells(
            right, len(left) + lower.columns, lower, after, lambda cell: -cell.columns.stop
        ),
    ]
    (filled,), loose = words_into_cells(after.loose_words, [Grid(1, 1, tuple(added))])
    columns = lower.columns + len(left) + len(right)
    ordered = sorted((*cells, *filled.cells), key=lambda cell: (cell.row, cell.column))
    grid = replace(lower, columns=columns, cells=tuple(ordered))
    return replace(after, grids=(grid, *after.grids[1:]), loose_words=loose)


def _moved_onto(before: PageReading, upper: Grid, after: PageReading) -> list[Cell]:
    """The cells that end ``upper``, as they would lie on the page ``after`` in its scale."""
    zoom = after.dpi / before.dpi
    last = max(cell.rows.stop for cell in upper.cells)
    return [
        replace(cell, box=Box(*(side * zoom for side in cell.box)))
        for cell in upper.cells
        if cell.rows.stop == last and cell.page == before.number
    ]


def _strips_beside(
    above: Sequence[Cell], box: Box, after: PageReading
) -> tuple[list[Strip], list[Strip]]:
    """The columns of ``above`` left and right of ``box``; none where the lines do not agree."""
    same = SAME_LINE_MM / 25.4 * after.dpi
    first = sorted({side for cell in above for side in (cell.box.x0, cell.box.x1)})
    second = [box.x0 + share * box.width for share in column_lines(after.grids[0])]
    shift = _best_shift(first, second, FARTHEST_MM / 25.4 * after.dpi, same)
    if shift is None:
        return [], []
    strips = [
        Strip(cell.box.x0 + shift, cell.box.x1 + shift, cell.rowspan > 1)
        for cell in sorted(above, key=lambda cell: cell.column)
    ]
    left = [strip for strip in strips if strip.x1 < box.x0 + same]
    right = [strip for strip in strips if strip.x0 > box.x1 - same]
    inside = [strip for strip in strips if strip not in left and strip not in right]
    # A column that only a part of was lost says that the pages are not alike.
    if not inside or inside[0].x0 < box.x0 - same or inside[-1].x1 > box.x1 + same:
        return [], []
    return left, right


def _best_shift(
    first: Sequence[float], second: Sequence[float], farthest: float, same: float
) -> float | None:
    """By how much ``second`` lies right of ``first``, so that both its ends and most of it are
    lines of ``first``; None where there is no such shift."""
    if len(second) < FEWEST_LINES:
        return None

    def agreeing(shift: float) -> int:
        return sum(_has(first, line - shift, same) for line in second)

    shifts = {b - a for a in first for b in second if abs(b - a) <= farthest}
    fitting = [
        shift
        for shift in shifts
        if agreeing(shift) >= AGREEING * len(second)
        and all(_has(first, end - shift, same) for end in (second[0], second[-1]))
    ]
    return min(fitting, key=lambda shift: (-agreeing(shift), abs(shift)), default=None)


def _has(lines: Sequence[float], line: float, same: float) -> bool:
    return any(abs(one - line) <= same for one in lines)


def _new_cells(
    strips: Sequence[Strip],
    column: int,
    lower: Grid,
    after: PageReading,
    outer: Callable[[Cell], int],
) -> Iterator[Cell]:
    """The cells of lost columns, numbered from ``column``: one where the column was merged above
    and says one thing here, else one to each cell of the column beside them, which has the least
    ``outer``."""
    whole = lower.box_on(after.number)
    least = min(map(outer, lower.cells))
    beside = [cell for cell in lower.cells if outer(cell) == least]
    for number, strip in enumerate(strips, start=column):
        inside = Box(strip.x0, whole.top, strip.x1, whole.bottom)
        words = [word for word in after.loose_words if inside.contains_point(*word.box.center)]
        parts = [(one.rows, one.box) for one in sorted(beside, key=lambda cell: cell.row)]
        if strip.is_merged and _is_one_text(words):
            parts = [(range(lower.rows), whole)]
        for span, box in parts:
            place = Box(strip.x0, box.top, strip.x1, box.bottom)
            yield Cell(
                span.start, number, len(span), 1, place, after.number, quality=UNSEEN_QUALITY
            )


def _is_one_text(words: Sequence[Word]) -> bool:
    """Whether no two of ``words``, from top to bottom, stand farther apart than lines do."""
    boxes = sorted((word.box for word in words), key=lambda box: box.top)
    return all(b.top - a.bottom < max(a.height, b.height) for a, b in pairwise(boxes))
