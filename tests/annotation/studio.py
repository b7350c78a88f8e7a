"""A real Label Studio. Without one the tests that need it are skipped, but in CI they fail."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from service.studio import (
    PROGRAM_VARIABLE,
    STUDIO_VERSION,
    USER,
    StudioAccount,
    studio_environment,
    studio_spec,
)
from tests.archive.postgres import Postgres
from tests.service.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".label-studio" / "bin" / "label-studio"
START_S = 600.0
"""The first start makes a database of many tables, on a machine that others share."""


@dataclass(slots=True)
class RunningStudio:
    """A Label Studio that can be killed and started again on the same data and port.

    ``settings`` are variables of its environment beside those that our own one has.
    """

    program: Path
    folder: Path
    port: int
    account: StudioAccount = field(
        default_factory=lambda: StudioAccount(USER, "a-password-for-tests", "0f" * 20)
    )
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = studio_spec(self.program, self.folder, self.account, self.port)
        own = studio_environment(self.folder, self.account)
        environment = {**os.environ, **own, **self.settings}
        with (self.folder / "out.log").open("ab") as log:
            self.process = subprocess.Popen(
                spec.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, seconds: float = START_S) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=5.0).status_code == httpx.codes.OK:
                    return
            time.sleep(0.3)
        log = (self.folder / "out.log").read_text("utf-8", errors="replace")
        raise AssertionError(f"Label Studio does not start: {log[-2000:]}")

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None


def find_studio_program() -> Path:
    """The named one, else the one that ``make label-studio`` installs."""
    program = Path(os.environ.get(PROGRAM_VARIABLE) or PROGRAM)
    if program.exists():
        return program
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is needed in CI: make label-studio")
    pytest.skip(f"{program} is not here: make label-studio")


@contextmanager
def running_studio(folder: Path) -> Iterator[RunningStudio]:
    """A Label Studio with one user and no project. Its database is made once and copied from
    then on: to make it takes a minute or two."""
    studio = RunningStudio(find_studio_program(), folder, free_port())
    database = folder / "data" / "label_studio.sqlite3"
    kept = studio.program.parent.parent / f"empty-{STUDIO_VERSION}.sqlite3"
    database.parent.mkdir(parents=True)
    if kept.exists():
        shutil.copyfile(kept, database)
    studio.start()
    try:
        studio.wait()
        if not kept.exists():
            keep_database(database, kept)
        yield studio
    finally:
        studio.kill()


@contextmanager
def running_studio_on_postgres(
    folder: Path, postgres: Postgres, port: int, address: str
) -> Iterator[RunningStudio]:
    """One that keeps all in ``postgres``, as in compose.yaml, and is found by browsers at
    ``address``."""
    settings = {
        "DJANGO_DB": "default",
        "POSTGRE_HOST": str(postgres.folder),
        "POSTGRE_NAME": "postgres",
        "POSTGRE_USER": "postgres",
        "POSTGRE_PASSWORD": "not asked for",
        "LABEL_STUDIO_HOST": address,
    }
    studio = RunningStudio(find_studio_program(), folder, port, settings=settings)
    studio.start()
    try:
        studio.wait()
        yield studio
    finally:
        studio.kill()


def keep_database(database: Path, kept: Path) -> None:
    """A copy of a database in use, there as a whole or not at all."""
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(part)) as target,
    ):
        source.backup(target)
    part.replace(kept)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    with running_studio(tmp_path_factory.mktemp("studio")) as running:
        yield running
