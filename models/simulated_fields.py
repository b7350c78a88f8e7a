"""Fields of simulated scans with their confidences: what is known before anybody audits.

The confidences are those of models that saw neither the document nor its layout's others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from extraction.confidence import CALIBRATION_FILE
from extraction.errors import ModelError
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_object

SIMULATED_FILE = CALIBRATION_FILE.with_name("simulated.json")
_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class SimulatedField:
    """``acceptable`` is False where a failed check sends it to a person whatever its
    confidence; ``kind`` is its declared value kind."""

    kind: str
    confidence: float
    right: bool
    acceptable: bool


@dataclass(frozen=True, slots=True)
class SimulatedDocument:
    """``level`` is that of the scan, such as ``office200``."""

    document_id: str
    level: str
    fields: tuple[SimulatedField, ...]


@lru_cache(maxsize=2)
def read_simulated(path: Path = SIMULATED_FILE) -> tuple[SimulatedDocument, ...]:
    """ModelError where the file is missing or no such one."""
    try:
        stored = as_object(json.loads(path.read_text(encoding="utf-8")))
        kinds = [str(kind) for kind in as_list(stored["kinds"])]
        documents = [as_object(one) for one in as_list(stored["documents"])]
        return tuple(_document(document, kinds) for document in documents)
    except (OSError, ValueError, KeyError, IndexError) as error:
        reason = f"no usable simulated fields: {error!r}; make them with models.calibrate"
        raise ModelError(reason, name=str(path)) from error


def write_simulated(documents: Sequence[SimulatedDocument], path: Path = SIMULATED_FILE) -> None:
    kinds = sorted({field.kind for document in documents for field in document.fields})
    lines = ",\n".join(
        json.dumps(_document_to_json(document, kinds), ensure_ascii=False, separators=(",", ":"))
        for document in documents
    )
    head = json.dumps(kinds, ensure_ascii=False)
    path.write_text(f'{{"kinds": {head},\n"documents": [\n{lines}\n]}}\n', encoding="utf-8")


def _document_to_json(document: SimulatedDocument, kinds: Sequence[str]) -> JsonObject:
    """Doubts in millionths; ``wrong`` and ``blocked`` number the fields."""
    fields = list(enumerate(document.fields))
    return {
        "id": document.document_id,
        "level": document.level,
        "kinds": [kinds.index(field.kind) for _, field in fields],
        "doubts": [round(_STEPS * (1.0 - field.confidence)) for _, field in fields],
        "wrong": [number for number, field in fields if not field.right],
        "blocked": [number for number, field in fields if not field.acceptable],
    }


def _document(stored: Mapping[str, Json], kinds: Sequence[str]) -> SimulatedDocument:
    wrong, blocked = frozenset(_numbers(stored["wrong"])), frozenset(_numbers(stored["blocked"]))
    pairs = zip(_numbers(stored["kinds"]), _numbers(stored["doubts"]), strict=True)
    fields = tuple(
        SimulatedField(kinds[kind], 1.0 - doubt / _STEPS, n not in wrong, n not in blocked)
        for n, (kind, doubt) in enumerate(pairs)
    )
    return SimulatedDocument(str(stored["id"]), str(stored["level"]), fields)


def _numbers(stored: Json) -> list[int]:
    return [as_integer(one) for one in as_list(stored)]
