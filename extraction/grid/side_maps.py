"""What is measured along the lines of a lattice: maps of a page, at the ruling maps' resolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.grid.lines import RULING_DPI, Evidence, Map
from extraction.values import Axis, Image

CHANNELS: Final = ("likely", "near", "surely", "dip", "dark_line", "text", "chroma")
STRAIGHT: Final = ("straight", "straight_dark")
"""Channels besides ``CHANNELS`` that are measured along one row at a time."""
FILL_STEP: Final = len(CHANNELS) + len(STRAIGHT)
"""The last map: how much the paper itself, without the print on it, differs from one side of
the line to the other. Where a filled cell ends its border hardly shows as a line."""
PATCH_CHANNELS: Final = ("ink", "chroma", "likely", "crossing")
"""Pictures of which strips along a side are cut, the first two at twice the resolution of the
ruling maps. Ink is darkness, and in the strips a share of the darkest print's above the paper's."""
SEEN = 0.35
SURE = 0.6
DARK = 0.06
"""A step in brightness, of 1, that counts as a printed line."""


@dataclass(frozen=True, eq=False, slots=True)
class SideMaps:
    """For each axis the maps ``CHANNELS``, ``STRAIGHT`` and ``FILL_STEP``, and the pictures
    ``PATCH_CHANNELS``, its lines along their rows. ``scale`` is map pixels per page pixel."""

    across: tuple[Map, ...]
    down: tuple[Map, ...]
    pictures_across: tuple[Map, ...]
    pictures_down: tuple[Map, ...]
    scale: float
    shades: tuple[float, float]

    def of(self, axis: Axis) -> tuple[Map, ...]:
        return self.across if axis == "horizontal" else self.down

    def pictures_of(self, axis: Axis) -> tuple[Map, ...]:
        return self.pictures_across if axis == "horizontal" else self.pictures_down


def page_to_side_maps(image: Image, dpi: float, evidence: Evidence) -> SideMaps:
    """What is measured along lines, at the resolution of ``evidence``."""
    height, width = evidence.across.shape
    size = (2 * width, 2 * height)
    smooth = cv2.INTER_AREA if dpi > RULING_DPI else cv2.INTER_LINEAR
    picture = cv2.resize(image, size, interpolation=smooth)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    darkness = np.asarray((255 - grey) / np.float32(255), np.float32)
    red, green, blue = cv2.split(picture)
    lightest = cv2.max(cv2.max(red, green), blue)
    spread = cv2.subtract(lightest, cv2.min(cv2.min(red, green), blue))
    chroma = np.asarray(spread / np.float32(255), np.float32)
    across = (darkness, chroma, evidence.across, evidence.down)
    turned = (darkness.T, chroma.T, evidence.down.T, evidence.across.T)
    down = tuple(np.ascontiguousarray(map_) for map_ in turned)
    return SideMaps(
        across=_channels(*across[:3]),
        down=_channels(*down[:3]),
        pictures_across=across,
        pictures_down=down,
        scale=evidence.scale,
        shades=_shades(np.asarray(grey, np.uint8)),
    )


def _shades(grey: NDArray[np.uint8]) -> tuple[float, float]:
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256])[:, 0].cumsum()
    paper, darkest = (int(np.searchsorted(counts, share * counts[-1])) for share in (0.5, 0.005))
    return 1.0 - paper / 255, 1.0 - darkest / 255


def _channels(darkness: Map, chroma: Map, likely: Map) -> tuple[Map, ...]:
    """Lines run along x. ``likely`` has half the resolution of the other two."""
    along: Map = np.asarray(cv2.blur(darkness, (9, 1)), np.float32)
    # A printed line is darker than what lies 2 mm hundredths above *and* below it.
    above, below = np.roll(along, 4, axis=0), np.roll(along, -4, axis=0)
    straight = _halved(np.maximum(along - np.maximum(above, below), 0), np.maximum)
    dip = np.asarray(cv2.dilate(straight, np.ones((3, 1), np.uint8)), np.float32)
    ink = _halved(darkness, _mean)
    paper = cv2.blur(cv2.erode(ink, np.ones((9, 9), np.uint8)), (9, 9))
    text = np.minimum(np.roll(ink - paper, 3, axis=0), np.roll(ink - paper, -3, axis=0))
    colour = cv2.dilate(_halved(chroma, _mean), np.ones((3, 1), np.uint8))
    near = cv2.dilate((likely > SEEN).astype(np.float32), np.ones((5, 1), np.uint8))
    middle = cv2.dilate(likely, np.ones((3, 1), np.uint8))
    channels = (
        middle,
        near,
        (middle > SURE).astype(np.float32),
        dip,
        (dip > DARK).astype(np.float32),
        np.maximum(text, 0),
        colour,
        straight,
        (straight > DARK / 2).astype(np.float32),
        _fill_step(ink),
    )
    return tuple(np.asarray(channel, np.float32) for channel in channels)


def _fill_step(ink: Map) -> Map:
    """The lightest of what lies a little above against that of what lies a little below."""
    paper = cv2.erode(ink, np.ones((7, 9), np.uint8))
    return np.asarray(np.abs(np.roll(paper, 6, axis=0) - np.roll(paper, -6, axis=0)), np.float32)


def _halved(picture: Map, pool: Callable[[Map, Map], Map]) -> Map:
    """Each 2 × 2 block as one pixel, ``pool`` taken over its four."""
    upper = pool(picture[::2, ::2], picture[::2, 1::2])
    lower = pool(picture[1::2, ::2], picture[1::2, 1::2])
    return np.asarray(pool(upper, lower), np.float32)


def _mean(one: Map, other: Map) -> Map:
    return np.asarray((one + other) * np.float32(0.5), np.float32)
