"""Who uploaded, saw, changed, exported and deleted what. Only ever appended to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.tables import AuditEntry
from extraction.json_values import JsonObject

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
    conditions = [
        column == wanted
        for column, wanted in (
            (AuditEntry.user_id, user_id),
            (AuditEntry.action, action),
            (AuditEntry.subject, subject),
        )
        if wanted is not None
    ]
    total = session.scalar(select(func.count(AuditEntry.id)).where(*conditions)) or 0
    ids = select(AuditEntry.id).where(*conditions).order_by(AuditEntry.id.desc())
    # Pages far back pass over ids, not over whole entries.
    page_ids = ids.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE).subquery()
    rows = session.scalars(
        select(AuditEntry)
        .join(page_ids, page_ids.c.id == AuditEntry.id)
        .order_by(AuditEntry.id.desc())
    )
    return AuditPage(tuple(rows), total, page)
