"""The whole road: bytes in, record out. ``read_page`` and ``extract_document`` are its map."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from typing import Protocol

from extraction.confidence import Calibrator
from extraction.declarations import FormDeclaration
from extraction.errors import FormloopError, InputError, NoForm
from extraction.fields.form_type import find_form_type
from extraction.grid.alignment import find_aligned_grids
from extraction.grid.cells import words_into_cells
from extraction.grid.continued import restore_outer_columns
from extraction.grid.false_sides import without_false_sides
from extraction.grid.grids import edges_to_grids
from extraction.grid.join import join_grids
from extraction.grid.lines import evidence_to_edges, evidence_to_probe
from extraction.grid.lone_rows import without_lone_rows
from extraction.grid.lost_sides import restore_lost_sides
from extraction.grid.sides import RulingModels
from extraction.grid.straighten import see_straight
from extraction.lexicon import NO_LEXICON, Lexicon
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pages.read import read_pages
from extraction.pages.sources import SourceFile
from extraction.pages.upright import find_upright
from extraction.record import DocumentReading, assemble_record
from extraction.values import (
    Edge,
    Grid,
    Image,
    LabelledWord,
    Page,
    PageReading,
    PageSummary,
    RawPage,
    Record,
)


class WordLabeller(Protocol):
    """What ``models.labeller`` provides: one label for every word of a document."""

    @property
    def version(self) -> str: ...

    def label(self, readings: Sequence[PageReading]) -> tuple[LabelledWord, ...]: ...


@dataclass(frozen=True, eq=False, slots=True)
class Stations:
    """All that is loaded once per process and used for every document.

    ``keys`` is the version of the learnt keys in ``declarations``, "" where there are none.
    """

    rulings: RulingModels
    reader: Reader
    labeller: WordLabeller
    declarations: tuple[FormDeclaration, ...]
    calibrator: Calibrator
    limits: Limits
    threshold: float
    lexicon: Lexicon = NO_LEXICON
    keys: str = ""

    @property
    def producer(self) -> dict[str, str]:
        versions = {"lexicon": self.lexicon.version, "keys": self.keys}
        learnt = {name: version for name, version in versions.items() if version}
        return {
            "ocr": self.reader.version,
            "labeller": self.labeller.version,
            "calibration": self.calibrator.name,
            "formloop": installed_version("formloop"),
            **learnt,
        }


@dataclass(frozen=True, eq=False, slots=True)
class Extraction:
    """A record, the upright picture of each of its pages, and the pages that failed."""

    record: Record
    images: tuple[Image, ...]
    errors: tuple[FormloopError, ...]


def extract_document(
    source: SourceFile,
    stations: Stations,
    form_type: str | None = None,
    on_page: Callable[[], None] = lambda: None,
) -> Extraction:
    """The record of one file; the error of its first page when no page can be read.

    ``on_page`` is called as each page comes out of the file.
    """
    readings: list[PageReading] = []
    images: list[Image] = []
    errors: list[FormloopError] = []
    for raw in read_pages(source.data, source.name, stations.limits):
        on_page()
        if isinstance(raw, InputError):
            errors.append(raw.at(name=source.name))
            continue
        page, reading = read_page(raw, stations.rulings, stations.reader)
        if not reading.grids and not reading.loose_words:
            errors.append(NoForm("no printed text was found", name=source.name, page=raw.number))
            continue
        readings.append(reading)
        images.append(page.image)
    if not readings:
        raise errors[0] if errors else NoForm("the file has no page", name=source.name)
    return Extraction(
        readings_to_record(source, readings, stations, form_type), tuple(images), tuple(errors)
    )


def read_page(raw: RawPage, rulings: RulingModels, reader: Reader) -> tuple[Page, PageReading]:
    """One page: made upright, its rulings found, its cells read."""
    clock = Clock()
    page = find_upright(raw, reader)
    clock.lap("upright")
    page, edges, grids = find_grids(page, raw, rulings)
    clock.lap("grid")
    if page.words is None:
        grids, words = reader.read_words(page, grids)
        grids = tuple(mended(grid) for grid in grids)
    else:
        grids, words = words_into_cells(page.words, grids)
    clock.lap("ocr" if page.words is None else "text_layer")
    aligned, loose = find_aligned_grids(words, edges, page.number)
    clock.lap("alignment")
    return page, PageReading(
        number=page.number,
        width=page.width,
        height=page.height,
        dpi=page.dpi,
        source=page.source,
        grids=tuple(sorted((*grids, *aligned), key=lambda grid: grid.box_on(page.number).top)),
        loose_words=loose,
        elapsed_ms=clock.elapsed_ms,
    )


def mended(grid: Grid) -> Grid:
    """``grid`` with its sides put right by the words that stand between them."""
    return without_lone_rows(restore_lost_sides(without_false_sides(grid)))


def find_grids(
    page: Page, raw: RawPage, rulings: RulingModels
) -> tuple[Page, Sequence[Edge], tuple[Grid, ...]]:
    """The page made straight by its own rulings, those rulings, and the grids they draw."""
    if page.edges is not None:
        return page, page.edges, edges_to_grids(page.edges, page.number, page.dpi)
    page, evidence, _ = see_straight(page, raw.image, rulings.network)
    edges = evidence_to_edges(evidence)
    judge = rulings.judge(evidence, page)
    grids = edges_to_grids(edges, page.number, page.dpi, evidence_to_probe(evidence), judge)
    return page, edges, grids


def readings_to_record(
    source: SourceFile,
    readings: Sequence[PageReading],
    stations: Stations,
    form_type: str | None = None,
) -> Record:
    """All pages of a document: joined, labelled, and put together as a record."""
    clock = Clock()
    readings = restore_outer_columns(readings)
    grids = join_grids(readings)
    labelled = {word.word: word for word in stations.labeller.label(readings)}
    clock.lap("labels")
    loose = tuple(word for reading in readings for word in reading.loose_words)
    document = DocumentReading(
        name=source.name,
        sha256=source.sha256,
        producer=stations.producer,
        readings=tuple(readings),
        grids=grids,
        loose=loose,
        labelled=labelled,
    )
    choice = [d for d in stations.declarations if form_type in (None, d.name)]
    declaration, certainty, _ = find_form_type(choice, grids, loose, labelled)
    if form_type is not None:
        # The user knows better than the evidence.
        declaration, certainty = next(iter(choice), None), 1.0
    record = assemble_record(
        document,
        declaration,
        stations.calibrator,
        stations.threshold,
        form_type_unsure=certainty < stations.threshold,
        lexicon=stations.lexicon,
    )
    clock.lap("record")
    return replace(record, pages=tuple(_with_share(record, clock)))


class Clock:
    """Elapsed milliseconds by station."""

    def __init__(self) -> None:
        self.elapsed_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, station: str) -> None:
        now = time.perf_counter()
        self.elapsed_ms[station] = round(1000 * (now - self._last), 1)
        self._last = now


def _with_share(record: Record, clock: Clock) -> Iterator[PageSummary]:
    """The document's own steps, shared evenly among its pages."""
    for page in record.pages:
        shares = {name: round(ms / len(record.pages), 1) for name, ms in clock.elapsed_ms.items()}
        yield replace(page, elapsed_ms={**page.elapsed_ms, **shares})
