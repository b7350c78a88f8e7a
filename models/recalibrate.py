"""Confidences set right by what people found: the same order of fields, other numbers.

Corrections hold a field's confidence and whether its text was right, but not the evidence, so
the log odds of the base are stretched and moved. Little data changes little: the base is what
is believed beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from extraction.confidence import Calibrator

LEAST_FIELDS = 200
"""With fewer fields than this the base stays as it is."""
_PRIOR = 20.0
"""How much data the base outweighs: so many fields that speak clearly."""
_STEPS = 50
_NARROW = 1e-6


@dataclass(frozen=True, slots=True)
class AuditedField:
    """``weight`` is how many fields it stands for: one over the chance that it was drawn."""

    confidence: float
    right: bool
    weight: float = 1.0


def refit(base: Calibrator, audited: Sequence[AuditedField]) -> Calibrator:
    """A calibrator whose confidences fit what was audited and corrected.

    ``origin`` tells from how many fields; too few change nothing.
    """
    if len(audited) < LEAST_FIELDS:
        return base
    slope, offset = fit_stretch(audited)
    told = f"log odds × {slope:.4f} {offset:+.4f} by {len(audited)} audited and corrected fields"
    return replace(base, field=base.field.adjusted(slope, offset), origin=f"{base.origin}; {told}")


def fit_stretch(audited: Sequence[AuditedField]) -> tuple[float, float]:
    """Slope (above 0) and offset of the log odds that make what was found most likely.

    Weights are scaled to a mean of 1, so that a rare draw does not count as many findings.
    """
    said = np.clip([field.confidence for field in audited], _NARROW, 1.0 - _NARROW)
    odds = np.log(said / (1.0 - said))
    right = np.array([field.right for field in audited], dtype=np.float64)
    weight = np.array([field.weight for field in audited])
    weight = weight / weight.mean()
    # The slope as a power keeps it above 0; both are pulled to the base, (0, 0).
    power, offset = 0.0, 0.0
    for _ in range(_STEPS):
        step = _newton_step(odds, right, weight, (power, offset))
        power, offset = power + step[0], offset + step[1]
        if np.abs(step).max() < 1e-9:
            break
    return float(np.exp(power)), float(offset)


def _newton_step(
    odds: NDArray[np.float64],
    right: NDArray[np.float64],
    weight: NDArray[np.float64],
    at: tuple[float, float],
) -> NDArray[np.float64]:
    power, offset = at
    stretched = np.exp(power) * odds
    chance = expit(stretched + offset)
    surprise = weight * (right - chance)
    gradient = np.array([surprise @ stretched, surprise.sum()]) - _PRIOR * np.array(at)
    design = np.column_stack([stretched, np.ones(len(odds))])
    spread = weight * np.maximum(chance * (1.0 - chance), 1e-9)
    curvature = (design.T * spread) @ design + _PRIOR * np.eye(2)
    step: NDArray[np.float64] = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
    return step
