"""Records of a document, one revision beside the other, and the values to search by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
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
_DIGITS = 4

_Value = Mapping[str, str | float | None]
"""A row of ``FieldValue`` without its revision."""


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
    fields = tuple(named_fields(record))
    _write_values(session, document, [_to_value(document, item) for item in fields])
    declared = [item.field for item in fields if not item.path.startswith("key_values[")]
    document.found_form_type = record.form_type
    document.doubtful = sum(field.route == "review" for field in declared)
    document.lowest_confidence = min(
        (sure for field in declared if (sure := _confidence(field)) is not None), default=None
    )
    texts = (document.name, *(text for item in fields for text in _texts(item)))
    session.merge(DocumentText(document_id=document.id, text=fold_lines(texts)))


def _write_values(session: Session, document: Document, values: Sequence[_Value]) -> None:
    """Those that changed are written anew: a correction changes few of a record's many."""
    wanted = {str(value["path"]): value for value in values}
    ours = FieldValue.document_id == document.id
    columns = [column for column in FieldValue.__table__.columns if column.name != "revision"]
    known = {row.path: {**row._mapping} for row in session.execute(select(*columns).where(ours))}
    gone = [path for path, row in known.items() if wanted.get(path) != row]
    new = [value for path, value in wanted.items() if known.get(path) != value]
    if gone:
        session.execute(delete(FieldValue).where(ours, FieldValue.path.in_(gone)))
    if len(gone) < len(known):
        session.execute(update(FieldValue).where(ours).values(revision=document.revision))
    if new:
        numbered = [{**value, "revision": document.revision} for value in new]
        # Nulls are written out: left out, they would part the rows into dozens of statements.
        session.execute(insert(FieldValue), numbered, execution_options={"render_nulls": True})


def _confidence(field: Field) -> float | None:
    """As the record's JSON has it, so that nothing differs when it is read from there."""
    return None if field.confidence is None else round(field.confidence, _DIGITS)


def _texts(item: NamedField) -> tuple[str, ...]:
    key = item.name.removeprefix("key_values.") if item.path.startswith("key_values[") else ""
    return key, item.field.text, "" if item.field.value is None else str(item.field.value)


def _to_value(document: Document, item: NamedField) -> _Value:
    value = item.field.value
    return {
        "document_id": document.id,
        "path": item.path[:_LONGEST_PATH],
        "name": item.name[:_LONGEST_PATH],
        "text": fold(item.field.text),
        "value": None if value is None else str(value),
        "number": float(value) if isinstance(value, int | float) else None,
        "confidence": _confidence(item.field),
        "route": item.field.route,
    }
