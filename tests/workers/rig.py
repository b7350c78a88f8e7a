"""A whole queue for tests: a real Redis, real worker and scheduler processes, one database.

The processes are kept running by the supervisor of ``formloop up``, as in earnest.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive
from archive.intake import Incoming, store_file
from archive.states import ACTIVE, StepState
from archive.tables import Document, Step, StepKind
from service.up import Child, ChildSpec, Crew
from workers.redis_server import redis_command, socket_to_url, wait_for_redis
from workers.road import ROAD_VARIABLE

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_BYTES = 10**9
FOLDER_VARIABLE = "FORMLOOP_RIG"


@dataclass(eq=False)
class Rig:
    """``folder`` is the data folder; its path is short because of the socket in it."""

    folder: Path
    database: Database
    blobs: Blobs
    crew: Crew
    redis: Child
    workers: list[Child]
    archive_id: str

    def upload(self, data: bytes, name: str = "a.pdf") -> str:
        """The id of the new document."""
        incoming = Incoming(name, io.BytesIO(data))
        return store_file(self.database, self.blobs, self.archive_id, incoming, MOST_BYTES).id

    def active(self) -> int:
        with self.database.read() as session:
            query = select(Document.id).where(Document.state.in_(ACTIVE))
            return len(session.scalars(query).all())

    def wait_until_done(self, seconds: float) -> float:
        """Seconds it took; AssertionError, with what is left, when it takes longer."""
        started = time.monotonic()
        while left := self.active():
            assert time.monotonic() - started < seconds, f"{left} documents are not done"
            time.sleep(0.2)
        return time.monotonic() - started

    def kill(self, child: Child) -> None:
        if child.process is not None:
            child.process.send_signal(signal.SIGKILL)

    def kill_some_worker(self, choice: random.Random) -> None:
        self.kill(choice.choice(self.workers))

    def kill_busy_worker(self, named: str = "", seconds: float = 5.0) -> bool:
        """Kill one that holds a page at this moment, of a document whose name begins so; False
        when none does for ``seconds``."""
        until = time.monotonic() + seconds
        query = (
            select(Step.owner)
            .join(Document, Document.id == Step.document_id)
            .where(Document.name.startswith(named), Step.step == StepKind.PAGE)
            .where(Step.state == StepState.LEASED, Step.leased_until > utc_now())
        )
        while time.monotonic() < until:
            with self.database.read() as session:
                owners = set(session.scalars(query))
            for child in self.workers:
                if child.spec.name in owners and child.process and child.process.poll() is None:
                    self.kill(child)
                    return True
            time.sleep(0.02)
        return False

    def wait_for_workers(self, seconds: float = 60.0) -> None:
        """Until each has said that it is ready."""
        until = time.monotonic() + seconds
        log = self.folder / "log"
        while log.read_text(encoding="utf-8").count('"message": "ready"') < len(self.workers):
            assert time.monotonic() < until, log.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.1)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@contextmanager
def running_rig(
    workers: int = 2,
    *,
    database_url: str | None = None,
    road: str | None = "tests.workers.fake_road:build",
    lease_s: float = 3.0,
    requeue_s: float = 2.0,
    page_s: float = 60.0,
) -> Iterator[Rig]:
    """``database_url`` has the newest schema already, or is None for SQLite in the folder."""
    folder = Path(tempfile.mkdtemp(prefix="fl-rig-"))
    url = database_url or f"sqlite:///{folder / 'formloop.db'}"
    database, blobs = Database(url), Blobs(str(folder / "blobs"))
    database.migrate()
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    crew = Crew()
    socket = folder / "redis.sock"
    environment = _environment(socket, url, road, folder / "log")
    timing = {"lease": str(lease_s), "requeue": str(requeue_s), "page": str(page_s)}
    keeper = threading.Thread(target=crew.watch, daemon=True)
    try:
        redis = crew.add(ChildSpec("redis", redis_command(socket), {}, 5.0))
        wait_for_redis(socket_to_url(socket), 20.0)
        specs = [_worker(folder, environment, number, timing) for number in range(workers)]
        children = [crew.add(spec) for spec in specs]
        crew.add(_schedule(folder, environment, timing))
        keeper.start()
        yield Rig(folder, database, blobs, crew, redis, children, archive_id)
    finally:
        crew.please_stop()
        if keeper.ident is not None:
            keeper.join()
        crew.stop(lambda spec: spec.name == "redis", lambda: False)
        database.close()
        shutil.rmtree(folder, ignore_errors=True)


def _environment(socket: Path, url: str, road: str | None, log: Path) -> dict[str, str]:
    return {
        "FORMLOOP_REDIS_URL": socket_to_url(socket),
        "FORMLOOP_DATABASE_URL": url,
        "FORMLOOP_LOG": str(log),
        FOLDER_VARIABLE: str(log.parent),
        "FORMLOOP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        **({ROAD_VARIABLE: road} if road else {}),
    }


def _logged(module: str, *arguments: str) -> tuple[str, ...]:
    """The process with its standard error at the end of the rig's log."""
    script = 'exec "$@" >> "$FORMLOOP_LOG" 2>&1'
    return ("/bin/sh", "-c", script, "sh", sys.executable, "-m", module, *arguments)


def _worker(
    folder: Path, environment: dict[str, str], number: int, timing: dict[str, str]
) -> ChildSpec:
    command = _logged(
        "workers.extract_process",
        *("--data", str(folder), "--name", f"extract-{number}"),
        *("--lease-seconds", timing["lease"], "--page-seconds", timing["page"]),
    )
    return ChildSpec(f"extract-{number}", command, environment, 20.0)


def _schedule(folder: Path, environment: dict[str, str], timing: dict[str, str]) -> ChildSpec:
    command = _logged(
        "workers.schedule_process",
        *("--data", str(folder), "--requeue-seconds", timing["requeue"]),
    )
    return ChildSpec("schedule", command, environment, 20.0)
