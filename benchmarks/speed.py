"""Seconds a page from file to record, beside the field's other ways on the same pages."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.laps import (
    OURS,
    PADDLE,
    Lap,
    other_share,
    seconds_by_way,
    station_figures,
    way_figures,
)
from benchmarks.others import BarePaddle, BareRapid, TablesOverPaddle
from benchmarks.quality import BORN_DIGITAL, read_source, samples_by_level
from benchmarks.report import Figures, Section, figures_to_markdown
from extraction.errors import FormloopError
from extraction.pages.read import read_pages
from extraction.pipeline import Stations, extract_document
from extraction.record_json import record_to_json
from extraction.values import Image, Record
from workers.stations import build_stations

OURS_ONNX = "formloop on ONNX Runtime, file to record"
RAPID = "RapidOCR, words only"
IMG2TABLE = "img2table over PaddleOCR"
LEVELS = ("clean300", "office200", "stamped200", "fax200", "archive150", "photo")
QUICK_LEVELS = ("office200", "photo")
COLD_STARTS = 3

Timed = Callable[["Document"], None]


@dataclass(frozen=True, eq=False, slots=True)
class Document:
    """A file and its pages' pictures; others are handed the pictures, already decoded."""

    path: Path
    images: tuple[Image, ...]


def measure_speed(*, quick: bool) -> Section:
    documents = read_documents(QUICK_LEVELS if quick else LEVELS)
    paddle, rapid = BarePaddle(), BareRapid()
    tables = TablesOverPaddle(paddle)
    stations, onnx = build_stations(), build_stations(engine="onnxruntime")
    records: list[Record] = []
    ways: dict[str, Timed] = {
        OURS: lambda document: records.append(document_to_record(document, stations)),
        OURS_ONNX: lambda document: _discard(document_to_record(document, onnx)),
        PADDLE: lambda document: _discard([paddle.read(image) for image in document.images]),
        RAPID: lambda document: _discard([rapid.read(image) for image in document.images]),
        IMG2TABLE: lambda document: _discard([tables.read(image) for image in document.images]),
    }
    for run in ways.values():
        run(documents[0])
    records.clear()
    laps = time_ways(ways, documents, repeats=1 if quick else 3)
    pages = born_digital_ms(stations)
    cold = cold_start_seconds(documents[0].path)
    parts = [
        figures_to_markdown(way_figures(laps)),
        figures_to_markdown(
            Figures(
                ("beside it", "measured", "asked"),
                (
                    (
                        "share of the page that is not OCR",
                        f"{other_share(laps, records):.1%}",
                        "≤ 20 %",
                    ),
                    ("a born-digital page", f"{pages:.0f} ms", "≤ 150 ms"),
                    ("cold process to the first page read", f"{cold:.1f} s", "≤ 4 s"),
                ),
            )
        ),
        figures_to_markdown(station_figures(laps, records)),
    ]
    data = {
        "seconds_a_page": seconds_by_way(laps),
        "not_ocr": other_share(laps, records),
        "born_digital_ms": pages,
        "cold_start_s": cold,
    }
    return Section("speed", "Speed", "\n\n".join(parts), data)


def read_documents(levels: Sequence[str]) -> list[Document]:
    documents = []
    for _, path, _ in samples_by_level(levels):
        source = read_source(path)
        pages = list(read_pages(source.data, source.name))
        images = tuple(page.image for page in pages if not isinstance(page, FormloopError))
        documents.append(Document(path, images))
    return documents


def document_to_record(document: Document, stations: Stations) -> Record:
    """All of it: the file from the disk, and the record as JSON."""
    record = extract_document(read_source(document.path), stations).record
    record_to_json(record)
    return record


def time_ways(ways: dict[str, Timed], documents: Sequence[Document], repeats: int) -> list[Lap]:
    """Every way over every document in turn, so that a busy moment meets them all alike."""
    laps = []
    for _ in range(repeats):
        for document in documents:
            for way, run in ways.items():
                start = time.perf_counter()
                run(document)
                seconds = (time.perf_counter() - start) / len(document.images)
                laps.append(Lap(way, document.path.stem, seconds))
    return laps


def born_digital_ms(stations: Stations, repeats: int = 3) -> float:
    """The mean over samples of the median over repeats, from file to record."""
    times = []
    for _, path, _ in samples_by_level((BORN_DIGITAL,)):
        document = Document(path, ())
        laps = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            record = document_to_record(document, stations)
            laps.append(1000 * (time.perf_counter() - start) / len(record.pages))
        times.append(median(laps[1:]))
    return mean(times)


def cold_start_seconds(path: Path) -> float:
    """Median from the start of a process; the first one fills the cache of compiled models."""
    return median([_cold_start(path) for _ in range(COLD_STARTS + 1)][1:])


def _cold_start(path: Path) -> float:
    start = time.time()
    command = [sys.executable, "-m", "benchmarks.cold_start", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1]) - start


def _discard(_: object) -> None:
    pass
