"""What was backed up comes back: rows, blobs, on either database."""

from __future__ import annotations

import json
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive.backup import restore_backup, write_backup
from archive.blobs import Blobs, picture_key, reading_key
from archive.database import Database
from archive.documents import find_document
from archive.errors import BadBackup
from archive.migrations.upgrade import newest_version
from archive.people import (
    Right,
    add_api_token,
    add_user,
    find_person_of_token,
    start_web_session,
)
from archive.revisions import find_revision
from archive.search import DocumentQuery, find_documents
from archive.tables import Document, Event, Role, Row, Step, WebSession
from tests.archive.conftest import NewDatabase
from tests.archive.rows import extract, field, new_document, record_json

SCAN = b"%PDF " + bytes(range(256)) * 5000


def fill(database: Database, blobs: Blobs) -> tuple[str, str]:
    """A user with a token, an extracted document with its blobs, and a duplicate of it."""
    with database.write() as session:
        user = add_user(session, "amy", "a long password", Role.ANNOTATOR)
        token = add_api_token(session, user.id, "t", [Right.SEE])
        start_web_session(session, user.id, datetime.now(UTC), timedelta(hours=1))
        document = new_document(session, "报销单.pdf")
        # Older in id than its original, as after an original was deleted and inherited.
        copy = new_document(session, "copy.pdf", document.archive_id, "报销单.pdf")
        assert copy.duplicate_of == document.id
        extract(session, document, record_json(payee=field("王小明")), pages=2)
        key = document.blob_key
    blobs.write(key, SCAN)
    for page in (1, 2):
        blobs.write(picture_key(document.id, 1, page), b"png" * page)
        blobs.write(reading_key(document.id, 1, page), b"{}")
    blobs.write("exports/x/old.zip", b"not kept")
    return document.id, token.secret


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Row.metadata.sorted_tables
        }


@pytest.mark.parametrize("target", ["sqlite", "same"])
def test_a_round_trip_brings_everything_back(
    database: Database, blobs: Blobs, empty_url: NewDatabase, tmp_path: Path, target: str
) -> None:
    document_id, secret = fill(database, blobs)
    file = tmp_path / "backup.zip"
    written = write_backup(database, blobs, file)
    assert (written.blobs, written.missing, written.schema) == (5, (), newest_version())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    url = f"sqlite:///{tmp_path / 'restored.db'}" if target == "sqlite" else empty_url()
    restored, elsewhere = Database(url), Blobs(str(tmp_path / "elsewhere"))
    assert restore_backup(file, restored, elsewhere) == written
    assert counts(restored) == {**counts(database), WebSession.__tablename__: 0}
    with restored.read() as session, database.read() as before:
        document = find_document(session, document_id)
        assert document.created_at == find_document(before, document_id).created_at
        assert find_revision(session, document_id).record == record_json(payee=field("王小明"))
        assert find_documents(session, DocumentQuery(text="小明")).total == 1
        person = find_person_of_token(session, secret, datetime.now(UTC))
        assert person is not None and person.username == "amy"
        assert elsewhere.read(document.blob_key) == SCAN
    assert sorted(elsewhere.keys("documents")) == sorted(blobs.keys("documents"))
    assert list(elsewhere.keys("exports")) == []
    restored.close()


def test_a_restored_service_goes_on_where_it_was(
    database: Database, blobs: Blobs, empty_url: NewDatabase, tmp_path: Path
) -> None:
    with database.write() as session:
        document = new_document(session, "waiting.pdf")
    blobs.write(document.blob_key, SCAN)
    write_backup(database, blobs, tmp_path / "b")
    restored = Database(empty_url())
    restore_backup(tmp_path / "b", restored, Blobs(str(tmp_path / "elsewhere")))
    with restored.write() as session:
        extract(session, session.get_one(Document, document.id), record_json())
        assert session.scalar(select(func.count()).select_from(Event)) == 4
        assert session.scalar(select(func.count()).select_from(Step)) == 3
    restored.close()


def test_nothing_is_restored_over_what_is_there(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    fill(database, blobs)
    write_backup(database, blobs, tmp_path / "b")
    with pytest.raises(BadBackup, match="empty"):
        restore_backup(tmp_path / "b", database, blobs)


def test_a_damaged_back_up_restores_no_rows(
    database: Database, blobs: Blobs, empty_url: NewDatabase, tmp_path: Path
) -> None:
    fill(database, blobs)
    file = tmp_path / "b"
    write_backup(database, blobs, file)
    data = bytearray(file.read_bytes())
    at = data.index(b"%PDF ") + 50
    data[at] ^= 1
    file.write_bytes(data)
    restored = Database(empty_url())
    with pytest.raises(BadBackup, match="damaged"):
        restore_backup(file, restored, Blobs(str(tmp_path / "elsewhere")))
    assert restored.schema_version() is None
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadBackup, match="damaged"):
        restore_backup(file, restored, Blobs(str(tmp_path / "elsewhere")))
    restored.close()


def test_a_key_that_leads_out_of_the_storage_is_refused(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    file = tmp_path / "b"
    manifest = {
        "format": "formloop.backup/1",
        "schema": newest_version(),
        "rows": 0,
        "blobs": 1,
        "bytes": 1,
        "missing": [],
    }
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("manifest.json", json.dumps(manifest))
        made.writestr("blobs/../../outside", b"x")
    with pytest.raises(BadBackup):
        restore_backup(file, database, blobs)
    assert not (tmp_path.parent / "outside").exists()
    assert not (tmp_path / "outside").exists()


def test_a_missing_blob_is_named(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    with database.write() as session:
        key = new_document(session).blob_key
    assert write_backup(database, blobs, tmp_path / "b").missing == (key,)


def test_a_back_up_that_fails_leaves_no_file(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="cannot write"):
        write_backup(database, blobs, tmp_path / "nowhere" / "b")
    assert not (tmp_path / "nowhere").exists()


def test_folders_come_along_but_for_what_is_being_written(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    """Versions of the model, and which of them is in use."""
    fill(database, blobs)
    own, other = tmp_path / "data/models", tmp_path / "data/ocr"
    kept = {"current": b"v1\nv2\n", "v2/model.onnx": SCAN, "v2/.note": b"n"}
    for name, content in {
        **kept,
        "current.lock": b"",
        ".draft-x/model.onnx": b"half",
        "v3/a.part": b"half",
    }.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(content)
    file, folders = tmp_path / "b", {"models": own, "ocr": other}
    written = write_backup(database, blobs, file, folders)
    assert written.files == len(kept)
    restored = Database(f"sqlite:///{tmp_path / 'restored.db'}")
    there = {"models": tmp_path / "new/models", "ocr": tmp_path / "new/ocr"}
    summary = restore_backup(file, restored, Blobs(str(tmp_path / "elsewhere")), there)
    assert summary == written
    found = {
        str(path.relative_to(there["models"])): path.read_bytes()
        for path in there["models"].rglob("*")
        if path.is_file()
    }
    assert found == kept and not there["ocr"].exists()


def test_folder_of_a_back_up_cannot_lead_out_of_it(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    write_backup(database, blobs, tmp_path / "b")
    with zipfile.ZipFile(tmp_path / "b", "a") as backup:
        backup.writestr("folders/models/../../out.txt", b"out")
    restored = Database(f"sqlite:///{tmp_path / 'restored.db'}")
    folders = {"models": tmp_path / "new/models"}
    with pytest.raises(BadBackup, match="leads out of its folder"):
        restore_backup(tmp_path / "b", restored, Blobs(str(tmp_path / "elsewhere")), folders)
    assert not (tmp_path / "out.txt").exists() and not (tmp_path / "new/out.txt").exists()
