"""What the review process has for all that it does, and how its troubles are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from annotation.errors import StudioError
from annotation.studio_json import StudioProject, StudioState, StudioTask
from archive.clock import utc_now
from archive.database import Database
from archive.kept_settings import (
    REVIEW_PROBLEM,
    read_setting,
    remove_setting,
    write_setting,
)
from extraction.declarations import FormDeclaration
from extraction.json_values import JsonObject

_log = logging.getLogger(__name__)


class Studio(Protocol):
    """Label Studio, as ``annotation.client`` speaks with it."""

    def check(self) -> StudioState: ...

    def find_project(self, project_id: int) -> StudioProject | None: ...

    def ensure_project(
        self, title: str, description: str, config: str, project_id: int | None
    ) -> int: ...

    def order_by_worth(self, project_id: int) -> None: ...

    def update_config(self, project_id: int, config: str) -> None: ...

    def push_tasks(self, project_id: int, tasks: Sequence[JsonObject]) -> tuple[int, ...]: ...

    def find_tasks(self, project_id: int, our_ids: Sequence[str]) -> dict[str, int]: ...

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[StudioTask]: ...

    def fetch_task_annotations(self, task_id: int) -> tuple[JsonObject, ...]: ...

    def delete_tasks(self, task_ids: Sequence[int]) -> None: ...

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None: ...


@dataclass(frozen=True, eq=False, slots=True)
class ReviewPlace:
    """``declarations`` are by the name of their form type. ``public_url`` is where browsers
    reach this service, ``hook_url`` where Label Studio does."""

    database: Database
    studio: Studio
    declarations: Mapping[str, FormDeclaration]
    public_url: str
    secret_key: bytes = field(repr=False)
    hook_url: str | None = None


def told(place: ReviewPlace, action: Callable[[ReviewPlace], object]) -> bool:
    """Does it; whether Label Studio let it. What stands in the way is kept for people to
    see, said once in the log, and forgotten when it works again."""
    try:
        action(place)
    except StudioError as error:
        _keep_problem(place.database, str(error), error.category)
        return False
    _forget_problem(place.database)
    return True


def _keep_problem(database: Database, text: str, category: str) -> None:
    with database.read() as session:
        known = read_setting(session, REVIEW_PROBLEM)
    if known is not None and known.get("text") == text:
        return
    now = utc_now()
    since = now.isoformat() if known is None else known.get("since")
    with database.write() as session:
        told_now: JsonObject = {"text": text, "category": category, "since": since}
        write_setting(session, REVIEW_PROBLEM, told_now, now)
    _log.warning("review stands still: %s", text)


def _forget_problem(database: Database) -> None:
    with database.read() as session:
        known = read_setting(session, REVIEW_PROBLEM)
    if known is not None:
        with database.write() as session:
            remove_setting(session, REVIEW_PROBLEM)
        _log.info("review goes on")
