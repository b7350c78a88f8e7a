"""From a schema without the review: what is in review then can be asked for afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, text

from archive.clock import utc_now
from archive.database import Database
from archive.documents import find_document, reprocess_document
from archive.ids import new_id
from archive.reviews import find_due_tasks, find_task
from archive.states import DocumentState
from archive.tables import ReviewState, ReviewTaskRow
from tests.archive.conftest import NewDatabase
from tests.archive.review_rows import assemble
from tests.archive.rows import later

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_ARCHIVE = "INSERT INTO archive (id, name, priority, created_at) VALUES (:archive, 'box', 0, :at)"
_DOCUMENT = """
INSERT INTO document (id, archive_id, name, sha256, size, blob_key, priority, state, generation,
    pages_done, pages_failed, revision, doubtful, created_at, updated_at)
VALUES (:document, :archive, '旧表.pdf', '00', 10, 'sources/00', 0, 'in_review', 1,
    0, 0, 0, 0, :at, :at)
"""


def test_an_upgrade_from_0003_keeps_documents_in_review(empty_url: NewDatabase) -> None:
    database = Database(empty_url())
    assert database.migrate("0003") == "0003"
    at = _AT.replace(tzinfo=None) if database.is_sqlite else _AT
    ids = {"archive": new_id(), "document": new_id(), "at": at}
    with database.write() as session:
        session.execute(text(_ARCHIVE), {"archive": ids["archive"], "at": at})
        session.execute(text(_DOCUMENT), ids)
    database.migrate()
    document_id = str(ids["document"])
    with database.write() as session:
        document = find_document(session, document_id)
        assert document.state == DocumentState.IN_REVIEW
        assert session.scalar(select(func.count()).select_from(ReviewTaskRow)) == 0
        # It has no task, so nobody can see it: read anew, it gets one.
        reprocess_document(session, document_id)
        session.flush()
        assemble(session, document, "buyer")
    with database.read() as session:
        row = find_task(session, document_id)
        assert row is not None and row.state == ReviewState.WAITING
        assert [one.id for one, _ in find_due_tasks(session, "order", later(1), 5)] == [row.id]
        assert row.created_at <= utc_now()
    database.close()
