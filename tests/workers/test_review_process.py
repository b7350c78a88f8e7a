"""The review process itself: what it needs to start, and that only one works at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from archive.clock import utc_now
from archive.database import Database
from archive.health import find_heartbeats
from archive.settings import Settings
from archive.states import DocumentState
from archive.tables import ProcessLease
from extraction.errors import InputError
from tests.annotation.fake_studio import retype
from tests.workers.review_rig import ReviewRig
from workers.review_process import LEASE, Turn, main, make_place, plan, take_turn
from workers.schedule_process import Job, run_jobs


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ReviewRig]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    yield ReviewRig(database)
    database.close()


def test_without_a_label_studio_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FORMLOOP_LABEL_STUDIO_URL", "FORMLOOP_LABEL_STUDIO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="FORMLOOP_LABEL_STUDIO_TOKEN"):
        make_place(Settings.from_environment(tmp_path, {"FORMLOOP_LABEL_STUDIO_URL": "http://x"}))
    assert main(["--data", str(tmp_path)]) == 1


def test_one_works_and_another_takes_over_when_it_is_gone(rig: ReviewRig) -> None:
    first, second = Turn(), Turn()
    take_turn(rig.database, "first", first)
    take_turn(rig.database, "second", second)
    assert (first.mine, second.mine) == (True, False)
    with rig.database.write() as session:
        session.get_one(ProcessLease, LEASE).until = utc_now() - timedelta(seconds=1)
    take_turn(rig.database, "second", second)
    take_turn(rig.database, "first", first)
    assert (first.mine, second.mine) == (False, True)
    with rig.database.read() as session:
        signs = find_heartbeats(session, utc_now() - timedelta(minutes=1))
    assert {sign.kind for sign in signs} == {"review"}


def test_whoever_cannot_ask_the_database_does_not_work(rig: ReviewRig) -> None:
    turn = Turn(mine=True)
    gone = Database("sqlite:////no/such/folder/x.db", timeout_s=0.1)
    with pytest.raises(Exception, match="database"):
        take_turn(gone, "first", turn)
    assert not turn.mine


def test_all_its_jobs_together_bring_a_correction_back(rig: ReviewRig) -> None:
    document_id, task_id = rig.add("a.pdf", "buyer", "items[0].amount")
    turn = Turn()
    own, calls = plan(rig.place, "first", turn, sweep_every_s=0.1)
    stop = threading.Event()
    quick = tuple(replace(job, every_s=min(job.every_s, 0.1)) for job in calls)
    threads = [
        threading.Thread(target=run_jobs, args=(jobs, stop))
        for jobs in (own, (*quick, Job("answer", 0.1, lambda: answer_once(rig, task_id))))
    ]
    for thread in threads:
        thread.start()
    try:
        assert wait_until_done(rig, document_id, 20.0)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20.0)


def answer_once(rig: ReviewRig, task_id: str) -> None:
    if rig.studio.tasks and not rig.studio.annotations:
        rig.studio.answer(task_id, retype({"8": "9"}))


def wait_until_done(rig: ReviewRig, document_id: str, seconds: float) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if rig.document(document_id).state == DocumentState.DONE:
            return True
        pause.wait(0.1)
    return False
