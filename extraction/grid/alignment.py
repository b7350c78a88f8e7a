"""Tables without rulings, or with horizontal ones only, from how the words line up.

Only words outside all ruled grids come here.

    lines of words → blocks (between rulings, or where gutters hold over many lines)
    → columns → words taken apart at gutters → rows → cells

A block is a table when gutters part its lines into columns; prose never lines up so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extraction.grid.gutters import (
    Column,
    Line,
    columns_of_box,
    find_em,
    find_height,
    lines_to_columns,
    split_at_gutters,
    trimmed,
    word_to_parts,
)
from extraction.grid.half_ruled import (
    Stack,
    edges_to_rules,
    rules_every_row,
    rules_to_stacks,
    stack_to_strips,
    unruled_areas,
)
from extraction.grid.row_bands import words_to_bands, words_to_rows
from extraction.grid.spans import (
    Area,
    Layout,
    Row,
    areas_down,
    head_to_levels,
    layout_to_grid,
    names_over_head,
)
from extraction.values import Edge, Grid, Word, boxes_union

_ENTRY = re.compile(r".*[：:].*|[(（]盖章[)）]")
"""Entries of the lines above and below a table: 单位：…, 日期：…"""

_LEADING_COLUMNS, _MOST_LEADING = 2, 3
"""Only these hold names that stand for several rows. That of the third one is believed only where
fewer cells come out blank for it: names of single rows stand as near to each other."""


@dataclass(frozen=True, slots=True)
class AlignmentSettings:
    """Lengths in heights of a text line."""

    widest_leading: float = 3.0
    fewest_rows: int = 3
    fewest_columns: int = 3
    filled: float = 0.45
    same_line: float = 0.4
    other_size: float = 2.2
    lines_seen: int = 16


def find_aligned_grids(
    words: Sequence[Word],
    edges: Sequence[Edge],
    page: int,
    settings: AlignmentSettings | None = None,
) -> tuple[tuple[Grid, ...], tuple[Word, ...]]:
    """Grids found by alignment, and the words that belong to none of them.

    Two columns are enough where horizontal rulings of ``edges`` bound the lines (a
    half-ruled or three-line table); ``fewest_columns`` where nothing is ruled at all.
    """
    settings = settings or AlignmentSettings()
    if not words:
        return (), ()
    originals = dict(zip(trimmed(words), words, strict=True))
    words = list(originals)
    height = find_height(words)
    grids: list[Grid] = []
    left = list(words)
    for stack in rules_to_stacks(edges_to_rules(edges, height), words, height):
        inside = [word for word in left if _is_in(word, stack)]
        grid = block_to_grid(words_to_lines(inside), stack, page, settings)
        if grid is not None:
            grids.append(grid)
            left = [word for word in left if word not in inside]
    for block in lines_to_blocks(words_to_lines(left), settings):
        grid = block_to_grid(block, None, page, settings)
        if grid is not None:
            grids.append(grid)
            box = grid.box_on(page)
            left = [word for word in left if not box.contains_point(*word.box.center)]
    grids.sort(key=lambda grid: grid.box_on(page).top)
    return tuple(grids), tuple(originals[word] for word in left)


def _is_in(word: Word, stack: Stack) -> bool:
    x, y = word.box.center
    return stack.x0 < x < stack.x1 and stack.whole[0].at < y < stack.whole[-1].at


def words_to_lines(words: Sequence[Word]) -> list[Line]:
    """Words whose middles lie at one height are a line; lines from top to bottom."""
    if not words:
        return []
    bands = words_to_bands(words, 0.4 * find_height(words))
    return [tuple(sorted(band, key=lambda word: word.box.x0)) for band in bands]


def lines_to_blocks(lines: Sequence[Line], settings: AlignmentSettings) -> list[list[Line]]:
    """Runs of lines near to each other that keep their gutters.

    A run starts at a line of several words; one of a single word goes on with it where it
    stands in one column, as the lines of a text do that wraps in its cell.
    """
    blocks: list[list[Line]] = []
    block: list[Line] = []
    for number, line in enumerate(lines):
        if block and _goes_on(block, line, settings):
            block.append(line)
            continue
        if block:
            blocks.append(block)
        block = _opened(lines[:number], line, settings) if len(line) > 1 else []
    return [block for block in [*blocks, block] if len(block) >= settings.fewest_rows]


def _opened(above: Sequence[Line], line: Line, settings: AlignmentSettings) -> list[Line]:
    """A block that starts with ``line``, and with the parts of its row that stand higher."""
    height = _height((line,))
    box = boxes_union(word.box for word in line)
    block = [line]
    for upper in reversed(above):
        other = boxes_union(word.box for word in upper)
        near = box.center[1] - other.center[1] < 0.95 * height
        if len(upper) > 1 or not near or _height((upper,)) > 1.25 * height:
            break
        block.insert(0, upper)
    return block


def _goes_on(block: Sequence[Line], line: Line, settings: AlignmentSettings) -> bool:
    height = _height(block)
    bottom = max(word.box.bottom for upper in block for word in upper)
    if min(word.box.top for word in line) - bottom > settings.widest_leading * height:
        return False
    if not 1 / settings.other_size < _height((line,)) / height < settings.other_size:
        return False
    block = block[-settings.lines_seen :]
    columns = lines_to_columns(block, height)
    several = sum(len(upper) > 1 for upper in block)
    if len(columns) < 2:
        return False
    if several < 2 and len(line) > 1:
        return len(lines_to_columns([*block, line], height)) > 1
    em = find_em([word for upper in block for word in upper], height)
    crossing = [
        word
        for word in line
        if len(columns_of_box(word.box, columns, height)) > 1
        and len(word_to_parts(word, columns, em, height)) == 1
    ]
    reached = [len(columns_of_box(word.box, columns, height)) for word in crossing]
    if len(line) == 1:
        return not crossing or (reached[0] == 2 and len(columns) > 4)
    return len(crossing) <= len(line) / 2 and len(lines_to_columns([*block, line], height)) > 1


def _height(lines: Sequence[Line]) -> float:
    return find_height([word for line in lines for word in line])


def block_to_grid(
    block: Sequence[Line], stack: Stack | None, page: int, settings: AlignmentSettings
) -> Grid | None:
    """The table that the lines of ``block`` make, None where they make none.

    ``stack`` are the rulings around and between them.
    """
    fewest = 2 if stack else settings.fewest_columns
    if len(block) < 2:
        return None
    height = _height(block)
    block = split_at_gutters(block, lines_to_columns(block, height), height)
    columns = lines_to_columns(block, height)
    if len(columns) < fewest:
        return None
    words = [word for line in block for word in line]
    strips = stack_to_strips(stack, words) if stack else [words]
    every = stack is not None and rules_every_row(strips, columns, height)
    rows = (
        [tuple(strip) for strip in strips]
        if every
        else [row for strip in strips for row in words_to_rows(strip, columns, height)]
    )
    if stack is None:
        rows = without_outer_lines(rows, columns, height)
    layouts = [] if stack else layouts_beside_names(rows, columns, height)
    own = joined_columns(rows, columns, height)
    if len(rows) >= settings.fewest_rows - (stack is not None):
        layout = rows_to_layout(rows, own, stack, height)
        if stack is not None and every:
            areas = unruled_areas(stack, layout.xs, layout.ys, height)
            layout = replace(layout, areas=tuple(areas))
        layout = with_head(layout)
        layouts.append(layout if every else with_merged(layout))
    grids = (layout_to_grid(layout, page) for layout in layouts if len(layout.columns) >= fewest)
    return next((grid for grid in grids if is_table(grid, fewest, settings)), None)


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


def without_outer_lines(rows: Sequence[Row], columns: Sequence[Column], height: float) -> list[Row]:
    """``rows`` without those at the top and bottom that are no part of the table: one text
    alone, or entries such as a unit and a date."""
    kept = list(rows)
    while kept and _is_outside(kept[0], columns, height):
        kept.pop(0)
    while kept and _is_outside(kept[-1], columns, height):
        kept.pop()
    return kept


def _is_outside(row: Row, columns: Sequence[Column], height: float) -> bool:
    filled = {column for word in row for column in columns_of_box(word.box, columns, height)}
    entries = sum(_ENTRY.fullmatch(word.text) is not None for word in row)
    return len(row) == 1 or len(filled) == 1 or 2 * entries > len(row)


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


def is_table(grid: Grid, fewest: int, settings: AlignmentSettings) -> bool:
    """Whether enough of its cells print something, several of them in most rows."""
    filled = sum(bool(cell.words) for cell in grid.cells) / len(grid.cells)
    several = [
        sum(bool(cell.words) for cell in grid.cells if row in cell.rows) >= fewest
        for row in range(grid.rows)
    ]
    return filled >= settings.filled and sum(several) >= 0.5 * grid.rows
