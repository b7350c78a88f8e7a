"""The road as the queue walks it: count the pages, read one of them, put a document together.

Each step is a call of its own, so that pages of one document can be read by many processes.
``FORMLOOP_ROAD`` names another road (``module:function``), which the tests of the queue use:
its function takes no argument.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from extraction.engines import available_threads
from extraction.errors import InputError, NoForm
from extraction.limits import Limits
from extraction.pages.read import count_pages, read_page_number
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations, read_page, readings_to_record
from extraction.values import Image, PageReading, Record
from workers.stations import build_stations

ROAD_VARIABLE = "FORMLOOP_ROAD"
THREADS_VARIABLE = "FORMLOOP_THREADS"


@dataclass(frozen=True, eq=False, slots=True)
class ReadPage:
    """What the step of one page leaves: the upright picture and all that was read on it."""

    image: Image
    reading: PageReading


class Road(Protocol):
    """Loaded once per process. Every method raises InputError where trying again is no use."""

    @property
    def producer(self) -> Mapping[str, str]:
        """The versions of all that has a say in the result."""

    def count(self, source: SourceFile) -> int:
        """Pages of the file, at least 1."""

    def read(self, source: SourceFile, page: int) -> ReadPage:
        """The page ``page``, counted from 1."""

    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        """The record of the pages that could be read, at least one."""


@dataclass(frozen=True, eq=False, slots=True)
class StationsRoad:
    """The real one."""

    stations: Stations

    @property
    def producer(self) -> Mapping[str, str]:
        return self.stations.producer

    def count(self, source: SourceFile) -> int:
        return count_pages(source.data, source.name, self.stations.limits)

    def read(self, source: SourceFile, page: int) -> ReadPage:
        raw = read_page_number(source.data, source.name, page, self.stations.limits)
        if isinstance(raw, InputError):
            raise raw.at(name=source.name, page=page)
        upright, reading = read_page(raw, self.stations.rulings, self.stations.reader)
        if not reading.grids and not reading.loose_words:
            raise NoForm("no printed text was found", name=source.name, page=page)
        return ReadPage(upright.image, reading)

    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        return readings_to_record(source, readings, self.stations, form_type)


def build_road() -> Road:
    """The road of the setting, its engines loaded."""
    named = os.environ.get(ROAD_VARIABLE)
    if named:
        module, _, function = named.partition(":")
        return cast(Road, getattr(import_module(module), function)())
    return StationsRoad(build_stations(threads=engine_threads(), limits=Limits()))


def engine_threads() -> int:
    """Processors that one worker keeps busy: its share, or all where nobody set one."""
    return int(os.environ.get(THREADS_VARIABLE, available_threads()))
