"""Forms of unseen layouts scanned and read once, kept as JSON lines to learn from often."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from annotation.simulated import TrueForm
from benchmarks.learning_layouts import DATA, draw_layout
from benchmarks.review import truth_to_form
from benchmarks.truth import Truth
from extraction.grid.sides import RulingModels, load_ruling_models
from extraction.json_values import Json, JsonObject, as_list, as_number, as_object
from extraction.ocr.reader import Reader
from extraction.pipeline import read_page
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.values import Box, Cell, Grid, Page, PageReading, RawPage, Word, boxes_union
from models.dataset import ASCENT, DESCENT
from models.synthesis.levels import LEVEL_NAMES, Level
from models.synthesis.placed import PlacedCell, PlacedPage, PlacedText
from models.synthesis.placement import form_to_pages
from models.synthesis.rendering import PrintedPage, page_to_printed
from models.synthesis.scan import Scan, scan_page
from models.synthesis.specification import KEY, OTHER, FormSpec

FIRST_SEED: Final = 960_000
PRINT_DPI: Final = 300
POINTS: Final = 72.0
LEVELS: Final[tuple[Level, ...]] = ("clean300", "office200")
"""In turn: what an office sends in. What is misread stays wrong whatever was learnt."""

Places = Mapping[str, tuple[int, Box]]


@dataclass(frozen=True, slots=True)
class ReadForm:
    """A scanned form: what was read, what is printed, and where (by path)."""

    family: str
    seed: int
    readings: tuple[PageReading, ...]
    truth: Truth
    places: Places

    @property
    def true_form(self) -> TrueForm:
        form = truth_to_form(self.truth)
        return TrueForm(form.fields, form.groups, self.places)


def read_all(family: str, numbers: range, folder: Path, processes: int = 1) -> list[ReadForm]:
    """The forms of these numbers; those that were read before are taken from ``folder``."""
    path = folder / f"{family}-{_layouts_digest()}.jsonl"
    known = dict(_kept(path))
    missing = [number for number in numbers if FIRST_SEED + number not in known]
    for form in _read_many(family, missing, processes):
        known[form.seed] = form
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(form_to_json(form), ensure_ascii=False) + "\n")
    return [known[FIRST_SEED + number] for number in numbers]


def _read_many(family: str, numbers: Sequence[int], processes: int) -> Iterator[ReadForm]:
    if processes <= 1 or len(numbers) <= 1:
        yield from (read_form(family, FIRST_SEED + number) for number in numbers)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(partial(read_form, family), [FIRST_SEED + n for n in numbers])


def read_form(family: str, seed: int) -> ReadForm:
    """Draw, print, scan and read the form of the seed."""
    spec = draw_layout(family, seed)
    level = LEVELS[seed % len(LEVELS)]
    rng = np.random.default_rng([seed, LEVEL_NAMES.index(level)])
    readings: list[PageReading] = []
    places: dict[str, tuple[int, Box]] = {}
    for number, placed in enumerate(form_to_pages(spec), start=1):
        printed = page_to_printed(placed, PRINT_DPI)
        scan = scan_page(printed.image, printed.dpi, level, rng, edges=printed.edges)
        page, reading = read_page(RawPage(number, scan.image, scan.dpi), *_stations())
        readings.append(reading)
        for path, box in _find_places(printed, scan, page):
            places.setdefault(path, (number, box))
    return ReadForm(family, seed, tuple(readings), spec_to_truth(spec), _share_merged(spec, places))


def print_form(family: str, seed: int, dpi: float = 200.0) -> ReadForm:
    """The form of the seed as a perfect reader would read it."""
    spec = draw_layout(family, seed)
    readings: list[PageReading] = []
    places: dict[str, tuple[int, Box]] = {}
    for page in form_to_pages(spec):
        readings.append(_page_to_reading(page, dpi))
        boxes = [(cell.label, _scaled(cell, dpi)) for cell in page.cells if cell.text]
        boxes += [(text.label, _line_box(text, dpi)) for text in page.texts if text.cell is None]
        for path, box in boxes:
            if path not in (KEY, OTHER):
                places.setdefault(path, (page.number, box))
    return ReadForm(family, seed, tuple(readings), spec_to_truth(spec), _share_merged(spec, places))


def _page_to_reading(page: PlacedPage, dpi: float) -> PageReading:
    def word(text: PlacedText) -> Word:
        return Word(text.text, _line_box(text, dpi), 0.99, 0.98, page.number)

    inside = defaultdict(list)
    for text in page.texts:
        if text.cell is not None and text.text:
            inside[text.cell].append(word(text))
    grids = []
    for table in sorted({cell.table for cell in page.cells}):
        cells = tuple(
            Cell(
                *(cell.row, cell.column, cell.rowspan, cell.colspan, _scaled(cell, dpi)),
                page.number,
                tuple(inside[number]),
                continues=cell.continues,
            )
            for number, cell in enumerate(page.cells)
            if cell.table == table
        )
        rows, columns = max(c.rows.stop for c in cells), max(c.columns.stop for c in cells)
        grids.append(Grid(rows, columns, cells))
    loose = tuple(word(text) for text in page.texts if text.cell is None and text.text)
    size = (round(page.width * dpi / POINTS), round(page.height * dpi / POINTS))
    return PageReading(page.number, *size, dpi, "ocr", tuple(grids), loose)


def _scaled(cell: PlacedCell, dpi: float) -> Box:
    return Box(*(side * dpi / POINTS for side in (cell.x0, cell.top, cell.x1, cell.bottom)))


def _line_box(text: PlacedText, dpi: float) -> Box:
    top, bottom = text.baseline - ASCENT * text.size_pt, text.baseline + DESCENT * text.size_pt
    return Box(*(side * dpi / POINTS for side in (text.x, top, text.x + text.width, bottom)))


def spec_to_truth(spec: FormSpec) -> Truth:
    """Without cells: where a value belongs is measured, not how tables are built."""
    fields = dict(spec.fields)
    for group, rows in spec.groups.items():
        for number, row in enumerate(rows):
            fields |= {f"{group}[{number}].{name}": text for name, text in row.items()}
    return Truth(spec.form_type, fields, {g: len(rows) for g, rows in spec.groups.items()}, ())


def _find_places(printed: PrintedPage, scan: Scan, page: Page) -> Iterator[tuple[str, Box]]:
    """Each value's cell or line on the upright page, a little smaller than its ruling."""
    boxes = [(cell.label, cell.box) for cell in printed.cells if cell.text]
    boxes += [(line.label, line.box) for line in printed.lines if line.cell is None]
    for label, box in boxes:
        if label not in (KEY, OTHER):
            yield label, _moved(box.padded(-4.0), scan, page)


def _moved(box: Box, scan: Scan, page: Page) -> Box:
    corners = np.array([(x, y) for x in (box.x0, box.x1) for y in (box.top, box.bottom)])
    moved = _project(page.from_source, scan.forward(corners))
    return boxes_union(Box(x, y, x, y) for x, y in moved.tolist())


def _project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def _share_merged(spec: FormSpec, places: Places) -> Places:
    """Rows that a merged cell covers stand where it does."""
    shared = dict(places)
    for group, rows in spec.groups.items():
        for number, row in enumerate(rows):
            for name, text in row.items():
                path, above = f"{group}[{number}].{name}", f"{group}[{number - 1}].{name}"
                if text and path not in shared and above in shared:
                    shared[path] = shared[above]
    return shared


@lru_cache(maxsize=1)
def _stations() -> tuple[RulingModels, Reader]:
    reader = Reader(threads=1)
    return load_ruling_models(reader.engine, 1), reader


def _layouts_digest() -> str:
    return hashlib.sha256((DATA / "layouts.yaml").read_bytes()).hexdigest()[:8]


# --- kept on disk ------------------------------------------------------------------------


def form_to_json(form: ReadForm) -> JsonObject:
    places: JsonObject = {path: [page, *box] for path, (page, box) in form.places.items()}
    return {
        "family": form.family,
        "seed": form.seed,
        "readings": [reading_to_json(reading) for reading in form.readings],
        "form_type": form.truth.form_type,
        "fields": {**form.truth.fields},
        "groups": {**form.truth.groups},
        "places": places,
    }


def json_to_form(stored: Mapping[str, Json]) -> ReadForm:
    fields = {path: str(text) for path, text in as_object(stored["fields"]).items()}
    groups = {name: int(as_number(rows)) for name, rows in as_object(stored["groups"]).items()}
    places = {}
    for path, place in as_object(stored["places"]).items():
        page, *box = (as_number(one) for one in as_list(place))
        places[path] = int(page), Box(*box)
    return ReadForm(
        family=str(stored["family"]),
        seed=int(as_number(stored["seed"])),
        readings=tuple(reading_from_json(as_object(one)) for one in as_list(stored["readings"])),
        truth=Truth(str(stored["form_type"]), fields, groups, ()),
        places=places,
    )


def _kept(path: Path) -> Iterator[tuple[int, ReadForm]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.endswith("}"):
            form = json_to_form(cast("JsonObject", json.loads(line)))
            yield form.seed, form
