"""How well words are labelled: accuracy, macro-F1, whole forms, and what is confused."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.labelled_forms import LabelledForm, read_forms
from models.labeller import Labeller
from models.registry import find_current
from models.windows import PlacedWord

Predict = Callable[[Sequence[PlacedWord]], NDArray[np.float64]]
"""Words of one form to probabilities, words × labels."""


@dataclass(frozen=True, slots=True)
class Scores:
    """``forms`` is the share of forms with every word right; ``confusions`` are
    (truth, predicted) with their counts, the most frequent first."""

    words: int
    word_accuracy: float
    macro_f1: float
    forms: float
    ms_per_form: float
    f1: dict[str, float]
    confusions: tuple[tuple[tuple[str, str], int], ...]

    def as_metrics(self) -> dict[str, float]:
        return {
            "words": float(self.words),
            "word_accuracy": round(self.word_accuracy, 5),
            "macro_f1": round(self.macro_f1, 5),
            "forms_all_right": round(self.forms, 4),
            "ms_per_form": round(self.ms_per_form, 1),
        }


def evaluate_forms(
    forms: Iterable[LabelledForm], labels: Sequence[str], predict: Predict
) -> Scores:
    """Scores over all words of ``forms``; a label that is nowhere true does not count."""
    pairs: Counter[tuple[str, str]] = Counter()
    whole: list[bool] = []
    started = time.perf_counter()
    for form in forms:
        predicted = [labels[index] for index in predict(form.words).argmax(axis=1)]
        pairs.update(zip(form.labels, predicted, strict=True))
        whole.append(predicted == list(form.labels))
    elapsed_ms = 1000 * (time.perf_counter() - started)
    wrong = Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})
    f1 = pairs_to_f1(pairs)
    return Scores(
        words=pairs.total(),
        word_accuracy=1 - wrong.total() / max(pairs.total(), 1),
        macro_f1=sum(f1.values()) / max(len(f1), 1),
        forms=sum(whole) / max(len(whole), 1),
        ms_per_form=elapsed_ms / max(len(whole), 1),
        f1=f1,
        confusions=tuple(wrong.most_common(30)),
    )


def pairs_to_f1(pairs: Counter[tuple[str, str]]) -> dict[str, float]:
    """F1 of each true label from counts of (truth, predicted)."""
    true: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for (truth, guess), count in pairs.items():
        true[truth] += count
        predicted[guess] += count
    return {
        label: 2 * pairs[label, label] / (true[label] + predicted[label]) for label in sorted(true)
    }


def scores_to_markdown(scores: Scores) -> str:
    """The figures, the F1 of each label, and the ten most frequent confusions."""
    lines = ["| measure | value |", "|---|---|"]
    lines += [f"| {name} | {value:g} |" for name, value in scores.as_metrics().items()]
    lines += ["", "| label | F1 |", "|---|---|"]
    lines += [f"| `{label}` | {value:.4f} |" for label, value in scores.f1.items()]
    lines += ["", "| truth | taken for | words |", "|---|---|---|"]
    lines += [f"| `{t}` | `{p}` | {count} |" for (t, p), count in scores.confusions[:10]]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a labeller on labelled forms.")
    parser.add_argument("forms", type=Path, nargs="+", help="shards of labelled forms")
    parser.add_argument("--model", type=Path, help="folder of a model version")
    arguments = parser.parse_args()
    labeller = Labeller(arguments.model or find_current())
    forms = (form for path in arguments.forms for form in read_forms(path))
    scores = evaluate_forms(forms, labeller.labels, labeller.probabilities)
    sys.stdout.write(scores_to_markdown(scores))


if __name__ == "__main__":
    main()
