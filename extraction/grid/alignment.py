"""Tables without rulings: rows and columns taken from how the words line up.

Only words outside all ruled grids come here. A run of lines is a table when the same white
columns separate its words in every line; prose never lines up so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from extraction.values import Box, Cell, Edge, Grid, Word, boxes_union

Line = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class AlignmentSettings:
    """Lengths in heights of a text line."""

    widest_leading: float = 3.0
    column_gap: float = 0.9
    fewest_rows: int = 3
    fewest_columns: int = 3
    filled: float = 0.55
    spanning_lines: int = 6


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
    grids: list[Grid] = []
    rest: list[Word] = []
    for block in lines_to_blocks(words_to_lines(words), settings):
        rules = _rules_through(edges, block)
        columns = block_to_columns(block, settings)
        enough = 2 if len(rules) >= 2 else settings.fewest_columns
        if len(columns) >= enough and len(block) >= settings.fewest_rows - (len(rules) >= 2):
            grid = block_to_grid(block, columns, rules, page)
            if _filled(grid) >= settings.filled:
                grids.append(grid)
                continue
        rest.extend(word for line in block for word in line)
    return tuple(grids), tuple(rest)


def words_to_lines(words: Sequence[Word]) -> list[Line]:
    """Words whose middles lie at one height are a line; lines from top to bottom."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        if lines:
            reference = lines[-1][-1].box
            higher = max(word.box.height, reference.height)
            if abs(word.box.center[1] - reference.center[1]) < 0.5 * higher:
                lines[-1].append(word)
                continue
        lines.append([word])
    return [tuple(sorted(line, key=lambda word: word.box.x0)) for line in lines]


def lines_to_blocks(lines: Sequence[Line], settings: AlignmentSettings) -> list[list[Line]]:
    """Runs of lines near to each other that keep at least two white columns in common."""
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks:
            block = blocks[-1]
            height = median(word.box.height for word in line)
            gap = (
                boxes_union(w.box for w in line).top - boxes_union(w.box for w in block[-1]).bottom
            )
            several = len(line) >= 2 and len(block[-1]) >= 2
            if (
                several
                and gap < settings.widest_leading * height
                and len(block_to_columns([*block, line], settings)) >= 2
            ):
                block.append(line)
                continue
        blocks.append([line])
    return blocks


def block_to_columns(
    block: Sequence[Line], settings: AlignmentSettings
) -> list[tuple[float, float]]:
    """x ranges of ink that white columns, as wide as ``column_gap``, keep apart.

    One line in ``spanning_lines`` may cross a white column: a heading over several columns.
    """
    height = median(word.box.height for line in block for word in line)
    spans = [(word.box.x0, word.box.x1) for line in block for word in line]
    crossing = len(block) // settings.spanning_lines
    steps = sorted([(x0, 1) for x0, _ in spans] + [(x1, -1) for _, x1 in spans])
    columns: list[tuple[float, float]] = []
    depth, opened = 0, 0.0
    for x, step in steps:
        before, depth = depth, depth + step
        if before <= crossing < depth:
            opened = x
        elif depth <= crossing < before:
            if columns and opened - columns[-1][1] <= settings.column_gap * height:
                columns[-1] = (columns[-1][0], x)
            else:
                columns.append((opened, x))
    return columns


def block_to_grid(
    block: Sequence[Line],
    columns: Sequence[tuple[float, float]],
    rules: Sequence[float],
    page: int,
) -> Grid:
    """One row a line, or one row between two rulings where most lines are ruled."""
    outline = boxes_union(word.box for line in block for word in line)
    xs = [outline.x0]
    xs += [(a[1] + b[0]) / 2 for a, b in pairwise(columns)]
    xs.append(outline.x1)
    bands = [boxes_union(word.box for word in line) for line in block]
    between = [(a.bottom + b.top) / 2 for a, b in pairwise(bands)]
    inner = [rule for rule in rules if outline.top < rule < outline.bottom]
    ys = [outline.top, *(inner if len(inner) > len(between) / 2 else between), outline.bottom]
    cells = []
    for row, (top, bottom) in enumerate(pairwise(ys)):
        words = [w for line in block for w in line if _between(w.box.center[1], top, bottom, ys)]
        for columns_of in words_to_spans(words, columns):
            left, right = columns_of.start, columns_of.stop
            box = Box(xs[left], top, xs[right], bottom)
            mine = tuple(w for w in words if _between(w.box.center[0], xs[left], xs[right], xs))
            cells.append(Cell(row, left, 1, right - left, box, page, mine, quality=0.5))
    return Grid(len(ys) - 1, len(xs) - 1, tuple(cells), ruled=False)


def words_to_spans(words: Sequence[Word], columns: Sequence[tuple[float, float]]) -> list[range]:
    """The columns of a row, those fused that one word reaches over."""
    fused = [False] * len(columns)
    for word in words:
        reached = [
            number
            for number, (x0, x1) in enumerate(columns)
            if min(word.box.x1, x1) - max(word.box.x0, x0) > 0.3 * (x1 - x0)
        ]
        for number in reached[1:]:
            fused[number] = True
    starts = [number for number, joined in enumerate(fused) if not joined]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(columns)], strict=True)]


def _between(at: float, start: float, end: float, separators: Sequence[float]) -> bool:
    """Half open, but for the last separator, so that each place is in just one part."""
    return start <= at < end or (at == end == separators[-1])


def _rules_through(edges: Sequence[Edge], block: Sequence[Line]) -> list[float]:
    """Heights of horizontal rulings that span most of the block, also just above or below."""
    outline = boxes_union(word.box for line in block for word in line)
    reach = 1.5 * median(word.box.height for line in block for word in line)
    return sorted(
        edge.at
        for edge in edges
        if edge.axis == "horizontal"
        and outline.top - reach < edge.at < outline.bottom + reach
        and min(edge.end, outline.x1) - max(edge.start, outline.x0) > 0.7 * outline.width
    )


def _filled(grid: Grid) -> float:
    return sum(bool(cell.words) for cell in grid.cells) / len(grid.cells)
