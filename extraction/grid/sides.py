"""How sure it is that a ruling runs between two crossings: three looks of small networks.

The lattice of a scanned table names every stretch on which a ruling may be printed. For each
of them the maps of the ruling network, the dark line on the page itself, its colour, the paper
and the text beside it are measured, and a perceptron that was fitted on simulated scans
(``models.train_sides``) makes one probability of them. Where it is not sure, a convolutional
network looks at the picture of the side itself, at twice the resolution of the maps: a ruling
touches the lines that it meets, a stroke of a character stands in the middle of its cell. A
last perceptron sees the measures and what was said of the side's fellows: of the rest of its
line, of the lines that meet its ends, of the lines beside it. So a stroke of a seal, a streak
of a copier or a row of text that the ruling network took for a ruling is refused, and a faint
line that it missed is kept where the table needs it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import Engine, open_runner
from extraction.errors import ModelError
from extraction.grid.grids import Judge
from extraction.grid.lattice import Lattice
from extraction.grid.lines import (
    PLAIN_PROBABILITY,
    Evidence,
    RulingNetwork,
    load_ruling_network,
)
from extraction.grid.side_maps import SideMaps, page_to_side_maps
from extraction.grid.side_measures import (
    CONTEXT,
    MEASURES,
    MOST_LOGIT,
    Floats,
    lattice_to_measures,
    with_context,
)
from extraction.grid.side_patches import Patches, sides_to_patches, with_notes
from extraction.values import Page

SIDE_WEIGHTS = Path(__file__).parents[1] / "weights" / "sides.json"
CLOSE_WEIGHTS = SIDE_WEIGHTS.with_name("close_look.onnx")
PLAIN_SIDE = 0.9
"""Of a side's length: a ruling that is plain to see there needs no judgement."""
UNPRINTED, HARDLY_LIKELY, DARK_LINE = 0.02, 0.8, 0.6
"""Of a side: share that is dark and probability in the maps up to which nothing of it is printed;
and how dark its line is in the mean, where it is a printed one."""
DOUBTFUL = 5.0
"""Log odds (0.993) within which a side is looked at closely."""


@dataclass(frozen=True, eq=False, slots=True)
class Perceptron:
    """Two hidden layers; ``mean`` and ``spread`` bring measures to one scale."""

    mean: Floats
    spread: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def scaled(self, measures: NDArray[np.floating[Any]]) -> Floats:
        return np.asarray(np.clip((measures - self.mean) / self.spread, -5, 5))

    def log_odds(self, measures: NDArray[np.floating[Any]]) -> Floats:
        """… × measures → …"""
        values = self.scaled(measures)
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias, 0)
        weights, bias = self.layers[-1]
        return np.asarray((values @ weights + bias)[..., 0])


CloseLook = Callable[[Patches], NDArray[np.float32]]
"""What ``with_notes`` makes, n × channels × across × along → n × 1 log odds."""


@dataclass(frozen=True, eq=False, slots=True)
class SideJudge:
    """``first`` looks at ``MEASURES``, ``close`` at pictures of doubtful sides, ``last`` at the
    measures and at ``CONTEXT``."""

    first: Perceptron
    close: CloseLook
    last: Perceptron

    def probabilities(self, lattice: Lattice, maps: SideMaps) -> tuple[Floats, Floats]:
        """Of sides across (ys × gaps of xs) and of sides down (xs × gaps of ys)."""
        measures = lattice_to_measures(lattice, maps)
        odds = self.first.log_odds(measures[0]), self.first.log_odds(measures[1])
        doubtful = tuple(map(is_doubtful, odds))
        patches = sides_to_patches(lattice, maps, *doubtful)
        for said, shown, picked, strips in zip(odds, measures, doubtful, patches, strict=True):
            if len(strips):
                notes = side_notes(self.first, shown[picked], said[picked])
                said[picked] = self.close(with_notes(strips, notes))[:, 0]
        judged = map(self.last.log_odds, with_context(*measures, odds))
        across, down = (1 / (1 + np.exp(-each)) for each in judged)
        down[:, rows_between_tables(down, measures[1])] = 0.0
        return across, down


def rows_between_tables(down: Floats, measures: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """The rows of a lattice where a heading stands between two tables, by the sides ``down`` (xs ×
    rows) and their ``measures``.

    Nothing but the outer sides is said to part such a row, and of those nothing is printed, though
    above and below their lines are dark: the ruling network bridged the gap, as it does those of
    a fax. The first and last row of a table have one line to go by, and may be filled dark.
    """
    likely, dark, line = (
        measures[[0, -1], :, MEASURES.index(name)] for name in ("likely", "dark_line", "line_dip")
    )
    unseen = (dark <= UNPRINTED).all(axis=0) & (likely < HARDLY_LIKELY).all(axis=0)
    parted = (down[1:-1] >= 0.5).any(axis=0)
    between = np.asarray(unseen & (line >= DARK_LINE).all(axis=0) & ~parted, dtype=np.bool_)
    between[[0, -1]] = False
    return between


def is_doubtful(odds: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which sides the first look was not sure of."""
    return np.asarray(np.abs(odds) < DOUBTFUL)


def side_notes(
    first: Perceptron, measures: NDArray[np.floating[Any]], odds: NDArray[np.floating[Any]]
) -> Floats:
    """What the close look is told of n sides beside their pictures: what the first look said,
    and its measures. n × (1 + measures)"""
    said = np.clip(odds, -MOST_LOGIT, MOST_LOGIT) / MOST_LOGIT
    return np.column_stack([said, first.scaled(measures)])


@dataclass(frozen=True, eq=False, slots=True)
class RulingModels:
    """What sees rulings: the network that draws the maps, and the judge of each side, without
    which the maps alone decide."""

    network: RulingNetwork
    sides: SideJudge | None

    def judge(self, evidence: Evidence, page: Page) -> Judge | None:
        """Judges the lattices of ``page``, on which ``evidence`` was seen."""
        if self.sides is None:
            return None
        maps = page_to_side_maps(page.image, page.dpi, evidence, page.grey)
        return partial(judge_sides, maps=maps, sides=self.sides)


def load_ruling_models(engine: Engine, threads: int) -> RulingModels:
    """Both as they ship with the package, ready to run."""
    return RulingModels(load_ruling_network(engine, threads), load_side_judge())


def load_side_judge(path: Path = SIDE_WEIGHTS, close: Path = CLOSE_WEIGHTS) -> SideJudge:
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"the weights of the sides cannot be read: {error}") from error
    if (*stored["measures"], *stored.get("context", ())) != (*MEASURES, *CONTEXT):
        raise ModelError("the weights of the sides were fitted to other measures; train them again")
    return SideJudge(
        _stored_to_perceptron(stored["first"]),
        # Too small to gain from another engine.
        open_runner(close, "onnxruntime", threads=1, streams=1).run,
        _stored_to_perceptron(stored["last"]),
    )


def judge_sides(lattice: Lattice, maps: SideMaps, sides: SideJudge) -> Lattice:
    """The lattice with a probability for each side."""
    across, down = sides.probabilities(lattice, maps)
    if maps.plain is not None:
        xs, ys = (np.array(lines) * maps.scale for lines in (lattice.xs, lattice.ys))
        across[_share_covered(maps.plain[0], ys, xs) >= PLAIN_SIDE] = PLAIN_PROBABILITY
        down[_share_covered(maps.plain[1].T, xs, ys) >= PLAIN_SIDE] = PLAIN_PROBABILITY
    return replace(lattice, across=across, down=down.T)


def _share_covered(plain: NDArray[np.bool_], at: Floats, crossings: Floats) -> Floats:
    """How much of each stretch between two of ``crossings`` is ruled, on each of the lines ``at``
    and a pixel beside it; lines × stretches. Lines run along the rows of ``plain``."""
    near = cv2.dilate(plain.astype(np.uint8), np.ones((3, 1), np.uint8))
    sums = np.pad(np.cumsum(near, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    rows = np.clip(at.astype(int), 0, sums.shape[0] - 1)
    ends = np.clip(np.round(crossings).astype(int), 0, sums.shape[1] - 1)
    ruled = np.diff(sums[np.ix_(rows, ends)], axis=1)
    return np.asarray(ruled / np.maximum(1, np.diff(ends)), dtype=np.float64)


def _stored_to_perceptron(stored: Mapping[str, Any]) -> Perceptron:
    return Perceptron(
        np.array(stored["mean"]),
        np.array(stored["spread"]),
        tuple((np.array(layer["weights"]), np.array(layer["bias"])) for layer in stored["layers"]),
    )
