"""Documents for the simulated promise: scans read by the whole road, each field right or wrong.

Reading costs seconds a form, so what was observed is kept under ``build/`` as JSON lines, one
document each, and made again only when it is missing or the evidence is another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from annotation.promise import NEVER, confidences_to_levels
from annotation.quality import find_quality
from extraction.confidence import FIELD_FEATURES, Calibrator
from extraction.declarations import load_declarations
from models.calibrate import Observed, ObservedField, observe_form
from models.reliability import JudgedField
from models.synthesis.forms import draw_form

FIRST_SEED = 740_000
"""Apart from the seeds of training, of the calibration and of the other benchmarks."""
FORMS = 132
OBSERVED = Path(__file__).parents[1] / "build" / "promise" / "observed.jsonl"
_DIGITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Fields of all documents in one row: document ``d`` has those from ``starts[d]`` to
    ``starts[d + 1]``. ``levels`` are those of ``annotation.promise``, ``scores`` the mean OCR
    score of the field's words (1 where nothing stands), ``qualities`` those of
    ``annotation.quality``, one a document."""

    scans: NDArray[np.str_]
    starts: NDArray[np.int64]
    levels: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    scores: NDArray[np.float64]
    judged: tuple[JudgedField, ...]
    qualities: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.starts)


def find_observed(forms: int, processes: int, path: Path = OBSERVED) -> tuple[Observed, ...]:
    """Documents of declared types among ``forms`` forms; read anew where not yet kept."""
    known = {one.seed: one for one in read_observed(path)}
    declared = {declaration.name for declaration in load_declarations()}
    missing = [
        seed
        for seed in range(FIRST_SEED, FIRST_SEED + forms)
        if seed not in known and draw_form(seed, "test").form_type in declared
    ]
    if missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
            path.open("a" if known else "w", encoding="utf-8") as out,
        ):
            for one in pool.map(observe_form, missing):
                known[one.seed] = one
                out.write(observed_to_line(one))
                out.flush()
    return tuple(known[seed] for seed in sorted(known) if known[seed].fields)


def read_observed(path: Path) -> Iterator[Observed]:
    """Those kept with the evidence that this code takes."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    stored = [json.loads(line) for line in lines]
    if any(one["features"] != list(FIELD_FEATURES) for one in stored):
        return
    for one in stored:
        rows = zip(one["kinds"], one["evidence"], one["right"], one["acceptable"], strict=True)
        fields = tuple(
            ObservedField(
                kind, dict(zip(FIELD_FEATURES, row, strict=True)), bool(right), bool(accepted)
            )
            for kind, row, right, accepted in rows
        )
        yield Observed(one["seed"], one["level"], fields, ())


def observed_to_line(one: Observed) -> str:
    stored = {
        "seed": one.seed,
        "level": one.level,
        "features": list(FIELD_FEATURES),
        "kinds": [field.kind for field in one.fields],
        "right": [int(field.right) for field in one.fields],
        "acceptable": [int(field.acceptable) for field in one.fields],
        "evidence": [
            [round(field.evidence[name], _DIGITS) for name in FIELD_FEATURES]
            for field in one.fields
        ],
    }
    return json.dumps(stored, separators=(",", ":")) + "\n"


def observed_to_population(documents: Sequence[Observed], calibrator: Calibrator) -> Population:
    fields = [field for document in documents for field in document.fields]
    confidences = [calibrator.field.probability(field.evidence) for field in fields]
    levels = np.array(confidences_to_levels(confidences))
    acceptable = np.array([field.acceptable for field in fields])
    blank = np.array([field.evidence["blank"] > 0 for field in fields])
    starts = np.cumsum([0, *(len(document.fields) for document in documents)])
    scores = expit(np.array([field.evidence["score"] for field in fields]))
    return Population(
        scans=np.array([document.level for document in documents]),
        starts=starts,
        levels=np.where(acceptable, levels, NEVER),
        wrong=np.array([not field.right for field in fields]),
        scores=np.where(blank, 1.0, scores),
        judged=tuple(
            JudgedField(field.kind, confidence, field.right)
            for field, confidence in zip(fields, confidences, strict=True)
        ),
        qualities=np.array(
            [find_quality(confidences[start:end]) for start, end in pairwise(starts)]
        ),
    )
