"""What a worker does with one step: take its lease, walk the road, say how it went.

A step of a page that cannot be read ends with the reason. One whose engine failed is tried
again and then quarantined, and so is one whose worker died. One that found the disk full or
the storage gone is given back and costs no attempt.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TypeVar

from celery import Celery
from sqlalchemy.orm import Session

from annotation.quality import record_to_quality
from annotation.routing import route_record
from annotation.task import record_to_task
from annotation.values import ReviewTask, Routing
from archive.blobs import Blobs, picture_key, reading_key
from archive.clock import utc_now
from archive.database import Database
from archive.errors import BlobMissing, DatabaseGone, LeaseLost, StorageFull, StorageGone
from archive.ids import new_id
from archive.promise import find_promised_policy
from archive.reasons import Reason, error_to_reason
from archive.revisions import named_fields
from archive.settings import ServiceLimits
from archive.steps import (
    Lease,
    LostStep,
    StepKey,
    fail_step,
    find_results,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
    mark_enqueued,
    release_step,
)
from archive.tables import StepKind
from extraction.declarations import FormDeclaration
from extraction.errors import FormloopError, InputError
from extraction.pages.sources import SourceFile
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.record_json import record_to_json
from extraction.values import Record
from workers.app import HARD_LIMIT_S
from workers.leases import hard_limit, renewed
from workers.logs import log_place
from workers.pictures import image_to_picture
from workers.queue import push_steps, take_ready_steps
from workers.road import Road, find_road

FULL_WAIT = timedelta(seconds=10)
"""How long a step rests that found the disk full or the storage gone."""
LONGEST_VERSION = 200
AUDIT_PURPOSE = "review audit"
"""Of the secret from which follows what is drawn for the audit."""

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(slots=True)
class SourceShelf:
    """The file read last: pages of one document often come one after the other."""

    key: str = ""
    data: bytes = b""


@dataclass(frozen=True, eq=False, slots=True)
class Workplace:
    """What one worker process has for all its steps; its steps come one at a time.

    ``patience_s`` is how long a finished step may wait for a database that is gone.
    ``declarations`` are by the name of their form type; ``audit_seed`` is what nobody may
    know who answers.
    """

    database: Database
    blobs: Blobs
    road: Road
    app: Celery
    owner: str
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    hard_limit_s: float = HARD_LIMIT_S
    patience_s: float = 60.0
    declarations: Mapping[str, FormDeclaration] = field(default_factory=dict)
    audit_seed: bytes = field(default=b"", repr=False)
    shelf: SourceShelf = field(default_factory=SourceShelf)


Finish = Callable[[Session], tuple[StepKey, ...]]
"""Writes the result of a step; the steps that are ready because of it."""


def do_step(place: Workplace, key: StepKey) -> None:
    """Do the step if it is to be done, and after a document's last page put it together.
    DatabaseGone when that can not even be asked, or the result could not be stored: the lease
    then runs out and the step is done again."""
    with log_place(document=key.document_id, step=str(key.step), page=key.page):
        lease = patiently(place, partial(_lease, place, key))
    if lease is None:
        _log.debug("nothing to do")
    while lease is not None:
        lease = _do_leased(place, lease)


def _do_leased(place: Workplace, lease: Lease) -> Lease | None:
    """The lease of the step to go on with, if any."""
    key = lease.key
    with (
        log_place(
            document=key.document_id, step=str(key.step), page=key.page, attempt=lease.attempt
        ),
        renewed(place.database, lease, place.limits),
    ):
        return _try_step(place, lease)


def _lease(place: Workplace, key: StepKey) -> Lease | None:
    ready: tuple[LostStep, ...] = ()
    with place.database.write() as session:
        lease = lease_step(session, key, place.owner, utc_now(), place.limits)
        if lease is None:
            # The last holder of the last page may just have been found dead.
            ready = take_ready_steps(session, key.document_id)
    push_steps(place.app, ready)
    return lease


def _try_step(place: Workplace, lease: Lease) -> Lease | None:
    started = time.perf_counter()
    try:
        with hard_limit(place.hard_limit_s):
            finish = _WALKS[lease.key.step](place, lease)
        following = _store(place, lease, finish)
    except LeaseLost as error:
        _log.info("dropped: %s", error.reason)
        return None
    except (StorageFull, StorageGone, DatabaseGone) as error:
        _log.warning("given back: %s", error)
        return _store(place, lease, partial(_released, lease))
    except (InputError, BlobMissing) as error:
        _log.info("cannot be read: %s", error.reason)
        return _store(place, lease, partial(_failed, place, lease, error_to_reason(error), False))
    except FormloopError as error:
        _log.warning("failed: %s", error)
        return _store(place, lease, partial(_failed, place, lease, error_to_reason(error), True))
    except Exception as error:  # noqa: BLE001
        # The edge of a task: whatever it was, its step is tried again and then set aside.
        _log.exception("failed unexpectedly")
        return _store(place, lease, partial(_failed, place, lease, error_to_reason(error), True))
    elapsed_ms = round(1000 * (time.perf_counter() - started))
    _log.info("done", extra={"more": {"elapsed_ms": elapsed_ms}})
    return following


def _store(place: Workplace, lease: Lease, finish: Finish) -> Lease | None:
    """The result, and the marks of what it makes ready, in one transaction; then the messages.

    After its last page a document is put together by the same worker: the lease of that step,
    taken in the same transaction, is the answer.
    """

    def write() -> tuple[tuple[StepKey, ...], Lease | None]:
        with place.database.write() as session:
            ready, now = finish(session), utc_now()
            if [key.step for key in ready] == [StepKind.ASSEMBLE]:
                return (), lease_step(session, ready[0], place.owner, now, place.limits)
            mark_enqueued(session, ready, now)
        return ready, None

    try:
        ready, following = patiently(place, write)
    except LeaseLost as error:
        _log.info("dropped: %s", error.reason)
        return None
    push_steps(place.app, [LostStep(key, lease.priority) for key in ready])
    return following


def patiently(place: Workplace, action: Callable[[], Answer]) -> Answer:
    """The answer, tried again while the database is gone, but not for ever: DatabaseGone."""
    until, wait = time.monotonic() + place.patience_s, 0.5
    while True:
        try:
            return action()
        except DatabaseGone as error:
            if time.monotonic() + wait > until:
                raise
            _log.warning("waiting for the database: %s", error.reason)
            time.sleep(wait)
            wait = min(5.0, 2 * wait)


def _released(lease: Lease, session: Session) -> tuple[StepKey, ...]:
    release_step(session, lease, utc_now(), FULL_WAIT)
    return ()


def _failed(
    place: Workplace, lease: Lease, reason: Reason, retryable: bool, session: Session
) -> tuple[StepKey, ...]:
    following = fail_step(session, lease, reason, retryable, utc_now(), place.limits)
    return () if following is None else (following,)


def _split(place: Workplace, lease: Lease) -> Finish:
    pages = place.road.count(_source(place, lease))
    return lambda session: finish_split(session, lease, pages)


def _read_page(place: Workplace, lease: Lease) -> Finish:
    key = lease.key
    page = place.road.read(_source(place, lease), key.page)
    stored = reading_key(key.document_id, key.generation, key.page)
    picture = image_to_picture(page.image)
    place.blobs.write(picture_key(key.document_id, key.generation, key.page), picture)
    text = json.dumps(reading_to_json(page.reading), ensure_ascii=False)
    place.blobs.write(stored, text.encode("utf-8"))
    version = producer_version(place.road.producer)

    def finish(session: Session) -> tuple[StepKey, ...]:
        following = finish_page(session, lease, stored, version)
        return () if following is None else (following,)

    return finish


def _assemble(place: Workplace, lease: Lease) -> Finish:
    key = lease.key
    with place.database.read() as session:
        stored = [r.result_key for r in find_results(session, key.document_id, key.generation)]
    readings = [reading_from_json(json.loads(place.blobs.read(key))) for key in stored]
    source = SourceFile(lease.name, lease.name, b"", lease.sha256)
    road = find_road(place.road, lease.model)
    routing, task = _route(place, road.assemble(source, readings, lease.form_type))
    record, record_json = routing.record, record_to_json(routing.record)
    review = task is not None or needs_review(record, lease.pages)
    version = producer_version(road.producer)

    def finish(session: Session) -> tuple[StepKey, ...]:
        finish_assemble(session, lease, record_json, version, review, task=task, record=record)
        return ()

    return finish


def _route(place: Workplace, record: Record) -> tuple[Routing, ReviewTask | None]:
    """What is doubtful in the record, and what is asked of people, if anything."""
    declaration = place.declarations.get(record.form_type)
    with place.database.read() as session:
        policy = find_promised_policy(session, record.form_type, record_to_quality(record))
    routing = route_record(record, declaration, policy, place.audit_seed)
    if declaration is None or not routing.doubts:
        return routing, None
    return routing, record_to_task(new_id(), routing.record, declaration, routing)


_WALKS: Mapping[StepKind, Callable[[Workplace, Lease], Finish]] = {
    StepKind.SPLIT: _split,
    StepKind.PAGE: _read_page,
    StepKind.ASSEMBLE: _assemble,
}


def needs_review(record: Record, pages: int | None) -> bool:
    """Whether a person should look: at a doubtful field, or because a page is missing."""
    if pages is not None and len(record.pages) < pages:
        return True
    return any(item.field.route == "review" for item in named_fields(record))


def producer_version(producer: Mapping[str, str]) -> str:
    """One line that changes with any part of the producer."""
    line = " ".join(f"{name}={version}" for name, version in sorted(producer.items()))
    if len(line) <= LONGEST_VERSION:
        return line
    return f"sha256={sha256(line.encode('utf-8')).hexdigest()}"


def _source(place: Workplace, lease: Lease) -> SourceFile:
    shelf = place.shelf
    if shelf.key != lease.blob_key:
        shelf.key, shelf.data = "", b""
        shelf.data = place.blobs.read(lease.blob_key)
        shelf.key = lease.blob_key
    return SourceFile(lease.name, lease.name, shelf.data, lease.sha256)
