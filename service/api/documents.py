"""Addresses of documents: list and search, one, its record, history, pages, what to do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.deletion import delete_document, delete_pending_blobs
from archive.documents import (
    cancel_document,
    change_priority,
    find_document,
    reprocess_document,
    retry_document,
)
from archive.history import document_history
from archive.people import Person
from archive.revisions import find_revision
from archive.search import find_documents
from archive.tables import Document
from extraction.record_json import record_from_json
from service.api.auth import MayDelete, MayProcess, MaySee, person_to_actor
from service.api.context import Service, TheService, send_steps
from service.api.filters import DocumentFilters
from service.api.model_versions import check_version
from service.api.pictures import picture_address
from service.api.shapes import (
    DocumentShape,
    DocumentsShape,
    HistoryShape,
    PageShape,
    PagesShape,
    PriorityShape,
    document_to_shape,
    event_to_shape,
)
from service.api.trail import record_sight
from workers.queue import take_ready_steps

router = APIRouter(prefix="/api", tags=["documents"])

Id = Annotated[str, Path(min_length=1, max_length=64)]
Change = Callable[[Session, str, str | None], Document]


@router.get("/documents")
def get_documents(
    service: TheService, person: MaySee, filters: Annotated[DocumentFilters, Query()]
) -> DocumentsShape:
    """Documents that match, 50 to a page."""
    with service.database.read() as session:
        found = find_documents(session, filters.to_query())
    return DocumentsShape(
        documents=[document_to_shape(document) for document in found.documents],
        total=found.total,
        page=found.page,
        last_page=found.last_page,
    )


@router.get("/documents/{document_id}")
def get_document(
    document_id: Id, request: Request, service: TheService, person: MaySee
) -> DocumentShape:
    """One document: where it stands."""
    shape = document_to_shape(read_document(service, document_id))
    record_sight(service, request, person, f"document:{document_id}")
    return shape


@router.get(
    "/documents/{document_id}/record",
    response_class=JSONResponse,
    responses={
        200: {
            "description": "The record, in the shape `formloop.record/1`.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def get_record(
    document_id: Id,
    request: Request,
    service: TheService,
    person: MaySee,
    revision: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> JSONResponse:
    """The record of a document: its newest revision, or the one asked for."""
    with service.database.read() as session:
        document = find_document(session, document_id)
        found = find_revision(session, document.duplicate_of or document.id, revision)
    record_sight(service, request, person, f"document:{document_id}")
    headers = {"Formloop-Revision": str(found.number), "ETag": f'"{document_id}-{found.number}"'}
    return JSONResponse(found.record, headers=headers)


@router.get("/documents/{document_id}/history")
def get_history(
    document_id: Id, request: Request, service: TheService, person: MaySee
) -> HistoryShape:
    """What happened to a document, the oldest first."""
    with service.database.read() as session:
        find_document(session, document_id)
        events = document_history(session, document_id)
    return HistoryShape(events=[event_to_shape(event) for event in events])


@router.get("/documents/{document_id}/pages")
def get_pages(document_id: Id, request: Request, service: TheService, person: MaySee) -> PagesShape:
    """The pages of the newest record, each with a signed address of its picture."""
    with service.database.read() as session:
        document = find_document(session, document_id)
        found = find_revision(session, document.duplicate_of or document.id)
    record_sight(service, request, person, f"document:{document_id}")
    pages = [
        PageShape(
            number=page.number,
            width=page.width,
            height=page.height,
            picture=picture_address(service, found.document_id, found.generation, page.number),
        )
        for page in record_from_json(found.record).pages
    ]
    return PagesShape(pages=pages)


@router.post("/documents/{document_id}/retry")
def post_retry(
    document_id: Id, request: Request, service: TheService, person: MayProcess
) -> DocumentShape:
    """Try again what failed of a document, or a document that was cancelled."""
    return _change(service, request, person, document_id, retry_document, Action.RETRIED)


@router.post("/documents/{document_id}/reprocess")
def post_reprocess(
    document_id: Id,
    request: Request,
    service: TheService,
    person: MayProcess,
    model: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> DocumentShape:
    """Read a document anew, by the model version in use or by ``model``; its earlier records
    stay."""
    if model is not None:
        check_version(service, model)

    def change(session: Session, document_id: str, user_id: str | None) -> Document:
        return reprocess_document(session, document_id, user_id, model)

    return _change(service, request, person, document_id, change, Action.REPROCESSED)


@router.post("/documents/{document_id}/cancel")
def post_cancel(
    document_id: Id, request: Request, service: TheService, person: MayProcess
) -> DocumentShape:
    """Stop work on a document."""
    return _change(service, request, person, document_id, cancel_document, Action.CANCELLED)


@router.post("/documents/{document_id}/priority")
def post_priority(
    document_id: Id,
    wanted: PriorityShape,
    request: Request,
    service: TheService,
    person: MayProcess,
) -> DocumentShape:
    """Let a document overtake those of lower priority."""

    def change(session: Session, document_id: str, user_id: str | None) -> Document:
        return change_priority(session, document_id, wanted.priority, user_id)

    return _change(service, request, person, document_id, change, Action.CHANGED)


@router.delete("/documents/{document_id}", status_code=204)
def remove_document(
    document_id: Id, request: Request, service: TheService, person: MayDelete
) -> None:
    """Delete a document: its rows, its records, its file and its pictures."""
    with service.database.write() as session:
        document = find_document(session, document_id)
        detail: dict[str, Any] = {"name": document.name, "sha256": document.sha256}
        actor = person_to_actor(person, request)
        delete_document(session, document_id)
        add_audit(session, actor, Action.DELETED, f"document:{document_id}", detail)
    delete_pending_blobs(service.database, service.blobs, utc_now())


def read_document(service: Service, document_id: str) -> Document:
    """NotFound where there is none."""
    with service.database.read() as session:
        return find_document(session, document_id)


def _change(
    service: Service,
    request: Request,
    person: Person,
    document_id: str,
    change: Change,
    action: Action,
) -> DocumentShape:
    with service.database.write() as session:
        document = change(session, document_id, person.user_id)
        add_audit(session, person_to_actor(person, request), action, f"document:{document_id}")
        session.flush()
        steps = take_ready_steps(session, document_id)
    send_steps(service, steps)
    return document_to_shape(document)
