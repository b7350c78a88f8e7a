"""What a labeller does to each form of a frozen set: words and errors by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from extraction.declarations import KEY_LABEL, OTHER_LABEL
from models.evaluate import Predict
from models.labelled_forms import FormSource, LabelledForm
from models.training_set import MISSING


@dataclass(frozen=True, slots=True)
class FormOutcome:
    """One form. ``words`` are those of each field; ``errors`` counts a wrong word with the
    field that it is and with the one that it was taken for; ``wrong`` counts it once."""

    document_id: str
    layout: str
    source: FormSource
    total: int
    wrong: int
    words: Mapping[str, int]
    errors: Mapping[str, int]


def find_outcomes(
    forms: Iterable[tuple[str, LabelledForm]], labels: Sequence[str], predict: Predict
) -> tuple[FormOutcome, ...]:
    """An outcome for each (id, form); words without a known label do not count."""
    return tuple(
        _find_outcome(document_id, form, [labels[n] for n in predict(form.words).argmax(axis=1)])
        for document_id, form in forms
        if form.words
    )


def _find_outcome(document_id: str, form: LabelledForm, predicted: Sequence[str]) -> FormOutcome:
    pairs = [pair for pair in zip(form.labels, predicted, strict=True) if pair[0] != MISSING]
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    if form.source == "corrected":
        # People say that a word belongs to no field, not whether it is a printed key.
        wrong = [pair for pair in wrong if pair != (OTHER_LABEL, KEY_LABEL)]
    words = Counter(truth for truth, _ in pairs)
    errors = Counter(label for pair in wrong for label in pair)
    for counts in (words, errors):
        counts.pop(OTHER_LABEL, None)
    return FormOutcome(
        document_id, form.family, form.source, len(pairs), len(wrong), dict(words), dict(errors)
    )


def outcomes_to_figures(outcomes: Sequence[FormOutcome]) -> dict[str, float]:
    """Shares of right words: the whole, by source, by field and by layout."""
    figures = {"word_accuracy": _accuracy(outcomes)}
    for source in sorted({outcome.source for outcome in outcomes}):
        some = [outcome for outcome in outcomes if outcome.source == source]
        figures[f"{source}_word_accuracy"] = _accuracy(some)
    for field in sorted({field for outcome in outcomes for field in outcome.words}):
        words = sum(outcome.words.get(field, 0) for outcome in outcomes)
        errors = sum(outcome.errors.get(field, 0) for outcome in outcomes)
        figures[f"field {field}"] = round(max(0.0, 1 - errors / words), 5)
    for layout in sorted({outcome.layout for outcome in outcomes}):
        figures[f"layout {layout}"] = _accuracy([o for o in outcomes if o.layout == layout])
    return figures


def _accuracy(outcomes: Sequence[FormOutcome]) -> float:
    total = sum(outcome.total for outcome in outcomes)
    return round(1 - sum(outcome.wrong for outcome in outcomes) / max(total, 1), 5)
