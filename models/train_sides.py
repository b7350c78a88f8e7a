"""Fit the judge of sides: ``python -m models.train_sides``, after ``models.train_rulings``.

Its second look is fitted to what a first look says of pages that it was not fitted to: two
first looks, each fitted to half of the pages, judge the other half. The first look that ships
is fitted to all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from extraction.grid.side_measures import CONTEXT, MEASURES, second_measures
from extraction.grid.sides import SIDE_WEIGHTS, Perceptron, SideJudge
from models.side_dataset import LatticeSides, make_sides, read_sides, write_sides

BUILD = Path("build/sides")
FIRST_SEED = 300_000
HIDDEN = (48, 24)
BATCH = 4096
DROPOUT = 0.25
PRINTED = 0.6
"""A side of which this share is printed is there; below ``BLANK`` it is not; what lies
between says nothing (a separator that is a little off)."""
BLANK = 0.25

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Examples:
    """``measures``: n × measures; ``printed``: n, 0 or 1; ``page``: n, whose they are."""

    measures: Floats32
    printed: Floats32
    page: NDArray[np.int64]


def fit_judge(sides: Sequence[LatticeSides], steps: int, seed: int) -> SideJudge:
    """Both looks, from lattices with what was printed."""
    halves = [[one for one in sides if one.page % 2 == half] for half in (0, 1)]
    first = fit(first_examples(sides), steps, seed)
    halfway = [fit(first_examples(half), steps, seed + 1 + n) for n, half in enumerate(halves)]
    seconds = [
        second_examples(half, other) for half, other in zip(halves, reversed(halfway), strict=True)
    ]
    return SideJudge(first, fit(_joined(seconds), steps, seed + 3))


def first_examples(sides: Sequence[LatticeSides]) -> Examples:
    return _joined([_told(one, one.across, one.down) for one in sides])


def second_examples(sides: Sequence[LatticeSides], first: Perceptron) -> Examples:
    return _joined(
        [_told(one, *second_measures(first.log_odds, one.across, one.down)) for one in sides]
    )


def fit(examples: Examples, steps: int, seed: int) -> Perceptron:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = examples.measures.mean(0), examples.measures.std(0) + 1e-3
    scaled = torch.from_numpy(np.clip((examples.measures - mean) / spread, -5, 5))
    printed = torch.from_numpy(examples.printed)
    weights = torch.from_numpy(page_weights(examples))
    network = _network(examples.measures.shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for step in range(1, steps + 1):
        batch = torch.from_numpy(rng.integers(0, len(printed), BATCH))
        loss = functional.binary_cross_entropy_with_logits(
            network(scaled[batch])[:, 0], printed[batch], weight=weights[batch]
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.4f}", flush=True)
    return _network_to_perceptron(network, mean, spread)


def page_weights(examples: Examples) -> Floats32:
    """A page of many sides counts more than one of few, but not in proportion."""
    weights = 1 / np.sqrt(np.bincount(examples.page)[examples.page])
    return np.asarray(weights / weights.mean(), np.float32)


def figures_of(judge: SideJudge, sides: Sequence[LatticeSides]) -> dict[str, float]:
    """Share of wrong sides and of pages with a wrong side, at probability one half."""
    examples = second_examples(sides, judge.first)
    wrong = (judge.second.log_odds(examples.measures) > 0) != (examples.printed > 0.5)
    pages = np.bincount(examples.page, weights=wrong)
    pages = pages[np.bincount(examples.page) > 0]
    return {
        "sides": len(wrong),
        "wrong": round(float(wrong.mean()), 5),
        "pages_with_a_wrong_side": round(float((pages > 0).mean()), 4),
    }


def write_judge(judge: SideJudge, figures: dict[str, float], path: Path) -> None:
    stored = {
        "measures": list(MEASURES),
        "context": list(CONTEXT),
        "figures": figures,
        "first": _perceptron_to_stored(judge.first),
        "second": _perceptron_to_stored(judge.second),
    }
    path.write_text(json.dumps(stored) + "\n", encoding="utf-8")


def _told(
    one: LatticeSides, across: NDArray[np.floating[Any]], down: NDArray[np.floating[Any]]
) -> Examples:
    """The sides of which it is known whether they were printed, with these measures."""
    shares = one.printed
    told = (shares >= PRINTED) | (shares < BLANK)
    every = np.concatenate([part.reshape(-1, part.shape[2]) for part in (across, down)])
    return Examples(
        every[told].astype(np.float32),
        (shares[told] >= PRINTED).astype(np.float32),
        np.full(int(told.sum()), one.page),
    )


def _joined(examples: Sequence[Examples]) -> Examples:
    return Examples(
        np.concatenate([one.measures for one in examples]),
        np.concatenate([one.printed for one in examples]),
        np.concatenate([one.page for one in examples]),
    )


def _network(measures: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for wide, narrow in pairwise((measures, *HIDDEN)):
        layers += [nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers, nn.Linear(HIDDEN[-1], 1))


def _network_to_perceptron(network: nn.Sequential, mean: Floats32, spread: Floats32) -> Perceptron:
    """Rounded as it is stored, so that its figures are those of what ships."""

    def rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.round(values.astype(np.float64), 5))

    return Perceptron(
        rounded(mean),
        rounded(spread),
        tuple(
            (rounded(layer.weight.detach().numpy().T), rounded(layer.bias.detach().numpy()))
            for layer in network
            if isinstance(layer, nn.Linear)
        ),
    )


def _perceptron_to_stored(perceptron: Perceptron) -> dict[str, object]:
    return {
        "mean": perceptron.mean.tolist(),
        "spread": perceptron.spread.tolist(),
        "layers": [
            {"weights": weights.tolist(), "bias": bias.tolist()}
            for weights, bias in perceptron.layers
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=300)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kept", action="store_true", help="take the sides measured before")
    parser.add_argument("--out", type=Path, default=SIDE_WEIGHTS)
    options = parser.parse_args()
    first = FIRST_SEED + 10_000 * options.seed
    if not options.kept:
        seeds = range(first, first + options.forms)
        write_sides(make_sides(seeds, "train", options.processes), BUILD / "train.npz")
        seeds = range(first, first + max(10, options.forms // 8))
        write_sides(make_sides(seeds, "test", options.processes), BUILD / "test.npz")
    judge = fit_judge(read_sides(BUILD / "train.npz"), options.steps, options.seed)
    figures = figures_of(judge, read_sides(BUILD / "test.npz"))
    print(json.dumps(figures))
    write_judge(judge, figures, options.out)


if __name__ == "__main__":
    main()
