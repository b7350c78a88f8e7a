"""What extraction needs, loaded once per process: engines, weights and declarations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from annotation.policy import USUAL_POLICY
from extraction.declarations import load_declarations
from extraction.engines import Engine
from extraction.grid.sides import load_ruling_models
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pipeline import Stations
from models.labeller import THREADS, Labeller
from models.recalibrate import find_calibrator
from models.registry import SHIPPED_FOLDER, Registry, find_version

THRESHOLD: Final = USUAL_POLICY.threshold


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


def _find_version(model: str | None, registry: Registry | None) -> Path | None:
    if registry is not None:
        return registry.find(model) if model else registry.find_current()
    return find_version(SHIPPED_FOLDER, model) if model else None
