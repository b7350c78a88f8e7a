"""Questions over many rows: who owns a blob, the newest records, totals for monitoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.ids import in_batches
from archive.states import DocumentState, StepState
from archive.tables import (
    Archive,
    Delivery,
    DeliveryState,
    Document,
    Revision,
    Step,
    StepKind,
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything; ``oldest_waiting_at`` is None while no step waits."""

    archives: int
    documents: Mapping[DocumentState, int]
    steps: Mapping[tuple[StepKind, StepState], int]
    deliveries: Mapping[DeliveryState, int]
    oldest_waiting_at: datetime | None


def find_owned_blobs(session: Session, keys: Sequence[str]) -> frozenset[str]:
    """Those of ``keys`` that a document's file lies under."""
    owned: set[str] = set()
    for some in in_batches(keys):
        owned.update(session.scalars(select(Document.blob_key).where(Document.blob_key.in_(some))))
    return frozenset(owned)


def find_newest_records(
    session: Session, document_ids: Sequence[str]
) -> tuple[tuple[Document, Revision], ...]:
    """Each document that has a record with its newest, in the order given.

    A duplicate has the record of its original.
    """
    found: dict[str, tuple[Document, Revision]] = {}
    for some in in_batches(document_ids):
        rows = session.scalars(select(Document).where(Document.id.in_(some))).all()
        revisions = _newest_by_document(session, [row.duplicate_of or row.id for row in rows])
        for row in rows:
            revision = revisions.get(row.duplicate_of or row.id)
            if revision is not None:
                found[row.id] = (row, revision)
    return tuple(found[key] for key in document_ids if key in found)


def find_totals(session: Session) -> Totals:
    documents = session.execute(select(Document.state, func.count()).group_by(Document.state))
    steps = session.execute(
        select(Step.step, Step.state, func.count()).group_by(Step.step, Step.state)
    )
    deliveries = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return Totals(
        archives=session.scalar(select(func.count()).select_from(Archive)) or 0,
        documents=dict(documents.all()),
        steps={(kind, state): count for kind, state, count in steps},
        deliveries=dict(deliveries.all()),
        oldest_waiting_at=session.scalar(
            select(func.min(Step.created_at)).where(Step.state == StepState.WAITING)
        ),
    )


def _newest_by_document(session: Session, ids: Sequence[str]) -> dict[str, Revision]:
    newest = select(Document.id, Document.revision).where(Document.id.in_(ids)).subquery()
    query = select(Revision).join(
        newest, (Revision.document_id == newest.c.id) & (Revision.number == newest.c.revision)
    )
    return {row.document_id: row for row in session.scalars(query)}
