"""Deletion that deletes: rows at once, blobs right after, again later for stragglers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive.blobs import Blobs, document_prefix, export_prefix
from archive.clock import utc_now
from archive.database import Database
from archive.documents import find_archive, lock_existing, start_again
from archive.endings import make_split
from archive.history import EventKind, add_event
from archive.reviews import withdraw_tasks
from archive.states import DocumentState
from archive.tables import Archive, Document, PendingDeletion

STRAGGLERS: Final = timedelta(hours=1)
"""How long a worker may still write to a document that was deleted under it."""


def delete_document(session: Session, document_id: str) -> None:
    """Deletes its rows; notes its blobs and its archive's kept exports for deletion.

    Call ``delete_pending_blobs`` after the commit; the sweep does it otherwise. If there
    are duplicates of it, the oldest takes its place and is read from the same bytes.
    NotFound if there is none.
    """
    document, now = lock_existing(session, document_id), utc_now()
    heirs = session.scalars(
        select(Document).where(Document.duplicate_of == document_id).order_by(Document.id)
    ).all()
    prefixes = [document_prefix(document_id), export_prefix(document.archive_id)]
    if heirs:
        _inherit(session, document, heirs, now)
    elif document.duplicate_of is None:
        prefixes.append(document.blob_key)
    _note(session, prefixes, now)
    withdraw_tasks(session, document_id, now)
    session.flush()
    session.expunge(document)
    session.execute(delete(Document).where(Document.id == document_id))


def delete_archive(session: Session, archive_id: str) -> None:
    """Deletes the archive with all its documents. NotFound if there is none."""
    archive = find_archive(session, archive_id)
    # Newest first: duplicates go before what they are duplicates of.
    ids = session.scalars(
        select(Document.id).where(Document.archive_id == archive_id).order_by(Document.id.desc())
    ).all()
    for document_id in ids:
        delete_document(session, document_id)
    _note(session, [export_prefix(archive_id)], utc_now())
    session.expunge(archive)
    session.execute(delete(Archive).where(Archive.id == archive_id))


def delete_pending_blobs(database: Database, blobs: Blobs, now: datetime) -> int:
    """Deletes the blobs of deleted rows; how many prefixes. Safe to call at any time.

    A prefix is kept for an hour and deleted again each time, for a worker that did not
    know yet.
    """
    with database.read() as session:
        pending = tuple(session.scalars(select(PendingDeletion)))
    for row in pending:
        blobs.delete(row.prefix)
    old = [row.prefix for row in pending if row.created_at <= now - STRAGGLERS]
    if old:
        with database.write() as session:
            session.execute(
                delete(PendingDeletion).where(
                    PendingDeletion.prefix.in_(old),
                    PendingDeletion.created_at <= now - STRAGGLERS,
                )
            )
    return len(pending)


def _inherit(
    session: Session, document: Document, heirs: Iterable[Document], now: datetime
) -> None:
    """The first heir becomes the original of the others, and is read."""
    first, *others = heirs
    # In this order, because only one original may have these bytes at any time.
    document.duplicate_of = first.id
    session.flush()
    first.duplicate_of = None
    session.flush()
    for other in others:
        other.duplicate_of = first.id
    start_again(session, first, DocumentState.RECEIVED, now)
    session.add(make_split(first, now))
    add_event(session, first.id, EventKind.ORIGINAL_DELETED, {"of": document.id})


def _note(session: Session, prefixes: Iterable[str], now: datetime) -> None:
    for prefix in prefixes:
        session.merge(PendingDeletion(prefix=prefix, created_at=now))
