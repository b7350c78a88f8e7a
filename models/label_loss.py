"""The loss of labels that may be missing, or known only as far as that no field stands there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from extraction.declarations import KEY_LABEL, OTHER_LABEL

NO_LABEL = -100
NO_FIELD = -1
"""The label of a word of which people only said that it belongs to no field: whether it is a
printed key they were not asked. Taken for no key, it would unteach the keys of all forms."""


@dataclass(frozen=True, slots=True)
class LabelLoss:
    """``weights`` of each label; ``key`` and ``other`` are the numbers of theirs."""

    weights: Tensor
    smoothing: float
    key: int
    other: int

    @classmethod
    def of(cls, labels: Sequence[str], weights: Tensor, smoothing: float) -> Self:
        return cls(weights, smoothing, labels.index(KEY_LABEL), labels.index(OTHER_LABEL))

    def of_logits(self, logits: Tensor, labels: Tensor, is_smooth: bool = True) -> Tensor:
        """The weighted mean over all tokens that have a label."""
        flat = labels.flatten()
        known = flat != NO_LABEL
        flat, chances = flat[known], logits.flatten(0, 1)[known].float().log_softmax(-1)
        if not len(flat):
            return logits.sum() * 0.0
        smoothing = self.smoothing if is_smooth else 0.0
        chosen = torch.where(flat == NO_FIELD, self.other, flat)
        sharp = chances.gather(1, chosen[:, None])[:, 0]
        of_label = (1 - smoothing) * sharp + smoothing * chances.mean(-1)
        of_either = torch.logaddexp(chances[:, self.key], chances[:, self.other])
        weights = self.weights.to(logits.device)[chosen]
        gained = torch.where(flat == NO_FIELD, of_either, of_label)
        return -(gained * weights).sum() / weights.sum()
