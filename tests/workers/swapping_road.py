"""The real road but for its pages, which are played: versions come and go on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from extraction.confidence import load_calibrator
from extraction.declarations import load_declarations
from extraction.grid.sides import RulingModels
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations
from models.registry import Registry
from tests.workers.fake_road import FakeRoad
from tests.workers.rig import FOLDER_VARIABLE
from workers.road import ReadPage, StationsRoad
from workers.stations import THRESHOLD, load_labeller


@dataclass(eq=False, slots=True)
class SwappingRoad(StationsRoad):
    """Records are put together by the version in use, from pages that a file describes."""

    pages: FakeRoad = field(default_factory=FakeRoad)

    def count(self, source: SourceFile) -> int:
        return self.pages.count(source)

    def read(self, source: SourceFile, page: int) -> ReadPage:
        return self.pages.read(source, page)


def build() -> SwappingRoad:
    registry = Registry.of_data(Path(os.environ[FOLDER_VARIABLE]))
    current = registry.find_current()
    stations = Stations(
        rulings=cast(RulingModels, None),
        reader=cast(Reader, SimpleNamespace(version="fake")),
        labeller=load_labeller(current, 1),
        declarations=load_declarations(),
        calibrator=load_calibrator(),
        limits=Limits(),
        threshold=THRESHOLD,
    )
    return SwappingRoad(stations, registry, current)
