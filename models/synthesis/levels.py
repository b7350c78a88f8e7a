"""The levels of scanning: what each does to a page, as data.

A level is ranges from which one scan draws its own amounts. The first six resemble what
offices send in; the others are harder and there to train on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from models.synthesis.marks import Gaps
from models.synthesis.optics import Colour, Range

Level = Literal[
    "clean300",
    "office200",
    "stamped200",
    "fax200",
    "archive150",
    "photo",
    "copy",
    "skewed",
    "lowres",
    "marker",
    "screen",
    "mixed",
]
LEVEL_NAMES: tuple[Level, ...] = get_args(Level)
NONE: Range = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Geometry:
    """How the page lies. Angles in degrees to either side, lengths in millimetres.

    ``perspective`` moves each corner by up to that share of the page, ``margin`` adds
    table top around it; ``whole`` widens the canvas so that nothing is cut off.
    """

    dpi: Range = (200, 200)
    rotation: float = 0.0
    shift_mm: float = 0.0
    stretch: float = 0.0
    perspective: float = 0.0
    curl_mm: Range = NONE
    whole: bool = False
    margin: Range = NONE
    ground: tuple[Colour, Colour] = ((255, 255, 255), (255, 255, 255))
    texture: Range = NONE


@dataclass(frozen=True, slots=True)
class Ink:
    """How the print has come through; ``swell`` thickens strokes (to 1) or thins them;
    ``rulings`` is the share of their darkness that the lines alone keep."""

    gaps: tuple[Gaps, ...] = ()
    rulings: Range = (1.0, 1.0)
    strength: Range = (1.0, 1.0)
    patchiness: Range = NONE
    swell: Range = NONE
    contrast: Range = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Marks:
    """What was put on the page: chances 0..1 and counts (inclusive)."""

    seal: float = 0.0
    pens: tuple[int, int] = (0, 0)
    highlights: tuple[int, int] = (0, 0)
    holes: float = 0.0
    staple: float = 0.0


@dataclass(frozen=True, slots=True)
class Light:
    """Gradient, vignette and edge shadow as shares of full light; ``cast`` is how
    far red and blue may part, towards a warm or a cold light."""

    gradient: Range = NONE
    vignette: Range = NONE
    paper: Range = (1.0, 1.0)
    cast: float = 0.0
    shadow: Range = NONE
    shadow_reach_mm: Range = (4, 14)
    shadow_strip_mm: Range = NONE
    streaks: tuple[int, int] = (0, 0)
    border_mm: Range = NONE


@dataclass(frozen=True, slots=True)
class Sensor:
    """``blur`` and ``grain`` in pixels, ``noise`` in grey levels, ``specks`` per page,
    ``salt`` as a share of pixels, ``threshold`` for one bit a pixel, JPEG ``quality``."""

    grey: bool = True
    resample: Range = (1.0, 1.0)
    blur: Range = NONE
    noise: Range = NONE
    grain: Range = (0.6, 0.8)
    specks: tuple[int, int] = (0, 0)
    speck_mm: float = 0.2
    threshold: Range | None = None
    salt: Range = NONE
    quality: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """One level: the stages of a scan in the order in which they happen."""

    ink: Ink = Ink()
    marks: Marks = Marks()
    geometry: Geometry = Geometry()
    light: Light = Light()
    sensor: Sensor = Sensor()


_SHORT_GAPS = Gaps(every_mm=(12, 35), length_mm=(0.8, 4.0), depth=(0.8, 1.0))
_NICKS = Gaps(every_mm=(30, 80), length_mm=(0.3, 1.2), depth=(0.5, 1.0))
_FAINT_STRETCHES = Gaps(every_mm=(60, 250), length_mm=(8, 50), depth=(0.3, 0.75), ends_mm=2.0)
_OFFICE = ScanSettings(
    ink=Ink(strength=(0.95, 1.0)),
    geometry=Geometry(rotation=0.7, shift_mm=1.0, stretch=0.003),
    light=Light(gradient=(0.02, 0.06), paper=(0.96, 1.0), cast=0.012),
    sensor=Sensor(blur=(0.3, 0.65), noise=(0.8, 2.5), quality=(78, 92)),
)
_MIXED_FROM: tuple[Level, ...] = LEVEL_NAMES[:-1]

LEVELS: Mapping[Level, ScanSettings] = {
    "clean300": ScanSettings(geometry=Geometry(dpi=(300, 300))),
    "office200": _OFFICE,
    "stamped200": ScanSettings(
        ink=_OFFICE.ink,
        marks=Marks(seal=1.0, pens=(1, 4)),
        geometry=_OFFICE.geometry,
        light=_OFFICE.light,
        sensor=Sensor(grey=False, blur=(0.3, 0.65), noise=(0.8, 2.5), quality=(80, 92)),
    ),
    "fax200": ScanSettings(
        ink=Ink(gaps=(_SHORT_GAPS, _NICKS), swell=(-0.1, 0.5)),
        geometry=Geometry(rotation=0.6, shift_mm=1.0, stretch=0.004),
        light=Light(gradient=(0.0, 0.08)),
        sensor=Sensor(blur=(0.4, 0.8), noise=(8, 18), threshold=(0.62, 0.8), salt=(0.0006, 0.0025)),
    ),
    "archive150": ScanSettings(
        ink=Ink(
            gaps=(_SHORT_GAPS, _NICKS, _FAINT_STRETCHES),
            strength=(0.84, 1.0),
            patchiness=(0.0, 0.2),
            swell=(-0.2, 0.2),
        ),
        geometry=Geometry(dpi=(150, 150), rotation=1.5, shift_mm=1.5, stretch=0.004),
        light=Light(
            gradient=(0.04, 0.12),
            paper=(0.9, 0.98),
            shadow=(0.35, 0.75),
            shadow_strip_mm=(0, 4),
        ),
        sensor=Sensor(blur=(0.4, 0.75), noise=(2.0, 4.5), specks=(30, 150), quality=(65, 85)),
    ),
    "photo": ScanSettings(
        ink=Ink(strength=(0.9, 1.0)),
        geometry=Geometry(
            rotation=2.5,
            perspective=0.03,
            curl_mm=(0.5, 2.5),
            whole=True,
            margin=(0.015, 0.05),
            ground=((35, 35, 38), (150, 135, 120)),
            texture=(0.05, 0.25),
        ),
        light=Light(
            gradient=(0.1, 0.3),
            vignette=(0.0, 0.25),
            paper=(0.92, 1.05),
            cast=0.07,
        ),
        sensor=Sensor(grey=False, blur=(0.35, 0.75), noise=(1.0, 3.0), quality=(80, 92)),
    ),
    "copy": ScanSettings(
        ink=Ink(
            gaps=(_NICKS,),
            strength=(0.85, 1.0),
            patchiness=(0, 0.2),
            swell=(-0.4, 0.8),
            contrast=(1.3, 2.5),
        ),
        marks=Marks(holes=0.6, staple=0.5),
        geometry=Geometry(rotation=1.2, shift_mm=2.0, stretch=0.01, curl_mm=(0.0, 0.4)),
        light=Light(gradient=(0.0, 0.1), streaks=(0, 6), border_mm=(0, 5)),
        sensor=Sensor(blur=(0.6, 1.1), noise=(2, 7), specks=(50, 400), quality=(70, 88)),
    ),
    "skewed": ScanSettings(
        ink=_OFFICE.ink,
        geometry=Geometry(
            rotation=10, shift_mm=1.0, whole=True, ground=((40, 40, 40), (255, 255, 255))
        ),
        light=_OFFICE.light,
        sensor=_OFFICE.sensor,
    ),
    "lowres": ScanSettings(
        ink=Ink(strength=(0.85, 1.0), swell=(-0.2, 0.2)),
        geometry=Geometry(dpi=(100, 130), rotation=0.8, shift_mm=1.0),
        light=_OFFICE.light,
        sensor=Sensor(blur=(0.3, 0.6), noise=(1, 4), quality=(65, 88)),
    ),
    "marker": ScanSettings(
        ink=_OFFICE.ink,
        marks=Marks(pens=(0, 2), highlights=(2, 9)),
        geometry=_OFFICE.geometry,
        light=_OFFICE.light,
        sensor=Sensor(grey=False, blur=(0.3, 0.65), noise=(0.8, 2.5), quality=(80, 92)),
    ),
    "screen": ScanSettings(
        ink=Ink(
            rulings=(0.2, 0.9),
            strength=(0.85, 1.0),
        ),
        geometry=Geometry(dpi=(110, 160)),
        sensor=Sensor(grey=False, resample=(0.75, 1.0), quality=(85, 95)),
    ),
    "mixed": ScanSettings(),
}


def level_settings(level: Level, rng: np.random.Generator) -> ScanSettings:
    """The level's own settings; for ``mixed``, each stage from a random level."""
    if level != "mixed":
        return LEVELS[level]
    ink, drawn, geometry, light, sensor = (
        LEVELS[_MIXED_FROM[rng.integers(0, len(_MIXED_FROM))]] for _ in range(5)
    )
    return ScanSettings(ink.ink, drawn.marks, geometry.geometry, light.light, sensor.sensor)
