"""What one document asks of a person, and how Label Studio is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from annotation.labels import LABEL, PAGE, ROW, TEXT, find_labels
from annotation.notes import find_notes, notes_to_html
from annotation.paths import PlacedField, path_to_place, record_fields
from annotation.percent import box_to_percent
from annotation.values import AskedRegion, Doubt, ReviewTask, Routing
from extraction.declarations import FormDeclaration, TotalCheck
from extraction.errors import InputError
from extraction.json_values import Json, JsonObject
from extraction.values import PageSummary, Record, Source

MODEL_VERSION = "formloop"
"""Of every prediction: the project shows those of this version to annotators."""

_OPENING_S = 15.0
_BOX_S = 3.0
_CHARACTER_S = 0.08
_DRAWING_S = 15.0
"""About what a person needs: to open a document, to look at a box and at each character of
it, and to find and draw a field that is missing."""
_MISSING_CHANCE = 0.5
"""How often a required field that was not found does stand on the paper."""
_HEAVY = 3.0
"""A required field or a total weighs so many others."""


def record_to_task(
    task_id: str, record: Record, declaration: FormDeclaration, routing: Routing
) -> ReviewTask:
    """What ``routing`` doubts of ``record``, the least confident region first,
    equal ones from top to bottom.

    Paths that share one cell make one region. Region ids follow from the task's id and the
    first path alone.
    """
    placed = {item.path: item for item in record_fields(routing.record)}
    doubts = {doubt.path: doubt for doubt in routing.doubts}
    regions = sorted(
        (_region(task_id, items, doubts) for items in _cells(placed, doubts)),
        key=lambda region: (region.confidence or 0.0, region.page, region.box.top, region.box.x0),
    )
    missing = tuple(path for path in doubts if placed[path].field.source is None)
    return ReviewTask(
        task_id=task_id,
        form_type=declaration.name,
        regions=tuple(regions),
        missing=missing,
        notes=find_notes(record, declaration, routing),
        worth=_worth(regions, missing, declaration),
    )


def task_to_label_studio(
    task: ReviewTask, record: Record, declaration: FormDeclaration, picture_urls: Sequence[str]
) -> JsonObject:
    """What the import of a task takes: its data, and one prediction with all its boxes.

    ``picture_urls`` are of the record's pages, in their order. Nothing tells a box that is
    shown for the audit from others but its score. The prediction's own score falls as the
    task's worth rises: Label Studio's uncertainty sampling takes the lowest first.
    """
    if len(picture_urls) != len(record.pages):
        counts = f"{len(picture_urls)} pictures for {len(record.pages)} pages"
        raise InputError(f"{counts}; give one address for each page", name=record.name)
    titles = {label.name: label.title for label in find_labels(declaration)}
    pages = {page.number: (number, page) for number, page in enumerate(record.pages)}
    result: list[Json] = []
    for region in task.regions:
        result += _region_to_results(region, titles, *pages[region.page])
    return {
        "data": {
            "pages": [*picture_urls],
            "title": f"{declaration.title} · {record.name}",
            "notes": notes_to_html(task.notes),
            "task_id": task.task_id,
            "worth": round(task.worth, 6),
        },
        "predictions": [
            {
                "model_version": MODEL_VERSION,
                "score": round(1.0 / (1.0 + task.worth), 6),
                "result": result,
            }
        ],
    }


def region_id(task_id: str, path: str) -> str:
    """The same for the same task and path at any time; ten letters and digits."""
    return sha256(f"{task_id}\0{path}".encode()).hexdigest()[:10]


def _cells(
    placed: Mapping[str, PlacedField], doubts: Mapping[str, Doubt]
) -> Iterator[tuple[PlacedField, ...]]:
    """The fields of each box that is to be shown: those of one name and one source."""
    cells: dict[tuple[str, Source], list[PlacedField]] = {}
    for item in placed.values():
        if item.field.source is not None:
            cells.setdefault((item.name, item.field.source), []).append(item)
    for items in cells.values():
        if any(item.path in doubts for item in items):
            yield tuple(items)


def _region(
    task_id: str, items: tuple[PlacedField, ...], doubts: Mapping[str, Doubt]
) -> AskedRegion:
    first = items[0]
    source = first.field.source
    if source is None:
        raise ValueError(f"{first.path} stands nowhere")
    asked = [doubts[item.path] for item in items if item.path in doubts]
    confidences = [item.field.confidence for item in items if item.field.confidence is not None]
    return AskedRegion(
        region_id=region_id(task_id, first.path),
        name=first.name,
        row=first.place.row,
        paths=tuple(item.path for item in items),
        text=first.field.text,
        page=source.page,
        box=source.box,
        confidence=min(confidences, default=None),
        reasons=tuple(dict.fromkeys(reason for doubt in asked for reason in doubt.reasons)),
        audit=all(doubt.audit for doubt in asked),
    )


def _worth(
    regions: Iterable[AskedRegion], missing: Iterable[str], declaration: FormDeclaration
) -> float:
    """Wrong fields that an answer is expected to set right, by weight, in each second.

    The chance that a region is wrong is what its confidence leaves; a cell that stands for
    several rows counts for each of them.
    """
    heavy = _heavy_names(declaration)
    gain, seconds = 0.0, _OPENING_S
    for region in regions:
        chance = 1.0 - (region.confidence or 0.0)
        gain += chance * len(region.paths) * (_HEAVY if region.name in heavy else 1.0)
        seconds += _BOX_S + _CHARACTER_S * len(region.text)
    for path in missing:
        weight = _HEAVY if path_to_place(path).name in heavy else 1.0
        gain += _MISSING_CHANCE * weight
        seconds += _DRAWING_S
    return gain / seconds


def _heavy_names(declaration: FormDeclaration) -> frozenset[str]:
    single = {item.name for item in declaration.fields if item.required}
    columns = {
        f"{group.name}.{column.name}"
        for group in declaration.groups
        for column in group.columns
        if column.required
    }
    totals = {check.total for check in declaration.checks if isinstance(check, TotalCheck)}
    return frozenset(single | columns | totals)


def _region_to_results(
    region: AskedRegion, titles: Mapping[str, str], number: int, page: PageSummary
) -> Iterator[JsonObject]:
    """The box with its label, and its text and row, all under the region's id."""
    percent = box_to_percent(region.box, page.width, page.height)
    place: JsonObject = {
        "x": percent.x,
        "y": percent.y,
        "width": percent.width,
        "height": percent.height,
        "rotation": 0,
    }
    shared: JsonObject = {
        "id": region.region_id,
        "to_name": PAGE,
        "original_width": page.width,
        "original_height": page.height,
        "image_rotation": 0,
        "item_index": number,
        "score": round(region.confidence or 0.0, 4),
        "origin": "prediction",
    }

    def result(tag: str, kind: str, **answer: Json) -> JsonObject:
        return {**shared, "from_name": tag, "type": kind, "value": {**place, **answer}}

    yield result(LABEL, "rectanglelabels", rectanglelabels=[titles[region.name]])
    if region.text:
        yield result(TEXT, "textarea", text=[region.text])
    if region.row is not None:
        yield result(ROW, "number", number=region.row + 1)
