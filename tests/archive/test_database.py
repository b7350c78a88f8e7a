"""What a caller sees of a database that is slow, locked, away or new."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from archive.audit import Action, find_audit
from archive.database import Database
from archive.documents import add_archive, find_archive, find_refusals
from archive.errors import DatabaseGone, SchemaTooNew, StorageFull
from archive.ids import new_id
from archive.migrations.upgrade import newest_version
from archive.reasons import Reason, find_reason
from archive.search import DocumentQuery, FieldFilter, find_documents
from archive.tables import Archive, Document, Row, Setting
from archive.training_runs import find_run
from tests.archive.conftest import NewDatabase
from tests.archive.postgres import running_postgres


def test_migrations_make_the_schema_that_the_code_expects(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []


def test_an_empty_database_is_brought_up_to_date_once(empty_url: NewDatabase) -> None:
    database = Database(empty_url())
    assert database.schema_version() is None
    assert database.migrate() == database.migrate() == newest_version()
    database.close()


def test_processes_that_start_together_migrate_once(empty_url: NewDatabase) -> None:
    url, failed = empty_url(), []

    def start() -> None:
        database = Database(url)
        try:
            database.migrate()
        except Exception as error:  # noqa: BLE001 - a thread's error has to reach the test
            failed.append(error)
        database.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_an_upgrade_from_0001_keeps_what_is_there_and_makes_it_searchable(
    empty_url: NewDatabase,
) -> None:
    database = Database(empty_url())
    assert database.migrate("0001") == "0001"
    now, document_id = datetime.now(UTC), new_id()
    archive = {"id": new_id(), "name": "旧档案", "priority": 0, "created_at": now}
    with database.write() as session:
        session.execute(insert(Archive.__table__), [archive])
        session.execute(
            insert(Document.__table__),
            [
                {
                    "id": document_id,
                    "archive_id": archive["id"],
                    "name": "报销单.PDF",
                    "sha256": "0" * 64,
                    "size": 3_000_000_000,
                    "blob_key": "sources/00",
                    "state": "done",
                }
            ],
        )
        session.execute(
            text(
                "INSERT INTO field_value (document_id, path, revision, name, text, value, route)"
                f" VALUES ('{document_id}', 'payee', 1, 'payee', '王小明', '王小明', 'accept')"
            )
        )
    assert database.migrate() == newest_version()
    with database.read() as session:
        assert find_archive(session, str(archive["id"])).name == "旧档案"
        for words in ("小明", "报销单.pdf", "王小明 报销"):
            found = find_documents(session, DocumentQuery(text=words)).documents
            assert [row.id for row in found] == [document_id]
        assert found[0].size == 3_000_000_000
    database.close()


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999"):
        database.migrate()


# What was written then, in words of then: today's rows have columns that were not there.
_OLD_ARCHIVE = (
    "INSERT INTO archive (id, name, priority, created_at) VALUES (:archive, '旧', 0, :at)"
)
_OLD_DOCUMENT = """
INSERT INTO document (id, archive_id, name, sha256, size, blob_key, priority, state, generation,
    pages_done, pages_failed, revision, doubtful, created_at, updated_at)
VALUES (:document, :archive, '旧表.pdf', '00', 10, 'sources/00', 0, 'done', 1,
    1, 0, 1, 0, :at, :at)
"""
_OLD_FIELD = """
INSERT INTO field_value (document_id, path, revision, name, text, value, number, route)
VALUES (:document, 'total', 1, 'total', '1,200', '1200.0', 1200, 'accept')
"""
_OLD_AUDIT = """
INSERT INTO audit_entry (id, at, user_id, username, action, subject, detail)
VALUES (:entry, :at, :name, :name, 'saw', :subject, '{}')
"""


def test_an_upgrade_from_0002_finds_numbers_and_the_log_as_before(
    empty_url: NewDatabase,
) -> None:
    database = Database(empty_url())
    assert database.migrate("0002") == "0002"
    at = datetime(2026, 1, 1, tzinfo=None if database.is_sqlite else UTC)
    ids = {"archive": new_id(), "document": new_id(), "at": at}
    with database.write() as session:
        for statement in (_OLD_ARCHIVE, _OLD_DOCUMENT, _OLD_FIELD):
            session.execute(text(statement), ids)
        for name in ("amy", "bob"):
            said = {"entry": new_id(), "name": name, "subject": f"document:{ids['document']}"}
            session.execute(text(_OLD_AUDIT), {**ids, **said})
    assert database.migrate() == newest_version()
    with database.read() as session:
        for value, total in (("1000", 1), ("2000", 0)):
            query = DocumentQuery(fields=(FieldFilter("total", ">", value),))
            assert find_documents(session, query).total == total
        assert find_audit(session, action=Action.SAW).total == 2
        [entry] = find_audit(session, user_id="bob", subject=said["subject"]).entries
        assert entry.username == "bob"
    database.close()


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="stop"), database.write() as session:
        add_archive(session, "half", None)
        raise ValueError("stop")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Archive)) == 0


def test_a_read_changes_nothing(database: Database) -> None:
    with database.read() as session:
        add_archive(session, "tried", None)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Archive)) == 0


def test_times_come_back_aware_and_the_same(database: Database) -> None:
    at = datetime(2026, 11, 21, 7, 8, 9, 123456, tzinfo=UTC)
    with database.write() as session:
        session.add(Setting(name="x", value={"汉": [1, None]}, updated_at=at))
    with database.read() as session:
        row = session.get(Setting, "x")
        assert row is not None and row.updated_at == at
        assert row.updated_at.tzinfo is not None and row.value == {"汉": [1, None]}


def test_a_mistake_in_the_code_is_not_called_trouble_with_the_database(
    database: Database,
) -> None:
    with pytest.raises((OperationalError, ProgrammingError)), database.read() as session:
        session.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Setting(name="x", value={}))
        session.flush()
        session.expunge_all()
        session.add(Setting(name="x", value={}))


def test_a_locked_sqlite_is_gone_after_the_timeout_and_back_after_the_lock(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    file = tmp_path / "locked.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{file}", timeout_s=0.2)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(DatabaseGone, match="locked"), database.write():
        pass
    assert 0.1 < time.monotonic() - started < 3
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Archive)) == 0
    holder.execute("ROLLBACK")
    with database.write() as session:
        add_archive(session, "after", None)
    holder.close()
    database.close()


def test_a_postgres_that_restarts_is_gone_and_then_back() -> None:
    with running_postgres() as server:
        database = Database(server.url, timeout_s=2)
        database.migrate()
        with database.write() as session:
            archive_id = add_archive(session, "kept", None).id
        with pytest.raises(DatabaseGone), database.write() as session:
            add_archive(session, "lost", None)
            server.stop()
            add_archive(session, "lost", None)
        with pytest.raises(DatabaseGone), database.read() as session:
            find_archive(session, archive_id)
        server.start()
        with database.read() as session:
            assert find_archive(session, archive_id).name == "kept"
            assert session.scalar(select(func.count()).select_from(Archive)) == 1
        database.close()


def test_a_full_disk_is_said_so(tmp_path: Path, migrated_sqlite: Path) -> None:
    file = tmp_path / "full.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{file}")
    with pytest.raises(StorageFull), database.write() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        session.add(Setting(name="big", value={"x": "y" * 5_000_000}))
    with database.read() as session:
        assert session.get(Setting, "big") is None
    database.close()


_OLD_REFUSAL = """
INSERT INTO refusal (id, archive_id, name, category, reason, created_at)
VALUES (:refusal, :archive, 'a.docx', 'unsupported', 'an Office document; save it as PDF', :at)
"""
_OLD_RUN = """
INSERT INTO training_run (id, kind, state, cause, settings, attempts, progress, result, reason,
    created_at)
VALUES (:run, 'train', 'failed', 'person', '{}', 4, '{}', '{}', 'out of memory', :at)
"""


def test_an_upgrade_from_0007_keeps_the_reasons_that_had_no_terms(empty_url: NewDatabase) -> None:
    database = Database(empty_url())
    assert database.migrate("0007") == "0007"
    at = datetime(2026, 1, 1, tzinfo=None if database.is_sqlite else UTC)
    ids = {"archive": new_id(), "refusal": new_id(), "run": new_id(), "at": at}
    with database.write() as session:
        for statement in (_OLD_ARCHIVE, _OLD_REFUSAL, _OLD_RUN):
            session.execute(text(statement), ids)
    assert database.migrate() == newest_version()
    with database.read() as session:
        [refusal] = find_refusals(session, str(ids["archive"]))
        assert find_reason(refusal) == Reason("unsupported", refusal.reason)
        run = find_run(session, str(ids["run"]))
        assert find_reason(run) == Reason("", "out of memory")
    database.close()
