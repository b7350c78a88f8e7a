"""The list of archives, and one archive with its documents."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from archive.documents import find_archive, find_refusals
from archive.people import Right
from archive.progress import archive_counts
from archive.reasons import find_reason
from archive.review_state import find_review_hindrance
from archive.states import DocumentState
from service.api.auth import MaySee
from service.api.context import TheService
from service.api.trail import record_sight
from service.web.archive_list import archive_to_view, find_archive_list
from service.web.document_list import (
    OPERATORS,
    SORTS,
    ListQuery,
    field_titles,
    find_document_list,
)
from service.web.rendering import PageRoute, address_with, page_address, render

router = APIRouter(route_class=PageRoute)

_Words = Annotated[str, Query(max_length=200)]
_Page = Annotated[int, Query(ge=1, le=1_000_000)]
_Id = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/", name="archives_page")
def archives_page(
    request: Request, service: TheService, person: MaySee, q: _Words = "", page: _Page = 1
) -> Response:
    with service.database.read() as session:
        listing = find_archive_list(session, q.strip(), page)
        problem = find_review_hindrance(session) if person.may(Right.OPERATE) else None
    template = "parts/archive_rows.html" if _is_fragment(request) else "archives.html"
    return render(
        request,
        person,
        template,
        place="archives",
        q=q,
        listing=listing,
        review_problem=problem,
        forms=service.declarations,
        page_address=page_address(request),
    )


@router.get("/archives/{archive_id}", name="archive_page")
def archive_page(
    archive_id: _Id,
    request: Request,
    service: TheService,
    person: MaySee,
    query: Annotated[ListQuery, Query()],
) -> Response:
    with service.database.read() as session:
        archive = find_archive(session, archive_id)
        shown = archive_to_view(archive, archive_counts(session, archive_id))
        listing = find_document_list(session, archive_id, query, service.declarations)
        refusals = tuple((row, find_reason(row)) for row in find_refusals(session, archive_id))
    record_sight(service, request, person, f"archive:{archive_id}")
    template = "parts/document_rows.html" if _is_fragment(request) else "archive.html"
    return render(
        request,
        person,
        template,
        place="archives",
        archive=shown,
        query=query,
        listing=listing,
        refusals=refusals,
        states=tuple(str(item) for item in DocumentState),
        sorts=SORTS,
        operators=OPERATORS,
        field_titles=field_titles(service.declarations),
        forms=service.declarations,
        state_address=lambda chosen: address_with(request, state=chosen, page=None),
        page_address=page_address(request),
        filtered_export=_filtered_export(archive_id, query),
    )


def _filtered_export(archive_id: str, query: ListQuery) -> str:
    asked = {
        "archive": archive_id,
        "q": query.q,
        "state": query.state,
        "form_type": query.form_type,
    }
    return f"/api/documents/export?{urlencode({key: text for key, text in asked.items() if text})}"


def _is_fragment(request: Request) -> bool:
    """Whether a script asks for the list alone, to put it in place of the old one."""
    return "x-fragment" in request.headers
