"""Documents with review tasks, made as a worker makes them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.task import record_to_task
from archive.ids import new_id
from archive.revisions import find_revision
from archive.steps import finish_assemble, finish_page
from archive.tables import Document, ReviewTaskRow
from extraction.record_json import record_from_json, record_to_json
from extraction.values import Record
from tests.annotation.small_form import (
    DECLARATION,
    SEED,
    all_fields,
    small_record,
    texts,
    with_fields,
)
from tests.archive.rows import new_document, split, take

FORMS = {DECLARATION.name: DECLARATION}
NO_AUDIT = ReviewPolicy(audit_documents=0.0)


def add_reviewed(session: Session, name: str, *paths: str) -> tuple[Document, str]:
    """A document whose fields at ``paths`` are doubtful, and the id of its review task."""
    return (document := new_document(session, name)), assemble(session, document, *paths)


def assemble(session: Session, document: Document, *paths: str) -> str:
    """The whole way of a document; the id of its review task."""
    last = None
    for key in split(session, document, 1):
        last = finish_page(session, take(session, key), f"r/{document.generation}", "1")
    assert last is not None
    record = doubted(document.name, *paths)
    routing = route_record(record, DECLARATION, NO_AUDIT, SEED)
    task = record_to_task(new_id(), routing.record, DECLARATION, routing)
    stored = record_to_json(routing.record)
    finish_assemble(session, take(session, last), stored, "1", True, task=task)
    session.flush()
    return task.task_id


def doubted(name: str, *paths: str) -> Record:
    """Its amounts do not sum up as they are printed: so no correction of one of them, or of
    the total, makes that check fail newly."""
    amount = replace(small_record().groups["items"][2]["amount"], text="29")
    record = replace(small_record({"items[2].amount": amount}), name=name)
    doubtful = {
        path: replace(item, confidence=0.5) for path, item in all_fields(record) if path in paths
    }
    return with_fields(record, doubtful)


def find_row(session: Session, task_id: str) -> ReviewTaskRow:
    return session.get_one(ReviewTaskRow, task_id, populate_existing=True)


def newest_texts(session: Session, document_id: str) -> dict[str, str]:
    return texts(record_from_json(find_revision(session, document_id).record))
