"""The clock of the service: ``python -m workers.schedule_process``."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive.blobs import Blobs
from archive.database import Database
from archive.settings import Settings
from extraction.declarations import load_declarations
from extraction.errors import FormloopError
from workers.app import make_app
from workers.callbacks import send_due_callbacks
from workers.learned_keys import learn_keys_due
from workers.lexicon import learn_due
from workers.logs import write_json_logs
from workers.promise import judge_promise_anew
from workers.queue import count_waiting
from workers.statistics import keep_statistics
from workers.sweep import end_archives, release_canary, sweep_blobs, sweep_steps, tidy
from workers.training_policy import queue_due_training

SWEEP_EVERY_S = 1.0
"""New documents reach the queue by the sweep, so this is how long an upload waits at most."""
CALLBACKS_EVERY_S = 2.0
CANARY_EVERY_S = 15.0
ARCHIVES_EVERY_S = 3.0
TIDY_EVERY_S = 30.0
TRAINING_EVERY_S = 60.0
PROMISE_EVERY_S = 60.0
LEXICON_EVERY_S = 60.0
KEYS_EVERY_S = 120.0
STATISTICS_EVERY_S = 30.0
BLOBS_EVERY_S = 6 * 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every ``every_s`` seconds, first at once."""

    name: str
    every_s: float
    action: Callable[[], object]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("workers.schedule_process", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--requeue-seconds", type=float, help="when a step sent counts as lost")
    given = parser.parse_args(arguments)
    write_json_logs("schedule")
    settings = Settings.from_environment(given.data)
    if given.requeue_seconds:
        limits = replace(settings.limits, requeue_seconds=given.requeue_seconds)
        settings = replace(settings, limits=limits)
    try:
        jobs, *aside = plan(settings)
    except FormloopError as error:
        _log.critical("cannot start: %s", error)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A receiver that is slow to answer, or much to learn from, must not hold up the sweep.
    others = [threading.Thread(target=run_jobs, args=(some, stop), daemon=True) for some in aside]
    for other in others:
        other.start()
    run_jobs(jobs, stop)
    for other in others:
        other.join(timeout=15)
    return 0


def plan(settings: Settings) -> tuple[tuple[Job, ...], ...]:
    """What the scheduler does itself, and beside it, each at its own pace, the calls to others
    and what takes long."""
    database, blobs = Database(settings.database_url), Blobs(settings.storage_url)
    app, limits = make_app(settings), settings.limits
    owner = f"schedule-{platform.node()}-{os.getpid()}"
    redis_url = settings.redis_url or ""
    declarations = load_declarations()
    jobs = (
        Job(
            "sweep",
            SWEEP_EVERY_S,
            lambda: sweep_steps(database, app, count_waiting(redis_url), limits),
        ),
        Job("canary", CANARY_EVERY_S, lambda: release_canary(database, app)),
        Job("archives", ARCHIVES_EVERY_S, lambda: end_archives(database)),
        Job("tidy", TIDY_EVERY_S, lambda: tidy(database, blobs, owner)),
        Job("training", TRAINING_EVERY_S, lambda: queue_due_training(database)),
        Job("promise", PROMISE_EVERY_S, lambda: judge_promise_anew(database, settings.data)),
    )
    calls = (Job("callbacks", CALLBACKS_EVERY_S, lambda: send_due_callbacks(database)),)
    learning = (
        Job("lexicon", LEXICON_EVERY_S, lambda: learn_due(database, declarations)),
        Job("keys", KEYS_EVERY_S, lambda: learn_keys_due(database, blobs, declarations)),
    )
    counting = (Job("statistics", STATISTICS_EVERY_S, lambda: keep_statistics(database)),)
    # A large storage takes long to look through.
    cleaning = (Job("blobs", BLOBS_EVERY_S, lambda: sweep_blobs(database, blobs)),)
    return jobs, calls, learning, counting, cleaning


def run_jobs(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Do each when its time has come, until ``stop``. A job that fails is tried again later."""
    due = {job.name: 0.0 for job in jobs}
    while not stop.is_set():
        for job in jobs:
            if time.monotonic() >= due[job.name] and not stop.is_set():
                _do(job)
                due[job.name] = time.monotonic() + job.every_s
        next_due = min(due.values())
        stop.wait(max(0.0, next_due - time.monotonic()))


def _do(job: Job) -> None:
    try:
        job.action()
    except FormloopError as error:
        _log.warning("%s failed: %s", job.name, error)
    except Exception:  # noqa: BLE001
        # The edge of a job: the others go on, and so does the clock.
        _log.exception("%s failed unexpectedly", job.name)


if __name__ == "__main__":
    raise SystemExit(main())
