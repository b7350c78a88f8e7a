"""What is done from time to time, each a function that may be called at any moment.

Two schedulers at once do no harm: what both send is done once, by whoever gets its lease.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from celery import Celery

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.deletion import delete_pending_blobs
from archive.health import remove_old_signs, send_canary, write_heartbeat
from archive.people import remove_expired
from archive.progress import finish_archives
from archive.settings import ServiceLimits
from archive.steps import LostStep, find_lost_steps, mark_enqueued
from archive.unowned import remove_unowned
from workers.queue import push_canary, push_steps

MOST_AT_ONCE = 500
LONG_QUEUE = 1000
"""Messages in Redis from which on a step that was sent is taken to be still in line."""
SURELY_LOST_S = 10.0
"""A step sent this long ago that is still not taken while the queue is empty has no message."""
NEVER_S = 10.0 * 365 * 24 * 3600

_log = logging.getLogger(__name__)


def sweep_steps(database: Database, app: Celery, waiting: int | None, limits: ServiceLimits) -> int:
    """Send what has no message: never sent, lost with Redis, or its worker died; how many.

    ``waiting`` is how many messages Redis holds, None when it does not answer.
    """
    if waiting is None:
        return 0
    now = utc_now()
    patient = replace(limits, requeue_seconds=patience(waiting, limits))
    with database.read() as session:
        if not find_lost_steps(session, now, 1, patient):
            return 0
    with database.write() as session:
        lost: list[LostStep] = find_lost_steps(session, now, MOST_AT_ONCE, patient)
        mark_enqueued(session, [step.key for step in lost], now)
    sent = push_steps(app, lost)
    _log.info("steps sent by the sweep", extra={"more": {"lost": len(lost), "sent": sent}})
    return sent


def patience(waiting: int, limits: ServiceLimits) -> float:
    """Seconds after which a step that was sent counts as lost, by the length of the queue."""
    if waiting == 0:
        return min(SURELY_LOST_S, limits.requeue_seconds)
    return limits.requeue_seconds if waiting < LONG_QUEUE else NEVER_S


def release_canary(database: Database, app: Celery) -> bool:
    """Send a task that does nothing but finish; whether it could be sent."""
    with database.write() as session:
        canary_id = send_canary(session, utc_now())
    return push_canary(app, canary_id)


def tidy(database: Database, blobs: Blobs, owner: str) -> None:
    """Forget what has expired, delete the blobs of deleted rows, and say that this lives."""
    now: datetime = utc_now()
    with database.write() as session:
        remove_expired(session, now)
        remove_old_signs(session, now)
        write_heartbeat(session, owner, "schedule", now)
    delete_pending_blobs(database, blobs, now)


def sweep_blobs(database: Database, blobs: Blobs) -> int:
    """Remove blobs that no row owns, a day after they were written; how many."""
    removed = remove_unowned(database, blobs, utc_now())
    if removed:
        _log.warning("blobs without a row were removed", extra={"more": {"removed": removed}})
    return removed


def end_archives(database: Database) -> int:
    """Archives in which all has ended by now; how many."""
    with database.write() as session:
        ended = finish_archives(session, utc_now())
    return len(ended)
