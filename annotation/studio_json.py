"""What Label Studio says, in our values and errors. Knows its JSON, not its SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from annotation.errors import StudioError, StudioGone, StudioMissing, StudioRefused
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_object

BY_NUMBER: Final = "Sequential sampling"
"""How Label Studio hands tasks out unless it is told otherwise."""
BY_WORTH: Final = "Uncertainty sampling"
"""The lowest score of a prediction first: ``annotation.task`` gives it by the task's worth."""

_MOST_REASON: Final = 600
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _BROKEN = 401, 403, 404, 408, 429, 500


@dataclass(frozen=True, slots=True)
class StudioState:
    """Which Label Studio answers, and as whom it knows us (an e-mail address)."""

    version: str
    user: str


@dataclass(frozen=True, slots=True)
class StudioProject:
    """A project as it stands in Label Studio. ``sampling`` is the order that its button *Label
    All Tasks* goes by."""

    project_id: int
    title: str
    description: str
    config: str
    sampling: str = BY_WORTH


@dataclass(frozen=True, slots=True)
class StudioTask:
    """A task as it stands in Label Studio. ``our_id`` is empty for one that is none of ours.

    ``updated_at`` moves when an annotation of it is made, edited or deleted.
    """

    task_id: int
    our_id: str
    updated_at: datetime
    annotations: tuple[JsonObject, ...]


def our_id(task: Mapping[str, Json]) -> str:
    """Our own id of a task in Label Studio's form; empty for one that is none of ours."""
    data = task.get("data")
    return str(data.get("task_id") or "") if isinstance(data, dict) else ""


def json_to_project(found: JsonObject) -> StudioProject:
    return StudioProject(
        as_integer(found["id"]),
        str(found.get("title") or ""),
        str(found.get("description") or ""),
        str(found.get("label_config") or ""),
        str(found.get("sampling") or ""),
    )


def json_to_task(found: JsonObject) -> StudioTask:
    return StudioTask(
        as_integer(found["id"]),
        our_id(found),
        datetime.fromisoformat(str(found["updated_at"])).astimezone(UTC),
        tuple(as_object(item) for item in as_list(found.get("annotations") or [])),
    )


def time_to_filter(moment: datetime) -> str:
    """A time as the data manager's filters want it; others they do not understand."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def any_of(column: str, operator: str, kind: str, values: Sequence[str]) -> JsonObject:
    items: list[Json] = [
        {"filter": column, "operator": operator, "type": kind, "value": value} for value in values
    ]
    return {"conjunction": "or", "items": items}


def status_to_error(status: int, body: object, url: str, subject: str) -> StudioError:
    """What an answer that is none of what was asked for means, and what to do."""
    reason = _reason(body)
    if status == _UNAUTHORIZED:
        return StudioRefused(
            f"Label Studio at {url} does not accept the token ({reason}): copy one from its page"
            " Account & Settings into FORMLOOP_LABEL_STUDIO_TOKEN and start again"
        )
    if status == _FORBIDDEN:
        return StudioRefused(
            f"Label Studio at {url} does not let this token's user do that ({reason}): give the"
            " user the right to it, or take an administrator's token"
        )
    if status == _NOT_FOUND:
        what = f"has no {subject} any more" if subject else "knows no such page"
        return StudioMissing(f"Label Studio at {url} {what}")
    if status in (_TIMEOUT, _TOO_MANY) or status >= _BROKEN:
        return StudioGone(f"Label Studio at {url} is in trouble ({status}: {reason})")
    if status < 400:
        return StudioMissing(
            f"what answers at {url} is no Label Studio; correct FORMLOOP_LABEL_STUDIO_URL"
        )
    return StudioRefused(f"Label Studio at {url} refuses {subject or 'that'} ({status}: {reason})")


def _reason(body: object) -> str:
    """What Label Studio says, without its own reasons' trees."""
    if isinstance(body, dict):
        body = body.get("validation_errors") or body.get("detail") or body
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    return " ".join(text.split())[:_MOST_REASON]
