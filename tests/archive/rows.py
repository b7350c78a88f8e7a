"""Rows as the tests need them, made through the same functions as in service."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.documents import add_archive, add_document
from archive.steps import (
    Lease,
    StepKey,
    find_lost_steps,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
)
from archive.tables import Document, Step, StepKind
from extraction.json_values import JsonObject
from extraction.record_json import record_to_json
from extraction.values import Field, Record

START = datetime(2026, 1, 1, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """After every row that the test has made so far."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def field(text: str, value: str | float | None = None, route: str = "accept") -> Field:
    shown = text if value is None else value
    return Field(text, shown, 0.9 if route == "accept" else 0.3, route, (), None)  # type: ignore[arg-type]


def record_json(name: str = "a.pdf", **fields: Field) -> JsonObject:
    return record_to_json(
        Record(
            name=name,
            sha256="0" * 64,
            form_type="claim",
            producer={"ocr": "1"},
            fields=fields,
            groups={},
            tables=(),
            checks=(),
            pages=(),
        )
    )


def new_document(
    session: Session, name: str = "a.pdf", archive_id: str | None = None, content: str | None = None
) -> Document:
    sha256 = hashlib.sha256((content or name).encode()).hexdigest()
    archive_id = archive_id or add_archive(session, "box", None).id
    return add_document(session, archive_id, name, sha256, 10, f"sources/{sha256[:8]}")


def take(session: Session, key: StepKey, now: datetime | None = None) -> Lease:
    lease = lease_step(session, key, "worker", now or later(0))
    assert lease is not None
    return lease


def split(session: Session, document: Document, pages: int) -> tuple[StepKey, ...]:
    key = StepKey(document.id, document.generation, StepKind.SPLIT, 0)
    return finish_split(session, take(session, key), pages)


def extract(session: Session, document: Document, record: JsonObject, pages: int = 1) -> None:
    """The whole way of a document, every step done at once."""
    assemble = None
    for key in split(session, document, pages):
        assemble = finish_page(session, take(session, key), f"r/{key.page}", "1")
    assert assemble is not None
    review = '"route": "review"' in str(record).replace("'", '"')
    finish_assemble(session, take(session, assemble), record, "1", review)


def open_keys(session: Session, now: datetime) -> list[StepKey]:
    return [lost.key for lost in find_lost_steps(session, now)]


def find_steps(session: Session, document_id: str) -> tuple[Step, ...]:
    """All steps of the document's present generation; failed ones have a ``reason``."""
    query = (
        select(Step)
        .join(Document, Document.id == Step.document_id)
        .where(Step.document_id == document_id, Step.generation == Document.generation)
        .order_by(Step.page, Step.created_at)
    )
    return tuple(session.scalars(query))
