"""What people answered: every version of every annotation, stored once as it was received.

The same version may come by webhook and by sweep, twice, late, or in any order. It is known
by its annotation, its time and a digest of what it says.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Insert, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotation.answers import deleted_payload
from archive.errors import Refused
from archive.ids import new_id
from archive.tables import AnnotationVersion, ReviewTaskRow
from extraction.json_values import Json, JsonObject

_KEPT: Final = (
    *("id", "result", "completed_by", "created_username", "was_cancelled", "lead_time"),
    *("created_at", "updated_at"),
)
_SAID: Final = ("result", "was_cancelled")
"""What makes two versions of the same time different ones."""


def receive_annotation(
    session: Session, task_id: str, payload: Mapping[str, Json], now: datetime
) -> bool:
    """Stores a version of an annotation of our task; whether it was new.

    Refused for what is no annotation. A task that is not ours is passed over.
    """
    annotation_id, updated_at = identify_annotation(payload)
    kept: JsonObject = {key: payload[key] for key in _KEPT if key in payload}
    return _insert(session, _to_row(task_id, annotation_id, updated_at, kept, now))


def receive_deletion(session: Session, task_id: str, annotation_id: int, now: datetime) -> bool:
    """Stores that an annotation is no more, after the last that is known of it; whether that
    was new. Label Studio may give its number to another annotation later."""
    known = select(func.max(AnnotationVersion.updated_at)).where(
        AnnotationVersion.task_id == task_id, AnnotationVersion.annotation_id == annotation_id
    )
    last = session.scalar(known)
    if last is None:
        return False
    row = _to_row(task_id, annotation_id, last, deleted_payload(annotation_id), now)
    return _insert(session, {**row, "deleted": True})


def find_versions(session: Session, task_id: str) -> tuple[AnnotationVersion, ...]:
    """All that was received for a task, oldest version first; ties by what they say, and
    deletions after what they delete."""
    query = (
        select(AnnotationVersion)
        .where(AnnotationVersion.task_id == task_id)
        .order_by(
            AnnotationVersion.updated_at,
            AnnotationVersion.annotation_id,
            AnnotationVersion.deleted,
            AnnotationVersion.digest,
        )
    )
    return tuple(session.scalars(query.execution_options(populate_existing=True)))


def find_standing(session: Session, task_ids: Collection[str]) -> dict[str, set[int]]:
    """The annotations of tasks that were not deleted, as far as we know; by our task."""
    query = (
        select(
            AnnotationVersion.task_id, AnnotationVersion.annotation_id, AnnotationVersion.deleted
        )
        .where(AnnotationVersion.task_id.in_(task_ids))
        .order_by(AnnotationVersion.updated_at, AnnotationVersion.deleted)
    )
    newest = {
        (task_id, annotation_id): deleted
        for task_id, annotation_id, deleted in session.execute(query)
    }
    standing: dict[str, set[int]] = {}
    for (task_id, annotation_id), deleted in newest.items():
        if not deleted:
            standing.setdefault(task_id, set()).add(annotation_id)
    return standing


def find_tasks_of(session: Session, annotation_ids: Collection[int]) -> tuple[str, ...]:
    """The tasks for which these annotations were received."""
    query = (
        select(AnnotationVersion.task_id)
        .where(AnnotationVersion.annotation_id.in_(annotation_ids))
        .distinct()
    )
    return tuple(session.scalars(query))


def find_tasks_to_apply(session: Session, limit: int) -> tuple[tuple[str, str], ...]:
    """Tasks for which something was received and not applied yet, oldest first; each with
    the id of its document before it."""
    query = (
        select(ReviewTaskRow.document_id, AnnotationVersion.task_id)
        .join(ReviewTaskRow, ReviewTaskRow.id == AnnotationVersion.task_id)
        .where(AnnotationVersion.applied_at.is_(None))
        .order_by(AnnotationVersion.id)
        .limit(limit)
    )
    found = ((document_id, task_id) for document_id, task_id in session.execute(query))
    return tuple(dict.fromkeys(found))


def find_label_counts(session: Session, project_id: int) -> dict[str, int]:
    """How many boxes of a project's annotations bear each label, in any version of them."""
    query = (
        select(AnnotationVersion.payload)
        .join(ReviewTaskRow, ReviewTaskRow.id == AnnotationVersion.task_id)
        .where(ReviewTaskRow.project_id == project_id, AnnotationVersion.deleted.is_(False))
    )
    counts: Counter[str] = Counter()
    for payload in session.scalars(query.execution_options(yield_per=100)):
        counts.update(_labels(payload))
    return dict(counts)


def _labels(payload: JsonObject) -> Iterator[str]:
    results = payload.get("result")
    for result in results if isinstance(results, list) else ():
        value = result.get("value") if isinstance(result, dict) else None
        labels = value.get("rectanglelabels") if isinstance(value, dict) else None
        yield from map(str, labels if isinstance(labels, list) else ())


def note_failed(session: Session, task_id: str, problem: str, now: datetime) -> None:
    """What was received for a task cannot be applied, and is not tried again by itself."""
    session.execute(
        update(AnnotationVersion)
        .where(AnnotationVersion.task_id == task_id, AnnotationVersion.applied_at.is_(None))
        .values(applied_at=now, problem=problem[:2000])
    )


def newest_versions(
    versions: Sequence[AnnotationVersion],
) -> tuple[AnnotationVersion, ...]:
    """The last version of each annotation, of ``versions`` in the order of ``find_versions``."""
    newest = {version.annotation_id: version for version in versions}
    return tuple(newest[annotation_id] for annotation_id in sorted(newest))


def identify_annotation(payload: Mapping[str, Json]) -> tuple[int, datetime]:
    """Its number and the time of this version; Refused for what is no annotation."""
    annotation_id, updated = payload.get("id"), payload.get("updated_at")
    if not isinstance(annotation_id, int) or not 0 < annotation_id < 2**63:
        raise Refused("is no annotation: it has no id")
    if not isinstance(updated, str) or not isinstance(payload.get("result"), list):
        raise Refused(f"annotation {annotation_id} has no result, or no time of its change")
    try:
        given = datetime.fromisoformat(updated)
        updated_at = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(f"annotation {annotation_id}: {updated!r} is no time") from error
    return annotation_id, updated_at


def _to_row(
    task_id: str, annotation_id: int, updated_at: datetime, payload: JsonObject, now: datetime
) -> dict[str, object]:
    said = json.dumps({key: payload.get(key) for key in _SAID}, sort_keys=True)
    return {
        "id": new_id(),
        "task_id": task_id,
        "annotation_id": annotation_id,
        "updated_at": updated_at,
        "digest": sha256(said.encode()).hexdigest(),
        "deleted": False,
        "payload": payload,
        "received_at": now,
    }


def _insert(session: Session, row: Mapping[str, object]) -> bool:
    # Not as a row: what it asks is no matter here.
    ours = select(ReviewTaskRow.id).where(ReviewTaskRow.id == row["task_id"])
    if session.scalar(ours) is None:
        return False
    try:
        with session.begin_nested():
            done = session.execute(
                _insert_once(session).values(**row).returning(AnnotationVersion.id)
            )
            return done.first() is not None
    except IntegrityError:
        # Its document was deleted at this moment.
        return False


def _insert_once(session: Session) -> Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(AnnotationVersion).on_conflict_do_nothing()
    return postgresql.insert(AnnotationVersion).on_conflict_do_nothing()
