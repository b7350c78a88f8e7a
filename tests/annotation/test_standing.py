"""The promise through its life: too little data, kept, broken, withdrawn, proved anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from annotation.promise import DOUBTS, NEVER, SeenDocument, SeenField, first_level
from annotation.quality import POOREST
from annotation.recent import RecentWork
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
ACCEPTED = tuple(n / len(DOUBTS) / 3 for n in range(len(DOUBTS)))
RECENT = RecentWork(None, (ACCEPTED,) * 3)
FRESH = PromiseStanding(PromiseGoal())


def evidence(wrongs: list[int], fields: int = 10) -> PromiseEvidence:
    """Audited documents, a minute apart, with so many wrong of their fields."""
    return PromiseEvidence(
        audited=tuple(
            SeenDocument(
                str(n), tuple(SeenField(FINE, k < wrong) for k in range(fields)), (), n % 3
            )
            for n, wrong in enumerate(wrongs)
        ),
        audited_at=tuple(START + timedelta(minutes=n) for n in range(len(wrongs))),
        simulated=SIMULATED,
        recent=RECENT,
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


def test_poor_scans_are_shown_whole_while_they_break_the_promise() -> None:
    """One poor scan in three errs too much for all together; the others keep theirs."""
    spoilt = evidence([int(n % 3 == POOREST and n % 2 == 0) for n in range(3000)])
    kept = judge_promise(FRESH, spoilt)
    assert kept.kept and kept.poorest == POOREST - 1
    assert kept.threshold_for(POOREST) == 1.0 and kept.threshold_for(0) == kept.threshold < 1.0
    told = [(one.quality, one.share, one.threshold) for one in kept.qualities]
    assert told == [(0, None, kept.threshold), (1, None, kept.threshold), (POOREST, None, 1.0)]
    assert (kept.wrong, kept.audited) == (0, 20_000)
    assert kept.automation == pytest.approx(2 * ACCEPTED[kept.level])
    assert judge_promise(kept, spoilt) == kept


def test_the_threshold_follows_what_comes() -> None:
    """Middling scans err at the target: proved as long as few of them come."""
    audited = evidence([int(n % 3 == 1 and n % 20 == 0) for n in range(3000)])
    few = replace(audited, recent=RecentWork((0.6, 0.1, 0.3), (ACCEPTED,) * 3))
    many = replace(audited, recent=RecentWork((0.05, 0.9, 0.05), (ACCEPTED,) * 3))
    kept = judge_promise(FRESH, few)
    assert kept.kept and kept.mixture == (0.6, 0.1, 0.3)
    assert tuple(one.share for one in kept.qualities) == kept.mixture
    held = judge_promise(kept, many)
    assert held.state is PromiseState.WITHDRAWN and held.error is None and held.since is None
    assert judge_promise(held, few) == kept


def test_poor_scans_that_come_often_make_the_simulated_threshold_stricter() -> None:
    simulated = tuple(
        SeenDocument(str(n), (SeenField(FINE, False), SeenField(FINE + 3, n % 100 == 2)), (), n % 3)
        for n in range(300)
    )
    assert cautious_level(simulated, 0.01) > cautious_level(simulated, 0.01, (0.0, 0.0, 1.0))


def test_a_standing_survives_its_json() -> None:
    mixed = RecentWork((0.5, 0.3, 0.2), (ACCEPTED,) * 3)
    for wrongs in ([], [0] * 1000, [0] * 1000 + [3] * 10):
        standing = judge_promise(FRESH, replace(evidence(wrongs), recent=mixed))
        assert standing_from_json(standing_to_json(standing)) == standing


def test_a_standing_kept_before_qualities_were_told_apart_is_read() -> None:
    stored = standing_to_json(judge_promise(FRESH, evidence([0] * 1000)))
    older = {name: value for name, value in stored.items() if name not in ("poorest", "mixture")}
    standing = standing_from_json(older)
    assert standing.poorest == POOREST and standing.mixture == ()
    assert standing.threshold_for(POOREST) == standing.threshold


@pytest.mark.parametrize(("target", "certainty"), [(0.0, 0.95), (0.5, 0.95), (0.01, 1.0)])
def test_a_goal_that_means_nothing_is_refused(target: float, certainty: float) -> None:
    with pytest.raises(InputError, match="give a share"):
        PromiseGoal(target, certainty)


def test_the_shipped_simulation_lets_something_pass() -> None:
    documents = simulated_documents()
    assert cautious_level(documents, 0.005) > 0
    assert any(field.level == NEVER for one in documents for field in one.fields)
    assert {"text", "number"} <= {field.kind for field in simulated_judged()}
