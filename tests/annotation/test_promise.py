"""The bound holds by document, also when all fields of one err together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.promise import (
    DOUBTS,
    NEVER,
    Audit,
    SeenDocument,
    SeenField,
    confidences_to_levels,
    count_seen,
    documents_needed,
    documents_still_needed,
    draw_curve,
    find_bound,
    find_proof,
    first_level,
    level_to_threshold,
    log_wealth,
    prove_level,
)
from annotation.quality import POOREST

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
    audit = count_seen([mixed])
    wrong, seen = audit.wrong, audit.seen
    assert seen[0, :3].tolist() == [1, 1, 3] and seen[0, -1] == 3
    assert wrong[0, :3].tolist() == [0, 0, 1] and wrong[0, -1] == 1


def test_enough_documents_without_an_error_just_prove_the_target() -> None:
    needed = documents_needed(TARGET, CERTAINTY)
    # Not below what any bound needs that counts documents, nor far above it.
    assert np.log(1 - CERTAINTY) / np.log(1 - TARGET) <= needed < 720
    proved = [document(number, 8) for number in range(needed)]
    assert prove_level(count_seen(proved), TARGET, CERTAINTY) == len(DOUBTS) - 1
    assert prove_level(count_seen(proved[: needed // 2]), TARGET, CERTAINTY) is None
    assert prove_level(count_seen([]), TARGET, CERTAINTY) is None


def test_more_fields_of_the_same_documents_prove_no_more() -> None:
    few = [document(number, 3) for number in range(620)]
    many = [document(number, 300) for number in range(620)]
    assert prove_level(count_seen(few), TARGET, CERTAINTY) is None
    assert prove_level(count_seen(many), TARGET, CERTAINTY) is None


def test_the_proof_stops_before_the_level_that_errs() -> None:
    good, bad = first_level(TARGET) + 3, first_level(TARGET) + 4
    documents = [
        SeenDocument(
            str(n), (*(SeenField(good, False) for _ in range(9)), SeenField(bad, n % 5 == 0))
        )
        for n in range(1500)
    ]
    assert prove_level(count_seen(documents), TARGET, CERTAINTY) == good


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
        false_proofs += prove_level(count_seen(documents), TARGET, CERTAINTY) is not None
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
    automation = [0.25 if level < 5 else 0.75 for level in range(len(DOUBTS))]
    curve = draw_curve(count_seen(documents), automation, CERTAINTY)
    assert [point.doubt for point in curve] == list(DOUBTS)
    assert curve[4].error is None and curve[4].bound == 1.0
    assert curve[5].error == pytest.approx(0.005)
    assert curve[5].automation == 0.75 and curve[0].automation == 0.25
    assert curve[5].threshold == 1 - DOUBTS[5]


def graded(rates: tuple[float, float, float], each: int = 1200) -> list[SeenDocument]:
    """As many documents of each quality, ten fields each, with those error rates."""
    level, rng = first_level(TARGET), np.random.default_rng(7)
    return [
        SeenDocument(
            f"{quality}-{n}",
            tuple(SeenField(level, bool(rng.random() < rate)) for _ in range(10)),
            (),
            quality,
        )
        for quality, rate in enumerate(rates)
        for n in range(each)
    ]


def test_more_poor_scans_than_in_the_audit_undo_a_proof() -> None:
    audit = count_seen(graded((0.0, 0.001, 0.005)))
    even = find_proof(audit, TARGET, CERTAINTY)
    assert even is not None and even.poorest == POOREST
    shifted = find_proof(audit, TARGET, CERTAINTY, (0.02, 0.08, 0.9))
    assert shifted is None or shifted.poorest < POOREST


def test_a_proof_leaves_out_scans_that_were_hardly_audited() -> None:
    documents = graded((0.0, 0.0, 0.0))
    audit = count_seen([one for one in documents if one.quality < POOREST] + documents[-5:])
    proof = find_proof(audit, TARGET, CERTAINTY)
    assert proof is not None and proof.poorest == POOREST - 1


def test_another_mixture_is_seldom_proved_wrongly() -> None:
    """Good scans never err, poor ones at 1.2 times the target; only poor ones come."""
    false_proofs = 0
    for repetition in range(100):
        rng = np.random.default_rng([repetition, 2])
        qualities = rng.choice(3, 1500, p=[0.5, 0.25, 0.25])
        wrong = rng.binomial(10, np.where(qualities == POOREST, 1.2 * TARGET, 0.0))
        shape = np.ones((1, len(DOUBTS)))
        audit = Audit(wrong[:, None] * shape, np.full((1500, 1), 10.0) * shape, qualities)
        proof = find_proof(audit, TARGET, CERTAINTY, (0.0, 0.05, 0.95))
        false_proofs += proof is not None and proof.poorest == POOREST
    assert false_proofs <= 5


def test_what_is_still_needed_grows_with_the_errors_seen() -> None:
    right = count_seen(graded((0.0, 0.0, 0.0), each=100))
    wrong = count_seen(graded((0.002, 0.002, 0.002), each=100))
    needed = documents_still_needed(right, TARGET, CERTAINTY)
    assert needed == pytest.approx(documents_needed(TARGET, CERTAINTY) - 300, rel=0.15)
    assert documents_still_needed(wrong, TARGET, CERTAINTY) > needed
    assert documents_still_needed(count_seen([]), TARGET, CERTAINTY) > 500
