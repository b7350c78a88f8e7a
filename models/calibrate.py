"""Fit the confidences on simulated scans that no model was trained on.

    python -m models.calibrate [--forms 264]

Forms of held-out layouts and faces are scanned at every level and read by the whole road.
Each field and each cell is then right or wrong, and a logistic model from its evidence to
that is fitted. What is reported, and kept for the promise, are the confidences of documents
that the fit did not see: the documents are parted, and each part is judged by a fit of the
others.
"""

from __future__ import annotations

import argparse
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
    field_features,
    fit_logistic,
    save_calibrator,
)
from extraction.declarations import FormDeclaration, load_declarations
from extraction.fields.drafts import path_to_name
from extraction.fields.find import find_drafts
from extraction.fields.surroundings import find_surroundings, grid_doubt
from extraction.grid.join import join_grids
from extraction.record import checks_by_path
from extraction.values import Check, Grid, LabelledWord, PageReading
from models.aligned_truth import folded, printed_texts
from models.labeller import Labeller
from models.page_reader import read_picture
from models.simulated_fields import (
    SIMULATED_FILE,
    SimulatedDocument,
    SimulatedField,
    write_simulated,
)
from models.synthesis.forms import PrintedForm, make_form
from models.synthesis.levels import LEVEL_NAMES, Level
from models.synthesis.scan import scan_page
from models.synthesis.truth import TableTruth, Truth

FIRST_SEED = 700_000
"""Apart from the seeds of training and of the benchmark."""
LEVELS: tuple[Level, ...] = tuple(level for level in LEVEL_NAMES if level != "skewed")
PRINT_DPI = 200
PARTS = 6
RIDGE = 10.0
"""Fields of one document err together, so there is less to learn from than there are fields."""

Evidence = Mapping[str, float]
Observation = tuple[Evidence, bool]


@dataclass(frozen=True, slots=True)
class ObservedField:
    """``acceptable`` is False where a failed check sends it to a person anyway."""

    kind: str
    evidence: Evidence
    right: bool
    acceptable: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """What one document shows: evidence, and whether the text is right."""

    seed: int
    level: str
    fields: tuple[ObservedField, ...]
    cells: tuple[Observation, ...]


def observe_form(seed: int) -> Observed:
    """Make, scan and read the form of the seed; compare it with what was printed."""
    form = make_form(seed, "test", dpi=PRINT_DPI)
    readings = read_form(form, level_of(seed))
    cells = tuple(observe_cells(readings, form.truth.tables))
    return Observed(seed, level_of(seed), observe_fields(readings, form.truth), cells)


def level_of(seed: int) -> Level:
    return LEVELS[seed % len(LEVELS)]


def read_form(form: PrintedForm, level: Level) -> list[PageReading]:
    """The form's pages scanned at the level and read; its seed draws the scan as well."""
    rng = np.random.default_rng([form.seed, 79])
    readings = []
    for page in form.pages:
        scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)
        _, reading = read_picture(page.number, scan.image, scan.dpi)
        readings.append(reading)
    return readings


def observe_fields(readings: Sequence[PageReading], truth: Truth) -> tuple[ObservedField, ...]:
    """The fields of a form of a declared type, none of another."""
    declaration = _declarations().get(truth.form_type)
    if declaration is None:
        return ()
    return tuple(observe_labelled(declaration, readings, _labeller().label(readings), truth))


def observe_labelled(
    declaration: FormDeclaration,
    readings: Sequence[PageReading],
    labelled_words: Sequence[LabelledWord],
    truth: Truth,
) -> Iterator[ObservedField]:
    grids = join_grids(readings)
    loose = [word for reading in readings for word in reading.loose_words]
    labelled = {word.word: word for word in labelled_words}
    drafts = find_drafts(declaration, grids, loose, labelled)
    checks = run_checks(declaration, drafts)
    touching = checks_by_path(checks)
    around = find_surroundings(declaration, grids, drafts)
    rows = {
        group: [{column: draft.text for column, draft in row.items()} for row in found]
        for group, found in drafts.groups.items()
    }
    printed, kinds = printed_texts(truth, rows), _kinds(declaration)
    for path, draft in drafts.paths():
        if draft.source is not None:
            own: tuple[Check, ...] = touching.get(path, ())
            yield ObservedField(
                kind=kinds[path_to_name(path)],
                evidence=field_features(draft, own, around[path]),
                right=folded(draft.text) == folded(printed.get(path, "")),
                acceptable=all(check.passed is not False for check in own),
            )


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


def fit_in_parts(
    names: Sequence[str], observed: Sequence[Sequence[Observation]], parts: int = PARTS
) -> tuple[LogisticModel, list[NDArray[np.float64]]]:
    """The model of all documents, and of each one's observations the chance to be right by
    a model of those documents that are not of its part."""
    chances: list[NDArray[np.float64]] = [np.zeros(0)] * len(observed)
    for part in range(parts):
        training = [one for number, one in enumerate(observed) if number % parts != part]
        model = fit_logistic(names, *_matrix(names, training), RIDGE)
        for number in range(part, len(observed), parts):
            chances[number] = np.array(
                [model.probability(evidence) for evidence, _ in observed[number]]
            )
    return fit_logistic(names, *_matrix(names, observed), RIDGE), chances


def figures_of(
    observed: Sequence[Sequence[Observation]], chances: Sequence[NDArray[np.float64]]
) -> str:
    right = np.array([right for document in observed for _, right in document])
    chance = np.concatenate(chances)
    return (
        f"{len(right)} of documents not seen by the fit, {right.mean():.4f} right, "
        f"calibration error {calibration_error(chance, right):.4f}, "
        f"Brier score {np.mean((chance - right) ** 2):.4f}"
    )


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


def observed_to_simulated(
    observed: Sequence[Observed], chances: Sequence[NDArray[np.float64]]
) -> tuple[SimulatedDocument, ...]:
    return tuple(
        SimulatedDocument(
            f"{one.level}-{one.seed}",
            one.level,
            tuple(
                SimulatedField(field.kind, float(chance), field.right, field.acceptable)
                for field, chance in zip(one.fields, own, strict=True)
            ),
        )
        for one, own in zip(observed, chances, strict=True)
        if one.fields
    )


def field_observations(observed: Observed) -> tuple[Observation, ...]:
    return tuple((field.evidence, field.right) for field in observed.fields)


def _kinds(declaration: FormDeclaration) -> Mapping[str, str]:
    kinds: dict[str, str] = {item.name: item.kind for item in declaration.fields}
    for group in declaration.groups:
        kinds |= {f"{group.name}.{column.name}": column.kind for column in group.columns}
    return kinds


@lru_cache(maxsize=1)
def _labeller() -> Labeller:
    return Labeller(threads=1)


@lru_cache(maxsize=1)
def _declarations() -> dict[str, FormDeclaration]:
    return {declaration.name: declaration for declaration in load_declarations()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the confidences on simulated scans.")
    parser.add_argument("--forms", type=int, default=240)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--simulated", type=Path, default=SIMULATED_FILE)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.forms)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        observed = list(pool.map(observe_form, seeds))
    print(write_calibration(observed, options.out, options.simulated))


def write_calibration(observed: Sequence[Observed], out: Path, simulated: Path) -> str:
    """Fits and writes both files; what the fit was made from and how good it is."""
    with_fields = [one for one in observed if one.fields]
    fields = [field_observations(one) for one in with_fields]
    cells = [one.cells for one in observed]
    field_model, field_chances = fit_in_parts(FIELD_FEATURES, fields)
    cell_model, cell_chances = fit_in_parts(CELL_FEATURES, cells)
    origin = (
        f"fitted on {len(observed)} simulated scans of held-out layouts and faces, levels "
        f"{', '.join(LEVELS)}; fields: {figures_of(fields, field_chances)}; "
        f"cells: {figures_of(cells, cell_chances)}"
    )
    save_calibrator(Calibrator(field_model, cell_model, origin), out)
    write_simulated(observed_to_simulated(with_fields, field_chances), simulated)
    return origin


if __name__ == "__main__":
    main()
