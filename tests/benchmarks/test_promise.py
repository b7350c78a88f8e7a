"""The simulation of the promise, on a small office whose true errors are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotation.promise import DOUBTS, NEVER, first_level
from annotation.quality import POOREST, find_mixture
from annotation.reliability import JudgedField
from benchmarks.promise import score_rows
from benchmarks.promise_documents import Population, observed_to_line, read_observed
from benchmarks.promise_office import (
    TARGET,
    Office,
    audit_once,
    live_once,
    prove_documents,
    prove_fields,
    spoilt,
)
from extraction.confidence import FIELD_FEATURES
from models.calibrate import Observed, ObservedField

STRICT = first_level(TARGET)


def small_population(documents: int = 60, fields: int = 20) -> Population:
    """Every tenth field is doubtful and half of those are wrong; the rest is right."""
    count = documents * fields
    doubtful = np.arange(count) % 10 == 0
    return Population(
        scans=np.array(["office200", "photo"] * (documents // 2)),
        starts=np.arange(0, count + 1, fields),
        levels=np.where(doubtful, STRICT + 5, STRICT),
        wrong=doubtful & (np.arange(count) % 20 == 0),
        scores=np.where(doubtful, 0.93, 0.99),
        judged=(JudgedField("text", 0.9, True),),
        qualities=np.array([0, 1] * (documents // 2)),
    )


def test_true_errors_and_automation_of_an_office() -> None:
    office = Office(small_population())
    even = office.mixture()
    assert even.sum() == pytest.approx(1) and office.mixture(("photo",))[1] > even[1]
    assert office.error(even, STRICT) == 0 and office.automation(even, STRICT) == pytest.approx(0.9)
    assert office.error(even, len(DOUBTS) - 1) == pytest.approx(0.05)
    assert office.only("photo")[0] == 0


def test_an_audit_draws_a_share_of_the_fields_of_each_document() -> None:
    office = Office(small_population())
    audit = office.audit(np.array([0, 0, 5]), np.random.default_rng(0), 0.2)
    assert audit.wrong.shape == audit.seen.shape == (3, NEVER)
    assert 0 < audit.seen[:, -1].sum() < 30 and (audit.wrong <= audit.seen).all()
    assert audit.qualities.tolist() == [0, 0, 1]


def test_an_audit_finds_the_threshold_that_keeps_the_target() -> None:
    office, rng = Office(small_population()), np.random.default_rng(1)
    run = audit_once(office, office.mixture(), 2500, 0.2, prove_documents, rng)
    assert run.proved and run.error == 0 and run.automation == pytest.approx(0.9)


def test_fields_taken_as_independent_prove_what_documents_do_not() -> None:
    """One document in a hundred is wrong throughout, which only a large audit can tell."""
    office, rng = Office(small_population(), 0.01), np.random.default_rng(2)
    audit = office.audit(np.arange(400) % 60, rng, 0.2)
    mixture = find_mixture(audit.qualities)
    assert office.error(office.mixture(), STRICT) == pytest.approx(0.01)
    honest = Office(small_population()).audit(np.arange(400) % 60, rng, 0.2)
    assert prove_fields(honest, mixture) is not None
    assert prove_documents(honest, mixture) is None and prove_documents(audit, mixture) is None


def test_what_is_shown_whole_counts_neither_as_error_nor_as_automation() -> None:
    office = Office(small_population())
    even, loose = office.mixture(), len(DOUBTS) - 1
    assert office.automation(even, loose, 0) == pytest.approx(0.5)
    assert office.automation(even, loose, POOREST) == pytest.approx(1.0)


def test_a_broken_scanner_is_noticed_in_the_live_run() -> None:
    office = Office(small_population())
    even = office.mixture()
    broken = Office(spoilt(office.population, 0.1))
    run = live_once(office, even, (broken, even), 2500, np.random.default_rng(3))
    assert run.withdrawn_after is not None and run.withdrawn_after <= 1000
    quiet = live_once(office, even, (office, even), 2500, np.random.default_rng(4))
    assert quiet.withdrawn_after is None and quiet.error == 0 and quiet.proved == 1.0


def test_the_usual_way_lets_through_what_scores_well() -> None:
    rows = {row[0]: row for row in score_rows(Office(small_population()))}
    assert rows["mean OCR score ≥ 0.9"][4] == "100%"
    assert rows["mean OCR score ≥ 0.95"][4:] == ("0%", "0.00%", "90.0%")


def test_observed_documents_are_kept_and_others_forgotten(tmp_path: Path) -> None:
    evidence = dict.fromkeys(FIELD_FEATURES, 0.123456)
    one = Observed(7, "photo", (ObservedField("text", evidence, True, False),), ())
    path = tmp_path / "observed.jsonl"
    path.write_text(observed_to_line(one))
    (found,) = read_observed(path)
    assert (found.seed, found.level, found.fields[0].right) == (7, "photo", True)
    assert found.fields[0].evidence["weakest"] == pytest.approx(0.1235)
    path.write_text(path.read_text().replace(FIELD_FEATURES[0], "colour"))
    assert list(read_observed(path)) == []
