"""The real road, but for four errors that it plants in every record.

``retyped`` has a wrong sign, ``moved`` stands beside its cell, ``drawn`` was not found, and
``deleted`` was found where nothing is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from annotation.paths import record_fields, record_with_fields
from extraction.confidence import LOW_CONFIDENCE, MISSING_REQUIRED
from extraction.limits import Limits
from extraction.pages.sources import SourceFile
from extraction.values import Box, Field, PageReading, Record
from workers.road import ReadPage, Road, StationsRoad, engine_threads
from workers.stations import build_stations

RETYPED, MOVED, DRAWN = "project_name", "department", "implementing_unit"
DELETED = "funds[3].executed"
UNSURE = 0.11


def build_road() -> Road:
    stations = build_stations(threads=engine_threads(), limits=Limits())
    return PlantedRoad(StationsRoad(stations))


@dataclass(frozen=True, eq=False, slots=True)
class PlantedRoad:
    road: StationsRoad

    @property
    def producer(self) -> Mapping[str, str]:
        return self.road.producer

    def count(self, source: SourceFile) -> int:
        return self.road.count(source)

    def read(self, source: SourceFile, page: int) -> ReadPage:
        return self.road.read(source, page)

    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        record = self.road.assemble(source, readings, form_type)
        return record_with_fields(record, planted(record))


def planted(record: Record) -> dict[str, Field]:
    fields = {item.path: item.field for item in record_fields(record)}
    missing = Field("", None, None, "review", (MISSING_REQUIRED,), None)
    return {
        RETYPED: unsure(fields[RETYPED], fields[RETYPED].text + "错"),
        MOVED: unsure(beside(fields[MOVED]), fields[MOVED].text),
        DELETED: unsure(fields[DELETED], "12"),
        DRAWN: missing,
    }


def unsure(field: Field, text: str) -> Field:
    return replace(field, text=text, confidence=UNSURE, route="review", reasons=(LOW_CONFIDENCE,))


def beside(field: Field) -> Field:
    assert field.source is not None
    x0, top, x1, bottom = field.source.box
    away = Box(x0, top + (bottom - top) / 2, x1, bottom + (bottom - top) / 2)
    return replace(field, source=replace(field.source, box=away))
