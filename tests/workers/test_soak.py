"""A bad day, at length: workers killed at random, Redis emptied, the database away, no disk.

At its end every page is done once, or set aside with a reason, and the totals agree.
"""

from __future__ import annotations

import random
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from archive.errors import DatabaseGone
from archive.states import StepState
from archive.tables import Document, Step, StepKind
from tests.archive.postgres import Postgres, running_postgres
from tests.workers.accounts import check_account
from tests.workers.disturbances import lock_sqlite
from tests.workers.fake_road import fake_file
from tests.workers.rig import Rig, running_rig

pytestmark = pytest.mark.soak

DOCUMENTS = 110
PAGES_EACH = 3
PAGE_MS = 120
AWAY_S = 12.0
KILLED = "ended without a word"
FLAKY = "nobody thought of"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_bad_day_on_sqlite() -> None:
    with running_rig(workers=2, page_s=6.0) as rig:
        bad_day(rig, lambda: lock_sqlite(rig, AWAY_S))


def test_bad_day_on_postgresql(postgres: Postgres) -> None:
    def database_away() -> None:
        postgres.stop()
        time.sleep(AWAY_S)
        postgres.start()

    with running_rig(workers=2, page_s=6.0, database_url=postgres.url) as rig:
        bad_day(rig, database_away)


def bad_day(rig: Rig, database_away: Callable[[], None]) -> None:
    rig.wait_for_workers()
    names = upload_all(rig)
    with killing(rig, random.Random(11)) as kills:
        time.sleep(4)
        rig.kill(rig.redis)
        time.sleep(5)
        database_away()
        time.sleep(3)
        fill_disk(rig, 8.0)
        rig.kill(rig.redis)
        time.sleep(12)
    rig.wait_until_done(400)
    pages = check_account(rig)
    print(f"\n{pages.total()} pages: {dict(pages)}, {kills[0]} kills, {attempts(rig, '')}")  # noqa: T201
    assert pages.total() == sum(names.values())
    assert pages.total() >= 200
    assert kills[0] >= 5
    assert attempts(rig, "plain-")[2] >= 1, "no kill hit a page"
    check_reasons(rig)


def upload_all(rig: Rig) -> dict[str, int]:
    """Pages by name of document."""
    names: dict[str, int] = {}
    wrong: dict[str, dict[str, list[int]]] = {
        "killer": {"kill": [2]},
        "hanging": {"hang": [1]},
        "blank": {"bad": [1, 3]},
        "faulty": {"fault": [3]},
        "flaky": {"flaky": [1, 2, 3]},
        "all-bad": {"bad": [1, 2, 3]},
    }
    for name, pages in wrong.items():
        rig.upload(fake_file(PAGES_EACH, name, PAGE_MS, **pages), name)
        names[name] = PAGES_EACH
    for number in range(DOCUMENTS):
        rig.upload(fake_file(PAGES_EACH, number, PAGE_MS), f"plain-{number}")
        names[f"plain-{number}"] = PAGES_EACH
    return names


@contextmanager
def killing(rig: Rig, choice: random.Random) -> Iterator[list[int]]:
    """Workers die at random moments: one of any, or one that holds a page."""
    over, kills = threading.Event(), [0]

    def kill() -> None:
        while not over.wait(choice.uniform(1.0, 4.0)):
            if choice.random() < 0.3 or not kill_busy():
                rig.kill_some_worker(choice)
            kills[0] += 1

    def kill_busy() -> bool:
        try:
            return rig.kill_busy_worker("plain-")
        except DatabaseGone:
            return False

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield kills
    finally:
        over.set()
        killer.join()


def fill_disk(rig: Rig, seconds: float) -> None:
    """No file of a worker may grow for a while, which is what a full disk is to it."""
    pids = [child.process.pid for child in rig.workers if child.process is not None]
    for pid in pids:
        limit_files(pid, 0)
    time.sleep(seconds)
    for pid in pids:
        limit_files(pid, resource.RLIM_INFINITY)


def limit_files(pid: int, most_bytes: int) -> None:
    if Path(f"/proc/{pid}").exists():
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
        except ProcessLookupError:
            return


def attempts(rig: Rig, named: str) -> Counter[int]:
    """How many pages took how many attempts, of the documents whose names begin so."""
    pages = (
        select(Step.attempts)
        .join(Document, Document.id == Step.document_id)
        .where(Step.step == StepKind.PAGE, Document.name.startswith(named))
    )
    with rig.database.read() as session:
        return Counter(session.scalars(pages))


def check_reasons(rig: Rig) -> None:
    """Each page set aside was to be: by its own fault, or because it was killed thrice."""
    own = {
        ("killer", 2): KILLED,
        ("hanging", 1): KILLED,
        ("blank", 1): "blank",
        ("blank", 3): "blank",
        ("faulty", 3): "engine failed",
        **{("all-bad", page): "blank" for page in (1, 2, 3)},
    }
    with rig.database.read() as session:
        query = (
            select(Document.name, Step.page, Step.reason)
            .join(Document, Document.id == Step.document_id)
            .where(Step.state == StepState.QUARANTINED, Step.step == StepKind.PAGE)
        )
        aside = {(name, page): reason or "" for name, page, reason in session.execute(query)}
    assert set(own) <= set(aside)
    # Which page is being read at each kill is chance, and so is which process sees a flaky one.
    others = {place: reason for place, reason in aside.items() if place not in own}
    for place, reason in aside.items():
        expected = own.get(place, FLAKY if place[0] == "flaky" else KILLED)
        assert expected in reason or KILLED in reason, f"{place}: {reason}"
    assert len(others) <= 6


def test_bad_day_of_real_pages(samples: Path) -> None:
    files = [
        *sorted((samples / "pdf").glob("*.pdf"))[:2],
        *sorted((samples / "scans").glob("*office200.pdf"))[:3],
    ]
    with running_rig(workers=2, road=None, lease_s=10.0) as rig:
        rig.wait_for_workers(180)
        for file in files:
            rig.upload(file.read_bytes(), file.name)
        time.sleep(6)
        rig.kill_some_worker(random.Random(5))
        time.sleep(4)
        rig.kill(rig.redis)
        rig.wait_until_done(600)
        pages = check_account(rig)
        assert pages["quarantined"] == 0
        assert pages["done"] >= len(files)
