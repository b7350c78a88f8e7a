"""What the page of a document shows around its record: where it stands and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.documents import find_archive, find_document
from archive.errors import NotFound
from archive.history import document_history
from archive.reasons import Reason, detail_to_reason, find_reason
from archive.revisions import all_revisions
from archive.states import ACTIVE, DocumentState
from archive.tables import Document, Event, Revision, User
from extraction.declarations import FormDeclaration
from extraction.exports.naming import NO_TITLES, Titles, find_titles, record_to_named_fields
from extraction.record_json import record_from_json
from extraction.values import Record
from service.web.corrections_view import ReviewView, find_review

_MOST_CHANGES: Final = 200


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """``pages`` is None until the file was split."""

    id: str
    archive_id: str
    archive_name: str
    name: str
    state: str
    reason: Reason | None
    duplicate_of: str | None
    pages: int | None
    pages_done: int
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class EventView:
    """``detail`` has what the kind of event speaks of: a number of pages, a revision …"""

    kind: str
    at: datetime
    by: str
    page: int | None
    detail: Mapping[str, object]
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RevisionView:
    """``changes`` against the revision before it; None for the first."""

    number: int
    kind: str
    made_at: datetime
    by: str
    producer: str
    changes: tuple[FieldChange, ...] | None


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A revision's record, and whose pictures go with it (a duplicate has its original's)."""

    record: Record
    number: int
    document_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class DocumentView:
    head: DocumentHead
    acts: tuple[str, ...]
    next_to_review: str | None
    events: tuple[EventView, ...]
    revisions: tuple[RevisionView, ...]
    shown: ShownRecord | None
    review: ReviewView | None


def find_document_view(
    session: Session,
    document_id: str,
    revision: int | None,
    declarations: Sequence[FormDeclaration] = (),
) -> DocumentView:
    """NotFound for an unknown document, or a revision that it does not have."""
    document = find_document(session, document_id)
    owner_id = document.duplicate_of or document.id
    rows = all_revisions(session, owner_id)
    records = [record_from_json(row.record) for row in rows]
    events = document_history(session, document_id)
    names = _find_names(
        session, [*(event.user_id for event in events), *(row.user_id for row in rows)]
    )
    wanted = next((row for row in reversed(rows) if revision in (None, row.number)), None)
    if wanted is None and revision is not None:
        raise NotFound(f"document {document_id} has no revision {revision}")
    return DocumentView(
        head=_document_to_head(document, find_archive(session, document.archive_id).name),
        acts=document_acts(document),
        next_to_review=find_next_to_review(session, document),
        events=tuple(_event_to_view(event, names) for event in events),
        revisions=tuple(reversed(_revisions_to_views(rows, records, names, declarations))),
        shown=None
        if wanted is None
        else ShownRecord(records[rows.index(wanted)], wanted.number, owner_id, wanted.generation),
        review=find_review(session, owner_id, declarations),
    )


def document_acts(document: Document) -> tuple[str, ...]:
    """What can be done with a document in its state."""
    if document.duplicate_of is not None:
        return ()
    if document.state in ACTIVE:
        return ("cancel",)
    ended_early = document.state in ("failed", "cancelled") or document.pages_failed
    accept = ("accept",) if document.state == "in_review" else ()
    return (*accept, *(("retry",) if ended_early else ()), "reprocess")


def find_next_to_review(session: Session, document: Document) -> str | None:
    """The next document of the archive that waits for a person, from its start after its end."""
    query = (
        select(Document.id)
        .where(
            Document.archive_id == document.archive_id,
            Document.state == DocumentState.IN_REVIEW,
            Document.id != document.id,
        )
        .order_by(Document.id < document.id, Document.id)
        .limit(1)
    )
    return session.scalar(query)


def find_changes(
    before: Record, after: Record, titles: Titles = NO_TITLES
) -> tuple[FieldChange, ...]:
    """The fields whose text differs, in the order of the later record; gone ones last."""
    old = {item.path: item for item in record_to_named_fields(before, titles)}
    new = {item.path: item for item in record_to_named_fields(after, titles)}
    changes = []
    for path in dict.fromkeys((*new, *old)):
        first = old[path].field.text if path in old else ""
        second = new[path].field.text if path in new else ""
        if first != second:
            changes.append(FieldChange((new.get(path) or old[path]).title, first, second))
    return tuple(changes[:_MOST_CHANGES])


def _document_to_head(document: Document, archive_name: str) -> DocumentHead:
    return DocumentHead(
        id=document.id,
        archive_id=document.archive_id,
        archive_name=archive_name,
        name=document.name,
        state=str(document.state),
        reason=find_reason(document),
        duplicate_of=document.duplicate_of,
        pages=document.pages,
        pages_done=document.pages_done,
        sha256=document.sha256,
        size=document.size,
    )


def _event_to_view(event: Event, names: Mapping[str, str]) -> EventView:
    by = names.get(event.user_id or "", "")
    reason = detail_to_reason(event.detail)
    return EventView(event.kind, event.at, by, event.page, event.detail, reason)


def _revisions_to_views(
    rows: Sequence[Revision],
    records: Sequence[Record],
    names: Mapping[str, str],
    declarations: Sequence[FormDeclaration],
) -> list[RevisionView]:
    return [
        RevisionView(
            number=row.number,
            kind=str(row.kind),
            made_at=row.created_at,
            by=names.get(row.user_id or "", ""),
            producer=" · ".join(str(version) for version in row.producer.values()),
            changes=_find_changes_at(records, at, declarations),
        )
        for at, row in enumerate(rows)
    ]


def _find_changes_at(
    records: Sequence[Record], at: int, declarations: Sequence[FormDeclaration]
) -> tuple[FieldChange, ...] | None:
    if at == 0:
        return None
    titles = find_titles(records[at].form_type, declarations)
    return find_changes(records[at - 1], records[at], titles)


def _find_names(session: Session, user_ids: Sequence[str | None]) -> dict[str, str]:
    wanted = {user_id for user_id in user_ids if user_id}
    if not wanted:
        return {}
    query = select(User.id, User.username).where(User.id.in_(wanted))
    return dict(session.execute(query).all())
