"""Probabilities as log odds."""

from __future__ import annotations

import math

_CAP = 6.0


def logit(probability: float) -> float:
    """Log odds, capped at ±6 (0.0025 to 0.9975)."""
    inside = min(max(probability, 1e-6), 1.0 - 1e-6)
    return max(-_CAP, min(_CAP, math.log(inside / (1.0 - inside))))
