"""Policies as they are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.policy import ReviewPolicy, policy_from_json, policy_to_json
from extraction.errors import InputError

shares = st.floats(0, 1)


@given(st.builds(ReviewPolicy, shares, st.frozensets(st.text(max_size=5)), shares, shares))
def test_a_policy_comes_back_as_it_was(policy: ReviewPolicy) -> None:
    assert policy_from_json(policy_to_json(policy)) == policy


def test_what_is_left_out_is_as_by_default() -> None:
    policy = policy_from_json({"threshold": 0.5})
    assert policy == ReviewPolicy(threshold=0.5)
    assert policy.audited_share == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": "high"}, "expected a number"),
        ({"audit_fields": float("nan")}, "audit_fields"),
        ({"always_review": [3]}, "always_review"),
        ({"treshold": 0.5}, "treshold"),
    ],
)
def test_a_wrong_policy_is_refused_by_name(stored: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        policy_from_json(stored)  # type: ignore[arg-type]
