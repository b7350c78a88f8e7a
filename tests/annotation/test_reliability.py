"""Figures of confidences against what was found."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.reliability import (
    declared_kinds,
    measure_by_kind,
)
from extraction.declarations import load_declarations
from models.reliability import JudgedField, measure_reliability


def fields(said: float, right: float, count: int, kind: str = "text") -> list[JudgedField]:
    return [JudgedField(kind, said, n < right * count) for n in range(count)]


def test_honest_confidences_have_no_calibration_error() -> None:
    measured = measure_reliability([*fields(0.9, 0.9, 100), *fields(0.5, 0.5, 100)])
    assert measured.calibration_error < 0.1
    assert measured.brier == pytest.approx((0.09 + 0.25) / 2)
    assert measured.right == 0.7 and measured.fields == 200


def test_boasting_is_measured() -> None:
    measured = measure_reliability(fields(0.99, 0.8, 500))
    assert measured.calibration_error == pytest.approx(0.19, abs=0.01)
    assert all(one.fields >= 20 for one in measured.bins)


def test_few_fields_make_one_bin_and_none_are_refused() -> None:
    assert len(measure_reliability(fields(0.7, 1.0, 3)).bins) == 1
    with pytest.raises(ValueError, match="no field"):
        measure_reliability([])


def test_an_audited_field_speaks_for_those_that_nobody_saw() -> None:
    reviewed = [JudgedField("text", 0.5, False)] * 50
    audited = [JudgedField("text", 0.99, True, weight=50.0)] * 50
    assert measure_reliability([*reviewed, *audited]).right == pytest.approx(50 / 51)


def test_kinds_are_measured_apart() -> None:
    kinds = measure_by_kind([*fields(0.9, 1.0, 30, "number"), *fields(0.9, 0.5, 30)])
    assert list(kinds) == ["number", "text"]
    assert kinds["number"].right == 1.0 and kinds["text"].right == 0.5


def test_bins_hold_all_fields_in_order() -> None:
    rng = np.random.default_rng(0)
    judged = [JudgedField("text", float(c), bool(rng.random() < c)) for c in rng.random(999)]
    measured = measure_reliability(judged)
    assert sum(one.fields for one in measured.bins) == 999
    said = [one.confidence for one in measured.bins]
    assert said == sorted(said)
    assert measured.calibration_error < 0.06


def test_every_declared_name_has_its_kind() -> None:
    for declaration in load_declarations():
        kinds = declared_kinds(declaration)
        assert all(item.name in kinds for item in declaration.fields)
        assert any("." in name for name in kinds) == bool(declaration.groups)
