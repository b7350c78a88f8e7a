"""One training run: the data put together, the training process started and watched, its
version judged and perhaps promoted. Torch stays in that other process."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from archive.audited import find_audited_fields
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone
from archive.promise import taking_over
from archive.tables import TrainingRun
from archive.training_runs import (
    RunSettings,
    find_held_layouts,
    finish_run,
    note_data,
    renew_run,
    run_to_settings,
    write_held_layouts,
)
from extraction.declarations import FormDeclaration
from extraction.errors import FormloopError
from extraction.json_values import JsonObject, as_object
from models.audited_fields import write_audited
from models.registry import GATE_FILE, SHIPPED_FOLDER, Registry, find_current
from models.training_set import NAME_LENGTH, write_training_set
from workers.training_data import examples_to_set, read_examples

SETS_FOLDER: Final = "training/sets"
RUNS_FOLDER: Final = "training/runs"
BASES_FOLDER: Final = "bases"
PROGRESS_FILE: Final = "progress.json"
RESULT_FILE: Final = "result.json"
LOG_FILE: Final = "log"
JUDGED_FILE: Final = "judged.json"
TELL_EVERY_S: Final = 1.0
STOP_PATIENCE_S: Final = 10.0
NICE: Final = 10
"""Whoever waits for a document comes first."""
_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of Linux."""

_log = logging.getLogger(__name__)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class TrainingFailed(FormloopError):
    """The training process ended with an error; another try with the same data may not help."""

    category = "training"


class NothingCorrected(TrainingFailed):
    """There is no corrected document to learn from yet."""

    category = "nothing_corrected"


class Interrupted(FormloopError):
    """The training process was killed, or this one is told to stop: to be gone on with."""

    category = "interrupted"


@dataclass(frozen=True, eq=False, slots=True)
class TrainingPlace:
    """What the training process has for all its runs. ``command`` starts a training."""

    database: Database
    blobs: Blobs
    data: Path
    declarations: tuple[FormDeclaration, ...]
    owner: str
    threads: int
    command: tuple[str, ...] = (sys.executable, "-m", "models.retrain")
    stop: Event = field(default_factory=Event)

    @property
    def registry(self) -> Registry:
        return Registry.of_data(self.data)


def train(place: TrainingPlace, run: TrainingRun) -> None:
    """Do the run to its end. TrainingFailed, Interrupted or LeaseLost where it has none."""
    settings = run_to_settings(run)
    data = _find_data(place, run)
    out = place.data / RUNS_FOLDER / run.id
    out.mkdir(parents=True, exist_ok=True)
    base = find_base(place, settings.base)
    judged = _find_judged(place, out)
    command = [*place.command, str(data), "--out", str(out), "--judged", str(judged)]
    command += _told(place, settings, base)
    _run(command, out, lambda: _renew(place, run, out))
    name = str(_read_json(out / RESULT_FILE)["version"])
    promoted = _promote(place, name, settings)
    result = _summary(place, name) | {"promoted": promoted}
    with place.database.write() as session:
        finish_run(session, run.id, place.owner, utc_now(), result, name)


def find_base(place: TrainingPlace, name: str | None) -> Path:
    """The folder of the base: a checkpoint in the data folder, or a version."""
    if name is None:
        return find_current(SHIPPED_FOLDER)
    folder = place.data / BASES_FOLDER
    path = folder / name
    if path.parent == folder and path.is_dir():
        return path
    return place.registry.find(name)


def _find_data(place: TrainingPlace, run: TrainingRun) -> Path:
    """What the run learns from: put together once, so that it goes on with the same."""
    folder = place.data / SETS_FOLDER
    if run.data_digest and (folder / run.data_digest[:NAME_LENGTH]).is_dir():
        return folder / run.data_digest[:NAME_LENGTH]
    declarations = {one.name: one for one in place.declarations}
    examples = tuple(read_examples(place.database, place.blobs, declarations))
    with place.database.read() as session:
        decided = find_held_layouts(session)
    data, layouts = examples_to_set(examples, place.declarations, decided)
    if not data.part("train"):
        raise NothingCorrected(
            "no corrected document to learn from yet: review some in Label Studio first"
        )
    path = write_training_set(folder, data)
    with place.database.write() as session:
        note_data(session, run.id, place.owner, data.digest)
        write_held_layouts(session, layouts)
    return path


def _find_judged(place: TrainingPlace, out: Path) -> Path:
    """What its confidences are fitted to: put together once, as what it learns from."""
    path = out / JUDGED_FILE
    if not path.is_file():
        with place.database.read() as session:
            audited = find_audited_fields(session, place.declarations)
        write_audited(path, audited)
    return path


def _told(place: TrainingPlace, settings: RunSettings, base: Path) -> list[str]:
    told: dict[str, object] = {
        "--models": place.registry.own,
        "--base": base,
        "--threads": place.threads,
        "--steps": settings.steps,
        "--minutes": settings.minutes,
        "--seed": settings.seed,
    }
    return [str(part) for pair in told.items() if pair[1] is not None for part in pair]


def _run(command: list[str], out: Path, renew: Callable[[], None]) -> None:
    """Start the process and wait for it, telling how far it is; stopped when that fails."""
    with (out / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        while process.poll() is None:
            renew()
            time.sleep(TELL_EVERY_S)
    finally:
        _stop(process)
    if process.returncode < 0:
        raise Interrupted(f"the training process was ended by signal {-process.returncode}")
    if process.returncode:
        said = _last_words(out / LOG_FILE)
        raise TrainingFailed(said, facts={"error": said})


def _renew(place: TrainingPlace, run: TrainingRun, out: Path) -> None:
    if place.stop.is_set():
        raise Interrupted("told to stop")
    try:
        with place.database.write() as session:
            renew_run(session, run.id, place.owner, utc_now(), _read_json(out / PROGRESS_FILE))
    except DatabaseGone as error:
        # The lease lasts a while, so one that cannot be renewed now may be the next time.
        _log.warning("how far it is could not be told: %s", error.reason)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _promote(place: TrainingPlace, name: str, settings: RunSettings) -> bool:
    passed = _read_json(place.registry.find(name) / GATE_FILE)["passed"] is True
    if passed and settings.promote:
        with taking_over(place.database, utc_now()):
            place.registry.promote(name)
        _log.info("promoted", extra={"more": {"version": name}})
        return True
    return False


def _summary(place: TrainingPlace, name: str) -> JsonObject:
    """What the gate said, without the figures of each field, which stay with the version."""
    gate = _read_json(place.registry.find(name) / GATE_FILE)
    kept = ("champion", "passed", "reasons", "notes", "whole", "suspects", "documents")
    # The same weights may have been made before versions told of their confidences.
    return {key: gate[key] for key in kept} | {"confidences": gate.get("confidences")}


def _read_json(path: Path) -> JsonObject:
    """{} where there is no such file yet."""
    if not path.is_file():
        return {}
    return as_object(json.loads(path.read_text(encoding="utf-8")))


def _last_words(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:1000] if lines else "the training process said nothing"


def _end_with_parent() -> None:
    os.nice(NICE)
    if _libc is not None:
        _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)
