"""Documents count as their quality comes now, whatever came in the audit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.promise import NEVER
from annotation.quality import (
    POOREST,
    QUALITY_EDGES,
    find_mixture,
    find_quality,
    find_weights,
    record_to_quality,
)
from annotation.recent import LEAST_RECENT, ReadDocument, count_levels, documents_to_recent
from tests.annotation.small_form import small_record


def test_quality_falls_with_the_mean_confidence() -> None:
    qualities = [find_quality([1.0 - edge - 0.001]) for edge in (0.0, *QUALITY_EDGES)]
    assert qualities == [0, 1, POOREST]
    assert find_quality([]) == POOREST
    assert record_to_quality(small_record()) in range(POOREST + 1)


@given(
    st.lists(st.integers(0, POOREST), min_size=30, max_size=90),
    st.tuples(*[st.integers(5, 90)] * 3),
)
def test_weighted_documents_come_in_the_mixture_asked_for(
    qualities: list[int], shares: tuple[int, int, int]
) -> None:
    mixture = tuple(share / sum(shares) for share in shares)
    audited = np.array(qualities)
    weights = find_weights(audited, mixture)
    if {*qualities} != {0, 1, POOREST}:
        assert weights is None
        return
    assert weights is not None and weights.max() == 1.0
    counted = np.bincount(audited, weights, minlength=3) / weights.sum()
    assert counted == pytest.approx(mixture)


def test_a_quality_that_hardly_comes_changes_nothing() -> None:
    audited = np.array([0] * 500 + [1] * 500)
    weights = find_weights(audited, (0.495, 0.495, 0.01))
    assert weights is not None and weights == pytest.approx(np.ones(1000))
    assert find_weights(audited, (0.45, 0.45, 0.1)) is None
    assert find_weights(np.array([], dtype=np.int64), (1.0, 0.0, 0.0)) is not None


def test_recent_work_tells_what_would_pass_up_to_a_quality() -> None:
    good = ReadDocument(0, count_levels([0, 0, 3, NEVER]))
    poor = ReadDocument(POOREST, count_levels([3, NEVER, NEVER, NEVER]))
    recent = documents_to_recent([good, poor])
    assert recent.automation(POOREST)[:4] == pytest.approx((0.25, 0.25, 0.25, 0.5))
    assert recent.automation(0)[3] == pytest.approx(0.375)
    assert recent.automation(-1)[3] == 0.0
    assert recent.mixture is None
    many = documents_to_recent([good] * LEAST_RECENT + [poor] * LEAST_RECENT)
    assert many.mixture == (0.5, 0.0, 0.5) == find_mixture([0, POOREST])
