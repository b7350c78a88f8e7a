from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotation.examples import TrainingExample
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.reasons import Reason, find_reason
from archive.tables import TrainingKind, TrainingRun, TrainingState
from archive.training_runs import RunSettings, cancel_run, find_run, queue_run
from extraction.declarations import load_declarations
from models.registry import read_version
from models.training_set import MISSING, read_training_set
from tests.models.examples import make_reading
from workers import training
from workers.train_process import take_run
from workers.training import RUNS_FOLDER, SETS_FOLDER, TrainingPlace
from workers.training_data import example_to_form, examples_to_set

DECLARATIONS = load_declarations()
KIND = DECLARATIONS[0].name
KEY_ROW = [["项目名称"], ["甲"]]


def example(number: int) -> TrainingExample:
    reading = make_reading([KEY_ROW, [["年度"], [str(2000 + number)]]])
    labels = {0: "key", 1: "project_name"}
    return TrainingExample(f"doc-{number}", KIND, 2, "a", (reading,), labels, (), False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingPlace]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    monkeypatch.setattr(training, "TELL_EVERY_S", 0.02)
    monkeypatch.setattr(
        training, "read_examples", lambda *_: tuple(example(number) for number in range(12))
    )
    monkeypatch.delenv("FAKE_TRAINER", raising=False)
    yield TrainingPlace(
        database=database,
        blobs=Blobs(str(tmp_path / "blobs")),
        data=tmp_path,
        declarations=DECLARATIONS,
        owner="trainer",
        threads=1,
        command=(sys.executable, "-m", "tests.workers.fake_trainer"),
    )
    database.close()


def queue(place: TrainingPlace, **settings: object) -> str:
    with place.database.write() as session:
        wanted = RunSettings(**settings)  # type: ignore[arg-type]
        return queue_run(session, TrainingKind.TRAIN, wanted).id


def found(place: TrainingPlace, run_id: str) -> TrainingRun:
    with place.database.read() as session:
        return find_run(session, run_id)


def test_words_that_nobody_was_asked_about_are_missing() -> None:
    form = example_to_form(example(1))
    assert form.form.labels == ("key", "project_name", MISSING, MISSING)
    assert form.form.family == f"{KIND}/a"
    assert form.form_type == KIND


def test_documents_of_which_nothing_is_known_are_left_out() -> None:
    unknown = replace(example(3), labels={})
    data, layouts = examples_to_set([example(1), unknown], DECLARATIONS, {"other/b": True})
    assert [form.document_id for form in data.forms] == ["doc-1"]
    assert layouts == {f"{KIND}/a": False, "other/b": True}
    assert {"other", "key", "project_name"} <= set(data.labels)


def test_a_run_makes_a_version_and_promotes_what_passed(place: TrainingPlace) -> None:
    run_id = queue(place)
    assert take_run(place) == run_id
    run = found(place, run_id)
    assert run.state == TrainingState.DONE
    assert run.result["promoted"] is True
    assert place.registry.find_current().name == run.version
    assert run.version == read_version(place.registry.find_current()).name
    data = read_training_set(place.data / SETS_FOLDER / (run.data_digest or "")[:12])
    assert data.digest == run.data_digest
    assert len(data.forms) == 12
    assert take_run(place) is None


@pytest.mark.parametrize(("how", "promote"), [("refuse", True), ("pass", False)])
def test_what_was_refused_or_is_not_wanted_at_once_is_kept_but_not_used(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch, how: str, promote: bool
) -> None:
    monkeypatch.setenv("FAKE_TRAINER", how)
    before = place.registry.find_current()
    run_id = queue(place, promote=promote)
    take_run(place)
    run = found(place, run_id)
    assert run.state == TrainingState.DONE
    assert run.result["promoted"] is False
    assert place.registry.find_current() == before
    assert place.registry.find(run.version or "").is_dir()


def test_a_training_that_fails_says_why(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TRAINER", "fail")
    run_id = queue(place)
    take_run(place)
    run = found(place, run_id)
    assert (run.state, run.reason) == (TrainingState.FAILED, "error: it went wrong")
    assert find_reason(run) == Reason("training", run.reason, {"error": run.reason})


def test_without_corrections_there_is_nothing_to_learn(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "read_examples", lambda *_: ())
    run_id = queue(place)
    take_run(place)
    assert "review some" in (found(place, run_id).reason or "")


def test_an_unknown_base_fails_the_run(place: TrainingPlace) -> None:
    run_id = queue(place, base="nowhere")
    take_run(place)
    assert "no version 'nowhere'" in (found(place, run_id).reason or "")


def wait_for_progress(place: TrainingPlace, run_id: str) -> None:
    until = time.monotonic() + 30
    while not found(place, run_id).progress.get("step"):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_cancelled_run_ends_its_process(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TRAINER", "slow")
    run_id = queue(place)
    worker = threading.Thread(target=take_run, args=(place,))
    worker.start()
    wait_for_progress(place, run_id)
    with place.database.write() as session:
        cancel_run(session, run_id, utc_now())
    worker.join(timeout=20)
    assert not worker.is_alive()
    assert found(place, run_id).state == TrainingState.CANCELLED


def test_who_is_told_to_stop_gives_the_run_back_and_it_goes_on_with_the_same_data(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TRAINER", "slow-once")
    run_id = queue(place)
    worker = threading.Thread(target=take_run, args=(place,))
    worker.start()
    wait_for_progress(place, run_id)
    place.stop.set()
    worker.join(timeout=20)
    assert found(place, run_id).state == TrainingState.QUEUED
    # Meanwhile more was corrected; this run is of what was there when it began.
    monkeypatch.setattr(training, "read_examples", lambda *_: (example(99),))
    take_run(replace(place, stop=threading.Event(), owner="another"))
    run = found(place, run_id)
    assert run.state == TrainingState.DONE
    starts = (place.data / RUNS_FOLDER / run_id / "starts").read_text().split()
    assert len(starts) == 2
    assert len(set(starts)) == 1
