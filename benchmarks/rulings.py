"""Ablation: the grid from the ruling network's evidence, from classical image processing in
the network's place, and from img2table, on unseen synthetic scans.

python -m benchmarks.rulings [--per-level 6] [--levels office200,photo] [--out docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from benchmarks.classical_rulings import see_classical_rulings
from benchmarks.measures import Counts, count_cells, pair_tables
from benchmarks.others import find_img2table_cells
from benchmarks.quality import total
from benchmarks.report import Figures, Section, figures_to_markdown, share, write_sections
from benchmarks.synthetic import UnseenForm, form_rng, print_form, printed_truth, unseen_forms
from benchmarks.truth import TableText, cells_by_page
from extraction.engines import available_threads, choose_engine
from extraction.grid.sides import RulingModels, load_ruling_models
from extraction.pages.upright import find_upright
from extraction.pipeline import find_grids
from extraction.values import RawPage
from models.synthesis.levels import LEVEL_NAMES, Level
from models.synthesis.scan import scan_page

JUDGED, NETWORK = "network and judge", "network alone"
CLASSICAL, IMG2TABLE = "classical strips", "img2table"
RULED = {"full", "open"}

CellFinder = Callable[[RawPage], tuple[TableText, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way's cells of one page, counted, and the time they took."""

    way: str
    level: str
    counts: Counts
    seconds: float


def measure_rulings(per_level: int, levels: Sequence[Level] = LEVEL_NAMES) -> Section:
    models = load_ruling_models(choose_engine(), available_threads())
    ways: dict[str, CellFinder] = {
        JUDGED: lambda raw: find_cells(raw, models),
        NETWORK: lambda raw: find_cells(raw, replace(models, sides=None)),
        CLASSICAL: lambda raw: find_cells(raw, RulingModels(see_classical_rulings, None)),
        IMG2TABLE: lambda raw: find_img2table_cells(raw.image, raw.number),
    }
    readings = [
        reading
        for form in unseen_forms(per_level, tuple(levels))
        for reading in read_form(form, ways)
    ]
    data = {
        way: {level: total(_counts(readings, way, level)).structure_f1 for level in levels}
        for way in ways
    }
    body = figures_to_markdown(level_figures(readings, tuple(ways), levels))
    return Section("rulings", "Where the grid comes from", body, data)


def read_form(form: UnseenForm, ways: dict[str, CellFinder]) -> Iterator[Reading]:
    """All ways over all pages of a form; forms that are not ruled throughout give none."""
    printed = print_form(form)
    if not {table.ruling for table in printed.truth.tables} <= RULED:
        return
    truth = cells_by_page(printed_truth(printed, form).cells)
    rng = form_rng(form)
    for page in printed.pages:
        scan = scan_page(page.image, page.dpi, form.level, rng, edges=page.edges)
        raw = RawPage(page.number, scan.image, scan.dpi)
        true = truth.get(page.number, ())
        for way, find in ways.items():
            start = time.perf_counter()
            found = pair_tables(find(raw), true)
            seconds = time.perf_counter() - start
            yield Reading(way, form.level, count_cells(found, true), seconds)


def find_cells(raw: RawPage, models: RulingModels) -> tuple[TableText, ...]:
    """Our own road as far as the grid, with ``models`` to see the rulings."""
    page = find_upright(raw, None)
    _, _, grids = find_grids(page, raw, models)
    return tuple(
        TableText(number, cell.row, cell.column, cell.rowspan, cell.colspan, "", raw.number)
        for number, grid in enumerate(grids)
        for cell in grid.cells
    )


def level_figures(
    readings: Sequence[Reading], ways: Sequence[str], levels: Sequence[str]
) -> Figures:
    rows = []
    for level in (*levels, "all"):
        pages = sum(
            reading.way == ways[0] and level in (reading.level, "all") for reading in readings
        )
        f1 = [share(total(_counts(readings, way, level)).structure_f1) for way in ways]
        rows.append((level, str(pages), *f1))
    times = [[r.seconds for r in readings if r.way == way] for way in ways]
    seconds = [f"{sum(each) / max(1, len(each)):.2f}" for each in times]
    rows.append(("seconds a page", "", *seconds))
    return Figures(("structure F1 at level", "pages", *ways), tuple(rows))


def _counts(readings: Sequence[Reading], way: str, level: str) -> list[Counts]:
    return [r.counts for r in readings if r.way == way and level in (r.level, "all")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-level", type=int, default=6)
    parser.add_argument("--levels", default=",".join(LEVEL_NAMES))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    levels = cast("list[Level]", options.levels.split(","))
    section = measure_rulings(options.per_level, levels)
    print(section.body, file=sys.stdout)
    if options.out is not None:
        write_sections([section], options.out)


if __name__ == "__main__":
    main()
