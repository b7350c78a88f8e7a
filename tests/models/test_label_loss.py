from __future__ import annotations

import math

import torch

from models.label_loss import NO_FIELD, NO_LABEL, LabelLoss

LABELS = ("other", "key", "name")


def loss_of(logits: list[list[float]], labels: list[int], weights: tuple[float, ...]) -> float:
    loss = LabelLoss.of(LABELS, torch.tensor(weights), smoothing=0.0)
    return float(loss.of_logits(torch.tensor([logits]), torch.tensor([labels])))


def test_it_is_the_weighted_cross_entropy_of_the_words_that_have_a_label() -> None:
    logits = [[1.0, 0.0, -1.0], [0.0, 2.0, 0.5], [3.0, 0.0, 0.0]]
    weights = torch.tensor([1.0, 2.0, 0.5])
    loss = LabelLoss.of(LABELS, weights, smoothing=0.1)
    labels = torch.tensor([[2, NO_LABEL, 1]])
    usual = torch.nn.functional.cross_entropy(
        torch.tensor(logits), labels[0], weight=weights, ignore_index=NO_LABEL
    )
    found = loss.of_logits(torch.tensor([logits]), labels, is_smooth=False)
    assert torch.isclose(found, usual)
    assert not torch.isclose(loss.of_logits(torch.tensor([logits]), labels), usual)


def test_a_word_of_no_field_may_be_a_key_or_not_but_no_field() -> None:
    sure = {at: [20.0 if n == at else 0.0 for n in range(3)] for at in range(3)}
    flat = (1.0, 1.0, 1.0)
    assert loss_of([sure[0]], [NO_FIELD], flat) < 1e-6
    assert loss_of([sure[1]], [NO_FIELD], flat) < 1e-6
    assert loss_of([sure[2]], [NO_FIELD], flat) > 10
    assert math.isclose(loss_of([[0.0] * 3], [NO_FIELD], flat), math.log(1.5), rel_tol=1e-5)


def test_where_nothing_is_known_nothing_is_learnt() -> None:
    assert loss_of([[1.0, 2.0, 3.0]], [NO_LABEL], (1.0, 1.0, 1.0)) == 0.0
