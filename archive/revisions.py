"""Records of a document, one revision beside the other, and the values to search by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from annotation.paths import record_fields
from archive.clock import utc_now
from archive.errors import NotFound
from archive.search_text import fold, fold_lines
from archive.tables import Document, DocumentText, FieldValue, Revision, RevisionKind, Row
from extraction.json_values import JsonObject
from extraction.record_json import record_from_json
from extraction.values import Field, Record

_LONGEST_PATH = 300
_DIGITS = 4

_VALUES = Row.metadata.tables[FieldValue.__tablename__]
_TEXTS = Row.metadata.tables[DocumentText.__tablename__]
"""As tables: of their many rows none is looked at again in the same transaction."""


class _Value(NamedTuple):
    """A row of ``FieldValue`` without its document and revision."""

    path: str
    name: str
    text: str
    value: str | None
    number: float | None
    confidence: float | None
    route: str


_KNOWN_VALUES = select(*(_VALUES.c[name] for name in _Value._fields))


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
    document.updated_at = utc_now()
    _index(session, document, record)
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
    declared = [item.field for item in fields if not item.path.startswith("key_values[")]
    document.found_form_type = record.form_type
    document.doubtful = sum(field.route == "review" for field in declared)
    document.lowest_confidence = min(
        (sure for field in declared if (sure := _confidence(field)) is not None), default=None
    )
    # Once, with all that is new; the tables below do not ask for it.
    session.flush()
    _write_values(session, document, [_to_value(item) for item in fields])
    _write_text(session, document, (text for item in fields for text in _texts(item)))


def _write_values(session: Session, document: Document, values: Sequence[_Value]) -> None:
    """Those that changed are written anew: a correction changes few of a record's many."""
    ours = _VALUES.c.document_id == document.id
    wanted = {value.path: value for value in values}
    known = {row[0]: row for row in session.execute(_KNOWN_VALUES.where(ours))}
    gone = [path for path, row in known.items() if wanted.get(path) != row]
    new = [value for path, value in wanted.items() if known.get(path) != value]
    if gone:
        session.execute(delete(_VALUES).where(ours, _VALUES.c.path.in_(gone)))
    if len(gone) < len(known):
        session.execute(update(_VALUES).where(ours).values(revision=document.revision))
    if new:
        about = {"document_id": document.id, "revision": document.revision}
        session.execute(insert(_VALUES), [{**about, **value._asdict()} for value in new])


def _write_text(session: Session, document: Document, texts: Iterator[str]) -> None:
    text = fold_lines((document.name, *texts))
    ours = _TEXTS.c.document_id == document.id
    known = session.scalar(select(_TEXTS.c.text).where(ours))
    if known is None:
        session.execute(insert(_TEXTS).values(document_id=document.id, text=text))
    elif known != text:
        session.execute(update(_TEXTS).where(ours).values(text=text))


def _confidence(field: Field) -> float | None:
    """As the record's JSON has it, so that nothing differs when it is read from there."""
    return None if field.confidence is None else round(field.confidence, _DIGITS)


def _texts(item: NamedField) -> tuple[str, ...]:
    key = item.name.removeprefix("key_values.") if item.path.startswith("key_values[") else ""
    return key, item.field.text, "" if item.field.value is None else str(item.field.value)


def _to_value(item: NamedField) -> _Value:
    value = item.field.value
    return _Value(
        path=item.path[:_LONGEST_PATH],
        name=item.name[:_LONGEST_PATH],
        text=fold(item.field.text),
        value=None if value is None else str(value),
        number=float(value) if isinstance(value, int | float) else None,
        confidence=_confidence(item.field),
        route=item.field.route,
    )
