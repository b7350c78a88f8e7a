"""The promise through its life: too little data, kept, broken, withdrawn, proved anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from annotation.promise import DOUBTS, NEVER, SeenDocument, SeenField, first_level
from annotation.simulated_audit import simulated_documents, simulated_judged
from annotation.standing import (
    PromiseEvidence,
    PromiseGoal,
    PromiseStanding,
    PromiseState,
    cautious_level,
    judge_promise,
    standing_from_json,
    standing_to_json,
)
from extraction.errors import InputError

START = datetime(2026, 1, 1, tzinfo=UTC)
FINE = first_level(0.005) + 2
SIMULATED = tuple(
    SeenDocument(str(n), (SeenField(FINE, False), SeenField(FINE + 3, n % 20 == 0)))
    for n in range(100)
)
FRESH = PromiseStanding(PromiseGoal())


def evidence(wrongs: list[int], fields: int = 10) -> PromiseEvidence:
    """Audited documents, a minute apart, with so many wrong of their fields."""
    return PromiseEvidence(
        audited=tuple(
            SeenDocument(str(n), tuple(SeenField(FINE, k < wrong) for k in range(fields)))
            for n, wrong in enumerate(wrongs)
        ),
        audited_at=tuple(START + timedelta(minutes=n) for n in range(len(wrongs))),
        simulated=SIMULATED,
        automation=tuple(n / len(DOUBTS) for n in range(len(DOUBTS))),
    )


def test_without_an_audit_simulated_scans_decide_with_caution() -> None:
    standing = judge_promise(FRESH, evidence([]))
    assert (standing.state, standing.kept) == (PromiseState.SIMULATED, False)
    assert standing.level == FINE + 2 and standing.is_simulated
    assert standing.needed > 500 and standing.audited == 0
    assert standing.threshold == 1 - DOUBTS[FINE + 2]


def test_the_audit_proves_the_promise() -> None:
    standing = judge_promise(FRESH, evidence([0] * 1000))
    assert standing.kept and standing.needed == 0 and not standing.is_simulated
    assert (standing.audited, standing.wrong, standing.documents) == (10_000, 0, 1000)
    assert standing.automation == standing.curve[standing.level].automation > 0.5


def test_a_broken_promise_is_withdrawn_and_only_later_documents_restore_it() -> None:
    kept = judge_promise(FRESH, evidence([0] * 1000))
    broken = evidence([0] * 1000 + [3] * 10)
    withdrawn = judge_promise(kept, broken)
    assert withdrawn.state is PromiseState.WITHDRAWN
    assert withdrawn.error is not None and withdrawn.level < kept.level
    assert withdrawn.since is not None and withdrawn.since > START + timedelta(minutes=999)
    assert judge_promise(withdrawn, broken) == withdrawn
    some_more = judge_promise(withdrawn, evidence([0] * 1000 + [3] * 10 + [0] * 300))
    assert some_more.state is PromiseState.WITHDRAWN and 0 < some_more.needed < withdrawn.needed
    # The first of the ten broke it; those after it still count against the new proof.
    restored = judge_promise(withdrawn, evidence([0] * 1000 + [3] * 4 + [0] * 4000))
    assert restored.kept and restored.error is None


def test_what_is_not_proved_any_more_is_withdrawn() -> None:
    kept = judge_promise(FRESH, evidence([0] * 1000))
    unproved = judge_promise(kept, evidence(([0] * 199 + [1]) * 4))
    assert unproved.state is PromiseState.WITHDRAWN and unproved.error is None


def test_a_stricter_goal_needs_more() -> None:
    lax = judge_promise(replace(FRESH, goal=PromiseGoal(0.01)), evidence([0] * 600))
    strict = judge_promise(FRESH, evidence([0] * 600))
    assert lax.kept and not strict.kept


def test_where_even_simulated_scans_err_nothing_passes() -> None:
    awful = tuple(SeenDocument(str(n), (SeenField(0, True),)) for n in range(9))
    assert cautious_level(awful, 0.005) == -1
    standing = judge_promise(FRESH, replace(evidence([]), simulated=awful))
    assert (standing.threshold, standing.automation) == (1.0, 0.0)


def test_a_standing_survives_its_json() -> None:
    for wrongs in ([], [0] * 1000, [0] * 1000 + [3] * 10):
        standing = judge_promise(FRESH, evidence(wrongs))
        assert standing_from_json(standing_to_json(standing)) == standing


@pytest.mark.parametrize(("target", "certainty"), [(0.0, 0.95), (0.5, 0.95), (0.01, 1.0)])
def test_a_goal_that_means_nothing_is_refused(target: float, certainty: float) -> None:
    with pytest.raises(InputError, match="give a share"):
        PromiseGoal(target, certainty)


def test_the_shipped_simulation_lets_something_pass() -> None:
    documents = simulated_documents()
    assert cautious_level(documents, 0.005) > 0
    assert any(field.level == NEVER for one in documents for field in one.fields)
    assert {"text", "number"} <= {field.kind for field in simulated_judged()}
