"""What a lattice's sides show: the page under them, and their fellows once those are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from extraction.grid.lattice import Lattice
from extraction.grid.lines import Map
from extraction.grid.side_maps import CHANNELS, DARK, FILL_STEP, SideMaps
from extraction.values import Axis

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Measured = NDArray[np.floating[Any]]

MEASURES: Final = (
    *CHANNELS,
    *("weakest_likely", "weakest_dip", "before_near", "after_near", "before_dip", "after_dip"),
    *("line_near", "line_dip", "line_longest"),
    *("beyond_start", "far_beyond_start", "beyond_end", "far_beyond_end"),
    *("beyond_start_dip", "far_beyond_start_dip", "beyond_end_dip", "far_beyond_end_dip"),
    *("start_crossing", "end_crossing", "gap_before", "gap_after", "length", "outer"),
    *("chroma_excess", "dip_share", "open_start", "open_end"),
    *("straight_dip", "straight_weakest", "straight_share", "straight_excess"),
    *("fill_step", "fill_step_weakest", "seen"),
)
CONTEXT: Final = (
    *("own", "before", "after", "above", "below"),
    *("line_for", "line_against", "line_count", "line_best"),
    *("start_above", "start_below", "end_above", "end_below", "start_through", "end_through"),
    *("first", "last"),
)
"""What is said of a side once all have been judged: log odds of its own, of its neighbours
along the line and beside it, of the rest of the line, and of the sides that meet its ends."""
OFFSETS = (-2, -1, 0, 1, 2)
QUARTERS = 4
PIECES = 8
BEYOND_PX = ((3, 13), (13, 45))
"""How far past the table a line is followed, from and to, in pixels of the maps. A streak of a
copier goes on and on; a stroke of a title that happens to stand there does not."""
LINE_BEYOND = 0.15
"""The share of the nearer stretch that must look like a ruling to be taken for a streak."""
APART_PX, APART_RUN = (2, 10), 3
"""Where past the table's border to look for blank paper and how much of it, at twice the
resolution of the maps, so in sixths of a millimetre."""
MOST_LOGIT = 6.0
"""A first judgement counts no more than this (0.9975) for its neighbours."""


def lattice_to_measures(lattice: Lattice, maps: SideMaps) -> tuple[Floats, Floats]:
    """Measures of the sides across (ys × gaps of xs × measures) and of those down, turned
    round so that they, too, run along their second axis (xs × gaps of ys × measures)."""
    xs, ys = np.array(lattice.xs), np.array(lattice.ys)
    across = _line_sides(ys, xs, maps, "horizontal")
    down = _line_sides(xs, ys, maps, "vertical")
    reference = _reference(across, down)
    return (
        _measures(across, down, ys, xs, maps.scale, reference, lattice.across),
        _measures(down, across, xs, ys, maps.scale, reference, lattice.down.T),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Sides:
    """``mean`` and ``weakest`` (the least of the quarters): lines × gaps × channels;
    ``straight``: lines × gaps × 3, the dip along the one row that shows it best, the least
    of its pieces, and the share of it that is dark;
    ``fill_step``: lines × gaps × 2, the mean and the least of the quarters;
    ``beyond``: lines × 8, what the line shows past the table's ends, see ``MEASURES``."""

    mean: Floats
    weakest: Floats
    straight: Floats
    fill_step: Floats
    beyond: Floats


def _line_sides(lines: Floats, crossings: Floats, side_maps: SideMaps, axis: Axis) -> _Sides:
    maps, scale = side_maps.of(axis), side_maps.scale
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
    darkness, paper = side_maps.pictures_of(axis)[0], side_maps.shades[0]
    apart = [
        _stand_apart(darkness, 2 * lines * scale, 2 * edge, outwards, paper)
        for outwards, edge in ((-1, marks[0]), (1, marks[-1]))
    ]
    return _Sides(
        np.moveaxis(mean, 0, 2).astype(np.float64),
        np.moveaxis(quarters.min(axis=3), 0, 2).astype(np.float64),
        _straight(maps[len(CHANNELS) : FILL_STEP], rows, start, end),
        _fill_steps(maps[FILL_STEP], rows, cuts),
        _beyond(picked, marks[0], marks[-1], apart),
    )


def _beyond(sums: Floats32, start: float, end: float, apart: Sequence[Mask]) -> Floats:
    """What lines show past both ends of the table, lines × 8; ``sums`` are those of the
    ``CHANNELS`` along the lines. Nothing past an end where what looks like a line stands
    ``apart``."""
    near, dip = (sums[CHANNELS.index(name)] for name in ("near", "dip"))
    no_line = [
        stands_apart & (_past_end(near, edge, outwards, BEYOND_PX[0]) > LINE_BEYOND)
        for outwards, edge, stands_apart in ((-1, start, apart[0]), (1, end, apart[1]))
    ]
    seen = [
        np.where(nothing, 0.0, _past_end(channel, edge, outwards, reach))
        for channel in (near, dip)
        for outwards, edge, nothing in ((-1, start, no_line[0]), (1, end, no_line[1]))
        for reach in BEYOND_PX
    ]
    return np.stack(seen, axis=1).astype(np.float64)


def _stand_apart(picture: Map, lines: Floats, edge: float, outwards: int, paper: float) -> Mask:
    """Whether there is blank paper right past an end of the table, at each of the ``lines``.

    A streak runs through the border of a table; a stroke of a title and the bracket before its
    year keep off it, however well they stand in line with a column. ``picture`` is the darkness
    at twice the resolution of the maps, ``lines`` and ``edge`` in its pixels.
    """
    low, high = sorted(round(edge + outwards * far) for far in APART_PX)
    low, high = max(0, low), min(picture.shape[1], high)
    if high - low < APART_RUN:
        return np.zeros(len(lines), dtype=np.bool_)
    rows = np.clip(np.round(lines).astype(int)[:, None] + np.array([-1, 0, 1]), 0, len(picture) - 1)
    light = picture[rows, low:high].max(axis=1) < paper + DARK
    runs = np.all(sliding_window_view(light, APART_RUN, axis=1), axis=2)
    return np.asarray(np.any(runs, axis=1), dtype=np.bool_)


def _past_end(sums: Floats32, edge: float, outwards: int, reach: tuple[int, int]) -> Floats32:
    """The mean of each line over a stretch past an end of the table, in pixels of the maps."""
    width = sums.shape[-1] - 1
    ends = np.round(edge + outwards * np.array(reach)).astype(int)
    low, high = np.clip(np.sort(ends), 0, width)
    return np.asarray((sums[..., high] - sums[..., low]) / max(1, high - low), np.float32)


def _running_sums(maps: Sequence[Map], rows: NDArray[np.int_]) -> NDArray[np.float32]:
    """Along x, of some rows alone: maps × the shape of ``rows`` × (columns + 1)."""
    sums = np.zeros((len(maps), *rows.shape, maps[0].shape[1] + 1), np.float32)
    for part, total in zip(maps, sums, strict=True):
        np.cumsum(part[rows], axis=-1, out=total[..., 1:])
    return sums


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


def _fill_steps(map_: Map, rows: NDArray[np.int_], cuts: NDArray[np.int_]) -> Floats:
    """Of the row and its two neighbours the one that shows the step best."""
    near = np.clip(rows[:, None] + np.array([-1, 0, 1]), 0, map_.shape[0] - 1)
    (sums,) = _running_sums([map_], near)
    steps = np.maximum(cuts[:, 1:] - cuts[:, :-1], 1)
    quarters = (sums[..., cuts[:, 1:]] - sums[..., cuts[:, :-1]]) / steps
    best = np.stack([quarters.mean(axis=3).max(axis=1), quarters.min(axis=3).max(axis=1)], axis=2)
    return best.astype(np.float64)


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
    seen: Floats,
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
                    *np.moveaxis(sides.fill_step, 2, 0),
                    seen,
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


def judged_to_context(across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """``CONTEXT`` of the sides across and of those down, each lines × gaps × context.

    ``across`` (ys × gaps of xs) and ``down`` (xs × gaps of ys) are log odds of a first look.
    """
    across, down = (np.clip(odds, -MOST_LOGIT, MOST_LOGIT) for odds in (across, down))
    return _context(across, down), _context(down, across)


def with_context(
    across: Measured, down: Measured, odds: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """``MEASURES`` of the sides across and of those down, each followed by the ``CONTEXT`` that
    what was said of them (``odds``, as for ``judged_to_context``) makes."""
    of_across, of_down = judged_to_context(*odds)
    return np.concatenate([across, of_across], axis=2), np.concatenate([down, of_down], axis=2)


def _context(odds: Floats, crossing: Floats) -> Floats:
    along = np.pad(odds, ((0, 0), (1, 1)))
    beside = np.pad(odds, ((1, 1), (0, 0)))
    supports, objections = np.maximum(odds, 0), np.minimum(odds, 0)
    others = supports.sum(axis=1, keepdims=True) - supports
    against = objections - objections.sum(axis=1, keepdims=True)
    count = (odds > 0).sum(axis=1, keepdims=True) - (odds > 0)
    # The crossing lines' sides before and after each line, as lines × crossings.
    meeting = np.pad(crossing, ((0, 0), (1, 1))).T
    above, below = meeting[:-1], meeting[1:]
    first, last = np.zeros(odds.shape), np.zeros(odds.shape)
    first[:, 0], last[:, -1] = 1, 1
    return np.stack(
        [
            *(odds, along[:, :-2], along[:, 2:], beside[:-2], beside[2:]),
            *(np.log1p(others), np.log1p(against), np.log1p(count), _best_other(odds)),
            *(above[:, :-1], below[:, :-1], above[:, 1:], below[:, 1:]),
            np.minimum(above[:, :-1], below[:, :-1]),
            np.minimum(above[:, 1:], below[:, 1:]),
            *(first, last),
        ],
        axis=2,
    )


def _best_other(odds: Floats) -> Floats:
    """The surest of the other sides on the same line."""
    if odds.shape[1] < 2:
        return np.full(odds.shape, -MOST_LOGIT)
    ranked = np.sort(odds, axis=1)
    best, second = ranked[:, -1:], ranked[:, -2:-1]
    return np.where(odds == best, second, best)
