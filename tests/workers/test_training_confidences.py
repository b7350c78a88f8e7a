"""A training run fits the confidences of its version to what people judged."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotation.examples import TrainingExample
from archive.blobs import Blobs
from archive.database import Database
from archive.tables import TrainingKind, TrainingRun, TrainingState
from archive.training_runs import RunSettings, find_run, queue_run
from extraction.confidence import load_calibrator
from extraction.declarations import load_declarations
from models.recalibrate import find_calibrator
from models.registry import CALIBRATION_FILE
from tests.annotation.small_form import DECLARATION
from tests.models.examples import make_reading
from tests.workers.judged_rows import TRUTH, add_judged
from workers import training
from workers.train_process import take_run
from workers.training import JUDGED_FILE, RUNS_FOLDER, TrainingPlace

KIND = load_declarations()[0].name
BASE = load_calibrator()


def example(number: int) -> TrainingExample:
    reading = make_reading([[["项目名称"], ["甲"]], [["年度"], [str(2000 + number)]]])
    labels = {0: "key", 1: "project_name"}
    return TrainingExample(f"doc-{number}", KIND, 2, "a", (reading,), labels, (), False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingPlace]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    monkeypatch.setattr(training, "TELL_EVERY_S", 0.02)
    monkeypatch.setattr(training, "read_examples", lambda *_: tuple(map(example, range(12))))
    monkeypatch.delenv("FAKE_TRAINER", raising=False)
    yield TrainingPlace(
        database=database,
        blobs=Blobs(str(tmp_path / "blobs")),
        data=tmp_path,
        declarations=(*load_declarations(), DECLARATION),
        owner="trainer",
        threads=1,
        command=(sys.executable, "-m", "tests.workers.fake_trainer"),
    )
    database.close()


def queue(place: TrainingPlace) -> str:
    with place.database.write() as session:
        return queue_run(session, TrainingKind.TRAIN, RunSettings()).id


def found(place: TrainingPlace, run_id: str) -> TrainingRun:
    with place.database.read() as session:
        return find_run(session, run_id)


def trained(place: TrainingPlace) -> Path:
    """The folder of the version that a run made and promoted."""
    run_id = queue(place)
    assert take_run(place) == run_id
    run = found(place, run_id)
    assert run.state == TrainingState.DONE, run.reason
    assert place.registry.find_current().name == run.version
    return place.registry.find_current()


def test_enough_judged_fields_set_the_versions_confidences_right(place: TrainingPlace) -> None:
    with place.database.write() as session:
        add_judged(session, BASE, 100)
    path = trained(place)
    stored = json.loads((path / CALIBRATION_FILE).read_text(encoding="utf-8"))
    assert (stored["fields"], stored["documents"], stored["left_out"]) == (1000, 100, 0)
    assert stored["error_after"] < stored["error_before"]
    in_use = find_calibrator(place.registry.find_current())
    assert in_use.stretch is not None
    assert in_use.stretch.slope == pytest.approx(TRUTH[0], abs=0.15)
    assert in_use.stretch.offset == pytest.approx(TRUTH[1], abs=0.35)


def test_too_few_leave_what_was_shipped(place: TrainingPlace) -> None:
    with place.database.write() as session:
        add_judged(session, BASE, 12)
    path = trained(place)
    assert not (path / CALIBRATION_FILE).exists()
    assert find_calibrator(path) is BASE


def test_what_another_calibration_read_is_not_used(place: TrainingPlace) -> None:
    unnamed = replace(BASE, field=BASE.field.adjusted(0.5, 0.0))
    with place.database.write() as session:
        add_judged(session, unnamed, 40)
    assert not (trained(place) / CALIBRATION_FILE).exists()


def test_what_the_promoted_version_read_is_not_stretched_again(place: TrainingPlace) -> None:
    with place.database.write() as session:
        add_judged(session, BASE, 40)
    first = find_calibrator(trained(place))
    assert first.stretch is not None
    # From now on documents are read by it, and people find as much as before.
    with place.database.write() as session:
        add_judged(session, first, 40, seed=1)
    second = find_calibrator(trained(place)).stretch
    assert second is not None
    with place.database.write() as session:
        add_judged(session, BASE, 40, seed=2)
        add_judged(session, first, 40, seed=2)
    both = find_calibrator(trained(place)).stretch
    scratch = fit_from_scratch(place)
    assert both is not None
    assert (both.slope, both.offset) == pytest.approx(scratch, abs=0.01)
    assert second.slope == pytest.approx(first.stretch.slope, abs=0.15)


def fit_from_scratch(place: TrainingPlace) -> tuple[float, float]:
    """The fit to the same fields, had the base read all of them."""
    database = Database(f"sqlite:///{place.data / 'scratch.db'}")
    database.migrate()
    with database.write() as session:
        for seed in (0, 1, 2, 2):
            add_judged(session, replace(BASE, origin=str(seed)), 40, seed)
    stretch = find_calibrator(trained(replace(place, database=database))).stretch
    database.close()
    assert stretch is not None
    return stretch.slope, stretch.offset


def test_a_run_that_goes_on_fits_to_what_it_began_with(
    place: TrainingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TRAINER", "slow-once")
    with place.database.write() as session:
        add_judged(session, BASE, 30)
    run_id = queue(place)
    worker = threading.Thread(target=take_run, args=(place,))
    worker.start()
    until = time.monotonic() + 60
    while not found(place, run_id).progress.get("step"):
        assert time.monotonic() < until
        time.sleep(0.02)
    place.stop.set()
    worker.join(timeout=20)
    before = (place.data / RUNS_FOLDER / run_id / JUDGED_FILE).read_bytes()
    with place.database.write() as session:
        add_judged(session, BASE, 30, seed=5)
    take_run(replace(place, stop=threading.Event(), owner="another"))
    run = found(place, run_id)
    assert run.state == TrainingState.DONE
    assert (place.data / RUNS_FOLDER / run_id / JUDGED_FILE).read_bytes() == before
    told = run.result["confidences"]
    assert isinstance(told, dict) and told["fields"] == 300
