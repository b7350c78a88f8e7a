"""Where a box of several rows of text is cut, told by how much ink each of its pixel rows holds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Rows = tuple[int, int]
"""The first pixel row and the one after the last."""

ONE_ROW = 1.25
"""A box up to so many usual heights shows one row of text."""

SURELY_SEVERAL = 1.5
"""From so many on it shows several."""

CLOSE_PITCH = 0.8
"""From line to line in close-set type, as a share of the usual height of a detected box."""

UNCUT = 0.3
"""What a cut may go through, of the ink of a row, where the box may be one row as well."""

ODD_PITCH = 0.3
"""What a pitch of half or twice the usual one weighs, near enough, in such ink."""


def ink_runs(filled: NDArray[np.bool_]) -> list[Rows]:
    """Start and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def joined_rows(rows: list[Rows], least: float) -> list[Rows]:
    """Rows lower than ``least`` are parts of a character: they join the nearer neighbour."""
    rows = list(rows)
    while len(rows) > 1:
        low = min(range(len(rows)), key=lambda index: rows[index][1] - rows[index][0])
        if rows[low][1] - rows[low][0] >= least:
            break
        before = rows[low][0] - rows[low - 1][1] if low else np.inf
        after = rows[low + 1][0] - rows[low][1] if low + 1 < len(rows) else np.inf
        first = low - 1 if before <= after else low
        rows[first : first + 2] = [(rows[first][0], rows[first + 1][1])]
    return rows


def split_touching(ink: NDArray[np.int64], row: Rows, usual: float) -> list[Rows]:
    """``row`` cut where it is as high as several lines of close-set type.

    Of all numbers of lines that it may hold, the one whose cuts go through least ink.
    """
    height = row[1] - row[0]
    if height < ONE_ROW * usual:
        return [row]
    pitch = CLOSE_PITCH * usual
    fewest, most = math.ceil(height / (1.2 * pitch)), int(height / (0.75 * pitch))
    least = 1 if height < SURELY_SEVERAL * usual else max(2, fewest)
    ways = [cut_evenly(ink, *row, count) for count in range(least, max(least, most) + 1)]
    return min(ways, key=lambda way: _ink_at_cuts(ink, way, pitch))


def _ink_at_cuts(ink: NDArray[np.int64], way: list[Rows], pitch: float) -> float:
    """How much ink the cuts of ``way`` go through, of that in a row, and how odd its pitch is."""
    if len(way) == 1:
        return UNCUT
    start, end = way[0][0], way[-1][1]
    odd = abs(math.log((end - start) / len(way) / pitch))
    through = float(np.mean([ink[cut] for cut, _ in way[1:]]))
    return through / max(1.0, float(ink[start:end].mean())) + ODD_PITCH * odd


def cut_evenly(ink: NDArray[np.int64], start: int, end: int, count: int) -> list[Rows]:
    """Rows ``start`` to ``end`` cut into ``count``, each cut in the quietest row nearby."""
    step = (end - start) / count
    reach = max(1, round(0.2 * step))
    cuts = [start]
    for number in range(1, count):
        middle = round(start + number * step)
        near = range(middle - reach, min(middle + reach + 1, end))
        cuts.append(min(near, key=lambda row: int(ink[row])))
    return list(zip(cuts, [*cuts[1:], end], strict=True))
