"""The bound holds by document, also when all fields of one err together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.promise import (
    DOUBTS,
    NEVER,
    SeenDocument,
    SeenField,
    confidences_to_levels,
    count_seen,
    documents_needed,
    draw_curve,
    find_bound,
    first_level,
    level_to_threshold,
    levels_to_automation,
    log_wealth,
    prove_level,
)

TARGET, CERTAINTY = 0.005, 0.95


def document(number: int, fields: int, wrong: int = 0, level: int = 0) -> SeenDocument:
    return SeenDocument(
        str(number), tuple(SeenField(level, place < wrong) for place in range(fields))
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_field_passes_exactly_from_its_level_on(confidences: list[float]) -> None:
    for confidence, level in zip(confidences, confidences_to_levels(confidences), strict=True):
        assert level == NEVER or confidence >= level_to_threshold(level) - 1e-8
        assert level == 0 or confidence < level_to_threshold(level - 1)


def test_nothing_passes_below_the_strictest_level() -> None:
    assert level_to_threshold(-1) == 1.0
    assert confidences_to_levels([0.5]) == (NEVER,)


def test_counts_grow_with_the_level_and_leave_out_what_never_passes() -> None:
    mixed = SeenDocument(
        "a", (SeenField(2, True), SeenField(0, False), SeenField(NEVER, True), SeenField(2, False))
    )
    wrong, seen = count_seen([mixed])
    assert seen[0, :3].tolist() == [1, 1, 3] and seen[0, -1] == 3
    assert wrong[0, :3].tolist() == [0, 0, 1] and wrong[0, -1] == 1


def test_enough_documents_without_an_error_just_prove_the_target() -> None:
    needed = documents_needed(TARGET, CERTAINTY)
    # Not below what any bound needs that counts documents, nor far above it.
    assert np.log(1 - CERTAINTY) / np.log(1 - TARGET) <= needed < 950
    proved = [document(number, 8) for number in range(needed)]
    assert prove_level(proved, TARGET, CERTAINTY) == len(DOUBTS) - 1
    assert prove_level(proved[: needed // 2], TARGET, CERTAINTY) is None
    assert prove_level([], TARGET, CERTAINTY) is None


def test_more_fields_of_the_same_documents_prove_no_more() -> None:
    few = [document(number, 3) for number in range(700)]
    many = [document(number, 300) for number in range(700)]
    assert prove_level(few, TARGET, CERTAINTY) == prove_level(many, TARGET, CERTAINTY) is None


def test_the_proof_stops_before_the_level_that_errs() -> None:
    good, bad = first_level(TARGET) + 3, first_level(TARGET) + 4
    documents = [
        SeenDocument(
            str(n), (*(SeenField(good, False) for _ in range(9)), SeenField(bad, n % 5 == 0))
        )
        for n in range(1500)
    ]
    assert prove_level(documents, TARGET, CERTAINTY) == good


def test_the_bound_is_above_the_error_and_falls_with_more_documents() -> None:
    bounds = []
    for count in (500, 2000, 8000):
        wrong = (np.arange(count) % 50 == 0).astype(float)
        bound = find_bound(wrong, np.full(count, 10.0), CERTAINTY)
        assert 0.002 < bound < 0.05
        bounds.append(bound)
    assert bounds == sorted(bounds, reverse=True)
    assert find_bound(np.zeros(0), np.zeros(0), CERTAINTY) == 1.0


@given(st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_a_higher_claim_is_refuted_more_easily(one: float, other: float) -> None:
    wrong, seen = np.array([0.0, 1.0, 0.0, 2.0]), np.array([5.0, 9.0, 1.0, 30.0])
    low, high = sorted((one, other))
    assert log_wealth(wrong, seen, low) <= log_wealth(wrong, seen, high) + 1e-12


def test_documents_that_err_as_a_whole_are_not_taken_for_independent_fields() -> None:
    """One document in a hundred is wrong throughout: the error is twice the target. By field
    a sample without such a document would prove the target, by document it hardly ever does."""
    false_proofs = 0
    for repetition in range(200):
        rng = np.random.default_rng(repetition)
        spoilt = rng.random(150) < 0.01
        documents = [document(n, 40, 40 * int(one)) for n, one in enumerate(spoilt)]
        false_proofs += prove_level(documents, TARGET, CERTAINTY) is not None
    assert false_proofs <= 10


def test_a_rate_at_the_target_is_seldom_proved() -> None:
    proofs = 0
    for repetition in range(200):
        rng = np.random.default_rng([repetition, 1])
        wrong = rng.binomial(10, TARGET, 1500).astype(float)
        proofs += log_wealth(wrong, np.full(1500, 10.0), TARGET) >= -np.log(1 - CERTAINTY)
    assert proofs <= 10


def test_the_curve_has_a_point_for_each_doubt() -> None:
    documents = [document(n, 10, n % 20 == 0, level=5) for n in range(100)]
    automation = levels_to_automation([[5, 5, NEVER, 0]])
    curve = draw_curve(documents, automation, CERTAINTY)
    assert [point.doubt for point in curve] == list(DOUBTS)
    assert curve[4].error is None and curve[4].bound == 1.0
    assert curve[5].error == pytest.approx(0.005)
    assert curve[5].automation == 0.75 and curve[0].automation == 0.25
    assert curve[5].threshold == 1 - DOUBTS[5]
