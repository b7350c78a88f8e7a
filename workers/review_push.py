"""Waiting review tasks, put before people in batches, what is worth most first."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from annotation.errors import StudioMissing, StudioRefused
from annotation.task import task_to_label_studio
from annotation.task_json import task_from_json
from archive.clock import utc_now
from archive.reasons import Reason
from archive.reviews import (
    claim_tasks,
    find_due_tasks,
    note_pushed,
    postpone_tasks,
)
from archive.revisions import find_revision
from archive.signing import ASKED_PICTURE_PURPOSE, sign_token
from archive.tables import Document, ReviewProject, ReviewTaskRow
from extraction.declarations import FormDeclaration
from extraction.errors import InputError
from extraction.json_values import JsonObject
from extraction.record_json import record_from_json
from workers.review_place import ReviewPlace
from workers.review_projects import find_projects, keep_project

MOST_TASKS = 250
MOST_BYTES = 5_000_000
FEW = 25
"""So many are a trickle, which goes through at once."""
PAUSE = timedelta(seconds=30)
"""Between large imports, as Label Studio asks for."""
PICTURES_FOR = timedelta(days=365)
"""The longest that the addresses of pictures in a task live, should it wait that long."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A task as Label Studio takes it."""

    task_id: str
    body: JsonObject


def push_due_tasks(place: ReviewPlace, now: datetime | None = None) -> int:
    """Puts one batch of each form type into its project; how many tasks. StudioError where
    Label Studio does not take them: they stay due."""
    now = now or utc_now()
    with place.database.read() as session:
        projects = find_projects(session)
    return sum(_push_form_type(place, project, now) for project in projects)


def _push_form_type(place: ReviewPlace, project: ReviewProject, now: datetime) -> int:
    declaration = place.declarations.get(project.form_type)
    if declaration is None or project.problem is not None or project.project_id is None:
        return 0
    with place.database.read() as session:
        due = find_due_tasks(session, project.form_type, now, MOST_TASKS)
    rests = project.pushed_at is not None and now - project.pushed_at < PAUSE
    if not due or (rests and len(due) > FEW):
        return 0
    ready = _prepare(place, declaration, due, now)
    with place.database.write() as session:
        claimed = set(claim_tasks(session, [one.task_id for one in ready], project.project_id, now))
    ready = [one for one in ready if one.task_id in claimed]
    try:
        count = _import(place, project.project_id, ready)
    except StudioMissing:
        # The project was deleted by hand: it is made again, and its tasks with it.
        keep_project(place, declaration)
        raise
    with place.database.write() as session:
        row = session.get(ReviewProject, project.form_type)
        if row is not None:
            row.pushed_at = now
    return count


def _prepare(
    place: ReviewPlace,
    declaration: FormDeclaration,
    due: Sequence[tuple[ReviewTaskRow, Document]],
    now: datetime,
) -> list[_Ready]:
    """As many as go into one request. What cannot be shown at all is postponed."""
    ready: list[_Ready] = []
    broken: dict[str, Reason] = {}
    size = 0
    for row, document in due:
        try:
            body = _to_body(place, declaration, row, document)
        except InputError as error:
            broken[row.id] = Reason("task_unshowable", error.reason, {"error": error.reason})
            continue
        size += len(json.dumps(body))
        if ready and size > MOST_BYTES:
            break
        ready.append(_Ready(row.id, body))
    for task_id, reason in broken.items():
        _log.warning("review task %s cannot be shown: %s", task_id, reason.text)
        _postpone(place, [task_id], reason, now + timedelta(hours=1))
    return ready


def _to_body(
    place: ReviewPlace, declaration: FormDeclaration, row: ReviewTaskRow, document: Document
) -> JsonObject:
    with place.database.read() as session:
        stored = find_revision(session, document.id, row.base_revision)
    record = record_from_json(stored.record)
    address = partial(asked_picture_address, place, row.id)
    pictures = [address(page.number) for page in record.pages]
    return task_to_label_studio(task_from_json(row.body), record, declaration, pictures)


def asked_picture_address(place: ReviewPlace, task_id: str, page: int) -> str:
    """Where browsers on other hosts find a page of a task. The address is its own permission,
    which ends with the task."""
    until = utc_now() + PICTURES_FOR
    token = sign_token(place.secret_key, ASKED_PICTURE_PURPOSE, f"{task_id}/{page}", until)
    return f"{place.public_url}/asked-pictures/{token}"


def _import(place: ReviewPlace, project_id: int, ready: Sequence[_Ready]) -> int:
    """Imports them; one that Label Studio will not have does not keep the others out."""
    if not ready:
        return 0
    try:
        ids = place.studio.push_tasks(project_id, [one.body for one in ready])
    except StudioRefused as error:
        # Is it the tasks, or are we refused altogether?
        place.studio.check()
        if len(ready) == 1:
            _log.warning("review task %s is refused: %s", ready[0].task_id, error.reason)
            reason = Reason("task_refused", error.reason, {"error": error.reason})
            _postpone(place, [ready[0].task_id], reason, utc_now())
            return 0
        half = len(ready) // 2
        return _import(place, project_id, ready[:half]) + _import(place, project_id, ready[half:])
    pushed: Mapping[str, int] = dict(zip((one.task_id for one in ready), ids, strict=True))
    with place.database.write() as session:
        note_pushed(session, project_id, pushed, utc_now())
    _log.info("review tasks put before people", extra={"more": {"tasks": len(pushed)}})
    return len(pushed)


def _postpone(place: ReviewPlace, task_ids: Sequence[str], reason: Reason, now: datetime) -> None:
    with place.database.write() as session:
        postpone_tasks(session, task_ids, reason, now)
