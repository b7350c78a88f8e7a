"""Fit the judge of sides: ``python -m models.train_sides``, after ``models.train_rulings``."""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from extraction.grid.sides import MEASURES, SIDE_WEIGHTS
from models.side_dataset import Sides, make_sides, read_sides, write_sides

BUILD = Path("build/sides")
FIRST_SEED = 300_000
HIDDEN = (32, 16)
BATCH = 4096


def train(sides: Sides, steps: int, seed: int) -> tuple[nn.Sequential, NDArray, NDArray]:  # type: ignore[type-arg]
    """The perceptron, and the mean and spread by which its input is scaled."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = sides.measures.mean(0), sides.measures.std(0) + 1e-3
    scaled = torch.from_numpy(np.clip((sides.measures - mean) / spread, -5, 5))
    printed = torch.from_numpy(sides.printed)
    widths = (len(MEASURES), *HIDDEN)
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    weights = torch.from_numpy(page_weights(sides))
    for step in range(1, steps + 1):
        drawn = rng.integers(0, len(printed), BATCH)
        batch = torch.from_numpy(drawn)
        logits = network(scaled[batch])[:, 0]
        loss = functional.binary_cross_entropy_with_logits(
            logits, printed[batch], weight=weights[batch]
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.4f}", flush=True)
    return network, mean, spread


def page_weights(sides: Sides) -> NDArray[np.float32]:
    """A page of many sides counts more than one of few, but not in proportion."""
    count = np.bincount(sides.page)[sides.page]
    weights = 1 / np.sqrt(count)
    return np.asarray(weights / weights.mean(), np.float32)


def figures_of(
    network: nn.Sequential,
    mean: NDArray[np.float32],
    spread: NDArray[np.float32],
    sides: Sides,
) -> dict[str, float]:
    """Share of wrong sides and of pages with a wrong side, at probability one half."""
    with torch.no_grad():
        scaled = np.clip((sides.measures - mean) / spread, -5, 5)
        found = network(torch.from_numpy(scaled))[:, 0].numpy() > 0
    wrong = found != (sides.printed > 0.5)
    pages = np.bincount(sides.page, weights=wrong)
    return {
        "sides": len(wrong),
        "wrong": round(float(wrong.mean()), 5),
        "tables_with_a_wrong_side": round(float((pages > 0).mean()), 4),
    }


def export(
    network: nn.Sequential,
    mean: NDArray[np.float32],
    spread: NDArray[np.float32],
    figures: dict[str, float],
    path: Path,
) -> None:
    def rounded(values: NDArray[np.float32]) -> object:
        return np.round(values.astype(np.float64), 5).tolist()

    layers = [
        {
            "weights": rounded(layer.weight.detach().numpy().T),
            "bias": rounded(layer.bias.detach().numpy()),
        }
        for layer in network
        if isinstance(layer, nn.Linear)
    ]
    stored = {
        "measures": list(MEASURES),
        "figures": figures,
        "mean": rounded(mean),
        "spread": rounded(spread),
        "layers": layers,
    }
    path.write_text(json.dumps(stored) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=500)
    parser.add_argument("--steps", type=int, default=4000)
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
    network, mean, spread = train(read_sides(BUILD / "train.npz"), options.steps, options.seed)
    figures = figures_of(network, mean, spread, read_sides(BUILD / "test.npz"))
    print(json.dumps(figures))
    export(network, mean, spread, figures, options.out)


if __name__ == "__main__":
    main()
