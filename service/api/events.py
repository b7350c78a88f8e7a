"""Server-sent events: how far an archive is, told whenever it changes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from archive.errors import DatabaseGone, NotFound
from service.api.archives import read_archive_shape
from service.api.auth import MaySee
from service.api.context import Service, TheService

router = APIRouter(prefix="/api", tags=["archives"])

_PROXY_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: between looks, between signs of life, until the client has to come again.

    Coming again checks anew whether it may see this.
    """

    look_s: float = 1.0
    alive_s: float = 15.0
    longest_s: float = 600.0


@router.get(
    "/archives/{archive_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event `counts` with an archive as JSON, whenever it changes;"
            " `gone` when it was deleted.",
            "content": {"text/event-stream": {}},
        }
    },
)
async def get_events(
    archive_id: Annotated[str, Path(min_length=1, max_length=64)],
    request: Request,
    service: TheService,
    person: MaySee,
) -> StreamingResponse:
    """Follow an archive. The first event comes at once."""
    await run_in_threadpool(read_archive_shape, service, archive_id)
    stream = follow_archive(service, archive_id, Rhythm())
    return StreamingResponse(stream, media_type="text/event-stream", headers=_PROXY_HEADERS)


async def follow_archive(service: Service, archive_id: str, rhythm: Rhythm) -> AsyncIterator[str]:
    """The events, until the archive is gone, the client has to come again, or the service stops."""
    started = last_sign = time.monotonic()
    told = ""
    yield "retry: 2000\n\n"
    with service.measures.watchers.track_inprogress():
        while not service.stopping.is_set() and time.monotonic() - started < rhythm.longest_s:
            try:
                shape = await run_in_threadpool(read_archive_shape, service, archive_id)
            except NotFound:
                yield "event: gone\ndata: {}\n\n"
                return
            except DatabaseGone:
                # The next look may find it again; the sign of life keeps the stream open.
                shape = None
            said = told if shape is None else shape.model_dump_json()
            if said != told:
                told, last_sign = said, time.monotonic()
                yield f"event: counts\ndata: {said}\n\n"
            elif time.monotonic() - last_sign >= rhythm.alive_s:
                last_sign = time.monotonic()
                yield ": alive\n\n"
            await anyio.sleep(rhythm.look_s)
