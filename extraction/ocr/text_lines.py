"""Lines of text, each in one cell: where they stand on the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.ocr.ink import Mask, box_of_ink, box_to_slice
from extraction.ocr.row_cuts import (
    ONE_ROW,
    cut_evenly,
    ink_runs,
    joined_rows,
    split_touching,
)
from extraction.values import Box, boxes_union

DETECTION_DPI = 110.0
"""7-point type is 11 px high at this resolution, enough for the detector."""

NEAR_INK_PX = 15
LEAST_INK = 0.005
"""Of the pixels of the text map nearby, where text may stand: a sign's worth of ink."""

LONGEST_SIDE_PX = 2560
STRIDE_PX = 32
"""The detector halves its input five times."""

HEIGHT_TO_EM = 0.72
"""A detected box is higher than the type in it."""

TWO_CHARACTERS = 1.35
"""A box that is wider than so many usual heights shows rows of more than one character."""

WIDEST_GAP, COLUMN_GAP = 1.5, 0.25
"""Between two parts of one line, in heights: in a cell, and where no ruling lines are."""

INK_TO_HEIGHT = 1.5
"""The height of a detected box, by that of the ink inside of it."""

NEIGHBOURS = 7
"""So many long lines tell how the lines around them lie."""

LEVEL = 0.2
"""The middles of boxes around one row differ by less than this share of the lower one."""

CROSSING = 0.8
"""The share of the lower and of the narrower of two boxes that the other one covers, too."""

SHORTEST_SHARE = 0.35
"""A piece lower than this share of the usual line height is a sliver."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. ``cell`` is an index into the cells of the page, None outside of them.

    ``parts`` holds the characters of a line that runs from top to bottom, one a row. ``slope``
    is how far the line falls over its width, in pixels.
    """

    box: Box
    cell: int | None
    slope: float = 0.0
    parts: tuple[Box, ...] = ()


def detection_size(width: int, height: int, dpi: float) -> tuple[int, int]:
    """The width and height at which to look for lines: fast, yet small type is found."""
    scale = min(1.0, DETECTION_DPI / dpi, LONGEST_SIDE_PX / max(width, height))
    return _to_stride(width * scale), _to_stride(height * scale)


def _to_stride(side: float) -> int:
    return max(STRIDE_PX, round(side / STRIDE_PX) * STRIDE_PX)


def keep_inked(text_map: NDArray[np.float32], mask: Mask) -> None:
    """Wipe ``text_map`` wherever ``mask`` shows no ink nearby.

    On blank paper the detector sees text in the noise, thousands of specks of it.
    """
    height, width = text_map.shape
    small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    near = cv2.blur(small, (NEAR_INK_PX, NEAR_INK_PX)) > LEAST_INK
    text_map[~near] = 0.0


def cut_at_borders(
    text_map: NDArray[np.float32], cells: Iterable[Box], across: float, down: float
) -> None:
    """Wipe ``text_map`` along the sides of ``cells``, so that no line runs over a ruling line.

    ``across`` and ``down`` scale pixels of the page to pixels of the map.
    """
    for cell in cells:
        corner = (round(cell.x0 * across), round(cell.top * down))
        opposite = (round(cell.x1 * across), round(cell.bottom * down))
        cv2.rectangle(text_map, corner, opposite, (0.0,), 1)


def quads_to_lines(quads: NDArray[np.float64], cells: Sequence[Box]) -> list[Line]:
    """Detected quadrangles, lines × 4 × 2, as lines, each in the cell that holds its centre."""
    lines = []
    for quad, tilt in zip(quads, neighbours_tilt(quads), strict=True):
        x0, top = quad.min(axis=0)
        x1, bottom = quad.max(axis=0)
        cell = find_cell(cells, (x0 + x1) / 2, (top + bottom) / 2)
        box = Box(float(x0), float(top), float(x1), float(bottom))
        if cell is not None:
            box = box.intersection(cells[cell])
        # A rectangle around a tilted line is higher than the line.
        spare = min(abs(tilt * box.width), 0.4 * box.height) / 2
        box = Box(box.x0, box.top + spare, box.x1, box.bottom - spare)
        lines.append(Line(box, cell, tilt * box.width))
    return lines


def neighbours_tilt(quads: NDArray[np.float64]) -> list[float]:
    """For each quadrangle the median fall per pixel of the nearest long ones.

    The detector's rectangles are rough: one alone says little about the lie of its line.
    """
    widths = np.ptp(quads[:, :, 0], axis=1)
    heights = np.ptp(quads[:, :, 1], axis=1)
    long = np.flatnonzero(widths > 6 * heights)
    if len(long) < NEIGHBOURS:
        return [0.0] * len(quads)
    tilts = np.array([quad_slope(quads[index]) for index in long]) / widths[long]
    middles = quads.mean(axis=1)
    away = np.linalg.norm(middles[:, None] - middles[None, long], axis=2)
    nearest = np.argsort(away, axis=1)[:, :NEIGHBOURS]
    return [float(tilt) for tilt in np.median(tilts[nearest], axis=1)]


def quad_slope(quad: NDArray[np.float64]) -> float:
    """How far the long side of a wide quadrangle falls over its width, in pixels."""
    first, second = quad[1] - quad[0], quad[2] - quad[1]
    side = first if np.abs(first[0]) >= np.abs(second[0]) else second
    if abs(side[0]) < 3 * abs(side[1]) or abs(side[0]) < 1:
        return 0.0
    return float(side[1] * np.sign(side[0]))


def is_tilted(line: Line, em: float) -> bool:
    """Whether ``line`` is long and falls by more than the detector's own roughness."""
    return line.box.width > 6 * em and abs(line.slope) > max(2.0, 0.2 * em)


def find_cell(cells: Sequence[Box], x: float, y: float) -> int | None:
    """The index of the smallest cell that holds the point."""
    holding = [index for index, cell in enumerate(cells) if cell.contains_point(x, y)]
    return min(holding, key=lambda index: cells[index].area, default=None)


def usual_height(lines: Sequence[Line], fallback: float, mask: Mask | None = None) -> float:
    """The median height of ``lines`` that are wider than high.

    Around lone numbers the detector draws boxes much too high: with ``mask`` it is no more
    than what their ink suggests.
    """
    wide = [line.box for line in lines if line.box.width > line.box.height]
    if not wide:
        return fallback
    usual = float(np.median([box.height for box in wide]))
    inked = [] if mask is None else [box_of_ink(mask, box) for box in wide]
    heights = [box.height for box in inked if box is not None]
    return min(usual, INK_TO_HEIGHT * float(np.median(heights))) if heights else usual


def lines_in_reading_order(lines: Sequence[Line], mask: Mask, usual: float) -> list[Line]:
    """``lines`` of one cell: split, joined and ordered from top to bottom, left to right."""
    here = max(usual, usual_height(lines, usual)) if len(lines) > 2 else usual
    pieces = [
        piece
        for line in lines
        # A title is set larger than the cells, and nothing presses its lines together.
        for piece in ([line] if line.cell is None else split_rows(line, mask, here))
    ]
    pieces = [piece for piece in pieces if piece.box.height > SHORTEST_SHARE * usual]
    pieces = [piece for piece in pieces if not _lies_in_another(piece, pieces)]
    pieces = [piece for piece in pieces if not _is_end_of_another(piece, pieces)]
    pieces = join_crossing(pieces)
    joined = [join_row(part) for row in rows_of(pieces) for part in parts_of_row(row)]
    return stack_characters(joined, mask, usual)


def _lies_in_another(piece: Line, pieces: Sequence[Line]) -> bool:
    """Whether a larger one holds most of ``piece``, at its own height: a box that was drawn too
    high holds most of the row above, too, whose middle lies elsewhere."""
    return any(
        other.box.area > piece.box.area
        and other.box.intersection(piece.box).area > 0.6 * piece.box.area
        and abs(other.box.center[1] - piece.box.center[1]) < 0.5 * piece.box.height
        for other in pieces
    )


def join_crossing(pieces: Sequence[Line]) -> list[Line]:
    """Pieces of which each lies in the other in one direction are one row: a box around two
    rows was split where it held all of the one and a sliver of the other."""
    rows: list[Line] = []
    for piece in pieces:
        same = [row for row in rows if _crosses(row.box, piece.box)]
        rows = [row for row in rows if row not in same]
        rows.append(join_row([*same, piece]))
    return rows


def _crosses(one: Box, other: Box) -> bool:
    shared = one.intersection(other)
    low, narrow = min(one.height, other.height), min(one.width, other.width)
    return shared.height > CROSSING * low and shared.width > CROSSING * narrow


def _is_end_of_another(piece: Line, pieces: Sequence[Line]) -> bool:
    """Whether ``piece`` is a narrow thing between the end of a line and a ruling line."""
    if piece.box.width >= 0.6 * piece.box.height:
        return False
    reach = piece.box.padded(0.3 * piece.box.height)
    return any(
        other.box.width > 2 * piece.box.width
        and other.box.intersection(reach).width > 0
        and abs(other.box.center[1] - piece.box.center[1]) < 0.3 * other.box.height
        for other in pieces
    )


def split_rows(line: Line, mask: Mask, usual: float) -> list[Line]:
    """The rows of text in a box that the detector drew around several of them."""
    if line.box.height < ONE_ROW * usual or is_tilted(line, usual):
        return [line]
    x0, top, x1, bottom = box_to_slice(line.box, mask.shape[1], mask.shape[0])
    ink = mask[top:bottom, x0:x1].sum(axis=1)
    rows = joined_rows(ink_runs(ink > 0.02 * (x1 - x0)), least=0.55 * usual)
    if line.box.width > TWO_CHARACTERS * usual:
        rows = [part for row in rows for part in split_touching(ink, row, usual)]
    if len(rows) < 2:
        return [line]
    pad = 0.12 * usual
    return [
        replace(line, box=replace_rows(line.box, top + start - pad, top + end + pad))
        for start, end in rows
    ]


def replace_rows(box: Box, top: float, bottom: float) -> Box:
    return Box(box.x0, max(box.top, top), box.x1, min(box.bottom, bottom))


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that stand beside each other, from top to bottom; each row from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.center[1]):
        home = next((row for row in rows if _same_row(row, line)), None)
        if home is None:
            rows.append([line])
        else:
            home.append(line)
    return [sorted(row, key=lambda line: line.box.x0) for row in rows]


def _same_row(row: Sequence[Line], line: Line) -> bool:
    """Whether ``line`` shares most of its height with ``row`` and stands beside all of it, or
    so level with it that what they share is a part of one row that was detected twice."""
    box = boxes_union(member.box for member in row)
    if abs(box.center[1] - line.box.center[1]) < LEVEL * min(box.height, line.box.height):
        return True
    beside = all(
        member.box.intersection(line.box).width < 0.3 * min(member.box.width, line.box.width)
        for member in row
    )
    overlap = min(box.bottom, line.box.bottom) - max(box.top, line.box.top)
    return beside and overlap > 0.5 * min(box.height, line.box.height)


def parts_of_row(row: Sequence[Line]) -> list[list[Line]]:
    """``row`` cut where a gap is wider than the text of one line leaves."""
    parts: list[list[Line]] = [[row[0]]]
    for line in row[1:]:
        last = parts[-1][-1]
        gap = line.box.x0 - last.box.x1
        if gap > _widest_gap(last, line) * max(last.box.height, line.box.height):
            parts.append([line])
        else:
            parts[-1].append(line)
    return parts


def _widest_gap(left: Line, right: Line) -> float:
    """In heights. A cell holds one text, however it is spaced; where no ruling lines are,
    only the gap tells one column from the next. Characters set apart are one text anywhere."""
    one_text = left.cell is not None or (_is_single(left) and _is_single(right))
    return WIDEST_GAP if one_text else COLUMN_GAP


def join_row(row: Sequence[Line]) -> Line:
    """One line out of neighbours in a row."""
    if len(row) == 1:
        return row[0]
    widest = max(row, key=lambda line: line.box.width)
    box = boxes_union(line.box for line in row)
    slope = widest.slope / max(1.0, widest.box.width) * box.width
    return Line(box, widest.cell, slope)


def stack_characters(lines: Sequence[Line], mask: Mask, usual: float) -> list[Line]:
    """Single characters below each other become one line that runs from top to bottom."""
    result: list[Line] = []
    stack: list[Line] = []
    for line in lines:
        if stack and not (_is_single(line) and _is_below(line, stack[-1])):
            result.append(_stack_to_line(stack, mask, usual))
            stack = []
        if _is_single(line):
            stack.append(line)
        else:
            result.append(line)
    if stack:
        result.append(_stack_to_line(stack, mask, usual))
    return result


def _is_single(line: Line) -> bool:
    return line.box.width < 1.3 * line.box.height


def _is_below(line: Line, above: Line) -> bool:
    near = line.box.top - above.box.bottom < 2.5 * above.box.width
    return near and abs(line.box.center[0] - above.box.center[0]) < 0.5 * above.box.width


def _stack_to_line(stack: Sequence[Line], mask: Mask, usual: float) -> Line:
    box = boxes_union(line.box for line in stack)
    parts: list[Box] = []
    if len(stack) > 1 or box.height > 1.8 * usual:
        parts = character_rows(box_of_ink(mask, box) or box, mask, usual)
    if len(parts) < 2:
        return Line(box, stack[0].cell, stack[0].slope)
    return Line(box, stack[0].cell, parts=tuple(parts))


def character_rows(column: Box, mask: Mask, usual: float) -> list[Box]:
    """The characters of a column that is one character wide, from top to bottom.

    A character is about as high as the column is wide, no higher than a line of the page,
    and may itself have empty rows.
    """
    x0, top, x1, bottom = box_to_slice(column, mask.shape[1], mask.shape[0])
    ink = mask[top:bottom, x0:x1].sum(axis=1)
    em = min(column.width, 0.9 * usual)
    characters: list[tuple[int, int]] = []
    for start, end in ink_runs(ink > 0):
        if characters and end - characters[-1][0] <= 1.15 * em:
            characters[-1] = (characters[-1][0], end)
        else:
            characters += cut_evenly(ink, start, end, max(1, round((end - start) / em)))
    return [Box(column.x0, float(top + a), column.x1, float(top + b)) for a, b in characters]


def lines_by_cell(lines: Iterable[Line]) -> dict[int | None, list[Line]]:
    """Lines of each cell; None holds those outside of all cells."""
    cells: dict[int | None, list[Line]] = defaultdict(list)
    for line in lines:
        cells[line.cell].append(line)
    return dict(cells)
