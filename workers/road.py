"""The road as the queue walks it: count the pages, read one of them, put a document together.

Each step is a call of its own, so that pages of one document can be read by many processes.
``FORMLOOP_ROAD`` names another road (``module:function``), which the tests of the queue use:
its function takes no argument.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from extraction.declarations import FormDeclaration
from extraction.engines import available_threads
from extraction.errors import InputError, ModelError, NoForm
from extraction.lexicon import Lexicon
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pages.read import count_pages, read_page_number
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations, read_page, readings_to_record
from extraction.values import Image, PageReading, Record
from models.ocr_versions import SHIPPED, OcrVersions
from models.recalibrate import find_calibrator
from models.registry import Registry
from workers.stations import build_stations, load_labeller

ROAD_VARIABLE = "FORMLOOP_ROAD"
THREADS_VARIABLE = "FORMLOOP_THREADS"

_log = logging.getLogger(__name__)


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


@runtime_checkable
class RenewableRoad(Road, Protocol):
    """A road on which versions of the model come and go while it is in use."""

    def renew(self) -> bool:
        """Take the version that is current now; whether it is another. Between two steps."""

    def with_version(self, name: str) -> Road:
        """The same road with a certain version; ModelError where there is none."""


@runtime_checkable
class TaughtRoad(Protocol):
    """A road that repairs doubtful texts by a lexicon."""

    @property
    def lexicon(self) -> Lexicon:
        """The one in use."""

    def take_lexicon(self, lexicon: Lexicon) -> None:
        """Another one from now on. Between two steps."""


@runtime_checkable
class KeyedRoad(Protocol):
    """A road that finds fields by their printed keys."""

    @property
    def keys(self) -> str:
        """The version of the learnt keys in use; "" for those of the declarations alone."""

    def take_keys(self, declarations: tuple[FormDeclaration, ...], keys: str) -> None:
        """Other declarations, with the learnt keys of a version, from now on. Between two
        steps."""


@dataclass(eq=False, slots=True)
class StationsRoad:
    """The real one. ``version`` is the folder of the labeller in use, None where the road
    keeps to the one that it began with; ``ocr`` names the recogniser in use."""

    stations: Stations
    registry: Registry | None = None
    version: Path | None = None
    refused: Path | None = None
    other: Stations | None = None
    ocr_versions: OcrVersions | None = None
    ocr: str = SHIPPED

    def renew(self) -> bool:
        took_reader = self._renew_reader()
        return self._renew_labeller() or took_reader

    def _renew_reader(self) -> bool:
        current = self.ocr if self.ocr_versions is None else self.ocr_versions.current()
        if self.ocr_versions is None or current == self.ocr:
            return False
        # What cannot be loaded is not tried again until another is promoted.
        self.ocr = current
        try:
            old = self.stations.reader
            reader = Reader(old.engine, old.threads, self.ocr_versions.find(current))
        except ModelError as error:
            _log.error("the OCR version %s cannot be loaded: %s", current, error)
            return False
        self.stations, self.other = replace(self.stations, reader=reader), None
        _log.info("took an OCR version", extra={"more": {"producer": dict(self.producer)}})
        return True

    def _renew_labeller(self) -> bool:
        current = None if self.registry is None else self.registry.find_current()
        if current is None or current in (self.version, self.refused):
            return False
        try:
            self.stations = _with_labeller(self.stations, current)
        except ModelError as error:
            # What is promoted next is tried again; until then the old one goes on.
            _log.error("the version %s cannot be loaded: %s", current.name, error)
            self.refused = current
            return False
        self.version, self.refused = current, None
        _log.info("took a new version", extra={"more": {"producer": dict(self.producer)}})
        return True

    def with_version(self, name: str) -> Road:
        if name == self.stations.labeller.version:
            return self
        if self.other is None or self.other.labeller.version != name:
            registry = self.registry or Registry(Path())
            self.other = _with_labeller(self.stations, registry.find(name))
        return StationsRoad(self.other)

    @property
    def lexicon(self) -> Lexicon:
        return self.stations.lexicon

    def take_lexicon(self, lexicon: Lexicon) -> None:
        self.stations, self.other = replace(self.stations, lexicon=lexicon), None

    @property
    def keys(self) -> str:
        return self.stations.keys

    def take_keys(self, declarations: tuple[FormDeclaration, ...], keys: str) -> None:
        self.stations = replace(self.stations, declarations=declarations, keys=keys)
        self.other = None

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


def build_road(data: Path | None = None) -> Road:
    """The road of the setting, its engines loaded, with the version in use in ``data``."""
    named = os.environ.get(ROAD_VARIABLE)
    if named:
        module, _, function = named.partition(":")
        return cast(Road, getattr(import_module(module), function)())
    registry = None if data is None else Registry.of_data(data)
    version = None if registry is None else registry.find_current()
    ocr_versions = None if data is None else OcrVersions.of_data(data)
    ocr = SHIPPED if ocr_versions is None else ocr_versions.current()
    stations = build_stations(
        threads=engine_threads(),
        limits=Limits(),
        registry=registry,
        recogniser=None if ocr_versions is None else ocr_versions.find(ocr),
    )
    return StationsRoad(stations, registry, version, ocr_versions=ocr_versions, ocr=ocr)


def renew_road(road: Road) -> bool:
    """Between two steps: let the road take the version that is current now."""
    return isinstance(road, RenewableRoad) and road.renew()


def find_road(road: Road, version: str | None) -> Road:
    """The road for a document that is to be read by a certain version."""
    if version is None or not isinstance(road, RenewableRoad):
        return road
    return road.with_version(version)


def _with_labeller(stations: Stations, version: Path) -> Stations:
    return replace(stations, labeller=load_labeller(version), calibrator=find_calibrator(version))


def engine_threads() -> int:
    """Processors that one worker keeps busy: its share, or all where nobody set one."""
    return int(os.environ.get(THREADS_VARIABLE, available_threads()))
