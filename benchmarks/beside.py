"""The cells of the field's other tool beside ours, on the same pages of the samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measures import Counts, count_cells, pair_tables
from benchmarks.others import find_img2table_cells
from benchmarks.quality import BORN_DIGITAL, read_source, samples_by_level, total
from benchmarks.report import Figures, Section, figures_to_markdown, share
from benchmarks.truth import TableText, cells_by_page, read_truth, record_cells
from extraction.errors import FormloopError
from extraction.pages.read import read_pages
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations, extract_document

OURS, PLAIN, IMPLICIT = "formloop", "img2table", "img2table, implicit rows and columns"
WAYS = (OURS, PLAIN, IMPLICIT)

CellsByPage = dict[int, tuple[TableText, ...]]


@dataclass(frozen=True, slots=True)
class PageCounts:
    level: str
    way: str
    counts: Counts


def measure_others(stations: Stations, levels: Sequence[str]) -> Section:
    scans = [level for level in levels if level != BORN_DIGITAL]
    found = list(read_samples(stations, scans))
    rows = []
    data: dict[str, object] = {}
    for level in scans:
        f1 = {
            way: total(c.counts for c in found if (c.level, c.way) == (level, way)).structure_f1
            for way in WAYS
        }
        data[level] = f1
        rows.append((level, *(share(f1[way]) for way in WAYS)))
    body = figures_to_markdown(Figures(("share of cells with right spans, F1", *WAYS), tuple(rows)))
    return Section("others", "Cells, beside the field's", body, data)


def read_samples(stations: Stations, levels: Sequence[str]) -> Iterator[PageCounts]:
    for level, path, truth_path in samples_by_level(levels):
        source = read_source(path)
        truth = cells_by_page(read_truth(truth_path).cells)
        record = extract_document(source, stations).record
        found = {
            OURS: cells_by_page(record_cells(record)),
            PLAIN: source_to_cells(source, implicit=False),
            IMPLICIT: source_to_cells(source, implicit=True),
        }
        for page, true in truth.items():
            for way, pages in found.items():
                cells = pair_tables(pages.get(page, ()), true)
                yield PageCounts(level, way, count_cells(cells, true))


def source_to_cells(source: SourceFile, *, implicit: bool) -> CellsByPage:
    return {
        page.number: find_img2table_cells(page.image, page.number, implicit=implicit)
        for page in read_pages(source.data, source.name)
        if not isinstance(page, FormloopError)
    }
