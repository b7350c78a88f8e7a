"""Tables without rulings, or with horizontal ones only, from how the words line up.

Only words outside all ruled grids come here.

    lines of words → blocks (between rulings, or where gutters hold over many lines)
    → columns → words taken apart at gutters → rows → cells

A block is a table when gutters part its lines into columns; prose never lines up so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from extraction.grid.layouts import (
    joined_columns,
    layouts_beside_names,
    rows_to_layout,
    with_head,
    with_merged,
)
from extraction.grid.row_bands import words_to_bands, words_to_rows
from extraction.grid.spans import Row, layout_to_grid
from extraction.values import Edge, Grid, Word, boxes_union

_ENTRY = re.compile(r".*[：:].*|[(（]盖章[)）]")
"""Entries of the lines above and below a table: 单位：…, 日期：…"""


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


def is_table(grid: Grid, fewest: int, settings: AlignmentSettings) -> bool:
    """Whether enough of its cells print something, several of them in most rows."""
    filled = sum(bool(cell.words) for cell in grid.cells) / len(grid.cells)
    several = [
        sum(bool(cell.words) for cell in grid.cells if row in cell.rows) >= fewest
        for row in range(grid.rows)
    ]
    return filled >= settings.filled and sum(several) >= 0.5 * grid.rows
