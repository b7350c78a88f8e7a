"""Whatever gives other confidences makes the promise begin anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archive.clock import utc_now
from archive.database import Database
from archive.promise import begin_anew, find_standing, refresh_promise
from extraction.confidence import load_calibrator
from models.recalibrate import Refit, RefitOutcome, write_refit
from models.registry import CALIBRATION_FILE, Registry
from tests.models.examples import write_tiny_version
from tests.workers.judged_rows import add_answer, add_read
from workers.promise import find_confidence_source, judge_promise_anew

BASE = load_calibrator()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'test.db'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry.of_data(tmp_path)
    for name in ("one", "two"):
        write_tiny_version(made.own, name)
    stretched = BASE.stretched(0.8, -0.1, "told")
    found = Refit(stretched, RefitOutcome.TAKEN, 500, 50, 0, 0.8, -0.1)
    write_refit(found, made.own / "two" / CALIBRATION_FILE)
    return made


def audited(database: Database) -> int:
    with database.read() as session:
        return find_standing(session).documents


def add_audited(database: Database, name: str) -> str:
    with database.write() as session:
        task = add_read(session, name, BASE.name)
        add_answer(session, task, 0.99, audit=True)
    return task


def test_a_version_with_other_confidences_and_the_way_back_begin_anew(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    add_audited(database, "a.pdf")
    judge_promise_anew(database, tmp_path)
    judge_promise_anew(database, tmp_path)
    assert audited(database) == 1
    for change in (lambda: registry.promote("two"), registry.roll_back):
        before = find_confidence_source(tmp_path)
        change()
        assert find_confidence_source(tmp_path) != before
        judge_promise_anew(database, tmp_path)
        assert audited(database) == 0
        add_audited(database, f"{before}.pdf")
        judge_promise_anew(database, tmp_path)
        assert audited(database) == 1


def test_a_change_that_was_told_of_at_once_begins_anew_only_once(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    judge_promise_anew(database, tmp_path)
    registry.promote("two")
    with database.write() as session:
        since = begin_anew(session, utc_now()).since
    add_audited(database, "a.pdf")
    judge_promise_anew(database, tmp_path)
    with database.read() as session:
        standing = find_standing(session)
    assert standing.since == since and standing.documents == 1


def test_other_shipped_confidences_begin_anew(
    database: Database, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_audited(database, "a.pdf")
    judge_promise_anew(database, tmp_path)
    monkeypatch.setattr(
        "workers.promise.find_confidence_source", lambda _: "of the next release of the program"
    )
    judge_promise_anew(database, tmp_path)
    assert audited(database) == 0


def test_what_was_read_before_does_not_count_when_it_is_answered_after(
    database: Database,
) -> None:
    with database.write() as session:
        old = add_read(session, "a.pdf", BASE.name)
        begin_anew(session, utc_now())
        new = add_read(session, "b.pdf", BASE.name)
        for task in (old, new):
            add_answer(session, task, 0.99, audit=True, at=utc_now() + timedelta(hours=1))
        standing = refresh_promise(session, utc_now())
    assert standing.documents == 1
