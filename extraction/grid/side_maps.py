"""What is measured along the lines of a lattice: maps of a page, at the ruling maps' resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.grid.lines import RULING_DPI, Evidence, Map, is_without_noise, plain_rulings
from extraction.pages.grey import one_channel
from extraction.values import Axis, Image

Bytes = NDArray[np.uint8]

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
_ALONG_PX, _BESIDE_PX = 9, 4
"""Over how much of a line its darkness is averaged, and how far off the paper beside it is, at
twice the resolution of the maps."""
_TEXT_PX, _PAPER_PX = 3, 6
"""How far off a line text and the paper of a filled cell are looked for, in the maps."""
DARK = 0.06
"""A step in brightness, of 1, that counts as a printed line."""


@dataclass(frozen=True, eq=False, slots=True)
class SideMaps:
    """For each axis the maps ``CHANNELS``, ``STRAIGHT`` and ``FILL_STEP``, its lines along their
    rows; ``pictures`` of the page as it is, ``PATCH_CHANNELS`` for the lines across; ``plain``
    where rulings are plain to see, across and down, on a page without noise. ``scale`` is map
    pixels per page pixel."""

    across: tuple[Map, ...]
    down: tuple[Map, ...]
    pictures: tuple[Map, ...]
    scale: float
    shades: tuple[float, float]
    plain: NDArray[np.bool_] | None = None

    def of(self, axis: Axis) -> tuple[Map, ...]:
        return self.across if axis == "horizontal" else self.down

    def pictures_of(self, axis: Axis) -> tuple[Map, ...]:
        """``PATCH_CHANNELS``, turned as the maps of the axis are (which moves no pixel)."""
        if axis == "horizontal":
            return self.pictures
        ink, chroma, across, down = (picture.T for picture in self.pictures)
        return ink, chroma, down, across


def page_to_side_maps(image: Image, dpi: float, evidence: Evidence, grey: bool = False) -> SideMaps:
    """What is measured along lines, at the resolution of ``evidence``; faster for a picture that
    is known to be ``grey``."""
    height, width = evidence.across.shape
    size = (2 * width, 2 * height)
    smooth = cv2.INTER_AREA if dpi > RULING_DPI else cv2.INTER_LINEAR
    picture = cv2.resize(one_channel(image) if grey else image, size, interpolation=smooth)
    dark, spread = _darkness_and_spread(np.asarray(picture, np.uint8))
    ink, colour = _mean_halved(dark), _mean_halved(spread)
    paper = cv2.blur(cv2.erode(ink, np.ones((9, 9), np.uint8)), (9, 9))
    base = ink, np.asarray(ink - paper, np.float32), colour
    shown = np.asarray(cv2.bitwise_not(dark), np.uint8)
    turned = (np.ascontiguousarray(map_.T) for map_ in (*base, evidence.down))
    return SideMaps(
        across=_channels(_straight(dark, "horizontal"), *base, evidence.across),
        down=_channels(_straight(dark, "vertical"), *turned),
        pictures=(_share(dark, 255), _share(spread, 255), evidence.across, evidence.down),
        scale=evidence.scale,
        shades=_shades(dark),
        plain=plain_rulings(shown) if is_without_noise(shown) else None,
    )


def _darkness_and_spread(picture: Bytes) -> tuple[Bytes, Bytes]:
    """Of each pixel how dark it is, and how far its colours lie apart."""
    if picture.ndim == 2:
        return np.asarray(cv2.bitwise_not(picture), np.uint8), np.zeros_like(picture)
    red, green, blue = cv2.split(picture)
    lightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    dark = cv2.bitwise_not(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    return np.asarray(dark, np.uint8), np.asarray(cv2.subtract(lightest, darkest), np.uint8)


def _shades(dark: Bytes) -> tuple[float, float]:
    """Of the paper and of the darkest print, as darkness."""
    counts = cv2.calcHist([dark], [0], None, [256], [0, 256])[::-1, 0].cumsum()
    paper, darkest = (int(np.searchsorted(counts, share * counts[-1])) for share in (0.5, 0.005))
    return 1.0 - paper / 255, 1.0 - darkest / 255


def _straight(dark: Bytes, axis: Axis) -> Map:
    """How much darker a line is than what lies 2 mm hundredths on *both* sides of it, along the
    rows and at half the resolution. Whole numbers: many times as fast on so large a picture."""
    size = (_ALONG_PX, 1) if axis == "horizontal" else (1, _ALONG_PX)
    along = np.asarray(cv2.boxFilter(dark, cv2.CV_16U, size, normalize=False), np.uint16)
    # Off the edge of the page there is nothing that a line could be darker than.
    beside = along.copy()
    rows, out = (along, beside) if axis == "horizontal" else (along.T, beside.T)
    np.maximum(*_above_and_below(rows, _BESIDE_PX), out=out[_BESIDE_PX:-_BESIDE_PX])
    most = _most_halved(np.asarray(cv2.subtract(along, beside), np.uint16))
    return _share(most if axis == "horizontal" else np.ascontiguousarray(most.T), 255 * _ALONG_PX)


def _channels(straight: Map, ink: Map, printed: Map, colour: Map, likely: Map) -> tuple[Map, ...]:
    """Lines run along x. ``printed`` is the ink without the shade of its paper."""
    column = np.ones((3, 1), np.uint8)
    dip = np.asarray(cv2.dilate(straight, column), np.float32)
    text = np.zeros_like(printed)
    np.minimum(*_above_and_below(printed, _TEXT_PX), out=text[_TEXT_PX:-_TEXT_PX])
    near = cv2.dilate((likely > SEEN).astype(np.float32), np.ones((5, 1), np.uint8))
    middle = cv2.dilate(likely, column)
    channels = (
        middle,
        near,
        (middle > SURE).astype(np.float32),
        dip,
        (dip > DARK).astype(np.float32),
        np.maximum(text, 0),
        cv2.dilate(colour, column),
        straight,
        (straight > DARK / 2).astype(np.float32),
        _fill_step(ink),
    )
    return tuple(np.asarray(channel, np.float32) for channel in channels)


def _fill_step(ink: Map) -> Map:
    """The lightest of what lies a little above against that of what lies a little below."""
    paper = np.asarray(cv2.erode(ink, np.ones((7, 9), np.uint8)), np.float32)
    step = np.zeros_like(paper)
    cv2.absdiff(*_above_and_below(paper, _PAPER_PX), dst=step[_PAPER_PX:-_PAPER_PX])
    return step


def _above_and_below(rows: NDArray[Any], far_px: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What lies so far above and below each row, but for the first and the last ``far_px``."""
    return rows[: -2 * far_px], rows[2 * far_px :]


def _most_halved(picture: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The most of each 2 × 2 block."""
    rows = np.maximum(picture[::2], picture[1::2])
    return np.asarray(np.maximum(rows[:, ::2], rows[:, 1::2]), np.uint16)


def _mean_halved(picture: Bytes) -> Map:
    """The mean of each 2 × 2 block, as a share of 255."""
    rows = np.add(picture[::2], picture[1::2], dtype=np.uint16)
    return _share(rows[:, ::2] + rows[:, 1::2], 4 * 255)


def _share(numbers: NDArray[np.unsignedinteger[Any]], whole: int) -> Map:
    return np.asarray(np.multiply(numbers, np.float32(1 / whole), dtype=np.float32), np.float32)
