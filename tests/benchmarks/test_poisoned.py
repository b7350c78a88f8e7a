"""The careless annotator of the bench: as many labels wrong as said, each truly wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.poisoned import POISON, poison
from models.dataset import draw_labelled

FORM = draw_labelled(760_001, "test")


def test_a_fifth_of_the_labels_becomes_another_of_the_document() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(20):
        spoilt = poison(FORM, POISON, rng)
        assert spoilt.words == FORM.words and {*spoilt.labels} <= {*FORM.labels}
        changed = [new != old for new, old in zip(spoilt.labels, FORM.labels, strict=True)]
        shares.append(sum(changed) / len(changed))
    assert abs(np.mean(shares) - POISON) < 0.03


def test_a_document_of_one_label_has_no_other_to_give() -> None:
    same = replace(FORM, labels=("key",) * len(FORM.labels))
    assert poison(same, 1.0, np.random.default_rng(0)) == same
