"""Simulated documents as if they had been audited, for as long as too few real ones were."""

from __future__ import annotations

from functools import lru_cache

from annotation.drift import document_groups
from annotation.promise import NEVER, SeenDocument, SeenField, confidences_to_levels
from annotation.quality import find_quality
from models.reliability import JudgedField
from models.simulated_fields import SimulatedDocument, read_simulated


@lru_cache(maxsize=1)
def simulated_documents() -> tuple[SeenDocument, ...]:
    """ModelError where the simulated fields are missing."""
    return tuple(simulated_to_seen(document) for document in read_simulated())


@lru_cache(maxsize=1)
def simulated_judged() -> tuple[JudgedField, ...]:
    return tuple(
        JudgedField(field.kind, field.confidence, field.right)
        for document in read_simulated()
        for field in document.fields
    )


def simulated_to_seen(document: SimulatedDocument) -> SeenDocument:
    """All of its fields; what a failed check sends to a person is never accepted."""
    confidences = [field.confidence for field in document.fields]
    levels = confidences_to_levels(confidences)
    fields = tuple(
        SeenField(level if field.acceptable else NEVER, not field.right)
        for level, field in zip(levels, document.fields, strict=True)
    )
    quality = find_quality(confidences)
    return SeenDocument(document.document_id, fields, document_groups("", quality), quality)
