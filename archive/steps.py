"""The steps of a document: leased, finished, failed, found again.

``split`` makes a ``page`` step for each page; the last page to end makes ``assemble``, in
the same transaction. Every function here first locks the document's row, so that two
workers that end at the same moment see one another. What ends a document also tells the
callbacks.

A holder that comes back after its lease went to another gets LeaseLost: its work is to be
dropped. DatabaseGone may leave any of these; the whole transaction can then be tried again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from annotation.values import ReviewTask
from archive.clock import doubling_wait, utc_now
from archive.endings import end_document, fail_document, lock_document, new_step, settle_pages
from archive.errors import LeaseLost
from archive.history import EventKind, add_event
from archive.ids import in_batches, new_id
from archive.reasons import NO_PAGE, Reason, reason_detail, worker_died, write_reason
from archive.reviews import make_task
from archive.revisions import add_revision
from archive.settings import ServiceLimits
from archive.states import (
    OPEN_STEPS,
    DocumentMove,
    DocumentState,
    StepMove,
    StepState,
    move_document,
    move_step,
)
from archive.tables import AskedVersion, Document, Result, RevisionKind, Step, StepKind
from extraction.json_values import JsonObject
from extraction.values import Record

DEFAULT_LIMITS: Final = ServiceLimits()
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, order=True)
class StepKey:
    document_id: str
    generation: int
    step: StepKind
    page: int


@dataclass(frozen=True, slots=True)
class LostStep:
    """A step that should be put into the queue."""

    key: StepKey
    priority: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a step until ``until``, with what the work needs.

    ``pages`` is None for a split. ``attempt`` counts from 1. ``model`` is the version that the
    document is to be read by, None the one in use.
    """

    key: StepKey
    token: str
    owner: str
    until: datetime
    attempt: int
    priority: int
    name: str
    sha256: str
    blob_key: str
    form_type: str | None
    pages: int | None
    model: str | None = None


def lease_step(
    session: Session,
    key: StepKey,
    owner: str,
    now: datetime,
    limits: ServiceLimits = DEFAULT_LIMITS,
) -> Lease | None:
    """The lease, or None when there is nothing to do: done, cancelled, gone, held by
    another, not due yet.

    A step whose holders all died (``most_attempts`` of them) is quarantined, which may make
    another step ready: see ``find_ready_steps``.
    """
    document = lock_document(session, key.document_id)
    step = None if document is None else _find_step(session, key)
    if document is None or step is None or key.generation != document.generation:
        return None
    if not _is_free(step, now):
        return None
    if step.attempts >= limits.most_attempts:
        _quarantine(session, document, step, worker_died(step.attempts), now)
        return None
    step.state = move_step(step.state, StepMove.LEASE)
    step.attempts += 1
    step.owner, step.token = owner[:200], new_id()
    step.leased_until = now + timedelta(seconds=limits.lease_seconds)
    step.started_at = now
    document.state = move_document(document.state, DocumentMove.START)
    document.updated_at = now
    return _to_lease(document, step, session.get(AskedVersion, document.id))


def renew_lease(
    session: Session, lease: Lease, now: datetime, limits: ServiceLimits = DEFAULT_LIMITS
) -> datetime:
    """Holds the step for longer; until when. LeaseLost if it is no longer the holder's."""
    _, step = _held(session, lease)
    step.leased_until = now + timedelta(seconds=limits.lease_seconds)
    return step.leased_until


def release_step(
    session: Session, lease: Lease, now: datetime, wait: timedelta = timedelta()
) -> None:
    """Gives the step back without counting the attempt: the worker stops, a disk is full."""
    _, step = _held(session, lease)
    step.attempts -= 1
    _put_back(step, now + wait)


def finish_split(
    session: Session, lease: Lease, pages: int, now: datetime | None = None
) -> tuple[StepKey, ...]:
    """The page steps it makes. A file without a page fails its document."""
    now = now or utc_now()
    document, step = _held(session, lease)
    _end(step, StepMove.FINISH, now)
    document.pages = pages
    document.updated_at = now
    add_event(session, document.id, EventKind.SPLIT, {"pages": pages})
    if pages < 1:
        fail_document(session, document, NO_PAGE, now)
        return ()
    made = [new_step(document, StepKind.PAGE, number, now) for number in range(1, pages + 1)]
    session.add_all(made)
    return tuple(_key_of(row) for row in made)


def finish_page(
    session: Session,
    lease: Lease,
    result_key: str,
    producer_version: str,
    now: datetime | None = None,
) -> StepKey | None:
    """The assemble step if this was the last page. ``result_key`` is that of the reading."""
    now = now or utc_now()
    document, step = _held(session, lease)
    _end(step, StepMove.FINISH, now)
    _add_result(session, lease.key, result_key, producer_version)
    return _to_key(settle_pages(session, document, now))


def finish_assemble(
    session: Session,
    lease: Lease,
    record_json: JsonObject,
    producer: str,
    needs_review: bool,
    now: datetime | None = None,
    task: ReviewTask | None = None,
    record: Record | None = None,
) -> DocumentState:
    """Stores the record as a new revision and ends the document: done or in review, with
    the ``task`` that is to be put before people. ``record`` is that of the JSON, if at hand."""
    now = now or utc_now()
    document, step = _held(session, lease)
    _end(step, StepMove.FINISH, now)
    kind = RevisionKind.EXTRACTION
    revision = add_revision(session, document, record_json, kind, record=record)
    if task is not None:
        make_task(session, document, task, now)
    _add_result(session, lease.key, f"revision:{revision.number}", producer)
    move = DocumentMove.ASK if needs_review else DocumentMove.FINISH
    add_event(session, document.id, EventKind.ASSEMBLED, {"revision": revision.number})
    end_document(session, document, move, None, now)
    return document.state


def fail_step(
    session: Session,
    lease: Lease,
    reason: Reason,
    retryable: bool,
    now: datetime | None = None,
    limits: ServiceLimits = DEFAULT_LIMITS,
) -> StepKey | None:
    """Tries it again after a wait, or quarantines it with the reason.

    The assemble step, if the quarantined page was the last that was open.
    """
    now = now or utc_now()
    document, step = _held(session, lease)
    if not retryable or step.attempts >= limits.most_attempts:
        return _quarantine(session, document, step, reason, now)
    _put_back(step, now + doubling_wait(step.attempts, FIRST_WAIT, LONGEST_WAIT))
    write_reason(step, reason)
    again = EventKind.PAGE_RETRIED if step.page else EventKind.STEP_RETRIED
    detail: JsonObject = {"step": step.step, "attempt": step.attempts, **reason_detail(reason)}
    add_event(session, document.id, again, detail, page=step.page or None)
    return None


def find_ready_steps(session: Session, document_id: str) -> tuple[StepKey, ...]:
    """The steps of a document that wait and were never put into the queue."""
    query = select(Step).where(
        Step.document_id == document_id,
        Step.state == StepState.WAITING,
        Step.enqueued_at.is_(None),
    )
    return tuple(_key_of(step) for step in session.scalars(query))


def find_lost_steps(
    session: Session,
    now: datetime,
    limit: int = 1000,
    limits: ServiceLimits = DEFAULT_LIMITS,
) -> list[LostStep]:
    """Steps to put into the queue: due and not put there lately, or their lease ran out.

    The most urgent first, then the oldest. Only reads; ``mark_enqueued`` says it was done.
    """
    lately = now - timedelta(seconds=limits.requeue_seconds)
    # Never put there, or put there before it was due, or so long ago that it must be lost.
    stale = or_(
        Step.enqueued_at.is_(None), Step.enqueued_at < Step.due_at, Step.enqueued_at < lately
    )
    waits = and_(Step.state == StepState.WAITING, Step.due_at <= now, stale)
    # The message of a lease that ran out was taken, so only one sent since then counts.
    expired = and_(
        Step.state == StepState.LEASED,
        Step.leased_until <= now,
        or_(
            Step.enqueued_at.is_(None),
            Step.enqueued_at < Step.leased_until,
            Step.enqueued_at < lately,
        ),
    )
    query = (
        select(Step)
        .where(or_(waits, expired))
        .order_by(Step.priority.desc(), Step.created_at, Step.document_id, Step.page)
        .limit(limit)
    )
    return [LostStep(_key_of(step), step.priority) for step in session.scalars(query)]


def mark_enqueued(session: Session, keys: Iterable[StepKey], now: datetime) -> None:
    """To be called before the message is sent: a crash between is found by the sweep."""
    pages: dict[tuple[str, int, StepKind], list[int]] = defaultdict(list)
    for key in keys:
        pages[key.document_id, key.generation, key.step].append(key.page)
    for (document_id, generation, kind), numbers in sorted(pages.items()):
        for some in in_batches(numbers):
            session.execute(
                update(Step)
                .where(
                    Step.document_id == document_id,
                    Step.generation == generation,
                    Step.step == kind,
                    Step.page.in_(some),
                    Step.state.in_(OPEN_STEPS),
                )
                .values(enqueued_at=now)
            )


def find_results(session: Session, document_id: str, generation: int) -> tuple[Result, ...]:
    """The results of the pages of one generation, in order of pages."""
    query = (
        select(Result)
        .where(
            Result.document_id == document_id,
            Result.generation == generation,
            Result.step == StepKind.PAGE,
        )
        .order_by(Result.page)
    )
    return tuple(session.scalars(query))


def _find_step(session: Session, key: StepKey) -> Step | None:
    return session.get(
        Step, (key.document_id, key.generation, key.step, key.page), populate_existing=True
    )


def _key_of(step: Step) -> StepKey:
    return StepKey(step.document_id, step.generation, step.step, step.page)


def _is_free(step: Step, now: datetime) -> bool:
    if step.state == StepState.WAITING:
        return step.due_at <= now
    return (
        step.state == StepState.LEASED
        and step.leased_until is not None
        and step.leased_until <= now
    )


def _to_lease(document: Document, step: Step, asked: AskedVersion | None) -> Lease:
    assert step.token and step.owner and step.leased_until
    return Lease(
        key=_key_of(step),
        token=step.token,
        owner=step.owner,
        until=step.leased_until,
        attempt=step.attempts,
        priority=step.priority,
        name=document.name,
        sha256=document.sha256,
        blob_key=document.blob_key,
        form_type=document.form_type,
        pages=document.pages,
        model=None if asked is None else asked.version,
    )


def _held(session: Session, lease: Lease) -> tuple[Document, Step]:
    """The rows behind a lease; LeaseLost when it is another's, cancelled or gone."""
    document = lock_document(session, lease.key.document_id)
    step = None if document is None else _find_step(session, lease.key)
    if document is None or step is None:
        raise LeaseLost(f"document {lease.key.document_id} is gone", name=lease.name)
    if step.state != StepState.LEASED or step.token != lease.token:
        raise LeaseLost(f"the {step.step} step is now {step.state}", name=lease.name)
    return document, step


def _put_back(step: Step, due_at: datetime) -> None:
    step.state = move_step(step.state, StepMove.GIVE_BACK)
    step.owner = step.token = step.leased_until = step.enqueued_at = None
    step.due_at = due_at


def _end(step: Step, move: StepMove, now: datetime) -> None:
    step.state = move_step(step.state, move)
    step.token = step.leased_until = None
    step.finished_at = now


def _add_result(session: Session, key: StepKey, result_key: str, producer: str) -> None:
    session.add(
        Result(
            document_id=key.document_id,
            generation=key.generation,
            page=key.page,
            step=key.step,
            producer_version=producer[:200],
            result_key=result_key,
        )
    )


def _quarantine(
    session: Session, document: Document, step: Step, reason: Reason, now: datetime
) -> StepKey | None:
    _end(step, StepMove.QUARANTINE, now)
    write_reason(step, reason)
    if step.step != StepKind.PAGE:
        fail_document(session, document, reason, now)
        return None
    add_event(session, document.id, EventKind.PAGE_FAILED, reason_detail(reason), page=step.page)
    return _to_key(settle_pages(session, document, now))


def _to_key(step: Step | None) -> StepKey | None:
    return None if step is None else _key_of(step)
