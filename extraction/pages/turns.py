"""Quarter turns of a deskewed page: along which axis its lines run, and which end is up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Box, Image

RULING_PX = 40
BLOCK_PX = 48
"""Some four characters of small type at 100 dpi."""
MOST_CROPS = 12
FEW_CROPS = 4
UNSURE = 0.2
"""Distance of the mean score from ½ below which the crops are scored upside down as well."""


class LineJudge(Protocol):
    """Looks at crops, each of a single line of text."""

    def score_upright(self, crops: Sequence[Image]) -> Sequence[float]:
        """For each the probability that it stands upright, not on its head."""

    def count_legible(self, crops: Sequence[Image]) -> float:
        """The characters that are read in all of them, each counted by the score of its line."""


def without_rulings(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The ink of a page less its long straight lines."""
    across = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, RULING_PX), np.uint8))
    down = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((RULING_PX, 1), np.uint8))
    lines = cv2.dilate(cv2.max(across, down), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.subtract(ink, lines), np.uint8)


def lines_run_down(text: NDArray[np.uint8]) -> float:
    """How clearly the lines of text run from top to bottom, from 0 over 1 (unsure) upwards.

    Gaps between lines are wider than those between characters, so that within a small
    block the profile across the lines varies more than the profile along them.
    """
    across, down = text_profiles(text)
    return down / across if across > 0 else 1.0


def text_profiles(text: NDArray[np.uint8]) -> tuple[float, float]:
    """Variance of the row profiles and of the column profiles, summed over blocks."""
    sums = np.zeros(2)
    for offset in (0, BLOCK_PX // 2):
        part = text[offset:, offset:].astype(np.float32)
        rows, columns = (size // BLOCK_PX for size in part.shape)
        if rows and columns:
            cut = part[: rows * BLOCK_PX, : columns * BLOCK_PX]
            blocks = cut.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
            sums += blocks.mean(axis=3).var(axis=1).sum(), blocks.mean(axis=1).var(axis=2).sum()
    return float(sums[0]), float(sums[1])


def mark_heights(text: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Of pieces of ink as high as characters are, or parts of them."""
    heights = _component_boxes(text)[:, 3]
    return heights[(heights >= 4) & (heights <= 60)]


def find_text_lines(text: NDArray[np.uint8]) -> list[Box]:
    """Boxes of up to ``MOST_CROPS`` long single lines of horizontal text."""
    heights = mark_heights(text)
    if not len(heights):
        return []
    em = float(np.percentile(heights, 75))
    reach = max(3, round(1.2 * em))
    smeared = cv2.morphologyEx(text, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))
    boxes = _component_boxes(np.asarray(smeared, np.uint8))
    height, width = boxes[:, 3], boxes[:, 2]
    single = (height >= 0.6 * em) & (height <= 2.2 * em)
    lines = boxes[single & (width >= 4 * em)]
    if len(lines) < FEW_CROPS:
        lines = boxes[single & (width >= 1.5 * em)]
    longest = lines[np.argsort(-lines[:, 2], kind="stable")][:MOST_CROPS]
    # A classifier squeezes a long line to its fixed width: some fifteen characters are enough.
    return [
        Box(float(x), float(y), float(x + min(w, 15 * h)), float(y + h)) for x, y, w, h in longest
    ]


def upright_probability(crops: Sequence[Image], judge: LineJudge) -> float:
    """Mean probability that the crops stand upright; ½ where there are none."""
    if not crops:
        return 0.5
    mean = float(np.mean(judge.score_upright(crops)))
    if abs(mean - 0.5) < UNSURE:
        turned = [np.ascontiguousarray(crop[::-1, ::-1]) for crop in crops]
        mean = (mean + 1 - float(np.mean(judge.score_upright(turned)))) / 2
    return mean


def _component_boxes(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(n, 4): x, y, width, height of each connected shape."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return np.asarray(stats[1:, :4], np.int32)
