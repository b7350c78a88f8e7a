"""What people found sets confidences right without changing their order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from extraction.confidence import load_calibrator
from extraction.errors import ModelError
from models import recalibrate
from models.audited_fields import AuditedField
from models.recalibrate import (
    LEAST_DOCUMENTS,
    LEAST_FIELDS,
    Refit,
    RefitOutcome,
    fit_stretch,
    load_refitted,
    refit,
    refit_to_json,
    refit_to_words,
    write_refit,
)
from models.reliability import JudgedField

BASE = load_calibrator()
PER_DOCUMENT = 10


def found(
    slope: float, offset: float, count: int, seed: int = 0, *, shown: tuple[float, float] = (1, 0)
) -> list[AuditedField]:
    """Fields whose true chances are the base's, stretched and moved. ``shown`` is what the
    calibration in use made of the base's; records keep four digits of it."""
    rng = np.random.default_rng(seed)
    said = rng.beta(6, 1, count)
    right = rng.random(count) < expit(slope * logit(said) + offset)
    told = expit(np.clip(shown[0] * logit(said) + shown[1], -8, 8)) if shown != (1, 0) else said
    name = BASE.name if shown == (1, 0) else BASE.stretched(*shown, "").name
    return [
        AuditedField(
            JudgedField("text", round(float(c), 4), bool(r)), f"d{n // PER_DOCUMENT}", name
        )
        for n, (c, r) in enumerate(zip(told, right, strict=True))
    ]


def judged(fields: list[AuditedField]) -> list[JudgedField]:
    return [one.judged for one in fields]


def test_boastful_confidences_are_lowered() -> None:
    slope, offset = fit_stretch(judged(found(0.6, -0.5, 20_000)))
    assert slope == pytest.approx(0.6, abs=0.06)
    assert offset == pytest.approx(-0.5, abs=0.12)


def test_honest_confidences_stay() -> None:
    slope, offset = fit_stretch(judged(found(1.0, 0.0, 5000)))
    assert slope == pytest.approx(1.0, abs=0.1) and offset == pytest.approx(0.0, abs=0.2)


def test_little_data_changes_little() -> None:
    some, much = (abs(fit_stretch(judged(found(0.5, -1, n)))[1]) for n in (250, 10_000))
    assert some < much


@pytest.mark.parametrize(
    ("fields", "documents"), [(LEAST_FIELDS - 1, LEAST_FIELDS), (1000, LEAST_DOCUMENTS - 1)]
)
def test_too_little_changes_nothing(fields: int, documents: int) -> None:
    few = [
        replace(one, document=f"d{number % documents}")
        for number, one in enumerate(found(0.3, -2, fields))
    ]
    made = refit(BASE, few)
    assert made.calibrator is BASE and made.outcome is RefitOutcome.TOO_FEW
    assert "too few" in refit_to_words(made)


def test_a_separated_sample_is_survived() -> None:
    slope, offset = fit_stretch([JudgedField("text", 0.999, True)] * 500)
    assert 0 < slope < 10 and abs(offset) < 10


def test_audited_fields_weigh_what_they_stand_for() -> None:
    doubtful = [JudgedField("text", 0.6, n % 2 == 0) for n in range(300)]
    accepted = [JudgedField("text", 0.98, n % 50 > 0, weight=50.0) for n in range(300)]
    slope, offset = fit_stretch([*doubtful, *accepted])
    assert expit(slope * logit(0.98) + offset) == pytest.approx(0.98, abs=0.012)


def test_a_field_that_stands_for_many_does_not_speak_for_many() -> None:
    right = [JudgedField("text", 0.9, n % 10 > 0) for n in range(300)]
    one_wrong = JudgedField("text", 0.95, False, weight=1000.0)
    slope, offset = fit_stretch([*right, one_wrong])
    assert slope == pytest.approx(1.0, abs=0.2) and abs(offset) < 0.2


def test_what_was_refitted_keeps_the_order_and_says_where_it_is_from() -> None:
    made = refit(BASE, found(0.7, -0.3, 3000))
    fitted = made.calibrator
    assert made.outcome is RefitOutcome.TAKEN and (made.fields, made.documents) == (3000, 300)
    assert "3000 audited" in fitted.origin and fitted.cell == BASE.cell
    assert fitted.name == f"{BASE.name}*{made.slope:.4f}{made.offset:+.4f}"
    sums = [dict.fromkeys(BASE.field.names, value) for value in (0.0, 0.2, 0.5)]
    base, new = ([model.probability(one) for one in sums] for model in (BASE.field, fitted.field))
    assert np.argsort(base).tolist() == np.argsort(new).tolist()


def test_held_out_documents_are_nearer_to_what_was_found() -> None:
    held_out = refit(BASE, found(0.6, -0.5, 5000)).held_out
    assert held_out is not None
    assert held_out.error_after < 0.5 * held_out.error_before
    assert held_out.brier_after < held_out.brier_before


def test_a_refit_that_other_documents_speak_against_is_not_taken() -> None:
    fields = found(1, 0, 400)
    # The documents of one part are all wrong: what the others say makes it worse for them,
    # and what they say makes it worse for the others.
    odd = set(sorted({one.document for one in fields})[:: recalibrate.PARTS])
    spoilt = [
        AuditedField(JudgedField("text", 0.8, one.document not in odd), one.document, BASE.name)
        for one in fields
    ]
    refused = refit(BASE, spoilt)
    assert refused.outcome is RefitOutcome.WORSE
    assert refused.calibrator is BASE
    assert refused.held_out is not None and refused.held_out.is_worse
    assert "as shipped" in refit_to_words(refused)


@pytest.mark.parametrize(
    ("shown", "exact"), [((0.6, -0.5), 0.002), ((0.01, 0.5), 0.1), ((1.2, 0.4), 0.03)]
)
def test_what_a_refit_gave_is_not_stretched_again(shown: tuple[float, float], exact: float) -> None:
    before, after = found(0.6, -0.5, 3000), found(0.6, -0.5, 3000, shown=shown)
    scratch = refit(BASE, before)
    for other in (refit(BASE, after), refit(BASE, [*before[:1500], *after[1500:]])):
        assert other.outcome is RefitOutcome.TAKEN
        assert other.slope == pytest.approx(scratch.slope, abs=exact)
        assert other.offset == pytest.approx(scratch.offset, abs=exact)


def test_what_another_calibration_said_is_left_out() -> None:
    own = found(0.6, -0.5, 1000)
    foreign = [replace(one, calibration=name) for one in own for name in ("", "0" * 10, "x*1+0")]
    made = refit(BASE, [*own, *foreign])
    assert (made.fields, made.left_out) == (1000, 3000)
    assert made.slope == refit(BASE, own).slope


def taken() -> Refit:
    return refit(BASE, found(0.6, -0.5, 3000))


def test_a_versions_file_gives_the_same_confidences(tmp_path: Path) -> None:
    made = taken()
    write_refit(made, tmp_path / "calibration.json")
    assert load_refitted(tmp_path / "calibration.json") == made.calibrator
    stored = json.loads((tmp_path / "calibration.json").read_text(encoding="utf-8"))
    assert stored.items() >= refit_to_json(made).items()


def test_a_fit_to_what_was_shipped_before_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    write_refit(taken(), path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stored, "base": "0123456789"}), encoding="utf-8")
    assert load_refitted(path) is BASE
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"calibration\.json"):
        load_refitted(path)


def test_nothing_is_stretched_twice() -> None:
    with pytest.raises(ValueError, match="already"):
        taken().calibrator.stretched(0.9, 0.0, "")
    with pytest.raises(ValueError, match="nothing was taken"):
        write_refit(refit(BASE, ()), Path("nowhere"))
