"""What the audit log shows: each entry with the name of what it speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.audit import Action
from archive.tables import Archive, AuditEntry, Callback, Document, User

_NAMES: Final = {
    "document": (Document.id, Document.name),
    "archive": (Archive.id, Archive.name),
    "user": (User.id, User.username),
    "callback": (Callback.id, Callback.url),
}
_PAGES: Final = {"document": "/documents/", "archive": "/archives/"}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """``address`` is that of the subject's page, "" where it has none (any longer)."""

    at: datetime
    who: str
    action: str
    kind: str
    name: str
    address: str
    more: str
    came_from: str


def entries_to_rows(session: Session, entries: Sequence[AuditEntry]) -> tuple[AuditRow, ...]:
    names = _find_names(session, entries)
    return tuple(_entry_to_row(entry, names.get(entry.subject)) for entry in entries)


def _find_names(session: Session, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """The present names of all subjects that still exist, by subject."""
    found: dict[str, str] = {}
    for kind, (key, name) in _NAMES.items():
        ids = {
            subject_id
            for entry in entries
            for subject_kind, _, subject_id in (entry.subject.partition(":"),)
            if subject_kind == kind
        }
        if ids:
            rows = session.execute(select(key, name).where(key.in_(ids)))
            found |= {f"{kind}:{subject_id}": str(shown) for subject_id, shown in rows}
    return found


def _entry_to_row(entry: AuditEntry, name: str | None) -> AuditRow:
    kind, _, subject_id = entry.subject.partition(":")
    known = dict(entry.detail)
    gone_name = known.pop("name", None) or known.pop("url", None)
    # A new user's or a deleted document's name stands in the entry itself.
    shown = name or str(gone_name or subject_id[-8:])
    is_there = name is not None and kind in _PAGES and entry.action != Action.DELETED
    return AuditRow(
        at=entry.at,
        who=entry.username,
        action=entry.action,
        kind=kind,
        name=shown,
        address=_PAGES[kind] + subject_id if is_there else "",
        more=_detail_in_words(known),
        came_from=entry.address or "",
    )


def _detail_in_words(detail: Mapping[str, object]) -> str:
    return " · ".join(f"{key} {value}" for key, value in detail.items() if key != "sha256")
