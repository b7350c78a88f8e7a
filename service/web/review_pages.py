"""What reviewing costs and finds, fields that people disagree on, and the ways to Label Studio."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response

from annotation.figures import Cause, ReviewFigures
from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.corrections import apply_answers
from archive.disagreements import choose_text
from archive.errors import NotFound
from archive.figures import read_figures, reviewed_form_types
from archive.review_state import find_review_hindrance
from extraction.exports.naming import find_titles
from service.api.auth import MayCorrect, MayTrain, person_to_actor
from service.api.context import Service, TheService
from service.api.pictures import picture_address
from service.web.corrections_view import find_document_of, find_studio_place, path_to_title
from service.web.disagreement_list import DisagreementView, find_open_disagreements
from service.web.record_view import RuleView
from service.web.rendering import PageRoute, page_address, render, see_other
from service.web.rule_terms import check_to_terms

router = APIRouter(route_class=PageRoute)

_Id = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/reviews/figures", name="review_figures_page")
def figures_page(
    request: Request,
    service: TheService,
    person: MayTrain,
    form_type: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    with service.database.read() as session:
        form_types = reviewed_form_types(session)
        chosen = form_type if form_type in form_types else ""
        figures = read_figures(session, chosen or None)
        problem = find_review_hindrance(session)
    return render(
        request,
        person,
        "review_figures.html",
        place="reviews",
        figures=figures,
        review_problem=problem,
        form_type=chosen,
        form_types=[(name, _form_title(service, name)) for name in form_types],
        field_titles=_field_titles(service, figures),
        rules=_rules(service, chosen),
    )


@router.get("/reviews/disagreements", name="disagreements_page")
def disagreements_page(
    request: Request,
    service: TheService,
    person: MayTrain,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    with service.database.read() as session:
        found = find_open_disagreements(session, service.declarations, page)
    return render(
        request,
        person,
        "disagreements.html",
        place="reviews",
        entries=found.entries,
        total=found.total,
        page=found.page,
        pages=found.last_page,
        page_address=page_address(request),
        pictures={item.id: _find_picture(service, item) for item in found.entries},
    )


@router.post("/reviews/disagreements/{disagreement_id}", name="settle_disagreement")
def settle(
    disagreement_id: _Id,
    request: Request,
    service: TheService,
    person: MayTrain,
    text: Annotated[str, Form(max_length=20_000)] = "",
    other: Annotated[str | None, Form(max_length=20_000)] = None,
) -> Response:
    """``text`` is what one of the people says; ``other``, if given, is what stands instead."""
    chosen = other if other else text
    declarations = {item.name: item for item in service.declarations}
    with service.database.write() as session:
        now = utc_now()
        task_id = choose_text(session, disagreement_id, chosen, person.user_id, now)
        # Here and now, so that the page that comes next shows it.
        applied = apply_answers(session, task_id, declarations, now)
        if applied is not None:
            actor = person_to_actor(person, request)
            detail = {"disagreement": disagreement_id, "text": chosen}
            add_audit(session, actor, Action.CHANGED, f"document:{applied.document_id}", {**detail})
    return see_other("/reviews/disagreements?said=disagreement_settled")


@router.get("/reviews/{task_id}/open", name="open_review")
def open_review(
    task_id: _Id,
    service: TheService,
    person: MayCorrect,
    annotation: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """On to the task in Label Studio; NotFound while it is not there."""
    with service.database.read() as session:
        place = find_studio_place(session, task_id)
    address = service.settings.label_studio_public_url
    if place is None or not address:
        raise NotFound(f"review task {task_id} is not in Label Studio")
    project_id, studio_task_id = place
    wanted = {"task": studio_task_id} | ({"annotation": annotation} if annotation else {})
    return see_other(f"{address.rstrip('/')}/projects/{project_id}/data?{urlencode(wanted)}")


@router.get("/reviews/annotations/{annotation_id}", name="document_of_annotation")
def document_of_annotation(
    annotation_id: Annotated[int, Path(ge=1)], service: TheService, person: MayCorrect
) -> Response:
    """The document that an annotation speaks of, at what was said of it."""
    with service.database.read() as session:
        document_id = find_document_of(session, annotation_id)
    if document_id is None:
        raise NotFound(f"there is no annotation {annotation_id}")
    return see_other(f"/documents/{document_id}#annotation-{annotation_id}")


def _form_title(service: Service, name: str) -> str:
    return find_titles(name, service.declarations).form or name


def _field_titles(service: Service, figures: ReviewFigures) -> dict[Cause, str]:
    return {cause: _field_title(service, cause) for cause in figures.fields}


def _field_title(service: Service, cause: Cause) -> str:
    titles = find_titles(cause.form_type, service.declarations)
    group, dot, column = cause.name.partition(".")
    if not dot:
        return path_to_title(cause.name, titles)
    return f"{titles.of_group(group)} · {titles.of_column(group, column)}"


def _rules(service: Service, form_type: str) -> dict[str, RuleView]:
    """The rules of a form type, or of all of them; of two with one name the first."""
    rules: dict[str, RuleView] = {}
    for declaration in service.declarations:
        if form_type in ("", declaration.name):
            for check in declaration.checks:
                terms = check_to_terms(declaration, check)
                rules.setdefault(check.name, RuleView(check.name, check.kind, terms, ()))
    return rules


def _find_picture(service: Service, item: DisagreementView) -> str | None:
    if item.page is None:
        return None
    return picture_address(service, item.document_id, item.generation, item.page)
