"""What people said goes into the back-up, and goes with its document."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from archive.annotations import find_tasks_to_apply, receive_annotation
from archive.backup import restore_backup, write_backup
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.corrections import apply_answers, find_corrections
from archive.database import Database
from archive.deletion import delete_document
from archive.documents import find_document
from archive.reviews import claim_tasks, find_abandoned, note_pushed
from archive.tables import (
    AnnotationVersion,
    CorrectionRow,
    DisagreementRow,
    ReviewState,
    ReviewTaskRow,
)
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import FakeStudio, retype
from tests.archive.review_rows import FORMS, add_reviewed, find_row, newest_texts
from tests.archive.rows import later
from workers.review_place import ReviewPlace
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks

KEPT = (ReviewTaskRow, AnnotationVersion, CorrectionRow, DisagreementRow)


def dispute(database: Database) -> tuple[str, str, FakeStudio]:
    """A document on which two people disagree; its id, its task's, and where they did."""
    studio = FakeStudio()
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer", "items[0].amount")
    place = ReviewPlace(database, studio, FORMS, "http://forms.example", b"key")
    keep_projects(place)
    push_due_tasks(place)
    for author, said in ((1, "9"), (2, "7")):
        number = studio.answer(task_id, retype({"8": said}), author)
        receive(database, task_id, studio.annotations[number])
    return document.id, task_id, studio


def receive(database: Database, task_id: str, payload: JsonObject) -> None:
    with database.write() as session:
        assert receive_annotation(session, task_id, payload, utc_now())
        assert not receive_annotation(session, task_id, payload, utc_now())
        assert [one for _, one in find_tasks_to_apply(session, 10)] == [task_id]
        apply_answers(session, task_id, FORMS, utc_now())
        session.flush()
        assert find_tasks_to_apply(session, 10) == ()


def counts(database: Database) -> list[int]:
    with database.read() as session:
        return [session.scalar(select(func.count()).select_from(row)) or 0 for row in KEPT]


def test_deletion_of_a_document_deletes_all_that_was_said_of_it(database: Database) -> None:
    document_id, _, studio = dispute(database)
    versions, corrections = counts(database)[1:3]
    assert versions == 2 and corrections > 2
    with database.write() as session:
        delete_document(session, document_id)
    assert counts(database) == [0, 0, 0, 0]
    with database.read() as session:
        (left,) = find_abandoned(session, 5)
        assert left.label_studio_task_id in studio.tasks


def test_restored_back_up_goes_on_where_it_was(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    document_id, task_id, studio = dispute(database)
    blobs.write(_blob_key(database, document_id), b"scan")
    file = tmp_path / "backup.zip"
    write_backup(database, blobs, file)
    restored = Database(f"sqlite:///{tmp_path / 'restored.db'}")
    restore_backup(file, restored, Blobs(str(tmp_path / "elsewhere")))
    assert counts(restored) == counts(database)
    with restored.read() as session, database.read() as before:
        assert [_said(row) for row in find_corrections(session, document_id)] == [
            _said(row) for row in find_corrections(before, document_id)
        ]
    third = studio.answer(task_id, retype({"8": "7"}), 3)
    receive(restored, task_id, studio.annotations[third])
    with restored.read() as session:
        assert find_row(session, task_id).state == ReviewState.SETTLED
        assert newest_texts(session, document_id)["items[0].amount"] == "7"
    restored.close()


def test_what_is_received_for_a_task_that_is_gone_is_passed_over(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer")
        claim_tasks(session, [task_id], 1, later(1))
        note_pushed(session, 1, {task_id: 5}, utc_now())
        session.flush()
        delete_document(session, document.id)
        payload: JsonObject = {"id": 1, "result": [], "updated_at": "2026-01-01T00:00:00Z"}
        assert not receive_annotation(session, task_id, payload, utc_now())


def _said(row: CorrectionRow) -> tuple[object, ...]:
    return row.path, row.verdict, row.before, row.after, row.author, row.at, row.reasons


def _blob_key(database: Database, document_id: str) -> str:
    with database.read() as session:
        return find_document(session, document_id).blob_key
