"""Hyphens and slashes that a coarse scan made so faint that they are no ink.

A hyphen is the thinnest thing that is printed: at 150 dpi its grey is nearer to that of the paper
than to that of the type, and so above the level of ink. In the middle of a blank cell, where a
form prints the sign for "does not apply", it stands out from the paper all the same. So does
a slash, which little of its length is dark enough for ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.ocr.ink import WHITE, Gray, box_to_slice
from extraction.ocr.second_look import CENTRED, DASH, NARROWEST_HYPHEN, find_grey_slash
from extraction.values import Box, Word

Darkness = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaintSettings:
    """Lengths in characters; ``darkest`` is in levels of grey.

    A bar is as dark as ``times_noise`` the paper usually varies, and as ``times_other`` all else in
    its cell. It lies ``border`` or more from the sides of its cell, where rulings were wiped.
    A slash stands ``off`` the middle of its cell at most.
    """

    border: float = 0.3
    length: float = 0.3
    height: float = 0.08
    highest: float = 0.3
    longest: float = 1.15
    around: tuple[float, float] = (0.35, 0.8)
    darkest: float = 12.0
    times_noise: float = 5.0
    times_other: float = 2.0
    off: float = 0.4
    score: float = 0.8


def find_faint_sign(
    gray: Gray, cell: Box, em: float, page: int, settings: FaintSettings | None = None
) -> Word | None:
    """The hyphen, dash or slash in the middle of ``cell``, in which no ink was found; ``em`` is
    the size of a full-width character in pixels."""
    settings = settings or FaintSettings()
    inside = cell.padded(-settings.border * em)
    found = _find_bar(gray, inside, cell.center, em, settings)
    if found is not None:
        text = "-" if found.width < DASH * em else "—"
        return Word(text, found, settings.score, settings.score, page)
    x, y = cell.center
    found = find_grey_slash(gray, Box(x - em, y - em, x + em, y + em).intersection(inside), em)
    if found is None or _away(found, cell.center) > settings.off * em:
        return None
    return Word("/", found, settings.score, settings.score, page)


def _find_bar(
    gray: Gray, inside: Box, middle: tuple[float, float], em: float, settings: FaintSettings
) -> Box | None:
    x0, top, x1, bottom = box_to_slice(inside, gray.shape[1], gray.shape[0])
    if x1 - x0 < em or bottom - top < settings.highest * em:
        return None
    dark = float(WHITE) - gray[top:bottom, x0:x1].astype(np.float32)
    x, y = middle
    peak = _find_peak(_bars(dark, em, settings), (x - x0, y - top), em, settings)
    if peak is None:
        return None
    bar = _bar_around(dark, peak, em, settings)
    found = Box(x0 + bar.x0, top + bar.top, x0 + bar.x1, top + bar.bottom)
    is_bar = NARROWEST_HYPHEN * em <= found.width <= settings.longest * em
    if not is_bar or found.height > settings.highest * em or _away(found, middle) > CENTRED * em:
        return None
    return found


def _away(found: Box, middle: tuple[float, float]) -> float:
    x, y = found.center
    return max(abs(x - middle[0]), abs(y - middle[1]))


def _bars(dark: Darkness, em: float, settings: FaintSettings) -> Darkness:
    """How much darker than above and below each place is, in the mean over a short bar."""
    size = max(3, round(settings.length * em)), max(1, round(settings.height * em))
    mean = cv2.blur(dark, size, borderType=cv2.BORDER_REPLICATE)
    step = 2 * size[1] + 1
    beyond = cv2.copyMakeBorder(mean, step, step, 0, 0, cv2.BORDER_REPLICATE)
    return np.asarray(mean - np.maximum(beyond[: -2 * step], beyond[2 * step :]), np.float32)


def _find_peak(
    bars: Darkness, middle: tuple[float, float], em: float, settings: FaintSettings
) -> tuple[int, int] | None:
    """Row and column of the darkest bar around ``middle`` (x, y), None where it is nothing beside
    what else there is."""
    high, wide = (round(reach * em) for reach in settings.around)
    left, upper = (max(0, round(at - settings.around[0] * em)) for at in middle)
    right, lower = (round(at + settings.around[0] * em) + 1 for at in middle)
    window = bars[upper:lower, left:right]
    if not window.size:
        return None
    row, column = (int(at) for at in np.unravel_index(int(window.argmax()), window.shape))
    row, column = row + upper, column + left
    elsewhere = np.ones(bars.shape, np.bool_)
    elsewhere[max(0, row - high) : row + high + 1, max(0, column - wide) : column + wide + 1] = (
        False
    )
    others = bars[elsewhere]
    if not others.size:
        return None
    noise = float(np.median(np.abs(others - np.median(others)))) * 1.4826
    least = max(
        settings.darkest, settings.times_noise * noise, settings.times_other * float(others.max())
    )
    return (row, column) if bars[row, column] >= least else None


def _bar_around(dark: Darkness, peak: tuple[int, int], em: float, settings: FaintSettings) -> Box:
    """What is at least half as dark as ``peak``, without a gap from there."""
    row, column = peak
    height = max(1, round(settings.height * em))
    paper = float(np.median(dark))
    first = max(0, row - height // 2)
    reach = max(1, round(settings.length * em / 2))
    left, right = _run(dark[first : first + height].mean(axis=0) - paper, column, reach)
    top, bottom = _run(dark[:, left:right].mean(axis=1) - paper, row, height)
    return Box(float(left), float(top), float(right), float(bottom))


def _run(profile: Darkness, near: int, reach: int) -> tuple[int, int]:
    """Start and stop of what is at least half as dark as the darkest place within ``reach`` of
    ``near``, and has no gap from there."""
    start = max(0, near - reach)
    at = start + int(profile[start : near + reach + 1].argmax())
    light = np.flatnonzero(profile < 0.5 * profile[at])
    before, after = light[light < at], light[light > at]
    return int(before[-1]) + 1 if len(before) else 0, int(after[0]) if len(after) else len(profile)
