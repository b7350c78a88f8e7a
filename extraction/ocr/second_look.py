"""A second look at ink that no word covers, and at signs that stand alone.

On these forms a lone ``-`` means "does not apply"; the recogniser gives nothing for it, or
``1`` or ``一``. The shape of its ink decides better.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.ocr.ink import WHITE, Gray, Mask, box_of_ink, box_to_slice
from extraction.ocr.row_cuts import ink_runs
from extraction.values import Box, boxes_union

SMALLEST_SIGN = 0.16
"""Ink that is smaller than this share of a character is a speck."""

DASH = 0.68
"""A bar is a dash from this share of a character on, and else a hyphen."""

NARROWEST_HYPHEN = 0.22
"""In characters; dust is seldom as long and as thin."""

LONG_BAR = 6
"""Widths of a bar to its height from which on it is no wave."""

CENTRED, FLAT = 0.16, 1.3
"""How far off the middle of its cell a coarse scan's hyphen of three pixels stands, in
characters, and how much wider than high it is: dust is seldom either."""

HIGH = 0.5
"""A digit is two thirds of a character high, a full stop a third at most."""

WIDEST_ONE = 0.42
"""In ems, with its serifs."""

_DASH_IN_NUMBER = re.compile(r"(?<=\d)[-—–一](?=\d)|(?<=[年月日])[-—–](?=\d)", re.ASCII)

SLASH_LIKE = frozenset({"", "/", "1", "7", "I", "J", "l", "|", "丿", "ノ", "／"})
"""What the recogniser takes a lone slash for."""

LEAST_DARK, OF_DARKEST, MOST_OF_DARK = 12.0, 0.4, 0.75
"""Levels of grey below the paper at the darkest place of a faint stroke; the share of that which
belongs to it; and its share of all that is as dark nearby."""

LEAST_LEAN = 0.22
"""How far the foot of a slash lies before its head, in ems; an italic ``1`` leans less."""


@dataclass(frozen=True, slots=True)
class LoneSign:
    """A sign known by its shape, and how sure that is, 0..1."""

    text: str
    score: float


def find_leftover(mask: Mask, cell: Box, covered: Sequence[Box], em: float) -> list[Box]:
    """Boxes around ink of ``cell`` outside of ``covered``, without specks and line remains.

    ``em`` is the size of a full-width character in pixels.
    """
    x0, top, x1, bottom = box_to_slice(cell, mask.shape[1], mask.shape[0])
    part = mask[top:bottom, x0:x1].astype(np.uint8)
    if not part.size:
        # OpenCV would crash on a cell that lies outside of the page.
        return []
    for box in covered:
        c0, ctop, c1, cbottom = box_to_slice(box, mask.shape[1], mask.shape[0])
        part[max(0, ctop - top) : max(0, cbottom - top), max(0, c0 - x0) : max(0, c1 - x0)] = 0
    count, _, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    blobs = [
        Box(float(x), float(y), float(x + width), float(y + height))
        for x, y, width, height, area in stats[1:count]
        if max(width, height) >= SMALLEST_SIGN * em and area >= 0.008 * em * em
    ]
    inside = Box(0.0, 0.0, float(x1 - x0), float(bottom - top))
    blobs = [blob for blob in blobs if not _is_border_remains(blob, inside, em)]
    return [
        Box(box.x0 + x0, box.top + top, box.x1 + x0, box.bottom + top)
        for box in join_near(blobs, 0.6 * em)
        if max(box.width, box.height) >= 0.2 * em or is_in_the_middle(box, inside, em)
    ]


def is_in_the_middle(sign: Box, cell: Box, em: float) -> bool:
    """Whether ``sign`` stands where a text set to the middle of its cell would."""
    (x, y), (middle, half) = sign.center, cell.center
    return max(abs(x - middle), abs(y - half)) <= CENTRED * em


def is_placed_like_text(sign: Box, cell: Box, lines: Sequence[Box], em: float) -> bool:
    """Whether something small stands where a sign of the ``lines`` of its cell would stand.

    That is at an end of a line, or where a row of its own below a line would begin or be
    centred, after the last line or in an empty row between two; alone in its cell, at half the
    height of it or on its first row. Dust lies anywhere.
    """
    if max(sign.width, sign.height) >= 0.6 * em:
        return True
    x, y = sign.center
    if not lines:
        middle = abs(y - cell.center[1]) < max(0.5 * em, 0.1 * cell.height)
        return middle or y - cell.top < 1.4 * em
    in_row = [line for line in lines if line.top - 0.2 * em < y < line.bottom + 0.2 * em]
    if any(line.x0 - 1.2 * em < x < line.x1 + 1.2 * em for line in in_row):
        return True
    last = max(lines, key=lambda line: line.bottom)
    above = [last] if in_row else [line for line in lines if line.center[1] <= y]
    if not any(0 <= y - line.center[1] < 2.4 * em for line in above):
        return False
    block = boxes_union(lines)
    return (
        abs(sign.x0 - block.x0) < 0.8 * em
        or abs(x - block.center[0]) < 0.6 * em
        or abs(sign.x1 - block.x1) < 0.8 * em
    )


def _is_border_remains(blob: Box, inside: Box, em: float) -> bool:
    """Whether ``blob`` is a flat or thin thing that hugs a side of the cell; a full stop on a row
    of its own keeps clear of it."""
    if _is_round(blob, em) and blob.padded(1).intersection(inside) == blob.padded(1):
        return False
    near = 0.3 * em
    flat = blob.height < 0.3 * em and (blob.top < near or inside.bottom - blob.bottom < near)
    thin = blob.width < 0.3 * em and (blob.x0 < near or inside.x1 - blob.x1 < near)
    return flat or thin


def join_near(boxes: Sequence[Box], gap: float) -> list[Box]:
    """``boxes`` joined where they stand in one row with at most ``gap`` between them."""
    groups: list[Box] = []
    for box in sorted(boxes):
        wide = Box(box.x0 - gap, box.top - gap / 2, box.x1 + gap, box.bottom + gap / 2)
        near = [group for group in groups if _overlap(group, wide)]
        groups = [group for group in groups if group not in near]
        groups.append(boxes_union([box, *near]))
    return groups


def _overlap(first: Box, second: Box) -> bool:
    shared = first.intersection(second)
    return shared.width > 0 and shared.height > 0


def find_lone_sign(mask: Mask, box: Box, em: float) -> LoneSign | None:
    """The sign that the ink inside ``box`` makes by its shape alone, if any."""
    x0, top, x1, bottom = box_to_slice(box, mask.shape[1], mask.shape[0])
    if x1 <= x0 or bottom <= top:
        return None
    part = without_specks(mask[top:bottom, x0:x1], em)
    ink = box_of_ink(part, Box(0.0, 0.0, float(x1 - x0), float(bottom - top)))
    if ink is None:
        return None
    x0, top, x1, bottom = box_to_slice(ink, part.shape[1], part.shape[0])
    shape = part[top:bottom, x0:x1]
    if _is_bar(shape, em):
        return LoneSign("-" if ink.width < DASH * em else "—", 0.97)
    if _is_slash(shape, em):
        return LoneSign("/", 0.95)
    return None


def find_short_hyphen(gray: Gray, box: Box, em: float) -> LoneSign | None:
    """A hyphen of two or three pixels, too small to have a shape, that alone stands in the middle
    of its cell: what is dark there spreads wider than high."""
    if max(box.width, box.height) > 2 * NARROWEST_HYPHEN * em:
        return None
    x0, top, x1, bottom = box_to_slice(box.padded(2), gray.shape[1], gray.shape[0])
    dark = float(WHITE) - gray[top:bottom, x0:x1]
    dark = np.maximum(0.0, dark - np.median(dark))
    wide, high = (_spread(dark.sum(axis=axis)) for axis in (0, 1))
    return LoneSign("-", 0.8) if wide > FLAT * high > 0 else None


def _spread(dark: NDArray[np.float64]) -> float:
    """The standard deviation of a place that is drawn as ``dark`` says."""
    total = float(dark.sum())
    if total <= 0:
        return 0.0
    at = np.arange(len(dark))
    middle = float((dark * at).sum()) / total
    return math.sqrt(float((dark * (at - middle) ** 2).sum()) / total)


def dashes_by_length(text: str, positions: Sequence[float], mask: Mask, box: Box, em: float) -> str:
    """``text`` with every dash before a digit as long as its ink says, - or —.

    The recogniser takes the one for the other, and for 一, which no number holds. ``positions``
    are the characters' centres, 0..1 of the width of ``box``.
    """
    dashes = [match.start() for match in _DASH_IN_NUMBER.finditer(text)]
    bars = _find_bars(mask, box, em) if dashes else []
    for index in dashes:
        x = box.x0 + positions[index] * box.width
        over = [bar for bar in bars if bar.x0 - 0.4 * em < x < bar.x1 + 0.4 * em]
        if len(over) == 1:
            sign = "-" if over[0].width < DASH * em else "—"
        else:
            sign = "—" if text[index] == "一" else text[index]
        text = text[:index] + sign + text[index + 1 :]
    return text


def ones_by_strokes(text: str, mask: Mask, box: Box, em: float) -> str:
    """``text`` of nothing but ones with as many as there are strokes inside ``box``.

    The recogniser sees characters in a row that are alike as one, or as one more than there are.
    """
    if not text or set(text) != {"1"}:
        return text
    x0, top, x1, bottom = box_to_slice(box, mask.shape[1], mask.shape[0])
    part = without_specks(mask[top:bottom, x0:x1], em)
    runs = ink_runs(np.asarray(part.any(axis=0)))
    strokes = [box_of_ink(part, Box(start, 0.0, end, part.shape[0])) for start, end in runs]
    alike = all(
        stroke is not None and stroke.height >= HIGH * em and stroke.width <= WIDEST_ONE * em
        for stroke in strokes
    )
    return "1" * len(strokes) if strokes and alike else text


def _find_bars(mask: Mask, box: Box, em: float) -> list[Box]:
    """Short flat strokes at half the height of a line."""
    x0, top, x1, bottom = box_to_slice(box, mask.shape[1], mask.shape[0])
    part = mask[top:bottom, x0:x1].astype(np.uint8)
    if not part.any():
        return []
    rows = np.flatnonzero(part.any(axis=1))
    first, last = int(rows[0]), int(rows[-1])
    count, _, stats, centres = cv2.connectedComponentsWithStats(part, connectivity=8)
    return [
        Box(float(x + x0), float(y + top), float(x + x0 + width), float(y + top + height))
        for (x, y, width, height, _), (_, middle) in zip(
            stats[1:count], centres[1:count], strict=True
        )
        if width >= max(NARROWEST_HYPHEN * em, 1.5 * height)
        and height <= 0.3 * em
        and 0.25 < (middle - first) / max(1, last - first) < 0.75
    ]


def without_specks(part: Mask, em: float, least: float = SMALLEST_SIGN) -> Mask:
    """``part`` without blobs smaller than the smallest sign that may stand alone, or than
    ``least``, in characters."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=8)
    sides = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = sides >= least * em
    keep[0] = False
    return np.asarray(keep[labels], dtype=np.bool_)


def _is_bar(part: Mask, em: float) -> bool:
    """A short straight horizontal stroke of even thickness.

    A long thin one may be tilted and so fill little of its box; a fax may break it.
    """
    height, width = part.shape
    if not (
        NARROWEST_HYPHEN * em <= width <= 1.15 * em and height <= 0.3 * em and width >= 1.5 * height
    ):
        return False
    columns = part.sum(axis=0)
    even = columns.max() - np.median(columns) <= max(3.0, 0.14 * em)
    filled = part.mean() > 0.5 or width > LONG_BAR * height
    return bool(even and filled and (columns > 0).mean() > 0.9)


def _is_slash(part: Mask, em: float) -> bool:
    """A straight stroke that leans to the right, however thick the scan made it."""
    height, width = part.shape
    if not (0.5 * em <= height <= 1.6 * em and 0.2 * em <= width <= 1.1 * height):
        return False
    run = part.sum(axis=1)
    rows = np.flatnonzero(run)
    if len(rows) < 0.9 * height:
        return False
    middles = (part @ np.arange(width))[rows] / run[rows]
    slope, start = np.polyfit(rows, middles, 1)
    off = np.abs(middles - (slope * rows + start)).max()
    lean = -slope * height
    return bool(lean >= LEAST_LEAN * em and off <= 0.1 * em and run[rows].mean() <= 0.6 * width)


def find_grey_slash(gray: Gray, box: Box, em: float) -> Box | None:
    """Where a slash stands in ``box`` or half at its sides, alone there, that is so thin or faint
    that little of it is ink: its greys tell where its stroke runs to a part of a pixel."""
    x0, top, x1, bottom = box_to_slice(box.padded(0.3 * em), gray.shape[1], gray.shape[0])
    if x1 <= x0 or bottom <= top:
        return None
    part = gray[top:bottom, x0:x1].astype(np.float32)
    dark = np.maximum(0.0, np.median(part) - part)
    if dark.max() < LEAST_DARK:
        return None
    stroke = dark >= OF_DARKEST * dark.max()
    _, labels, _, _ = cv2.connectedComponentsWithStats(stroke.astype(np.uint8), connectivity=8)
    largest = int(np.argmax(np.bincount(labels[stroke])))
    own = np.where(labels == largest, dark, 0.0)
    if own.sum() < MOST_OF_DARK * dark[stroke].sum():
        return None
    rows = np.flatnonzero(own.any(axis=1))
    high = int(rows[-1] - rows[0]) + 1
    if not 0.5 * em <= high <= 1.6 * em or len(rows) < high:
        return None
    weights = own[rows].sum(axis=1)
    middles = (own[rows] @ np.arange(x1 - x0)) / weights
    slope, start = np.polyfit(rows, middles, 1, w=np.sqrt(weights))
    off = np.abs(middles - (slope * rows + start)).max()
    thick = (own[rows] > 0).sum(axis=1).max()
    straight = off <= max(0.1 * em, 1.0) and thick <= max(0.25 * em, 3)
    if not straight or -slope * high < LEAST_LEAN * em:
        return None
    columns = np.flatnonzero(own.any(axis=0))
    corner, end = (columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)
    return Box(*(float(at) for at in (x0 + corner[0], top + corner[1], x0 + end[0], top + end[1])))


def is_small_and_round(mask: Mask, box: Box, em: float) -> bool:
    """Whether the ink in ``box`` is as wide as high, and too small for a letter or digit."""
    ink = box_of_ink(mask, box)
    return ink is not None and _is_round(ink, em)


def _is_round(ink: Box, em: float) -> bool:
    return 0.18 * em <= ink.height <= HIGH * em and 0.65 <= ink.width / ink.height <= 1.5


def is_high(mask: Mask, box: Box, em: float) -> bool:
    """Whether the ink in ``box`` is as high as a digit, which no mark is."""
    ink = box_of_ink(mask, box)
    return ink is not None and ink.height >= HIGH * em
