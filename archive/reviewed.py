"""What people said of each document, with the record and the readings that they said it of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotation.values import Correction, Stand, Verdict
from archive.revisions import find_revision
from archive.steps import find_results
from archive.tables import CorrectionRow, DisagreementRow, Document, ReviewTaskRow
from extraction.json_values import JsonObject, as_list, as_number
from extraction.record_json import record_from_json
from extraction.values import Box, Record


@dataclass(frozen=True, slots=True)
class ReviewedRows:
    """One document's answered review task. ``reading_keys`` are the blobs of its pages."""

    document_id: str
    revision: int
    form_type: str
    record: Record
    reading_keys: tuple[str, ...]
    corrections: tuple[Correction, ...]
    open_paths: frozenset[str]
    settled: Mapping[str, str]


def find_reviewed_ids(
    session: Session, archive_id: str | None = None, form_type: str | None = None
) -> tuple[str, ...]:
    """The documents, all or those of an archive or a form type, of which anything was
    answered that still stands, in order."""
    query = select(CorrectionRow.document_id).where(CorrectionRow.replaced_at.is_(None))
    if form_type is not None:
        query = query.where(CorrectionRow.form_type == form_type)
    if archive_id is not None:
        query = query.join(Document, Document.id == CorrectionRow.document_id).where(
            Document.archive_id == archive_id
        )
    return tuple(sorted(set(session.scalars(query.distinct()))))


def find_last_said(session: Session) -> datetime | None:
    """When people last said or took back anything."""
    newest = session.execute(
        select(func.max(CorrectionRow.created_at), func.max(CorrectionRow.replaced_at))
    ).one()
    return max((at for at in newest if at is not None), default=None)


def find_reviewed_generation(session: Session, document_id: str) -> int | None:
    """Which reading of the document people said something of, the newest."""
    return session.scalar(
        select(func.max(CorrectionRow.generation)).where(
            CorrectionRow.document_id == document_id, CorrectionRow.replaced_at.is_(None)
        )
    )


def find_reviewed(session: Session, document_id: str) -> ReviewedRows | None:
    """The first task that was answered of the newest reading of the document; tasks withdrawn
    since then count, because what was said of a reading stays true. None where nothing stands.

    What a follow-up asked is of a corrected record, whose paths are others: it is left out.
    """
    standing = select(CorrectionRow.task_id).where(
        CorrectionRow.document_id == document_id, CorrectionRow.replaced_at.is_(None)
    )
    task = session.scalar(
        select(ReviewTaskRow)
        .where(ReviewTaskRow.id.in_(standing))
        .order_by(ReviewTaskRow.generation.desc(), ReviewTaskRow.id)
        .limit(1)
    )
    if task is None:
        return None
    rows = session.scalars(
        select(CorrectionRow).where(
            CorrectionRow.task_id == task.id, CorrectionRow.replaced_at.is_(None)
        )
    )
    disagreements = session.scalars(
        select(DisagreementRow).where(DisagreementRow.task_id == task.id)
    ).all()
    base = find_revision(session, document_id, task.base_revision)
    return ReviewedRows(
        document_id=document_id,
        revision=task.corrected_revision or task.base_revision,
        form_type=task.form_type,
        record=record_from_json(base.record),
        reading_keys=tuple(
            result.result_key for result in find_results(session, document_id, task.generation)
        ),
        corrections=tuple(row_to_correction(row) for row in rows),
        open_paths=frozenset(row.path for row in disagreements if row.settled_at is None),
        settled=dict(_settled(disagreements)),
    )


def _settled(rows: Sequence[DisagreementRow]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row.chosen is not None:
            yield row.path, row.chosen


def row_to_correction(row: CorrectionRow) -> Correction:
    return Correction(
        path=row.path,
        verdict=Verdict(row.verdict),
        before=_to_stand(row.before),
        after=_to_stand(row.after),
        author=row.author,
        annotation_id=row.annotation_id,
        at=row.at,
        audit=row.audit,
        printed_so=row.printed_so,
    )


def _to_stand(stored: JsonObject | None) -> Stand | None:
    if stored is None:
        return None
    page, box = stored["page"], stored["box"]
    return Stand(
        str(stored["text"]),
        page if isinstance(page, int) else None,
        None if box is None else Box(*(as_number(side) for side in as_list(box))),
    )
