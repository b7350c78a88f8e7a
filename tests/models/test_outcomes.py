from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.labelled_forms import LabelledForm
from models.outcomes import find_outcomes
from models.training_set import MISSING
from tests.models.examples import make_form

LABELS = ("other", "key", "name")
PREDICTED = ("key", "other", "name", "key")


def predict(words: object) -> np.ndarray:
    return np.eye(3)[[LABELS.index(label) for label in PREDICTED]]


def wrong_words(form: LabelledForm) -> int:
    (outcome,) = find_outcomes([("a", form)], LABELS, predict)
    return outcome.wrong


def test_a_corrected_form_does_not_say_which_of_its_rest_are_keys() -> None:
    form = make_form([("项目", "other"), ("名称", "key"), ("甲", "name"), ("乙", MISSING)])
    assert wrong_words(form) == 2
    assert wrong_words(replace(form, source="corrected")) == 1
