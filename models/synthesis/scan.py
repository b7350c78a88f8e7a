"""Scans of printed pages, with the exact place of every printed point.

``scan_page`` plays a printed page through the stages of one level: marks and worn ink on
the paper, its place under the light, the sensor, and the coding of the picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image

from extraction.values import Edge
from models.synthesis import marks, optics
from models.synthesis.levels import (
    NONE,
    Geometry,
    Ink,
    Level,
    Light,
    Marks,
    ScanSettings,
    Sensor,
    level_settings,
)
from models.synthesis.optics import Colour, PointMap, Range, Size

MM_PER_INCH = 25.4


@dataclass(frozen=True, eq=False, slots=True)
class Scan:
    """A scanned page, H × W × 3. ``forward`` maps n × 2 points (x, y) of the printed
    page to the scan; ``jpeg_quality`` is None for one without such losses."""

    image: NDArray[np.uint8]
    dpi: float
    level: str
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    jpeg_quality: int | None = None


def scan_page(
    image: NDArray[np.uint8],
    dpi: float,
    level: Level,
    rng: np.random.Generator,
    edges: Sequence[Edge] = (),
    seal_text: str | None = None,
) -> Scan:
    """Print at ``dpi`` in, scan of ``level`` out.

    ``edges`` are the rulings in pixels of the printed page; without them none is broken.
    ``seal_text`` is the ring text of a seal, where the level has one.
    """
    settings = level_settings(level, rng)
    page = image.copy()
    for gaps in settings.ink.gaps:
        marks.break_rulings(page, edges, gaps, dpi / MM_PER_INCH, rng)
    if settings.ink.rulings != (1.0, 1.0):
        marks.pale_rulings(page, edges, rng.uniform(*settings.ink.rulings), dpi / MM_PER_INCH)
    scan_dpi = rng.uniform(*settings.geometry.dpi)
    page, scaling = _print_to_scan_dpi(page, scan_dpi / dpi)
    _put_marks(page, settings.marks, scan_dpi / MM_PER_INCH, seal_text, rng)
    if settings.sensor.grey:
        page = np.asarray(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), np.uint8)
    page = _weaken_ink(page, settings.ink, rng)
    page, point_map = _lay_down(page, settings.geometry, scan_dpi / MM_PER_INCH, rng)
    page = _sense(page, settings, scan_dpi / MM_PER_INCH, rng)
    page, quality = _digitise(page, settings.sensor, scan_dpi / MM_PER_INCH, rng)
    if page.ndim == 2:
        page = np.asarray(cv2.cvtColor(page, cv2.COLOR_GRAY2RGB), np.uint8)
    return Scan(page, scan_dpi, level, point_map.after(scaling), quality)


def _print_to_scan_dpi(
    page: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The page resampled, and the matrix that was used: sizes round to whole pixels."""
    height, width = page.shape[:2]
    size = (round(width * scale), round(height * scale))
    scaling = np.diag([size[0] / width, size[1] / height, 1.0])
    return (page if size == (width, height) else optics.resize(page, size)), scaling


def _put_marks(
    page: NDArray[np.uint8],
    settings: Marks,
    px_per_mm: float,
    seal_text: str | None,
    rng: np.random.Generator,
) -> None:
    for _ in range(rng.integers(*settings.highlights, endpoint=True)):
        marks.highlight(page, px_per_mm, rng)
    for _ in range(rng.integers(*settings.pens, endpoint=True)):
        marks.draw_pen(page, px_per_mm, rng)
    if rng.random() < settings.seal:
        marks.stamp_seal(page, seal_text, px_per_mm, rng)
    if rng.random() < settings.holes:
        marks.punch_holes(page, px_per_mm, rng)
    if rng.random() < settings.staple:
        marks.staple(page, px_per_mm, rng)


def _weaken_ink(
    page: NDArray[np.uint8], settings: Ink, rng: np.random.Generator
) -> NDArray[np.uint8]:
    if settings.swell != NONE:
        page = optics.swell_ink(page, rng.uniform(*settings.swell))
    if settings.contrast != (1.0, 1.0):
        page = optics.stretch_contrast(page, rng.uniform(*settings.contrast))
    if settings.strength != (1.0, 1.0):
        strength, patchiness = rng.uniform(*settings.strength), rng.uniform(*settings.patchiness)
        page = optics.fade_ink(page, strength, patchiness, rng)
    return page


def _lay_down(
    page: NDArray[np.uint8], settings: Geometry, px_per_mm: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], PointMap]:
    height, width = page.shape[:2]
    point_map, size = draw_point_map(settings, (width, height), px_per_mm, rng)
    share = rng.random()
    colour = _between(settings.ground, share)
    if (
        np.allclose(point_map.homography, np.eye(3), atol=1e-9)
        and not len(point_map.waves)
        and size == (width, height)
    ):
        return page, point_map
    if settings.texture == NONE or page.ndim == 2:
        fill = colour if page.ndim == 3 else (sum(colour) / 3,) * 3
        return optics.warp(page, point_map, size, fill), point_map
    cover = optics.warp(np.full((height, width), 255, np.uint8), point_map, size, (0, 0, 0))
    ground = optics.backdrop(cover.shape, colour, rng.uniform(*settings.texture), rng)
    laid = optics.warp(page, point_map, size, (255, 255, 255))
    return optics.lay_on_backdrop(laid, cover, ground), point_map


def draw_point_map(
    settings: Geometry, size: Size, px_per_mm: float, rng: np.random.Generator
) -> tuple[PointMap, Size]:
    """Where a page of ``size`` lies on a canvas, and the canvas's size."""
    extent = np.array(size, np.float64)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * extent
    angle = np.radians(rng.uniform(-settings.rotation, settings.rotation))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = 1 + rng.uniform(-settings.stretch, settings.stretch, 2)
    shift = rng.uniform(-settings.shift_mm, settings.shift_mm, 2) * px_per_mm
    jitter = rng.uniform(-settings.perspective, settings.perspective, (4, 2)) * extent[0]
    placed = ((corners - extent / 2) * stretch) @ turn + extent / 2 + shift + jitter
    canvas = extent
    if settings.whole:
        border = rng.uniform(*settings.margin, 2) * extent[0]
        low, high = placed.min(axis=0) - border, placed.max(axis=0) + border
        placed, canvas = placed - low, high - low
    homography = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    waves = _draw_curl(settings.curl_mm, extent, px_per_mm, rng)
    return PointMap(np.asarray(homography, np.float64), waves), (
        round(float(canvas[0])),
        round(float(canvas[1])),
    )


def _draw_curl(
    curl_mm: Range, extent: NDArray[np.float64], px_per_mm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Two slow waves, mostly up and down, as paper that does not lie flat shows."""
    if curl_mm == NONE:
        return np.zeros((0, 5))
    height = rng.uniform(*curl_mm) * px_per_mm * np.array([1.0, rng.uniform(0.1, 0.5)])
    moved = np.column_stack([height * rng.uniform(-0.3, 0.3, 2), height])
    turns = np.array([rng.uniform(0.35, 0.9), rng.uniform(0.8, 1.6)])
    lean = rng.uniform(-0.3, 0.3, 2)
    vectors = 2 * np.pi * np.column_stack([turns, turns * lean]) / extent
    return np.column_stack([moved, vectors, rng.uniform(0, 2 * np.pi, 2)])


def _sense(
    page: NDArray[np.uint8], settings: ScanSettings, px_per_mm: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    sensor, light = settings.sensor, settings.light
    shape = (page.shape[0], page.shape[1])
    factor = rng.uniform(*sensor.resample)
    if factor < 1:
        small = optics.resize(page, (round(shape[1] * factor), round(shape[0] * factor)))
        page = np.asarray(cv2.resize(small, shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    if sensor.blur != NONE:
        page = np.asarray(cv2.GaussianBlur(page, (0, 0), rng.uniform(*sensor.blur)), np.uint8)
    if light == Light() and sensor.noise == NONE:
        return page
    gain = optics.gradient_gain(
        shape, rng.uniform(*light.gradient), rng.uniform(*light.vignette), rng
    ) * rng.uniform(*light.paper)
    gain = _shade_edges(gain, light, px_per_mm, rng)
    noise = optics.noise_field(shape, rng.uniform(*sensor.grain), rng)
    noise *= rng.uniform(*sensor.noise)
    warmth, tint = light.cast * rng.uniform(-1, 1, 2)
    cast = (1 + warmth, 1 + tint / 4, 1 - warmth)
    return optics.sense(page, gain.astype(np.float32), cast, noise)


def _shade_edges(
    gain: NDArray[np.float32], light: Light, px_per_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Shadow of one side, streaks along the feed and black borders, on a copy."""
    height, width = gain.shape
    if light.shadow != NONE:
        profile = optics.edge_gain(
            width,
            rng.uniform(*light.shadow_reach_mm) * px_per_mm,
            rng.uniform(*light.shadow_strip_mm) * px_per_mm,
            rng.uniform(*light.shadow),
        )
        gain = gain * (profile if rng.random() < 0.5 else profile[::-1])
    if light.streaks != (0, 0):
        count = int(rng.integers(*light.streaks, endpoint=True))
        gain = gain * optics.streak_gain(width, count, 0.5, rng)
    if light.border_mm != NONE:
        left, right, top, bottom = (
            rng.uniform(*light.border_mm, 4) * px_per_mm * (rng.random(4) < 0.5)
        ).astype(int)
        inside = np.full((height - top - bottom, width - left - right), 1.0, np.float32)
        gain = gain * cv2.copyMakeBorder(
            inside, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0.08,)
        )
    return gain


def _digitise(
    page: NDArray[np.uint8], settings: Sensor, px_per_mm: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], int | None]:
    """Dust on the glass, then one bit a pixel or JPEG, with the quality used."""
    count = int(rng.integers(*settings.specks, endpoint=True))
    if count:
        page = optics.specks(page, count, settings.speck_mm * px_per_mm, rng)
    if settings.threshold:
        cut = 255 * rng.uniform(*settings.threshold)
        page = np.asarray(cv2.threshold(page, cut, 255, cv2.THRESH_BINARY)[1], np.uint8)
        return optics.salt_and_pepper(page, rng.uniform(*settings.salt), rng), None
    if settings.quality is None:
        return page, None
    quality = int(rng.integers(*settings.quality, endpoint=True))
    return optics.through_jpeg(page, quality), quality


def _between(ends: tuple[Colour, Colour], share: float | NDArray[np.float64]) -> Colour:
    low, high = np.array(ends[0]), np.array(ends[1])
    red, green, blue = (low + (high - low) * share).tolist()
    return red, green, blue


def scan_to_picture(scan: Scan) -> Image.Image:
    """The smallest of one bit, grey and RGB that holds the scan."""
    image = scan.image
    if not (
        np.array_equal(image[..., 0], image[..., 1])
        and np.array_equal(image[..., 1], image[..., 2])
    ):
        return Image.fromarray(image)
    grey = np.ascontiguousarray(image[..., 0])
    histogram = np.bincount(grey.reshape(-1), minlength=256)
    one_bit = int(histogram[0] + histogram[255]) == grey.size
    picture = Image.fromarray(grey)
    return picture.convert("1", dither=Image.Dither.NONE) if one_bit else picture


def write_scan_pdf(scans: Sequence[Scan], path: Path) -> None:
    """One picture a page at the scan's dpi: CCITT for one bit, JPEG for the others."""
    with pypdfium2.PdfDocument.new() as document:
        for scan in scans:
            coded = io.BytesIO()
            picture = scan_to_picture(scan)
            # Pillow hands every option on to the CCITT coder, which refuses a quality.
            coding = {} if picture.mode == "1" else {"quality": scan.jpeg_quality or 95}
            picture.save(coded, "PDF", resolution=scan.dpi, **coding)
            with pypdfium2.PdfDocument(coded.getvalue()) as page:
                document.import_pages(page)
        document.save(str(path))


def write_tiff(scans: Sequence[Scan], path: Path) -> None:
    """All scans as one TIFF of several pages, without losses."""
    pictures = [scan_to_picture(scan) for scan in scans]
    for picture, scan in zip(pictures, scans, strict=True):
        one_bit = picture.mode == "1"
        picture.encoderinfo = {
            "compression": "group4" if one_bit else "tiff_lzw",
            "dpi": (scan.dpi, scan.dpi),
        }
    first, *rest = pictures
    first.save(path, "TIFF", save_all=True, append_images=rest, **first.encoderinfo)
