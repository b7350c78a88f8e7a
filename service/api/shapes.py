"""What the API answers, as OpenAPI shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from archive.progress import ArchiveCounts
from archive.reasons import find_reason
from archive.states import DocumentState
from archive.tables import Archive, Document, Event

NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"
PRIORITIES: Final = range(-2, 3)
_ARCHIVE_ID: Final = "01KAJ0V4T2M8Q0Z6W3N5R7X9YB"
_DOCUMENT_ID: Final = "01KAJ0V4T5C1D2E3F4G5H6J7K8"
_OTHER_ID: Final = "01KAJ0V4T6C1D2E3F4G5H6J7K9"
_AT: Final = "2026-11-21T08:00:00Z"


def example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": values})


_REFUSED: Final = {
    "name": "scan.tiff",
    "category": "too_large",
    "reason": "larger than 500 MB",
    "facts": {"megabytes": 500},
}


class RefusedShape(BaseModel):
    """``category`` and ``facts``, the numbers of the reason, are for programs, ``reason`` for
    people."""

    model_config = example(**_REFUSED)

    name: str
    category: str
    reason: str
    facts: dict[str, int | float | str]


class UploadedShape(BaseModel):
    """A file that was taken. ``duplicate_of`` is the document that has the same bytes."""

    id: str
    name: str
    state: DocumentState
    duplicate_of: str | None


class UploadShape(BaseModel):
    model_config = example(
        id=_ARCHIVE_ID,
        documents=[
            {"id": _DOCUMENT_ID, "name": "b.pdf", "state": "received", "duplicate_of": None},
            {"id": _OTHER_ID, "name": "c.pdf", "state": "done", "duplicate_of": _DOCUMENT_ID},
        ],
        refused=[_REFUSED],
    )

    id: str
    documents: list[UploadedShape]
    refused: list[RefusedShape]


class CountsShape(BaseModel):
    """Documents by state; ``duplicates`` are not among them."""

    received: int
    extracting: int
    in_review: int
    done: int
    failed: int
    cancelled: int
    duplicates: int
    refused: int


class ArchiveShape(BaseModel):
    """``seconds_left`` is null while the rate is unknown and 0 when nothing is left."""

    model_config = example(
        id=_ARCHIVE_ID,
        name="2026 绩效目标表",
        created_at=_AT,
        finished_at=None,
        counts={
            "received": 120,
            "extracting": 2,
            "in_review": 11,
            "done": 65,
            "failed": 1,
            "cancelled": 0,
            "duplicates": 3,
            "refused": 1,
        },
        pages=412,
        pages_done=160,
        pages_failed=2,
        pages_per_minute=38.5,
        seconds_left=390.0,
    )

    id: str
    name: str
    created_at: datetime
    finished_at: datetime | None
    counts: CountsShape
    pages: int
    pages_done: int
    pages_failed: int
    pages_per_minute: float
    seconds_left: float | None


class ArchivesShape(BaseModel):
    archives: list[ArchiveShape]
    page: int


class DocumentShape(BaseModel):
    """``pages`` is null until the file was split; ``revision`` 0 means no record yet.
    ``reason`` says to people why it failed, ``reason_category`` to programs."""

    model_config = example(
        id=_DOCUMENT_ID,
        archive_id=_ARCHIVE_ID,
        name="b.pdf",
        state="in_review",
        reason=None,
        reason_category=None,
        duplicate_of=None,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        size=184_322,
        form_type="project_performance_target",
        pages=2,
        pages_done=2,
        pages_failed=0,
        revision=1,
        generation=1,
        doubtful=3,
        lowest_confidence=0.61,
        created_at=_AT,
        finished_at=_AT,
    )

    id: str
    archive_id: str
    name: str
    state: DocumentState
    reason: str | None
    reason_category: str | None
    duplicate_of: str | None
    sha256: str
    size: int
    form_type: str | None
    pages: int | None
    pages_done: int
    pages_failed: int
    revision: int
    generation: int
    doubtful: int
    lowest_confidence: float | None
    created_at: datetime
    finished_at: datetime | None


class DocumentsShape(BaseModel):
    """``total`` counts all that match; 50 stand on a page."""

    documents: list[DocumentShape]
    total: int
    page: int
    last_page: int


class EventShape(BaseModel):
    model_config = example(
        at=_AT, kind="page_failed", page=2, user_id=None, detail={"reason": "blank page"}
    )

    at: datetime
    kind: str
    page: int | None
    user_id: str | None
    detail: dict[str, Any]


class HistoryShape(BaseModel):
    events: list[EventShape]


class PriorityShape(BaseModel):
    """0 is ordinary; 1 overtakes it, 2 overtakes that; what is below 0 waits for it."""

    model_config = example(priority=1)

    priority: int = Field(ge=min(PRIORITIES), le=max(PRIORITIES))


class PageShape(BaseModel):
    """``picture`` is an address that works without signing in, for a while."""

    model_config = example(number=1, width=1654, height=2339, picture="/pictures/MTc2…Q.x7Zk…")

    number: int
    width: int
    height: int
    picture: str


class PagesShape(BaseModel):
    pages: list[PageShape]


def archive_to_shape(archive: Archive, counts: ArchiveCounts) -> ArchiveShape:
    states = {str(state): count for state, count in counts.states.items()}
    return ArchiveShape(
        id=archive.id,
        name=archive.name,
        created_at=archive.created_at,
        finished_at=archive.finished_at,
        counts=CountsShape(**states, duplicates=counts.duplicates, refused=counts.refused),
        pages=counts.pages,
        pages_done=counts.pages_done,
        pages_failed=counts.pages_failed,
        pages_per_minute=counts.pages_per_minute,
        seconds_left=counts.seconds_left,
    )


def document_to_shape(document: Document) -> DocumentShape:
    reason = find_reason(document)
    return DocumentShape(
        id=document.id,
        archive_id=document.archive_id,
        name=document.name,
        state=document.state,
        reason=document.reason,
        reason_category=None if reason is None else reason.category or None,
        duplicate_of=document.duplicate_of,
        sha256=document.sha256,
        size=document.size,
        form_type=document.found_form_type or document.form_type,
        pages=document.pages,
        pages_done=document.pages_done,
        pages_failed=document.pages_failed,
        revision=document.revision,
        generation=document.generation,
        doubtful=document.doubtful,
        lowest_confidence=document.lowest_confidence,
        created_at=document.created_at,
        finished_at=document.finished_at,
    )


def document_to_uploaded(document: Document) -> UploadedShape:
    return UploadedShape(
        id=document.id,
        name=document.name,
        state=document.state,
        duplicate_of=document.duplicate_of,
    )


def event_to_shape(event: Event) -> EventShape:
    return EventShape(
        at=event.at, kind=event.kind, page=event.page, user_id=event.user_id, detail=event.detail
    )
