"""Rows and columns of a table without rulings to its layout: borders, levels of its header, and
names that stand for several rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from extraction.grid.gutters import Column, columns_of_box
from extraction.grid.half_ruled import Stack
from extraction.grid.row_bands import words_to_rows
from extraction.grid.spans import (
    Area,
    Layout,
    Row,
    areas_down,
    head_to_levels,
    layout_to_grid,
    names_over_head,
)
from extraction.values import Word, boxes_union

_LEADING_COLUMNS, _MOST_LEADING = 2, 3
"""Only these hold names that stand for several rows. That of the third one is believed only where
fewer cells come out blank for it: names of single rows stand as near to each other."""


def layouts_beside_names(
    rows: Sequence[Row], columns: Sequence[Column], height: float
) -> list[Layout]:
    """The ways to take the first columns as names of several rows each, which then say nothing of
    where the rows are: each name stands in the middle of its own. The best one first.

    The table begins with the first row of names of columns; text may stand above that.
    """
    head = next((n for n, row in enumerate(rows) if _is_head(row, columns, height)), None)
    if head is None:
        return []
    body = rows[head:]
    usual = [
        layout
        for leading in range(min(_LEADING_COLUMNS, len(columns) - 1), 0, -1)
        if (layout := _layout_beside_names(body, leading, columns, height)) is not None
    ]
    if not usual or len(columns) <= _MOST_LEADING:
        return usual
    more = _layout_beside_names(body, _MOST_LEADING, columns, height)
    if more is None or _count_blank(more) >= _count_blank(usual[0]):
        return usual
    return [more, *usual]


def _layout_beside_names(
    rows: Sequence[Row], leading: int, columns: Sequence[Column], height: float
) -> Layout | None:
    """``rows``, of which the first names the columns, with the first ``leading`` columns taken as
    names; None unless each of those has one that stands for several rows."""
    words = [word for row in rows[1:] for word in row]
    names = {word for word in words if columns_of_box(word.box, columns, height).stop <= leading}
    body = words_to_rows([word for word in words if word not in names], columns, height)
    if not names or not body:
        return None
    plain = [rows[0], *body]
    named = _with_names(plain, names)
    own = joined_columns(named, columns, height)
    layout = rows_to_layout(named, own, None, height)
    layout = replace(layout, ys=rows_to_layout(plain, own, None, height).ys)
    layout = with_merged(layout, max(leading, _LEADING_COLUMNS))
    merged = {area.left for area in layout.areas if area.bottom - area.top > 1}
    return layout if merged >= {*range(leading)} else None


def _count_blank(layout: Layout) -> int:
    return sum(not cell.words for cell in layout_to_grid(layout, page=1).cells)


def _is_head(row: Row, columns: Sequence[Column], height: float) -> bool:
    """Whether each column has a name in ``row``, and none more than a part of one."""
    places = [columns_of_box(word.box, columns, height) for word in row]
    return all(len(place) == 1 for place in places) and len({*places}) == len(columns)


def _with_names(rows: Sequence[Row], names: Iterable[Word]) -> list[Row]:
    """``rows`` with each name in the row that it is nearest to, the first one aside."""
    middles = [boxes_union(word.box for word in row).center[1] for row in rows[1:]]
    named = list(rows)
    for name in sorted(names, key=lambda name: name.box.top):
        y = name.box.center[1]
        nearest = min(range(len(middles)), key=lambda n: abs(middles[n] - y))
        named[nearest + 1] = (*named[nearest + 1], name)
    return named


def joined_columns(rows: Sequence[Row], columns: Sequence[Column], height: float) -> list[Column]:
    """``columns`` with a header and what stands aside below it as one.

    Numbers set to the right under a centred name make two columns that share no row.
    """
    filled = [
        {column for word in row for column in columns_of_box(word.box, columns, height)}
        for row in rows
    ]
    joined = list(columns[:1])
    start = 0
    for k in range(1, len(columns)):
        mine = set(range(start, k))
        shared = any(mine & row and k in row for row in filled)
        headed = bool(filled) and bool(mine & filled[0]) and k in filled[0]
        if shared or headed or not filled:
            joined.append(columns[k])
            start = k
        else:
            joined[-1] = Column(joined[-1].x0, columns[k].x1)
    return joined


def rows_to_layout(
    rows: Sequence[Row], columns: Sequence[Column], stack: Stack | None, height: float
) -> Layout:
    """Borders midway between columns and between rows, on a ruling where there is one."""
    rules = [rule.at for rule in stack.every] if stack else []
    boxes = [boxes_union(word.box for word in row) for row in rows]
    ys = [boxes[0].top]
    for upper, lower in pairwise(boxes):
        between = [at for at in rules if upper.center[1] < at < lower.center[1]]
        ys.append(between[-1] if between else max((upper.bottom + lower.top) / 2, ys[-1]))
    ys.append(boxes[-1].bottom)
    outline = boxes_union(boxes)
    xs = [outline.x0, *((a.x1 + b.x0) / 2 for a, b in pairwise(columns)), outline.x1]
    if stack is not None:
        xs[0], xs[-1] = min(xs[0], stack.x0), max(xs[-1], stack.x1)
        ys[0], ys[-1] = min(ys[0], rules[0]), max(ys[-1], rules[-1])
    return Layout(tuple(rows), tuple(columns), tuple(xs), tuple(ys), height)


def with_head(layout: Layout) -> Layout:
    """``layout`` with the names of groups of columns over the columns they name."""
    tall = {area.left for area in layout.areas if area.top == 0}
    if (
        not tall
        and len(layout.rows) > 2
        and _are_near(layout.rows[0], layout.rows[1], layout.height)
    ):
        whole = with_head(_first_rows_joined(layout))
        if any(area.right - area.left > 1 for area in whole.areas):
            return whole
    names = names_over_head(layout, [c for c in range(len(layout.columns)) if c not in tall])
    if names:
        return replace(layout, areas=(*layout.areas, *names))
    levels = None if tall else head_to_levels(layout.rows[0], layout.columns, layout.height)
    if levels is None:
        return layout
    upper, lower, areas = levels
    names_end = max(w.box.bottom for w in upper if w.box.center[1] < layout.rows[0][0].box.bottom)
    border = (min(names_end, layout.ys[1]) + min(w.box.top for w in lower)) / 2
    shifted = [area._replace(top=area.top + 1, bottom=area.bottom + 1) for area in layout.areas]
    return replace(
        layout,
        rows=(upper, lower, *layout.rows[1:]),
        ys=(layout.ys[0], border, *layout.ys[1:]),
        areas=(*areas, *shifted),
    )


def _are_near(upper: Row, lower: Row, height: float) -> bool:
    gap = min(word.box.top for word in lower) - max(word.box.bottom for word in upper)
    return gap < 0.3 * height


def _first_rows_joined(layout: Layout) -> Layout:
    head = (*layout.rows[0], *layout.rows[1])
    return replace(layout, rows=(head, *layout.rows[2:]), ys=(layout.ys[0], *layout.ys[2:]))


def with_merged(layout: Layout, leading: int = _LEADING_COLUMNS) -> Layout:
    """``layout`` with names in its ``leading`` columns over the rows that they stand for."""
    first = max((area.bottom for area in layout.areas if area.top == 0), default=1)
    merged: list[Area] = []
    inner: list[Area] = []
    for column in reversed(range(min(leading, len(layout.columns)))):
        areas = areas_down(layout, column, first)
        if not areas and inner:
            areas = areas_down(layout, column, first, inner)
        inner = areas
        merged = [*(area for area in inner if area.bottom - area.top > 1), *merged]
    return replace(layout, areas=(*layout.areas, *merged))
