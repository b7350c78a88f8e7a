"""Addresses of the review: what is asked of a document, what was said, who settles it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.orm import Session

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.corrections import apply_answers, find_corrections
from archive.disagreements import choose_text, find_disagreements
from archive.documents import find_document
from archive.errors import NotFound
from archive.kept_settings import (
    STUDIO_PEOPLE,
    find_review_policy,
    read_setting,
    write_review_policy,
)
from archive.review_state import find_review_standing
from archive.reviews import find_task
from archive.tables import DisagreementRow, ReviewState
from extraction.declarations import FormDeclaration, field_paths
from extraction.errors import InputError
from service.api.auth import MayCorrect, MayTrain, person_to_actor
from service.api.context import Service, TheService
from service.api.review_shapes import (
    ChosenShape,
    PolicyShape,
    ReviewShape,
    ReviewStandingShape,
    correction_to_shape,
    disagreement_to_shape,
    policy_to_shape,
    project_to_shape,
    task_to_shape,
)
from service.api.trail import record_sight

router = APIRouter(prefix="/api", tags=["review"])

Id = Annotated[str, Path(min_length=1, max_length=64)]
FormType = Annotated[str, Path(min_length=1, max_length=100)]


@router.get("/review")
def get_review_standing(service: TheService, person: MayCorrect) -> ReviewStandingShape:
    """How the review stands, and what keeps it from working."""
    with service.database.read() as session:
        found = find_review_standing(session)
    url = service.settings.label_studio_public_url
    return ReviewStandingShape(
        problem=found.problem,
        projects=[project_to_shape(row, url) for row in found.projects],
        waiting=found.tasks.get(ReviewState.WAITING, 0),
        pushed=found.tasks.get(ReviewState.PUSHED, 0),
        answered=found.tasks.get(ReviewState.ANSWERED, 0),
        settled=found.tasks.get(ReviewState.SETTLED, 0),
        unread=found.unread,
    )


@router.get("/documents/{document_id}/review")
def get_review(
    document_id: Id,
    request: Request,
    service: TheService,
    person: MayCorrect,
    replaced: Annotated[bool, Query(description="Also what was taken back.")] = False,
) -> ReviewShape:
    """What is asked of a document, where it is answered, and what people said of it."""
    with service.database.read() as session:
        document = find_document(session, document_id)
        shape = _to_shape(session, service, document.duplicate_of or document.id, replaced)
    record_sight(service, request, person, f"document:{document_id}")
    return shape


@router.post("/disagreements/{disagreement_id}/settle")
def post_settle(
    disagreement_id: Id,
    chosen: ChosenShape,
    request: Request,
    service: TheService,
    person: MayTrain,
) -> ReviewShape:
    """Say what stands in a field on which people disagree; it stands from now on."""
    forms = {one.name: one for one in service.declarations}
    with service.database.write() as session:
        now = utc_now()
        task_id = choose_text(session, disagreement_id, chosen.text, person.user_id, now)
        apply_answers(session, task_id, forms, now)
        row = session.get_one(DisagreementRow, disagreement_id)
        add_audit(
            session,
            person_to_actor(person, request),
            Action.CHANGED,
            f"document:{row.document_id}",
            {"path": row.path, "chosen": chosen.text},
        )
        session.flush()
        return _to_shape(session, service, row.document_id, replaced=False)


@router.get("/review-policies/{form_type}")
def get_policy(form_type: FormType, service: TheService, person: MayTrain) -> PolicyShape:
    """When a field of this form type goes to a person."""
    _find_declaration(service, form_type)
    with service.database.read() as session:
        return policy_to_shape(find_review_policy(session, form_type))


@router.put("/review-policies/{form_type}")
def put_policy(
    form_type: FormType,
    wanted: PolicyShape,
    request: Request,
    service: TheService,
    person: MayTrain,
) -> PolicyShape:
    """Set when a field of this form type goes to a person; for what is read from now on."""
    declaration = _find_declaration(service, form_type)
    unknown = sorted(set(wanted.always_review) - set(field_paths(declaration)))
    if unknown:
        raise InputError(f"always_review: {form_type} has no field {unknown[0]!r}")
    policy = wanted.to_policy()
    with service.database.write() as session:
        write_review_policy(session, form_type, policy)
        add_audit(
            session,
            person_to_actor(person, request),
            Action.CHANGED,
            f"review_policy:{form_type}",
            {**policy_to_shape(policy).model_dump()},
        )
    return policy_to_shape(policy)


def _find_declaration(service: Service, form_type: str) -> FormDeclaration:
    found = next((one for one in service.declarations if one.name == form_type), None)
    if found is None:
        raise NotFound(f"there is no form type {form_type}")
    return found


def _to_shape(session: Session, service: Service, document_id: str, replaced: bool) -> ReviewShape:
    task = find_task(session, document_id)
    people = read_setting(session, STUDIO_PEOPLE) or {}
    names = {number: str(email) for number, email in people.items()}
    said = find_corrections(session, document_id, replaced=replaced)
    return ReviewShape(
        task=None
        if task is None
        else task_to_shape(task, service.settings.label_studio_public_url),
        corrections=[correction_to_shape(row, names.get(row.author, row.author)) for row in said],
        disagreements=[
            disagreement_to_shape(row, names) for row in find_disagreements(session, document_id)
        ],
    )
