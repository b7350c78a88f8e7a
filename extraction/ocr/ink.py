"""Ink of the print, apart from paper, ruling lines, and the colours of seals and pens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Box, Image

Gray = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WHITE = 255
DARK_BESIDE_COLOUR = 0.6
"""Ink beside colour is print only below this share of the level of ink elsewhere."""

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
    coloured, plain = without_colour(image)
    ruled = even_paper(plain)
    level = ink_level(ruled)
    mask = ruled < level
    if coloured.any():
        near = cv2.dilate(coloured.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        mask &= ~(near & (ruled > DARK_BESIDE_COLOUR * level))
    lines = ruling_mask(mask, list(cells), dpi)
    mask[lines] = False
    return PrintInk(np.where(lines, np.uint8(WHITE), ruled), mask, ruled)


def without_colour(image: Image) -> tuple[Mask, Gray]:
    """Where ``image`` shows coloured ink, and the image in gray with that ink made light.

    Black print below a seal stays dark in every channel, a seal only in some. A page that
    prints mostly in colour is left as it is.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    # Scans keep colour at half their resolution, and noise has colour too.
    saturation = _span(np.asarray(cv2.blur(image, (5, 5)), dtype=np.uint8))
    cast = float(np.median(saturation[::16, ::16]))
    dark = gray < np.median(gray[::16, ::16]) * 0.7
    rows, columns = np.nonzero(saturation > cast + 8)
    coloured = np.zeros(gray.shape, dtype=np.bool_)
    if not len(rows):
        return coloured, gray
    lightest = image[rows, columns].max(axis=1).astype(np.float32)
    excess = saturation[rows, columns] - cast - 8
    coloured[rows, columns] = (excess > 8) & (lightest > 90)
    if coloured.sum() > 0.5 * (coloured | dark).sum():
        return np.zeros(gray.shape, dtype=np.bool_), gray
    shown = gray[rows, columns]
    light = np.clip((lightest - 70) * 2.6, 0, WHITE)
    gray[rows, columns] = shown + np.minimum(excess / 10, 1.0) * np.maximum(light - shown, 0)
    return coloured, gray


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


def ink_level(gray: Gray) -> float:
    """The gray below which a pixel is ink, by Otsu's method on the pixels that are not paper."""
    level, _ = cv2.threshold(gray[::2, ::2], 0, WHITE, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
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
    ink = mask.astype(np.float32)
    lines = np.zeros(mask.shape, dtype=np.uint8)
    for near, size in ((near_rows, (run, 1)), (near_columns, (1, run))):
        line = (cv2.blur(ink, size) > 0.65) & (near > 0)
        # The window is half empty at the ends of a line and beside its gaps.
        whole = cv2.dilate(line.astype(np.uint8), np.ones(size[::-1], np.uint8)) * (near & mask)
        across = np.ones((3, 1) if size[1] == 1 else (1, 3), np.uint8)
        lines |= np.asarray(cv2.dilate(whole, across), dtype=np.uint8)
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
