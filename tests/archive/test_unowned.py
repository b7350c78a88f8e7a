"""Blobs without a row go, and no others."""

from __future__ import annotations

import io
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from archive.blobs import Blobs, picture_key, source_key
from archive.database import Database
from archive.deletion import delete_document
from archive.documents import add_archive
from archive.errors import Refused
from archive.ids import new_id
from archive.intake import Incoming, store_file
from archive.tables import PendingDeletion
from archive.unowned import AGE, find_removed, find_unowned, remove_unowned

LATER = timedelta(days=2)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"))


def upload(database: Database, blobs: Blobs, content: bytes) -> str:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    incoming = Incoming("a.pdf", io.BytesIO(content))
    return store_file(database, blobs, archive_id, incoming, 10**6).id


def test_what_has_a_row_stays_and_what_has_none_goes(database: Database, blobs: Blobs) -> None:
    document_id, twin_id = upload(database, blobs, b"one"), upload(database, blobs, b"one")
    blobs.write(picture_key(document_id, 1, 1), b"picture")
    kept = list(blobs.keys())
    assert len(kept) == 2
    blobs.write(source_key("ab" * 32, new_id()), b"its process died")
    blobs.write(picture_key(new_id(), 1, 1), b"its document is gone")
    now = datetime.now(UTC)
    assert remove_unowned(database, blobs, now) == 0, "they may be on their way"
    assert remove_unowned(database, blobs, now + LATER) == 2
    assert list(blobs.keys()) == kept
    assert remove_unowned(database, blobs, now + LATER) == 0
    with database.read() as session:
        told = find_removed(session)
    assert (told.blobs, told.looked_at) == (2, now + LATER)
    with database.write() as session:
        delete_document(session, document_id)
    assert remove_unowned(database, blobs, now + LATER) == 1, "pictures of the first"
    assert list(blobs.keys()) == kept[1:], f"{twin_id} is read from these bytes"


def test_a_deletion_that_was_killed_is_ended(database: Database, blobs: Blobs) -> None:
    document_id = upload(database, blobs, b"one")
    blobs.write(picture_key(document_id, 1, 1), b"picture")
    with database.write() as session:
        delete_document(session, document_id)
        session.flush()
        session.execute(delete(PendingDeletion))
    assert remove_unowned(database, blobs, datetime.now(UTC) + LATER) == 2
    assert list(blobs.keys()) == []


def test_what_a_write_that_broke_off_left_goes_too(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    document_id = upload(database, blobs, b"one")
    blobs.write(picture_key(document_id, 1, 1), b"picture")
    folder = tmp_path / "blobs" / "documents" / document_id / "1"
    for name, age in (("old", AGE + timedelta(hours=1)), ("young", timedelta())):
        part = folder / f"page-0002.picture.part-{name}"
        part.write_bytes(b"half")
        os.utime(part, (time.time(), time.time() - age.total_seconds()))
    assert remove_unowned(database, blobs, datetime.now(UTC)) == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "page-0001.picture",
        "page-0002.picture.part-young",
    ]


def test_the_wrong_database_removes_nothing(database: Database, blobs: Blobs) -> None:
    upload(database, blobs, b"the only one that this database knows")
    for number in range(101):
        blobs.write(source_key(f"{number:02x}" * 32, new_id()), b"of another service")
    now = datetime.now(UTC) + LATER
    with pytest.raises(Refused, match="FORMLOOP_DATABASE_URL"):
        remove_unowned(database, blobs, now)
    assert len(list(blobs.keys())) == 102
    assert len(find_unowned(database, blobs, now).prefixes) == 101


def test_a_document_keeps_its_file_however_old_it_is(database: Database, blobs: Blobs) -> None:
    upload(database, blobs, b"one")
    assert find_unowned(database, blobs, datetime.now(UTC) + timedelta(days=999)).prefixes == ()
