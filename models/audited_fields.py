"""Fields that people judged, with the calibration that their confidences came from, as a file
that a training takes with it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from extraction.confidence import MOST_LOG_ODDS, Stretch
from extraction.errors import ModelError
from extraction.json_values import as_list, as_number
from models.reliability import JudgedField

NARROW: Final = 1e-6
"""Confidences nearer to 0 or 1 than this count as that near."""
_END: Final = MOST_LOG_ODDS - 0.05
"""Confidences are kept with four digits; from here on they are the last of the scale."""
_STRETCHED: Final = re.compile(r"([0-9a-f]+)\*([0-9.]+)([+-][0-9.]+)")


@dataclass(frozen=True, slots=True)
class AuditedField:
    """``calibration`` is the name of the one that gave the confidence, "" where the record
    does not tell. Fields of one ``document`` err together."""

    judged: JudgedField
    document: str
    calibration: str


def as_the_base_said(audited: Sequence[AuditedField], base: str) -> tuple[AuditedField, ...]:
    """The fields with the confidences that the calibration ``base`` gave or would have given.

    A stretch is taken back: a fit on top of it would stretch twice. What another calibration
    said, or one that is not known, is left out, and so are stretched confidences at an end of
    the scale, of which that cannot be told. Both depend on what was said alone, not on what
    people found, so the rest is no worse a sample.
    """
    found = (_as_the_base_said(one, base) for one in audited)
    return tuple(one for one in found if one is not None)


def name_to_stretch(name: str) -> Stretch | None:
    """None for the name of a calibration that is not stretched."""
    found = _STRETCHED.fullmatch(name)
    return None if found is None else Stretch(found[1], float(found[2]), float(found[3]))


def _as_the_base_said(field: AuditedField, base: str) -> AuditedField | None:
    if field.calibration == base:
        return field
    stretch = name_to_stretch(field.calibration)
    if stretch is None or stretch.base != base or stretch.slope <= 0:
        return None
    odds = confidence_to_odds(field.judged.confidence)
    if abs(odds) >= _END:
        return None
    before = (odds - stretch.offset) / stretch.slope
    said = odds_to_confidence(before)
    return AuditedField(replace(field.judged, confidence=said), field.document, base)


def confidence_to_odds(confidence: float) -> float:
    """Log odds, with an end."""
    cut = min(max(confidence, NARROW), 1.0 - NARROW)
    return math.log(cut / (1.0 - cut))


def odds_to_confidence(odds: float) -> float:
    """As a calibration would say it: no surer than ``MOST_LOG_ODDS``."""
    cut = min(max(odds, -MOST_LOG_ODDS), MOST_LOG_ODDS)
    return 1.0 / (1.0 + math.exp(-cut))


def stretch_confidence(confidence: float, slope: float, offset: float) -> float:
    return odds_to_confidence(slope * confidence_to_odds(confidence) + offset)


def write_audited(path: Path, audited: Sequence[AuditedField]) -> None:
    """The file is whole or not there."""
    lines = ",\n".join(
        json.dumps(
            [
                one.document,
                one.calibration,
                one.judged.kind,
                one.judged.confidence,
                one.judged.right,
                one.judged.weight,
            ],
            ensure_ascii=False,
        )
        for one in audited
    )
    part = path.with_suffix(".part")
    part.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    part.replace(path)


def read_audited(path: Path) -> tuple[AuditedField, ...]:
    """ModelError where the file is missing or no such one."""
    try:
        stored = as_list(json.loads(path.read_text(encoding="utf-8")))
        rows = [as_list(row) for row in stored]
        return tuple(
            AuditedField(
                JudgedField(str(kind), as_number(said), right is True, as_number(weight)),
                str(document),
                str(calibration),
            )
            for document, calibration, kind, said, right, weight in rows
        )
    except (OSError, ValueError) as error:
        raise ModelError(f"no usable list of judged fields: {error}", name=str(path)) from error
