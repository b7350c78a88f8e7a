"""The contract of steps, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from archive.database import Database
from archive.documents import (
    cancel_document,
    change_priority,
    find_document,
    reprocess_document,
    retry_document,
)
from archive.errors import IllegalMove, LeaseLost
from archive.history import EventKind, document_history
from archive.reasons import Reason, detail_to_reason, find_reason, worker_died
from archive.revisions import all_revisions
from archive.settings import ServiceLimits
from archive.states import DocumentState, StepState
from archive.steps import (
    StepKey,
    fail_step,
    find_lost_steps,
    find_ready_steps,
    find_results,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
    mark_enqueued,
    release_step,
    renew_lease,
)
from archive.tables import StepKind
from tests.archive.rows import (
    extract,
    find_steps,
    later,
    new_document,
    open_keys,
    record_json,
    split,
    take,
)

ENGINE_DOWN = Reason("engine", "engine down")
ENCRYPTED = Reason("encrypted", "is encrypted")


def test_a_document_goes_its_whole_way(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        assert document.state == DocumentState.RECEIVED
        pages = split(session, document, 2)
        assert [key.page for key in pages] == [1, 2]
        assert document.state == DocumentState.EXTRACTING
        assert finish_page(session, take(session, pages[0]), "r1", "v1") is None
        assemble = finish_page(session, take(session, pages[1]), "r2", "v1")
        assert assemble == StepKey(document.id, 1, StepKind.ASSEMBLE, 0)
        state = finish_assemble(session, take(session, assemble), record_json(), "v1", False)
        assert state == DocumentState.DONE
    with database.read() as session:
        found = find_document(session, document.id)
        assert (found.pages, found.pages_done, found.revision) == (2, 2, 1)
        assert [row.result_key for row in find_results(session, document.id, 1)] == ["r1", "r2"]
        kinds = [event.kind for event in document_history(session, document.id)]
        assert kinds == ["received", "split", "assembled", "done"]


def test_a_held_step_is_not_given_twice_until_its_lease_runs_out(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        first = take(session, key)
        assert lease_step(session, key, "other", later(100)) is None
        second = lease_step(session, key, "other", later(130))
        assert second is not None and second.attempt == 2
        with pytest.raises(LeaseLost):
            finish_split(session, first, 3)
        with pytest.raises(LeaseLost):
            renew_lease(session, first, later(131))
        assert len(finish_split(session, second, 3)) == 3


def test_a_renewed_lease_holds(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        lease = take(session, key)
        renew_lease(session, lease, later(100))
        assert lease_step(session, key, "other", later(130)) is None


def test_a_late_holder_whose_step_nobody_took_still_finishes(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        lease = take(session, StepKey(document.id, 1, StepKind.SPLIT, 0))
        assert finish_split(session, lease, 1, later(10_000))


def test_a_page_whose_workers_all_die_is_quarantined_and_the_rest_assembled(
    database: Database,
) -> None:
    with database.write() as session:
        document = new_document(session)
        good, bad = split(session, document, 2)
        finish_page(session, take(session, good), "r", "v1")
        for attempt in range(3):
            take(session, bad, later(200 * attempt))
        assert lease_step(session, bad, "worker", later(800)) is None
        (assemble,) = find_ready_steps(session, document.id)
        assert assemble.step == StepKind.ASSEMBLE
        assert document.pages_failed == 1
        finish_assemble(session, take(session, assemble, later(900)), record_json(), "1", True)
        assert document.state == DocumentState.IN_REVIEW
        told = [e for e in document_history(session, document.id) if e.kind == "page_failed"]
        assert told[0].page == 2 and "3 attempts" in str(told[0].detail["reason"])
        assert detail_to_reason(told[0].detail) == worker_died(3)


def test_a_failure_is_tried_again_after_a_wait_and_then_quarantined(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        (key,) = split(session, document, 1)
        now = later(0)
        for attempt in range(1, 4):
            lease = take(session, key, now)
            assert lease.attempt == attempt
            fail_step(session, lease, ENGINE_DOWN, retryable=True, now=now)
            if attempt < 3:
                assert lease_step(session, key, "w", now) is None, "not before its wait"
            now += timedelta(minutes=6)
        assert document.state == DocumentState.FAILED
        assert document.reason == "engine down"
        assert find_reason(document) == ENGINE_DOWN
        (failed,) = (e for e in document_history(session, document.id) if e.kind == "page_failed")
        assert detail_to_reason(failed.detail) == ENGINE_DOWN


def test_a_failure_that_no_retry_helps_is_quarantined_at_once(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        fail_step(session, take(session, key), ENCRYPTED, retryable=False)
        assert document.state == DocumentState.FAILED
        assert find_steps(session, document.id)[0].state == StepState.QUARANTINED


def test_a_file_without_a_page_fails(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        assert split(session, document, 0) == ()
        assert document.state == DocumentState.FAILED


def test_giving_a_step_back_costs_no_attempt(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        for _ in range(10):
            release_step(session, take(session, key, later(1)), later(0))
        assert take(session, key, later(2)).attempt == 1


def test_work_on_a_cancelled_document_is_dropped(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        first, second = split(session, document, 2)
        lease = take(session, first)
        cancel_document(session, document.id)
        with pytest.raises(LeaseLost):
            finish_page(session, lease, "r", "v1")
        assert lease_step(session, second, "w", later(1)) is None
        assert open_keys(session, later(10_000)) == []
        with pytest.raises(IllegalMove):
            cancel_document(session, document.id)


def test_retry_of_a_cancelled_document_keeps_the_pages_that_are_done(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        first, second = split(session, document, 2)
        finish_page(session, take(session, first), "r1", "v1")
        cancel_document(session, document.id)
        retry_document(session, document.id)
        assert document.state == DocumentState.RECEIVED
        assert open_keys(session, later(1)) == [second]
        assert finish_page(session, take(session, second, later(1)), "r2", "v1") is not None


def test_retry_of_one_failed_page_assembles_anew(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        good, bad = split(session, document, 2)
        finish_page(session, take(session, good), "r1", "v1")
        assemble = fail_step(
            session, take(session, bad), Reason("damaged", "torn"), retryable=False
        )
        assert assemble is not None
        finish_assemble(session, take(session, assemble), record_json(), "v1", False)
        retry_document(session, document.id)
        again = finish_page(session, take(session, bad, later(1)), "r2", "v1")
        assert again is not None
        finish_assemble(session, take(session, again, later(1)), record_json(), "v1", False)
        assert (document.state, document.pages_failed) == (DocumentState.DONE, 0)
        assert [row.number for row in all_revisions(session, document.id)] == [1, 2]
        with pytest.raises(IllegalMove, match="no page"):
            retry_document(session, document.id)


def test_reprocessing_is_a_new_generation_and_old_messages_do_nothing(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        extract(session, document, record_json(), pages=2)
        reprocess_document(session, document.id)
        assert document.generation == 2
        old = StepKey(document.id, 1, StepKind.PAGE, 1)
        assert lease_step(session, old, "w", later(1)) is None
        extract(session, document, record_json(), pages=3)
        assert (document.pages, document.pages_done, document.revision) == (3, 3, 2)
        with pytest.raises(IllegalMove):
            cancel_document(session, document.id)


def test_the_sweep_finds_what_was_never_sent_lost_or_held_by_the_dead(database: Database) -> None:
    limits = ServiceLimits(requeue_seconds=300)
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        assert open_keys(session, later(0)) == [key], "never sent"
        mark_enqueued(session, [key], later(0))
        assert open_keys(session, later(200)) == []
        assert [lost.key for lost in find_lost_steps(session, later(400), 10, limits)] == [key]
        take(session, key)
        assert open_keys(session, later(100)) == [], "held"
        assert open_keys(session, later(130)) == [key], "its holder is dead"
        mark_enqueued(session, [key], later(130))
        assert open_keys(session, later(140)) == [], "sent a moment ago"


def test_an_urgent_document_overtakes_what_was_sent_before(database: Database) -> None:
    with database.write() as session:
        slow, urgent = new_document(session, "slow"), new_document(session, "urgent")
        keys = open_keys(session, later(1))
        mark_enqueued(session, keys, later(1))
        change_priority(session, urgent.id, 9)
        (lost,) = find_lost_steps(session, later(2))
        assert (lost.key.document_id, lost.priority) == (urgent.id, 9)
        assert slow.priority == 0


def test_the_sweep_gives_the_most_urgent_first(database: Database) -> None:
    with database.write() as session:
        first, second, third = (new_document(session, name) for name in "abc")
        change_priority(session, third.id, 5)
        order = [key.document_id for key in open_keys(session, later(1))]
        assert order == [third.id, first.id, second.id]


def test_a_worker_of_a_deleted_document_learns_it(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        lease = take(session, StepKey(document.id, 1, StepKind.SPLIT, 0))
        session.delete(document)
        session.flush()
        with pytest.raises(LeaseLost, match="gone"):
            finish_split(session, lease, 1)
        assert lease_step(session, lease.key, "w", later(1)) is None


def test_history_tells_every_failed_attempt(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        (key,) = split(session, document, 1)
        fail_step(session, take(session, key), Reason("engine", "flaky"), retryable=True)
        finish_page(session, take(session, key, later(10)), "r", "v1")
        (retried,) = [
            event
            for event in document_history(session, document.id)
            if event.kind == EventKind.PAGE_RETRIED
        ]
        assert retried.detail == {
            "step": "page",
            "attempt": 1,
            "reason": "flaky",
            "reason_terms": {"category": "engine", "facts": {}},
        }
