"""Indicators with weights and scores, and funds whose sums agree, except for planted slips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.synthesis.content import Achievement, Author
from models.synthesis.wordings import level_classes, level_name

SLIP_SHARE = 0.07
Level = tuple[str, str, str, int]
_LONE_SIGNS = ("-", "-", "—", "/", "无")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row of the indicators; ``span1``, ``span2``, ``span3`` are rows that a level covers
    from here on, 0 where it is covered from above."""

    first: str
    second: str
    achievement: Achievement
    points: str
    earned: str
    span1: int
    span2: int
    span3: int


@dataclass(frozen=True, slots=True)
class Funds:
    """Values by row role and column role, as printed."""

    cells: Mapping[str, Mapping[str, str]]
    earned: float


def number_text(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def draw_levels(author: Author, rows: int) -> list[Level]:
    """First level, second level, its kind and its number of indicators, ``rows`` in sum."""
    chosen: list[tuple[str, str, str]] = []
    for first, seconds in level_classes():
        kept = [second for second in seconds if author.chance(0.75)] or [seconds[0]]
        chosen += [(first, *second) for second in kept]
    while len(chosen) > rows:
        chosen.pop(author.number(0, len(chosen) - 1))
    shares = author.rng.dirichlet(np.full(len(chosen), 1.5))
    counts = author.rng.multinomial(rows - len(chosen), shares) + 1
    return [(*level, int(count)) for level, count in zip(chosen, counts, strict=True)]


def draw_indicators(
    author: Author, levels: list[Level], points_total: int
) -> tuple[Indicator, ...]:
    """Indicators of the levels, whose weights sum to ``points_total``."""
    rows = sum(level[3] for level in levels)
    weights = iter(_split_points(author, points_total, rows))
    signs, merged = author.chance(0.12), author.chance(0.93)
    printed = {name: level_name(name, author) for level in levels for name in level[:2]}
    done: list[Indicator] = []
    for first, second, kind, count in levels:
        names = _name_spans(author, count)
        started = any(indicator.first == printed[first] for indicator in done)
        under_first = sum(level[3] for level in levels if level[0] == first)
        for number, span in enumerate(names):
            achievement = author.achievement(kind)
            if not span:
                achievement = replace(achievement, name=done[-1].achievement.name)
            points, earned = _points_and_earned(author, next(weights), signs)
            spans = (0 if started or number else under_first, 0 if number else count, span)
            done.append(
                Indicator(
                    printed[first],
                    printed[second],
                    achievement,
                    points,
                    earned,
                    *(spans if merged else (1, 1, span)),
                )
            )
    return tuple(done)


def _name_spans(author: Author, count: int) -> list[int]:
    """How many rows each name covers; 0 where a name above covers the row."""
    spans: list[int] = []
    while len(spans) < count:
        left = count - len(spans)
        span = author.number(2, min(3, left)) if left > 1 and author.chance(0.04) else 1
        spans += [span] + [0] * (span - 1)
    return spans


def _split_points(author: Author, total: int, count: int) -> list[float]:
    """Weights of whole or half points that sum to ``total``."""
    unit = 1.0 if total >= count else 0.5
    extra = author.rng.multinomial(
        int(total / unit) - count, author.rng.dirichlet(np.full(count, 2.0))
    )
    return [float(unit * (1 + n)) for n in extra]


def _points_and_earned(author: Author, weight: float, signs: bool) -> tuple[str, str]:
    if signs and author.chance(0.3):
        sign = author.pick(_LONE_SIGNS)
        return sign, sign
    earned = weight
    if author.chance(0.15):
        earned = round(weight * float(author.rng.uniform(0, 1)), author.number(0, 2))
    if author.chance(SLIP_SHARE / 10):
        earned = weight + 0.7
    return number_text(weight), number_text(earned)


def total_of(texts: list[str]) -> float:
    """The sum of the printed numbers; signs count nothing."""
    return sum(float(text) for text in texts if text.replace(".", "", 1).isdigit())


def draw_funds(author: Author, weight: int) -> Funds:
    """A matrix of funds whose parts sum to its first row and whose rate and score agree."""
    places = author.pick(("6", "6", "2", "2", "4", "1", "0"))
    comma = "," if author.chance(0.6) else ""

    def shown(value: float) -> str:
        return f"{value:{comma}.{places}f}"

    initial = round(float(10 ** author.rng.uniform(0.7, 4.3)), min(int(places), 2))
    annual = (
        initial if author.chance(0.6) else round(initial * float(author.rng.uniform(0.4, 1.3)), 2)
    )
    rate = 1.0 if author.chance(0.35) else float(author.rng.uniform(0.3, 1.0))
    spent = round(annual * rate, min(int(places), 2))
    if author.chance(SLIP_SHARE):
        rate = max(0.0, rate - 0.1)
    elif annual:
        rate = spent / annual
    share = 1.0 if author.chance(0.6) else float(author.rng.uniform(0.3, 0.95))
    rate_text = f"{rate * 100:.{author.pick('221')}f}%"
    earned = round(min(1.0, rate) * weight, 2)
    sign = author.pick(("-", "-", "—", "", "/"))
    empty = author.pick(("", "", "0", "-", shown(0.0), "—"))
    parts = {"current": share, "carried": 0.0, "other": 1.0 - share}
    if author.chance(0.3):
        parts = {"current": share, "carried": 1.0 - share, "other": 0.0}
    cells = {
        "total": {
            "initial": shown(initial),
            "annual": shown(annual),
            "spent": shown(spent),
            "points": str(weight),
            "rate": rate_text,
            "earned": f"{earned:.2f}",
        }
    }
    for role, part in parts.items():
        money = {
            name: shown(value * part) if part else empty
            for name, value in (("initial", initial), ("annual", annual), ("spent", spent))
        }
        part_sign = sign if part or empty else ""
        cells[role] = money | {
            "points": part_sign,
            "rate": rate_text if part else empty,
            "earned": part_sign,
        }
    return Funds(cells, earned)
