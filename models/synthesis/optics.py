"""What a scanner, a fax or a camera does to a page: geometry, light, ink and sensor.

Points are continuous pixels: the centre of the top left pixel is (0.5, 0.5). Pictures are
``uint8``, height × width (grey) or height × width × 3 (RGB).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
Colour = tuple[float, float, float]
Size = tuple[int, int]
"""width, height"""

_COARSE = 16  # pixels between the points at which smooth fields are computed
_NOISE_TILE = 1024


@dataclass(frozen=True, eq=False, slots=True)
class PointMap:
    """Where points of the printed page lie on the scan, and back.

    ``homography`` is 3 × 3, flattened page to scan. ``waves`` is n × 5: a displacement
    (dx, dy) in page pixels, its wave vector (radians per pixel) and its phase.
    """

    homography: NDArray[np.float64]
    waves: NDArray[np.float64]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """n × 2 points of the page to points of the scan."""
        flat: NDArray[np.float64] = points
        # The displacement is gentle, so the fixed point is reached in a few rounds.
        for _ in range(8 if len(self.waves) else 0):
            flat = points - self._displacement(flat)
        return project_points(self.homography, flat)

    def backward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """n × 2 points of the scan to points of the page."""
        inverse = np.asarray(np.linalg.inv(self.homography), np.float64)
        flat = project_points(inverse, points)
        moved: NDArray[np.float64] = flat + self._displacement(flat)
        return moved

    def after(self, homography: NDArray[np.float64]) -> PointMap:
        """The map of points that ``homography`` brings to this map's page.

        Only for a scaling: its factors are taken over by the waves.
        """
        scale = np.diag(homography)[:2]
        waves = self.waves.copy()
        waves[:, 0:2] /= scale
        waves[:, 2:4] *= scale
        return PointMap(self.homography @ homography, waves)

    def _displacement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        phases = points @ self.waves[:, 2:4].T + self.waves[:, 4]
        moved: NDArray[np.float64] = np.sin(phases) @ self.waves[:, 0:2]
        return moved


def project_points(
    homography: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """n × 2 points through a 3 × 3 projective matrix."""
    projected = np.column_stack([points, np.ones(len(points))]) @ homography.T
    flat: NDArray[np.float64] = projected[:, :2] / projected[:, 2:]
    return flat


def warp(
    image: NDArray[np.uint8], point_map: PointMap, size: Size, fill: Colour
) -> NDArray[np.uint8]:
    """The picture on a canvas of ``size``, with ``fill`` outside the page."""
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    if not len(point_map.waves):
        matrix = np.linalg.inv(shift) @ point_map.homography @ shift
        warped = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=fill)
        return np.asarray(warped, np.uint8)
    columns, rows = _backward_maps(point_map, size)
    warped = cv2.remap(image, columns, rows, cv2.INTER_CUBIC, borderValue=fill)
    return np.asarray(warped, np.uint8)


def _backward_maps(
    point_map: PointMap, size: Size
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each pixel of the canvas its place on the page, for ``cv2.remap``.

    Computed on a coarse lattice one step larger than the canvas, so that the resizing,
    which aligns the centres of pixels, interpolates everywhere and repeats nowhere.
    """
    width, height = size
    across, down = (-(-width // _COARSE) + 2, -(-height // _COARSE) + 2)
    xs = (np.arange(across) - 0.5) * _COARSE
    ys = (np.arange(down) - 0.5) * _COARSE
    lattice = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    places = (point_map.backward(lattice) - 0.5).reshape(down, across, 2).astype(np.float32)
    full = cv2.resize(places, (across * _COARSE, down * _COARSE), interpolation=cv2.INTER_LINEAR)[
        _COARSE : _COARSE + height, _COARSE : _COARSE + width
    ]
    return np.asarray(full[..., 0], np.float32), np.asarray(full[..., 1], np.float32)


def resize(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Resampled as an optical system does: area means when shrinking."""
    shrinks = size[0] < image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def smooth_field(
    shape: tuple[int, int], period: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Height × width of smooth random numbers in -1..1 that vary over ``period`` pixels."""
    height, width = shape
    small = (max(2, round(height / period) + 1), max(2, round(width / period) + 1))
    knots = rng.uniform(-1, 1, small).astype(np.float32)
    coarse = cv2.resize(
        knots, (width // _COARSE + 1, height // _COARSE + 1), interpolation=cv2.INTER_CUBIC
    )
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(field, -1, 1), np.float32)


def noise_field(
    shape: tuple[int, int], grain_px: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Normal noise of unit deviation with grains of about ``grain_px``, from one tile."""
    height, width = shape
    tile = rng.standard_normal((min(height, _NOISE_TILE), min(width, _NOISE_TILE)), np.float32)
    if grain_px > 0:
        tile = np.asarray(cv2.GaussianBlur(tile, (0, 0), grain_px), np.float32)
        tile /= tile.std()
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
    return np.ascontiguousarray(np.tile(tile, repeats)[:height, :width])


def backdrop(
    shape: tuple[int, int], colour: Colour, texture: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A table top: ``colour`` with streaks of relative depth ``texture``; H × W × 3."""
    height, width = shape
    grain = rng.standard_normal((height // 2 + 1, width // 32 + 2)).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), sigmaX=1.0, sigmaY=1.4), np.float32)
    streaks = cv2.resize(grain / grain.std(), (width, height), interpolation=cv2.INTER_LINEAR)
    gain = np.asarray(1 + texture * streaks, np.float32)
    planes = [(gain * value).clip(0, 255).astype(np.uint8) for value in colour]
    return np.asarray(cv2.merge(planes), np.uint8)


def lay_on_backdrop(
    page: NDArray[np.uint8], cover: NDArray[np.uint8], ground: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The warped page over the table top, with the page's own soft shadow.

    ``cover`` is 255 where the page lies and 0 elsewhere.
    """
    height, width = cover.shape
    small = cv2.resize(cover, (width // 8 + 1, height // 8 + 1), interpolation=cv2.INTER_AREA)
    shade = cv2.GaussianBlur(small, (0, 0), 3.0)
    shadow = cv2.resize(255 - (shade // 2), (width, height), interpolation=cv2.INTER_LINEAR)
    planes = []
    rest = 255 - cover
    for top, below in zip(cv2.split(page), cv2.split(ground), strict=True):
        dimmed = cv2.multiply(below, shadow, scale=1 / 255)
        planes.append(
            cv2.add(
                cv2.multiply(top, cover, scale=1 / 255), cv2.multiply(dimmed, rest, scale=1 / 255)
            )
        )
    return np.asarray(cv2.merge(planes), np.uint8)


def gradient_gain(
    shape: tuple[int, int], depth: float, vignette: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Uneven light: a slope of ``depth`` in a random direction, corners darker by
    ``vignette``, and soft patches of a third of the slope."""
    height, width = shape
    angle = rng.uniform(0, 2 * np.pi)
    ys = np.linspace(-0.5, 0.5, height // _COARSE + 2, dtype=np.float32)[:, None]
    xs = np.linspace(-0.5, 0.5, width // _COARSE + 2, dtype=np.float32)[None, :]
    slope = xs * np.cos(angle) + ys * np.sin(angle)
    patches = smooth_field((len(ys), xs.shape[1]), period=len(ys) / 3, rng=rng)
    coarse = 1 + depth * (slope - 0.5 + patches / 3) - vignette * (xs**2 + ys**2) * 2
    gain = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(gain, np.float32)


def edge_gain(length: int, reach_px: float, strip_px: float, depth: float) -> NDArray[np.float32]:
    """Along one axis: the shadow of a lifted edge, darkest at the far end, and beyond
    the paper a strip that the light hardly reaches."""
    distance = (length - 1 - np.arange(length)) - strip_px
    gain = 1 - depth * np.exp(-np.maximum(distance, 0) / max(reach_px, 1))
    return np.where(distance < 0, 1 - 1.25 * depth, gain).clip(0.1).astype(np.float32)


def streak_gain(
    length: int, count: int, depth: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Across the feed: thin lines that dirt on the drum leaves on the whole page."""
    gain = np.ones(length, np.float32)
    for _ in range(count):
        at, thickness = rng.integers(0, length), rng.integers(1, 4)
        gain[at : at + thickness] -= depth * rng.uniform(0.3, 1.0)
    return gain


def sense(
    image: NDArray[np.uint8],
    gain: NDArray[np.float32],
    cast: Colour,
    noise: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Light times paper plus noise. A grey picture takes the cast's mean."""
    if image.ndim == 2:
        lit = cv2.multiply(image, gain, scale=sum(cast) / 3, dtype=cv2.CV_32F)
        return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), np.uint8)
    planes = [
        cv2.add(cv2.multiply(plane, gain, scale=tint, dtype=cv2.CV_32F), noise, dtype=cv2.CV_8U)
        for plane, tint in zip(cv2.split(image), cast, strict=True)
    ]
    return np.asarray(cv2.merge(planes), np.uint8)


def fade_ink(
    image: NDArray[np.uint8], strength: float, patchiness: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Ink at ``strength`` of its darkness, weaker still in patches."""
    darkness = 255 - image
    shape = (image.shape[0], image.shape[1])
    share = strength - patchiness * (0.5 + 0.5 * smooth_field(shape, shape[1] / 6, rng))
    planes = [cv2.multiply(plane, share, dtype=cv2.CV_8U) for plane in cv2.split(darkness)]
    faded = planes[0] if image.ndim == 2 else cv2.merge(planes)
    return 255 - np.asarray(faded, np.uint8)


def swell_ink(image: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Strokes thicker (``amount`` to 1) or thinner (to -1) by about a pixel."""
    kernel = np.ones((3, 3), np.uint8) if abs(amount) > 0.5 else _CROSS
    moved = (cv2.erode if amount > 0 else cv2.dilate)(image, kernel)
    weight = abs(amount)
    return np.asarray(cv2.addWeighted(image, 1 - weight, moved, weight, 0), np.uint8)


_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def stretch_contrast(image: NDArray[np.uint8], contrast: float) -> NDArray[np.uint8]:
    """Tones pushed away from light grey, as copying again and again does."""
    tones = (np.arange(256) - 170.0) * contrast + 170.0
    return np.asarray(cv2.LUT(image, tones.clip(0, 255).astype(np.uint8)), np.uint8)


def salt_and_pepper(
    image: NDArray[np.uint8], share: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Single pixels of a grey picture turned black or white."""
    spoiled = image.copy()
    count = int(share * image.size)
    places = rng.integers(0, image.size, count)
    spoiled.reshape(-1)[places] = rng.choice(np.array([0, 255], np.uint8), count)
    return spoiled


def specks(
    image: NDArray[np.uint8], count: int, radius_px: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Grains of dust, most of them dark, drawn on a copy."""
    spoiled = image.copy()
    height, width = image.shape[:2]
    for _ in range(count):
        centre = (int(rng.integers(0, width * 8)), int(rng.integers(0, height * 8)))
        radius = int(8 * radius_px * rng.beta(1.2, 5)) + 2
        tone = float(rng.uniform(20, 150)) if rng.random() < 0.8 else 250.0
        cv2.circle(spoiled, centre, radius, (tone, tone, tone), -1, cv2.LINE_AA, shift=3)
    return spoiled


def through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The picture after one JPEG compression."""
    swapped = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    coded = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return np.asarray(decoded, np.uint8)
