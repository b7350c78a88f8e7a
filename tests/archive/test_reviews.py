"""Review tasks as rows: asked, claimed, pushed, lost, withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.task_json import task_from_json
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.deletion import delete_document
from archive.documents import accept_document, change_priority, reprocess_document
from archive.process_leases import drop_lease, hold_lease
from archive.reasons import Reason
from archive.reviews import (
    abandon,
    claim_tasks,
    find_abandoned,
    find_due_tasks,
    find_task,
    note_pushed,
    postpone_tasks,
    return_tasks,
    wait_after,
)
from archive.states import DocumentState
from archive.tables import ReviewState, ReviewTaskRow
from tests.archive.review_rows import add_reviewed, assemble, find_row
from tests.archive.rows import later

PROJECT = 7


def due(session: Session, now: datetime | None = None, limit: int = 100) -> list[str]:
    return [row.id for row, _ in find_due_tasks(session, "order", now or later(1), limit)]


def push(session: Session, task_id: str, studio_id: int = 70) -> None:
    claim_tasks(session, [task_id], PROJECT, later(1))
    note_pushed(session, PROJECT, {task_id: studio_id}, utc_now())
    session.flush()


def test_task_is_made_with_the_record_it_asks_about(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer", "items[1].amount")
    with database.read() as session:
        row = find_task(session, document.id)
        assert row is not None
        assert (row.id, row.state) == (task_id, ReviewState.WAITING)
        assert (row.generation, row.base_revision, row.shown, row.audited) == (1, 1, 2, 0)
        asked = task_from_json(row.body)
        assert {region.name for region in asked.regions} == {"buyer", "items.amount"}
        assert document.state == DocumentState.IN_REVIEW


def test_what_is_worth_most_comes_first_but_urgent_documents_before(database: Database) -> None:
    with database.write() as session:
        _, little = add_reviewed(session, "a.pdf", "buyer")
        _, much = add_reviewed(session, "b.pdf", "buyer", "total", "items[0].amount")
        urgent, first = add_reviewed(session, "c.pdf", "buyer")
        find_row(session, much).worth = 9.0
        find_row(session, little).worth = 1.0
        change_priority(session, urgent.id, 2)
        assert due(session) == [first, much, little]
        assert due(session, limit=1) == [first]


def test_claimed_task_is_due_again_only_after_its_wait(database: Database) -> None:
    """Its process may have died between the import and the note of it."""
    with database.write() as session:
        _, task_id = add_reviewed(session, "a.pdf", "buyer")
        now = later(1)
        assert claim_tasks(session, [task_id], PROJECT, now) == (task_id,)
        assert claim_tasks(session, [task_id], PROJECT, now) == ()
        session.flush()
        assert due(session, now) == []
        assert due(session, now + wait_after(1)) == [task_id]
        postpone_tasks(session, [task_id], Reason("task_refused", "a prediction is wrong"), now)
        assert find_row(session, task_id).reason == "a prediction is wrong"


@pytest.mark.parametrize("end", ["accept", "reprocess", "delete"])
def test_what_is_not_asked_any_more_is_to_be_deleted_in_label_studio(
    database: Database, end: str
) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer")
        push(session, task_id, 70)
        if end == "delete":
            delete_document(session, document.id)
        else:
            change = {"accept": accept_document, "reprocess": reprocess_document}[end]
            change(session, document.id)
        session.flush()
        (left,) = find_abandoned(session, 10)
        assert (left.task_id, left.project_id, left.label_studio_task_id) == (
            (task_id, PROJECT, 70)
        )
        rows = session.scalars(select(ReviewTaskRow)).all()
        assert [row.state for row in rows] == ([] if end == "delete" else [ReviewState.WITHDRAWN])


def test_document_withdrawn_while_its_task_is_on_its_way(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer")
        claim_tasks(session, [task_id], PROJECT, later(1))
        session.flush()
        delete_document(session, document.id)
        (left,) = find_abandoned(session, 10)
        assert left.label_studio_task_id is None
        note_pushed(session, PROJECT, {task_id: 71}, utc_now())
        session.flush()
        (left,) = find_abandoned(session, 10)
        assert left.label_studio_task_id == 71


def test_one_that_was_never_pushed_leaves_nothing_to_delete(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer")
        abandon(session, find_row(session, task_id), utc_now())
        accept_document(session, document.id)
        assert find_abandoned(session, 10) == ()


def test_document_read_anew_gets_a_new_task(database: Database) -> None:
    with database.write() as session:
        document, old = add_reviewed(session, "a.pdf", "buyer")
        push(session, old)
        reprocess_document(session, document.id)
        session.flush()
        new = assemble(session, document, "total")
        assert find_row(session, old).state == ReviewState.WITHDRAWN
        row = find_task(session, document.id)
        assert row is not None
        assert (row.id, row.generation, row.base_revision) == (new, 2, 2)


def test_lost_task_is_due_again_unless_it_is_settled(database: Database) -> None:
    with database.write() as session:
        _, lost = add_reviewed(session, "a.pdf", "buyer")
        _, settled = add_reviewed(session, "b.pdf", "buyer")
        push(session, lost, 70)
        push(session, settled, 71)
        find_row(session, settled).state = ReviewState.SETTLED
        assert return_tasks(session, [lost, settled], later(1)) == 1
        session.flush()
        assert due(session, later(2)) == [lost]
        assert find_row(session, settled).state == ReviewState.SETTLED


def test_one_process_at_a_time_has_the_turn(database: Database) -> None:
    now, minute = utc_now(), timedelta(minutes=1)
    with database.write() as session:
        assert hold_lease(session, "review", "a", now, minute)
        assert hold_lease(session, "review", "a", now, minute)
        assert not hold_lease(session, "review", "b", now, minute)
        assert hold_lease(session, "review", "b", now + 2 * minute, minute)
        drop_lease(session, "review", "a")
        assert not hold_lease(session, "review", "a", now + 2 * minute, minute)
        drop_lease(session, "review", "b")
        assert hold_lease(session, "review", "a", now + 2 * minute, minute)


def test_blobs_of_a_deleted_document_are_noted_as_before(database: Database, blobs: Blobs) -> None:
    with database.write() as session:
        document, _ = add_reviewed(session, "a.pdf", "buyer")
        delete_document(session, document.id)
        assert session.scalars(select(ReviewTaskRow)).all() == []
