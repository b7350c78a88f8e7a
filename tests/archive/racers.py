"""Workers that race for the same steps, as threads of processes of their own."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable

from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone, LeaseLost
from archive.steps import (
    Lease,
    find_lost_steps,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
)
from archive.tables import StepKind
from tests.archive.rows import record_json


def race(url: str, *, processes: int, threads: int, seconds: float, pages: int) -> None:
    """Returns when nothing is left to do; AssertionError if a racer stumbled."""
    context = multiprocessing.get_context("spawn")
    arguments = (url, threads, seconds, pages)
    crews = [context.Process(target=run_crew, args=arguments) for _ in range(processes)]
    for crew in crews:
        crew.start()
    for crew in crews:
        crew.join(seconds + 60)
    assert [crew.exitcode for crew in crews] == [0] * processes


def run_crew(url: str, threads: int, seconds: float, pages: int) -> None:
    database = Database(url)
    stumbled: list[BaseException] = []

    def guarded() -> None:
        try:
            work(database, time.monotonic() + seconds, pages)
        except BaseException as error:
            stumbled.append(error)
            raise

    crew = [threading.Thread(target=guarded) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    database.close()
    sys.exit(1 if stumbled else 0)


def work(database: Database, until: float, pages: int) -> None:
    """Everyone goes for the same step, the first one, so that they collide."""
    idle = 0
    while idle < 5 and time.monotonic() < until:
        with database.read() as session:
            found = find_lost_steps(session, utc_now(), 3)
        if not found:
            idle += 1
            time.sleep(0.05)
            continue
        idle = 0
        for lost in found:
            lease = again(
                lambda session, key=lost.key: lease_step(session, key, "r", utc_now()), database
            )
            if isinstance(lease, Lease):
                finish(database, lease, pages)


def finish(database: Database, lease: Lease, pages: int) -> None:
    def once(session: object) -> object:
        if lease.key.step == StepKind.SPLIT:
            return finish_split(session, lease, pages)  # type: ignore[arg-type]
        if lease.key.step == StepKind.PAGE:
            return finish_page(session, lease, f"r/{lease.token}", "v1")  # type: ignore[arg-type]
        return finish_assemble(session, lease, record_json(), "v1", False)  # type: ignore[arg-type]

    try:
        again(once, database)
    except LeaseLost:
        # A commit whose answer was lost: the step is done, by us.
        return


def again(does: Callable[..., object], database: Database) -> object:
    """As a worker does: once more when the database was away."""
    for _ in range(20):
        try:
            with database.write() as session:
                return does(session)
        except DatabaseGone:
            time.sleep(0.1)
    raise AssertionError("the database never answered")
