"""A Label Studio in memory: the interface of ``annotation.client``, and what people do to it."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from annotation.errors import (
    ConfigRefused,
    StudioError,
    StudioMissing,
    StudioRefused,
)
from annotation.migration import config_to_names
from annotation.studio_json import (
    BY_WORTH,
    StudioProject,
    StudioState,
    StudioTask,
    our_id,
    time_to_filter,
)
from extraction.json_values import JsonObject

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
Edit = Callable[[list[JsonObject]], list[JsonObject]]


@dataclass
class KeptTask:
    task_id: int
    project_id: int
    data: JsonObject
    results: list[JsonObject]
    updated_at: datetime


@dataclass
class FakeStudio:
    """``trouble`` is what every call ends with while it is set; ``calls_left`` counts down to
    it. ``sent`` are the webhooks, oldest first. Every change has a time of its own."""

    trouble: StudioError | None = None
    calls_left: int | None = None
    refused: Callable[[JsonObject], bool] = lambda task: False
    projects: dict[int, StudioProject] = field(default_factory=dict)
    tasks: dict[int, KeptTask] = field(default_factory=dict)
    annotations: dict[int, JsonObject] = field(default_factory=dict)
    webhooks: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)
    sent: list[JsonObject] = field(default_factory=list)
    imports: list[int] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ticks: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What the service asks.

    def check(self) -> StudioState:
        self._called()
        return StudioState("1.23.2", "reviewer@formloop.local")

    def find_project(self, project_id: int) -> StudioProject | None:
        self._called()
        return self.projects.get(project_id)

    def ensure_project(
        self, title: str, description: str, config: str, project_id: int | None
    ) -> int:
        self._called()
        named = (one for one in self.projects.values() if one.description == description)
        found = self.projects.get(project_id or 0) or next(
            (one for one in named if one.title == title), None
        )
        if found is None:
            number = next(self._ids)
            self.projects[number] = StudioProject(number, title, description, config)
            return number
        if found.config.strip() != config.strip():
            self.update_config(found.project_id, config)
        return found.project_id

    def order_by_worth(self, project_id: int) -> None:
        self._called()
        self.projects[project_id] = replace(self._project(project_id), sampling=BY_WORTH)

    def update_config(self, project_id: int, config: str) -> None:
        self._called()
        found = self._project(project_id)
        used = {
            label
            for annotation in self.annotations.values()
            if annotation["project"] == project_id
            for label in _labels(annotation)
        }
        missing = used - config_to_names(config).keys()
        if missing:
            raise ConfigRefused(f"annotations use {sorted(missing)}")
        self.projects[project_id] = replace(found, config=config)

    def push_tasks(self, project_id: int, tasks: Sequence[JsonObject]) -> tuple[int, ...]:
        self._called()
        self._project(project_id)
        there = self._by_our_id(project_id)
        new = [task for task in tasks if our_id(task) not in there]
        if any(self.refused(task) for task in new):
            raise StudioRefused("a prediction is not right")
        if new:
            self.imports.append(len(new))
        for task in new:
            kept = json.loads(json.dumps(task))
            number = next(self._ids)
            results = kept["predictions"][0]["result"] if kept["predictions"] else []
            self.tasks[number] = KeptTask(number, project_id, kept["data"], results, self._now())
            there[our_id(task)] = number
        return tuple(there[our_id(task)] for task in tasks)

    def find_tasks(self, project_id: int, our_ids: Sequence[str]) -> dict[str, int]:
        self._called()
        self._project(project_id)
        there = self._by_our_id(project_id)
        return {ours: there[ours] for ours in our_ids if ours in there}

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[StudioTask]:
        self._called()
        self._project(project_id)
        changed = [
            task
            for task in self.tasks.values()
            if task.project_id == project_id and (since is None or task.updated_at >= since)
        ]
        for task in sorted(changed, key=lambda one: (one.updated_at, one.task_id)):
            standing = tuple(copy.deepcopy(one) for one in self._of_task(task.task_id))
            ours = str(task.data.get("task_id") or "")
            yield StudioTask(task.task_id, ours, task.updated_at, standing)

    def annotations_since(self, project_id: int, since: datetime | None) -> Iterator[JsonObject]:
        for task in self.changed_tasks(project_id, since):
            for annotation in task.annotations:
                more: JsonObject = {
                    "task": task.task_id,
                    "task_id": task.our_id,
                    "task_updated_at": time_to_filter(task.updated_at),
                }
                yield annotation | more

    def fetch_task_annotations(self, task_id: int) -> tuple[JsonObject, ...]:
        self._called()
        if task_id not in self.tasks:
            raise StudioMissing(f"there is no task {task_id}")
        return tuple(copy.deepcopy(one) for one in self._of_task(task_id))

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        self._called()
        for task_id in task_ids:
            self.delete_task(task_id)

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        self._called()
        self._project(project_id)
        self.webhooks[project_id, url] = dict(headers)

    def close(self) -> None:
        pass

    # What people do in it.

    def answer(self, ours: str, edit: Edit = lambda results: results, author: int = 1) -> int:
        """Somebody submits what was suggested, edited; the id of the annotation."""
        task = self.find_by_our_id(ours)
        number, now = next(self._ids), self._now()
        self.annotations[number] = {
            "id": number,
            "task": task.task_id,
            "project": task.project_id,
            "completed_by": author,
            "created_username": f" annotator{author}@example.com, {author}",
            "result": [*edit(copy.deepcopy(task.results))],
            "was_cancelled": False,
            "lead_time": 12.5,
            "created_at": time_to_filter(now),
            "updated_at": time_to_filter(now),
        }
        task.updated_at = now
        self._tell("ANNOTATION_CREATED", number)
        return number

    def edit(self, annotation_id: int, edit: Edit) -> None:
        found, now = self.annotations[annotation_id], self._now()
        results = _list(found["result"])
        found["result"] = [*edit(copy.deepcopy(results))]
        found["updated_at"] = time_to_filter(now)
        self.tasks[int(str(found["task"]))].updated_at = now
        self._tell("ANNOTATION_UPDATED", annotation_id)

    def delete_annotation(self, annotation_id: int) -> None:
        found = self.annotations.pop(annotation_id)
        self.tasks[int(str(found["task"]))].updated_at = self._now()
        body: JsonObject = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": annotation_id}]}
        self.sent.append({**body, "project": {"id": found["project"]}})

    def delete_task(self, task_id: int) -> None:
        self.tasks.pop(task_id, None)
        for one in self._of_task(task_id):
            del self.annotations[int(str(one["id"]))]

    def delete_project(self, project_id: int) -> None:
        del self.projects[project_id]
        for task in [one for one in self.tasks.values() if one.project_id == project_id]:
            self.delete_task(task.task_id)

    def find_by_our_id(self, ours: str) -> KeptTask:
        return next(one for one in self.tasks.values() if one.data.get("task_id") == ours)

    def _called(self) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left >= 0:
                return
        if self.trouble is not None:
            raise self.trouble

    def _project(self, project_id: int) -> StudioProject:
        if project_id not in self.projects:
            raise StudioMissing(f"there is no project {project_id}")
        return self.projects[project_id]

    def _by_our_id(self, project_id: int) -> dict[str, int]:
        return {
            str(one.data.get("task_id")): one.task_id
            for one in self.tasks.values()
            if one.project_id == project_id
        }

    def _of_task(self, task_id: int) -> list[JsonObject]:
        return [one for one in self.annotations.values() if one["task"] == task_id]

    def _now(self) -> datetime:
        return START + timedelta(milliseconds=next(self._ticks))

    def _tell(self, action: str, annotation_id: int) -> None:
        annotation = copy.deepcopy(self.annotations[annotation_id])
        del annotation["created_username"]
        task = self.tasks[int(str(annotation["task"]))]
        self.sent.append(
            {
                "action": action,
                "annotation": annotation,
                "task": {"id": task.task_id, "data": copy.deepcopy(task.data)},
                "project": {"id": task.project_id},
            }
        )


def retype(texts: Mapping[str, str]) -> Edit:
    """What is said of each text that was read is changed."""

    def edit(results: list[JsonObject]) -> list[JsonObject]:
        for result in results:
            value = result["value"]
            if result["type"] == "textarea" and isinstance(value, dict):
                value["text"] = [texts.get(str(one), str(one)) for one in _list(value["text"])]
        return results

    return edit


def _labels(annotation: JsonObject) -> Iterator[str]:
    for result in _list(annotation["result"]):
        assert isinstance(result, dict)
        value = result["value"]
        assert isinstance(value, dict)
        yield from map(str, _list(value.get("rectanglelabels", [])))


def _list(stored: object) -> list:  # type: ignore[type-arg]
    return stored if isinstance(stored, list) else [stored]
