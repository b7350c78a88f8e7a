"""Log lines as JSON, each with the document and the task it speaks of; plain on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_place: ContextVar[dict[str, str | int]] = ContextVar("place")

_QUIET = ("alembic", "celery", "kombu", "amqp", "uvicorn.access", "httpx", "ppocr", "paddlex")
"""Libraries whose every step only matters when it goes wrong."""


class JsonLines(logging.Formatter):
    """One object a line: ``at`` in UTC, ``level``, ``service``, ``message``, and the place."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_place.get({}),
            **getattr(record, "more", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """For somebody who looks on: the time here, the service, the message."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service}: %(message)s", "%H:%M:%S")


def write_json_logs(service: str, level: int = logging.INFO) -> None:
    """From now on this process logs to standard error as ``service``.

    A terminal gets plain lines, and only of what goes wrong: the rest would carry away the
    password that ``formloop up`` has printed there.
    """
    handler = logging.StreamHandler(sys.stderr)
    on_terminal = sys.stderr.isatty()
    handler.setFormatter(PlainLines(service) if on_terminal else JsonLines(service))
    if on_terminal:
        level = max(level, logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


@contextmanager
def log_place(**place: str | int) -> Iterator[None]:
    """Lines written inside carry ``place``: document, step, page, task."""
    token = _place.set({**_place.get({}), **place})
    try:
        yield
    finally:
        _place.reset(token)
