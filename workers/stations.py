"""What extraction needs, loaded once per process: engines, weights and declarations."""

from __future__ import annotations

from pathlib import Path

from extraction.confidence import Calibrator, load_calibrator
from extraction.declarations import load_declarations
from extraction.engines import Engine
from extraction.grid.sides import load_ruling_models
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pipeline import Stations
from models.labeller import THREADS, Labeller
from models.registry import CALIBRATION_FILE, SHIPPED_FOLDER, Registry, find_version

THRESHOLD = 0.97


def build_stations(
    engine: Engine | None = None,
    model: str | None = None,
    threads: int | None = None,
    threshold: float = THRESHOLD,
    limits: Limits | None = None,
    declarations: Path | None = None,
    registry: Registry | None = None,
    recogniser: Path | None = None,
) -> Stations:
    """Stations for one process; never share them between threads.

    ``model`` names a version of the labeller, by default the one in use in ``registry``, or
    the shipped one. ``threads`` is how many processors this process may keep busy, by default
    all that it may use. ``recogniser`` is the folder of an OCR version, None the shipped one.
    """
    reader = Reader(engine, threads, recogniser)
    version = _find_version(model, registry)
    return Stations(
        rulings=load_ruling_models(reader.engine, reader.threads),
        reader=reader,
        labeller=load_labeller(version),
        declarations=load_declarations(declarations),
        calibrator=find_calibrator(version),
        limits=limits or Limits(),
        threshold=threshold,
    )


def load_labeller(version: Path | None, threads: int = THREADS) -> Labeller:
    """The labeller in the folder ``version``; None: the shipped one."""
    return Labeller(version, threads)


def find_calibrator(version: Path | None) -> Calibrator:
    """The confidences that were fitted to a version, or those that were shipped."""
    own = None if version is None else version / CALIBRATION_FILE
    return load_calibrator(own) if own is not None and own.is_file() else load_calibrator()


def _find_version(model: str | None, registry: Registry | None) -> Path | None:
    if registry is not None:
        return registry.find(model) if model else registry.find_current()
    return find_version(SHIPPED_FOLDER, model) if model else None
