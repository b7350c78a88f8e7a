"""Ruling lines of a scanned page: seen by a small network, traced as edges.

The network gives, at half of ``RULING_DPI``, the probability that a horizontal or a
vertical ruling runs through each pixel, also where the scan broke or faded it. It learnt from
scans, and on a print without any noise it is not sure of thin lines; those need no judgement, as
they are plain to see. From these two maps come the straightening of the page
(``extraction.grid.straighten``), the edges, and the evidence by which the grid decides each side
of each cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import Engine, cache_folder, open_runner
from extraction.grid.grids import Probe
from extraction.values import Axis, Edge, Image

RULING_WEIGHTS = Path(__file__).parents[1] / "weights" / "rulings.onnx"
RULING_DPI = 150
MULTIPLE = 16

PLAIN_PX, THICKEST_PX = 75, 9
"""Half an inch and more: no stroke of a character is as long and as thin."""
PLAIN_DARKNESS = 40
"""Of 255, all along the line, less that of what is beside it."""
RED, RED_RAMP = 40, 25
"""Of 255, by which a red ink is darker in green and in blue light than in red, and the range below
in which a pixel shows some of it."""
DARK_IN_RED, RED_GAIN = 70.0, 2.0
STRAIGHT_PX = 120
"""No arc of a seal's rim runs straight as far: twenty millimetres."""
PLAIN_PROBABILITY = 0.95
SEEN = 0.5
OF_ONE_SHADE = 0.5

RulingNetwork = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""1 × 1 × H × W grey in 0..1 → 1 × 2 × H/2 × W/2 logits."""

Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Probability maps of rulings; ``scale`` is map pixels per page pixel."""

    across: Map
    down: Map
    scale: float

    def of(self, axis: Axis) -> Map:
        """The map whose lines run along the second array axis."""
        return self.across if axis == "horizontal" else np.ascontiguousarray(self.down.T)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """In pixels of the maps (half of ``RULING_DPI``) and probabilities."""

    weak: float = 0.3
    strong: float = 0.55
    bridge_px: int = 7
    shortest_px: int = 6
    band_px: int = 2
    seen: float = 0.35


def load_ruling_network(engine: Engine, threads: int) -> RulingNetwork:
    """The network that ships with the package, ready to run."""
    compiled = cache_folder() / "rulings"
    return open_runner(RULING_WEIGHTS, engine, threads=threads, streams=1, cache=compiled).run


def see_rulings(image: Image, dpi: float, network: RulingNetwork) -> Evidence:
    """Run the network over the page at its own resolution."""
    zoom = RULING_DPI / dpi
    height, width = (max(MULTIPLE, round(side * zoom)) for side in image.shape[:2])
    smooth = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    grey = without_seals(cv2.resize(image, (width, height), interpolation=smooth))
    pad = (-height % MULTIPLE, -width % MULTIPLE)
    padded = np.pad(grey, ((0, pad[0]), (0, pad[1])), constant_values=255)
    logits = network(np.asarray(padded / 255, np.float32)[None, None])[0]
    logits = logits[:, : -(-height // 2), : -(-width // 2)]
    maps = 1 / (1 + np.exp(-logits))
    across, down = (np.asarray(map_, np.float32) for map_ in maps)
    if is_without_noise(padded):
        plain = plain_rulings(padded)[:, : maps.shape[1], : maps.shape[2]]
        add_unseen(across, plain[0])
        add_unseen(down, plain[1])
    return Evidence(across, down, scale=zoom / 2)


def without_seals(image: cv2.typing.MatLike) -> NDArray[np.uint8]:
    """H × W × 3 at ``RULING_DPI`` as grey, with red ink made as light as paper: the rim of a seal
    is a line where it runs upright. Rulings that are red themselves stay, and so do seals there.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    red, green, blue = cv2.split(image)
    redness = np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.int16)
    redness -= int(np.median(redness[::16, ::16]))
    ink = (redness > RED).astype(np.uint8)
    if not ink.any() or _has_rulings(ink):
        return grey
    rows, columns = np.nonzero(redness > RED - RED_RAMP)
    share = np.minimum((redness[rows, columns] - (RED - RED_RAMP)) / RED_RAMP, 1.0)
    # Black print below a seal is dark in red light, too.
    lit = np.minimum((red[rows, columns] - DARK_IN_RED) * RED_GAIN, np.median(red[::16, ::16]))
    shown = grey[rows, columns].astype(np.float32)
    grey[rows, columns] = shown + share * np.maximum(lit - shown, 0)
    return grey


def _has_rulings(ink: NDArray[np.uint8]) -> bool:
    straight = (np.ones((1, STRAIGHT_PX), np.uint8), np.ones((STRAIGHT_PX, 1), np.uint8))
    return any(cv2.morphologyEx(ink, cv2.MORPH_OPEN, strip).any() for strip in straight)


def is_without_noise(grey: NDArray[np.uint8]) -> bool:
    """Whether most of a page is of one shade: a print, a fax, a scan that was cleaned. The edge
    of the paper, which a photo shows as a thin dark line, is on none of them."""
    counts = cv2.calcHist([grey], [0], None, [256], (0, 256))
    return float(counts.max()) >= OF_ONE_SHADE * grey.size


def add_unseen(map_: Map, plain: NDArray[np.bool_]) -> None:
    """Put ``plain`` rulings into ``map_`` where it shows none nearby."""
    seen = cv2.dilate((map_ > SEEN).astype(np.uint8), np.ones((5, 5), np.uint8))
    map_[plain & (seen == 0)] = PLAIN_PROBABILITY


def plain_rulings(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """H × W grey → 2 × H/2 × W/2: where a long thin line is dark from end to end, horizontal
    and vertical. The sides are even."""
    darkness = cv2.bitwise_not(grey)
    across = _plain_lines(darkness, (1, PLAIN_PX), (THICKEST_PX, 1))
    down = _plain_lines(darkness, (PLAIN_PX, 1), (1, THICKEST_PX))
    lines = np.stack([across, down])
    rows = lines[:, ::2] | lines[:, 1::2]
    return rows[:, :, ::2] | rows[:, :, 1::2]


def _plain_lines(
    darkness: cv2.typing.MatLike, length: tuple[int, int], thickness: tuple[int, int]
) -> NDArray[np.bool_]:
    """A line may cross from one row of pixels to the next."""
    thin = cv2.morphologyEx(darkness, cv2.MORPH_TOPHAT, np.ones(thickness, np.uint8))
    dark = (thin >= PLAIN_DARKNESS).astype(np.uint8)
    joined = cv2.dilate(dark, np.ones((min(3, thickness[0]), min(3, thickness[1])), np.uint8))
    long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones(length, np.uint8))
    return np.asarray(cv2.bitwise_and(long, dark), dtype=np.bool_)


def evidence_to_edges(evidence: Evidence, settings: LineSettings | None = None) -> list[Edge]:
    """Connected stretches of ruling as edges in pixels of the page."""
    settings = settings or LineSettings()
    edges: list[Edge] = []
    axes: tuple[Axis, Axis] = ("horizontal", "vertical")
    for axis in axes:
        edges.extend(map_to_edges(evidence.of(axis), axis, evidence.scale, settings))
    return edges


def map_to_edges(map_: Map, axis: Axis, scale: float, settings: LineSettings) -> list[Edge]:
    edges = []
    for xs, ys, weights in trace_lines(map_, settings):
        along = (xs[0], xs[-1] + 1)
        at = float(np.average(ys, weights=weights)) + 0.5
        seen = float((weights > settings.weak).mean())
        edges.append(Edge(axis, at / scale, along[0] / scale, along[1] / scale, seen))
    return edges


def trace_lines(
    map_: Map, settings: LineSettings
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Lines that run along x: for each its columns x, its height y and its weight there."""
    weak = (map_ > settings.weak).astype(np.uint8)
    bridged = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, np.ones((1, settings.bridge_px), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bridged, connectivity=8)
    traces = []
    for number in range(1, count):
        x, y, width, height, _ = stats[number]
        if width < settings.shortest_px:
            continue
        mine = labels[y : y + height, x : x + width] == number
        weights = np.where(mine, map_[y : y + height, x : x + width], 0.0)
        if weights.max() < settings.strong:
            continue
        total = weights.sum(0)
        heights = (weights * np.arange(y, y + height)[:, None]).sum(0)
        there = total > 0
        xs = np.arange(x, x + width, dtype=np.float64)[there]
        ys = heights[there] / total[there]
        traces.append((xs, ys, weights.max(0)[there]))
    return traces


def evidence_to_probe(evidence: Evidence, settings: LineSettings | None = None) -> Probe:
    """The share of a stretch along which the maps show a ruling, a little to either side."""
    settings = settings or LineSettings()
    seen = {axis: _seen_nearby(evidence.of(axis), settings) for axis in ("horizontal", "vertical")}

    def probe(axis: Axis, at: float, start: float, end: float) -> float:
        sums = seen[axis]
        row = min(max(int(at * evidence.scale), 0), sums.shape[0] - 1)
        first = round(start * evidence.scale)
        last = max(first + 1, round(end * evidence.scale))
        first, last = (int(np.clip(at, 0, sums.shape[1] - 1)) for at in (first, last))
        return float(sums[row, last] - sums[row, first]) / max(1, last - first)

    return probe


def _seen_nearby(map_: Map, settings: LineSettings) -> NDArray[np.int32]:
    """Running count along x of the pixels where a ruling lies within ``band_px`` in y."""
    band = np.ones((2 * settings.band_px + 1, 1), np.uint8)
    seen = cv2.dilate((map_ > settings.seen).astype(np.uint8), band)
    return np.pad(np.cumsum(seen, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
