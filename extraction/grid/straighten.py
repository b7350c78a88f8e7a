"""Make a page's rulings straight: what is left of skew, perspective and curl.

Every traced ruling ought to have one height (or one x). The smooth displacement that
comes nearest to that, a polynomial in the page's coordinates, is found by robust least
squares over all lines at once, so that a few wrong traces do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.grid.lines import (
    Evidence,
    LineSettings,
    RulingNetwork,
    see_rulings,
    trace_lines,
)
from extraction.pages.grey import resample
from extraction.values import Box, Image, Page

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StraightenSettings:
    """Lengths in pixels of the evidence maps (half of the ruling resolution)."""

    degree: int = 4
    shortest_px: int = 36
    step_px: int = 4
    ridge: float = 1e-3
    worth_px: float = 0.35
    largest_share: float = 0.06
    node_px: int = 24


@dataclass(frozen=True, eq=False, slots=True)
class Displacement:
    """Where pixels of the straight page lie on the page as it was.

    ``across`` and ``down`` are coefficients of the shifts in y and in x over the basis of
    ``degree``; coordinates are scaled to −1..1 over ``width`` × ``height``. Outside of ``seen``,
    the box of the rulings, nothing tells the bend: a point there is shifted as the nearest of it.
    """

    across: NDArray[np.float64]
    down: NDArray[np.float64]
    width: float
    height: float
    degree: int
    seen: Box

    def shifts(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Points, Points]:
        """dx and dy, in units of the page's own pixels, that straighten the point (x, y)."""
        u = 2 * np.clip(x, self.seen.x0, self.seen.x1) / self.width - 1
        v = 2 * np.clip(y, self.seen.top, self.seen.bottom) / self.height - 1
        dx = basis(v, u, self.degree) @ self.down
        dy = basis(u, v, self.degree) @ self.across
        return dx, dy

    def zoomed(self, by: float) -> Displacement:
        """The same of a picture ``by`` times as large."""
        return Displacement(
            *(by * self.across, by * self.down, by * self.width, by * self.height),
            self.degree,
            Box(*(by * side for side in self.seen)),
        )


def basis(along: Points, other: Points, degree: int) -> NDArray[np.float64]:
    """Monomials that bend a line: every one holds ``along`` at least once. n × terms."""
    terms = [along**i * other**j for i in range(1, degree + 1) for j in range(degree + 1 - i)]
    return np.stack(terms, axis=-1)


def see_straight(
    page: Page, raw: Image, network: RulingNetwork
) -> tuple[Page, Evidence, Displacement | None]:
    """The rulings of a page, and the page made straight by them; the displacement that did it."""
    evidence = see_rulings(page.image, page.dpi, network)
    displacement = find_displacement(evidence)
    if displacement is None:
        return page, evidence, None
    straight = straighten_page(page, raw, displacement)
    return straight, straighten_evidence(evidence, displacement), displacement


def find_displacement(
    evidence: Evidence, settings: StraightenSettings | None = None
) -> Displacement | None:
    """None where the rulings are straight already, or too few to tell."""
    settings = settings or StraightenSettings()
    height, width = evidence.across.shape
    lines = _long_traces(evidence.across, settings)
    columns = _long_traces(np.ascontiguousarray(evidence.down.T), settings)
    if not lines and not columns:
        return None
    across, down = _bend(lines, width, height, settings), _bend(columns, height, width, settings)
    # A column is traced on the map on its side: along it first.
    x = np.concatenate([*(along for along, _ in lines), *(off for _, off in columns)])
    y = np.concatenate([*(off for _, off in lines), *(along for along, _ in columns)])
    seen = Box(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    found = Displacement(across, down, width, height, settings.degree, seen).zoomed(
        1 / evidence.scale
    )
    xs, ys = np.meshgrid(np.linspace(0, found.width, 9), np.linspace(0, found.height, 9))
    dx, dy = found.shifts(xs, ys)
    largest = max(float(np.abs(dx).max()), float(np.abs(dy).max()))
    if not settings.worth_px / evidence.scale < largest:
        return None
    if largest > settings.largest_share * max(found.width, found.height):
        return None
    return found


def straighten_page(
    page: Page, raw: Image, displacement: Displacement, settings: StraightenSettings | None = None
) -> Page:
    """The page taken from its source picture once more, through both maps at once."""
    settings = settings or StraightenSettings()
    nodes = _sources(displacement, page.width, page.height, settings.node_px * 2)
    homogeneous = np.concatenate([nodes, np.ones((*nodes.shape[:2], 1))], axis=2)
    projected = homogeneous @ page.to_source.T
    lattice = projected[:, :, :2] / projected[:, :, 2:]
    points = _between(lattice, page.width, page.height, settings.node_px * 2)
    return replace(page, image=resample(raw, page.grey, partial(_sample, points=points)))


def straighten_evidence(
    evidence: Evidence, displacement: Displacement, settings: StraightenSettings | None = None
) -> Evidence:
    settings = settings or StraightenSettings()
    height, width = evidence.across.shape
    node = settings.node_px
    sources = _sources(displacement.zoomed(evidence.scale), width, height, node)
    points = _between(sources, width, height, node)
    across, down = _sample(evidence.across, points), _sample(evidence.down, points)
    return replace(evidence, across=across, down=down)


Trace = tuple[Points, Points]


def _long_traces(map_: NDArray[np.float32], settings: StraightenSettings) -> list[Trace]:
    traces = trace_lines(map_, LineSettings(shortest_px=settings.shortest_px))
    return [(xs[:: settings.step_px], ys[:: settings.step_px]) for xs, ys, _ in traces]


def _bend(
    traces: Sequence[Trace], width: float, height: float, settings: StraightenSettings
) -> NDArray[np.float64]:
    """Coefficients of the shift in y that makes every trace level; zeros with few traces."""
    terms = settings.degree * (settings.degree + 1) // 2
    if sum(len(xs) for xs, _ in traces) * settings.step_px < 0.7 * width:
        return np.zeros(terms)
    design, wanted = [], []
    for xs, ys in traces:
        rows = basis(2 * xs / width - 1, 2 * ys / height - 1, settings.degree)
        design.append(rows - rows.mean(0))
        wanted.append(ys.mean() - ys)
    matrix, target = np.concatenate(design), np.concatenate(wanted)
    weights = np.ones(len(target))
    coefficients = np.zeros(terms)
    for _ in range(4):
        weighted = matrix * weights[:, None]
        # High powers are held near zero where few lines speak for them.
        penalty = settings.ridge * len(target) * np.eye(terms)
        coefficients = np.linalg.solve(weighted.T @ matrix + penalty, weighted.T @ target)
        residual = np.abs(matrix @ coefficients - target)
        weights = 1 / np.maximum(1.0, residual / 0.7)
    return coefficients


def _sources(displacement: Displacement, width: int, height: int, node: int) -> NDArray[np.float64]:
    """Nodes every ``node`` pixels: the point of the bent page for each of the straight one."""
    columns, rows = -(-width // node) + 1, -(-height // node) + 1
    x, y = np.meshgrid(np.arange(columns) * float(node), np.arange(rows) * float(node))
    source_x, source_y = x, y
    for _ in range(4):
        dx, dy = displacement.shifts(source_x, source_y)
        source_x, source_y = x - dx, y - dy
    return np.stack([source_x, source_y], axis=2)


Maps = tuple[NDArray[np.float32], NDArray[np.float32]]


def _between(lattice: NDArray[np.float64], width: int, height: int, node: int) -> Maps:
    """x and y of every pixel, bilinear between the nodes of ``lattice``."""
    rows, columns = _between_nodes(height, node), _between_nodes(width, node)
    # Single precision is a thousandth of a pixel, and twice as fast over a whole page.
    x, y = (np.asarray(rows @ lattice[:, :, k], np.float32) @ columns.T for k in (0, 1))
    return x, y


def _sample(picture: NDArray[Any], points: Maps) -> NDArray[Any]:
    """Take ``picture`` at ``points``."""
    beyond = (255, 255, 255) if picture.dtype == np.uint8 else (0,)
    return cv2.remap(
        picture, *points, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond
    )


def _between_nodes(length: int, node: int) -> NDArray[np.float32]:
    """length × nodes: the weights by which each pixel lies between its two nodes."""
    at = np.arange(length) / node
    nodes = np.arange(-(-length // node) + 1)
    return np.maximum(0.0, 1.0 - np.abs(at[:, None] - nodes[None])).astype(np.float32)
