"""Who uploaded, saw, changed, exported and deleted what. Only ever appended to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.tables import AuditEntry
from extraction.record_json import JsonObject

PAGE_SIZE: Final = 50


class Action(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    UPLOADED = "uploaded"
    SAW = "saw"
    CHANGED = "changed"
    EXPORTED = "exported"
    DELETED = "deleted"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    REPROCESSED = "reprocessed"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    PASSWORD_CHANGED = "password_changed"
    TOKEN_ADDED = "token_added"
    TOKEN_REVOKED = "token_revoked"
    CALLBACK_ADDED = "callback_added"
    CALLBACK_REMOVED = "callback_removed"
    DELIVERY_REPLAYED = "delivery_replayed"
    BACKED_UP = "backed_up"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user, or a process (``user_id`` None)."""

    username: str
    user_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    entries: tuple[AuditEntry, ...]
    total: int
    page: int

    @property
    def last_page(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def add_audit(
    session: Session,
    actor: Actor,
    action: Action,
    subject: str,
    detail: JsonObject | None = None,
) -> AuditEntry:
    """``subject`` is a kind and an id: ``document:01J…``, ``archive:…``, ``user:…``."""
    row = AuditEntry(
        user_id=actor.user_id,
        username=actor.username[:64],
        address=actor.address,
        action=action,
        subject=subject[:200],
        detail=detail or {},
    )
    session.add(row)
    return row


def find_audit(
    session: Session,
    *,
    page: int = 1,
    user_id: str | None = None,
    action: Action | None = None,
    subject: str | None = None,
) -> AuditPage:
    """Newest first, ``PAGE_SIZE`` to a page; pages count from 1."""
    query = select(AuditEntry)
    if user_id is not None:
        query = query.where(AuditEntry.user_id == user_id)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(
        query.order_by(AuditEntry.id.desc()).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    )
    return AuditPage(tuple(rows), total, page)
