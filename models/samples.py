"""Training samples: windows with a label for each token, varied anew each time they are seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.labelled_forms import LabelledForm
from models.tokens import FIRST_CHARACTER_ID, UNKNOWN_ID, Vocabulary
from models.windows import BOX_SCALE, Window, WindowSettings, windows_to_batch, words_to_windows

NO_LABEL = -100


@dataclass(frozen=True, slots=True)
class Sample:
    """A window, and for each of its tokens the label's number or ``NO_LABEL``."""

    window: Window
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Variation:
    """How samples are varied, so that layout and neighbours tell, not remembered texts.

    Rates 0..1. ``scale`` and ``shift`` are shares of the page, ``warp`` is the spread of
    the widths of columns and the heights of rows. ``unknown_words`` is the rate in a usual
    sample, ``blind_words`` that in one of the share ``blind`` of samples.
    """

    scale: float = 0.15
    shift: float = 0.06
    warp: float = 0.35
    knots: int = 7
    unknown_characters: float = 0.02
    unknown_words: float = 0.05
    blind: float = 0.12
    blind_words: float = 0.4
    other_digits: float = 0.3
    lost_words: float = 0.02
    lost_start: float = 0.05


def forms_to_samples(
    forms: Iterable[LabelledForm],
    labels: Sequence[str],
    vocabulary: Vocabulary,
    settings: WindowSettings,
) -> list[Sample]:
    """All windows of all forms; a label that the model does not know is a KeyError."""
    numbers = {label: number for number, label in enumerate(labels)}
    return [
        _label_window(window, form, numbers)
        for form in forms
        for window in words_to_windows(form.words, vocabulary, settings)
    ]


def _label_window(window: Window, form: LabelledForm, numbers: Mapping[str, int]) -> Sample:
    labels = [NO_LABEL if word < 0 else numbers[form.labels[word]] for word in window.words]
    return Sample(_narrow(window), np.array(labels, dtype=np.int16))


def _narrow(window: Window) -> Window:
    """The same numbers in two bytes each: tens of thousands of windows stay in memory."""
    return Window(
        pieces=window.pieces.astype(np.int16),
        boxes=window.boxes.astype(np.int16),
        positions=window.positions.astype(np.int16),
        pages=window.pages.astype(np.int16),
        words=window.words.astype(np.int16),
    )


def batches_of(
    samples: Sequence[Sample], tokens: int, rng: np.random.Generator
) -> Iterator[list[Sample]]:
    """One pass in random order: batches of like lengths and at most ``tokens`` tokens."""
    # Sorting by length with some noise keeps padding small and the company of samples new.
    lengths = np.array([len(sample) for sample in samples], dtype=np.float64)
    order = np.argsort(lengths * rng.uniform(0.9, 1.1, size=len(samples)))
    batches: list[list[Sample]] = []
    batch: list[Sample] = []
    longest = 0
    for index in order:
        longest = max(longest, len(samples[index]))
        if batch and longest * (len(batch) + 1) > tokens:
            batches.append(batch)
            batch, longest = [], len(samples[index])
        batch.append(samples[index])
    if batch:
        batches.append(batch)
    for number in rng.permutation(len(batches)):
        yield batches[number]


def pad_labels(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """b × n, padded with ``NO_LABEL`` to the length of the samples' batch."""
    padded = np.full((len(samples), max(map(len, samples))), NO_LABEL, dtype=np.int64)
    for row, sample in enumerate(samples):
        padded[row, : len(sample)] = sample.labels
    return padded


def samples_to_inputs(samples: Sequence[Sample]) -> dict[str, NDArray[np.int64]]:
    return windows_to_batch([sample.window for sample in samples]).as_inputs()


def vary_sample(
    sample: Sample, variation: Variation, vocabulary: Vocabulary, rng: np.random.Generator
) -> Sample:
    """Another sample with the same labels: other widths, other digits, some words unread."""
    kept = _kept_tokens(sample.window, variation, rng)
    window = _take(sample.window, kept)
    pieces = window.pieces.copy()
    if rng.random() < variation.other_digits:
        _redraw_digits(pieces, vocabulary, rng)
    _forget_characters(pieces, window.words, variation, rng)
    boxes = _warp_boxes(window.boxes, variation, rng)
    return Sample(replace(window, pieces=pieces, boxes=boxes), sample.labels[kept])


def _kept_tokens(
    window: Window, variation: Variation, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Whole words go, here and there; sometimes all that stands before some word goes."""
    words = int(window.words.max()) + 1
    lost = rng.random(words + 1) < variation.lost_words
    if rng.random() < variation.lost_start:
        lost[: int(rng.integers(0, max(words // 2, 1)))] = True
    kept = ~lost[window.words]
    return kept if kept.any() else np.ones(len(window), dtype=np.bool_)


def _take(window: Window, kept: NDArray[np.bool_]) -> Window:
    return Window(
        pieces=window.pieces[kept],
        boxes=window.boxes[kept],
        positions=window.positions[kept],
        pages=window.pages[kept],
        words=window.words[kept],
    )


def _redraw_digits(
    pieces: NDArray[np.int64], vocabulary: Vocabulary, rng: np.random.Generator
) -> None:
    digits = np.array([vocabulary.ids[digit] for digit in "0123456789" if digit in vocabulary.ids])
    if len(digits):
        found = np.isin(pieces, digits)
        pieces[found] = rng.choice(digits, size=int(found.sum()))


def _forget_characters(
    pieces: NDArray[np.int64],
    words: NDArray[np.int64],
    variation: Variation,
    rng: np.random.Generator,
) -> None:
    is_blind = rng.random() < variation.blind
    rate = variation.blind_words if is_blind else variation.unknown_words
    forgotten = rng.random(int(words.max()) + 2) < rate
    unknown = rng.random(pieces.shape) < variation.unknown_characters
    unknown |= forgotten[words][:, None]
    pieces[unknown & (pieces >= FIRST_CHARACTER_ID)] = UNKNOWN_ID


def _warp_boxes(
    boxes: NDArray[np.int64], variation: Variation, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move all sides by one smooth map for each axis: what was aligned stays aligned."""
    warped = np.empty_like(boxes)
    for axis in (0, 1):
        curve = _draw_curve(variation, rng)
        warped[:, axis::2] = np.clip(np.rint(curve[boxes[:, axis::2]]), 0, BOX_SCALE)
    return warped


def _draw_curve(variation: Variation, rng: np.random.Generator) -> NDArray[np.float64]:
    """A rising map of 0..1000 to the place of each thousandth."""
    steps = np.exp(rng.normal(0.0, variation.warp, size=variation.knots))
    knots = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    scale = 1 + rng.uniform(-variation.scale, variation.scale)
    shift = rng.uniform(-variation.shift, variation.shift)
    places = ((knots - 0.5) * scale + 0.5 + shift) * BOX_SCALE
    at = np.linspace(0.0, BOX_SCALE, len(knots))
    return np.asarray(np.interp(np.arange(BOX_SCALE + 1), at, places), dtype=np.float64)
