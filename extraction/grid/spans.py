"""Cells of a table without vertical rulings: which of them cover several rows or columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from statistics import mean
from typing import NamedTuple

from extraction.grid.gutters import Column, columns_of_box
from extraction.values import Box, Cell, Grid, Word, boxes_union

Row = tuple[Word, ...]
QUALITY = 0.5
"""Of a side that no ruling shows."""

FARTHEST_OFF, WELL_CENTRED = 0.7, 0.35
"""In heights of a line: how far a text may stand off the middle of its rows, and how far all of
a column do on average where nothing else tells their rows."""

LEAST_HEADED = 0.8
"""Share of the columns that the line below a line of group names names one by one."""


class Area(NamedTuple):
    """Rows ``top`` … ``bottom`` - 1 and columns ``left`` … ``right`` - 1."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows and columns with their borders in pixels; ``areas`` are the cells larger than one
    row and column that are known so far."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    height: float
    areas: tuple[Area, ...] = ()


def head_to_levels(
    head: Row, columns: Sequence[Column], height: float
) -> tuple[Row, Row, list[Area]] | None:
    """A header row with group names over some of its columns, as two rows and its areas."""
    by_column: dict[int, list[Word]] = {}
    for word in head:
        for column in columns_of_box(word.box, columns, height):
            by_column.setdefault(column, []).append(word)
    box = boxes_union(word.box for word in head)
    middle = (box.top + box.bottom) / 2
    grouped = [
        any(w.box.center[1] > middle + 0.25 * height for w in words)
        and not any(abs(w.box.center[1] - middle) < 0.25 * height for w in words)
        for words in (by_column.get(column, []) for column in range(len(columns)))
    ]
    areas: list[Area] = []
    for is_grouped, run in groupby(range(len(columns)), key=grouped.__getitem__):
        members = list(run)
        if not is_grouped:
            areas += [Area(0, 2, column, column + 1) for column in members]
            continue
        names = {w for c in members for w in by_column[c] if w.box.center[1] < middle}
        spans = groups_of_columns(sorted(names, key=_left), columns, members)
        if spans is None or len(names) == len(members):
            return None
        areas += [Area(0, 1, span.start, span.stop) for span in spans]
    lower = tuple(
        word
        for word in head
        if word.box.center[1] > middle
        and all(grouped[c] for c in columns_of_box(word.box, columns, height))
    )
    upper = tuple(word for word in head if word not in lower)
    return (upper, lower, areas) if lower and upper else None


def groups_of_columns(
    names: Sequence[Word], columns: Sequence[Column], members: Sequence[int]
) -> list[range] | None:
    """Neighbouring ``members`` under each name, so that the names are centred over them."""
    if not names or len(names) > len(members) or len(names) > 4:
        return None
    start, stop = members[0], members[-1] + 1

    def off_centre(cuts: Sequence[int]) -> float:
        return sum(
            abs((columns[a].x0 + columns[b - 1].x1) / 2 - name.box.center[0])
            for name, (a, b) in zip(names, pairwise([start, *cuts, stop]), strict=True)
        )

    ways = combinations(range(start + 1, stop), len(names) - 1)
    best = min(ways, key=off_centre)
    width = columns[stop - 1].x1 - columns[start].x0
    if off_centre(best) > 0.12 * width * len(names):
        return None
    return [range(a, b) for a, b in pairwise([start, *best, stop])]


def names_over_head(layout: Layout, members: Sequence[int]) -> list[Area]:
    """The areas of group names in the first row, over a second that names every column.

    ``members`` are the columns that are not of one piece through both rows.
    """
    if len(layout.rows) < 2 or len(members) < 2 or members[-1] - members[0] >= len(members):
        return []
    names, head = (
        [w for w in row if set(columns_of_box(w.box, layout.columns, layout.height)) & {*members}]
        for row in layout.rows[:2]
    )
    named = {c for w in head for c in columns_of_box(w.box, layout.columns, layout.height)}
    whole = len(members) == len(layout.columns)
    if len(named) < LEAST_HEADED * len(members) or not int(whole) < len(names) < len(named):
        return []
    spans = groups_of_columns(sorted(names, key=_left), layout.columns, members)
    if spans is None or any(len(span) < 2 for span in spans):
        return []
    return [Area(0, 1, span.start, span.stop) for span in spans]


def spans_of_words(layout: Layout) -> Iterator[Area]:
    """The columns that one word of a row stands over."""
    for number, row in enumerate(layout.rows):
        for word in row:
            reached = columns_of_box(word.box, layout.columns, layout.height)
            if len(reached) > 1:
                yield Area(number, number + 1, reached.start, reached.stop)


def areas_down(layout: Layout, column: int, first: int, inner: Sequence[Area] = ()) -> list[Area]:
    """Areas of all rows from row ``first`` on, each centred on its text; none unless every text
    of the column is centred so.

    ``inner`` are the areas of the column that the names of this one part further: its areas end
    where some of those do. Where the texts are well centred, or so bound, the last area may be
    blank: its text may stand on the next page.
    """
    limits = [area.bottom for area in inner] or range(len(layout.ys))
    areas: list[Area] = []
    offs: list[float] = []
    start = first
    for centre in _text_centres(layout, column, first):
        away = {
            end: abs((layout.ys[start] + layout.ys[end]) / 2 - centre)
            for end in limits
            if end > start
        }
        stop = min(away, key=away.__getitem__, default=start)
        if stop == start or away[stop] > FARTHEST_OFF * layout.height:
            return []
        areas.append(Area(start, stop, column, column + 1))
        offs.append(away[stop])
        start = stop
    if not areas:
        return []
    sure = bool(inner) or (len(areas) > 1 and mean(offs) < WELL_CENTRED * layout.height)
    if start < len(layout.rows) and sure:
        areas.append(Area(start, len(layout.rows), column, column + 1))
        start = len(layout.rows)
    return areas if start == len(layout.rows) and len(areas) > 1 else []


def _text_centres(layout: Layout, column: int, first: int) -> list[float]:
    """The middle heights of the texts of a column, lines close to each other as one."""
    boxes: list[Box] = []
    for row in layout.rows[first:]:
        for word in sorted(row, key=lambda word: word.box.top):
            if columns_of_box(word.box, layout.columns, layout.height) != range(column, column + 1):
                continue
            if boxes and word.box.top - boxes[-1].bottom < 0.5 * layout.height:
                boxes[-1] = boxes_union((boxes[-1], word.box))
            else:
                boxes.append(word.box)
    return [box.center[1] for box in boxes]


def layout_to_grid(layout: Layout, page: int) -> Grid:
    """Every place in exactly one cell; of areas that overlap the first holds."""
    rows, columns = len(layout.rows), len(layout.columns)
    owner: dict[tuple[int, int], Area] = {}
    singles = [Area(r, r + 1, c, c + 1) for r in range(rows) for c in range(columns)]
    for area in (*layout.areas, *spans_of_words(layout), *singles):
        places = [(r, c) for r in range(*area[:2]) for c in range(*area[2:])]
        if not any(place in owner for place in places):
            owner |= dict.fromkeys(places, area)
    words: dict[Area, list[Word]] = {}
    for number, row in enumerate(layout.rows):
        for word in row:
            reached = columns_of_box(word.box, layout.columns, layout.height)
            words.setdefault(owner[number, reached.start], []).append(word)
    return Grid(
        rows,
        columns,
        tuple(
            _area_to_cell(area, words.get(area, ()), layout, page)
            for area in sorted(set(owner.values()), key=lambda area: (area.top, area.left))
        ),
        ruled=False,
    )


def _area_to_cell(area: Area, words: Sequence[Word], layout: Layout, page: int) -> Cell:
    box = Box(
        layout.xs[area.left], layout.ys[area.top], layout.xs[area.right], layout.ys[area.bottom]
    )
    return Cell(
        area.top,
        area.left,
        area.bottom - area.top,
        area.right - area.left,
        box,
        page,
        in_lines(words, layout.height),
        quality=QUALITY,
    )


def in_lines(words: Sequence[Word], height: float) -> Row:
    """The words of a cell from top to bottom, each line from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        if lines and word.box.center[1] - lines[-1][0].box.center[1] < 0.5 * height:
            lines[-1].append(word)
        else:
            lines.append([word])
    return tuple(word for line in lines for word in sorted(line, key=_left))


def _left(word: Word) -> float:
    return word.box.x0
