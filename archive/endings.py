"""What the steps of a document add up to: counted pages, and how the document ends."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.callbacks import CallbackEvent, queue_deliveries
from archive.history import EventKind, add_event
from archive.reasons import (
    NOTHING_READ,
    Reason,
    reason_detail,
    terms_to_reason,
    write_reason,
)
from archive.states import OPEN_STEPS, DocumentMove, StepState, move_document
from archive.tables import Document, Step, StepKind
from extraction.json_values import JsonObject


def lock_document(session: Session, document_id: str) -> Document | None:
    """The document, its row locked to the end of the transaction; None if it is gone."""
    # FOR NO KEY UPDATE, so that rows that only refer to the document need not wait.
    return session.scalar(
        select(Document)
        .where(Document.id == document_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def make_split(document: Document, now: datetime) -> Step:
    """The first step of the document's generation."""
    return new_step(document, StepKind.SPLIT, 0, now)


def new_step(document: Document, kind: StepKind, page: int, now: datetime) -> Step:
    return Step(
        document_id=document.id,
        generation=document.generation,
        step=kind,
        page=page,
        archive_id=document.archive_id,
        priority=document.priority,
        created_at=now,
        due_at=now,
        state=StepState.WAITING,
    )


def settle_pages(session: Session, document: Document, now: datetime) -> Step | None:
    """Counts the pages; makes the assemble step, or fails the document, after the last."""
    session.flush()
    counts = dict(
        session.execute(
            select(Step.state, func.count())
            .where(
                Step.document_id == document.id,
                Step.generation == document.generation,
                Step.step == StepKind.PAGE,
            )
            .group_by(Step.state)
        ).all()
    )
    document.pages_done = counts.get(StepState.DONE, 0)
    document.pages_failed = counts.get(StepState.QUARANTINED, 0)
    document.updated_at = now
    if any(counts.get(state) for state in OPEN_STEPS):
        return None
    if not document.pages_done:
        fail_document(session, document, _first_reason(session, document), now)
        return None
    assemble = new_step(document, StepKind.ASSEMBLE, 0, now)
    session.add(assemble)
    return assemble


def _first_reason(session: Session, document: Document) -> Reason:
    query = (
        select(Step.reason, Step.reason_terms)
        .where(
            Step.document_id == document.id,
            Step.generation == document.generation,
            Step.state == StepState.QUARANTINED,
        )
        .order_by(Step.page)
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None or not found.reason:
        return NOTHING_READ
    return terms_to_reason(found.reason, found.reason_terms)


def fail_document(session: Session, document: Document, reason: Reason, now: datetime) -> None:
    end_document(session, document, DocumentMove.FAIL, reason, now)


def end_document(
    session: Session, document: Document, move: DocumentMove, reason: Reason | None, now: datetime
) -> None:
    document.state = move_document(document.state, move)
    write_reason(document, reason)
    document.updated_at = document.finished_at = now
    add_event(session, document.id, EventKind(document.state), reason_detail(reason))
    shown: JsonObject = {
        "id": document.id,
        "name": document.name,
        "archive_id": document.archive_id,
        "state": document.state,
        "reason": document.reason,
        "pages": document.pages,
        "pages_failed": document.pages_failed,
        "revision": document.revision,
        "finished_at": now.isoformat(),
    }
    queue_deliveries(
        session,
        CallbackEvent.DOCUMENT_FINISHED,
        document.id,
        document.archive_id,
        {"document": shown},
    )
