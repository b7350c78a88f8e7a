"""Fit the confidences on simulated scans that no model was trained on.

    python -m models.calibrate [--forms 132]

Forms of held-out layouts and faces are scanned at every level and read by the whole road.
Each field and each cell is then right or wrong, and a logistic model from its evidence to
that is fitted. The reported error is that of documents the fit did not see.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extraction.checks import run_checks
from extraction.confidence import (
    CALIBRATION_FILE,
    CELL_FEATURES,
    FIELD_FEATURES,
    Calibrator,
    LogisticModel,
    cell_features,
    draft_doubts,
    field_features,
    fit_logistic,
    grid_doubt,
    save_calibrator,
)
from extraction.declarations import FormDeclaration, load_declarations
from extraction.fields.find import find_drafts
from extraction.grid.join import join_grids
from extraction.record import checks_by_path
from extraction.values import Grid, PageReading
from models.labeller import Labeller
from models.page_reader import read_picture
from models.synthesis.forms import make_form
from models.synthesis.levels import LEVEL_NAMES
from models.synthesis.scan import scan_page
from models.synthesis.truth import TableTruth, Truth

FIRST_SEED = 700_000
"""Apart from the seeds of training and of the benchmark."""
LEVELS = tuple(level for level in LEVEL_NAMES if level != "skewed")
PRINT_DPI = 200
HELD_OUT = 4
"""Every fourth form measures the fit of the other three."""

Evidence = Mapping[str, float]
Observation = tuple[Evidence, bool]


@dataclass(frozen=True, slots=True)
class Observed:
    """What one document shows: evidence, and whether the text is right."""

    seed: int
    fields: tuple[Observation, ...]
    cells: tuple[Observation, ...]


def observe_form(seed: int) -> Observed:
    """Make, scan and read the form of the seed; compare it with what was printed."""
    rng = np.random.default_rng([seed, 79])
    level = LEVELS[seed % len(LEVELS)]
    form = make_form(seed, "test", dpi=PRINT_DPI)
    readings = []
    for page in form.pages:
        scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)
        _, reading = read_picture(scan.image, scan.dpi)
        readings.append(reading)
    declaration = _declarations().get(form.truth.form_type)
    fields: tuple[Observation, ...] = ()
    if declaration is not None:
        fields = tuple(observe_fields(declaration, readings, form.truth))
    return Observed(seed, fields, tuple(observe_cells(readings, form.truth.tables)))


def observe_fields(
    declaration: FormDeclaration, readings: Sequence[PageReading], truth: Truth
) -> Iterator[Observation]:
    grids = join_grids(readings)
    loose = [word for reading in readings for word in reading.loose_words]
    labelled = {word.word: word for word in _labeller().label(readings)}
    drafts = find_drafts(declaration, grids, loose, labelled)
    checks = checks_by_path(run_checks(declaration, drafts))
    doubts = draft_doubts(grids, drafts)
    printed = printed_texts(truth)
    for path, draft in drafts.paths():
        if draft.source is not None:
            evidence = field_features(draft, checks.get(path, ()), doubts[path])
            yield evidence, folded(draft.text) == folded(printed.get(path, ""))


def observe_cells(
    readings: Sequence[PageReading], tables: Sequence[TableTruth]
) -> Iterator[Observation]:
    """A cell is right when a table of its page prints that text in just that place."""
    for number, reading in enumerate(readings, start=1):
        printed = {
            (cell.row, cell.column, cell.rowspan, cell.colspan, folded(cell.text))
            for table in tables
            if table.page == number
            for cell in table.cells
        }
        for grid in reading.grids:
            yield from _observe_grid(grid, printed)


def _observe_grid(
    grid: Grid, printed: set[tuple[int, int, int, int, str]]
) -> Iterator[Observation]:
    doubt = grid_doubt(grid)
    for cell in grid.cells:
        key = (cell.row, cell.column, cell.rowspan, cell.colspan, folded(cell.text))
        yield cell_features(cell.words, cell.quality, doubt), key in printed


def printed_texts(truth: Truth) -> dict[str, str]:
    """Texts by path, ``name`` or ``group[row].column``."""
    rows = {
        f"{group}[{number}].{column}": text
        for group, group_rows in truth.groups.items()
        for number, row in enumerate(group_rows)
        for column, text in row.items()
    }
    return {**truth.fields, **rows}


def folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def fit(
    names: Sequence[str], observed: Sequence[Sequence[Observation]]
) -> tuple[LogisticModel, str]:
    """The model of all documents, and how well one of three quarters does on the rest."""
    training = [o for number, o in enumerate(observed) if number % HELD_OUT]
    held_out = [o for number, o in enumerate(observed) if number % HELD_OUT == 0]
    trial = fit_logistic(names, *_matrix(names, training))
    features, right = _matrix(names, held_out)
    chance = np.array([trial.probability(dict(zip(names, row, strict=True))) for row in features])
    figures = (
        f"{len(right)} held out, {right.mean():.4f} right, "
        f"calibration error {calibration_error(chance, right):.4f}, "
        f"Brier score {np.mean((chance - right) ** 2):.4f}"
    )
    return fit_logistic(names, *_matrix(names, observed)), figures


def calibration_error(
    chance: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Expected calibration error over ``bins`` of as many observations each."""
    order = np.argsort(chance)
    parts = np.array_split(order, bins)
    gaps = [
        abs(chance[part].mean() - right[part].mean()) * len(part) for part in parts if len(part)
    ]
    return float(sum(gaps) / len(chance))


def _matrix(
    names: Sequence[str], observed: Sequence[Sequence[Observation]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    flat = [one for document in observed for one in document]
    features = np.array([[evidence[name] for name in names] for evidence, _ in flat])
    return features, np.array([right for _, right in flat])


@lru_cache(maxsize=1)
def _labeller() -> Labeller:
    return Labeller(threads=1)


@lru_cache(maxsize=1)
def _declarations() -> dict[str, FormDeclaration]:
    return {declaration.name: declaration for declaration in load_declarations()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the confidences on simulated scans.")
    parser.add_argument("--forms", type=int, default=132)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.forms)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        observed = list(pool.map(observe_form, seeds))
    field_model, field_figures = fit(FIELD_FEATURES, [o.fields for o in observed])
    cell_model, cell_figures = fit(CELL_FEATURES, [o.cells for o in observed])
    origin = (
        f"fitted on {options.forms} simulated scans of held-out layouts and faces, levels "
        f"{', '.join(LEVELS)}; fields: {field_figures}; cells: {cell_figures}"
    )
    save_calibrator(Calibrator(field_model, cell_model, origin), options.out)
    print(origin)


if __name__ == "__main__":
    main()
