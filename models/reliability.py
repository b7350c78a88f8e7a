"""Do the confidences mean what they say? Bins of a reliability diagram, and two scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

BINS: Final = 10
LEAST_PER_BIN: Final = 20


@dataclass(frozen=True, slots=True)
class JudgedField:
    """A field that somebody looked at. ``kind`` is its declared value kind; ``weight`` one
    over the chance with which it was drawn to be looked at."""

    kind: str
    confidence: float
    right: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Fields of like confidence: what was said of them, and what share was right."""

    confidence: float
    right: float
    fields: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """``brier`` is the mean squared error of the confidences, ``calibration_error`` the mean
    distance between what is said and what is so, over bins of as many fields each."""

    fields: int
    right: float
    brier: float
    calibration_error: float
    bins: tuple[ReliabilityBin, ...]


def measure_reliability(judged: Sequence[JudgedField], bins: int = BINS) -> Reliability:
    """ValueError where nothing was judged. Few fields make fewer bins, never empty ones."""
    if not judged:
        raise ValueError("no field was judged, so there is nothing to measure")
    said = np.array([field.confidence for field in judged])
    right = np.array([field.right for field in judged], dtype=np.float64)
    weight = np.array([field.weight for field in judged])
    # Fields of the same confidence fall into bins by chance, not by who was looked at first.
    shuffled = np.random.default_rng(0).permutation(len(said))
    order = shuffled[np.argsort(said[shuffled], kind="stable")]
    parts = np.array_split(order, min(bins, max(1, len(order) // LEAST_PER_BIN)))
    drawn = tuple(
        ReliabilityBin(
            float(np.average(said[part], weights=weight[part])),
            float(np.average(right[part], weights=weight[part])),
            len(part),
        )
        for part in parts
    )
    shares = [weight[part].sum() / weight.sum() for part in parts]
    gaps = [abs(one.confidence - one.right) for one in drawn]
    return Reliability(
        fields=len(judged),
        right=float(np.average(right, weights=weight)),
        brier=float(np.average((said - right) ** 2, weights=weight)),
        calibration_error=float(np.dot(shares, gaps)),
        bins=drawn,
    )
