"""What answers change: all versions of a task's annotations folded into its document.

``apply_answers`` may be called at any time and any number of times. It looks at all that was
received for the task, so neither the order of arrival nor a repetition makes a difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from annotation.answers import annotation_to_answer
from annotation.correction import fold
from annotation.migration import config_to_names
from annotation.task_json import task_from_json
from annotation.values import (
    Answer,
    AskedRegion,
    Correctedness,
    Correction,
    ReviewTask,
    Stand,
    Verdict,
)
from archive.annotations import find_versions, newest_versions
from archive.callbacks import CallbackEvent, queue_deliveries
from archive.disagreements import find_chosen, write_disagreements
from archive.endings import end_document, lock_document
from archive.follow_ups import ask_further, is_all_answered, withdraw_further
from archive.history import EventKind, add_event
from archive.ids import new_id
from archive.revisions import add_revision, find_revision
from archive.states import DocumentMove, DocumentState
from archive.tables import (
    AnnotationVersion,
    CorrectionRow,
    Document,
    ReviewProject,
    ReviewState,
    ReviewTaskRow,
    Revision,
    RevisionKind,
    Row,
)
from extraction.declarations import FormDeclaration
from extraction.errors import InputError
from extraction.fields.drafts import path_to_name
from extraction.json_values import Json, JsonObject
from extraction.record_json import record_from_json, record_to_json

_JSON = json.JSONEncoder(ensure_ascii=False)
_CORRECTIONS = Row.metadata.tables[CorrectionRow.__tablename__]
_KNOWN = select(_CORRECTIONS.c.digest, _CORRECTIONS.c.id, _CORRECTIONS.c.replaced_at)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a task's answers. ``revision`` is the new one, None where the record
    stayed as it was; ``unread`` are the annotations that could not be understood."""

    document_id: str
    state: ReviewState
    revision: int | None = None
    unread: tuple[int, ...] = ()


def apply_answers(
    session: Session,
    task_id: str,
    declarations: Mapping[str, FormDeclaration],
    now: datetime,
) -> Applied | None:
    """Folds all that was received for the task into its document: the corrections, the new
    revision if the record changed, and what that means for both their states.

    None where the task is gone. InputError where its form type is not declared any more.
    """
    document_id = session.scalar(
        select(ReviewTaskRow.document_id).where(ReviewTaskRow.id == task_id)
    )
    document = None if document_id is None else lock_document(session, document_id)
    row = session.get(ReviewTaskRow, task_id, populate_existing=True)
    if document is None or row is None:
        return None
    versions = find_versions(session, task_id)
    if row.state == ReviewState.WITHDRAWN or row.generation != document.generation:
        _mark_applied(versions, now, {})
        return Applied(document.id, row.state)
    declaration = declarations.get(row.form_type)
    if declaration is None:
        raise InputError(f"the form type {row.form_type} of this task is not declared any more")
    answers, problems = _read_answers(versions, declaration, _find_labels(session, row))
    task = task_from_json(row.body)
    asked = find_revision(session, document.id, row.base_revision)
    base = record_from_json(asked.record)
    folded = fold(task, base, answers, declaration, find_chosen(session, task_id))
    # None of what is asked until then depends on what was changed: it is written in one go.
    with session.no_autoflush:
        _mark_applied(versions, now, problems)
        _write_authors(versions, answers)
        _write_corrections(session, row, task, folded.corrections, now)
        disagree = write_disagreements(session, row, folded, len(_standing(answers)), now)
        number = _write_revision(session, document, row, asked, folded)
        if number is not None:
            withdraw_further(session, row, now)
    ask_further(session, document, row, folded, declaration, now)
    _move(session, document, row, folded, now)
    if disagree:
        detail: JsonObject = {"task": task_id, "paths": [*disagree]}
        add_event(session, document.id, EventKind.DISAGREED, detail)
    unread = tuple(sorted({version.annotation_id for version in problems}))
    return Applied(document.id, row.state, number, unread)


def find_corrections(
    session: Session, document_id: str, *, replaced: bool = False
) -> tuple[CorrectionRow, ...]:
    """What people said of a document, oldest first; with what they took back, if asked for."""
    query = select(CorrectionRow).where(CorrectionRow.document_id == document_id)
    if not replaced:
        query = query.where(CorrectionRow.replaced_at.is_(None))
    return tuple(session.scalars(query.order_by(CorrectionRow.at, CorrectionRow.id)))


def _find_labels(session: Session, row: ReviewTaskRow) -> Mapping[str, str]:
    """What the labels of the task's project stand for, those not declared any more too."""
    config = session.scalar(
        select(ReviewProject.config).where(ReviewProject.form_type == row.form_type)
    )
    return {} if config is None else _config_to_names(config)


@lru_cache(maxsize=32)
def _config_to_names(config: str) -> Mapping[str, str]:
    return {title: name for title, name in config_to_names(config).items() if name}


def _read_answers(
    versions: Sequence[AnnotationVersion],
    declaration: FormDeclaration,
    labels: Mapping[str, str],
) -> tuple[tuple[Answer, ...], dict[AnnotationVersion, str]]:
    """The newest version of each annotation that can be understood, and why others can't."""
    answers, problems = {}, {}
    for version in versions:
        try:
            answers[version] = annotation_to_answer(version.payload, declaration, labels)
        except InputError as error:
            problems[version] = error.reason
    newest = newest_versions([version for version in versions if version in answers])
    return tuple(answers[version] for version in newest), problems


def _standing(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    return tuple(answer for answer in answers if answer.regions is not None)


def _mark_applied(
    versions: Sequence[AnnotationVersion],
    now: datetime,
    problems: Mapping[AnnotationVersion, str],
) -> None:
    for version in versions:
        if version.applied_at is None:
            version.applied_at = now
            version.problem = problems.get(version)


def _write_authors(versions: Sequence[AnnotationVersion], answers: Sequence[Answer]) -> None:
    by_annotation = {answer.annotation_id: answer for answer in _standing(answers)}
    for version in newest_versions(versions):
        answer = by_annotation.get(version.annotation_id)
        if answer is not None and version.author is None:
            version.author, version.seconds = answer.author[:254], answer.seconds


def _write_corrections(
    session: Session,
    row: ReviewTaskRow,
    task: ReviewTask,
    corrections: Sequence[Correction],
    now: datetime,
) -> None:
    """Appends those that are new; those that no answer makes any more are replaced."""
    # Not as rows: of the many that there may be, few are new or replaced.
    query = _KNOWN.where(_CORRECTIONS.c.task_id == row.id)
    known = {digest: (id_, at) for digest, id_, at in session.execute(query)}
    asked = {path: region for region in task.regions for path in region.paths}
    said = {correction_digest(correction): correction for correction in corrections}
    stands = {id_: digest in said for digest, (id_, _) in known.items()}
    changed = [id_ for id_, at in known.values() if stands[id_] != (at is None)]
    if changed:
        marks = [{"id": id_, "replaced_at": None if stands[id_] else now} for id_ in changed]
        session.execute(update(CorrectionRow), marks)
    new = [
        _to_row(row, correction, digest, asked.get(correction.path), now)
        for digest, correction in said.items()
        if digest not in known
    ]
    if new:
        session.execute(insert(_CORRECTIONS), new)


def correction_digest(correction: Correction) -> str:
    """The same for the same words of the same version of the same annotation."""
    said = [
        correction.annotation_id,
        correction.at.isoformat(),
        correction.path,
        correction.verdict,
        _stand_to_json(correction.before),
        _stand_to_json(correction.after),
        correction.author,
        correction.printed_so,
    ]
    return sha256(_JSON.encode(said).encode()).hexdigest()


def _to_row(
    row: ReviewTaskRow,
    correction: Correction,
    digest: str,
    region: AskedRegion | None,
    now: datetime,
) -> dict[str, object]:
    return {
        "id": new_id(),
        "task_id": row.id,
        "document_id": row.document_id,
        "generation": row.generation,
        "digest": digest,
        "form_type": row.form_type,
        "path": correction.path[:300],
        "name": path_to_name(correction.path)[:300],
        "verdict": correction.verdict,
        "before": _stand_to_json(correction.before),
        "after": _stand_to_json(correction.after),
        "author": correction.author[:254],
        "annotation_id": correction.annotation_id,
        "at": correction.at,
        "audit": correction.audit,
        "printed_so": correction.printed_so,
        "confidence": None if region is None else region.confidence,
        "reasons": [] if region is None else list(region.reasons),
        "created_at": now,
        "replaced_at": None,
    }


def _stand_to_json(stand: Stand | None) -> JsonObject | None:
    if stand is None:
        return None
    box: Json = None if stand.box is None else [float(side) for side in stand.box]
    return {"text": stand.text, "page": stand.page, "box": box}


def _write_revision(
    session: Session,
    document: Document,
    row: ReviewTaskRow,
    asked: Revision,
    folded: Correctedness,
) -> int | None:
    """The number of the new revision; None where the record is as it was. ``asked`` is the
    one that the task was made of."""
    earlier = row.corrected_revision
    if earlier is None and not folded.answered:
        return None
    newest = asked if earlier is None else find_revision(session, document.id, earlier)
    stored = record_to_json(folded.record)
    if stored == newest.record:
        return None
    kind = RevisionKind.CORRECTION
    made = add_revision(session, document, stored, kind, record=folded.record)
    row.corrected_revision = made.number
    _tell_of_revision(session, document, row, made, folded.corrections)
    return made.number


def _tell_of_revision(
    session: Session,
    document: Document,
    row: ReviewTaskRow,
    made: Revision,
    said: Sequence[Correction],
) -> None:
    """In the document's history, from where its annotations can be found, and to callbacks."""
    changed = {one.path for one in said if one.verdict != Verdict.CONFIRMED}
    told: JsonObject = {
        "revision": made.number,
        "authors": [*sorted({one.author for one in said})],
        "changed": len(changed),
        "confirmed": len({one.path for one in said} - changed),
    }
    annotations: list[Json] = [*sorted({one.annotation_id for one in said})]
    detail: JsonObject = {**told, "task": row.id, "annotations": annotations}
    add_event(session, document.id, EventKind.CORRECTED, detail)
    shown: JsonObject = {
        **told,
        "id": document.id,
        "name": document.name,
        "archive_id": document.archive_id,
        "corrected_at": document.updated_at.isoformat(),
    }
    event = CallbackEvent.DOCUMENT_CORRECTED
    queue_deliveries(session, event, document.id, document.archive_id, {"document": shown})


def _move(
    session: Session,
    document: Document,
    row: ReviewTaskRow,
    folded: Correctedness,
    now: datetime,
) -> None:
    """The states of task and document after what was folded."""
    if not folded.answered:
        asked = row.label_studio_task_id is not None
        row.state = ReviewState.PUSHED if asked else ReviewState.WAITING
        row.answered_at = None
    else:
        row.state = ReviewState.ANSWERED if folded.disagreements else ReviewState.SETTLED
        row.answered_at = row.answered_at or now
    settled = row.state == ReviewState.SETTLED
    row.settled_at = (row.settled_at or now) if settled else None
    done = is_all_answered(session, document)
    if done and document.state == DocumentState.IN_REVIEW:
        end_document(session, document, DocumentMove.ANSWER, None, now)
    elif not done and document.state == DocumentState.DONE:
        end_document(session, document, DocumentMove.ASK, None, now)
