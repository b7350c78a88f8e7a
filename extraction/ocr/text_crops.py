"""What is cut out of a page to be read: a line's ink with as little else as can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.ocr.ink import WHITE, Gray, Mask, PrintInk, box_of_ink, box_to_slice, tight
from extraction.ocr.row_cuts import ink_runs
from extraction.ocr.second_look import find_leftover, is_in_the_middle, is_placed_like_text
from extraction.ocr.text_lines import (
    HEIGHT_TO_EM,
    Line,
    is_tilted,
    lines_by_cell,
    lines_in_reading_order,
)
from extraction.values import Box, Image

SPECK = 0.16
"""Ink smaller than this share of a character may be a point or a speck."""

LEAST_LEADING = 0.13
"""Height of a sign that leads a line, which is in its place, as a share of a character."""

LONE, LONG_ROW = 1.3, 4.0
"""Widths of a row with one character, and of what is shown of the row above it, in ems."""

AT_BORDER = 0.15
"""Ink that is nearer to a side of its cell than this share of a character may touch it."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of one line of text and where its word will stand.

    ``context`` is a piece of the line that is shown before it once more, so that a sign at
    its very beginning is read. ``above`` is the end of the row above, shown before a row that
    holds a lone character. A crop ``at_border`` may have lost ink with its ruling line. One that
    is ``centred`` shows all ink of its cell, in the middle of it.
    """

    line: Line
    box: Box
    leftover: bool = False
    beside_text: bool = False
    centred: bool = False
    context: Box | None = None
    above: Box | None = None
    at_border: bool = False

    @property
    def shows_more(self) -> bool:
        """Whether its picture begins with something that is not its own."""
        return self.context is not None or self.above is not None

    @property
    def width(self) -> int:
        return math.ceil(self.box.x1) - max(0, math.floor(self.box.x0))


def lines_to_crops(
    lines: Sequence[Line], ink: PrintInk, cells: Sequence[Box], usual: float
) -> list[Crop]:
    """What to cut out of the page: every line, and ink inside cells that no line covers."""
    height, width = ink.gray.shape
    whole = Box(0.0, 0.0, float(width), float(height))
    found = lines_by_cell(lines)
    em = usual * HEIGHT_TO_EM
    crops = []
    for cell in [None, *range(len(cells))]:
        limits = whole if cell is None else cells[cell].padded(1)
        ordered = lines_in_reading_order(found.get(cell, []), ink.mask, usual)
        boxes = [line_crop(line, ordered, limits, ink.mask, em) for line in ordered]
        cut = [
            line_to_crop(line, box, ink.mask, em) for line, box in zip(ordered, boxes, strict=True)
        ]
        if cell is not None:
            cut = [replace(crop, at_border=touches(crop, cells[cell], ink, em)) for crop in cut]
            after = (with_row_above(crop, row, ink.mask, em) for row, crop in pairwise(cut))
            cut = [*cut[:1], *after]
        crops += cut
        if cell is not None:
            covered = [box.padded(0.15 * em) for box in boxes]
            left = find_leftover(ink.mask, cells[cell], covered, em)
            texts = [tight(line.box, ink.mask) for line in ordered]
            alone = not ordered and len(left) == 1
            crops += [
                replace(
                    leftover_to_crop(box, cell, ordered, limits, em),
                    centred=alone and is_in_the_middle(box, cells[cell], em),
                )
                for box in left
                if is_placed_like_text(box, cells[cell], texts, em)
            ]
    return crops


def with_row_above(crop: Crop, row: Crop, mask: Mask, em: float) -> Crop:
    """``crop`` with the end of the ``row`` above it, where it is a character that wrapped onto
    a row of its own: by itself 内 looks like 丙, in its sentence it does not."""
    if row.line.parts or crop.line.parts or is_tilted(row.line, em):
        return crop
    own, sentence = box_of_ink(mask, crop.box), box_of_ink(mask, row.box)
    if own is None or sentence is None or sentence.center[1] > own.top:
        return crop
    if own.width > LONE * em or sentence.width < LONG_ROW * em:
        return crop
    reach = Box(own.x0 - 0.4 * em, crop.box.top, own.x1 + 0.4 * em, crop.box.bottom)
    end = Box(sentence.x1 - LONG_ROW * em, row.box.top, sentence.x1 + 0.1 * em, row.box.bottom)
    return replace(crop, box=reach.intersection(crop.box), above=end)


def touches(crop: Crop, cell: Box, ink: PrintInk, em: float) -> bool:
    """Whether the ink of ``crop`` begins or ends where the ruling lines of ``cell`` were wiped."""
    own = box_of_ink(ink.mask, crop.box)
    return own is not None and min(own.top - cell.top, cell.bottom - own.bottom) < AT_BORDER * em


def line_to_crop(line: Line, box: Box, mask: Mask, em: float) -> Crop:
    """The crop of ``line``, with context where a sign leads it."""
    sign = None if line.parts or is_tilted(line, em) else leading_sign(box, mask, em)
    if sign is None:
        return Crop(line, box)
    start, context = sign
    return Crop(line, Box(max(box.x0, start), *box[1:]), context=context)


def leftover_to_crop(box: Box, cell: int, lines: Sequence[Line], limits: Box, em: float) -> Crop:
    """A crop as high as a line around ink that no line covers, on the row where it stands.

    A full stop that wrapped onto a row of its own is told from an O by its place in the row.
    """
    row = nearest_row(box.center[1], lines, em)
    half = max(0.65 * em, abs(box.top - row), abs(box.bottom - row)) + 0.05 * em
    around = Box(box.x0 - 0.6 * em, row - half, box.x1 + 0.6 * em, row + half)
    around = around.intersection(limits)
    return Crop(Line(box, cell), around, leftover=True, beside_text=bool(lines))


def line_crop(line: Line, others: Sequence[Line], limits: Box, mask: Mask, em: float) -> Box:
    """The crop for ``line``: all of its ink, as little as can be of that of ``others``.

    It is wider than what was detected by what the detector leaves off at line ends, and cut
    from the lines above and below where there is least ink between them.
    """
    box = widen(line, others, limits)
    if is_tilted(line, em):
        return box
    top, bottom = rows_with_ink(box, limits, mask, em)
    for other in others:
        if other is line or _shared_columns(other.box, line.box) <= 0:
            continue
        if abs(other.box.center[1] - line.box.center[1]) < 0.5 * em:
            continue
        if other.box.center[1] < line.box.center[1]:
            top = max(top, quiet_row(other.box, line.box, mask))
        else:
            bottom = min(bottom, quiet_row(line.box, other.box, mask))
    return _around_ink(Box(box.x0, top, box.x1, max(bottom, top + 2)), mask, em)


def rows_with_ink(box: Box, limits: Box, mask: Mask, em: float) -> tuple[float, float]:
    """Top and bottom of ``box`` moved out a little, and on over the ink that they would cut.

    The detector's boxes around lone numbers lie too low or too high.
    """
    far = Box(box.x0, box.top - 0.5 * em, box.x1, box.bottom + 0.5 * em).intersection(limits)
    x0, first, x1, last = box_to_slice(far, mask.shape[1], mask.shape[0])
    ink = _filled_rows(mask[first:last, x0:x1])
    middle, near = round(box.center[1]) - first, round(0.2 * em)
    above = _reach(ink[: max(0, middle)][::-1], round(box.height / 2), near)
    below = _reach(ink[max(0, middle) :], round(box.height / 2), near)
    top, bottom = box.center[1] - above, box.center[1] + below
    return max(limits.top, top), min(limits.bottom, bottom)


def _reach(ink: Mask, half: int, near: int) -> int:
    """How many rows of ``ink``, from the middle of a line outwards, belong to the line.

    Those of the ``half`` that was detected and ``near`` more; more again where the line's own
    ink runs on, and fewer where the ink of another row begins.
    """
    reach = half + near
    for start, end in ink_runs(ink):
        if start < 0.6 * half:
            reach = max(reach, end)
        elif start < reach < end:
            return start
    return reach


def _around_ink(box: Box, mask: Mask, em: float) -> Box:
    """``box`` with its rows narrowed to the ink and a margin, no lower than a line of type."""
    ink = box_of_ink(mask, box)
    if ink is None:
        return box
    margin = 0.12 * em
    lacking = max(0.0, em - ink.height) / 2
    top, bottom = ink.top - margin - lacking, ink.bottom + margin + lacking
    if lacking:
        top, bottom = min(top, box.top), max(bottom, box.bottom)
    return Box(box.x0, max(top, box.top), box.x1, min(bottom, box.bottom))


def quiet_row(above: Box, below: Box, mask: Mask) -> float:
    """The row with least ink between the middles of two lines."""
    x0, x1 = max(above.x0, below.x0), min(above.x1, below.x1)
    middle = Box(x0, above.center[1], x1, below.center[1] + 1)
    left, top, right, bottom = box_to_slice(middle, mask.shape[1], mask.shape[0])
    ink = mask[top:bottom, left:right].sum(axis=1)
    if not len(ink):
        return middle.center[1]
    quiet = np.flatnonzero(ink == ink.min())
    # Of several empty rows the one nearest to the border that was detected.
    border = (above.bottom + below.top) / 2 - top
    return float(top + quiet[np.abs(quiet - border).argmin()])


def widen(line: Line, others: Sequence[Line], limits: Box) -> Box:
    """The box of ``line`` with what the detector leaves off at line ends.

    It stays inside ``limits`` and leaves its neighbours in ``others`` alone.
    """
    box, reach = line.box, 0.9 * min(line.box.height, line.box.width * 4)
    x0, x1 = max(limits.x0, box.x0 - reach), min(limits.x1, box.x1 + reach)
    for other in others:
        if other is line or _shared_rows(other.box, box) < 0.5:
            continue
        if other.box.x1 <= box.x0 + 2:
            x0 = max(x0, min(other.box.x1, box.x0))
        if other.box.x0 >= box.x1 - 2:
            x1 = min(x1, max(other.box.x0, box.x1))
    return Box(min(x0, box.x0), box.top, max(x1, box.x1), box.bottom)


def _shared_rows(first: Box, second: Box) -> float:
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    return shared / max(1.0, min(first.height, second.height))


def _shared_columns(first: Box, second: Box) -> float:
    return min(first.x1, second.x1) - max(first.x0, second.x0)


def nearest_row(y: float, lines: Sequence[Line], em: float) -> float:
    """The middle of the row of text at ``y``, as the spacing of ``lines`` in a cell suggests."""
    middles = sorted(line.box.center[1] for line in lines)
    if not middles:
        return y
    gaps = np.diff(middles)
    gaps = gaps[gaps > 0.6 * em]
    pitch = float(np.median(gaps)) if len(gaps) else 1.2 * em
    nearest = min(middles, key=lambda middle: abs(middle - y))
    row = nearest + round((y - nearest) / pitch) * pitch
    return row if abs(row - y) < 0.5 * em else y


def leading_sign(box: Box, mask: Mask, em: float) -> tuple[float, Box] | None:
    """Where a comma or the like that leads the line in ``box`` begins, and the text behind it.

    The recogniser leaves such a sign out unless something stands before it. The text is that
    of about two characters.
    """
    x0, top, x1, bottom = box_to_slice(box, mask.shape[1], mask.shape[0])
    part = mask[top:bottom, x0:x1]
    runs = [run for run in ink_runs(_filled_columns(part)) if run[1] - run[0] >= 0.06 * em]
    if len(runs) < 2 or runs[0][1] - runs[0][0] > 0.5 * em:
        return None
    (start, end), behind = runs[0], runs[1][0]
    line, rows = (np.flatnonzero(shown.any(axis=1)) for shown in (part, part[:, start:end]))
    low = rows[0] - line[0] > 0.35 * len(line) or rows[-1] - rows[0] < 0.55 * em
    speck = len(rows) < LEAST_LEADING * em
    # What runs out of the crop above is the tail of a comma of the row there.
    if speck or not low or rows[0] == 0 or not 0.2 * em < behind - end < 1.2 * em:
        return None
    shown = max(run[1] for run in runs[1:] if run[0] == behind or run[1] <= behind + 2.6 * em)
    return x0 + start - 0.12 * em, Box(float(x0 + behind), box.top, float(x0 + shown), box.bottom)


def _filled_rows(part: Mask) -> Mask:
    return np.asarray(part.any(axis=1), dtype=np.bool_)


def _filled_columns(part: Mask) -> Mask:
    return np.asarray(part.any(axis=0), dtype=np.bool_)


def crop_to_picture(crop: Crop, gray: Gray, mask: Mask, em: float, pad: float = 0.0) -> Image:
    """The pixels of ``crop``, RGB; characters that stand below each other side by side."""
    if crop.line.parts:
        parts = [_cut(gray, part.padded(2)) for part in crop.line.parts]
        height = max(part.shape[0] for part in parts)
        shown = np.hstack([_centred(part, height) for part in parts])
    elif crop.leftover:
        shown = _cut_alone(gray, crop.line.box.padded(2), crop.box)
    elif is_tilted(crop.line, em):
        shown = _cut(gray, crop.box, crop.line.slope)
    else:
        shown = cut_own_ink(gray, mask, crop.box, pad, em)
        if crop.context is not None:
            first = math.floor(crop.context.x0) - max(0, math.floor(crop.box.x0))
            shown = np.hstack([shown[:, first : first + round(crop.context.width)], shown])
        elif crop.above is not None:
            before = _resized(cut_own_ink(gray, mask, crop.above, pad, em), shown.shape[0])
            shown = np.hstack([before, shown])
    return np.repeat(shown[:, :, None], 3, axis=2)


def _resized(picture: Gray, height: int) -> Gray:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _cut(gray: Gray, box: Box, slope: float = 0.0) -> Gray:
    """The pixels inside ``box``, with the fall of a tilted line taken out."""
    height, width = gray.shape
    x0, top, x1, bottom = box_to_slice(box, width, height)
    x1, bottom = max(x1, x0 + 2), max(bottom, top + 2)
    if not slope:
        return gray[top:bottom, x0:x1]
    fall = slope / max(1.0, box.width)
    shear = np.array([[1.0, 0.0, x0], [fall, 1.0, top - fall * (x1 - x0) / 2]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(gray, shear, (x1 - x0, bottom - top), flags=flags, borderValue=(WHITE,))
    return np.asarray(cut, dtype=np.uint8)


def cut_own_ink(gray: Gray, mask: Mask, box: Box, pad: float, em: float) -> Gray:
    """The rows of ``box`` and ``pad`` above and below, without the ink of other lines there.

    A blob belongs to the line whose rows hold its middle, so that the tail of a comma stays
    with its line and the top of the next line does not. One that runs through is cut.
    """
    height, width = gray.shape
    wide = Box(box.x0, box.top - pad, box.x1, box.bottom + pad)
    x0, top, x1, bottom = box_to_slice(wide, width, height)
    x1, bottom = max(x1, x0 + 2), max(bottom, top + 2)
    shown = gray[top:bottom, x0:x1].copy()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask[top:bottom, x0:x1].astype(np.uint8), connectivity=8
    )
    first, last = box.top - top, box.bottom - top
    starts, heights = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_HEIGHT]
    middles = starts + heights / 2
    foreign = (middles < first) | (middles > last)
    through = ~foreign & (heights > 1.3 * em)
    foreign |= isolated_specks(np.asarray(stats, dtype=np.int32), em)
    foreign[0] = through[0] = False
    if not foreign.any() and not through.any():
        return shown
    wiped = foreign[labels]
    rows = np.arange(bottom - top)[:, None]
    wiped |= through[labels] & ((rows < first) | (rows >= last))
    own = (labels > 0) & ~wiped
    edge = np.ones((3, 3), np.uint8)
    wiped = cv2.dilate(wiped.astype(np.uint8), edge, iterations=2) > 0
    shown[wiped & ~(cv2.dilate(own.astype(np.uint8), edge) > 0)] = WHITE
    return shown


def isolated_specks(stats: NDArray[np.int32], em: float) -> Mask:
    """Which blobs of a line are as small as a point, yet too far from all others to be one."""
    starts, widths = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
    sides = np.maximum(widths, stats[:, cv2.CC_STAT_HEIGHT])
    small = sides < SPECK * em
    large = np.flatnonzero(~small)[1:] if not small[0] else np.flatnonzero(~small)
    if not len(large):
        return np.zeros(len(stats), dtype=np.bool_)
    ends = starts + widths
    before = starts[:, None] - ends[None, large]
    behind = starts[None, large] - ends[:, None]
    gaps = np.maximum(before, behind).min(axis=1)
    return np.asarray(small & (gaps > 0.45 * em), dtype=np.bool_)


def _cut_alone(gray: Gray, shown: Box, box: Box) -> Gray:
    """The pixels inside ``box``, white wherever they are outside of ``shown``."""
    height, width = gray.shape
    x0, top, x1, bottom = box_to_slice(box, width, height)
    picture = np.full((max(2, bottom - top), max(2, x1 - x0)), WHITE, dtype=np.uint8)
    c0, ctop, c1, cbottom = box_to_slice(shown.intersection(box), width, height)
    picture[ctop - top : cbottom - top, c0 - x0 : c1 - x0] = gray[ctop:cbottom, c0:c1]
    return picture


def _centred(part: Gray, height: int) -> Gray:
    above = (height - part.shape[0]) // 2
    return np.pad(part, ((above, height - part.shape[0] - above), (0, 0)), constant_values=WHITE)
