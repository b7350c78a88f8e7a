"""Lines and points of the promise's pictures, in the units of their SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from annotation.promise import CurvePoint
from annotation.standing import CAUTION, PromiseStanding
from models.reliability import Reliability

WIDTH: Final = 640.0
HEIGHT: Final = 300.0
SIDE: Final = 300.0
"""Of the reliability diagram, which is a square."""
MOST_ERROR: Final = 0.02
"""The highest error that is drawn, unless the target is above half of it."""
_TICKS: Final = 4
_LEAST_RADIUS, _MOST_RADIUS = 3.0, 9.0


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float = 4.0


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    share: float


@dataclass(frozen=True, slots=True)
class PromiseChart:
    """Automation runs to the right, error upwards. ``error`` and ``bound`` are the points of
    lines; ``point`` is the one in use, None while nothing is accepted. ``choices`` are what a
    script needs to move the target: what must be at most the target (of each threshold, strict
    to loose), and its automation."""

    error: str
    bound: str
    target_y: float
    point: Dot | None
    across: tuple[Tick, ...]
    upwards: tuple[Tick, ...]
    choices: tuple[tuple[float, float], ...]
    most: float


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """What was said to the right, what was so upwards, on scales of log odds."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]


def standing_to_chart(standing: PromiseStanding) -> PromiseChart:
    most = max(MOST_ERROR, 2 * standing.goal.target)
    points = standing.curve
    in_use = points[standing.level] if 0 <= standing.level < len(points) else None
    return PromiseChart(
        error=_line([(p.automation, p.error) for p in points if p.error is not None], most),
        bound=_line([(p.automation, p.bound) for p in points], most),
        target_y=_up(standing.goal.target, most),
        point=None if in_use is None else Dot(*_place(in_use.automation, in_use.error or 0, most)),
        across=tuple(Tick(WIDTH * n / _TICKS, n / _TICKS) for n in range(_TICKS + 1)),
        upwards=tuple(
            Tick(_up(most * n / _TICKS, most), most * n / _TICKS) for n in range(_TICKS + 1)
        ),
        choices=tuple((asked_of(point, standing), point.automation) for point in points),
        most=most,
    )


def asked_of(point: CurvePoint, standing: PromiseStanding) -> float:
    """The lowest target that this point would be used for."""
    if not standing.is_simulated:
        return point.bound
    return 1.0 if point.error is None else point.error / CAUTION


def reliability_to_chart(measured: Reliability) -> ReliabilityChart:
    most = max(one.fields for one in measured.bins)
    dots = tuple(
        Dot(
            _odds_place(one.confidence),
            SIDE - _odds_place(one.right),
            max(_LEAST_RADIUS, _MOST_RADIUS * math.sqrt(one.fields / most)),
        )
        for one in measured.bins
    )
    return ReliabilityChart(
        dots, tuple(Tick(_odds_place(share), share) for share in (0.1, 0.5, 0.9, 0.99, 0.999))
    )


def _odds_place(share: float) -> float:
    """From 0.01 to 0.9999, where the difference between almost sure and sure can be seen."""
    low, high = math.log(0.01 / 0.99), math.log(0.9999 / 0.0001)
    inside = min(max(share, 0.01), 0.9999)
    return round(SIDE * (math.log(inside / (1 - inside)) - low) / (high - low), 1)


def _line(pairs: Sequence[tuple[float, float]], most: float) -> str:
    shown = [_place(across, up, most) for across, up in pairs if up <= most]
    return " ".join(f"{x},{y}" for x, y in shown)


def _place(automation: float, error: float, most: float) -> tuple[float, float]:
    return round(WIDTH * automation, 1), _up(error, most)


def _up(error: float, most: float) -> float:
    return round(HEIGHT * (1 - min(error, most) / most), 1)
