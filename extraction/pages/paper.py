"""The sheet of paper in a photo: its four corners, where they are beyond doubt."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ANALYSIS_PX = 400
LEAST_SHARE, MOST_SHARE = 0.3, 0.97
"""Area of the paper in the picture; a scan is paper from edge to edge."""
CORE_PX, RIM_PX = 15, 2
"""Of the small picture: how much of the bright region's rim, and of the picture's, is not
taken for paper or ground without a look at where the edge runs."""
_PAPER, _GROUND = 1, 2
LEAST_CONTRAST = 25.0
LEAST_OVERLAP = 0.95
SQUARENESS = 0.42
"""Largest cosine of a corner: 65° to 115°."""
LEAST_SIDES, INSIDE_SHARE = 3, 0.012
"""Of a sheet's sides so many show the ground beyond them; shares of the picture."""
A4_ASPECT = 2**0.5
ASPECT_SLACK = 0.1

Quad = NDArray[np.float64]
"""(4, 2): corners clockwise from the top left, in pixels."""


def find_paper(gray: NDArray[np.uint8]) -> Quad | None:
    """Corners of one bright sheet on a darker ground, None where it is not that clear."""
    scale = min(1.0, ANALYSIS_PX / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    smooth = np.asarray(cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 5), np.uint8)
    mask = _paper_mask(smooth)
    if mask is None:
        return None
    quad = _fitted_quad(mask)
    if quad is None or not _is_convincing(quad, mask, smooth):
        return None
    corners: Quad = (quad + 0.5) / scale - 0.5
    return corners


def paper_size(quad: Quad) -> tuple[float, float]:
    """Width and height in pixels of the sheet laid flat; near A4 it is taken as A4."""
    top, right, bottom, left = _sides(quad)
    width, height = max(top, bottom), max(left, right)
    aspect = max(width, height) / min(width, height)
    if abs(aspect / A4_ASPECT - 1) > ASPECT_SLACK:
        return width, height
    if height > width:
        return width, width * A4_ASPECT
    return height * A4_ASPECT, height


def is_a4(width: float, height: float) -> bool:
    return abs(max(width, height) / min(width, height) / A4_ASPECT - 1) < 1e-3


def _paper_mask(smooth: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The largest bright region with its holes filled, grown to where the paper ends."""
    _, bright = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    core = _largest_region(np.asarray(bright, np.uint8))
    if core is None or cv2.countNonZero(core) < LEAST_SHARE * smooth.size:
        return None
    mask = _largest_region(_grown(core, smooth))
    if mask is None or cv2.countNonZero(mask) > MOST_SHARE * smooth.size:
        return None
    return mask


def _largest_region(mask: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = np.asarray(max(contours, key=cv2.contourArea), np.int32)
    region = np.zeros_like(mask)
    cv2.drawContours(region, [largest], -1, (255,), cv2.FILLED)
    return region


def _grown(core: NDArray[np.uint8], smooth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``core`` with what no edge parts from it: where light falls off over a sheet, its far
    corner is darker than one threshold for all of it. The ground grows from the picture's rim."""
    markers = np.zeros(core.shape, np.int32)
    markers[cv2.erode(core, np.ones((CORE_PX, CORE_PX), np.uint8)) > 0] = _PAPER
    rim = np.ones(core.shape, np.bool_)
    rim[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = False
    markers[rim & (core == 0)] = _GROUND
    grown = cv2.watershed(cv2.cvtColor(smooth, cv2.COLOR_GRAY2BGR), markers)
    return np.asarray(np.where(grown == _PAPER, 255, 0), np.uint8)


def _fitted_quad(mask: NDArray[np.uint8]) -> Quad | None:
    """Four straight lines through the sides of a region, cut with each other."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.asarray(cv2.convexHull(contours[0]), np.int32)
    rough = _four_corners(hull)
    if rough is None:
        return None
    points = np.asarray(contours[0])[:, 0].astype(np.float64)
    lines = [_side_line(points, rough[i], rough[(i + 1) % 4]) for i in range(4)]
    corners = [_intersection(lines[i - 1], lines[i]) for i in range(4)]
    if any(corner is None for corner in corners):
        return None
    return np.array(corners, np.float64)


def _four_corners(hull: NDArray[np.int32]) -> Quad | None:
    length = cv2.arcLength(hull, True)
    for tolerance in (0.01, 0.02, 0.03, 0.04, 0.05, 0.06):
        corners = cv2.approxPolyDP(hull, tolerance * length, True)
        if len(corners) == 4:
            return _from_top_left(corners[:, 0].astype(np.float64))
        if len(corners) < 4:
            break
    return None


def _from_top_left(corners: Quad) -> Quad:
    """Clockwise as seen, beginning with the corner nearest to the top left."""
    angles = np.arctan2(*(corners - corners.mean(axis=0)).T[::-1])
    ordered = corners[np.argsort(angles)]
    return np.roll(ordered, -int(ordered.sum(axis=1).argmin()), axis=0)


def _side_line(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """A line fitted to the contour between two corners: direction and a point on it."""
    along = end - start
    length = float(np.hypot(*along)) or 1.0
    along = along / length
    t = (points - start) @ along
    off = np.abs((points - start) @ np.array([-along[1], along[0]]))
    near = points[(t > 0.08 * length) & (t < 0.92 * length) & (off < 0.03 * length)]
    if len(near) < 8:
        return float(along[0]), float(along[1]), float(start[0]), float(start[1])
    vx, vy, x, y = cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    return float(vx), float(vy), float(x), float(y)


def _intersection(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> tuple[float, float] | None:
    ax, ay, x0, y0 = first
    bx, by, x1, y1 = second
    cross = ax * by - ay * bx
    if abs(cross) < 0.3:
        return None
    t = ((x1 - x0) * by - (y1 - y0) * bx) / cross
    return x0 + t * ax, y0 + t * ay


def _is_convincing(quad: Quad, mask: NDArray[np.uint8], smooth: NDArray[np.uint8]) -> bool:
    sides = _sides(quad)
    if min(sides) < 0.3 * max(sides) or _largest_cosine(quad) > SQUARENESS:
        return False
    top, right, bottom, left = sides
    if max(top, bottom) > 1.4 * min(top, bottom) or max(left, right) > 1.4 * min(left, right):
        return False
    height, width = mask.shape
    beyond = 0.03 * max(height, width)
    if (quad < -beyond).any() or (quad > np.array([width, height]) + beyond).any():
        return False
    if _sides_inside(quad, width, height) < LEAST_SIDES:
        return False
    filled = np.zeros_like(mask)
    cv2.fillConvexPoly(filled, np.round(quad).astype(np.int32), (255,))
    both = cv2.countNonZero(cv2.min(filled, mask))
    either = cv2.countNonZero(cv2.max(filled, mask))
    return both / max(1, either) >= LEAST_OVERLAP and _contrast(filled, smooth) >= LEAST_CONTRAST


def _sides_inside(quad: Quad, width: int, height: int) -> int:
    """How many sides of the sheet lie within the picture: the shadow along the edge of a scan
    leaves the others on its border."""
    middles = (quad + np.roll(quad, -1, axis=0)) / 2
    size = np.array([width, height])
    return int((np.minimum(middles, size - middles) > INSIDE_SHARE * size).all(axis=1).sum())


def _contrast(filled: NDArray[np.uint8], smooth: NDArray[np.uint8]) -> float:
    """Levels between a band just inside the sheet and one just outside of it."""
    band = np.ones((9, 9), np.uint8)
    outside = (cv2.dilate(filled, band) > 0) & (filled == 0)
    inside = (filled > 0) & (cv2.erode(filled, band) == 0)
    if np.count_nonzero(outside) < 50 or not inside.any():
        return 0.0
    return float(np.median(smooth[inside])) - float(np.median(smooth[outside]))


def _sides(quad: Quad) -> tuple[float, float, float, float]:
    """Lengths of the top, right, bottom and left side."""
    lengths = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    top, right, bottom, left = lengths.tolist()
    return top, right, bottom, left


def _largest_cosine(quad: Quad) -> float:
    ahead = np.roll(quad, -1, axis=0) - quad
    behind = np.roll(quad, 1, axis=0) - quad
    lengths = np.linalg.norm(ahead, axis=1) * np.linalg.norm(behind, axis=1)
    return float(np.abs((ahead * behind).sum(axis=1) / np.maximum(lengths, 1e-9)).max())
