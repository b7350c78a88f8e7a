"""Archives: what is accepted, counted, deleted; and the audit of it."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import func, select

from archive.audit import Action, Actor, add_audit, find_audit
from archive.blobs import Blobs, picture_key
from archive.callbacks import CallbackEvent, add_callback, find_deliveries
from archive.database import Database
from archive.deletion import STRAGGLERS, delete_archive, delete_document, delete_pending_blobs
from archive.documents import (
    accept_document,
    add_archive,
    add_refusal,
    cancel_document,
    find_document,
    find_refusals,
    reprocess_document,
    retry_document,
)
from archive.errors import IllegalMove, NotFound, StorageFull
from archive.intake import Incoming, store_file
from archive.progress import archive_counts, finish_archives
from archive.reasons import Reason
from archive.states import DocumentState
from archive.steps import StepKey, fail_step, finish_page
from archive.tables import Archive, AuditEntry, Document, PendingDeletion, Row, Setting, StepKind
from extraction.errors import EmptyInput, TooLarge
from tests.archive.rows import extract, field, later, new_document, record_json, split, take


def incoming(data: bytes, name: str = "a.pdf") -> Incoming:
    return Incoming(name, io.BytesIO(data))


def test_a_file_is_stored_and_its_twin_is_named_a_duplicate(
    database: Database, blobs: Blobs
) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    first = store_file(database, blobs, archive_id, incoming(b"scan"), 100)
    twin = store_file(database, blobs, archive_id, incoming(b"scan", "b.pdf"), 100)
    assert (first.state, first.size) == (DocumentState.RECEIVED, 4)
    assert (twin.state, twin.duplicate_of) == (DocumentState.DONE, first.id)
    assert list(blobs.keys("sources")) == [first.blob_key] == [twin.blob_key]
    assert blobs.read(first.blob_key) == b"scan"
    for act in (retry_document, reprocess_document, cancel_document):
        with database.write() as session, pytest.raises(IllegalMove):
            act(session, twin.id)


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyInput), (b"x" * 11, TooLarge)])
def test_a_file_that_cannot_be_taken_leaves_nothing(
    database: Database, blobs: Blobs, data: bytes, error: type[Exception]
) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    with pytest.raises(error):
        store_file(database, blobs, archive_id, incoming(data), 10)
    assert list(blobs.keys()) == []


def test_a_file_for_an_archive_that_is_gone_leaves_no_blob(
    database: Database, blobs: Blobs
) -> None:
    with pytest.raises(NotFound):
        store_file(database, blobs, "nowhere", incoming(b"scan"), 10)
    assert list(blobs.keys()) == []


def test_a_full_disk_leaves_no_row(
    database: Database, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id

    def full(key: str, content: object) -> int:
        raise StorageFull(f"no room to store {key}")

    monkeypatch.setattr(blobs, "write", full)
    with pytest.raises(StorageFull):
        store_file(database, blobs, archive_id, incoming(b"scan"), 10)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 0


def test_counts_are_those_of_the_rows(database: Database) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
        assert archive_counts(session, archive_id).seconds_left == 0.0
        waiting, half, done, review, failed, gone = (
            new_document(session, name, archive_id) for name in "abcdef"
        )
        new_document(session, "twin", archive_id, "a")
        add_refusal(session, archive_id, "x.exe", Reason("unsupported", "is no document"))
        first, *_ = split(session, half, 4)
        finish_page(session, take(session, first), "r", "v")
        extract(session, done, record_json(), pages=2)
        extract(session, review, record_json(payee=field("?", route="review")), pages=1)
        lease = take(session, StepKey(failed.id, 1, StepKind.SPLIT, 0))
        fail_step(session, lease, Reason("damaged", "torn"), retryable=False)
        cancel_document(session, gone.id)
        counts = archive_counts(session, archive_id, later(60))
    assert counts.states == {
        DocumentState.RECEIVED: 1,
        DocumentState.EXTRACTING: 1,
        DocumentState.IN_REVIEW: 1,
        DocumentState.DONE: 1,
        DocumentState.FAILED: 1,
        DocumentState.CANCELLED: 1,
    }
    assert (counts.documents, counts.duplicates, counts.refused, counts.active) == (7, 1, 1, 2)
    assert (counts.pages, counts.pages_done, counts.pages_failed) == (7, 4, 0)
    # Four pages in about a minute; three known are left and one document of unknown length,
    # which is taken to have the mean of 7 / 3 pages.
    assert counts.pages_per_minute == pytest.approx(4, rel=0.3)
    assert counts.seconds_left == pytest.approx(
        60 * (3 + 7 / 3) / counts.pages_per_minute, rel=0.01
    )
    assert waiting.state == DocumentState.RECEIVED
    with database.read() as session:
        assert [row.name for row in find_refusals(session, archive_id)] == ["x.exe"]


def test_an_archive_is_finished_once_when_all_has_ended_and_it_is_quiet(
    database: Database,
) -> None:
    with database.write() as session:
        document = new_document(session)
        add_callback(session, "https://example.org/hook", [CallbackEvent.ARCHIVE_FINISHED])
        assert finish_archives(session, later(60)) == ()
        extract(session, document, record_json())
        assert finish_archives(session, later(0)) == (), "more may be on its way"
        assert finish_archives(session, later(60)) == (document.archive_id,)
        assert finish_archives(session, later(70)) == ()
        assert len(find_deliveries(session)) == 1
        new_document(session, "more", document.archive_id)
        assert session.get_one(Archive, document.archive_id).finished_at is None


def test_what_a_person_has_looked_at_is_done(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        extract(session, document, record_json(payee=field("?", route="review")))
        assert document.state == DocumentState.IN_REVIEW
        assert document.doubtful == 1 and document.lowest_confidence == 0.3
        accept_document(session, document.id)
        assert document.state == DocumentState.DONE
        with pytest.raises(IllegalMove):
            accept_document(session, document.id)


def test_deleting_leaves_neither_rows_nor_blobs(database: Database, blobs: Blobs) -> None:
    with database.write() as session:
        document = new_document(session)
        other = new_document(session, "other", document.archive_id)
        extract(session, document, record_json(payee=field("王小明")))
        archive_id, key = document.archive_id, document.blob_key
    for stored in (key, picture_key(document.id, 1, 1), f"exports/{archive_id}/all.zip"):
        blobs.write(stored, b"x")
    blobs.write(picture_key(other.id, 1, 1), b"kept")
    with database.write() as session:
        delete_document(session, document.id)
    delete_pending_blobs(database, blobs, later(0))
    assert list(blobs.keys()) == [picture_key(other.id, 1, 1)]
    with database.read() as session:
        for table in Row.metadata.sorted_tables:
            for name in ("document_id", "id"):
                if name in table.columns:
                    query = select(func.count()).where(table.c[name] == document.id)
                    assert session.scalar(query) == 0, table.name
        with pytest.raises(NotFound):
            find_document(session, document.id)


def test_a_straggler_that_writes_to_a_deleted_document_is_deleted_later(
    database: Database, blobs: Blobs
) -> None:
    with database.write() as session:
        document_id = new_document(session).id
        delete_document(session, document_id)
    delete_pending_blobs(database, blobs, later(0))
    blobs.write(picture_key(document_id, 1, 1), b"late")
    delete_pending_blobs(database, blobs, later(STRAGGLERS.total_seconds() + 1))
    assert list(blobs.keys()) == []
    with database.read() as session:
        assert session.scalars(select(PendingDeletion)).all() == []


def test_a_duplicate_takes_the_place_of_a_deleted_original(
    database: Database, blobs: Blobs
) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    first, second, third = (
        store_file(database, blobs, archive_id, incoming(b"scan", name), 10) for name in "abc"
    )
    with database.write() as session:
        delete_document(session, first.id)
    delete_pending_blobs(database, blobs, later(0))
    with database.write() as session:
        heir = find_document(session, second.id)
        assert (heir.duplicate_of, heir.state) == (None, DocumentState.RECEIVED)
        assert find_document(session, third.id).duplicate_of == second.id
        extract(session, heir, record_json())
    assert blobs.read(first.blob_key) == b"scan"
    with database.write() as session:
        delete_document(session, third.id)
        delete_document(session, second.id)
    delete_pending_blobs(database, blobs, later(0))
    assert list(blobs.keys()) == []


def test_deleting_an_archive_deletes_all_in_it(database: Database, blobs: Blobs) -> None:
    with database.write() as session:
        kept = new_document(session, "kept")
        copy_archive = add_archive(session, "box", None)
        original = new_document(session, "a", copy_archive.id)
        new_document(session, "copy", copy_archive.id, "a")
        outside = new_document(session, "outside", kept.archive_id, "a")
        extract(session, original, record_json())
        delete_archive(session, copy_archive.id)
    with database.read() as session:
        left = {row.id for row in session.scalars(select(Document))}
        assert left == {kept.id, outside.id}
        assert find_document(session, outside.id).duplicate_of is None
        assert [row.id for row in session.scalars(select(Archive))] == [kept.archive_id]


def test_the_audit_tells_who_did_what_newest_first(database: Database) -> None:
    with database.write() as session:
        actor = Actor("amy", "u1", "127.0.0.1")
        for number in range(60):
            add_audit(session, actor, Action.SAW, f"document:{number}")
        add_audit(session, Actor("bob"), Action.DELETED, "document:1", {"name": "报销单"})
    with database.read() as session:
        page = find_audit(session)
        assert (page.total, len(page.entries), page.last_page) == (61, 50, 2)
        assert page.entries[0].action == Action.DELETED
        assert find_audit(session, page=2).entries[-1].subject == "document:0"
        about = find_audit(session, subject="document:1")
        assert [row.username for row in about.entries] == ["bob", "amy"]
        assert find_audit(session, user_id="u1").total == 60
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 61


def test_settings_are_plain_rows(database: Database) -> None:
    with database.write() as session:
        session.merge(Setting(name="promise", value={"target": 0.01}))
        session.merge(Setting(name="promise", value={"target": 0.02}))
    with database.read() as session:
        assert session.get_one(Setting, "promise").value == {"target": 0.02}
