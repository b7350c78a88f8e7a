"""Skew of a page from the sharpness of its projection profiles.

Text lines and rulings pile up in few rows of the profile along their own direction. The
profile along x and the one along y are weighed together, so that a table speaks with both
directions of its rulings, and a page lying on its side needs no turning first.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

LARGEST_DEG = 10.5
COARSE_STEP_DEG = 0.25
FINE_REACH_DEG = 0.5
FINE_STEP_DEG = 0.05
STRIP_PX = 12
HIGHEST_FREQUENCY = 0.35
"""Of the profiles, in cycles per pixel; above it there is only noise."""
FRAME_SHARE = 0.015
"""Part of each side that is not looked at: shadows of the scanner's frame are straight."""


def ink_mask(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where a pixel is darker than its surroundings, whatever the light; 0 elsewhere."""
    if min(gray.shape) < 3:
        return np.zeros_like(gray)
    ink = cv2.adaptiveThreshold(gray, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 12)
    frame_y, frame_x = (1 + int(FRAME_SHARE * size) for size in gray.shape)
    ink[:frame_y] = ink[-frame_y:] = 0
    ink[:, :frame_x] = ink[:, -frame_x:] = 0
    return np.asarray(ink, np.uint8)


def find_skew(ink: NDArray[np.uint8]) -> float:
    """Degrees, clockwise, by which the lines of a page are turned; 0 for a page without any."""
    if int(ink.sum()) < 100:
        return 0.0
    half = cv2.resize(ink * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    coarse = _best_angle(half.astype(np.float32), LARGEST_DEG, COARSE_STEP_DEG)
    straightened = rotated_about_center(ink, coarse)
    fine = _best_angle(straightened.astype(np.float32), FINE_REACH_DEG, FINE_STEP_DEG)
    return coarse + fine


def rotated_about_center(mask: NDArray[np.uint8], clockwise_deg: float) -> NDArray[np.uint8]:
    """The picture with a skew of ``clockwise_deg`` taken out, its size kept."""
    height, width = mask.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), clockwise_deg, 1.0)
    return np.asarray(cv2.warpAffine(mask, matrix, (width, height)), np.uint8)


def _best_angle(ink: NDArray[np.floating], reach: float, step: float) -> float:
    """The angle of the sharpest profiles, refined by a parabola through its neighbours."""
    angles = np.asarray(np.arange(-reach, reach + step / 2, step), np.float64)
    across = _sharpness(_strip_profiles(ink), angles)
    down = _sharpness(_strip_profiles(ink.T), -angles)
    scores = across + down
    best = int(scores.argmax())
    if not 0 < best < len(angles) - 1:
        return float(angles[best])
    before, at, after = scores[best - 1 : best + 2]
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(angles[best] + shift * step)


def _strip_profiles(ink: NDArray[np.floating]) -> NDArray[np.float32]:
    """(strips, rows): ink of each row within vertical strips of ``STRIP_PX``."""
    height, width = ink.shape
    count = max(1, width // STRIP_PX)
    cut = ink[:, : count * STRIP_PX].reshape(height, count, -1)
    return np.ascontiguousarray(cut.sum(axis=2).T)


def _sharpness(profiles: NDArray[np.float32], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each angle the energy of the steps in the sum of the strips, shifted to fit it.

    Shifts by parts of a pixel would blur the sum in the space of pixels and prefer whole
    ones; as phases of its spectrum they cost nothing. Strips stand evenly, so that each
    needs the same phase once more than the one before: Horner's rule.
    """
    strips, rows = profiles.shape
    slopes = np.tan(np.radians(angles))
    room = math.ceil(strips * STRIP_PX * float(np.abs(slopes).max()))
    spectrum = np.fft.rfft(profiles, n=cv2.getOptimalDFTSize(rows + room), axis=1)
    frequencies = np.fft.rfftfreq(cv2.getOptimalDFTSize(rows + room))
    used = (frequencies > 0) & (frequencies <= HIGHEST_FREQUENCY)
    spectrum = spectrum[:, used].astype(np.complex64)
    phases = np.exp(2j * np.pi * STRIP_PX * np.outer(slopes, frequencies[used]))
    phases = phases.astype(np.complex64)
    total = np.zeros_like(phases)
    for strip in spectrum[::-1]:
        total *= phases
        total += strip
    power = (total.real**2 + total.imag**2) @ frequencies[used].astype(np.float32) ** 2
    return np.asarray(power, np.float64)
