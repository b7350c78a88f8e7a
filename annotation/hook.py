"""What a webhook of Label Studio says, without asking it anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from extraction.errors import InputError
from extraction.json_values import Json, JsonObject


@dataclass(frozen=True, slots=True)
class HookNews:
    """``annotations`` are those made or changed, each with the id of our task that it says it
    is of (None where it does not say) and the one that Label Studio gave the task.

    ``gone_annotations`` and ``gone_tasks`` are Label Studio's ids: what they were is to be
    looked up, and whether they are really gone is to be asked.
    """

    project_id: int | None
    annotations: tuple[HookAnnotation, ...] = ()
    gone_annotations: tuple[int, ...] = ()
    gone_tasks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HookAnnotation:
    task_id: str | None
    label_studio_task_id: int | None
    payload: JsonObject


def hook_to_news(body: Json) -> HookNews:
    """InputError for what is no webhook of Label Studio's; other events have no news."""
    if not isinstance(body, dict) or not isinstance(body.get("action"), str):
        raise InputError("is no webhook of Label Studio: it names no action")
    project_id = _id_of(body.get("project"))
    match body["action"]:
        case "ANNOTATION_CREATED" | "ANNOTATION_UPDATED" | "ANNOTATIONS_CREATED":
            tasks = {_id_of(task): task for task in _objects(body.get("task"))}
            annotations = _objects(body.get("annotation"))
            return HookNews(project_id, tuple(_to_annotation(one, tasks) for one in annotations))
        case "ANNOTATIONS_DELETED":
            return HookNews(project_id, gone_annotations=_ids(body.get("annotations")))
        case "TASKS_DELETED":
            return HookNews(project_id, gone_tasks=_ids(body.get("tasks")))
    return HookNews(project_id)


def _to_annotation(payload: JsonObject, tasks: Mapping[int | None, JsonObject]) -> HookAnnotation:
    studio_id = payload.get("task")
    if not isinstance(studio_id, int) or not 0 < studio_id < 2**63:
        return HookAnnotation(None, None, payload)
    data = tasks.get(studio_id, {}).get("data")
    task_id = data.get("task_id") if isinstance(data, dict) else None
    return HookAnnotation(task_id if isinstance(task_id, str) else None, studio_id, payload)


def _objects(stored: Json | None) -> Iterator[JsonObject]:
    """One or a list of them, as the event has it."""
    for one in stored if isinstance(stored, list) else [stored]:
        if isinstance(one, dict):
            yield one


def _ids(stored: Json | None) -> tuple[int, ...]:
    found = (_id_of(one) for one in _objects(stored))
    return tuple(each for each in found if each is not None)


def _id_of(stored: Json | None) -> int | None:
    found = stored.get("id") if isinstance(stored, dict) else None
    return found if isinstance(found, int) and 0 < found < 2**63 else None
