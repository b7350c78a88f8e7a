"""Documents that people answered, as the review process leaves them, for the pages to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.task import record_to_task, task_to_label_studio
from archive.annotations import receive_annotation
from archive.clock import utc_now
from archive.corrections import apply_answers
from archive.documents import find_document
from archive.ids import new_id
from archive.kept_settings import STUDIO_PEOPLE, write_setting
from archive.reviews import make_task
from archive.tables import ReviewState
from extraction.json_values import Json, JsonObject, as_list, as_object
from extraction.values import Record
from tests.service.web.stage import finish, form_record
from tests.service.worlds import World, pdf

PROJECT = 3
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = {"11": "anna@example.com", "12": "bert@example.com", "13": "cleo@example.com"}


@dataclass
class Reviewing:
    """One document with its task in Label Studio."""

    world: World
    document_id: str
    task_id: str
    record: Record
    prediction: JsonObject = field(default_factory=dict)

    def answer(
        self,
        annotation_id: int,
        changes: Mapping[str, str] | None = None,
        *,
        author: int = 11,
        seconds: float = 42.0,
        minutes: int = 0,
    ) -> None:
        """A person hands in all boxes, those that say a key of ``changes`` retyped."""
        at = NOON + timedelta(minutes=minutes)
        payload: JsonObject = {
            "id": annotation_id,
            "completed_by": author,
            "lead_time": seconds,
            "created_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "was_cancelled": False,
            "result": [_retyped(as_object(one), changes or {}) for one in self._results()],
        }
        forms = {item.name: item for item in self.world.service.declarations}
        with self.world.service.database.write() as session:
            write_setting(session, STUDIO_PEOPLE, {**PEOPLE})
            receive_annotation(session, self.task_id, payload, utc_now())
            apply_answers(session, self.task_id, forms, utc_now())

    def _results(self) -> list[Json]:
        return as_list(as_object(as_list(self.prediction["predictions"])[0])["result"])


def start_review(
    world: World, name: str, *, audit: bool = False, studio_task: int = 70
) -> Reviewing:
    """Three fields of the document are doubtful; with ``audit`` all others are looked at."""
    _, (document_id,) = world.upload((name, pdf(name)), name=f"箱 {name}")
    record = form_record(name)
    finish(world, document_id, record)
    declaration = next(item for item in world.service.declarations if item.name == record.form_type)
    share = 1.0 if audit else 0.0
    policy = ReviewPolicy(audit_documents=share, audit_fields=share)
    routing = route_record(record, declaration, policy, b"secret")
    task = record_to_task(new_id(), routing.record, declaration, routing)
    with world.service.database.write() as session:
        document = find_document(session, document_id)
        row = make_task(session, document, task, utc_now())
        row.state, row.project_id, row.label_studio_task_id = (
            ReviewState.PUSHED,
            PROJECT,
            studio_task,
        )
    pictures = [f"http://x/{page.number}" for page in record.pages]
    shown = task_to_label_studio(task, routing.record, declaration, pictures)
    return Reviewing(world, document_id, task.task_id, record, shown)


def _retyped(result: JsonObject, changes: Mapping[str, str]) -> JsonObject:
    if result["type"] != "textarea":
        return result
    value = as_object(result["value"])
    texts: list[Json] = [changes.get(str(text), str(text)) for text in as_list(value["text"])]
    return {**result, "value": {**value, "text": texts}}
