"""How sure it is that a ruling runs between two crossings: two looks of small networks.

The lattice of a scanned table names every stretch on which a ruling may be printed. For each
of them the maps of the ruling network, the dark line on the page itself, its colour, the paper
and the text beside it are measured, and a perceptron that was fitted on simulated scans
(``models.train_sides``) makes one probability of them. A second one sees the same and what the
first said of the side's fellows: of the rest of its line, of the lines that meet its ends, of
the lines beside it. So a stroke of a seal, a streak of a copier or a row of text that the
ruling network took for a ruling is refused, and a faint line that it missed is kept where the
table needs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extraction.engines import Engine
from extraction.errors import ModelError
from extraction.grid.grids import Judge
from extraction.grid.lattice import Lattice
from extraction.grid.lines import Evidence, RulingNetwork, load_ruling_network
from extraction.grid.side_maps import SideMaps, page_to_side_maps
from extraction.grid.side_measures import (
    CONTEXT,
    MEASURES,
    Floats,
    lattice_to_measures,
    second_measures,
)
from extraction.values import Image

SIDE_WEIGHTS = Path(__file__).parents[1] / "weights" / "sides.json"
TRUST = 0.75
"""The judge's share in a probability. He knows too few rare layouts to be trusted alone."""


@dataclass(frozen=True, eq=False, slots=True)
class Perceptron:
    """Two hidden layers; ``mean`` and ``spread`` bring measures to one scale."""

    mean: Floats
    spread: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def log_odds(self, measures: NDArray[np.floating[Any]]) -> Floats:
        """… × measures → …"""
        values = np.clip((measures - self.mean) / self.spread, -5, 5)
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias, 0)
        weights, bias = self.layers[-1]
        return np.asarray((values @ weights + bias)[..., 0])


@dataclass(frozen=True, eq=False, slots=True)
class SideJudge:
    """``first`` looks at ``MEASURES``, ``second`` at these and at ``CONTEXT``."""

    first: Perceptron
    second: Perceptron

    def probabilities(self, across: Floats, down: Floats) -> tuple[Floats, Floats]:
        """Of sides across and of sides down, each lines × gaps; measures as they come from
        ``lattice_to_measures``."""
        shown = second_measures(self.first.log_odds, across, down)
        one, other = (1 / (1 + np.exp(-self.second.log_odds(each))) for each in shown)
        return one, other


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
    if (*stored["measures"], *stored.get("context", ())) != (*MEASURES, *CONTEXT):
        raise ModelError("the weights of the sides were fitted to other measures; train them again")
    return SideJudge(
        _stored_to_perceptron(stored["first"]), _stored_to_perceptron(stored["second"])
    )


def judge_sides(lattice: Lattice, maps: SideMaps, sides: SideJudge) -> Lattice:
    """The lattice with a probability for each side, in which what was seen keeps a share."""
    across, down = sides.probabilities(*lattice_to_measures(lattice, maps))
    return replace(
        lattice,
        across=TRUST * across + (1 - TRUST) * lattice.across,
        down=TRUST * down.T + (1 - TRUST) * lattice.down,
    )


def _stored_to_perceptron(stored: Mapping[str, Any]) -> Perceptron:
    return Perceptron(
        np.array(stored["mean"]),
        np.array(stored["spread"]),
        tuple((np.array(layer["weights"]), np.array(layer["bias"])) for layer in stored["layers"]),
    )
