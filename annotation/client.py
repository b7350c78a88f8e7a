"""Label Studio as this project uses it. The only importer of ``label_studio_sdk``.

What it gives us back is its own JSON: ``annotation.answers`` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Final

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.pagination import SyncPager
from label_studio_sdk.core.unchecked_base_model import UncheckedBaseModel

from annotation.errors import ConfigRefused, StudioGone, StudioMissing, StudioRefused
from annotation.studio_json import (
    BY_NUMBER,
    BY_WORTH,
    StudioProject,
    StudioState,
    StudioTask,
    any_of,
    json_to_project,
    json_to_task,
    our_id,
    status_to_error,
    time_to_filter,
)
from extraction.json_values import JsonObject, as_integer, as_list, as_object

TIMEOUT_S: Final = 30.0
IMPORT_BATCH: Final = 100
PAGE: Final = 50
SHORTEST_TITLE: Final = 3
"""Characters; Label Studio refuses a project with fewer."""
WEBHOOK_ACTIONS: Final = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
)
_RETRY: Final = {"max_retries": 1}


class LabelStudioClient:
    """One connection to one Label Studio, for one thread.

    ``url`` is its address, with a path where a proxy serves it under one. ``token`` is a
    legacy token or a personal access token. Every call may raise StudioGone (try again
    later) or StudioRefused (a person has to do something), with what to do in its message.
    """

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=True)

    def close(self) -> None:
        self._http.close()

    @cached_property
    def _studio(self) -> LabelStudio:
        # The SDK forgets the path of an address when it renews a token, unless it ends in /.
        return LabelStudio(  # type: ignore[no-untyped-call]
            base_url=f"{self.url}/", api_key=self._token, httpx_client=self._http
        )

    def check(self) -> StudioState:
        """Whether it answers and knows the token."""
        with self._speaking():
            user = self._studio.users.whoami(request_options=_RETRY)
            version = self._studio.versions.get(request_options=_RETRY)
        return StudioState(version.release, user.email)

    def find_project(self, project_id: int) -> StudioProject | None:
        """None where it was deleted."""
        try:
            with self._speaking(f"project {project_id}"):
                return json_to_project(_to_json(self._studio.projects.get(project_id)))
        except StudioMissing:
            # Also said of an address at which there is no Label Studio at all.
            self.check()
            return None

    def ensure_project(
        self, title: str, description: str, config: str, project_id: int | None
    ) -> int:
        """The id of a project of this title, description and config: ``project_id`` if it is
        still there, else one of this title and description that an interrupted start left,
        else a new one. ConfigRefused where Label Studio does not take the config."""
        if len(title) < SHORTEST_TITLE:
            title = f"{title} · formloop"
        found = self.find_project(project_id) if project_id is not None else None
        found = found or self._find_own(title, description)
        if found is None:
            return self._create_project(title, description, config)
        if found.config.strip() != config.strip():
            self.update_config(found.project_id, config)
        if (found.title, found.description) != (title, description):
            with self._speaking(f"project {found.project_id}"):
                self._studio.projects.update(found.project_id, title=title, description=description)
        if found.sampling == BY_NUMBER:
            self.order_by_worth(found.project_id)
        return found.project_id

    def order_by_worth(self, project_id: int) -> None:
        """What is worth most is handed out first; StudioMissing without the project."""
        with self._speaking(f"project {project_id}"):
            self._studio.projects.update(project_id, sampling=BY_WORTH)

    def update_config(self, project_id: int, config: str) -> None:
        """StudioMissing without the project, ConfigRefused where Label Studio does not take it.

        It does take one without labels that annotations use: ``annotation.migration`` keeps
        those.
        """
        try:
            with self._speaking(f"project {project_id}"):
                self._studio.projects.update(project_id, label_config=config)
        except StudioMissing:
            raise
        except StudioRefused as error:
            raise ConfigRefused(error.reason) from error

    def _find_own(self, title: str, description: str) -> StudioProject | None:
        with self._speaking():
            listed: Iterable[UncheckedBaseModel] = self._studio.projects.list(title=title)
            projects = [json_to_project(_to_json(item)) for item in listed]
        alike = (
            item for item in projects if (item.title, item.description) == (title, description)
        )
        return min(alike, key=lambda item: item.project_id, default=None)

    def _create_project(self, title: str, description: str, config: str) -> int:
        try:
            with self._speaking():
                made = self._studio.projects.create(
                    title=title,
                    description=description,
                    label_config=config,
                    show_collab_predictions=True,
                    enable_empty_annotation=True,
                    maximum_annotations=1,
                    sampling=BY_WORTH,
                )
                self._studio.views.create(project=made.id, data=QUEUE_VIEW)
        except StudioRefused as error:
            raise ConfigRefused(error.reason) from error
        return as_integer(made.id)

    def push_tasks(self, project_id: int, tasks: Sequence[JsonObject]) -> tuple[int, ...]:
        """Import tasks (``{"data": {"task_id": …}, "predictions": […]}``); their ids in Label
        Studio, in the given order. Those that are there already (by ``data.task_id``) are
        not imported again, so it may be repeated after a crash."""
        ids = [our_id(task) for task in tasks]
        there = self.find_tasks(project_id, ids)
        new = {ours: task for ours, task in zip(ids, tasks, strict=True) if ours not in there}
        for start in range(0, len(new), IMPORT_BATCH):
            batch = list(new)[start : start + IMPORT_BATCH]
            there |= zip(
                batch, self._import(project_id, [new[ours] for ours in batch]), strict=True
            )
        return tuple(there[ours] for ours in ids)

    def _import(self, project_id: int, tasks: list[JsonObject]) -> list[int]:
        with self._speaking(f"project {project_id}"):
            answer = self._studio.projects.import_tasks(
                project_id,
                request=tasks,  # type: ignore[arg-type]
                return_task_ids=True,
                request_options={"max_retries": 0},
            )
        return [as_integer(item) for item in as_list(_to_json(answer).get("task_ids"))]

    def find_tasks(self, project_id: int, our_ids: Sequence[str]) -> dict[str, int]:
        """Label Studio's ids of our tasks, by our id; those that are not there are left out."""
        found: dict[str, int] = {}
        for start in range(0, len(our_ids), PAGE):
            some = our_ids[start : start + PAGE]
            query: JsonObject = {
                "filters": any_of("filter:tasks:data.task_id", "equal", "String", some)
            }
            for task in self._list(project_id, query, 1, with_annotations=False):
                found[our_id(task)] = as_integer(task["id"])
        return found

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[StudioTask]:
        """The tasks that changed at or after ``since``, oldest change first, each with all
        annotations that stand on it now: one that is known but not among them was deleted.

        A task that changes while they are read may come twice, but is never left out. Go on
        from the last one's ``updated_at`` the next time. StudioMissing without the project.
        """
        cursor, page, seen = since, 1, set[tuple[int, datetime]]()
        while True:
            query: JsonObject = {"ordering": ["tasks:updated_at"]}
            if cursor is not None:
                query["filters"] = any_of(
                    "filter:tasks:updated_at",
                    "greater_or_equal",
                    "Datetime",
                    [time_to_filter(cursor)],
                )
            tasks = [json_to_task(item) for item in self._list(project_id, query, page)]
            for task in tasks:
                if (task.task_id, task.updated_at) not in seen:
                    seen.add((task.task_id, task.updated_at))
                    yield task
            if len(tasks) < PAGE:
                return
            # By time, not by page number: who changes meanwhile moves the pages.
            last = tasks[-1].updated_at
            cursor, page = (last, 1) if last != cursor else (cursor, page + 1)

    def annotations_since(self, project_id: int, since: datetime | None) -> Iterator[JsonObject]:
        """The annotations of ``changed_tasks``. Each has ``task`` (Label Studio's id),
        ``task_id`` (ours) and ``task_updated_at`` beside its own keys."""
        for task in self.changed_tasks(project_id, since):
            for annotation in task.annotations:
                more: JsonObject = {
                    "task": task.task_id,
                    "task_id": task.our_id,
                    "task_updated_at": time_to_filter(task.updated_at),
                }
                yield annotation | more

    def fetch_task_annotations(self, task_id: int) -> tuple[JsonObject, ...]:
        """All that stand now on one task of Label Studio's; StudioMissing without the task."""
        with self._speaking(f"task {task_id}"):
            listed = self._studio.annotations.list(task_id)
        return tuple(map(_to_json, listed))

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        """Also where some of them are gone already."""
        for task_id in task_ids:
            try:
                with self._speaking(f"task {task_id}"):
                    self._studio.tasks.delete(str(task_id))
            except StudioMissing:
                continue

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        """Have it POST every change of an annotation to ``url``; one webhook for each url."""
        wanted = {
            "url": url,
            "headers": dict(headers),
            "actions": list(WEBHOOK_ACTIONS),
            "send_for_all_actions": False,
            "send_payload": True,
            "is_active": True,
        }
        with self._speaking(f"project {project_id}"):
            hooks = self._studio.webhooks
            listed = [_to_json(hook) for hook in hooks.list(project=project_id)]
            same = next((hook for hook in listed if hook["url"] == url), None)
            if same is None:
                hooks.create(project=project_id, **wanted)
            elif any(same.get(key) != value for key, value in wanted.items()):
                hooks.update(as_integer(same["id"]), **wanted)

    def _list(
        self, project_id: int, query: JsonObject, page: int, with_annotations: bool = True
    ) -> list[JsonObject]:
        """One page of tasks; an empty one where there is no such page."""
        try:
            with self._speaking(f"project {project_id}"):
                pager: SyncPager[UncheckedBaseModel, object] = self._studio.tasks.list(
                    project=project_id,
                    query=json.dumps(query),
                    page=page,
                    page_size=PAGE,
                    fields="all" if with_annotations else "task_only",
                    resolve_uri=False,
                )
        except StudioMissing:
            if page == 1 or self.find_project(project_id) is None:
                raise
            return []
        return [_to_json(item) for item in pager.items or ()]

    @contextmanager
    def _speaking(self, subject: str = "") -> Iterator[None]:
        """What goes wrong on the way there and back, in our words."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise StudioGone(
                f"Label Studio at {self.url} does not answer in time; it is tried again"
            ) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise StudioRefused(
                f"FORMLOOP_LABEL_STUDIO_URL is {self.url!r}, which is no address: {error}"
            ) from error
        except httpx.TransportError as error:
            raise StudioGone(
                f"no Label Studio answers at {self.url} ({error}): start it, or correct"
                " FORMLOOP_LABEL_STUDIO_URL; until then nothing is lost, and it is tried again"
            ) from error
        except ApiError as error:
            raise status_to_error(error.status_code or 0, error.body, self.url, subject) from error


_HIDDEN: Final = (
    "inner_id cancelled_annotations total_predictions annotations_results annotations_ids"
    " predictions_score predictions_model_versions predictions_results file_upload"
    " storage_filename created_at updated_at updated_by avg_lead_time draft_exists ground_truth"
    " data.pages data.notes data.task_id"
)
_HIDDEN_COLUMNS: Final = [f"tasks:{column}" for column in _HIDDEN.split()]
QUEUE_VIEW: Final = {
    "title": "待核对",
    "type": "list",
    "target": "tasks",
    "ordering": ["-tasks:data.worth"],
    "hiddenColumns": {"explore": _HIDDEN_COLUMNS, "labeling": _HIDDEN_COLUMNS},
}
"""How tasks are listed: what is worth most first. What they are handed out by is the
project's sampling, not this."""


def _to_json(model: UncheckedBaseModel) -> JsonObject:
    return as_object(json.loads(model.json()))
