"""The borders of cells put right by the lines of text, before these are read.

The grid takes two cells for one where the scan lost the border between them, and the detector
may see one line in what stands in both. So a line is looked at in pieces where other rows show a
border and all texts of the cell leave a wide gap. Or the grid sees a border that is none, and a
line is cut there. The grid judges by where the pieces stand (``extraction.grid.lost_sides``,
``extraction.grid.false_sides``); a line whose cell stays as it is stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from extraction.grid.false_sides import without_false_sides
from extraction.grid.lost_sides import columns_begun_inside, restore_lost_sides
from extraction.ocr.ink import WHITE, Mask, PrintInk, box_of_ink, box_to_slice
from extraction.ocr.row_cuts import ink_runs
from extraction.ocr.second_look import without_specks
from extraction.ocr.text_lines import Line, find_cell, lines_by_cell
from extraction.values import Box, Cell, Grid, Word

REST, CLEAR, GAP = 0.2, 0.25, 1.15
"""In ems: how far to either side of a lost border some of its ink may be left, how far from it
all texts stay, and the gap between them. A comma leaves .6 of an em, two brackets a whole one."""

SMALLEST_DOT = 0.11
"""In ems: a dot of a colon is hardly larger, a speck of a fax smaller."""

DIGIT = 0.45, 1.0
"""Heights of a ``1``, in ems: a stroke as high as that is no rest of a border."""

Gaps = Mapping[int, Sequence[Box]]
"""What all texts of a cell leave blank around a border of other rows, from the left; cells count
through all grids of a page."""


def mend_borders(
    grids: tuple[Grid, ...], lines: Sequence[Line], mask: Mask, em: float
) -> tuple[tuple[Grid, ...], list[Line], list[Box]]:
    """``grids`` with their borders put right, and ``lines``, none of which runs over one.

    The boxes hold what the scan left of borders that it lost, and nothing else: a stroke there
    reads as a ``1``. The same grids are given back where there is nothing to mend.
    """
    gaps = find_gaps(grids, mask, em)
    found = lines_by_cell(lines)
    pieces = {
        index: [box_of_ink(mask, piece.box) for piece in cut_at(gaps.get(index, ()), own, mask)]
        for index, own in found.items()
        if index is not None
    }
    mended = _mend(grids, {index: [*filter(None, inked)] for index, inked in pieces.items()})
    before, boxes = cell_boxes(grids), cell_boxes(mended)
    if boxes == before:
        return grids, list(lines), []
    lost = {
        index: [gap for gap in inside if _is_border(gap, before[index], boxes)]
        for index, inside in gaps.items()
    }
    cut = (
        piece
        for index, own in found.items()
        for piece in (own if index is None else cut_at(lost.get(index, ()), own, mask))
    )
    rests = [gap for inside in lost.values() for gap in inside]
    return mended, [_placed(piece, boxes) for piece in cut], rests


def cell_boxes(grids: Sequence[Grid]) -> list[Box]:
    """Of all grids of a page, as its cells are counted."""
    return [cell.box for grid in grids for cell in grid.cells]


def find_gaps(grids: Sequence[Grid], mask: Mask, em: float) -> Gaps:
    """The gaps in merged cells where other rows show borders."""
    cells = [(cell, grid) for grid in grids for cell in grid.cells]
    found = {
        index: _gaps_in(cell.box, [x for _, x in columns_begun_inside(cell, grid)], mask, em)
        for index, (cell, grid) in enumerate(cells)
        if cell.colspan > 1
    }
    return {index: gaps for index, gaps in found.items() if gaps}


def _gaps_in(cell: Box, borders: Sequence[float], mask: Mask, em: float) -> list[Box]:
    """What is blank on either side of each of ``borders`` where that is wide enough."""
    x0, top, x1, bottom = box_to_slice(cell, mask.shape[1], mask.shape[0])
    if not borders or x1 <= x0 or bottom <= top:
        return []
    part = without_specks(mask[top:bottom, x0:x1], em, SMALLEST_DOT)
    spans = (_blank_around(x - x0, part, em) for x in borders)
    return [Box(x0 + a, cell.top, x0 + b, cell.bottom) for a, b in filter(None, spans)]


def _blank_around(x: float, part: Mask, em: float) -> tuple[float, float] | None:
    first, last = round(x - REST * em), round(x + REST * em)
    inked = np.flatnonzero(part.any(axis=0))
    before, after = inked[inked < first], inked[inked > last]
    if not (len(before) and len(after)):
        return None
    start, end = float(before[-1] + 1), float(after[0])
    if min(x - start, end - x) < CLEAR * em or end - start < GAP * em:
        return None
    rest = ink_runs(np.asarray(part[:, max(0, first) : last + 1].any(axis=1)))
    if any(DIGIT[0] * em <= below - above <= DIGIT[1] * em for above, below in rest):
        return None
    return start, end


def cut_at(gaps: Sequence[Box], lines: Iterable[Line], mask: Mask) -> list[Line]:
    """``lines`` of one cell, none of which runs into one of its ``gaps``, which are in order."""
    return [piece for line in lines for piece in _cut(line, gaps, mask)]


def _cut(line: Line, gaps: Sequence[Box], mask: Mask) -> list[Line]:
    box = line.box
    starts = [box.x0, *(gap.x1 for gap in gaps)]
    ends = [*(gap.x0 for gap in gaps), box.x1]
    stretches = [
        Box(max(box.x0, x0), box.top, min(box.x1, x1), box.bottom)
        for x0, x1 in zip(starts, ends, strict=True)
    ]
    inked = [part for part in stretches if part.width > 0 and box_of_ink(mask, part) is not None]
    if not inked or line.parts:
        return [line]
    fall = line.slope / box.width
    return [replace(line, box=part, slope=fall * part.width) for part in inked]


def _mend(grids: Sequence[Grid], pieces: Mapping[int, Sequence[Box]]) -> tuple[Grid, ...]:
    """``grids`` with every cell cut whose ``pieces`` of lines stand in cells of their own, and
    the parts joined over which one text was printed."""
    mended, start = [], 0
    for grid in grids:
        cells = [_with_pieces(cell, pieces.get(start + k, ())) for k, cell in enumerate(grid.cells)]
        whole = restore_lost_sides(without_false_sides(replace(grid, cells=tuple(cells))))
        mended.append(replace(whole, cells=tuple(_with_pieces(cell, ()) for cell in whole.cells)))
        start += len(cells)
    return tuple(mended)


def _with_pieces(cell: Cell, pieces: Iterable[Box]) -> Cell:
    return replace(cell, words=tuple(Word("", box, 1.0, 1.0, cell.page) for box in pieces))


def _is_border(gap: Box, cell: Box, boxes: Iterable[Box]) -> bool:
    """Whether one of ``boxes`` that lies in ``cell`` begins in ``gap``."""
    return any(gap.x0 < box.x0 < gap.x1 and cell.contains_point(*box.center) for box in boxes)


def wipe(ink: PrintInk, rests: Iterable[Box]) -> None:
    height, width = ink.mask.shape
    for rest in rests:
        x0, top, x1, bottom = box_to_slice(rest, width, height)
        ink.mask[top:bottom, x0:x1] = False
        ink.gray[top:bottom, x0:x1] = WHITE


def _placed(line: Line, cells: Sequence[Box]) -> Line:
    """``line`` in the cell that holds its centre now."""
    index = find_cell(cells, *line.box.center)
    box = line.box if index is None else line.box.intersection(cells[index])
    return replace(line, cell=index, box=box)
