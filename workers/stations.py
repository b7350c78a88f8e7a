"""What extraction needs, loaded once per process: engines, weights and declarations."""

from __future__ import annotations

from pathlib import Path

from extraction.confidence import load_calibrator
from extraction.declarations import load_declarations
from extraction.engines import Engine
from extraction.grid.sides import load_ruling_models
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pipeline import Stations
from models.labeller import Labeller
from models.registry import SHIPPED_FOLDER, find_version

THRESHOLD = 0.9


def build_stations(
    engine: Engine | None = None,
    model: str | None = None,
    threads: int | None = None,
    threshold: float = THRESHOLD,
    limits: Limits | None = None,
    declarations: Path | None = None,
) -> Stations:
    """Stations for one process; never share them between threads.

    ``model`` names a version of the labeller, by default the one in use. ``threads`` is how
    many processors this process may keep busy, by default all that it may use.
    """
    reader = Reader(engine, threads)
    return Stations(
        rulings=load_ruling_models(reader.engine, reader.threads),
        reader=reader,
        labeller=Labeller(find_version(SHIPPED_FOLDER, model) if model else None),
        declarations=load_declarations(declarations),
        calibrator=load_calibrator(),
        limits=limits or Limits(),
        threshold=threshold,
    )
