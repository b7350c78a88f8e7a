"""A process that extracts: ``python -m workers.extract_process``.

One step at a time, the engines loaded once. It ends when it has lost Redis or its place in
the queue, and is to be started again by whoever started it.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from celery import Celery, signals
from celery.exceptions import SecurityWarning

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone
from archive.health import finish_canary, write_heartbeat
from archive.settings import Settings
from archive.signing import derive_secret
from archive.tables import StepKind
from extraction.declarations import FormDeclaration, load_declarations
from extraction.errors import FormloopError
from workers.app import CANARY_TASK, EXTRACT_QUEUE, HARD_LIMIT_S, make_app
from workers.learned_keys import renew_keys
from workers.leases import expire_leases
from workers.lexicon import renew_lexicon
from workers.logs import log_place, write_json_logs
from workers.queue import args_to_key, count_waiting, step_task
from workers.road import Road, build_road, renew_road
from workers.steps import AUDIT_PURPOSE, Workplace, do_step, patiently

LOOK_EVERY_S = 5.0
DEAF_S = 20.0
"""Idle for this long while messages wait: it has lost its place in the queue (celery#8030)."""
DEAF_EXIT = 75
FAILED_START_EXIT = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """``name`` is stable where a supervisor gives it: a successor takes over its leases."""

    data: Path | None
    name: str | None
    lease_seconds: float | None
    page_seconds: float


@dataclass(slots=True)
class Activity:
    """What the process did last, told by the tasks and looked at by the watch."""

    busy: bool = False
    ended_at: float = field(default_factory=time.monotonic)

    def idle_s(self) -> float:
        return 0.0 if self.busy else time.monotonic() - self.ended_at

    def __enter__(self) -> None:
        self.busy = True

    def __exit__(self, *_: object) -> None:
        self.ended_at = time.monotonic()
        self.busy = False


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    owner = options.name or f"{platform.node()}-{os.getpid()}"
    write_json_logs(owner)
    settings = Settings.from_environment(options.data)
    if options.lease_seconds:
        limits = replace(settings.limits, lease_seconds=options.lease_seconds)
        settings = replace(settings, limits=limits)
    try:
        app = make_app(settings)
        place = open_workplace(settings, app, owner, options.page_seconds)
        if options.name:
            patiently(place, lambda: _take_over(place.database, owner))
    except FormloopError as error:
        _log.critical("cannot start: %s", error)
        return FAILED_START_EXIT
    activity = Activity()
    register_tasks(app, place, activity)
    watch = threading.Thread(target=_watch, args=(settings, place, activity), daemon=True)
    watch.start()
    _log.info("ready", extra={"more": {"producer": dict(place.road.producer)}})
    return run_worker(app, owner)


def read_options(arguments: list[str] | None) -> ExtractOptions:
    parser = argparse.ArgumentParser("workers.extract_process", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--name", help="a stable name; by default host and process")
    parser.add_argument("--lease-seconds", type=float, help="how long a lease lasts unrenewed")
    parser.add_argument("--page-seconds", type=float, default=HARD_LIMIT_S, help="hard limit")
    given = parser.parse_args(arguments)
    return ExtractOptions(given.data, given.name, given.lease_seconds, given.page_seconds)


def run_worker(app: Celery, owner: str) -> int:
    """Take one message after the other until told to stop or Redis is lost; the exit code."""
    signals.setup_logging.connect(_keep_logs)
    # It warns of pickled messages, which are never taken here.
    warnings.simplefilter("ignore", SecurityWarning)
    # Pool "solo": an engine is never shared by threads nor forked, and a step may take long.
    worker = app.Worker(
        hostname=f"{owner}@{platform.node()}",
        pool_cls="solo",
        concurrency=1,
        queues=[EXTRACT_QUEUE],
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _keep_logs(**_: object) -> None:
    """Celery sets up no logs of its own where somebody listens to this signal."""


def open_workplace(settings: Settings, app: Celery, owner: str, page_seconds: float) -> Workplace:
    """All that the steps need, the engines loaded."""
    return Workplace(
        database=Database(settings.database_url),
        blobs=Blobs(settings.storage_url),
        road=build_road(settings.data),
        app=app,
        owner=owner,
        limits=settings.limits,
        declarations={one.name: one for one in load_declarations()},
        audit_seed=derive_secret(settings.secret_key, AUDIT_PURPOSE).encode(),
        hard_limit_s=page_seconds,
    )


def register_tasks(app: Celery, place: Workplace, activity: Activity) -> None:
    """One task for each kind of step, and the canary."""

    def step(document_id: str, generation: int, kind: str, page: int) -> None:
        with activity:
            try:
                if kind != StepKind.SPLIT:
                    renew_road(place.road)
                    renew_learned(place.road, place.database, (*place.declarations.values(),))
                do_step(place, args_to_key(document_id, generation, kind, page))
            except FormloopError as error:
                _log.error("left to the scheduler: %s", error, extra={"more": {"page": page}})

    def canary(canary_id: str) -> None:
        with activity, log_place(canary=canary_id):
            try:
                with place.database.write() as session:
                    finish_canary(session, canary_id, place.owner, utc_now())
            except FormloopError as error:
                _log.warning("the canary died: %s", error)

    for kind in StepKind:
        app.task(step, name=step_task(kind))
    app.task(canary, name=CANARY_TASK)


def renew_learned(road: Road, database: Database, declarations: Sequence[FormDeclaration]) -> bool:
    """Between two steps: let the road take the lexicon and the keys learnt so far; whether
    any is another. While the database is gone the road goes on with what it has."""
    try:
        with database.read() as session:
            took_lexicon = renew_lexicon(road, session)
            return renew_keys(road, session, declarations) or took_lexicon
    except DatabaseGone as error:
        _log.warning("what was learnt stays as it is: %s", error.reason)
        return False


def _take_over(database: Database, owner: str) -> None:
    with database.write() as session:
        given_up = expire_leases(session, owner, utc_now())
    if given_up:
        _log.warning("an earlier process of this name died with %d steps", given_up)


def _watch(settings: Settings, place: Workplace, activity: Activity) -> None:
    """Say that this process lives, and end it when it no longer hears the queue."""
    deaf_since: float | None = None
    while True:
        time.sleep(LOOK_EVERY_S)
        _say_alive(place)
        waiting = count_waiting(settings.redis_url or "")
        if not waiting or activity.busy or activity.idle_s() < LOOK_EVERY_S:
            deaf_since = None
            continue
        deaf_since = deaf_since or time.monotonic()
        if time.monotonic() - deaf_since >= DEAF_S:
            _log.critical("messages wait but none arrives: ending to be started again")
            os._exit(DEAF_EXIT)


def _say_alive(place: Workplace) -> None:
    try:
        with place.database.write() as session:
            write_heartbeat(session, place.owner, "extract", utc_now())
    except FormloopError as error:
        _log.warning("no sign of life: %s", error)


if __name__ == "__main__":
    raise SystemExit(main())
