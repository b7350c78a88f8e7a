"""What became of the review tasks in Label Studio: the truth, whatever webhooks said."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from sqlalchemy.orm import Session

from annotation.errors import StudioMissing
from annotation.people import find_people
from annotation.studio_json import StudioTask
from archive.annotations import find_standing, receive_annotation, receive_deletion
from archive.clock import utc_now
from archive.errors import Refused
from archive.kept_settings import STUDIO_PEOPLE, read_setting, write_setting
from archive.reviews import (
    find_abandoned,
    find_asked,
    find_to_look_at,
    forget_abandoned,
    note_looked_at,
    return_tasks,
)
from archive.tables import AbandonedTask, ReviewProject
from extraction.json_values import JsonObject
from workers.review_place import ReviewPlace
from workers.review_projects import find_projects

OVERLAP = timedelta(seconds=5)
"""Looked at again, for changes that Label Studio's database shows a little late."""
CHUNK = 50
LOOKS = 50
_MOST_ABANDONED = 100
_MOST_CHECKED = 250

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rounds:
    """How far each project's tasks were checked to be still there."""

    after: dict[int, str]


def sweep(place: ReviewPlace) -> int:
    """Receives all that changed in every project since the last sweep; how many versions
    were new."""
    with place.database.read() as session:
        projects = find_projects(session)
    return sum(_sweep_project(place, project) for project in projects)


def _sweep_project(place: ReviewPlace, project: ReviewProject) -> int:
    assert project.project_id is not None
    since = None if project.swept_until is None else project.swept_until - OVERLAP
    changed = place.studio.changed_tasks(project.project_id, since)
    new = 0
    while chunk := list(islice(changed, CHUNK)):
        new += _receive(place, {task.our_id: task.annotations for task in chunk if task.our_id})
        with place.database.write() as session:
            row = session.get(ReviewProject, project.form_type)
            if row is not None and row.project_id == project.project_id:
                row.swept_until = _newest(chunk, row.swept_until)
    if new:
        _log.info("found by the sweep", extra={"more": {"versions": new}})
    return new


def _newest(chunk: Iterable[StudioTask], known: datetime | None) -> datetime:
    last = max(task.updated_at for task in chunk)
    return last if known is None else max(last, known)


def _receive(place: ReviewPlace, found: dict[str, tuple[JsonObject, ...]]) -> int:
    """Stores all that stands on these tasks, and that what stood there before was deleted."""
    now, new = utc_now(), 0
    with place.database.write() as session:
        standing = find_standing(session, tuple(found))
        for task_id, annotations in found.items():
            for annotation in annotations:
                try:
                    new += receive_annotation(session, task_id, annotation, now)
                except Refused as error:
                    _log.warning("task %s: %s", task_id, error.reason)
            there = {annotation.get("id") for annotation in annotations}
            for annotation_id in sorted(standing.get(task_id, set()) - there):
                new += receive_deletion(session, task_id, annotation_id, now)
        _note_people(session, find_people(chain.from_iterable(found.values())), now)
    return new


def _note_people(session: Session, people: Mapping[str, str], now: datetime) -> None:
    """Keeps the e-mail addresses of who answers, to show them by."""
    known = read_setting(session, STUDIO_PEOPLE) or {}
    if any(known.get(number) != email for number, email in people.items()):
        write_setting(session, STUDIO_PEOPLE, {**known, **people}, now)


def look_at_tasks(place: ReviewPlace) -> int:
    """Asks what became of the tasks of which something doubtful was told."""
    now = utc_now()
    with place.database.read() as session:
        rows = find_to_look_at(session, now, LOOKS)
    by_project: dict[int, list[str]] = {}
    for row in rows:
        by_project.setdefault(row.project_id or 0, []).append(row.id)
    for project_id, task_ids in by_project.items():
        # By our ids: Label Studio may have given the number of a deleted task to another.
        there = place.studio.find_tasks(project_id, task_ids)
        for task_id in task_ids:
            _look(place, task_id, there.get(task_id), now)
    return len(rows)


def _look(place: ReviewPlace, task_id: str, studio_id: int | None, now: datetime) -> None:
    try:
        if studio_id is None:
            raise StudioMissing(f"review task {task_id} is not there any more")
        found = place.studio.fetch_task_annotations(studio_id)
    except StudioMissing:
        with place.database.write() as session:
            return_tasks(session, [task_id], now)
        return
    _receive(place, {task_id: found})
    with place.database.write() as session:
        note_looked_at(session, task_id, now)


def check_tasks(place: ReviewPlace, rounds: Rounds) -> int:
    """Tasks that somebody deleted in Label Studio are put there again; how many. Looks at
    some of each project's at a time."""
    with place.database.read() as session:
        projects = find_projects(session)
    return sum(_check_project(place, project, rounds) for project in projects)


def _check_project(place: ReviewPlace, project: ReviewProject, rounds: Rounds) -> int:
    assert project.project_id is not None
    after = rounds.after.get(project.project_id, "")
    with place.database.read() as session:
        rows = find_asked(session, project.project_id, after, _MOST_CHECKED)
    rounds.after[project.project_id] = rows[-1].id if len(rows) == _MOST_CHECKED else ""
    if not rows:
        return 0
    there = place.studio.find_tasks(project.project_id, [row.id for row in rows])
    gone = [row.id for row in rows if there.get(row.id) != row.label_studio_task_id]
    if not gone:
        return 0
    with place.database.write() as session:
        count = return_tasks(session, gone, utc_now())
    _log.warning("review tasks were deleted in Label Studio", extra={"more": {"tasks": count}})
    return count


def clear_abandoned(place: ReviewPlace) -> int:
    """Deletes in Label Studio what is not asked any more; how many tasks."""
    with place.database.read() as session:
        rows = find_abandoned(session, _MOST_ABANDONED)
    by_project: dict[int, list[AbandonedTask]] = {}
    for row in rows:
        by_project.setdefault(row.project_id, []).append(row)
    for project_id, some in by_project.items():
        place.studio.delete_tasks(_studio_ids(place, project_id, some))
        with place.database.write() as session:
            forget_abandoned(session, [row.task_id for row in some])
    return len(rows)


def _studio_ids(place: ReviewPlace, project_id: int, rows: Sequence[AbandonedTask]) -> list[int]:
    """Asked for by our ids: what was restored or made anew may have taken the old numbers."""
    try:
        found = place.studio.find_tasks(project_id, [row.task_id for row in rows])
    except StudioMissing:
        return []
    return sorted(found.values())
