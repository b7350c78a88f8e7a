"""A queue to measure: Redis, scheduler and workers as processes, on a folder of its own."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from sqlalchemy import func, select

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive
from archive.health import find_heartbeats
from archive.intake import Incoming, store_file
from archive.states import ACTIVE, DocumentState, StepState
from archive.tables import Document, Step, StepKind
from service.up import Child, ChildSpec, Crew
from workers.redis_server import find_socket, redis_command, socket_to_url, wait_for_redis

ROOT = Path(__file__).parents[1]
MOST_BYTES = 10**9
START_S = 180.0
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Span:
    """When a worker had a page."""

    owner: str
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, eq=False, slots=True)
class Queue:
    database: Database
    blobs: Blobs
    archive_id: str
    workers: tuple[Child, ...]
    begin: Callable[[], object]
    """Start the scheduler, which sends all that was put in."""

    def put(self, name: str, data: bytes) -> None:
        incoming = Incoming(name, io.BytesIO(data))
        store_file(self.database, self.blobs, self.archive_id, incoming, MOST_BYTES)

    def active(self) -> int:
        query = select(func.count()).where(Document.state.in_(ACTIVE))
        with self.database.read() as session:
            return session.scalar(query) or 0

    def failed(self) -> int:
        query = select(func.count()).where(Document.state == DocumentState.FAILED)
        with self.database.read() as session:
            return session.scalar(query) or 0

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(w.process.pid) for w in self.workers if w.process is not None]

    def cpu_seconds(self) -> float:
        """Of all workers since they began."""
        times = [process.cpu_times() for process in self.processes()]
        return float(sum(time.user + time.system for time in times))

    def resident_mb(self) -> float:
        """Of the largest worker."""
        return max(float(process.memory_info().rss) for process in self.processes()) / 2**20

    def peak_mb(self) -> float:
        """The most that any worker ever held."""
        return max(read_peak_mb(process.pid) for process in self.processes())

    def busy_seconds(self) -> float:
        """From the first step that was taken to the last that ended."""
        with self.database.read() as session:
            first = session.scalar(select(func.min(Step.started_at)))
            last = session.scalar(select(func.max(Step.finished_at)))
        return (last - first).total_seconds() if first and last else 0.0

    def spans(self) -> list[Span]:
        """Of the pages that were read."""
        columns = (Step.owner, Step.started_at, Step.finished_at)
        with self.database.read() as session:
            rows = session.execute(select(*columns).where(Step.step == StepKind.PAGE)).all()
        return [Span(owner, start, end) for owner, start, end in rows if owner and start and end]

    def pages(self) -> int:
        with self.database.read() as session:
            query = select(func.count()).where(Step.step == StepKind.PAGE)
            return session.scalar(query) or 0

    def pages_done(self) -> int:
        query = select(func.count()).where(Step.step == StepKind.PAGE, Step.state == StepState.DONE)
        with self.database.read() as session:
            return session.scalar(query) or 0


def read_peak_mb(pid: int) -> float:
    """The most that a process ever held; Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (peak_kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak_kib) / 1024


@contextmanager
def running_queue(folder: Path, workers: int, environment: dict[str, str]) -> Iterator[Queue]:
    """``workers`` processes of one engine thread each, ready when the block begins."""
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'formloop.db'}"
    database, blobs = Database(url), Blobs(str(folder / "blobs"))
    database.migrate()
    with database.write() as session:
        archive_id = add_archive(session, "bench", None).id
    socket = find_socket(folder)
    crew = Crew([ChildSpec("redis", redis_command(socket))])
    keeper = threading.Thread(target=crew.watch, daemon=True)
    given = {
        "FORMLOOP_REDIS_URL": socket_to_url(socket),
        "FORMLOOP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    try:
        wait_for_redis(socket_to_url(socket), 20.0)
        schedule = _child("schedule", "workers.schedule_process", folder, given)
        children = tuple(
            crew.add(_child(f"extract-{n}", "workers.extract_process", folder, given, f"w{n}"))
            for n in range(workers)
        )
        keeper.start()
        _wait_for_workers(database, workers)
        yield Queue(database, blobs, archive_id, children, lambda: crew.add(schedule))
    finally:
        crew.please_stop()
        if keeper.ident is not None:
            keeper.join()
        crew.stop(lambda spec: spec.name == "redis", lambda: False)
        database.close()


def _child(
    name: str, module: str, folder: Path, environment: dict[str, str], worker: str | None = None
) -> ChildSpec:
    # Their log would drown the figures.
    script = 'exec "$@" >>"$0" 2>&1'
    named = ("--name", worker) if worker else ()
    command = (sys.executable, "-m", module, "--data", str(folder), *named)
    return ChildSpec(name, ("/bin/sh", "-c", script, str(folder / "log"), *command), environment)


def _wait_for_workers(database: Database, workers: int) -> None:
    started, until = utc_now(), time.monotonic() + START_S
    while time.monotonic() < until:
        with database.read() as session:
            signs = find_heartbeats(session, started)
        if sum(sign.kind == "extract" for sign in signs) >= workers:
            return
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError("the workers did not begin")
