"""What answers made doubtful, asked in a task of its own on the corrected record.

A correction may make a check fail that held before, and so cast doubt on fields that nobody
was shown. A document is done when nothing of it is left to be answered.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from annotation.task import record_to_task
from annotation.values import Correctedness, Routing
from archive.ids import new_id
from archive.reviews import add_task, withdraw_tasks
from archive.tables import Document, ReviewState, ReviewTaskRow
from extraction.declarations import FormDeclaration


def ask_further(
    session: Session,
    document: Document,
    row: ReviewTaskRow,
    folded: Correctedness,
    declaration: FormDeclaration,
    now: datetime,
) -> str | None:
    """Asks what the settled answers to the task made doubtful, once for each corrected record;
    the new task's id. ``row.corrected_revision`` is the revision of ``folded``."""
    if not folded.doubts or folded.disagreements or _is_asked(session, row):
        return None
    routing = Routing(folded.record, folded.doubts)
    task = record_to_task(new_id(), folded.record, declaration, routing)
    return add_task(session, document, task, now).id


def withdraw_further(session: Session, row: ReviewTaskRow, now: datetime) -> int:
    """The record that they were made of is another now: what was asked of it, and of records
    corrected after it, is not asked any more; how many tasks that ends."""
    return withdraw_tasks(session, row.document_id, now, later_than=row.base_revision)


def is_all_answered(session: Session, document: Document) -> bool:
    """Whether every task of the document is settled."""
    open_task = exists().where(
        ReviewTaskRow.document_id == document.id,
        ReviewTaskRow.generation == document.generation,
        ReviewTaskRow.state.not_in((ReviewState.SETTLED, ReviewState.WITHDRAWN)),
    )
    return not session.scalar(select(open_task))


def _is_asked(session: Session, row: ReviewTaskRow) -> bool:
    further = exists().where(
        ReviewTaskRow.document_id == row.document_id,
        ReviewTaskRow.generation == row.generation,
        ReviewTaskRow.base_revision == row.corrected_revision,
        ReviewTaskRow.state != ReviewState.WITHDRAWN,
    )
    return bool(session.scalar(select(further)))
