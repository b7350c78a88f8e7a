"""Evidence for a field as numbers, and a logistic model from them to a confidence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from extraction.errors import ModelError
from extraction.fields.drafts import FieldDraft
from extraction.fields.surroundings import SURROUNDING_FEATURES, Around
from extraction.normalise import says_nothing
from extraction.odds import logit
from extraction.values import Check, Route, Word

CALIBRATION_FILE = Path(__file__).parent / "weights" / "calibration.json"

FIELD_FEATURES = (
    "weakest",
    "score",
    "overlooked",
    "label",
    "label_margin",
    "labelled",
    "key",
    "agreement",
    "sides",
    "checks_passed",
    "checks_failed",
    "checks_open",
    "value_fits",
    "value_misfits",
    "blank",
    "length",
    "words",
    *SURROUNDING_FEATURES,
)
CELL_FEATURES = (*("weakest", "score", "overlooked", "sides", "doubt", "blank", "length", "words"),)

LOW_CONFIDENCE = "low_confidence"
MISSING_REQUIRED = "missing_required"
FORM_TYPE_UNSURE = "form_type_unsure"
CHECK_FAILED = "check_failed:"

_NO_SURROUNDINGS: Around = dict.fromkeys(SURROUNDING_FEATURES, 0.0)
_ITERATIONS = 50
_USUAL_SPREADS = 4.0
"""Evidence further from the mean than so many spreads says no more than evidence there."""
MOST_LOG_ODDS = 8.0
"""No evidence of such kinds makes surer than this (0.9997)."""
_NAME_LENGTH = 10


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """``names`` are the features in the order of ``coefficients``.

    A feature below its one of ``lowest`` or above its one of ``highest`` counts as that:
    beyond what the fit has seen, a line is a guess.
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def probability(self, features: Mapping[str, float]) -> float:
        parts = zip(self.names, self.coefficients, self.lowest, self.highest, strict=True)
        total = self.intercept + sum(
            weight * min(max(features[name], low), high) for name, weight, low, high in parts
        )
        return float(scipy.special.expit(min(max(total, -MOST_LOG_ODDS), MOST_LOG_ODDS)))

    def adjusted(self, slope: float, offset: float) -> LogisticModel:
        """The model whose log odds are ``slope`` times these and ``offset`` more."""
        coefficients = tuple(slope * weight for weight in self.coefficients)
        intercept = slope * self.intercept + offset
        return replace(self, coefficients=coefficients, intercept=intercept)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was made of a calibration's log odds of fields: ``slope`` (above 0) times, and
    ``offset`` more. ``base`` is the name of that calibration."""

    base: str
    slope: float
    offset: float

    @property
    def name(self) -> str:
        return f"{self.base}*{self.slope:.4f}{self.offset:+.4f}"


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Confidences of fields and of table cells; ``origin`` says where the numbers are from.

    ``stretch`` is what was made of a shipped one, and is in ``field`` already.
    """

    field: LogisticModel
    cell: LogisticModel
    origin: str
    stretch: Stretch | None = None

    @property
    def name(self) -> str:
        """The same for the same numbers; records keep it, so that what was made of a base can
        be taken back from their confidences."""
        return _numbers_to_name(self) if self.stretch is None else self.stretch.name

    def stretched(self, slope: float, offset: float, origin: str) -> Calibrator:
        """The calibrator whose log odds of fields are ``slope`` times these and ``offset``
        more. ValueError for one that is stretched already: twice is not what was fitted."""
        if self.stretch is not None:
            raise ValueError(f"{self.name} is stretched already; stretch its base")
        stretch = Stretch(self.name, slope, offset)
        return replace(
            self, field=self.field.adjusted(slope, offset), origin=origin, stretch=stretch
        )

    def field_confidence(
        self, draft: FieldDraft, checks: Sequence[Check], around: Around = _NO_SURROUNDINGS
    ) -> float | None:
        """None where the form does not print the field, so that nothing speaks of it."""
        if draft.source is None:
            return None
        return self.field.probability(field_features(draft, checks, around))

    def cell_confidence(self, words: Sequence[Word], quality: float, doubt: float = 0.0) -> float:
        return self.cell.probability(cell_features(words, quality, doubt))


def field_features(
    draft: FieldDraft, checks: Sequence[Check], around: Around = _NO_SURROUNDINGS
) -> Mapping[str, float]:
    """The evidence for a draft; ``checks`` are those that name it, ``around`` is what
    ``find_surroundings`` says of it."""
    label = draft.label
    quantity_misread = bool(draft.text.strip()) and draft.value is None
    return {
        **cell_features(draft.words, draft.quality),
        **around,
        "label": logit(label.probability) if label.words else 0.0,
        "label_margin": label.margin,
        "labelled": float(label.words > 0),
        "key": draft.key_match,
        "agreement": draft.key_match * label.probability,
        "checks_passed": float(any(check.passed for check in checks)),
        "checks_failed": float(any(check.passed is False for check in checks)),
        "checks_open": float(any(check.passed is None for check in checks)),
        "value_fits": float(bool(draft.text.strip()) and not quantity_misread),
        "value_misfits": float(quantity_misread and not says_nothing(draft.text)),
    }


def cell_features(words: Sequence[Word], quality: float, doubt: float = 0.0) -> Mapping[str, float]:
    """The evidence for the text of a cell; ``quality`` is that of its rulings, ``doubt``
    that of its table."""
    length = sum(len(word.text) for word in words)
    scores = [word.score for word in words]
    return {
        "weakest": logit(min((word.weakest for word in words), default=0.5)),
        "score": logit(sum(scores) / len(scores) if scores else 0.5),
        "overlooked": logit(max((word.overlooked for word in words), default=0.0)),
        "sides": logit(quality),
        "doubt": doubt,
        "blank": float(not words),
        "length": math.log1p(length),
        "words": math.log1p(len(words)),
    }


def route(
    confidence: float | None,
    threshold: float,
    failed_checks: Iterable[str],
    *,
    missing_required: bool = False,
    form_type_unsure: bool = False,
) -> tuple[Route, tuple[str, ...]]:
    """Accept or review, and the reasons for a review in a fixed order."""
    reasons = []
    if missing_required:
        reasons.append(MISSING_REQUIRED)
    if confidence is not None and confidence < threshold:
        reasons.append(LOW_CONFIDENCE)
    reasons += [CHECK_FAILED + name for name in dict.fromkeys(failed_checks)]
    if form_type_unsure:
        reasons.append(FORM_TYPE_UNSURE)
    return ("review" if reasons else "accept"), tuple(reasons)


def fit_logistic(
    names: Sequence[str],
    features: NDArray[np.float64],
    right: NDArray[np.bool_],
    ridge: float = 1.0,
) -> LogisticModel:
    """Fit by Newton's method. ``features`` is n × len(names), ``right`` has n entries.

    ``ridge`` weighs the squares of the coefficients of standardised features; columns that
    never vary get 0. Features are cut at ``_USUAL_SPREADS`` from their mean.
    """
    if features.shape != (len(right), len(names)):
        raise ValueError(f"features {features.shape} do not fit {len(right)} × {len(names)}")
    mean, scale = features.mean(axis=0), features.std(axis=0)
    lowest, highest = mean - _USUAL_SPREADS * scale, mean + _USUAL_SPREADS * scale
    features = np.clip(features, lowest, highest)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    varies = scale > 1e-9
    scale = np.where(varies, scale, 1.0)
    design = np.column_stack([np.ones(len(right)), (features - mean) / scale * varies])
    penalty = np.diag([1e-9, *([ridge] * len(names))])
    weights = np.zeros(design.shape[1])
    for _ in range(_ITERATIONS):
        chance = scipy.special.expit(design @ weights)
        gradient = design.T @ (right - chance) - penalty @ weights
        spread = np.maximum(chance * (1.0 - chance), 1e-9)
        step = np.linalg.solve((design.T * spread) @ design + penalty, gradient)
        weights += np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-8:
            break
    coefficients = weights[1:] / scale * varies
    intercept = weights[0] - float(coefficients @ mean)
    return LogisticModel(
        tuple(names),
        tuple(map(float, coefficients)),
        float(intercept),
        tuple(map(float, lowest)),
        tuple(map(float, highest)),
    )


@lru_cache(maxsize=4)
def load_calibrator(path: Path = CALIBRATION_FILE) -> Calibrator:
    """Read a calibration; ModelError where it is missing or does not fit this code."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        field, cell = _to_model(stored["field"]), _to_model(stored["cell"])
        calibrator = Calibrator(field, cell, str(stored["origin"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"no usable calibration: {error}", name=str(path)) from error
    unknown = {*field.names} - {*FIELD_FEATURES} | {*cell.names} - {*CELL_FEATURES}
    if unknown:
        reason = f"knows no features {sorted(unknown)}; fit the calibration again"
        raise ModelError(reason, name=str(path))
    return calibrator


def save_calibrator(calibrator: Calibrator, path: Path) -> None:
    """Write one that is not stretched; a stretch is kept with the version it was made for."""
    document = {"origin": calibrator.origin, **_numbers(calibrator)}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _numbers(calibrator: Calibrator) -> dict[str, object]:
    return {"field": _shown(calibrator.field), "cell": _shown(calibrator.cell)}


def _shown(model: LogisticModel) -> dict[str, object]:
    parts = zip(model.coefficients, model.lowest, model.highest, strict=True)
    rounded = ([round(number, 6) for number in part] for part in parts)
    features = dict(zip(model.names, rounded, strict=True))
    return {"intercept": round(model.intercept, 6), "features": features}


@lru_cache(maxsize=8)
def _numbers_to_name(calibrator: Calibrator) -> str:
    numbers = json.dumps(_numbers(calibrator), sort_keys=True)
    return sha256(numbers.encode()).hexdigest()[:_NAME_LENGTH]


def _to_model(stored: Mapping[str, object]) -> LogisticModel:
    features = stored["features"]
    if not isinstance(features, dict):
        raise ValueError("features must be a mapping of name to weight, lowest and highest")
    weights, lowest, highest = zip(*features.values(), strict=True)
    return LogisticModel(
        tuple(features),
        tuple(map(float, weights)),
        float(str(stored["intercept"])),
        tuple(map(float, lowest)),
        tuple(map(float, highest)),
    )
