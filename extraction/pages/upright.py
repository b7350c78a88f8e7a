"""Raw pages to upright ones: paper cut out of a photo, skew taken out, turned the right way.

All that is found is composed into one matrix, and the page is resampled once at most.
Matrices are 3 × 3 and act on pixel coordinates ``(x, y, 1)`` whose integer values lie on
pixel centres, as OpenCV has it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.pages.grey import Picture, is_grey, resample
from extraction.pages.paper import find_paper, is_a4, paper_size
from extraction.pages.pictures import A4_LONG_IN
from extraction.pages.skew import find_skew, ink_mask, rotated_about_center
from extraction.pages.turns import (
    LineJudge,
    find_text_lines,
    lines_run_down,
    mark_heights,
    upright_probability,
    without_rulings,
)
from extraction.values import Box, Image, Page, RawPage

Homography = NDArray[np.float64]

ANALYSIS_DPI = 100.0
MOST_ANALYSIS_PX = 1700
LEAST_SKEW_DEG = 0.05
UNSURE_AXIS = (1.05, 1.4)
"""Clearness of lines that run down: from the first on they probably do, below the second,
and above its inverse, the lines of both axes are read."""
FEWEST_MARKS = 40
"""Characters and parts of characters by whose gaps the axis of the lines is told."""
ON_HEAD = 0.4
"""Probability of standing upright below which a page is turned over; most stand upright."""
MARGIN_IN = 0.15
"""Paper kept around ink that the turning would push out of the picture."""


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where an upright page lies in its source: ``from_source`` fills ``width × height``."""

    from_source: Homography
    width: int
    height: int
    dpi: float
    resamples: bool


def find_upright(raw: RawPage, judge: LineJudge | None) -> Page:
    """The page as a reader holds it.

    ``judge`` tells a line from one on its head; without it a page that stands on its head
    is left so. A page with a text layer is upright already.
    """
    start = time.perf_counter()
    if raw.words is not None:
        one = np.eye(3, dtype=np.float64)
        return Page(
            raw.number, raw.image, raw.dpi, "text_layer", one, one, raw.words, raw.edges or ()
        )
    placement, turns = _find_placement(raw, judge)
    placement = _turned(placement, turns)
    grey = is_grey(raw.image)
    turned = _resampled(raw.image, grey, placement, turns)
    from_source = placement.from_source
    elapsed_ms = {"upright": 1000 * (time.perf_counter() - start)}
    to_source = np.asarray(np.linalg.inv(from_source), np.float64)
    return Page(
        *(raw.number, turned, placement.dpi, "ocr", to_source, from_source),
        grey=grey,
        elapsed_ms=elapsed_ms,
    )


def _find_placement(raw: RawPage, judge: LineJudge | None) -> tuple[_Placement, int]:
    """The straightened page, and the quarter turns against the clock that it still needs."""
    gray, scale = _reduced(raw)
    flat = _laid_flat(raw, gray, scale)
    if flat.resamples:
        size = (round(flat.width * scale), round(flat.height * scale))
        matrix = scaling(scale) @ flat.from_source @ np.linalg.inv(scaling(scale))
        gray = np.asarray(
            cv2.warpPerspective(gray, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
    ink = ink_mask(gray)
    skew_deg = find_skew(ink)
    placement = _deskewed(flat, skew_deg, ink, scale)
    rotation = rotation_matrix(skew_deg, flat.width, flat.height)
    to_small = scaling(scale) @ rotation @ flat.from_source

    def cut(box: Box, turn: Homography) -> Image:
        return _crop(raw.image, box, turn @ to_small, scale)

    turns = _find_turns(rotated_about_center(ink, skew_deg), cut, judge)
    return placement, turns


def _reduced(raw: RawPage) -> tuple[NDArray[np.uint8], float]:
    """A small grey copy to look at, and its scale."""
    height, width = raw.image.shape[:2]
    scale = min(1.0, ANALYSIS_DPI / raw.dpi, MOST_ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gray = cv2.cvtColor(raw.image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _laid_flat(raw: RawPage, gray: NDArray[np.uint8], scale: float) -> _Placement:
    """The sheet of a photo as seen from straight above; any other picture as it is."""
    height, width = raw.image.shape[:2]
    quad = find_paper(gray)
    if quad is None:
        return _Placement(np.eye(3), width, height, raw.dpi, False)
    corners = (quad + 0.5) / scale - 0.5
    sheet_width, sheet_height = paper_size(corners)
    w, h = round(sheet_width), round(sheet_height)
    target = np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    dpi = max(w, h) / A4_LONG_IN if is_a4(sheet_width, sheet_height) else raw.dpi
    return _Placement(np.asarray(matrix, np.float64), w, h, dpi, True)


def _deskewed(
    flat: _Placement, skew_deg: float, ink: NDArray[np.uint8], scale: float
) -> _Placement:
    """Turned about its middle; wider or higher where ink would be lost."""
    if abs(skew_deg) < LEAST_SKEW_DEG:
        return flat
    rotation = rotation_matrix(skew_deg, flat.width, flat.height)
    box = _ink_box(ink, scale, rotation)
    margin = MARGIN_IN * flat.dpi
    left, top = math.floor(min(0.0, box.x0 - margin)), math.floor(min(0.0, box.top - margin))
    if box.width <= 0:
        left = top = 0
    right = math.ceil(max(flat.width, box.x1 + margin))
    bottom = math.ceil(max(flat.height, box.bottom + margin))
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    matrix = shift @ rotation @ flat.from_source
    return _Placement(matrix, right - left, bottom - top, flat.dpi, True)


def _ink_box(ink: NDArray[np.uint8], scale: float, rotation: Homography) -> Box:
    """Bounds of the turned ink in full pixels, a thousandth at each side left to dust."""
    ys, xs = np.nonzero(ink)
    if len(xs) < 100:
        return Box(0, 0, 0, 0)
    points = (np.stack([xs, ys], axis=1)[::7] + 0.5) / scale - 0.5
    turned = points @ rotation[:2, :2].T + rotation[:2, 2]
    (x0, top), (x1, bottom) = np.percentile(turned, (0.1, 99.9), axis=0)
    return Box(float(x0), float(top), float(x1), float(bottom))


def _find_turns(
    straight_ink: NDArray[np.uint8],
    cut: Callable[[Box, Homography], Image],
    judge: LineJudge | None,
) -> int:
    """Quarter turns against the clock that bring the page upright.

    ``cut`` takes a box of the reduced page, turned by the given matrix, out of the source.
    """
    text = without_rulings(straight_ink)
    down = lines_run_down(text)
    likely = 1 if down > UNSURE_AXIS[0] else 0
    if judge is None:
        return likely

    def standing(turns: int) -> int:
        upright = upright_probability(_line_crops(text, turns, cut), judge)
        return turns + 2 if upright < ON_HEAD else turns

    sure = not 1 / UNSURE_AXIS[1] < down < UNSURE_AXIS[1]
    if sure and len(mark_heights(text)) >= FEWEST_MARKS:
        return standing(likely)
    # Two numbers of a table's last row tell nothing by the gaps between them. Lines set as
    # tightly as their characters stand upright either way to the classifier, but characters
    # taken from line after line make few and short ones.
    return max(
        (standing(0), standing(1)),
        key=lambda turns: judge.count_legible(_line_crops(text, turns, cut)),
    )


def _line_crops(
    text: NDArray[np.uint8], turns: int, cut: Callable[[Box, Homography], Image]
) -> list[Image]:
    height, width = text.shape
    matrix = turn_matrix(turns, width, height)
    turned = np.ascontiguousarray(np.rot90(text, turns))
    return [cut(box, matrix) for box in find_text_lines(turned)]


def _crop(image: Image, box: Box, to_small: Homography, scale: float) -> Image:
    """A text line cut from the source picture, straight and at full resolution."""
    padded = box.padded(0.15 * box.height)
    shift = np.array([[1, 0, -padded.x0], [0, 1, -padded.top], [0, 0, 1]], np.float64)
    matrix = scaling(1 / scale) @ shift @ to_small
    size = (max(1, round(padded.width / scale)), max(1, round(padded.height / scale)))
    return cast(Image, cv2.warpPerspective(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def _turned(placement: _Placement, turns: int) -> _Placement:
    width, height = placement.width, placement.height
    matrix = turn_matrix(turns, width, height) @ placement.from_source
    if turns % 2:
        width, height = height, width
    return replace(placement, from_source=matrix, width=width, height=height)


def _resampled(image: Image, grey: bool, placement: _Placement, turns: int) -> Image:
    """The upright picture; quarter turns alone move pixels and change none."""
    if not placement.resamples:
        return np.ascontiguousarray(np.rot90(image, turns)) if turns % 4 else image
    paper = tuple(float(v) for v in np.median(image[::16, ::16].reshape(-1, 3), axis=0))
    size = (placement.width, placement.height)
    matrix = placement.from_source
    is_affine = np.allclose(matrix[2, :2], 0.0, atol=1e-12)

    def warped(picture: Picture) -> Picture:
        if is_affine:
            straight = matrix[:2] / matrix[2, 2]
            return cv2.warpAffine(
                picture, straight, size, flags=cv2.INTER_LINEAR, borderValue=paper
            )
        return cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=paper)

    return resample(image, grey, warped)


def rotation_matrix(skew_deg: float, width: int, height: int) -> Homography:
    """Takes out a clockwise skew about the middle of a picture."""
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), skew_deg, 1.0)
    return np.vstack([matrix, (0.0, 0.0, 1.0)])


def turn_matrix(turns: int, width: int, height: int) -> Homography:
    """``turns`` quarter turns against the clock of a picture of this size, as ``np.rot90``."""
    matrix = np.eye(3)
    for _ in range(turns % 4):
        matrix = np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]], np.float64) @ matrix
        width, height = height, width
    return matrix


def scaling(by: float) -> Homography:
    """Resizing as OpenCV does it, corner to corner and not centre to centre."""
    shift = 0.5 * by - 0.5
    return np.array([[by, 0, shift], [0, by, shift], [0, 0, 1]], np.float64)
