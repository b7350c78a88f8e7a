"""Records of a document, one revision beside the other, and the values to search by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from annotation.paths import record_fields
from archive.clock import utc_now
from archive.errors import NotFound
from archive.search_text import fold, fold_lines
from archive.tables import Document, DocumentText, FieldValue, Revision, RevisionKind
from extraction.json_values import JsonObject
from extraction.record_json import record_from_json
from extraction.values import Field, Record

_LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class NamedField:
    """``path`` is ``items[0].amount`` where ``name`` is ``items.amount``."""

    path: str
    name: str
    field: Field


def add_revision(
    session: Session,
    document: Document,
    record_json: JsonObject,
    kind: RevisionKind,
    *,
    user_id: str | None = None,
    record: Record | None = None,
) -> Revision:
    """Stores the record as the newest revision and makes it the one to search by.

    The caller holds the document's row (``endings.lock_document``), and gives the ``record``
    of the JSON if it has it. InputError for what is no record.
    """
    record = record or record_from_json(record_json)
    document.revision += 1
    row = Revision(
        document_id=document.id,
        number=document.revision,
        kind=kind,
        generation=document.generation,
        user_id=user_id,
        producer=dict(record.producer),
        record=record_json,
    )
    session.add(row)
    _index(session, document, record)
    document.updated_at = utc_now()
    return row


def find_revision(session: Session, document_id: str, number: int | None = None) -> Revision:
    """The newest, or that of ``number``; NotFound if there is none."""
    query = select(Revision).where(Revision.document_id == document_id)
    if number is not None:
        query = query.where(Revision.number == number)
    row = session.scalar(query.order_by(Revision.number.desc()).limit(1))
    if row is None:
        raise NotFound(f"document {document_id} has no such record yet")
    return row


def all_revisions(session: Session, document_id: str) -> tuple[Revision, ...]:
    """Oldest first."""
    query = select(Revision).where(Revision.document_id == document_id).order_by(Revision.number)
    return tuple(session.scalars(query))


def named_fields(record: Record) -> Iterator[NamedField]:
    """The fields of a record, those in groups of rows and printed keys among them."""
    for placed in record_fields(record):
        yield NamedField(placed.path, placed.name, placed.field)
    for number, item in enumerate(record.key_values):
        shown = Field(item.value, item.value, item.confidence, "review", (), item.source)
        yield NamedField(f"key_values[{number}]", f"key_values.{item.key}", shown)


def _index(session: Session, document: Document, record: Record) -> None:
    for table in (FieldValue, DocumentText):
        session.execute(delete(table).where(table.document_id == document.id))
    fields = tuple(named_fields(record))
    values = [_to_value(document, item) for item in fields]
    if values:
        session.execute(insert(FieldValue), values)
    declared = [item.field for item in fields if not item.path.startswith("key_values[")]
    document.found_form_type = record.form_type
    document.doubtful = sum(field.route == "review" for field in declared)
    document.lowest_confidence = min(
        (field.confidence for field in declared if field.confidence is not None), default=None
    )
    session.add(
        DocumentText(
            document_id=document.id,
            text=fold_lines((document.name, *(text for item in fields for text in _texts(item)))),
        )
    )


def _texts(item: NamedField) -> tuple[str, ...]:
    key = item.name.removeprefix("key_values.") if item.path.startswith("key_values[") else ""
    return key, item.field.text, "" if item.field.value is None else str(item.field.value)


def _to_value(document: Document, item: NamedField) -> dict[str, str | float | None]:
    value = item.field.value
    return {
        "document_id": document.id,
        "path": item.path[:_LONGEST_PATH],
        "revision": document.revision,
        "name": item.name[:_LONGEST_PATH],
        "text": fold(item.field.text),
        "value": None if value is None else str(value),
        "number": float(value) if isinstance(value, int | float) else None,
        "confidence": item.field.confidence,
        "route": item.field.route,
    }
