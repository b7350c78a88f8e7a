"""What people said of a document, as its history shows it: answer by answer, field by field.

Whether a field was only looked at to measure the error rate is not told here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.paths import path_to_place
from annotation.values import Verdict
from archive.corrections import find_corrections
from archive.disagreements import find_disagreements
from archive.kept_settings import STUDIO_PEOPLE, read_setting
from archive.reasons import Reason, find_reason
from archive.reviews import find_task
from archive.tables import (
    AnnotationVersion,
    CorrectionRow,
    ReviewState,
    ReviewTaskRow,
)
from extraction.declarations import FormDeclaration
from extraction.errors import InputError
from extraction.exports.naming import Titles, find_titles
from extraction.json_values import JsonObject

MOST_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """``before`` and ``after`` are None where there was, or is, no such field."""

    path: str
    title: str
    verdict: str
    before: str | None
    after: str | None
    printed_so: bool


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One version of one annotation. ``confirmed`` counts the fields it left as they were;
    ``is_replaced``: changed or deleted since. ``seconds`` is None where it is not known."""

    annotation_id: int
    task_id: str
    author: str
    at: datetime
    seconds: float | None
    confirmed: int
    changes: tuple[CorrectionView, ...]
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """Where the review of a document stands. ``task_id`` names the task that can be opened in
    Label Studio, "" while there is none; ``reason`` says why it is not there yet."""

    state: str
    task_id: str
    reason: Reason | None
    shown: int
    disagreements: int
    answers: tuple[AnswerView, ...]


def find_review(
    session: Session, document_id: str, declarations: Sequence[FormDeclaration]
) -> ReviewView | None:
    """None for a document of which nothing was ever asked."""
    task = find_task(session, document_id)
    if task is None:
        return None
    rows = find_corrections(session, document_id, replaced=True)
    open_ones = [row for row in find_disagreements(session, document_id) if row.settled_at is None]
    is_withdrawn = task.state == ReviewState.WITHDRAWN
    is_there = task.label_studio_task_id is not None and not is_withdrawn
    return ReviewView(
        state=str(task.state),
        task_id=task.id if is_there else "",
        reason=None if is_withdrawn or is_there else find_reason(task),
        shown=task.shown,
        disagreements=0 if is_withdrawn else len(open_ones),
        answers=_to_answers(
            rows, _Known(find_names(session), _find_seconds(session, rows)), declarations
        ),
    )


def find_studio_place(session: Session, task_id: str) -> tuple[int, int] | None:
    """Project and task in Label Studio; None while it is not there."""
    task = session.get(ReviewTaskRow, task_id)
    if task is None or task.project_id is None or task.label_studio_task_id is None:
        return None
    return task.project_id, task.label_studio_task_id


def find_document_of(session: Session, annotation_id: int) -> str | None:
    """The document that an annotation speaks of."""
    query = (
        select(ReviewTaskRow.document_id)
        .join(AnnotationVersion, AnnotationVersion.task_id == ReviewTaskRow.id)
        .where(AnnotationVersion.annotation_id == annotation_id)
        .order_by(AnnotationVersion.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def path_to_title(path: str, titles: Titles) -> str:
    """As the tables of a record name it; a path that is none stays as it is."""
    try:
        place = path_to_place(path)
    except InputError:
        return path
    if place.row is None or place.column is None:
        return titles.of_field(place.head)
    column = titles.of_column(place.head, place.column)
    return f"{titles.of_group(place.head)} {place.row + 1} · {column}"


def find_names(session: Session) -> Mapping[str, str]:
    """The addresses of annotators by Label Studio's number of them."""
    known = read_setting(session, STUDIO_PEOPLE) or {}
    return {number: str(email) for number, email in known.items()}


@dataclass(frozen=True, slots=True)
class _Known:
    """``names`` of authors, and the ``seconds`` of each version of an annotation."""

    names: Mapping[str, str]
    seconds: Mapping[tuple[int, datetime], float]


def _to_answers(
    rows: Sequence[CorrectionRow],
    known: _Known,
    declarations: Sequence[FormDeclaration],
) -> tuple[AnswerView, ...]:
    """The newest first."""
    ordered = sorted(rows, key=lambda row: (row.at, row.annotation_id, row.id))
    answers = [
        _to_answer(tuple(own), known, declarations)
        for _, own in groupby(ordered, key=lambda row: (row.at, row.annotation_id))
    ]
    return tuple(reversed(answers))


def _to_answer(
    rows: tuple[CorrectionRow, ...],
    known: _Known,
    declarations: Sequence[FormDeclaration],
) -> AnswerView:
    first = rows[0]
    titles = find_titles(first.form_type, declarations)
    changes = [row for row in rows if row.verdict != Verdict.CONFIRMED or row.printed_so]
    return AnswerView(
        annotation_id=first.annotation_id,
        task_id=first.task_id,
        author=known.names.get(first.author, first.author),
        at=first.at,
        seconds=known.seconds.get((first.annotation_id, first.at)),
        confirmed=len(rows) - len(changes),
        changes=tuple(_to_change(row, titles) for row in changes[:MOST_SHOWN]),
        is_replaced=all(row.replaced_at is not None for row in rows),
    )


def _to_change(row: CorrectionRow, titles: Titles) -> CorrectionView:
    return CorrectionView(
        path=row.path,
        title=path_to_title(row.path, titles),
        verdict=row.verdict,
        before=_text(row.before),
        after=_text(row.after),
        printed_so=row.printed_so,
    )


def _text(stand: JsonObject | None) -> str | None:
    return None if stand is None else str(stand.get("text", ""))


def _find_seconds(
    session: Session, rows: Sequence[CorrectionRow]
) -> dict[tuple[int, datetime], float]:
    task_ids = {row.task_id for row in rows}
    query = select(
        AnnotationVersion.annotation_id, AnnotationVersion.updated_at, AnnotationVersion.seconds
    ).where(AnnotationVersion.task_id.in_(task_ids), AnnotationVersion.seconds.is_not(None))
    return {
        (annotation_id, at): seconds
        for annotation_id, at, seconds in session.execute(query)
        if seconds is not None
    }
