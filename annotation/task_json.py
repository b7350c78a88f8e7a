"""Review tasks to JSON and back, as a row of the database keeps them."""

from __future__ import annotations

from collections.abc import Mapping

from annotation.values import AskedRegion, ReviewTask
from extraction.errors import InputError
from extraction.json_values import (
    Json,
    JsonObject,
    as_integer,
    as_list,
    as_number,
    as_object,
)
from extraction.values import Box


def task_to_json(task: ReviewTask) -> JsonObject:
    return {
        "task_id": task.task_id,
        "form_type": task.form_type,
        "regions": [_region_to_json(region) for region in task.regions],
        "missing": [*task.missing],
        "notes": [*task.notes],
        "worth": task.worth,
    }


def task_from_json(stored: Mapping[str, Json]) -> ReviewTask:
    """InputError for anything that ``task_to_json`` did not make."""
    try:
        return ReviewTask(
            task_id=str(stored["task_id"]),
            form_type=str(stored["form_type"]),
            regions=tuple(_to_region(as_object(item)) for item in as_list(stored["regions"])),
            missing=_strings(stored["missing"]),
            notes=_strings(stored["notes"]),
            worth=as_number(stored["worth"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is a damaged review task: {error!r}") from error


def _region_to_json(region: AskedRegion) -> JsonObject:
    return {
        "region_id": region.region_id,
        "name": region.name,
        "row": region.row,
        "paths": [*region.paths],
        "text": region.text,
        "page": region.page,
        "box": [float(side) for side in region.box],
        "confidence": region.confidence,
        "reasons": [*region.reasons],
        "audit": region.audit,
    }


def _to_region(item: Mapping[str, Json]) -> AskedRegion:
    row, confidence = item["row"], item["confidence"]
    return AskedRegion(
        region_id=str(item["region_id"]),
        name=str(item["name"]),
        row=None if row is None else as_integer(row),
        paths=_strings(item["paths"]),
        text=str(item["text"]),
        page=as_integer(item["page"]),
        box=Box(*(as_number(side) for side in as_list(item["box"]))),
        confidence=None if confidence is None else as_number(confidence),
        reasons=_strings(item["reasons"]),
        audit=bool(item["audit"]),
    )


def _strings(stored: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in as_list(stored))
