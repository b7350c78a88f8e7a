"""What Label Studio tells of annotations: stored at once, applied by the review process."""

from __future__ import annotations

import hmac
import json
import logging
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from annotation.hook import HookAnnotation, HookNews, hook_to_news
from archive.annotations import find_tasks_of, identify_annotation, receive_annotation
from archive.clock import utc_now
from archive.reviews import find_by_studio_tasks, look_if_late, mark_to_look_at
from extraction.json_values import Json
from service.api.context import Service, TheService
from service.api.problems import Problem
from workers.review_projects import HOOK_HEADER, HOOK_PATH, hook_secret

router = APIRouter(tags=["review"])

_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "security": [{"LabelStudioWebhook": []}],
}
_log = logging.getLogger(__name__)


@router.post(HOOK_PATH, status_code=204, openapi_extra=_BODY)
async def post_label_studio(request: Request, service: TheService) -> None:
    """A webhook of Label Studio, which carries the secret that it was given with its project.

    Whether it comes twice, late or never makes no difference to the records.
    """
    given = request.headers.get(HOOK_HEADER, "")
    if not hmac.compare_digest(given.encode(), hook_secret(service.settings.secret_key).encode()):
        raise Problem("not_signed_in", f"the header {HOOK_HEADER} is missing or wrong")
    body = await request.body()
    await run_in_threadpool(receive, service, body)


def receive(service: Service, body: bytes) -> int:
    """Stores what the webhook tells; how many versions of annotations were new. What is
    told of tasks that are not ours is passed over."""
    try:
        told: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem("bad_request", f"is no JSON: {error}") from error
    news = hook_to_news(told)
    with service.database.write() as session:
        new = sum(_receive_annotation(session, one) for one in news.annotations)
        _note_doubtful(session, news)
    return new


def _receive_annotation(session: Session, one: HookAnnotation) -> bool:
    if one.task_id is None:
        return False
    now = utc_now()
    new = receive_annotation(session, one.task_id, one.payload, now)
    if new:
        look_if_late(session, one.task_id, identify_annotation(one.payload)[1], now)
    return new


def _note_doubtful(session: Session, news: HookNews) -> None:
    """What is said to be gone, or names the task by a number that may be given anew: the
    review process asks Label Studio what is so."""
    tasks = set(find_tasks_of(session, news.gone_annotations)) if news.gone_annotations else set()
    unnamed = [one.label_studio_task_id for one in news.annotations if one.task_id is None]
    studio_ids = [*news.gone_tasks, *(each for each in unnamed if each is not None)]
    if studio_ids and news.project_id is not None:
        tasks |= set(find_by_studio_tasks(session, news.project_id, studio_ids).values())
    if tasks:
        mark_to_look_at(session, sorted(tasks), utc_now())
