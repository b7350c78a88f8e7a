"""Archives and their documents: added, found, cancelled, tried again.

Counting them is in ``progress``, deleting them in ``deletion``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.endings import lock_document, make_split
from archive.errors import IllegalMove, NotFound
from archive.history import EventKind, add_event
from archive.ids import new_id
from archive.reasons import Reason, reason_to_refusal, write_reason
from archive.reviews import withdraw_tasks
from archive.states import (
    OPEN_STEPS,
    DocumentMove,
    DocumentState,
    StepMove,
    StepState,
    move_document,
    move_step,
)
from archive.tables import (
    Archive,
    AskedVersion,
    Document,
    Refusal,
    Result,
    Step,
    StepKind,
)

_RETRIED: Final = frozenset({StepState.QUARANTINED, StepState.CANCELLED})


def add_archive(session: Session, name: str, user_id: str | None, priority: int = 0) -> Archive:
    row = Archive(id=new_id(), name=name.strip()[:400] or "—", user_id=user_id, priority=priority)
    session.add(row)
    session.flush()
    return row


def find_archive(session: Session, archive_id: str) -> Archive:
    """NotFound if there is none."""
    row = session.get(Archive, archive_id)
    if row is None:
        raise NotFound(f"there is no archive {archive_id}")
    return row


def find_archive_named(session: Session, name: str) -> Archive | None:
    """The newest of this name."""
    query = select(Archive).where(Archive.name == name).order_by(Archive.id.desc()).limit(1)
    return session.scalar(query)


def find_archives(session: Session, limit: int = 50, offset: int = 0) -> tuple[Archive, ...]:
    """Newest first."""
    query = select(Archive).order_by(Archive.id.desc()).limit(limit).offset(offset)
    return tuple(session.scalars(query))


def find_document(session: Session, document_id: str) -> Document:
    """NotFound if there is none."""
    row = session.get(Document, document_id)
    if row is None:
        raise NotFound(f"there is no document {document_id}")
    return row


def find_refusals(session: Session, archive_id: str) -> tuple[Refusal, ...]:
    query = select(Refusal).where(Refusal.archive_id == archive_id).order_by(Refusal.id)
    return tuple(session.scalars(query))


def add_document(
    session: Session,
    archive_id: str,
    name: str,
    sha256: str,
    size: int,
    blob_key: str,
    form_type: str | None = None,
    *,
    user_id: str | None = None,
) -> Document:
    """The new row, with its split step waiting unless its content is known already.

    A duplicate has ``duplicate_of`` set, is ``done``, and keeps the blob of its original:
    the caller then deletes what it stored under ``blob_key`` (``intake`` does all of it).
    NotFound for an archive that is gone.
    """
    archive = find_archive(session, archive_id)
    now = utc_now()
    document = Document(
        id=new_id(),
        archive_id=archive_id,
        name=name,
        sha256=sha256,
        size=size,
        blob_key=blob_key,
        form_type=form_type,
        priority=archive.priority,
        created_at=now,
        updated_at=now,
    )
    original = _find_original(session, sha256) or _insert_original(session, document)
    if original is not None:
        document.duplicate_of, document.blob_key = original.id, original.blob_key
        document.state, document.finished_at = DocumentState.DONE, now
        session.add(document)
        session.flush()
        add_event(session, document.id, EventKind.DUPLICATE, {"of": original.id}, user_id=user_id)
        return document
    session.add(make_split(document, now))
    add_event(session, document.id, EventKind.RECEIVED, user_id=user_id)
    start_again(session, document, document.state, now)
    session.flush()
    return document


def add_refusal(session: Session, archive_id: str, name: str, reason: Reason) -> Refusal:
    row = reason_to_refusal(archive_id, name, reason)
    session.add(row)
    return row


def cancel_document(session: Session, document_id: str, user_id: str | None = None) -> Document:
    """Its open steps end; who holds one learns it when finishing. IllegalMove if it ended."""
    document, now = lock_existing(session, document_id), utc_now()
    document.state = move_document(document.state, DocumentMove.CANCEL)
    for step in _steps_of(session, document):
        if step.state in OPEN_STEPS:
            step.state = move_step(step.state, StepMove.CANCEL)
            step.token = step.leased_until = None
            step.finished_at = now
    document.updated_at = document.finished_at = now
    add_event(session, document_id, EventKind.CANCELLED, user_id=user_id)
    return document


def retry_document(session: Session, document_id: str, user_id: str | None = None) -> Document:
    """Tries again what failed or was cancelled and keeps what is done.

    IllegalMove when nothing of it failed, or a machine is still at it.
    """
    document, now = lock_existing(session, document_id), utc_now()
    _refuse_duplicate(document)
    state = move_document(document.state, DocumentMove.AGAIN)
    steps = _steps_of(session, document)
    again = [step for step in steps if step.state in _RETRIED]
    if not again:
        raise IllegalMove("no page of this document failed")
    pages_again = any(step.step != StepKind.ASSEMBLE for step in again)
    for step in steps:
        if step.step == StepKind.ASSEMBLE and pages_again:
            # The last page to end makes it anew.
            session.delete(step)
        elif step in again:
            _reset(step, now)
    if pages_again:
        _forget_assembly(session, document)
    start_again(session, document, state, now)
    document.pages_failed = 0
    add_event(session, document_id, EventKind.RETRIED, {"steps": len(again)}, user_id=user_id)
    return document


def reprocess_document(
    session: Session, document_id: str, user_id: str | None = None, model: str | None = None
) -> Document:
    """Reads all of it anew, as the next generation; revisions so far stay. ``model`` names the
    version that is to read it, None the one in use.

    IllegalMove while a machine is still at it.
    """
    document, now = lock_existing(session, document_id), utc_now()
    _refuse_duplicate(document)
    state = move_document(document.state, DocumentMove.AGAIN)
    document.generation += 1
    _ask_for_version(session, document_id, model)
    document.pages, document.pages_done, document.pages_failed = None, 0, 0
    session.add(make_split(document, now))
    start_again(session, document, state, now)
    add_event(
        session,
        document_id,
        EventKind.REPROCESSED,
        {"generation": document.generation},
        user_id=user_id,
    )
    return document


def _ask_for_version(session: Session, document_id: str, version: str | None) -> None:
    if version is None:
        session.execute(delete(AskedVersion).where(AskedVersion.document_id == document_id))
    else:
        session.merge(AskedVersion(document_id=document_id, version=version))


def accept_document(session: Session, document_id: str, user_id: str | None = None) -> Document:
    """A person has looked at what was in review, and takes it as it is: what is asked of it
    in Label Studio is withdrawn. IllegalMove in any other state."""
    document, now = lock_existing(session, document_id), utc_now()
    document.state = move_document(document.state, DocumentMove.ANSWER)
    withdraw_tasks(session, document_id, now)
    document.updated_at = document.finished_at = now
    add_event(session, document_id, EventKind.DONE, user_id=user_id)
    return document


def change_priority(
    session: Session, document_id: str, priority: int, user_id: str | None = None
) -> Document:
    """Its waiting steps are put into the queue again, at the new priority."""
    document = lock_existing(session, document_id)
    document.priority = priority
    session.execute(
        update(Step)
        .where(Step.document_id == document_id, Step.state == StepState.WAITING)
        .values(priority=priority, enqueued_at=None)
    )
    add_event(session, document_id, EventKind.PRIORITY, {"priority": priority}, user_id=user_id)
    return document


def start_again(session: Session, document: Document, state: DocumentState, now: datetime) -> None:
    """A machine has work with the document again, and so with its archive; what people were
    asked of it is withdrawn."""
    withdraw_tasks(session, document.id, now)
    document.state = state
    write_reason(document, None)
    document.updated_at, document.finished_at = now, None
    session.execute(
        update(Archive).where(Archive.id == document.archive_id).values(finished_at=None)
    )


def lock_existing(session: Session, document_id: str) -> Document:
    """The document, its row locked; NotFound if there is none."""
    document = lock_document(session, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}")
    return document


def _find_original(session: Session, sha256: str) -> Document | None:
    query = select(Document).where(Document.sha256 == sha256, Document.duplicate_of.is_(None))
    return session.scalar(query)


def _insert_original(session: Session, document: Document) -> Document | None:
    """None when inserted, else the row that another upload inserted at the same moment."""
    try:
        with session.begin_nested():
            session.add(document)
    except IntegrityError:
        original = _find_original(session, document.sha256)
        if original is None:
            raise
        return original
    return None


def _refuse_duplicate(document: Document) -> None:
    if document.duplicate_of is not None:
        raise IllegalMove(f"it is a duplicate of {document.duplicate_of}; that one can")


def _steps_of(session: Session, document: Document) -> list[Step]:
    query = select(Step).where(
        Step.document_id == document.id, Step.generation == document.generation
    )
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _reset(step: Step, now: datetime) -> None:
    step.state = move_step(step.state, StepMove.AGAIN)
    step.attempts, step.finished_at = 0, None
    write_reason(step, None)
    step.owner = step.enqueued_at = None
    step.due_at = now


def _forget_assembly(session: Session, document: Document) -> None:
    """The record made without the pages now tried again is not the step's result."""
    session.execute(
        delete(Result).where(
            Result.document_id == document.id,
            Result.generation == document.generation,
            Result.step == StepKind.ASSEMBLE,
        )
    )
