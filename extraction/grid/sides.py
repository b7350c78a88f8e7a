"""How sure it is that a ruling runs between two crossings: a small network over measures.

The lattice of a scanned table names every stretch on which a ruling may be printed. For each
of them the maps of the ruling network, the dark line on the page itself, its colour, the text
beside it and what its own line and its neighbours show are measured; a perceptron that was
fitted on simulated scans (``models.train_sides``) makes one probability of them. So a stroke
of a seal, a streak of a copier or a row of text that the first network took for a ruling is
refused, and a faint line that it missed is kept where the page shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import Engine
from extraction.errors import ModelError
from extraction.grid.grids import Judge
from extraction.grid.lattice import Lattice
from extraction.grid.lines import RULING_DPI, Evidence, Map, RulingNetwork, load_ruling_network
from extraction.values import Axis, Image

SIDE_WEIGHTS = Path(__file__).parents[1] / "weights" / "sides.json"

Floats = NDArray[np.float64]

CHANNELS = ("likely", "near", "surely", "dip", "dark_line", "text", "chroma")
MEASURES = (
    *CHANNELS,
    *("weakest_likely", "weakest_dip", "before_near", "after_near", "before_dip", "after_dip"),
    *("line_near", "line_dip", "line_longest"),
    *("beyond_start", "far_beyond_start", "beyond_end", "far_beyond_end"),
    *("beyond_start_dip", "far_beyond_start_dip", "beyond_end_dip", "far_beyond_end_dip"),
    *("start_crossing", "end_crossing", "gap_before", "gap_after", "length", "outer"),
    *("chroma_excess", "dip_share", "open_start", "open_end"),
    *("straight_dip", "straight_weakest", "straight_share", "straight_excess"),
)
STRAIGHT = ("straight", "straight_dark")
"""Channels besides ``CHANNELS`` that are measured along one row at a time."""
OFFSETS = (-2, -1, 0, 1, 2)
QUARTERS = 4
PIECES = 8
BEYOND_PX = ((3, 13), (13, 45))
"""How far past the table a line is followed, from and to, in pixels of the maps. A streak of a
copier goes on and on; a stroke of a title that happens to stand there does not."""
TRUST = 0.6
"""The judge's share in a probability. He knows too few rare layouts to be trusted alone."""
SEEN = 0.35
SURE = 0.6
DARK = 0.06
"""A step in brightness, of 1, that counts as a printed line."""


@dataclass(frozen=True, eq=False, slots=True)
class SideMaps:
    """For each axis the maps ``CHANNELS`` and ``STRAIGHT``, its lines along their rows.
    ``scale`` is map pixels per page pixel."""

    across: tuple[Map, ...]
    down: tuple[Map, ...]
    scale: float

    def of(self, axis: Axis) -> tuple[Map, ...]:
        return self.across if axis == "horizontal" else self.down


@dataclass(frozen=True, eq=False, slots=True)
class SideJudge:
    """A perceptron of two hidden layers; ``mean`` and ``spread`` bring measures to one scale."""

    mean: Floats
    spread: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def probability(self, measures: Floats) -> Floats:
        """… × measures → … probabilities."""
        values = np.clip((measures - self.mean) / self.spread, -5, 5)
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias, 0)
        weights, bias = self.layers[-1]
        return np.asarray(1 / (1 + np.exp(-(values @ weights + bias)[..., 0])))


@dataclass(frozen=True, eq=False, slots=True)
class RulingModels:
    """What sees rulings: the network that draws the maps, and the judge of each side, without
    which the maps alone decide."""

    network: RulingNetwork
    sides: SideJudge | None

    def judge(self, evidence: Evidence, image: Image, dpi: float) -> Judge | None:
        """Judges the lattices of the page ``image``, on which ``evidence`` was seen."""
        if self.sides is None:
            return None
        maps = page_to_side_maps(image, dpi, evidence)
        return partial(judge_sides, maps=maps, sides=self.sides)


def load_ruling_models(engine: Engine, threads: int) -> RulingModels:
    """Both as they ship with the package, ready to run."""
    return RulingModels(load_ruling_network(engine, threads), load_side_judge())


def load_side_judge(path: Path = SIDE_WEIGHTS) -> SideJudge:
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"the weights of the sides cannot be read: {error}") from error
    if tuple(stored["measures"]) != MEASURES:
        raise ModelError("the weights of the sides were fitted to other measures; train them again")
    return SideJudge(
        np.array(stored["mean"]),
        np.array(stored["spread"]),
        tuple((np.array(layer["weights"]), np.array(layer["bias"])) for layer in stored["layers"]),
    )


def judge_sides(lattice: Lattice, maps: SideMaps, sides: SideJudge) -> Lattice:
    """The lattice with a probability for each side, in which what was seen keeps a share."""
    across, down = lattice_to_measures(lattice, maps)
    return replace(
        lattice,
        across=TRUST * sides.probability(across) + (1 - TRUST) * lattice.across,
        down=TRUST * sides.probability(down).T + (1 - TRUST) * lattice.down,
    )


# --- maps --------------------------------------------------------------------------------


def page_to_side_maps(image: Image, dpi: float, evidence: Evidence) -> SideMaps:
    """What is measured along lines, at the resolution of ``evidence``."""
    height, width = evidence.across.shape
    size = (2 * width, 2 * height)
    smooth = cv2.INTER_AREA if dpi > RULING_DPI else cv2.INTER_LINEAR
    picture = cv2.resize(image, size, interpolation=smooth)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    darkness = np.asarray((255 - grey) / np.float32(255), np.float32)
    red, green, blue = cv2.split(picture)
    lightest = cv2.max(cv2.max(red, green), blue)
    spread = cv2.subtract(lightest, cv2.min(cv2.min(red, green), blue))
    chroma = np.asarray(spread / np.float32(255), np.float32)
    return SideMaps(
        across=_channels(evidence.across, darkness, chroma),
        down=_channels(
            np.ascontiguousarray(evidence.down.T),
            np.ascontiguousarray(darkness.T),
            np.ascontiguousarray(chroma.T),
        ),
        scale=evidence.scale,
    )


def _channels(
    likely: NDArray[np.float32], darkness: NDArray[np.float32], chroma: NDArray[np.float32]
) -> tuple[Map, ...]:
    """Lines run along x. ``likely`` has half the resolution of the other two."""
    along: Map = np.asarray(cv2.blur(darkness, (9, 1)), np.float32)
    # A printed line is darker than what lies 2 mm hundredths above *and* below it.
    above, below = np.roll(along, 4, axis=0), np.roll(along, -4, axis=0)
    straight = _halved(np.maximum(along - np.maximum(above, below), 0), np.maximum)
    dip = np.asarray(cv2.dilate(straight, np.ones((3, 1), np.uint8)), np.float32)
    ink = _halved(darkness, _mean)
    paper = cv2.blur(cv2.erode(ink, np.ones((9, 9), np.uint8)), (9, 9))
    text = np.minimum(np.roll(ink - paper, 3, axis=0), np.roll(ink - paper, -3, axis=0))
    colour = cv2.dilate(_halved(chroma, _mean), np.ones((3, 1), np.uint8))
    near = cv2.dilate((likely > SEEN).astype(np.float32), np.ones((5, 1), np.uint8))
    middle = cv2.dilate(likely, np.ones((3, 1), np.uint8))
    channels = (
        middle,
        near,
        (middle > SURE).astype(np.float32),
        dip,
        (dip > DARK).astype(np.float32),
        np.maximum(text, 0),
        colour,
        straight,
        (straight > DARK / 2).astype(np.float32),
    )
    return tuple(np.asarray(channel, np.float32) for channel in channels)


def _running_sums(maps: Sequence[Map], rows: NDArray[np.int_]) -> NDArray[np.float32]:
    """Along x, of some rows alone: maps × the shape of ``rows`` × (columns + 1)."""
    sums = np.zeros((len(maps), *rows.shape, maps[0].shape[1] + 1), np.float32)
    for part, total in zip(maps, sums, strict=True):
        np.cumsum(part[rows], axis=-1, out=total[..., 1:])
    return sums


def _halved(picture: Map, pool: Callable[[Map, Map], Map]) -> Map:
    """Each 2 × 2 block as one pixel, ``pool`` taken over its four."""
    upper = pool(picture[::2, ::2], picture[::2, 1::2])
    lower = pool(picture[1::2, ::2], picture[1::2, 1::2])
    return np.asarray(pool(upper, lower), np.float32)


def _mean(one: Map, other: Map) -> Map:
    return np.asarray((one + other) * np.float32(0.5), np.float32)


# --- measures ----------------------------------------------------------------------------


def lattice_to_measures(lattice: Lattice, maps: SideMaps) -> tuple[Floats, Floats]:
    """Measures of the sides across (ys × gaps of xs × measures) and of those down, turned
    round so that they, too, run along their second axis (xs × gaps of ys × measures)."""
    xs, ys = np.array(lattice.xs), np.array(lattice.ys)
    across = _line_sides(ys, xs, maps.of("horizontal"), maps.scale)
    down = _line_sides(xs, ys, maps.of("vertical"), maps.scale)
    reference = _reference(across, down)
    return (
        _measures(across, down, ys, xs, maps.scale, reference),
        _measures(down, across, xs, ys, maps.scale, reference),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Sides:
    """``mean`` and ``weakest`` (the least of the quarters): lines × gaps × channels;
    ``straight``: lines × gaps × 3, the dip along the one row that shows it best, the least
    of its pieces, and the share of it that is dark;
    ``beyond``: lines × 8, what the line shows past the table's ends, see ``MEASURES``."""

    mean: Floats
    weakest: Floats
    straight: Floats
    beyond: Floats


def _line_sides(lines: Floats, crossings: Floats, maps: Sequence[Map], scale: float) -> _Sides:
    height, width = maps[0].shape
    rows = np.clip((lines * scale).astype(int), 0, height - 1)
    marks = crossings * scale
    start, end = marks[:-1], marks[1:]
    # The crossing lines themselves are left out, where the side is long enough for that.
    margin = np.minimum(1.5, (end - start) / 4)
    start, end = start + margin, end - margin
    shares = np.linspace(0, 1, QUARTERS + 1)
    cuts = start[:, None] + (end - start)[:, None] * shares
    cuts = np.clip(np.round(cuts).astype(int), 0, width)
    first, last = cuts[:, 0], np.minimum(np.maximum(cuts[:, -1], cuts[:, 0] + 1), width)
    picked = _running_sums(maps[: len(CHANNELS)], rows)
    mean = (picked[:, :, last] - picked[:, :, first]) / np.maximum(last - first, 1)
    steps = np.maximum(cuts[:, 1:] - cuts[:, :-1], 1)
    quarters = (picked[:, :, cuts[:, 1:]] - picked[:, :, cuts[:, :-1]]) / steps
    channels = [CHANNELS.index("near"), CHANNELS.index("dip")]
    beyond = []
    for channel in channels:
        for outwards, edge in ((-1, marks[0]), (1, marks[-1])):
            for near, far in BEYOND_PX:
                ends = np.round(edge + outwards * np.array([near, far])).astype(int)
                low, high = np.clip(np.sort(ends), 0, width)
                there = picked[channel, :, high] - picked[channel, :, low]
                beyond.append(there / max(1, high - low))
    return _Sides(
        np.moveaxis(mean, 0, 2).astype(np.float64),
        np.moveaxis(quarters.min(axis=3), 0, 2).astype(np.float64),
        _straight(maps[len(CHANNELS) :], rows, start, end),
        np.stack(beyond, axis=1).astype(np.float64),
    )


def _straight(maps: Sequence[Map], rows: NDArray[np.int_], start: Floats, end: Floats) -> Floats:
    """A ruling stays in one row, where text that happens to be dark jumps up and down."""
    height, width = maps[0].shape
    cuts = start[:, None] + (end - start)[:, None] * np.linspace(0, 1, PIECES + 1)
    cuts = np.clip(np.round(cuts).astype(int), 0, width)
    steps = np.maximum(cuts[:, 1:] - cuts[:, :-1], 1)
    whole = np.maximum(cuts[:, -1] - cuts[:, 0], 1)
    near = np.clip(rows[:, None] + np.array(OFFSETS), 0, height - 1)
    picked = _running_sums(maps, near)
    mean = (picked[..., cuts[:, -1]] - picked[..., cuts[:, 0]]) / whole
    best = mean[0].argmax(axis=1)
    dip, share = (np.take_along_axis(part, best[:, None], axis=1)[:, 0] for part in mean)
    pieces = (picked[0][..., cuts[:, 1:]] - picked[0][..., cuts[:, :-1]]) / steps
    # A piece shorter than a pixel says nothing; its neighbours do.
    pieces = np.where(cuts[:, 1:] > cuts[:, :-1], pieces, np.inf).min(axis=3)
    weakest = np.take_along_axis(pieces, best[:, None], axis=1)[:, 0]
    weakest = np.where(np.isfinite(weakest), weakest, dip)
    return np.stack([dip, weakest, share], axis=2).astype(np.float64)


def _reference(across: _Sides, down: _Sides) -> tuple[float, float]:
    """How dark and how coloured the table's plain rulings are, by the median of the sure ones."""
    dip, chroma, near = (CHANNELS.index(name) for name in ("dip", "chroma", "near"))
    every = np.concatenate([part.mean.reshape(-1, len(CHANNELS)) for part in (across, down)])
    sure = every[every[:, near] > 0.9]
    if not len(sure):
        sure = every
    return float(np.median(sure[:, dip])), float(np.median(sure[:, chroma]))


def _measures(
    sides: _Sides,
    others: _Sides,
    lines: Floats,
    crossings: Floats,
    scale: float,
    reference: tuple[float, float],
) -> Floats:
    near, dip, chroma = (sides.mean[:, :, CHANNELS.index(n)] for n in ("near", "dip", "chroma"))
    likely_weakest = sides.weakest[:, :, CHANNELS.index("likely")]
    dip_weakest = sides.weakest[:, :, CHANNELS.index("dip")]
    lengths = np.diff(crossings) * scale
    share = lengths / lengths.sum()
    shape = near.shape
    gaps = np.diff(lines) * scale
    crossing_near = others.mean[:, :, CHANNELS.index("near")]
    at_crossing = _crossing(crossing_near, len(lines))
    outer = np.zeros(len(lines))
    outer[[0, -1]] = 1
    return np.concatenate(
        [
            sides.mean,
            np.stack(
                [
                    likely_weakest,
                    dip_weakest,
                    *_neighbours(near),
                    *_neighbours(dip),
                    np.broadcast_to((near @ share)[:, None], shape),
                    np.broadcast_to((dip @ share)[:, None], shape),
                    np.broadcast_to(_longest_run(near > 0.8, lengths)[:, None], shape),
                    *(np.broadcast_to(part[:, None], shape) for part in sides.beyond.T),
                    at_crossing[:, :-1],
                    at_crossing[:, 1:],
                    np.broadcast_to(np.log1p(np.append(60.0, gaps))[:, None], shape),
                    np.broadcast_to(np.log1p(np.append(gaps, 60.0))[:, None], shape),
                    np.broadcast_to(np.log1p(lengths), shape),
                    np.broadcast_to(outer[:, None], shape),
                    chroma - reference[1],
                    dip / max(reference[0], 1e-3),
                    *_past(near),
                    *np.moveaxis(sides.straight, 2, 0),
                    sides.straight[:, :, 0] / max(reference[0], 1e-3),
                ],
                axis=2,
            ),
        ],
        axis=2,
    )


def _neighbours(values: Floats) -> tuple[Floats, Floats]:
    """The side before and the one after on the same line; −1 where the table ends."""
    padded = np.pad(values, ((0, 0), (1, 1)), constant_values=-1.0)
    return padded[:, :-2], padded[:, 2:]


def _past(values: Floats) -> tuple[Floats, Floats]:
    """What all that lies before and after shows at most; −1 where nothing does."""
    padded = np.pad(values, ((0, 0), (1, 1)), constant_values=-1.0)
    before = np.maximum.accumulate(padded, axis=1)[:, :-2]
    after = np.maximum.accumulate(padded[:, ::-1], axis=1)[:, ::-1][:, 2:]
    return before, after


def _crossing(near: Floats, lines: int) -> Floats:
    """How surely the crossing line is there at each crossing: the better of its two sides
    next to the line. ``near`` is crossings × gaps; lines × crossings come back."""
    padded = np.pad(near, ((0, 0), (1, 1)), constant_values=0.0)
    best = np.maximum(padded[:, :-1], padded[:, 1:])
    return np.asarray(best.T[:lines])


def _longest_run(seen: NDArray[np.bool_], lengths: Floats) -> Floats:
    """The longest stretch on end that is seen, as a share of the line."""
    longest = np.zeros(len(seen))
    running = np.zeros(len(seen))
    for gap in range(seen.shape[1]):
        running = np.where(seen[:, gap], running + lengths[gap], 0.0)
        longest = np.maximum(longest, running)
    return np.asarray(longest / lengths.sum())
