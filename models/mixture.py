"""Batches of a fine-tuning: every step shows some samples of each part, each part apart.

Drawn from one heap, short samples come together in a few batches: a form type of short
documents would be learnt in one step of twenty, and the forms that look like it in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.samples import (
    Sample,
    Variation,
    batches_of,
    pad_labels,
    samples_to_inputs,
    vary_sample,
)
from models.tokens import Vocabulary

LEAST_TOKENS = 256

Inputs = dict[str, Tensor]
Batch = dict[str, Inputs]
"""Inputs and labels by the name of their part."""


@dataclass(frozen=True, slots=True)
class Part:
    """``share`` of each step's tokens and of its loss is given to these samples."""

    name: str
    samples: Sequence[Sample]
    share: float


@dataclass(frozen=True, slots=True)
class PlanSettings:
    seed: int
    steps: int
    tokens: int
    variation: Variation


def share_out(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts that have samples, their shares making up 1."""
    filled = [part for part in parts if part.samples]
    total = sum(part.share for part in filled)
    return tuple(Part(part.name, part.samples, part.share / total) for part in filled)


class MixedSteps(Dataset[Batch]):
    """The batches of each step, which the seed and the step's number alone decide."""

    def __init__(
        self, parts: Sequence[Part], vocabulary: Vocabulary, settings: PlanSettings
    ) -> None:
        self._vocabulary, self._settings = vocabulary, settings
        self._plans = {
            part.name: _plan(part, number, settings) for number, part in enumerate(parts)
        }

    def __len__(self) -> int:
        return self._settings.steps

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self._settings.seed, 1, step))
        variation = self._settings.variation
        return {
            name: samples_to_tensors(
                [vary_sample(sample, variation, self._vocabulary, rng) for sample in plan[step]]
            )
            for name, plan in self._plans.items()
        }


def fixed_batches(parts: Sequence[Part], tokens: int) -> list[tuple[str, float, Inputs]]:
    """All samples as they are: part, share of the whole, inputs."""
    batches = []
    for part in parts:
        own = list(batches_of(part.samples, tokens, np.random.default_rng(0)))
        batches += [(part.name, part.share / len(own), samples_to_tensors(b)) for b in own]
    return batches


def samples_to_tensors(samples: Sequence[Sample]) -> Inputs:
    arrays = samples_to_inputs(samples) | {"labels": pad_labels(samples)}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _plan(part: Part, number: int, settings: PlanSettings) -> list[list[Sample]]:
    tokens = max(LEAST_TOKENS, round(part.share * settings.tokens))
    batches = _endless(part.samples, tokens, (settings.seed, number))
    return [next(batches) for _ in range(settings.steps)]


def _endless(
    samples: Sequence[Sample], tokens: int, seed: tuple[int, int]
) -> Iterator[list[Sample]]:
    epoch = 0
    while True:
        yield from batches_of(samples, tokens, np.random.default_rng((*seed, epoch)))
        epoch += 1
