"""A side that the scan lost whole, given back by the words of the cell.

Nothing of such a side is left to see, so the two cells beside it come out as one. Its words
tell: they stand in two bodies, both in the middle between the borders that rows near it
show, or both right behind the border before them, and none crosses the border between
them. A cell that was printed as one sets its text over that border. Where the row above and the
one below both show the border, one text may stand in the middle and one behind its border, or one
in the middle of its part beside a blank.

Of two rows the bodies also stand apart, farther than lines of one text do: so it is where the
border between two merged cells was lost, and their labels came out as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extraction.values import Box, Cell, Grid, Word, boxes_union

OFF_CENTRE = 0.12
"""How far, as a share of its cell's width, the middle of a text may lie from that of its cell."""
BEHIND = 0.6
"""How far behind its cell's border a text set to the left may begin, as a share of the type's
height."""
REACH = 3
"""Rows above and below in which a border is looked for: a break may take it from several."""
CLEAR = 0.25
"""White on either side of a lost border, as a share of the type's height."""
OFF_ROW, APART = 0.5, 1.5
"""In heights of the type: how far a body may stand off the middle of its rows, and how far two
of them stand apart at least."""
FEWEST_IN_A_ROW = 3
"""Texts side by side, each in its place between borders of any rows: no one sets one text so."""
SIDE_BY_SIDE = 1.0
"""White between such texts at least, in heights of the type."""
ONE_CHARACTER = 0.75, 1.35
"""Widths of a hanzi to its height; digits are narrower."""
OVER = 0.6
"""How far the box of such a text may reach over its border, in heights of the type: on a dark
fill it is found with some of the fill."""
BLANK = 0.5
"""What speaks against a blank cell between two texts, in what a text may stand off its place."""
OFF_THE_WHOLE = 0.8
"""How far a text stands at least from the middle and the sides of a cell that it was not printed
in the whole of, in heights of the type."""
SPLIT_QUALITY = 0.5
"""Of the two cells: no more than even, as their border was not seen."""


Cut = tuple[float, tuple[Cell, ...]]
"""How far texts stand off their places in all, and the cells in which they do."""


def restore_lost_sides(grid: Grid) -> Grid:
    """``grid`` with every cell cut in two whose words stand in two columns or rows of their own."""
    columns = (part for cell in grid.cells for part in _parts(cell, grid))
    cells = tuple(part for cell in columns for part in _rows(cell, grid))
    return grid if len(cells) == len(grid.cells) else replace(grid, cells=cells)


def _parts(cell: Cell, grid: Grid) -> Sequence[Cell]:
    if cell.colspan < 2 or not cell.words:
        return (cell,)
    borders = tuple(columns_begun_inside(cell, grid))
    height = min(word.box.height for word in cell.words)
    texts = texts_in_a_row(cell.words, SIDE_BY_SIDE * height, borders)
    if any(_is_one_character(a) and _is_one_character(b) for a, b in pairwise(texts)):
        return (cell,)
    if len(texts) >= FEWEST_IN_A_ROW:
        found = _one_each(cell, texts, borders, {})
        if found is not None:
            return found[1]
    for column, x in _borders_beside(cell, grid):
        left, right = _split(cell, column, x)
        if _are_set_alike(left, right) or (
            _runs_past(column, cell, grid) and _are_in_place(left, right, cell)
        ):
            return (*_parts(left, grid), *_parts(right, grid))
    return (cell,)


def _is_one_character(text: Box) -> bool:
    """Whether it is as wide as high: two side by side are of one word that is set wide."""
    return ONE_CHARACTER[0] <= text.width / max(1.0, text.height) <= ONE_CHARACTER[1]


def texts_in_a_row(
    words: Sequence[Word], least: float, borders: Sequence[tuple[int, float]] = ()
) -> list[Box]:
    """The bodies of words that stand side by side, from the left: ``least`` pixels from each
    other, or with one of ``borders`` (a column and its x) between them."""
    texts: list[Box] = []
    for word in sorted(words, key=lambda word: word.box.x0):
        gap = word.box.x0 - texts[-1].x1 if texts else math.inf
        parted = any(texts[-1].x1 < x < word.box.x0 for _, x in borders) if texts else True
        if gap >= least or parted:
            texts.append(word.box)
        else:
            texts[-1] = boxes_union((texts[-1], word.box))
    return texts


def _one_each(
    cell: Cell,
    texts: Sequence[Box],
    borders: Sequence[tuple[int, float]],
    known: dict[tuple[int, int], Cut | None],
) -> Cut | None:
    """As ``_best_cut``, which is ``known`` for what is left of a cell from a column on."""
    place = len(texts), cell.column
    if place not in known:
        known[place] = _best_cut(cell, texts, borders, known)
    return known[place]


def _best_cut(
    cell: Cell,
    texts: Sequence[Box],
    borders: Sequence[tuple[int, float]],
    known: dict[tuple[int, int], Cut | None],
) -> Cut | None:
    """The cut of ``cell`` at some of ``borders`` that sets each of ``texts`` in a cell of its
    own, best in their middles, and how far off these the texts stand in all; None where a text
    stands neither in the middle nor right behind a border. A cell between two texts may be
    blank, its own text unread, where that sets them much better."""
    if len(texts) == 1:
        return None if (off := _off_place(cell)) is None else (off, (cell,))
    over = OVER * min(texts[0].height, texts[1].height)
    between = [
        one
        for one in borders
        if texts[0].x1 - over < one[1] < texts[1].x0 + over and one[1] > cell.box.x0
    ]
    ways = []
    for number, (column, x) in enumerate(between):
        left, right = _split(cell, column, x)
        if (off := _off_place(left)) is None:
            continue
        for last, (second, from_x) in enumerate(between[number:]):
            blank, rest = _split(right, second, from_x) if last else (None, right)
            after = [one for one in borders if one[0] > second and one[1] > from_x]
            found = _one_each(rest, texts[1:], after, known)
            if found is not None:
                cost = off + found[0] + (BLANK if last else 0.0)
                ways.append((cost, (left, *([blank] if blank else []), *found[1])))
    return min(ways, key=lambda way: way[0], default=None)


def _off_place(cell: Cell) -> float | None:
    """How far the text stands from the middle of its cell, or, where that is less, from its
    left border, as shares of what is allowed; None where that is too far."""
    if not cell.words:
        return None
    _, off, behind = _place(cell)
    least = min(off / OFF_CENTRE, abs(behind) / BEHIND)
    return least if least <= 1 else None


def _rows(cell: Cell, grid: Grid) -> Sequence[Cell]:
    """The cell cut where both bodies of its words stand best in the middle of their rows."""
    if cell.rowspan < 2 or len(cell.words) < 2:
        return (cell,)
    pairs = [_split_rows(cell, row, y) for row, y in _borders_at_height(cell, grid)]
    offs = [_off_rows(*pair) for pair in pairs]
    if min(offs, default=math.inf) > OFF_ROW:
        return (cell,)
    upper, lower = pairs[offs.index(min(offs))]
    return (*_rows(upper, grid), *_rows(lower, grid))


def _borders_at_height(cell: Cell, grid: Grid) -> Iterator[tuple[int, float]]:
    """Rows within ``cell`` that begin in other columns, and where in the nearest of these."""
    begun = (one for one in grid.cells if cell.row < one.row < cell.rows.stop)
    same_page = (one for one in begun if one.page == cell.page)
    nearest = _nearest(same_page, lambda one: one.row, lambda one: abs(one.column - cell.column))
    yield from ((row, one.box.top) for row, one in nearest)


def _nearest(
    cells: Iterable[Cell], border: Callable[[Cell], int], away: Callable[[Cell], int]
) -> list[tuple[int, Cell]]:
    """For each ``border`` at which some of ``cells`` begin, in order, the one least ``away``."""
    nearest: dict[int, Cell] = {}
    for one in sorted(cells, key=away):
        nearest.setdefault(border(one), one)
    return sorted(nearest.items(), key=lambda item: item[0])


def _split_rows(cell: Cell, row: int, y: float) -> tuple[Cell, Cell]:
    box, half = cell.box, _as_half(cell)
    upper = replace(
        half,
        rowspan=row - cell.row,
        box=Box(box.x0, box.top, box.x1, y),
        words=tuple(word for word in cell.words if word.box.center[1] < y),
    )
    lower = replace(
        half,
        row=row,
        rowspan=cell.rows.stop - row,
        box=Box(box.x0, y, box.x1, box.bottom),
        words=tuple(word for word in cell.words if word.box.center[1] >= y),
    )
    return upper, lower


def _as_half(cell: Cell) -> Cell:
    return replace(cell, quality=min(cell.quality, SPLIT_QUALITY))


def _off_rows(upper: Cell, lower: Cell) -> float:
    """How far the two bodies stand off the middles of their rows at most, in heights of the
    type; infinite where they do not stand apart."""
    if not (upper.words and lower.words):
        return math.inf
    words = (*upper.words, *lower.words)
    height = min(min(word.box.height, word.box.width) for word in words)
    bodies = [boxes_union(word.box for word in cell.words) for cell in (upper, lower)]
    if bodies[1].top - bodies[0].bottom < APART * height:
        return math.inf
    cells = (upper, lower)
    offs = (abs(b.center[1] - c.box.center[1]) for b, c in zip(bodies, cells, strict=True))
    return max(offs) / height


def _borders_beside(cell: Cell, grid: Grid) -> Iterator[tuple[int, float]]:
    """Columns within ``cell`` that begin in a row near it, and where."""
    borders: dict[int, float] = {}
    for one in grid.cells:
        near = one.row <= cell.rows.stop - 1 + REACH and one.rows.stop + REACH > cell.row
        inside = cell.column < one.column < cell.column + cell.colspan
        if near and inside and one.page == cell.page:
            borders[one.column] = one.box.x0
    yield from sorted(borders.items())


def columns_begun_inside(cell: Cell, grid: Grid) -> Iterator[tuple[int, float]]:
    """Columns within ``cell`` that begin in any row of its page, and where in the nearest."""
    begun = (one for one in grid.cells if cell.column < one.column < cell.columns.stop)
    same_page = (one for one in begun if one.page == cell.page)
    nearest = _nearest(same_page, lambda one: one.column, lambda one: abs(one.row - cell.row))
    yield from ((column, one.box.x0) for column, one in nearest)


def _split(cell: Cell, column: int, x: float) -> tuple[Cell, Cell]:
    box = cell.box
    words = [word for word in cell.words if not _is_rest_of_border(word, x, cell.words)]
    left = tuple(word for word in words if word.box.center[0] < x)
    right = tuple(word for word in words if word.box.center[0] >= x)
    half = _as_half(cell)
    return (
        replace(
            half,
            colspan=column - cell.column,
            box=Box(box.x0, box.top, x, box.bottom),
            words=left,
        ),
        replace(
            half,
            column=column,
            colspan=cell.columns.stop - column,
            box=Box(x, box.top, box.x1, box.bottom),
            words=right,
        ),
    )


def _is_rest_of_border(word: Word, x: float, words: Sequence[Word]) -> bool:
    """A stroke on the border itself, which reads as a ``1``."""
    clear = CLEAR * max(one.box.bottom - one.box.top for one in words)
    return abs(word.box.center[0] - x) <= clear and word.box.x1 - word.box.x0 <= clear


def _are_set_alike(left: Cell, right: Cell) -> bool:
    """Both in the middle, or both to the left, each within its borders."""
    if not left.words or not right.words:
        return False
    places = [_place(cell) for cell in (left, right)]
    in_the_middle = all(off <= OFF_CENTRE for _, off, _ in places)
    # A sentence that has a comma near the border fills its cell up to it.
    to_the_left = all(behind <= BEHIND for _, _, behind in places) and _has_room(left)
    return all(inside for inside, _, _ in places) and (in_the_middle or to_the_left)


def _has_room(cell: Cell) -> bool:
    """Whether another character would fit behind the text."""
    body = boxes_union(word.box for word in cell.words)
    return cell.box.x1 - body.x1 >= min(word.box.height for word in cell.words)


def _runs_past(column: int, cell: Cell, grid: Grid) -> bool:
    """Whether a border before ``column`` reaches ``cell`` from the row above and the one below."""
    begun = [one for one in grid.cells if one.column == column and one.page == cell.page]
    above = any(one.rows.stop == cell.row for one in begun)
    return above and any(one.row == cell.rows.stop for one in begun)


def _are_in_place(left: Cell, right: Cell, whole: Cell) -> bool:
    """Each text in the middle of its cell or right behind its border; or one of them blank, the
    other text in its middle, and nowhere a text of the whole cell would stand."""
    filled = [cell for cell in (left, right) if cell.words]
    places = [_place(cell) for cell in filled]
    if not filled or not all(inside for inside, _, _ in places):
        return False
    if len(filled) == 2:
        return all(off <= OFF_CENTRE or abs(behind) <= BEHIND for _, off, behind in places)
    body = boxes_union(word.box for word in whole.words)
    height = min(word.box.height for word in whole.words)
    spare = min(
        body.x0 - whole.box.x0, whole.box.x1 - body.x1, abs(body.center[0] - whole.box.center[0])
    )
    return places[0][1] <= OFF_CENTRE and spare >= OFF_THE_WHOLE * height


def _place(cell: Cell) -> tuple[bool, float, float]:
    """Whether the text keeps clear of both borders, how far its middle lies from that of the
    cell as a share of the cell's width, and how far behind the border it begins."""
    body = boxes_union(word.box for word in cell.words)
    height = min(word.box.bottom - word.box.top for word in cell.words)
    box = cell.box
    # A text set to the left may begin at its border, yet none may run over the next one.
    inside = box.x0 <= body.x0 and body.x1 <= box.x1 - CLEAR * height
    off = abs(body.center[0] - (box.x0 + box.x1) / 2) / (box.x1 - box.x0)
    return inside, off, (body.x0 - box.x0) / height
