"""The review process: ``python -m workers.review_process``.

It keeps the projects in Label Studio, puts review tasks there, fetches what people answered
and applies it. All that it knows is in the database, so it may be killed at any moment; of
several only one works at a time.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from annotation.client import LabelStudioClient
from archive.clock import utc_now
from archive.database import Database
from archive.health import write_heartbeat
from archive.process_leases import drop_lease, hold_lease
from archive.settings import Settings
from extraction.declarations import load_declarations
from extraction.errors import FormloopError, InputError
from workers.logs import write_json_logs
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace, told
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks
from workers.review_sweep import (
    Rounds,
    check_tasks,
    clear_abandoned,
    look_at_tasks,
    sweep,
)
from workers.schedule_process import Job, run_jobs

LEASE = "review"
LEASE_S = 60.0
HEARTBEAT_EVERY_S = 15.0
APPLY_EVERY_S = 0.5
LOOK_EVERY_S = 1.0
PUSH_EVERY_S = 2.0
SWEEP_EVERY_S = 30.0
PROJECTS_EVERY_S = 60.0
CHECK_EVERY_S = 60.0
CLEAR_EVERY_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Turn:
    """Whether it is this process that works."""

    mine: bool = False


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("workers.review_process", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument(
        "--sweep-seconds", type=float, default=SWEEP_EVERY_S, help="how often all is looked at"
    )
    given = parser.parse_args(arguments)
    write_json_logs("review")
    try:
        place = make_place(Settings.from_environment(given.data))
    except FormloopError as error:
        _log.critical("cannot start: %s", error)
        return 1
    owner, turn = f"review-{platform.node()}-{os.getpid()}", Turn()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    own, calls = plan(place, owner, turn, given.sweep_seconds)
    # What was received is applied also while Label Studio is slow.
    caller = threading.Thread(target=run_jobs, args=(calls, stop), daemon=True)
    caller.start()
    run_jobs(own, stop)
    caller.join(timeout=15)
    with place.database.write() as session:
        drop_lease(session, LEASE, owner)
    return 0


def make_place(settings: Settings) -> ReviewPlace:
    """InputError where no Label Studio is named."""
    url, token = settings.label_studio_url, settings.label_studio_token
    if not url or not token:
        raise InputError(
            "no Label Studio is named: set FORMLOOP_LABEL_STUDIO_URL and, from its page"
            " Account & Settings, FORMLOOP_LABEL_STUDIO_TOKEN"
        )
    return ReviewPlace(
        database=Database(settings.database_url),
        studio=LabelStudioClient(url, token),
        declarations={one.name: one for one in load_declarations()},
        public_url=settings.public_url,
        secret_key=settings.secret_key,
        hook_url=settings.hook_url,
    )


def plan(
    place: ReviewPlace, owner: str, turn: Turn, sweep_every_s: float = SWEEP_EVERY_S
) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
    """What is done with the database alone, and what needs Label Studio."""
    rounds = Rounds({})

    def ours(action: Callable[[], object]) -> Callable[[], object]:
        return lambda: action() if turn.mine else None

    def asking(action: Callable[[ReviewPlace], object]) -> Callable[[], object]:
        return ours(lambda: told(place, action))

    own = (
        Job("turn", HEARTBEAT_EVERY_S, lambda: take_turn(place.database, owner, turn)),
        Job(
            "apply",
            APPLY_EVERY_S,
            ours(lambda: apply_received(place.database, place.declarations)),
        ),
    )
    calls = (
        Job("projects", PROJECTS_EVERY_S, asking(keep_projects)),
        Job("push", PUSH_EVERY_S, asking(push_due_tasks)),
        Job("look", LOOK_EVERY_S, asking(look_at_tasks)),
        Job("sweep", sweep_every_s, asking(sweep)),
        Job("check", CHECK_EVERY_S, asking(lambda place: check_tasks(place, rounds))),
        Job("clear", CLEAR_EVERY_S, asking(clear_abandoned)),
    )
    return own, calls


def take_turn(database: Database, owner: str, turn: Turn) -> None:
    """Says that this lives, and works if no other does. Where the database cannot be asked,
    it stops to work before another may begin."""
    mine, turn.mine = turn.mine, False
    now = utc_now()
    with database.write() as session:
        write_heartbeat(session, owner, "review", now)
        turn.mine = hold_lease(session, LEASE, owner, now, timedelta(seconds=LEASE_S))
    if turn.mine and not mine:
        _log.info("works on the review")


if __name__ == "__main__":
    raise SystemExit(main())
