"""Into the queue: which message a step becomes, and how urgent it is.

Nobody waits for Redis and no row depends on it. A step is marked as sent in the transaction
that makes it ready; when its message is not sent, or is lost, the scheduler sends another.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import redis
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.steps import LostStep, StepKey, find_ready_steps, mark_enqueued
from archive.tables import Document, StepKind
from workers.app import CANARY_TASK, EXTRACT_QUEUE, LEVELS
from workers.redis_server import open_redis

ORDINARY_LEVEL = 5
CANARY_LEVEL = 0
CANARY_LIFE_S = 60
KOMBU_SEPARATOR = "\x06\x16"
"""Between a queue's name and a level, in the key of a Redis list."""

_log = logging.getLogger(__name__)
_GONE = (OperationalError, redis.RedisError, OSError)


def step_task(kind: StepKind) -> str:
    """The name of the Celery task of a step."""
    return f"formloop.{kind}"


def step_level(kind: StepKind, priority: int) -> int:
    """Priority 0 is ordinary, 1 overtakes it, -1 waits for it; what is read is put together
    before more of the same priority is read."""
    level = ORDINARY_LEVEL - 2 * priority - (kind == StepKind.ASSEMBLE)
    return min(LEVELS - 1, max(CANARY_LEVEL + 1, level))


def take_ready_steps(session: Session, document_id: str) -> tuple[LostStep, ...]:
    """The document's steps that wait for a message, marked as sent: send them after the commit."""
    keys = find_ready_steps(session, document_id)
    if not keys:
        return ()
    mark_enqueued(session, keys, utc_now())
    query = select(Document.priority).where(Document.id == document_id)
    priority = session.scalar(query) or 0
    return tuple(LostStep(key, priority) for key in keys)


def push_steps(app: Celery, steps: Iterable[LostStep]) -> int:
    """Send a message for each; how many. Less than all when Redis is gone: no error."""
    sent = 0
    try:
        with app.producer_pool.acquire(block=True) as producer:
            for step in steps:
                app.send_task(
                    step_task(step.key.step),
                    args=_key_to_args(step.key),
                    priority=step_level(step.key.step, step.priority),
                    queue=EXTRACT_QUEUE,
                    producer=producer,
                    retry=True,
                    retry_policy={"max_retries": 1, "interval_start": 0},
                )
                sent += 1
    except _GONE as error:
        _log.warning("messages were not sent: %s", error)
    return sent


def push_canary(app: Celery, canary_id: str) -> bool:
    """Whether it could be sent. Nobody takes it any more after ``CANARY_LIFE_S``."""
    try:
        app.send_task(
            CANARY_TASK,
            args=[canary_id],
            priority=CANARY_LEVEL,
            queue=EXTRACT_QUEUE,
            expires=CANARY_LIFE_S,
            retry=False,
        )
    except _GONE as error:
        _log.warning("the canary was not sent: %s", error)
        return False
    return True


def args_to_key(document_id: str, generation: int, step: str, page: int) -> StepKey:
    return StepKey(document_id, generation, StepKind(step), page)


def _key_to_args(key: StepKey) -> list[str | int]:
    return [key.document_id, key.generation, str(key.step), key.page]


def count_waiting(redis_url: str) -> int | None:
    """Messages that no worker has taken yet; None when Redis does not answer."""
    names = [EXTRACT_QUEUE, *(f"{EXTRACT_QUEUE}{KOMBU_SEPARATOR}{n}" for n in range(1, LEVELS))]
    try:
        with open_redis(redis_url) as client, client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(name)
            return sum(int(length) for length in pipe.execute())
    except (redis.RedisError, OSError):
        return None
