"""One document: its pages with what was read on them, and all that is known of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from archive.audit import Action, add_audit
from archive.documents import accept_document
from service.api.auth import MayCorrect, MaySee, person_to_actor
from service.api.context import Service, TheService
from service.api.pictures import picture_address
from service.api.trail import record_sight
from service.web.document_view import ShownRecord, find_document_view
from service.web.record_view import record_to_view
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Id = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/documents/{document_id}", name="document_page")
def document_page(
    document_id: _Id,
    request: Request,
    service: TheService,
    person: MaySee,
    revision: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    with service.database.read() as session:
        found = find_document_view(session, document_id, revision, service.declarations)
    record_sight(service, request, person, f"document:{document_id}")
    shown = found.shown
    return render(
        request,
        person,
        "document.html",
        place="archives",
        document=found.head,
        acts=found.acts,
        next_to_review=found.next_to_review,
        events=found.events,
        revisions=found.revisions,
        review=found.review,
        revision=shown.number if shown else None,
        producer=shown.record.producer if shown else {},
        view=record_to_view(shown.record, service.declarations) if shown else None,
        pictures=_find_pictures(service, shown) if shown else {},
    )


@router.post("/documents/{document_id}/accept", name="accept_document")
def accept(document_id: _Id, request: Request, service: TheService, person: MayCorrect) -> Response:
    """A person has looked at it: what was in review is done."""
    with service.database.write() as session:
        accept_document(session, document_id, person.user_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.CHANGED, f"document:{document_id}", {"state": "done"})
    return see_other(f"/documents/{document_id}?said=document_accepted")


def _find_pictures(service: Service, shown: ShownRecord) -> dict[int, str]:
    """The address of each page's picture, by page number."""
    return {
        page.number: picture_address(service, shown.document_id, shown.generation, page.number)
        for page in shown.record.pages
    }
