"""What the labels of words say about a cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from extraction.values import LabelledWord, Word

Labelled = Mapping[Word, LabelledWord]

_FLOOR = 1e-3
_LABELS_LEFT = 30
"""Labels that share what the two best leave over; only the order of magnitude matters."""
_WORDS_THAT_COUNT = 3
"""Words of one cell err together, so more of them say no more."""


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """``probability`` is the geometric mean over the words, ``margin`` the mean lead.

    ``log_odds`` is the capped sum of the words' log-probabilities over an even guess:
    above 0 speaks for the label, below against it. ``words`` is 0 where nothing was labelled.
    """

    probability: float = 0.0
    margin: float = 0.0
    log_odds: float = 0.0
    words: int = 0


def find_label_evidence(words: Iterable[Word], labelled: Labelled, label: str) -> LabelEvidence:
    """The evidence that ``words`` together bear ``label``."""
    found = [labelled[word] for word in words if word in labelled]
    if not found:
        return LabelEvidence()
    logs = [math.log(word_probability(item, label)) for item in found]
    mean = sum(logs) / len(logs)
    margin = sum(_margin(item, label) for item in found) / len(found)
    weight = min(len(found), _WORDS_THAT_COUNT)
    odds = weight * (mean + math.log(_LABELS_LEFT))
    return LabelEvidence(math.exp(mean), margin, max(-8.0, min(8.0, odds)), len(found))


def word_probability(item: LabelledWord, label: str) -> float:
    if item.label == label:
        return max(item.probability, _FLOOR)
    if item.runner_up == label:
        return max(item.runner_up_probability, _FLOOR)
    rest = 1.0 - item.probability - item.runner_up_probability
    return max(rest / _LABELS_LEFT, _FLOOR)


def best_label(words: Iterable[Word], labelled: Labelled) -> str | None:
    """The label with the largest summed probability; None where nothing was labelled."""
    sums: dict[str, float] = {}
    for word in words:
        item = labelled.get(word)
        if item is not None:
            sums[item.label] = sums.get(item.label, 0.0) + item.probability
    return max(sums, key=lambda label: sums[label]) if sums else None


def _margin(item: LabelledWord, label: str) -> float:
    if item.label == label:
        return item.probability - item.runner_up_probability
    return word_probability(item, label) - item.probability
