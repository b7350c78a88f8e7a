"""A process that trains: ``python -m workers.train_process``.

It takes training runs from the database, one at a time. Killed at any moment, whoever takes
the run next goes on from its last checkpoint. Torch is only in the process that it starts.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import threading
from importlib.util import find_spec
from pathlib import Path

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone, LeaseLost, StorageFull
from archive.health import write_heartbeat
from archive.reasons import error_to_reason
from archive.settings import Settings
from archive.tables import TrainingKind, TrainingRun
from archive.training_runs import fail_run, lease_run, release_run
from extraction.declarations import load_declarations
from extraction.engines import available_threads
from extraction.errors import FormloopError
from workers.logs import log_place, write_json_logs
from workers.schedule_process import Job, run_jobs
from workers.shadow import shadow
from workers.training import Interrupted, TrainingPlace, train

LOOK_EVERY_S = 2.0
HEARTBEAT_EVERY_S = 15.0
TORCH = "torch"

_log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("workers.train_process", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--threads", type=int, default=available_threads(), help="of a training")
    given = parser.parse_args(arguments)
    write_json_logs("train")
    if not can_train():
        _log.critical("torch is not installed here: pip install 'formloop[train]'")
        return 1
    try:
        place = open_place(Settings.from_environment(given.data), given.threads)
    except FormloopError as error:
        _log.critical("cannot start: %s", error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: place.stop.set())
    alive = Job("alive", HEARTBEAT_EVERY_S, lambda: _say_alive(place))
    teller = threading.Thread(target=run_jobs, args=((alive,), place.stop), daemon=True)
    teller.start()
    run_jobs((Job("runs", LOOK_EVERY_S, lambda: take_run(place)),), place.stop)
    return 0


def can_train() -> bool:
    """Whether what a training needs is installed."""
    return find_spec(TORCH) is not None


def open_place(settings: Settings, threads: int) -> TrainingPlace:
    return TrainingPlace(
        database=Database(settings.database_url),
        blobs=Blobs(settings.storage_url),
        data=settings.data,
        declarations=load_declarations(),
        owner=f"train-{platform.node()}-{os.getpid()}",
        threads=threads,
    )


def take_run(place: TrainingPlace) -> str | None:
    """Do the run that is next to its end; its id, or None where there is none."""
    with place.database.write() as session:
        run = lease_run(session, place.owner, utc_now())
    if run is None:
        return None
    with log_place(run=run.id, attempt=run.attempts):
        _log.info("begins", extra={"more": {"kind": str(run.kind)}})
        _try_run(place, run)
    return run.id


def _try_run(place: TrainingPlace, run: TrainingRun) -> None:
    try:
        (train if run.kind == TrainingKind.TRAIN else shadow)(place, run)
    except LeaseLost as error:
        _log.info("dropped: %s", error.reason)
    except Interrupted as error:
        _log.warning("to be gone on with: %s", error.reason)
        _give_back(place, run)
    except (DatabaseGone, StorageFull) as error:
        # Its lease runs out, and it is taken up again.
        _log.warning("waits: %s", error)
    except FormloopError as error:
        _log.warning("failed: %s", error)
        _fail(place, run, error)
    except Exception as error:  # noqa: BLE001
        # The edge of a run: whatever it was, the next one is done.
        _log.exception("failed unexpectedly")
        _fail(place, run, error)
    else:
        _log.info("done")


def _give_back(place: TrainingPlace, run: TrainingRun) -> None:
    """A training that was killed counts as an attempt, one that was told to stop does not."""
    if place.stop.is_set():
        with place.database.write() as session:
            release_run(session, run.id, place.owner)


def _fail(place: TrainingPlace, run: TrainingRun, why: Exception) -> None:
    try:
        with place.database.write() as session:
            fail_run(session, run.id, place.owner, utc_now(), error_to_reason(why))
    except LeaseLost as error:
        _log.info("dropped: %s", error.reason)


def _say_alive(place: TrainingPlace) -> None:
    with place.database.write() as session:
        write_heartbeat(session, place.owner, "train", utc_now())


if __name__ == "__main__":
    raise SystemExit(main())
