"""Ruling lines by classical image processing, in the form of the ruling network.

Thin dark ridges, opened by a strip that is longer than any stroke of a character and then
closed over small gaps: what textbooks and table tools do. It stands beside the network in the
ablation, and takes the network's place anywhere: ``extraction.grid.lines.RulingNetwork``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClassicalSettings:
    """Lengths in pixels at the ruling resolution of 150 dpi; contrasts as shares of white.

    ``slopes`` are how far, at either end, a strip may lean: what is left of skew.
    """

    thickest_px: int = 9
    gap_px: int = 25
    strip_px: int = 27
    slopes_px: tuple[int, ...] = (-1, 0, 1)
    paper_px: int = 31
    contrast: float = 0.11
    softness: float = 0.03


def see_classical_rulings(
    grey: NDArray[np.float32], settings: ClassicalSettings | None = None
) -> NDArray[np.float32]:
    """1 × 1 × H × W grey in 0..1 → 1 × 2 × H/2 × W/2 logits: horizontal, vertical."""
    settings = settings or ClassicalSettings()
    darkness = page_darkness(grey[0, 0], settings)
    across = strip_strength(darkness, settings)
    down = strip_strength(np.ascontiguousarray(darkness.T), settings).T
    logits = [(_halved(map_) - settings.contrast) / settings.softness for map_ in (across, down)]
    return np.stack(logits)[None].astype(np.float32)


def page_darkness(grey: Map, settings: ClassicalSettings) -> Map:
    """0..1: how much darker each pixel is than the paper around it."""
    kernel = np.ones((settings.paper_px, settings.paper_px), np.uint8)
    paper = cv2.blur(cv2.dilate(grey, kernel), kernel.shape)
    return np.asarray(np.clip(1.0 - grey / np.maximum(paper, 0.1), 0.0, 1.0), np.float32)


def strip_strength(darkness: Map, settings: ClassicalSettings) -> Map:
    """Contrast of the thin line along x through each pixel; 0 where there is none."""
    thin = cv2.morphologyEx(
        darkness, cv2.MORPH_TOPHAT, np.ones((settings.thickest_px, 1), np.uint8)
    )
    strips = [leaning_strip(settings.strip_px, slope) for slope in settings.slopes_px]
    opened = np.max([cv2.morphologyEx(thin, cv2.MORPH_OPEN, strip) for strip in strips], axis=0)
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, leaning_strip(settings.gap_px, 0))
    return np.asarray(closed, np.float32)


def leaning_strip(length_px: int, slope_px: int) -> NDArray[np.uint8]:
    """A line one pixel thick that falls by ``2 × slope_px`` from left to right."""
    half = abs(slope_px)
    kernel = np.zeros((2 * half + 1, length_px), np.uint8)
    heights = np.round(np.linspace(half - slope_px, half + slope_px, length_px)).astype(int)
    kernel[heights, np.arange(length_px)] = 1
    return kernel


def _halved(map_: Map) -> Map:
    """Half the size; a thin line keeps its strength."""
    height, width = map_.shape
    return np.asarray(map_.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3)), np.float32)
