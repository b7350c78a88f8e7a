"""People who look at every field of a document, as they do of the first of a new kind: what
stands in the wrong place is moved to the right one, what was not found is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from annotation.correction import fold
from annotation.examples import Reviewed, TrainingExample, reviewed_to_example
from annotation.paths import Place, path_to_place
from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.simulated import Annotator, TrueForm, align_rows, mistype
from annotation.task import record_to_task
from annotation.values import Answer, AnsweredRegion, AskedRegion, Mark, ReviewTask
from benchmarks.learning_forms import ReadForm
from extraction.declarations import FormDeclaration
from extraction.normalise import plain
from extraction.values import Box, Record

EVERYTHING: Final = ReviewPolicy(threshold=1.0, audit_documents=0.0)
USUAL: Final = Annotator("simulated", typing_errors=0.003, overlooks=0.02)
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def correct_form(
    form: ReadForm, record: Record, declaration: FormDeclaration, annotator: Annotator = USUAL
) -> TrainingExample:
    """What is known of the form after the annotator has gone over the record of it."""
    routing = route_record(record, declaration, EVERYTHING, b"bench")
    document_id = f"{form.family}-{form.seed}"
    task = record_to_task(document_id, routing.record, declaration, routing)
    answer = answer_whole(task, routing.record, form.true_form, annotator)
    corrected = fold(task, routing.record, [answer], declaration)
    reviewed = Reviewed(document_id, 1, routing.record, form.readings, corrected.corrections)
    return reviewed_to_example(reviewed, declaration)


def answer_whole(task: ReviewTask, record: Record, truth: TrueForm, annotator: Annotator) -> Answer:
    rng = np.random.default_rng([annotator.seed, sum(task.task_id.encode())])
    rows = {
        group: align_rows(
            [{name: field.text for name, field in row.items()} for row in found],
            truth.groups.get(group, ()),
        )
        for group, found in record.groups.items()
    }
    regions: list[AnsweredRegion] = []
    covered: set[str] = set()
    for asked in task.regions:
        given, paths = _answer_region(asked, rows, truth, annotator, rng)
        covered |= paths
        if given is not None:
            regions.append(given)
    regions += _draw_rest(record, rows, truth, covered, annotator, rng)
    return Answer(1, AT, annotator.name, 60.0, tuple(regions))


_Rows = Mapping[str, tuple[int | None, ...]]


def _answer_region(
    asked: AskedRegion,
    rows: _Rows,
    truth: TrueForm,
    annotator: Annotator,
    rng: np.random.Generator,
) -> tuple[AnsweredRegion | None, set[str]]:
    """The region as it is handed in, None for one that is deleted, and the true paths that
    need not be drawn any more."""
    kept = AnsweredRegion(asked.region_id, asked.name, asked.row, asked.text, asked.page, asked.box)
    true = [place for path in asked.paths if (place := _true_place(path, rows)) is not None]
    if not true:
        return replace(kept, marks=frozenset({Mark.NO_SUCH_ROW})), set()
    paths = {place.path for place in true}
    wanted, where = truth.text(true[0]), (truth.places or {}).get(true[0].path)
    is_there = where is not None and where[0] == asked.page and _meet(where[1], asked.box)
    if is_there and plain(wanted) == plain(asked.text):
        return kept, paths
    if rng.random() < annotator.overlooks:
        return kept, paths
    if not wanted or where is None:
        return None, paths
    text = mistype(wanted, annotator.typing_errors, rng)
    if is_there:
        return replace(kept, text=text), paths
    return replace(kept, text=text, page=where[0], box=where[1]), {true[0].path}


def _draw_rest(
    record: Record,
    rows: _Rows,
    truth: TrueForm,
    covered: set[str],
    annotator: Annotator,
    rng: np.random.Generator,
) -> Iterator[AnsweredRegion]:
    """What is printed and has no box yet; a merged cell once."""
    drawn: set[tuple[str, int, Box]] = set()
    for path, (page, box) in (truth.places or {}).items():
        place = path_to_place(path)
        text = truth.text(place)
        if not text or path in covered or (place.name, page, box) in drawn:
            continue
        drawn.add((place.name, page, box))
        yield AnsweredRegion(
            region_id=f"drawn-{path}",
            name=place.name,
            row=_found_row(place, rows, record),
            text=mistype(text, annotator.typing_errors, rng),
            page=page,
            box=box,
        )


def _found_row(place: Place, rows: _Rows, record: Record) -> int | None:
    """The record's row that is the true one, or a new one behind its last."""
    if place.row is None:
        return None
    partners = rows.get(place.head, ())
    if place.row in partners:
        return partners.index(place.row)
    return len(record.groups.get(place.head, ())) + place.row


def _true_place(path: str, rows: _Rows) -> Place | None:
    place = path_to_place(path)
    if place.row is None:
        return place
    partner = rows.get(place.head, ())[place.row]
    return None if partner is None else Place(place.head, partner, place.column)


def _meet(one: Box, other: Box) -> bool:
    return one.contains_point(*other.center) or other.contains_point(*one.center)
