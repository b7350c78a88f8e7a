"""Fit the judge of sides: ``python -m models.train_sides``, after ``models.train_rulings``.

Each look is fitted to what the look before says of pages that it was not fitted to: of the
first two, one is fitted to each half of the pages and judges the other half. Those that ship
are fitted to all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from extraction.grid.side_measures import CONTEXT, MEASURES, Floats, Measured, with_context
from extraction.grid.sides import CLOSE_WEIGHTS, SIDE_WEIGHTS, Perceptron, is_doubtful, side_notes
from models.close_look import CloseLookNetwork, export_close_look, fit_close_look, look_closely
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
Model = TypeVar("Model")
Half = list[LatticeSides]


@dataclass(frozen=True, eq=False, slots=True)
class Examples:
    """``measures``: n × measures; ``printed``: n, 0 or 1; ``page``: n, whose they are."""

    measures: Floats32
    printed: Floats32
    page: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """``steps`` of a perceptron, ``epochs`` of the close look."""

    steps: int
    epochs: int
    seed: int


@dataclass(frozen=True, eq=False, slots=True)
class Judge:
    """``SideJudge`` while it is fitted."""

    first: Perceptron
    close: CloseLookNetwork
    last: Perceptron


@dataclass(frozen=True, eq=False, slots=True)
class FirstLook:
    """Log odds of all sides of a lattice, those across first, and what ``side_notes`` says."""

    odds: Floats
    notes: Floats32


def fit_judge(sides: Sequence[LatticeSides], settings: FitSettings) -> Judge:
    """All three looks, from lattices with what was printed."""
    steps, seed = settings.steps, settings.seed
    halves = [[one for one in sides if one.page % 2 == half] for half in (0, 1)]
    firsts = [fit(first_examples(half), steps, seed + 1 + n) for n, half in enumerate(halves)]
    # What either first look says of the half that it does not know.
    said = [[first_look(first, one) for one in half] for first, half in crossed(firsts, halves)]
    doubtful = [doubtful_examples(*each) for each in zip(halves, said, strict=True)]
    closes = [
        fit_close_look(*each, settings.epochs, seed + 4 + n) for n, each in enumerate(doubtful)
    ]
    lasts = [
        last_examples(half, looked_closer(half, known, close))
        for (close, half), known in zip(crossed(closes, halves), said, strict=True)
    ]
    patches, notes, printed = (np.concatenate(parts) for parts in zip(*doubtful, strict=True))
    return Judge(
        fit(first_examples(sides), steps, seed),
        fit_close_look(patches, notes, printed, settings.epochs, seed + 6),
        fit(_joined(lasts), steps, seed + 3),
    )


def crossed(models: Sequence[Model], halves: Sequence[Half]) -> list[tuple[Model, Half]]:
    """Each half with the model that was fitted to the other."""
    return [*zip(reversed(models), halves, strict=True)]


def first_examples(sides: Sequence[LatticeSides]) -> Examples:
    return _joined([_told(one, one.across, one.down) for one in sides])


def first_look(first: Perceptron, one: LatticeSides) -> FirstLook:
    measures = every_side(one.across, one.down)
    odds = first.log_odds(measures)
    return FirstLook(odds, side_notes(first, measures, odds).astype(np.float32))


def doubtful_examples(
    sides: Sequence[LatticeSides], said: Sequence[FirstLook]
) -> tuple[NDArray[np.uint8], Floats32, Floats32]:
    """Strips, notes, and whether a ruling was printed."""
    picked = [is_doubtful(look.odds) & is_told(one) for one, look in zip(sides, said, strict=True)]
    triples = [*zip(sides, said, picked, strict=True)]
    return (
        np.concatenate([one.patches[mask] for one, _, mask in triples]),
        np.concatenate([look.notes[mask] for _, look, mask in triples]),
        np.concatenate([one.printed[mask] >= PRINTED for one, _, mask in triples]).astype("f4"),
    )


def looked_closer(
    sides: Sequence[LatticeSides], said: Sequence[FirstLook], close: CloseLookNetwork
) -> list[Floats]:
    """Log odds of all sides: of the doubtful ones those of the close look."""
    looked = []
    for one, look in zip(sides, said, strict=True):
        picked = is_doubtful(look.odds)
        odds = look.odds.copy()
        odds[picked] = look_closely(close, one.patches[picked], look.notes[picked])
        looked.append(odds)
    return looked


def last_examples(sides: Sequence[LatticeSides], odds: Sequence[Floats]) -> Examples:
    examples = []
    for one, said in zip(sides, odds, strict=True):
        across = said[: one.printed_across.size].reshape(one.printed_across.shape)
        down = said[one.printed_across.size :].reshape(one.printed_down.shape)
        shown = with_context(one.across, one.down, (across, down))
        examples.append(_told(one, *shown))
    return _joined(examples)


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


def figures_of(judge: Judge, sides: Sequence[LatticeSides]) -> dict[str, float]:
    """On lattices that it was not fitted to."""
    said = [first_look(judge.first, one) for one in sides]
    examples = last_examples(sides, looked_closer(sides, said, judge.close))
    wrong = (judge.last.log_odds(examples.measures) > 0) != (examples.printed > 0.5)
    pages = np.bincount(examples.page, weights=wrong)
    pages = pages[np.bincount(examples.page) > 0]
    return {
        "sides": len(wrong),
        "wrong": round(float(wrong.mean()), 5),
        "pages_with_a_wrong_side": round(float((pages > 0).mean()), 4),
    }


def write_judge(judge: Judge, figures: dict[str, float], path: Path) -> None:
    """The close look goes beside ``path``."""
    stored = {
        "measures": list(MEASURES),
        "context": list(CONTEXT),
        "figures": figures,
        "first": _perceptron_to_stored(judge.first),
        "last": _perceptron_to_stored(judge.last),
    }
    path.write_text(json.dumps(stored) + "\n", encoding="utf-8")
    export_close_look(judge.close, path.with_name(CLOSE_WEIGHTS.name))


def is_told(one: LatticeSides) -> NDArray[np.bool_]:
    """Of which sides it is known whether they were printed."""
    return np.asarray((one.printed >= PRINTED) | (one.printed < BLANK))


def _told(one: LatticeSides, across: Measured, down: Measured) -> Examples:
    told, every = is_told(one), every_side(across, down)
    return Examples(
        every[told].astype(np.float32),
        (one.printed[told] >= PRINTED).astype(np.float32),
        np.full(int(told.sum()), one.page),
    )


def every_side(across: Measured, down: Measured) -> Measured:
    """All sides × measures, those across first."""
    return np.concatenate([part.reshape(-1, part.shape[2]) for part in (across, down)])


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
    parser.add_argument("--forms", type=int, default=640)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kept", action="store_true", help="take the sides measured before")
    parser.add_argument("--out", type=Path, default=SIDE_WEIGHTS)
    options = parser.parse_args()
    first = FIRST_SEED + 10_000 * options.seed
    if not options.kept:
        seeds = range(first, first + options.forms)
        write_sides(make_sides(seeds, "train", options.processes), BUILD / "train.npz")
        seeds = range(first, first + max(10, options.forms // 20))
        write_sides(make_sides(seeds, "test", options.processes), BUILD / "test.npz")
    settings = FitSettings(options.steps, options.epochs, options.seed)
    judge = fit_judge(read_sides(BUILD / "train.npz"), settings)
    figures = figures_of(judge, read_sides(BUILD / "test.npz"))
    print(json.dumps(figures))
    write_judge(judge, figures, options.out)


if __name__ == "__main__":
    main()
