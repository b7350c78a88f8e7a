"""Confidences set right by what people found: the same order of fields, other numbers.

Corrections hold a field's confidence and whether its text was right, but not the evidence, so
the log odds of the shipped calibration are stretched and moved. Little data changes little:
the shipped one is what is believed beforehand, and it stays where documents that the fit did
not see say that the fit is worse.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from extraction.confidence import Calibrator, load_calibrator
from extraction.errors import ModelError
from extraction.json_values import JsonObject, as_number, as_object
from models.audited_fields import (
    AuditedField,
    as_the_base_said,
    confidence_to_odds,
    stretch_confidence,
)
from models.registry import CALIBRATION_FILE
from models.reliability import JudgedField, measure_reliability

LEAST_FIELDS: Final = 200
LEAST_DOCUMENTS: Final = 20
"""With fewer fields, or fields of fewer documents, the base stays as it is."""
PARTS: Final = 5
_PRIOR: Final = 20.0
"""How much data the base outweighs: so many fields that speak clearly."""
_STEPS: Final = 50


class RefitOutcome(StrEnum):
    TAKEN = "taken"
    TOO_FEW = "too_few"
    """Too little was judged."""
    WORSE = "worse"
    """On documents that a fit did not see, the base is nearer to what people found."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How far the confidences are from what people found, on documents that the fit of them
    did not see: the base's before, the refitted ones after."""

    error_before: float
    error_after: float
    brier_before: float
    brier_after: float

    @property
    def is_worse(self) -> bool:
        return self.error_after > self.error_before or self.brier_after > self.brier_before


@dataclass(frozen=True, slots=True)
class Refit:
    """What came of it. ``calibrator`` is the base unless it was taken. ``fields`` and
    ``documents`` are what it was fitted to, ``left_out`` the fields of which it cannot be told
    what the base said. ``slope`` and ``offset`` are the fit's, 1 and 0 where none was made."""

    calibrator: Calibrator
    outcome: RefitOutcome
    fields: int
    documents: int
    left_out: int
    slope: float = 1.0
    offset: float = 0.0
    held_out: HeldOut | None = None


def refit(base: Calibrator, audited: Sequence[AuditedField]) -> Refit:
    """Confidences that fit what was audited and corrected, if that can be shown."""
    known = as_the_base_said(audited, base.name)
    documents = len({one.document for one in known})
    found = Refit(
        base, RefitOutcome.TOO_FEW, len(known), documents, left_out=len(audited) - len(known)
    )
    if len(known) < LEAST_FIELDS or documents < LEAST_DOCUMENTS:
        return found
    # As many digits as the name has, so that the name says just what was done.
    slope, offset = (round(number, 4) for number in fit_stretch([one.judged for one in known]))
    held_out = _compare(known)
    found = replace(found, slope=slope, offset=offset, held_out=held_out)
    if held_out.is_worse:
        return replace(found, outcome=RefitOutcome.WORSE)
    told = f"log odds × {slope:.4f} {offset:+.4f} by {len(known)} audited and corrected fields"
    origin = f"{base.origin}; {told} of {documents} documents"
    calibrator = base.stretched(slope, offset, origin)
    return replace(found, outcome=RefitOutcome.TAKEN, calibrator=calibrator)


def fit_stretch(judged: Sequence[JudgedField]) -> tuple[float, float]:
    """Slope (above 0) and offset of the log odds that make what was found most likely.

    Weights are scaled so that all together count as many findings as they are worth: a field
    that stands for fifty others does not speak for fifty.
    """
    odds = np.array([confidence_to_odds(field.confidence) for field in judged])
    right = np.array([field.right for field in judged], dtype=np.float64)
    weight = np.array([field.weight for field in judged])
    weight = weight * weight.sum() / (weight @ weight)
    # The slope as a power keeps it above 0; both are pulled to the base, (0, 0).
    power, offset = 0.0, 0.0
    for _ in range(_STEPS):
        step = _newton_step(odds, right, weight, (power, offset))
        power, offset = power + step[0], offset + step[1]
        if np.abs(step).max() < 1e-9:
            break
    return float(np.exp(power)), float(offset)


def _newton_step(
    odds: NDArray[np.float64],
    right: NDArray[np.float64],
    weight: NDArray[np.float64],
    at: tuple[float, float],
) -> NDArray[np.float64]:
    power, offset = at
    stretched = np.exp(power) * odds
    chance = scipy.special.expit(stretched + offset)
    surprise = weight * (right - chance)
    gradient = np.array([surprise @ stretched, surprise.sum()]) - _PRIOR * np.array(at)
    design = np.column_stack([stretched, np.ones(len(odds))])
    spread = weight * np.maximum(chance * (1.0 - chance), 1e-9)
    curvature = (design.T * spread) @ design + _PRIOR * np.eye(2)
    step: NDArray[np.float64] = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
    return step


def _compare(known: Sequence[AuditedField]) -> HeldOut:
    """Each document's fields by a fit of those of the other parts."""
    names = sorted({one.document for one in known})
    parts = {name: number % PARTS for number, name in enumerate(names)}
    fitted: list[JudgedField] = []
    for part in range(PARTS):
        slope, offset = fit_stretch([o.judged for o in known if parts[o.document] != part])
        mine = [one.judged for one in known if parts[one.document] == part]
        fitted += [
            replace(field, confidence=stretch_confidence(field.confidence, slope, offset))
            for field in mine
        ]
    before = measure_reliability([one.judged for one in known])
    after = measure_reliability(fitted)
    return HeldOut(before.calibration_error, after.calibration_error, before.brier, after.brier)


def refit_to_json(found: Refit) -> JsonObject:
    """What a version's folder tells of its confidences."""
    held_out = found.held_out
    figures: JsonObject = {} if held_out is None else {
        "error_before": round(held_out.error_before, 5),
        "error_after": round(held_out.error_after, 5),
        "brier_before": round(held_out.brier_before, 5),
        "brier_after": round(held_out.brier_after, 5),
    }  # fmt: skip
    return {
        "calibration": found.calibrator.name,
        "outcome": str(found.outcome),
        "fields": found.fields,
        "documents": found.documents,
        "left_out": found.left_out,
        "slope": found.slope,
        "offset": found.offset,
        **figures,
    }


def refit_to_words(found: Refit) -> str:
    """For the model card."""
    judged = f"{found.fields} judged fields of {found.documents} documents"
    if found.held_out is None:
        return (
            f"as shipped: {judged} are too few to set them right"
            f" ({LEAST_FIELDS} of {LEAST_DOCUMENTS} are needed)"
        )
    one = found.held_out
    figures = (
        f"calibration error {one.error_before:.4f} → {one.error_after:.4f}, "
        f"Brier score {one.brier_before:.4f} → {one.brier_after:.4f} "
        "on documents that the fit did not see"
    )
    stretch = f"log odds × {found.slope:.4f} {found.offset:+.4f}"
    if found.outcome == RefitOutcome.WORSE:
        return f"as shipped: {stretch}, by {judged}, makes them no better ({figures})"
    return f"the shipped ones' {stretch}, by {judged}; {figures}"


def write_refit(found: Refit, path: Path) -> None:
    """Write what was taken: not the numbers of the base, which may be newer than the version
    when it is read."""
    stretch = found.calibrator.stretch
    if stretch is None:
        raise ValueError("nothing was taken, so there is nothing to write")
    stored = {"origin": found.calibrator.origin, "base": stretch.base, **refit_to_json(found)}
    path.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def find_calibrator(version: Path | None) -> Calibrator:
    """The shipped confidences, set right as the version in that folder says."""
    own = None if version is None else version / CALIBRATION_FILE
    return load_refitted(own) if own is not None and own.is_file() else load_calibrator()


def load_refitted(path: Path) -> Calibrator:
    """The shipped confidences as a version's file sets them right; ModelError for no such file.

    Where others are shipped by now, those as they are: it was fitted to what the old ones said.
    """
    base = load_calibrator()
    try:
        stored = as_object(json.loads(path.read_text(encoding="utf-8")))
        slope, offset = as_number(stored["slope"]), as_number(stored["offset"])
        of_base, origin = str(stored["base"]), str(stored["origin"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"no usable calibration: {error!r}", name=str(path)) from error
    return base.stretched(slope, offset, origin) if of_base == base.name else base
