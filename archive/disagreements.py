"""Fields on which people disagree: noted, settled by a majority or by an engineer's choice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.values import Correctedness
from archive.endings import lock_document
from archive.errors import IllegalMove, NotFound
from archive.history import EventKind, add_event
from archive.review_tables import SettledBy
from archive.tables import DisagreementRow, ReviewState, ReviewTaskRow

_MAJORITY = 3
"""Fewer people have none."""


def find_disagreements(session: Session, document_id: str) -> tuple[DisagreementRow, ...]:
    """All that there were of a document, open ones too, oldest first."""
    query = select(DisagreementRow).where(DisagreementRow.document_id == document_id)
    return tuple(session.scalars(query.order_by(DisagreementRow.id)))


def find_chosen(session: Session, task_id: str) -> dict[str, str]:
    """The texts that engineers chose, by path."""
    query = select(DisagreementRow.path, DisagreementRow.chosen).where(
        DisagreementRow.task_id == task_id, DisagreementRow.chosen.is_not(None)
    )
    return {path: chosen for path, chosen in session.execute(query) if chosen is not None}


def write_disagreements(
    session: Session, task: ReviewTaskRow, folded: Correctedness, answers: int, now: datetime
) -> Sequence[str]:
    """Notes those there are and settles those there are no more; the paths of new ones."""
    query = select(DisagreementRow).where(DisagreementRow.task_id == task.id)
    known = {row.path: row for row in session.scalars(query)}
    open_paths = {one.path for one in folded.disagreements}
    for path, row in known.items():
        if path not in open_paths and row.settled_at is None:
            row.settled_at = now
            row.settled_by = SettledBy.MAJORITY if answers >= _MAJORITY else SettledBy.AGREEMENT
    arisen = []
    for one in folded.disagreements:
        row = known.get(one.path) or _new_row(session, task, one.path, now)
        if row.settled_at is not None:
            row.settled_at = row.settled_by = None
            arisen.append(one.path)
        row.texts = {**one.texts}
    return arisen


def _new_row(session: Session, task: ReviewTaskRow, path: str, now: datetime) -> DisagreementRow:
    row = DisagreementRow(
        task_id=task.id, document_id=task.document_id, path=path, arisen_at=now, settled_at=now
    )
    session.add(row)
    return row


def choose_text(
    session: Session, disagreement_id: str, text: str, user_id: str | None, now: datetime
) -> str:
    """An engineer says what stands in the field; the id of the task to be folded again.

    It stands whatever is answered later, and may be chosen anew. NotFound if there is no
    such disagreement; IllegalMove when the review task was withdrawn.
    """
    row = session.get(DisagreementRow, disagreement_id)
    if row is None or lock_document(session, row.document_id) is None:
        raise NotFound(f"there is no disagreement {disagreement_id}")
    task = session.get(ReviewTaskRow, row.task_id, populate_existing=True)
    if task is None or task.state == ReviewState.WITHDRAWN:
        raise IllegalMove("its review task was withdrawn, so there is nothing to settle")
    row.chosen, row.user_id = text, user_id
    row.settled_at, row.settled_by = now, SettledBy.CHOICE
    detail = {"path": row.path, "text": text, "task": row.task_id}
    add_event(session, row.document_id, EventKind.SETTLED, {**detail}, user_id=user_id)
    return row.task_id
