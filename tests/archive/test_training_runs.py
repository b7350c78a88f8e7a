from __future__ import annotations

from datetime import timedelta

import pytest

from archive.clock import utc_now
from archive.database import Database
from archive.errors import IllegalMove, LeaseLost, NotFound
from archive.reasons import Reason, find_reason, training_died
from archive.tables import TrainingKind, TrainingState
from archive.training_runs import (
    LEASE,
    MOST_ATTEMPTS,
    RunSettings,
    TrainingPolicy,
    cancel_run,
    fail_run,
    find_run,
    find_runs,
    find_training_policy,
    finish_run,
    lease_run,
    queue_by_policy,
    queue_run,
    release_run,
    renew_run,
    run_to_settings,
    write_training_policy,
)


def queue(database: Database, kind: TrainingKind = TrainingKind.TRAIN) -> str:
    with database.write() as session:
        return queue_run(session, kind, RunSettings(steps=7, promote=False)).id


def lease(database: Database, owner: str = "one", later: timedelta = timedelta()) -> str | None:
    with database.write() as session:
        run = lease_run(session, owner, utc_now() + later)
        return None if run is None else run.id


def state(database: Database, run_id: str) -> TrainingState:
    with database.read() as session:
        return find_run(session, run_id).state


def test_a_run_is_held_by_one_and_ends_with_its_result(database: Database) -> None:
    run_id = queue(database)
    assert lease(database) == run_id
    assert lease(database, "two") is None
    now = utc_now()
    with database.write() as session:
        renew_run(session, run_id, "one", now, {"step": 3})
        assert run_to_settings(find_run(session, run_id)) == RunSettings(steps=7, promote=False)
        finish_run(session, run_id, "one", now, {"passed": True}, "version-1")
    with database.read() as session:
        run = find_run(session, run_id)
    assert (run.state, run.version, run.result) == (
        TrainingState.DONE,
        "version-1",
        {"passed": True},
    )
    assert run.progress == {"step": 3}


def test_two_trainings_at_a_time_are_refused_but_a_shadow_run_may_wait(database: Database) -> None:
    queue(database)
    with pytest.raises(IllegalMove, match="already"):
        queue(database)
    shadow = queue(database, TrainingKind.SHADOW)
    with database.read() as session:
        assert find_runs(session)[0].id == shadow


def test_a_run_whose_process_died_is_taken_over_and_the_old_holder_drops_it(
    database: Database,
) -> None:
    run_id = queue(database)
    lease(database, "one")
    assert lease(database, "two", LEASE - timedelta(seconds=5)) is None
    assert lease(database, "two", LEASE + timedelta(seconds=5)) == run_id
    with database.write() as session, pytest.raises(LeaseLost):
        renew_run(session, run_id, "one", utc_now(), {})
    with database.write() as session, pytest.raises(LeaseLost):
        finish_run(session, run_id, "one", utc_now(), {})


def test_a_run_that_kills_every_process_fails(database: Database) -> None:
    run_id = queue(database)
    later = timedelta()
    for _ in range(MOST_ATTEMPTS):
        assert lease(database, "one", later) == run_id
        later += LEASE + timedelta(seconds=1)
    assert lease(database, "one", later) is None
    with database.read() as session:
        run = find_run(session, run_id)
    assert run.state == TrainingState.FAILED
    assert "without a word" in (run.reason or "")
    assert find_reason(run) == training_died(MOST_ATTEMPTS)


def test_a_process_that_is_told_to_stop_costs_no_attempt(database: Database) -> None:
    run_id = queue(database)
    for _ in range(MOST_ATTEMPTS + 2):
        assert lease(database) == run_id
        with database.write() as session:
            release_run(session, run_id, "one")
    assert state(database, run_id) == TrainingState.QUEUED


def test_a_cancelled_run_is_lost_to_its_holder(database: Database) -> None:
    run_id = queue(database)
    lease(database)
    with database.write() as session:
        cancel_run(session, run_id, utc_now())
    with database.write() as session, pytest.raises(LeaseLost):
        fail_run(session, run_id, "one", utc_now(), Reason("training", "late"))
    with database.write() as session, pytest.raises(IllegalMove):
        cancel_run(session, run_id, utc_now())
    assert state(database, run_id) == TrainingState.CANCELLED
    with database.read() as session, pytest.raises(NotFound):
        find_run(session, "no such run")


def test_the_policy_starts_nothing_until_it_is_on_and_enough_was_corrected(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected = {"documents": 9}
    monkeypatch.setattr(
        "archive.training_runs.count_corrected", lambda session, since=None: corrected["documents"]
    )
    now = utc_now()

    def due(hour: int = 2) -> bool:
        with database.write() as session:
            return queue_by_policy(session, now, hour) is not None

    corrected["documents"] = 50
    assert not due()
    policy = TrainingPolicy(active=True, documents=10, hour=2, promote=False)
    with database.write() as session:
        write_training_policy(session, policy)
        assert find_training_policy(session) == policy
    assert not due(hour=3)
    corrected["documents"] = 9
    assert not due()
    corrected["documents"] = 10
    assert due()
    with database.read() as session:
        run = find_runs(session)[0]
    assert (run.cause, run_to_settings(run).promote) == ("policy", False)
    # One is enough until it has ended.
    assert not due()
