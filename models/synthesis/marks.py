"""What people and age leave on a printed page: gaps in rulings, seals, pens, holes.

Everything here works on a page before it is scanned, height × width × 3, and changes it
in place: the caller owns a copy. Lengths are millimetres, ``px_per_mm`` converts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from extraction.values import Edge
from models.synthesis.optics import Colour, Range, smooth_field

SEAL_TEXTS = (
    "绩效评价测试样本专用章",
    "某某市财政局",
    "某某区教育委员会",
    "某某市卫生健康委员会",
    "某某区人民政府办公室",
    "示范区管理委员会",
    "某某市农业农村局财务专用章",
)
SEAL_FOOTS = ("", "", "仿真样本", "业务专用章", "财务专用章", "(1)")
SEAL_FONTS = (
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
)
HIGHLIGHTS: tuple[Colour, ...] = (
    (255, 245, 90),
    (150, 245, 140),
    (255, 170, 200),
    (255, 200, 110),
    (140, 215, 255),
)
INKS: tuple[Colour, ...] = ((45, 70, 185), (30, 45, 130), (40, 40, 45), (190, 40, 50))


@dataclass(frozen=True, slots=True)
class Gaps:
    """One kind of damage along rulings.

    ``every_mm`` is the mean distance between two, ``depth`` the share of ink that is gone,
    ``ends_mm`` how softly it begins and ends.
    """

    every_mm: Range
    length_mm: Range
    depth: Range
    ends_mm: float = 0.3


def break_rulings(
    page: NDArray[np.uint8],
    edges: Sequence[Edge],
    gaps: Gaps,
    px_per_mm: float,
    rng: np.random.Generator,
) -> None:
    """Bleach stretches along the rulings, where the text beside them stays whole."""
    every_px = rng.uniform(*gaps.every_mm) * px_per_mm
    printed = page.copy() if edges else page
    for edge in edges:
        for _ in range(rng.poisson(edge.length / every_px)):
            length = rng.uniform(*gaps.length_mm) * px_per_mm
            start = rng.uniform(edge.start - length / 2, edge.end - length / 2)
            along = np.arange(
                max(int(start), int(edge.start) - 2, 0), int(min(start + length, edge.end + 2)) + 1
            )
            inside = np.minimum(along - start, start + length - along)
            ramp = np.clip(inside / max(gaps.ends_mm * px_per_mm, 1.0), 0, 1)
            _bleach(page, printed, edge, along, ramp * rng.uniform(*gaps.depth), px_per_mm)


def pale_rulings(
    page: NDArray[np.uint8], edges: Sequence[Edge], strength: float, px_per_mm: float
) -> None:
    """All rulings at ``strength`` of their darkness, as the grey lines of a screen."""
    printed = page.copy() if edges else page
    for edge in edges:
        along = np.arange(max(int(edge.start) - 2, 0), int(edge.end) + 3)
        _bleach(page, printed, edge, along, np.full(len(along), 1 - strength), px_per_mm)


def _bleach(
    page: NDArray[np.uint8],
    printed: NDArray[np.uint8],
    edge: Edge,
    along: NDArray[np.int64],
    depth: NDArray[np.float64],
    px_per_mm: float,
) -> None:
    """Lighten a run of an edge to ``depth``; the same run twice is not lighter still."""
    half = max(2, round(0.22 * px_per_mm))
    low, high = max(int(edge.at) - half, 0), int(edge.at) + half + 1
    limit = page.shape[1] if edge.axis == "horizontal" else page.shape[0]
    kept = along < limit
    if not kept.any():
        return
    run = slice(int(along[0]), int(along[0]) + int(kept.sum()))
    if edge.axis == "horizontal":
        place = (slice(low, high), run)
        weight = depth[None, kept, None]
    else:
        place = (run, slice(low, high))
        weight = depth[kept, None, None]
    before = printed[place]
    np.maximum(page[place], (before + (255 - before) * weight).astype(np.uint8), out=page[place])


def stamp_seal(
    page: NDArray[np.uint8], text: str | None, px_per_mm: float, rng: np.random.Generator
) -> None:
    """A round red seal with a star and ring text; its ink multiplies with what is below."""
    diameter = int(rng.uniform(36, 45) * px_per_mm)
    ring = text or str(rng.choice(SEAL_TEXTS))
    mask = _seal_mask(diameter, ring, str(rng.choice(SEAL_FOOTS)))
    turn = cv2.getRotationMatrix2D((diameter / 2, diameter / 2), rng.uniform(-25, 25), 1.0)
    coverage = cv2.warpAffine(mask, turn, (diameter, diameter)).astype(np.float32) / 255
    texture = smooth_field((diameter, diameter), 2.5 * px_per_mm, rng)
    strength = rng.uniform(0.6, 0.9) * (0.88 + 0.22 * texture)
    height, width = page.shape[:2]
    x = int(width * rng.triangular(0.2, 0.7, 0.95) - diameter / 2)
    y = int(height * rng.triangular(0.1, 0.75, 0.95) - diameter / 2)
    colour = (rng.uniform(195, 225), rng.uniform(30, 65), rng.uniform(40, 75))
    _multiply(page, coverage * strength, (x, y), colour)


def _seal_mask(diameter: int, text: str, foot: str) -> NDArray[np.uint8]:
    """diameter × diameter, 255 where the seal prints."""
    size = diameter * 2
    middle = size / 2
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((2, 2, size - 3, size - 3), outline=255, width=max(3, size // 38))
    angles = -np.pi / 2 + np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 0.15, 0.058) * size
    star = np.column_stack([middle + radii * np.cos(angles), middle + radii * np.sin(angles)])
    draw.polygon([(float(x), float(y)) for x, y in star], fill=255)
    em = min(int(size * 0.125), int(size * 1.6 / max(len(text), 4)))
    sweep = min(1.5 * np.pi, (len(text) - 1) * 1.5 * em / (0.385 * size))
    for index, angle in enumerate(np.linspace(-sweep / 2, sweep / 2, len(text))):
        glyph = _glyph(text[index], em).rotate(-np.degrees(angle), Image.Resampling.BILINEAR)
        x = middle + 0.385 * size * np.sin(angle) - glyph.width / 2
        y = middle - 0.385 * size * np.cos(angle) - glyph.height / 2
        picture.paste(255, (int(x), int(y)), glyph)
    if foot and (font := _seal_font(int(size * 0.075))):
        draw.text((middle, middle + 0.27 * size), foot, fill=255, font=font, anchor="mm")
    return np.asarray(picture.resize((diameter, diameter), Image.Resampling.BOX), np.uint8)


def _glyph(character: str, em: int) -> Image.Image:
    glyph = Image.new("L", (int(em * 1.6), int(em * 1.6)))
    font = _seal_font(em)
    if font:
        middle = (glyph.width / 2, glyph.height / 2)
        ImageDraw.Draw(glyph).text(
            middle, character, fill=255, font=font, anchor="mm", stroke_width=max(1, em // 24)
        )
    return glyph


@lru_cache(maxsize=8)
def _seal_font(em: int) -> ImageFont.FreeTypeFont | None:
    """A serif face, or None on a machine without any: seals then have no text."""
    found = next((path for path in SEAL_FONTS if Path(path).exists()), None)
    return ImageFont.truetype(found, em) if found else None


def draw_pen(page: NDArray[np.uint8], px_per_mm: float, rng: np.random.Generator) -> None:
    """A tick, a signature, an underline or a circle in pen, near some printed ink."""
    shape = _PEN_SHAPES[rng.integers(0, len(_PEN_SHAPES))]
    points = shape(rng) * px_per_mm
    points -= points.min(axis=0) - px_per_mm
    width, height = (points.max(axis=0) + px_per_mm).astype(int) + 1
    coverage = np.zeros((height, width), np.float32)
    thickness = max(1, round(rng.uniform(0.25, 0.55) * px_per_mm))
    pressure = 0.75 + 0.25 * np.sin(np.linspace(0, rng.uniform(4, 20), len(points)))
    fixed = np.round(points * 8).astype(int)
    for start, end, press in zip(fixed[:-1], fixed[1:], pressure[1:], strict=True):
        cv2.line(
            coverage, start.tolist(), end.tolist(), (float(press),), thickness, cv2.LINE_8, shift=3
        )
    coverage = np.asarray(cv2.GaussianBlur(coverage, (3, 3), 0.7), np.float32)
    x, y = find_ink(page, rng) - np.array([width / 2, height / 2])
    colour = INKS[min(int(rng.exponential(0.8)), len(INKS) - 1)]
    _multiply(page, coverage * np.float32(rng.uniform(0.75, 0.95)), (int(x), int(y)), colour)


def _tick(rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.linspace(0, 1, 24)[:, None]
    size = rng.uniform(3, 7)
    turn = np.array([0.35 * size, 0.55 * size])
    up = np.array([rng.uniform(0.9, 1.4) * size, -rng.uniform(0.3, 0.8) * size])
    down_stroke = turn * t
    bend = np.array([0.0, 0.12 * size]) * np.sin(np.pi * t)
    return np.vstack([down_stroke, turn + (up - turn) * t + bend])


def _signature(rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.linspace(0, 1, 160)
    length, height = rng.uniform(15, 32), rng.uniform(3, 8)
    loops = rng.uniform(3, 7)
    x = t * length + height * 0.35 * np.sin(2 * np.pi * loops * t + rng.uniform(0, 6))
    y = (
        height
        * 0.5
        * np.sin(2 * np.pi * loops * t)
        * (0.6 + 0.4 * np.cos(9 * t + rng.uniform(0, 6)))
    )
    return np.column_stack([x, y - t * rng.uniform(-3, 5)])


def _underline(rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.linspace(0, 1, 40)
    length = rng.uniform(10, 45)
    return np.column_stack(
        [t * length, 0.4 * np.sin(rng.uniform(2, 7) * t) + rng.uniform(-1, 1) * t]
    )


def _circle(rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.linspace(0, 2 * np.pi * rng.uniform(0.9, 1.1), 60) + rng.uniform(0, 6)
    wide, high = rng.uniform(5, 14), rng.uniform(3, 5)
    drift = np.linspace(1, rng.uniform(0.85, 1.1), 60)
    return np.column_stack([wide * np.cos(t) * drift, high * np.sin(t) * drift])


_PEN_SHAPES = (_tick, _signature, _underline, _circle)


def highlight(page: NDArray[np.uint8], px_per_mm: float, rng: np.random.Generator) -> None:
    """A stroke of a highlighter over a line of text."""
    width, height = (np.array([rng.uniform(15, 75), rng.uniform(3.5, 5.5)]) * px_per_mm).astype(int)
    slant = rng.uniform(-0.012, 0.012) * width
    coverage = np.zeros((height + 2 * int(abs(slant)) + 4, width + 4), np.float32)
    middle = coverage.shape[0] / 2
    ends = ((height // 2, int(middle - slant / 2)), (width - height // 2, int(middle + slant / 2)))
    cv2.line(coverage, *ends, (1.0,), max(1, int(height * 0.9)), cv2.LINE_8)
    coverage = np.asarray(cv2.GaussianBlur(coverage, (0, 0), 0.12 * px_per_mm), np.float32)
    coverage *= 0.92 + 0.08 * smooth_field((coverage.shape[0], coverage.shape[1]), height, rng)
    x, y = find_ink(page, rng) - np.array([width / 2, height / 2])
    colour = HIGHLIGHTS[rng.integers(0, len(HIGHLIGHTS))]
    _multiply(page, coverage * np.float32(rng.uniform(0.7, 1.0)), (int(x), int(y)), colour)


def punch_holes(page: NDArray[np.uint8], px_per_mm: float, rng: np.random.Generator) -> None:
    """Two holes in the left margin, through which the dark lid shows."""
    middle = page.shape[0] / 2 + rng.uniform(-8, 8) * px_per_mm
    x = rng.uniform(5, 8) * px_per_mm
    radius = round(rng.uniform(2.3, 3.0) * px_per_mm)
    tone = float(rng.uniform(10, 90))
    for y in (middle - 40 * px_per_mm, middle + 40 * px_per_mm):
        cv2.circle(page, (round(x), round(y)), radius, (tone, tone, tone), -1, cv2.LINE_AA)


def staple(page: NDArray[np.uint8], px_per_mm: float, rng: np.random.Generator) -> None:
    """A staple and its shade in the top left corner."""
    start = np.array([rng.uniform(5, 14), rng.uniform(5, 12)]) * px_per_mm
    angle = rng.uniform(-1.2, 1.2)
    end = start + 10 * px_per_mm * np.array([np.cos(angle), np.sin(angle)])
    for shift, tone, thickness in ((0.5, 190.0, 0.9), (0.0, 60.0, 0.5)):
        ends = [np.round(point + shift * px_per_mm).astype(int).tolist() for point in (start, end)]
        width = max(1, round(thickness * px_per_mm))
        cv2.line(page, ends[0], ends[1], (tone, tone, tone), width, cv2.LINE_AA)


def find_ink(page: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float64]:
    """A point (x, y) of the page with dark print; its middle when there is none."""
    height, width = page.shape[:2]
    tries = np.column_stack([rng.integers(0, width, 4000), rng.integers(0, height, 4000)])
    dark = tries[page[tries[:, 1], tries[:, 0], 1] < 110]
    if not len(dark):
        return np.array([width / 2, height / 2])
    return np.asarray(dark[0], np.float64)


def _multiply(
    page: NDArray[np.uint8],
    coverage: NDArray[np.float32],
    corner: tuple[int, int],
    colour: Colour,
) -> None:
    """Lay transparent ink on the page with its top left at ``corner``, cut at the border."""
    x, y = corner
    top, left = max(0, -y), max(0, -x)
    bottom = min(coverage.shape[0], page.shape[0] - y)
    right = min(coverage.shape[1], page.shape[1] - x)
    if top >= bottom or left >= right:
        return
    patch = page[y + top : y + bottom, x + left : x + right]
    absorbed = 1 - np.asarray(colour, np.float32) / 255
    patch[:] = patch * (1 - coverage[top:bottom, left:right, None].clip(0, 1) * absorbed)
