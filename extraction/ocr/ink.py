"""Ink of the print, apart from paper, ruling lines, and the colours of seals and pens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Box, Image, boxes_union

Gray = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WHITE = 255
DARK_BESIDE_COLOUR = 0.6
"""Ink beside colour is print below this share of the level of ink elsewhere."""

DARKER_THAN_COLOUR = 0.6
"""It is also print where its lightest colour is below this share of that of the ink around it."""
COLOUR_STEP_PX, COLOUR_WINDOW = 3, 9
"""The ink around a pixel is taken from every so many-th pixel, and over so many of those."""

OUTER_SHARE = 0.05
"""Of a page without cells, what may be the border of a copy."""

LEAST_EXCESS = 8
"""Ink is coloured where it is more saturated than its paper by twice as much."""

CAST_STEP_PX = 3
LIGHT_TINT = 0.75
"""Paper is tinted down to this share of white; a darker cell is full of ink."""

DARK_FILL = 0.55
"""A cell that is mostly darker than this share of white prints in white."""

BAND_INCHES = (0.12, 1.0)
"""The least height and width of a dark band."""
BAND_FILLED = 0.9
"""The share of a band's box that is dark."""
BAND_MARGINS = 0.15
"""The share of a band's rows that show its fill alone, above and below its print."""

RULED, DASHED = 0.65, 0.5
"""Ink along a ruling, as a share of a window on it and of one twice as long: a dashed line has
gaps, and no row of print is as dark for so long."""

TILE_PX = 32
STREAK_IN = 1.0
"""No upright stroke of print is as long, nor do the strokes of lines below each other join."""

SHADE_STEP_PX = 8
"""Shade of the paper is taken on a picture this many times smaller."""


@dataclass(frozen=True, slots=True)
class PrintInk:
    """What a page prints in black, in two pictures of its size.

    ``gray`` has even white paper, no ruling lines and no coloured ink; ``mask`` is True on
    ink. ``ruled`` is ``gray`` with its ruling lines.
    """

    gray: Gray
    mask: Mask
    ruled: Gray


def page_to_ink(image: Image, cells: Iterable[Box], dpi: float) -> PrintInk:
    """The ink of the print on ``image``, with the lines along the sides of ``cells`` wiped."""
    cells = list(cells)
    coloured, plain = without_colour(image, [*cells, *find_dark_bands(image, cells, dpi)])
    ruled = even_paper(plain)
    level = ink_level(ruled, cells)
    mask = ruled < level
    if coloured.any():
        near = cv2.dilate(coloured.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        rows, columns = np.nonzero(mask & near & (ruled > DARK_BESIDE_COLOUR * level))
        mask[rows, columns] = darker_than_colour(image, coloured, rows, columns)
    lines = ruling_mask(mask, cells, dpi)
    mask[lines] = False
    gray = np.where(lines, np.uint8(WHITE), ruled)
    wipe_streaks(gray, mask, dpi)
    return PrintInk(gray, mask, ruled)


def darker_than_colour(
    image: Image, coloured: Mask, rows: NDArray[np.int_], columns: NDArray[np.int_]
) -> Mask:
    """Which of the given pixels are much darker than the ``coloured`` ink around them.

    Thin print under the rim of a seal is no darker than the stroke of a dark pen, but the seal
    around it is light, and around the pen's stroke there is nothing but the pen.
    """
    step = slice(None, None, COLOUR_STEP_PX)
    known = coloured[step, step].astype(np.float32)
    lightest = image[step, step].max(axis=2).astype(np.float32)
    size = (COLOUR_WINDOW, COLOUR_WINDOW)
    around = cv2.blur(lightest * known, size) / np.maximum(cv2.blur(known, size), 1e-3)
    usual = around[rows // COLOUR_STEP_PX, columns // COLOUR_STEP_PX]
    return np.asarray(image[rows, columns].max(axis=1) < DARKER_THAN_COLOUR * usual, np.bool_)


def wipe_streaks(gray: Gray, mask: Mask, dpi: float) -> None:
    """Take the streaks of dirty glass, which run down through cells, out of ``gray`` and ``mask``.

    What they cross is mended from the pixels to their left and right.
    """
    run = max(41, round(dpi * STREAK_IN))
    core = cv2.blur(mask.astype(np.uint8) * np.uint8(WHITE), (1, run)) > 0.85 * WHITE
    if not core.any():
        return
    long = cv2.dilate(core.astype(np.uint8), np.ones((run, 1), np.uint8)) > 0
    widths = long & mask
    streaks = cv2.dilate(widths.astype(np.uint8), np.ones((1, 3), np.uint8)) > 0
    rows, columns = np.nonzero(streaks)
    aside = max(2, round(dpi * 0.015))
    left = np.maximum(columns - aside, 0)
    right = np.minimum(columns + aside, gray.shape[1] - 1)
    gray[rows, columns] = np.maximum(gray[rows, left], gray[rows, right])
    mask[rows, columns] = mask[rows, left] & mask[rows, right]


def without_colour(image: Image, cells: Sequence[Box] = ()) -> tuple[Mask, Gray]:
    """Where ``image`` shows coloured ink, and the image in gray with that ink made light.

    Black print below a seal stays dark in every channel, a seal only in some. A page that
    prints mostly in colour is left as it is.
    """
    gray, cast, paper = level_cells(image, cells)
    # Scans keep colour at half their resolution, and noise has colour too.
    saturation = _span(np.asarray(cv2.blur(image, (5, 5)), dtype=np.uint8))
    dark = gray < np.median(gray[::16, ::16]) * 0.7
    excess = cv2.subtract(saturation, cast, dst=saturation)
    rows, columns = np.nonzero(excess > LEAST_EXCESS)
    coloured = np.zeros(gray.shape, dtype=np.bool_)
    if not len(rows):
        return coloured, gray
    lightest = image[rows, columns].max(axis=1).astype(np.float32)
    strength = excess[rows, columns].astype(np.float32) - LEAST_EXCESS
    coloured[rows, columns] = (strength > LEAST_EXCESS) & (lightest > 90)
    if _tiles(coloured) > 0.5 * _tiles(coloured | dark):
        return np.zeros(gray.shape, dtype=np.bool_), gray
    shown = gray[rows, columns]
    # No lighter than the paper: a white ghost of a seal reads as characters, too.
    light = np.clip((lightest - 70) * 2.6, 0, paper[rows, columns])
    gray[rows, columns] = shown + np.minimum(strength / 10, 1.0) * np.maximum(light - shown, 0)
    return coloured, gray


def level_cells(image: Image, cells: Sequence[Box]) -> tuple[Gray, Gray, Gray]:
    """``image`` in gray with white print on dark cells made dark on white, and its paper.

    That is the saturation and the shade of the paper around each pixel: the tint of a cell
    is no coloured ink.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    saturation = _span(np.ascontiguousarray(image[::CAST_STEP_PX, ::CAST_STEP_PX]))
    cast = np.full(gray.shape, np.median(saturation), dtype=np.uint8)
    white = float(np.median(gray[::16, ::16]))
    paper = np.full(gray.shape, white, dtype=np.uint8)
    for cell in cells:
        x0, top, x1, bottom = box_to_slice(cell, gray.shape[1], gray.shape[0])
        shown = gray[top:bottom, x0:x1]
        if not shown.size:
            continue
        shade = float(np.median(shown[::CAST_STEP_PX, ::CAST_STEP_PX]))
        if shade < DARK_FILL * white:
            cast[top:bottom, x0:x1] = WHITE
            risen = (shown.astype(np.float32) - shade) * (white / max(1.0, white - shade))
            shown[:] = np.clip(white - risen, 0, white)
        elif shade > LIGHT_TINT * white:
            tint = _span(np.ascontiguousarray(image[top:bottom:CAST_STEP_PX, x0:x1:CAST_STEP_PX]))
            cast[top:bottom, x0:x1] = np.median(tint)
            paper[top:bottom, x0:x1] = shade
    return gray, cast, paper


def find_dark_bands(image: Image, cells: Sequence[Box], dpi: float) -> list[Box]:
    """Dark fills outside of ``cells``, mostly the header of a table without rulings.

    Bands are wider than high, and even all over: no photo, no border of a copy.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    height, width = gray.shape
    size = max(1, width // SHADE_STEP_PX), max(1, height // SHADE_STEP_PX)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    # White print on it makes a band lighter on average; its own shade lies around the print.
    shade = cv2.erode(small, np.ones((3, 3), np.uint8))
    dark_level = DARK_FILL * float(np.median(small))
    filled = (shade < dark_level).astype(np.uint8)
    for cell in cells:
        x0, top, x1, bottom = (round(side / SHADE_STEP_PX) for side in cell)
        filled[max(0, top) : max(0, bottom), max(0, x0) : max(0, x1)] = 0
    least_high, least_wide = (max(2, round(inch * dpi / SHADE_STEP_PX)) for inch in BAND_INCHES)
    opening = np.ones((least_high, least_wide), np.uint8)
    dark = cv2.morphologyEx(filled, cv2.MORPH_OPEN, opening).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    bands = []
    for x, y, wide, high, area in stats[1:count].tolist():
        inside = x > 0 and y > 0 and x + wide < size[0] and y + high < size[1]
        if inside and wide > 2 * high and area >= BAND_FILLED * wide * high:
            # The erosion has made it larger by one all around.
            sides = (x + 1, y + 1, x + wide - 1, y + high - 1)
            band = Box(*(float(side * SHADE_STEP_PX) for side in sides))
            if _has_margins(gray, band, dark_level):
                bands.append(band)
    return bands


def _has_margins(gray: Gray, band: Box, dark_level: float) -> bool:
    """Whether rows of ``band`` are dark from end to end. Those of a bold title are not, though
    its strokes stand so near to each other that it looks filled from afar."""
    x0, top, x1, bottom = map(int, band)
    dark = gray[top:bottom, x0:x1] < dark_level
    return bool(dark.size) and bool((dark.mean(axis=1) > BAND_FILLED).mean() >= BAND_MARGINS)


def _tiles(mask: Mask) -> int:
    """How many parts of a page ``mask`` marks: a thick seal marks few, print many."""
    small = cv2.resize(
        mask.astype(np.uint8) * np.uint8(WHITE),
        (max(1, mask.shape[1] // TILE_PX), max(1, mask.shape[0] // TILE_PX)),
        interpolation=cv2.INTER_AREA,
    )
    return int((small >= 0.01 * WHITE).sum())


def _span(image: Image) -> Gray:
    """The largest less the smallest channel of each pixel."""
    red, green, blue = cv2.split(image)
    lightest, darkest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return np.asarray(cv2.subtract(lightest, darkest), dtype=np.uint8)


def even_paper(gray: Gray) -> Gray:
    """``gray`` divided by the shade of its paper, which becomes white."""
    height, width = gray.shape
    small = cv2.resize(
        gray,
        (max(1, width // SHADE_STEP_PX), max(1, height // SHADE_STEP_PX)),
        interpolation=cv2.INTER_AREA,
    )
    shade = cv2.GaussianBlur(cv2.dilate(small, np.ones((7, 7), np.uint8)), (0, 0), 4)
    paper = cv2.resize(shade, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(gray, np.maximum(paper, 1), scale=WHITE), dtype=np.uint8)


def ink_level(gray: Gray, cells: Sequence[Box]) -> float:
    """The gray below which a pixel is ink, by Otsu's method on the part of a page with ``cells``.

    The black borders that a copier leaves are darker than print, and would hide faint type.
    """
    height, width = gray.shape
    middle = Box(0.0, 0.0, float(width), float(height)).padded(-OUTER_SHARE * min(width, height))
    part = boxes_union(cells) if cells else middle
    x0, top, x1, bottom = box_to_slice(part, width, height)
    shown = np.ascontiguousarray(gray[top:bottom:2, x0:x1:2])
    level, _ = cv2.threshold(shown, 0, WHITE, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(np.clip(level, 90, 205))


def ruling_mask(mask: Mask, cells: list[Box], dpi: float) -> Mask:
    """True on the ruling lines near the sides of ``cells``: ink in long straight runs."""
    reach = max(3, round(dpi * 0.02))
    run = max(21, round(dpi * 0.35))
    near_rows = np.zeros(mask.shape, dtype=np.uint8)
    near_columns = np.zeros(mask.shape, dtype=np.uint8)
    for cell in cells:
        x0, top, x1, bottom = (round(value) for value in cell)
        for y in (top, bottom):
            _fill(near_rows, x0 - reach, y - reach, x1 + reach, y + reach)
        for x in (x0, x1):
            _fill(near_columns, x - reach, top - reach, x + reach, bottom + reach)
    ink = mask.astype(np.uint8)
    lines = np.zeros(mask.shape, dtype=np.uint8)
    for near, flat in ((near_rows, True), (near_columns, False)):
        for length, share in ((run, RULED), (2 * run, DASHED)):
            size = (length, 1) if flat else (1, length)
            counts = cv2.boxFilter(ink, cv2.CV_16S, size, normalize=False)
            line = cv2.bitwise_and(near, (counts > int(share * length)).view(np.uint8))
            # The window is half empty at the ends of a line and beside its gaps.
            grown = cv2.dilate(line, np.ones(size[::-1], np.uint8))
            across = np.ones((3, 1) if flat else (1, 3), np.uint8)
            own = cv2.bitwise_and(grown, cv2.bitwise_and(near, ink))
            lines |= np.asarray(cv2.dilate(own, across), dtype=np.uint8)
    for cell in cells:
        if cell.height < run:
            for side in (cell.x0, cell.x1):
                band = Box(side - reach, cell.top, side + reach, cell.bottom)
                _mark_short_side(lines, mask, band)
        if cell.width < run:
            for side in (cell.top, cell.bottom):
                band = Box(side - reach, cell.x0, side + reach, cell.x1)
                _mark_short_side(lines.T, mask.T, band)
    return lines > 0


def _mark_short_side(lines: Gray, mask: Mask, band: Box) -> None:
    """Mark in ``lines`` the columns of ``band`` that are ink over most of their height.

    Sides of small cells are shorter than the window that finds a run.
    """
    x0, top, x1, bottom = box_to_slice(band, mask.shape[1], mask.shape[0])
    if x1 <= x0 or bottom <= top:
        return
    filled = np.flatnonzero(mask[top:bottom, x0:x1].mean(axis=0) > 0.75)
    for x in filled:
        lines[top:bottom, max(0, x0 + x - 1) : x0 + x + 2] = 1


def _fill(picture: Gray, x0: int, top: int, x1: int, bottom: int) -> None:
    picture[max(0, top) : max(0, bottom + 1), max(0, x0) : max(0, x1 + 1)] = 1


def box_of_ink(mask: Mask, within: Box) -> Box | None:
    """The smallest box around the ink inside ``within``, None where there is none."""
    x0, top, x1, bottom = box_to_slice(within, mask.shape[1], mask.shape[0])
    part = mask[top:bottom, x0:x1]
    rows = np.flatnonzero(part.any(axis=1))
    columns = np.flatnonzero(part.any(axis=0))
    if not len(rows):
        return None
    return Box(
        float(x0 + columns[0]),
        float(top + rows[0]),
        float(x0 + columns[-1] + 1),
        float(top + rows[-1] + 1),
    )


def tight(box: Box, mask: Mask) -> Box:
    """``box`` around the ink inside of it, ``box`` itself where there is none."""
    return box_of_ink(mask, box) or box


def box_to_slice(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """``box`` as whole pixels inside a picture of that size: x0, top, x1, bottom."""
    x0, top = max(0, int(np.floor(box.x0))), max(0, int(np.floor(box.top)))
    return x0, top, min(width, int(np.ceil(box.x1))), min(height, int(np.ceil(box.bottom)))
