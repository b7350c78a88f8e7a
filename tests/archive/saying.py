"""People who answer a review task of the small form, as Label Studio tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from annotation.task import task_to_label_studio
from annotation.task_json import task_from_json
from archive.annotations import receive_annotation
from archive.clock import utc_now
from archive.corrections import apply_answers
from archive.revisions import find_revision
from archive.tables import ReviewTaskRow
from extraction.json_values import JsonObject, as_list, as_object
from extraction.record_json import record_from_json
from tests.annotation.small_form import DECLARATION
from tests.archive.review_rows import FORMS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def say(
    session: Session,
    task_id: str,
    number: int,
    changes: Mapping[str, str] | None = None,
    author: int = 11,
    minutes: int = 0,
) -> None:
    """A person hands in the task's boxes, those with a text of ``changes`` retyped."""
    row = session.get_one(ReviewTaskRow, task_id)
    record = record_from_json(find_revision(session, row.document_id, row.base_revision).record)
    pictures = ["http://x/p"] * len(record.pages)
    asked = task_to_label_studio(task_from_json(row.body), record, DECLARATION, pictures)
    results = as_list(as_object(as_list(asked["predictions"])[0])["result"])
    payload: JsonObject = json.loads(
        json.dumps(
            {
                "id": number,
                "completed_by": author,
                "lead_time": 20.0 + number,
                "updated_at": (NOON + timedelta(minutes=minutes)).isoformat(),
                "result": results,
            }
        )
    )
    for result in as_list(payload["result"]):
        value = as_object(as_object(result)["value"])
        if "text" in value:
            texts = as_list(value["text"])
            value["text"] = [(changes or {}).get(str(text), text) for text in texts]
    assert receive_annotation(session, task_id, payload, utc_now())
    apply_answers(session, task_id, FORMS, utc_now())
