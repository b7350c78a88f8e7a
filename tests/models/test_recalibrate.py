"""What people found sets confidences right without changing their order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from extraction.confidence import load_calibrator
from models.recalibrate import AuditedField, fit_stretch, refit

BASE = load_calibrator()


def found(slope: float, offset: float, count: int, seed: int = 0) -> list[AuditedField]:
    """Fields whose true chances are the said ones, stretched and moved."""
    rng = np.random.default_rng(seed)
    said = rng.beta(6, 1, count)
    right = rng.random(count) < expit(slope * logit(said) + offset)
    return [AuditedField(float(c), bool(r)) for c, r in zip(said, right, strict=True)]


def test_boastful_confidences_are_lowered() -> None:
    slope, offset = fit_stretch(found(0.6, -0.5, 20_000))
    assert slope == pytest.approx(0.6, abs=0.06)
    assert offset == pytest.approx(-0.5, abs=0.12)


def test_honest_confidences_stay() -> None:
    slope, offset = fit_stretch(found(1.0, 0.0, 5000))
    assert slope == pytest.approx(1.0, abs=0.1) and offset == pytest.approx(0.0, abs=0.2)


def test_little_data_changes_little_and_too_little_nothing() -> None:
    assert refit(BASE, found(0.3, -2, 50)) is BASE
    some, much = (abs(fit_stretch(found(0.5, -1, count))[1]) for count in (250, 10_000))
    assert some < much


def test_a_separated_sample_is_survived() -> None:
    fields = [AuditedField(0.999, True)] * 500
    slope, offset = fit_stretch(fields)
    assert 0 < slope < 10 and abs(offset) < 10


def test_audited_fields_weigh_what_they_stand_for() -> None:
    doubtful = [AuditedField(0.6, n % 2 == 0) for n in range(300)]
    accepted = [AuditedField(0.98, n % 50 > 0, weight=50.0) for n in range(300)]
    slope, offset = fit_stretch([*doubtful, *accepted])
    assert expit(slope * logit(0.98) + offset) == pytest.approx(0.98, abs=0.012)


def test_the_refitted_calibrator_keeps_the_order_and_says_where_it_is_from() -> None:
    fitted = refit(BASE, found(0.7, -0.3, 3000))
    assert "3000 audited" in fitted.origin and fitted.cell == BASE.cell
    sums = [dict.fromkeys(BASE.field.names, value) for value in (0.0, 0.2, 0.5)]
    base, new = ([model.probability(one) for one in sums] for model in (BASE.field, fitted.field))
    assert np.argsort(base).tolist() == np.argsort(new).tolist()
