"""What every request can reach: settings, database, blobs and form types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from celery import Celery
from fastapi import Depends, Request

from archive.blobs import Blobs
from archive.database import Database
from archive.settings import Settings
from archive.steps import LostStep
from extraction.declarations import FormDeclaration
from extraction.limits import Limits
from service.api.measures import Measures
from service.api.sights import RecentSights
from workers.queue import push_steps


@dataclass(frozen=True, eq=False, slots=True)
class Service:
    """Made once per app. ``measures`` and ``sights`` are what this process remembers.

    ``queue`` None means that no Redis is named: the scheduler then finds what is to be done.
    ``stopping`` is set when the process is told to stop, so that streams without an end end.
    """

    settings: Settings
    database: Database
    blobs: Blobs
    declarations: tuple[FormDeclaration, ...]
    measures: Measures
    sights: RecentSights
    queue: Celery | None
    stopping: Event = field(default_factory=Event)

    @property
    def upload_limits(self) -> Limits:
        """The extraction's own limits, lowered where the settings allow less."""
        own, allowed = Limits(), self.settings.limits
        return Limits(
            max_bytes=min(own.max_bytes, allowed.file_bytes),
            max_zip_files=min(own.max_zip_files, allowed.files_per_upload),
            max_zip_bytes=min(own.max_zip_bytes, allowed.upload_bytes),
            max_zip_ratio=min(own.max_zip_ratio, float(allowed.zip_ratio)),
        )


def send_steps(service: Service, steps: Sequence[LostStep]) -> None:
    """Into the queue, after the commit; what does not get there the scheduler sends again."""
    if service.queue is not None and steps:
        push_steps(service.queue, steps)


def find_service(request: Request) -> Service:
    """The service of the app that answers this request."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


TheService = Annotated[Service, Depends(find_service)]
