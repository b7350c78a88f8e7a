"""Review tasks: made with the record they ask about, put before people, withdrawn.

Rows only; ``workers`` talks to Label Studio. What people answered is in ``annotations``,
what it changed in ``corrections``. What changes the state of a task holds its document's
row first (``endings.lock_document``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from annotation.task_json import task_to_json
from annotation.values import ReviewTask
from archive.clock import doubling_wait
from archive.ids import MOST_PARAMETERS, in_batches
from archive.reasons import DELETED_IN_STUDIO, Reason, write_reason
from archive.tables import AbandonedTask, Document, ReviewProject, ReviewState, ReviewTaskRow

FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=5)
ASKED: Final = frozenset({ReviewState.PUSHED, ReviewState.ANSWERED, ReviewState.SETTLED})
"""Tasks that people can see."""
LOOKED_AT_AGAIN: Final = timedelta(days=30)
"""So long after a task is settled people may open it again, to change what they said."""


def make_task(
    session: Session, document: Document, task: ReviewTask, now: datetime
) -> ReviewTaskRow:
    """Asks ``task`` of the document's newest revision; what was asked before is withdrawn."""
    withdraw_tasks(session, document.id, now)
    return add_task(session, document, task, now)


def add_task(
    session: Session, document: Document, task: ReviewTask, now: datetime
) -> ReviewTaskRow:
    """Asks ``task`` of the document's newest revision, beside what was asked before."""
    row = ReviewTaskRow(
        id=task.task_id,
        document_id=document.id,
        generation=document.generation,
        base_revision=document.revision,
        form_type=task.form_type,
        body=task_to_json(task),
        shown=len(task.regions),
        audited=sum(region.audit for region in task.regions),
        worth=task.worth,
        created_at=now,
        due_at=now,
    )
    session.add(row)
    return row


def withdraw_tasks(session: Session, document_id: str, now: datetime, later_than: int = 0) -> int:
    """Nothing is asked of this document any more, or of its revisions ``later_than`` one; how
    many tasks that ends.

    Their answers stay; in Label Studio they are deleted (``find_abandoned``).
    """
    query = select(ReviewTaskRow).where(
        ReviewTaskRow.document_id == document_id,
        ReviewTaskRow.state != ReviewState.WITHDRAWN,
        ReviewTaskRow.base_revision > later_than,
    )
    rows = session.scalars(query).all()
    for row in rows:
        abandon(session, row, now)
        row.state, row.look_at = ReviewState.WITHDRAWN, None
    return len(rows)


def abandon(session: Session, row: ReviewTaskRow, now: datetime) -> None:
    """Notes for deletion what Label Studio may hold of the task."""
    if row.project_id is not None:
        session.merge(
            AbandonedTask(
                task_id=row.id,
                project_id=row.project_id,
                label_studio_task_id=row.label_studio_task_id,
                created_at=now,
            )
        )


def find_task(session: Session, document_id: str) -> ReviewTaskRow | None:
    """The newest review task of a document, withdrawn ones last."""
    query = (
        select(ReviewTaskRow)
        .where(ReviewTaskRow.document_id == document_id)
        .order_by(ReviewTaskRow.state == ReviewState.WITHDRAWN, ReviewTaskRow.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def find_open_task(session: Session, task_id: str, now: datetime) -> ReviewTaskRow | None:
    """The task, while people may look at its pages; None where they have nothing to do there."""
    row = session.get(ReviewTaskRow, task_id)
    if row is None or row.state == ReviewState.WITHDRAWN:
        return None
    over = row.settled_at is not None and row.settled_at + LOOKED_AT_AGAIN <= now
    return None if over else row


def find_due_tasks(
    session: Session, form_type: str, now: datetime, limit: int
) -> tuple[tuple[ReviewTaskRow, Document], ...]:
    """To be put before people: of the most urgent document first, then what is worth most."""
    query = (
        select(ReviewTaskRow, Document)
        .join(Document, Document.id == ReviewTaskRow.document_id)
        .where(
            ReviewTaskRow.form_type == form_type,
            ReviewTaskRow.state == ReviewState.WAITING,
            ReviewTaskRow.due_at <= now,
        )
        .order_by(Document.priority.desc(), ReviewTaskRow.worth.desc(), ReviewTaskRow.id)
        .limit(limit)
    )
    return tuple((row, document) for row, document in session.execute(query))


def claim_tasks(
    session: Session, task_ids: Collection[str], project_id: int, now: datetime
) -> tuple[str, ...]:
    """Notes, before the import, that these are being put into the project: those still to be.

    Where the process then dies, they are due again after a wait, and the import, which knows
    our ids, gives the same tasks.
    """
    claimed = []
    for row in _rows(session, task_ids):
        if row.state == ReviewState.WAITING and row.due_at <= now:
            row.project_id = project_id
            row.attempts += 1
            row.due_at = now + wait_after(row.attempts)
            claimed.append(row.id)
    return tuple(claimed)


def note_pushed(
    session: Session, project_id: int, pushed: Mapping[str, int], now: datetime
) -> None:
    """``pushed`` is Label Studio's id of each of our tasks."""
    known = {row.id: row for row in _rows(session, tuple(pushed))}
    for task_id, studio_id in pushed.items():
        row = known.get(task_id)
        if row is None or row.state == ReviewState.WITHDRAWN:
            # Withdrawn while it was on its way.
            session.merge(
                AbandonedTask(
                    task_id=task_id,
                    project_id=project_id,
                    label_studio_task_id=studio_id,
                    created_at=now,
                )
            )
        elif row.state == ReviewState.WAITING:
            row.state, row.attempts = ReviewState.PUSHED, 0
            write_reason(row, None)
            row.project_id, row.label_studio_task_id = project_id, studio_id
            row.pushed_at = now
            # An answer may have come before we knew of the task, or before it was made again.
            row.look_at = now


def postpone_tasks(
    session: Session, task_ids: Collection[str], reason: Reason, now: datetime
) -> None:
    """They could not be put before people; tried again after their wait."""
    for row in _rows(session, task_ids):
        if row.state == ReviewState.WAITING:
            write_reason(row, reason)
            row.due_at = max(row.due_at, now + wait_after(row.attempts))


def return_tasks(session: Session, task_ids: Collection[str], now: datetime) -> int:
    """Label Studio has them no more: those not settled are put there again; how many."""
    count = 0
    for row in _rows(session, task_ids):
        if row.state not in ASKED:
            continue
        row.label_studio_task_id, row.look_at = None, None
        if row.state != ReviewState.SETTLED:
            row.state, row.due_at, row.attempts = ReviewState.WAITING, now, 0
            write_reason(row, DELETED_IN_STUDIO)
            count += 1
    return count


def find_asked(
    session: Session, project_id: int, after: str = "", limit: int = MOST_PARAMETERS
) -> tuple[ReviewTaskRow, ...]:
    """Tasks that people see in a project and that are not settled, by id, ``after`` one."""
    query = (
        select(ReviewTaskRow)
        .where(
            ReviewTaskRow.project_id == project_id,
            ReviewTaskRow.state.in_((ReviewState.PUSHED, ReviewState.ANSWERED)),
            ReviewTaskRow.id > after,
        )
        .order_by(ReviewTaskRow.id)
        .limit(limit)
    )
    return tuple(session.scalars(query))


def find_to_look_at(session: Session, now: datetime, limit: int) -> tuple[ReviewTaskRow, ...]:
    """Tasks of which Label Studio should be asked what became of their annotations."""
    query = (
        select(ReviewTaskRow)
        .where(ReviewTaskRow.look_at <= now, ReviewTaskRow.label_studio_task_id.is_not(None))
        .order_by(ReviewTaskRow.look_at)
        .limit(limit)
    )
    return tuple(session.scalars(query))


def mark_to_look_at(session: Session, task_ids: Collection[str], now: datetime) -> None:
    for some in in_batches(tuple(task_ids)):
        session.execute(
            update(ReviewTaskRow)
            .where(ReviewTaskRow.id.in_(some), ReviewTaskRow.state.in_(ASKED))
            .values(look_at=now)
        )


def look_if_late(session: Session, task_id: str, updated_at: datetime, now: datetime) -> None:
    """A version that a sweep should have found, and did not: it came late, and what it is a
    version of may be no more."""
    swept_until = session.scalar(
        select(ReviewProject.swept_until)
        .join(ReviewTaskRow, ReviewTaskRow.form_type == ReviewProject.form_type)
        .where(ReviewTaskRow.id == task_id)
    )
    if swept_until is not None and updated_at <= swept_until:
        mark_to_look_at(session, [task_id], now)


def note_looked_at(session: Session, task_id: str, since: datetime) -> None:
    """Unless something was told of the task since the look began."""
    session.execute(
        update(ReviewTaskRow)
        .where(ReviewTaskRow.id == task_id, ReviewTaskRow.look_at <= since)
        .values(look_at=None)
    )


def find_by_studio_tasks(
    session: Session, project_id: int, studio_ids: Collection[int]
) -> dict[int, str]:
    """Our ids of Label Studio's tasks, by its id."""
    query = select(ReviewTaskRow.label_studio_task_id, ReviewTaskRow.id).where(
        ReviewTaskRow.project_id == project_id
    )
    found: dict[int, str] = {}
    for some in in_batches(tuple(studio_ids)):
        for studio_id, task_id in session.execute(
            query.where(ReviewTaskRow.label_studio_task_id.in_(some))
        ):
            found[studio_id or 0] = task_id
    return found


def find_abandoned(session: Session, limit: int) -> tuple[AbandonedTask, ...]:
    """What is to be deleted in Label Studio, oldest first."""
    query = select(AbandonedTask).order_by(AbandonedTask.created_at, AbandonedTask.task_id)
    return tuple(session.scalars(query.limit(limit)))


def forget_abandoned(session: Session, task_ids: Collection[str]) -> None:
    """They are gone from Label Studio."""
    for some in in_batches(tuple(task_ids)):
        session.execute(delete(AbandonedTask).where(AbandonedTask.task_id.in_(some)))


def wait_after(attempts: int) -> timedelta:
    return doubling_wait(attempts, FIRST_WAIT, LONGEST_WAIT)


def _rows(session: Session, task_ids: Collection[str]) -> list[ReviewTaskRow]:
    rows: list[ReviewTaskRow] = []
    for some in in_batches(tuple(task_ids)):
        query = select(ReviewTaskRow).where(ReviewTaskRow.id.in_(some)).with_for_update()
        rows += session.scalars(query.execution_options(populate_existing=True))
    return rows
