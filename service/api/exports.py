"""Addresses of exports: a document, a selection, an archive, streamed as they are made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from archive.audit import Action
from archive.documents import find_archive, find_document
from archive.people import Person
from archive.reports import find_newest_records
from archive.search import DocumentQuery, find_document_ids
from service.api.auth import MayExport
from service.api.context import Service, TheService
from service.api.export_streams import (
    MEDIA_TYPES,
    MOST_WORKBOOKS,
    ExportedDocument,
    ExportFormat,
    find_stream,
)
from service.api.filters import DocumentFilters
from service.api.problems import Problem
from service.api.trail import record_action

_FORMATS = (
    "zip holds json, csv and xlsx per document; "
    f"of more than {MOST_WORKBOOKS} documents, one xlsx for all."
)
_BATCH = 25
_MOST_CHOSEN = 1000

router = APIRouter(
    prefix="/api",
    tags=["exports"],
    default_response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file.",
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in MEDIA_TYPES.values()
            },
        }
    },
)

Id = Annotated[str, Path(min_length=1, max_length=64)]
Format = Annotated[ExportFormat, Query(description=_FORMATS)]


class Selection(DocumentFilters):
    """Documents by their ids; without ids all that the filters match."""

    id: list[str] = Field(default_factory=list)
    format: ExportFormat


@router.get("/archives/{archive_id}/export", name="export_archive")
def export_archive(
    archive_id: Id,
    request: Request,
    service: TheService,
    person: MayExport,
    format: Format,
    document: Annotated[list[str] | None, Query(max_length=_MOST_CHOSEN)] = None,
) -> StreamingResponse:
    """All records of an archive, or those of the documents named."""
    with service.database.read() as session:
        name = find_archive(session, archive_id).name
        ids = find_document_ids(session, DocumentQuery(archive_id=archive_id))
    if document:
        chosen = frozenset(document)
        ids = tuple(key for key in ids if key in chosen)
    detail = (f"archive:{archive_id}", name)
    return _answer(service, request, person, ids, format, detail)


# Before the address of one document, whose id would else be "export".
@router.get("/documents/export", name="export_selection")
def export_selection(
    request: Request,
    service: TheService,
    person: MayExport,
    selection: Annotated[Selection, Query()],
) -> StreamingResponse:
    """The records of chosen documents, or of all that match."""
    if len(selection.id) > _MOST_CHOSEN:
        raise Problem("invalid", f"choose at most {_MOST_CHOSEN} documents")
    with service.database.read() as session:
        ids = tuple(dict.fromkeys(selection.id)) or find_document_ids(session, selection.to_query())
    detail = ("selection", "documents")
    return _answer(service, request, person, ids, selection.format, detail)


@router.get("/documents/{document_id}/export", name="export_document")
def export_document(
    document_id: Id, request: Request, service: TheService, person: MayExport, format: Format
) -> StreamingResponse:
    """The record of one document."""
    with service.database.read() as session:
        name = find_document(session, document_id).name
        if not find_newest_records(session, [document_id]):
            raise Problem("conflict", "this document has no record yet")
    detail = (f"document:{document_id}", name)
    return _answer(service, request, person, (document_id,), format, detail)


def _answer(
    service: Service,
    request: Request,
    person: Person,
    ids: Sequence[str],
    format_: ExportFormat,
    subject_and_name: tuple[str, str],
) -> StreamingResponse:
    subject, name = subject_and_name
    record_action(
        service,
        request,
        person,
        Action.EXPORTED,
        subject,
        {"format": format_, "documents": len(ids)},
    )
    stream = find_stream(format_, service.declarations, len(ids))
    headers = {
        "Content-Disposition": to_disposition(name, format_),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    pieces = stream(read_documents(service, ids))
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[format_], headers=headers)


def read_documents(service: Service, ids: Sequence[str]) -> Iterator[ExportedDocument]:
    """Documents that have a record, read a few at a time while they are sent."""
    for start in range(0, len(ids), _BATCH):
        with service.database.read() as session:
            found = find_newest_records(session, ids[start : start + _BATCH])
        for document, revision in found:
            yield ExportedDocument(document.id, document.name, document.state, revision.record)


def to_disposition(name: str, suffix: str) -> str:
    """``attachment`` with a file name for old and new browsers, whatever ``name`` holds."""
    leaf = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = re.sub(r'[\x00-\x1f\x7f"*/:<>?\\|]', "_", leaf).strip(". ")[:120] or "export"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", stem)
    encoded = quote(f"{stem}.{suffix}".encode(errors="replace"), safe="")
    return f"attachment; filename=\"{plain}.{suffix}\"; filename*=UTF-8''{encoded}"
