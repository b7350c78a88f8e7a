"""The strip of a page around a side of a lattice, as the close look is shown it."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.grid.lattice import Lattice
from extraction.grid.side_maps import PATCH_CHANNELS, SideMaps
from extraction.values import Axis

ALONG: Final = 40
"""Samples along the side, from a little before its start to a little past its end: a ruling
touches the lines that it meets, a stroke of a character does not."""
ACROSS: Final = 15
"""Samples across it, the middle one on the line."""
PAST_PX: Final = 4.0
"""How far past its ends the side is followed, in pixels of the pictures."""
_ZOOMS: Final = (2.0, 2.0, 1.0, 1.0)
"""Resolution of each of ``PATCH_CHANNELS`` against that of the ruling maps."""
_INK: Final = PATCH_CHANNELS.index("ink")
INK_RANGE: Final = (-0.5, 1.5)
_LEAST_CONTRAST: Final = 0.1
_MOST_ROWS: Final = 30_000
"""OpenCV samples at most 32767 rows at once."""

Patches = NDArray[np.float32]
Mask = NDArray[np.bool_]


def sides_to_patches(
    lattice: Lattice, maps: SideMaps, across: Mask, down: Mask
) -> tuple[Patches, Patches]:
    """Strips of the sides that are picked: n × ``PATCH_CHANNELS`` × ``ACROSS`` × ``ALONG``.

    ``across`` (ys × gaps of xs) and ``down`` (xs × gaps of ys) pick; strips come row by row.
    """
    xs, ys = (np.array(lines) * maps.scale for lines in (lattice.xs, lattice.ys))
    return (
        _with_ink(_strips(ys, xs, across, maps, "horizontal"), maps.shades),
        _with_ink(_strips(xs, ys, down, maps, "vertical"), maps.shades),
    )


def with_notes(patches: Patches, notes: NDArray[np.floating[Any]]) -> Patches:
    """What the close look takes: the strips, and numbers that are known of each side (n × notes,
    at most ``ACROSS * ALONG``) one a pixel in a last channel."""
    shape = len(patches), 1, *patches.shape[2:]
    noted = np.zeros((len(patches), ACROSS * ALONG), np.float32)
    noted[:, : notes.shape[1]] = notes
    return np.concatenate([patches, noted.reshape(shape)], axis=1)


def _with_ink(strips: Patches, shades: tuple[float, float]) -> Patches:
    """Darkness as 0 for the page's own shade and 1 for its darkest print, so that pale scans
    look like others."""
    paper, darkest = shades
    shares = (strips[:, _INK] - paper) / max(_LEAST_CONTRAST, darkest - paper)
    strips[:, _INK] = np.clip(shares, *INK_RANGE)
    return strips


def _strips(
    lines: NDArray[np.float64],
    crossings: NDArray[np.float64],
    picked: Mask,
    maps: SideMaps,
    axis: Axis,
) -> Patches:
    """``lines`` and ``crossings`` in pixels of the ruling maps; lines run along the axis."""
    line, gap = np.nonzero(picked)
    strips = np.zeros((len(line), len(PATCH_CHANNELS), ACROSS, ALONG), np.float32)
    if not len(line):
        return strips
    past, step = PAST_PX / _ZOOMS[0], 1.0 / _ZOOMS[0]
    start, end = crossings[gap] - past, crossings[gap + 1] + past
    along = start[:, None] + (end - start)[:, None] * (np.arange(ALONG) + 0.5) / ALONG
    beside = lines[line][:, None] + step * (np.arange(ACROSS) - ACROSS // 2)
    x = np.repeat(along, ACROSS, axis=0)
    y = np.broadcast_to(beside.reshape(-1, 1), x.shape)
    for number, (picture, zoom) in enumerate(zip(maps.pictures_of(axis), _ZOOMS, strict=True)):
        places = x * zoom - 0.5, y * zoom - 0.5
        # OpenCV takes pictures row by row: a turned one is sampled as it was, at turned places.
        is_turned = not picture.flags.c_contiguous
        sampled = _sampled(picture.T, *places[::-1]) if is_turned else _sampled(picture, *places)
        strips[:, number] = sampled.reshape(-1, ACROSS, ALONG)
    return strips


def _sampled(picture: Patches, x: NDArray[np.float64], y: NDArray[np.float64]) -> Patches:
    sampled = np.empty(x.shape, np.float32)
    for first in range(0, len(x), _MOST_ROWS):
        rows = slice(first, first + _MOST_ROWS)
        at_x, at_y = x[rows].astype(np.float32), y[rows].astype(np.float32)
        sampled[rows] = cv2.remap(
            picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return sampled
