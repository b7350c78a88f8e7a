"""A table's lattice: separators, the evidence for each side between them, and the rectangles
that the sides enclose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[int, int, int, int]
"""first row, first column, row after the last, column after the last."""


STEP, EVEN = 0.5, 1e-6
"""Of the least distance of two lines, and a weight for lines of which nothing is seen."""
FRAMED = 0.8
"""Share of a table's rows that show both outer rulings where it is drawn with a frame."""


@dataclass(frozen=True, slots=True)
class GapSettings:
    """Evidence from which a side is ``present``, and what may be bridged: at most
    ``longest_gap`` sides on end that each show a ``trace``."""

    present: float = 0.5
    trace: float = 0.3
    longest_gap: int = 3


@dataclass(frozen=True, slots=True)
class Lattice:
    """``xs`` and ``ys`` are the separators; ``across[j, i]`` is the evidence for the
    horizontal side on ``ys[j]`` between ``xs[i]`` and ``xs[i + 1]``, ``down[j, i]`` for
    the vertical side on ``xs[i]`` between ``ys[j]`` and ``ys[j + 1]``."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    across: NDArray[np.float64]
    down: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.ys) - 1, len(self.xs) - 1


def bridge_gaps(lattice: Lattice, traces: Lattice, settings: GapSettings) -> Lattice:
    """Count faint sides as present where the same separator is seen before and after them.

    A merged cell shows no trace of a side at all; a line that the scan broke nearly always
    does. ``traces`` is the lattice as it was seen before anything was judged; a side of which the
    evidence is 0 was refused, however much was seen.
    """
    pairs = zip(lattice.across, traces.across, strict=True)
    turned = zip(lattice.down.T, traces.down.T, strict=True)
    return replace(
        lattice,
        across=np.array([_bridged(along, trace, settings) for along, trace in pairs]),
        down=np.array([_bridged(along, trace, settings) for along, trace in turned]).T,
    )


def _bridged(
    along: NDArray[np.float64], trace: NDArray[np.float64], settings: GapSettings
) -> NDArray[np.float64]:
    bridged = along.copy()
    seen = np.flatnonzero(along >= settings.present)
    for before, after in pairwise(seen):
        gap = slice(before + 1, after)
        faint = (trace[gap] >= settings.trace) & (along[gap] > 0.0)
        if 1 < after - before <= settings.longest_gap + 1 and faint.all():
            bridged[gap] = settings.present
    return bridged


def without_slivers(lattice: Lattice, least: float, present: float) -> Lattice:
    """One line where two run side by side, less than ``least`` pixels apart, so that no text stands
    between them: a scan may show one ruling as two, a bit off each other.

    The one that is seen less is dropped there; the outermost stays. Two that are nearer still are
    one line that steps, or that a bent sheet shows at two heights: they become one throughout.
    """
    single = replace(
        lattice,
        across=_single(lattice.ys, lattice.across, least, present),
        down=_single(lattice.xs, lattice.down.T, least, present).T,
    )
    rows = _without_steps(single, STEP * least)
    return _turned(_without_steps(_turned(rows), STEP * least))


def _without_steps(lattice: Lattice, least: float) -> Lattice:
    """``lattice`` with horizontal lines that are nearer than ``least`` as one."""
    ys, across, down = [*lattice.ys], [*lattice.across], [*lattice.down]
    for line in reversed(range(len(ys) - 1)):
        if ys[line + 1] - ys[line] < least and len(ys) > 2:
            both = across[line : line + 2]
            weights = [float(seen.sum()) + EVEN for seen in both]
            ys[line : line + 2] = [float(np.average(ys[line : line + 2], weights=weights))]
            across[line : line + 2] = [np.maximum(*both)]
            del down[line]
    return Lattice(lattice.xs, tuple(ys), np.array(across), np.array(down))


def _single(
    lines: Sequence[float], sides: NDArray[np.float64], least: float, present: float
) -> NDArray[np.float64]:
    """``sides``, lines × stretches, where of two lines nearer than ``least`` one is left."""
    kept = sides.copy()
    for line, (a, b) in enumerate(pairwise(lines)):
        if b - a >= least:
            continue
        first, second = kept[line], kept[line + 1]
        both = (first >= present) & (second >= present)
        less = first + first.mean() < second + second.mean()
        if line == 0 or line == len(lines) - 2:
            less = np.full_like(both, line != 0)
        first[both & less] = 0.0
        second[both & ~less] = 0.0
    return kept


def lattice_to_parts(lattice: Lattice, present: float) -> list[Lattice]:
    """Tables that stand close to each other, taken apart where nothing but white lies between.

    That holds only for tables with a frame: in one that is open at its sides a row of one
    wide cell shows no ruling down, either.
    """
    parts = _stacked_parts(lattice, present)
    return [_turned(beside) for part in parts for beside in _stacked_parts(_turned(part), present)]


def _stacked_parts(lattice: Lattice, present: float) -> list[Lattice]:
    seen = lattice.down >= present
    framed = seen[:, 0] & seen[:, -1]
    between = ~seen.any(axis=1)
    if not between.any() or framed.sum() < FRAMED * (~between).sum():
        return [lattice]
    cuts = [-1, *np.flatnonzero(between).tolist(), len(seen)]
    return [
        Lattice(
            lattice.xs,
            lattice.ys[first + 1 : last + 1],
            lattice.across[first + 1 : last + 1],
            lattice.down[first + 1 : last],
        )
        for first, last in pairwise(cuts)
        if last - first > 1
    ]


def _turned(lattice: Lattice) -> Lattice:
    """Rows as columns."""
    return Lattice(lattice.ys, lattice.xs, lattice.down.T, lattice.across.T)


def lattice_to_rectangles(lattice: Lattice, present: float) -> list[Rectangle]:
    """Unit areas with no side between them are one cell; every cell is a rectangle."""
    rows, columns = lattice.shape
    mask = np.zeros((2 * rows - 1, 2 * columns - 1), dtype=bool)
    mask[::2, ::2] = True
    mask[1::2, ::2] = lattice.across[1:-1] < present
    mask[::2, 1::2] = lattice.down[:, 1:-1] < present
    count, regions = _regions(mask)
    units = regions[::2, ::2]
    outside = _outside(lattice, units, present)
    rectangles: list[Rectangle] = []
    for number in range(1, count):
        area = units == number
        if area.any() and number not in outside:
            rectangles.extend(region_to_rectangles(area, lattice))
    return sorted(rectangles)


def region_to_rectangles(area: NDArray[np.bool_], lattice: Lattice) -> list[Rectangle]:
    """Cut ``area`` (rows × columns) along the lines of best evidence until all is rectangular."""
    js, is_ = np.nonzero(area)
    top, left, bottom, right = js.min(), is_.min(), js.max() + 1, is_.max() + 1
    if area[top:bottom, left:right].all():
        return [(int(top), int(left), int(bottom), int(right))]
    cuts = []
    for j in range(top + 1, bottom):
        both = area[j - 1] & area[j]
        if both.any() or (area[:j].any() and area[j:].any()):
            cuts.append((_cost(lattice.across[j][both]), 0, j))
    for i in range(left + 1, right):
        both = area[:, i - 1] & area[:, i]
        cuts.append((_cost(lattice.down[:, i][both]), 1, i))
    _, axis, at = min(cuts)
    first, second = area.copy(), area.copy()
    if axis == 0:
        first[at:], second[:at] = False, False
    else:
        first[:, at:], second[:, :at] = False, False
    rectangles = []
    for half in (first, second):
        count, parts = _regions(half)
        for number in range(1, count):
            rectangles.extend(region_to_rectangles(parts == number, lattice))
    return rectangles


def _regions(mask: NDArray[np.bool_]) -> tuple[int, NDArray[np.int32]]:
    """How many numbers, with 0 for what is not in ``mask``, and that of each place; places
    that share a side are of one region."""
    count, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return count, np.asarray(regions, dtype=np.int32)


def rectangle_quality(rectangle: Rectangle, lattice: Lattice) -> float:
    """Evidence for the weakest of the four sides, and against a side through the middle."""
    top, left, bottom, right = rectangle
    sides = [
        lattice.across[top, left:right].mean(),
        lattice.across[bottom, left:right].mean(),
        lattice.down[top:bottom, left].mean(),
        lattice.down[top:bottom, right].mean(),
    ]
    through = [lattice.across[j, left:right].mean() for j in range(top + 1, bottom)]
    through += [lattice.down[top:bottom, i].mean() for i in range(left + 1, right)]
    return float(min(*sides, 1.0 - max(through, default=0.0)))


def _outside(lattice: Lattice, units: NDArray[np.int32], present: float) -> set[int]:
    """Regions that are no cells: a corner that the table leaves out.

    Such a corner lies open on two neighbouring outer sides. A region that is open on one
    alone is a cell whose border the scan has lost.
    """
    openness = (
        (units[0], lattice.across[0]),
        (units[-1], lattice.across[-1]),
        (units[:, 0], lattice.down[:, 0]),
        (units[:, -1], lattice.down[:, -1]),
    )
    open_sides = [
        {
            int(number)
            for number in np.unique(along)
            if (evidence[along == number] < present).mean() > 0.6
        }
        for along, evidence in openness
    ]
    top, bottom, left, right = open_sides
    return (top | bottom) & (left | right)


def _cost(evidence: NDArray[np.float64]) -> float:
    """What it costs to draw these sides: low where there is evidence for them."""
    p = np.clip(evidence, 0.02, 0.98)
    return float(np.log((1 - p) / p).sum())
