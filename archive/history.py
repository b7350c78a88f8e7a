"""What happened to a document, line by line."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.tables import Event
from extraction.json_values import JsonObject


class EventKind(StrEnum):
    RECEIVED = "received"
    DUPLICATE = "duplicate"
    ORIGINAL_DELETED = "original_deleted"
    SPLIT = "split"
    PAGE_RETRIED = "page_retried"
    PAGE_FAILED = "page_failed"
    STEP_RETRIED = "step_retried"
    ASSEMBLED = "assembled"
    IN_REVIEW = "in_review"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    REPROCESSED = "reprocessed"
    CORRECTED = "corrected"
    DISAGREED = "disagreed"
    SETTLED = "settled"
    PRIORITY = "priority"


def add_event(
    session: Session,
    document_id: str,
    kind: EventKind,
    detail: JsonObject | None = None,
    *,
    page: int | None = None,
    user_id: str | None = None,
) -> Event:
    """Appends a line. ``detail`` has plain values: ``reason``, ``pages``, ``revision`` …"""
    row = Event(document_id=document_id, kind=kind, detail=detail or {}, page=page, user_id=user_id)
    session.add(row)
    return row


def document_history(session: Session, document_id: str) -> tuple[Event, ...]:
    """Oldest first."""
    query = select(Event).where(Event.document_id == document_id).order_by(Event.id)
    return tuple(session.scalars(query))
