from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.confidence import (
    CELL_FEATURES,
    FIELD_FEATURES,
    cell_features,
    field_features,
    fit_logistic,
    load_calibrator,
    route,
    save_calibrator,
)
from extraction.errors import ModelError
from extraction.fields.drafts import FieldDraft
from extraction.fields.label_evidence import LabelEvidence
from extraction.values import Box, Check, Source
from tests.extraction.truth_forms import word

CALIBRATOR = load_calibrator()
SURE = FieldDraft(
    text="51.3",
    value=51.3,
    source=Source(1, Box(0, 0, 1, 1)),
    words=(word("51.3"),),
    key_match=1.0,
    label=LabelEvidence(0.97, 0.95, 4.0, 1),
)


def confidence(draft: FieldDraft, *checks: Check) -> float:
    found = CALIBRATOR.field_confidence(draft, checks)
    assert found is not None
    return found


def test_features_are_those_that_the_models_know() -> None:
    assert set(field_features(SURE, ())) == set(FIELD_FEATURES)
    assert set(cell_features((), 1.0)) == set(CELL_FEATURES)
    assert {*CALIBRATOR.field.names} <= {*FIELD_FEATURES}


def test_doubt_lowers_confidence() -> None:
    failed = Check("sum", False, "", ())
    passed = Check("sum", True, "", ())
    doubtful = replace(SURE, words=(word("51.3", score=0.4),))
    mislabelled = replace(SURE, label=LabelEvidence(0.01, -0.9, -3.0, 1))
    unread = replace(SURE, text="五十", value=None)
    assert confidence(SURE, passed) > confidence(SURE) > confidence(SURE, failed)
    for worse in (doubtful, mislabelled, unread, replace(SURE, quality=0.2)):
        assert confidence(worse) < confidence(SURE)


def test_there_is_no_confidence_without_evidence() -> None:
    assert CALIBRATOR.field_confidence(FieldDraft(), ()) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 3), st.text(max_size=20))
def test_confidence_is_always_between_0_and_1(
    score: float, probability: float, quality: float, count: int, text: str
) -> None:
    words = tuple(word(text, score=score) for _ in range(count))
    label = LabelEvidence(probability, 2 * probability - 1, 0.0, count)
    draft = replace(SURE, text=text, words=words, label=label, quality=quality)
    assert 0.0 <= confidence(draft) <= 1.0
    assert 0.0 <= CALIBRATOR.cell_confidence(words, quality) <= 1.0


def test_a_fit_recovers_the_model_that_made_the_data() -> None:
    draw = np.random.default_rng(0)
    features = np.column_stack([draw.normal(size=(4000, 2)), np.ones(4000)])
    chance = 1 / (1 + np.exp(-(1.0 + 2.0 * features[:, 0] - 0.5 * features[:, 1])))
    model = fit_logistic(("a", "b", "never_varies"), features, draw.random(4000) < chance)
    assert model.coefficients[0] == pytest.approx(2.0, abs=0.2)
    assert model.coefficients[1] == pytest.approx(-0.5, abs=0.15)
    assert model.coefficients[2] == 0.0
    assert model.intercept == pytest.approx(1.0, abs=0.15)


def test_a_fit_survives_data_that_a_line_separates() -> None:
    features = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    model = fit_logistic(("a",), features, np.array([False, False, True, True]))
    assert 0.0 < model.probability({"a": -1.0}) < 0.5 < model.probability({"a": 1.0}) < 1.0


def test_a_saved_calibration_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    save_calibrator(CALIBRATOR, path)
    assert load_calibrator(path) == CALIBRATOR


@pytest.mark.parametrize("text", ["", "{}", '{"origin": "", "field": 1, "cell": 2}'])
def test_a_damaged_calibration_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=r"calibration\.json"):
        load_calibrator(path)


def test_a_calibration_for_other_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    odd = replace(CALIBRATOR.field, names=("colour", *CALIBRATOR.field.names[1:]))
    save_calibrator(replace(CALIBRATOR, field=odd), path)
    with pytest.raises(ModelError, match="fit the calibration again"):
        load_calibrator(path)


def test_routes_give_their_reasons() -> None:
    assert route(0.95, 0.9, ()) == ("accept", ())
    assert route(0.85, 0.9, ()) == ("review", ("low_confidence",))
    assert route(0.95, 0.9, ("sum", "sum")) == ("review", ("check_failed:sum",))
    assert route(None, 0.9, ()) == ("accept", ())
    where, reasons = route(None, 0.9, (), missing_required=True, form_type_unsure=True)
    assert where == "review"
    assert reasons == ("missing_required", "form_type_unsure")
