"""The Celery app: how messages travel. They carry ids and nothing else.

A message is acknowledged when its step is over, and may arrive twice or never: the lease in
the database decides who works, and the scheduler finds what got lost.
"""

from __future__ import annotations

from celery import Celery

from archive.settings import Settings
from workers.redis_server import QueueGone

EXTRACT_QUEUE = "extract"
CANARY_TASK = "formloop.canary"

LEVELS = 10
"""Messages of level 0 are taken first, those of the last level last."""
HARD_LIMIT_S = 900.0
"""The longest that one step may take before its process is ended."""
VISIBILITY_S = 3600
"""After this Redis hands an unacknowledged message to another worker: far beyond the limit."""


def make_app(settings: Settings) -> Celery:
    """An app that talks to the Redis of ``settings``; QueueGone where none is named."""
    if settings.redis_url is None:
        raise QueueGone("no Redis is named: start it with formloop up, or set FORMLOOP_REDIS_URL")
    app = Celery("formloop", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        task_default_queue=EXTRACT_QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # After a lost connection workers of the Redis transport have stayed up and idle
        # (celery#8030). Ours end, and are started again by whoever watches them.
        broker_connection_retry=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=4,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_S,
            "priority_steps": list(range(LEVELS)),
            "socket_connect_timeout": 3,
            "socket_timeout": 10,
            "socket_keepalive": True,
        },
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=30.0,
        worker_enable_soft_shutdown_on_idle=True,
        enable_utc=True,
    )
    return app
