"""Many at the same rows at the same moment, on both databases, with real processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive, add_document
from archive.states import DocumentState
from archive.steps import Lease, StepKey, finish_page, lease_step
from archive.tables import Document, Result, Step, StepKind
from tests.archive.racers import race
from tests.archive.rows import new_document, split, take

PAGES = 6
DOCUMENTS = 4


def test_racing_processes_do_every_step_once(database: Database, url: str) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
        for number in range(DOCUMENTS):
            new_document(session, f"{number}.pdf", archive_id)
    race(url, processes=2, threads=3, seconds=40, pages=PAGES)
    with database.read() as session:
        states = session.execute(select(Document.state, func.count()).group_by(Document.state))
        assert [tuple(row) for row in states] == [(DocumentState.DONE, DOCUMENTS)]
        kinds = session.execute(select(Result.step, func.count()).group_by(Result.step))
        assert {row[0]: row[1] for row in kinds} == {
            StepKind.PAGE: DOCUMENTS * PAGES,
            StepKind.ASSEMBLE: DOCUMENTS,
        }
        assert session.scalar(select(func.max(Step.attempts))) == 1
        assert set(session.scalars(select(Document.revision))) == {1}


def test_one_of_many_gets_the_lease(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
    key = StepKey(document.id, 1, StepKind.SPLIT, 0)
    start = threading.Barrier(8)

    def attempt(_: int) -> bool:
        start.wait()
        with database.write() as session:
            return lease_step(session, key, "w", utc_now()) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_the_last_two_pages_ending_together_make_one_assemble_step(database: Database) -> None:
    for number in range(5):
        with database.write() as session:
            document = new_document(session, f"{number}")
            leases = [take(session, key) for key in split(session, document, 2)]
        start = threading.Barrier(2)

        def end(index: int, leases: list[Lease] = leases, start: threading.Barrier = start) -> bool:
            start.wait()
            with database.write() as session:
                return finish_page(session, leases[index], "r", "v1") is not None

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(end, range(2))) == [False, True]


def test_two_uploads_of_the_same_bytes_are_read_once(database: Database) -> None:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    start = threading.Barrier(4)

    def upload(number: int) -> str | None:
        start.wait()
        with database.write() as session:
            row = add_document(session, archive_id, f"{number}", "a" * 64, 1, f"sources/{number}")
            return row.duplicate_of

    with ThreadPoolExecutor(4) as pool:
        originals = list(pool.map(upload, range(4)))
    assert originals.count(None) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Step)) == 1
        assert len(set(session.scalars(select(Document.blob_key)))) == 1
