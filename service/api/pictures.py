"""Pictures of pages, at addresses that carry their own permission and run out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from archive.blobs import CHUNK_BYTES, picture_key
from archive.clock import utc_now
from archive.errors import BadSignature
from archive.reviews import find_open_task
from archive.signing import ASKED_PICTURE_PURPOSE, PICTURE_PURPOSE, read_token, sign_token
from service.api.context import Service, TheService
from workers.pictures import picture_type

router = APIRouter(tags=["pictures"])


def picture_address(service: Service, document_id: str, generation: int, page: int) -> str:
    """A signed address of an upright page, relative to the public one.

    It is the same for some minutes, so that a browser can keep the picture.
    """
    lifetime_s = service.settings.limits.picture_seconds
    now_s = utc_now().timestamp()
    # The end is rounded up, to between one and two lifetimes from now.
    until = utc_now() + timedelta(seconds=2 * lifetime_s - now_s % lifetime_s)
    subject = picture_key(document_id, generation, page)
    return f"/pictures/{sign_token(service.settings.secret_key, PICTURE_PURPOSE, subject, until)}"


_A_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/png": {}, "image/jpeg": {}}}
}
Token = Annotated[str, Path(max_length=1000)]


@router.get("/pictures/{token}", response_class=StreamingResponse, responses=_A_PICTURE)
def get_picture(token: Token, service: TheService) -> StreamingResponse:
    """A page's picture; the token in the address is the permission."""
    key = read_token(service.settings.secret_key, PICTURE_PURPOSE, token, utc_now())
    return _stream_picture(service, key)


@router.get("/asked-pictures/{token}", response_class=StreamingResponse, responses=_A_PICTURE)
def get_asked_picture(token: Token, service: TheService) -> StreamingResponse:
    """A page of a review task, for as long as people may answer or change their answer."""
    now = utc_now()
    subject = read_token(service.settings.secret_key, ASKED_PICTURE_PURPOSE, token, now)
    task_id, _, page = subject.partition("/")
    with service.database.read() as session:
        task = find_open_task(session, task_id, now)
    if task is None:
        raise BadSignature("the review task that the address was made for is over")
    return _stream_picture(service, picture_key(task.document_id, task.generation, int(page)))


def _stream_picture(service: Service, key: str) -> StreamingResponse:
    stream = service.blobs.open(key)
    start = stream.read(CHUNK_BYTES)
    headers = {
        "Cache-Control": f"private, max-age={int(service.settings.limits.picture_seconds)}",
        # Label Studio draws it on a canvas, which needs this.
        "Access-Control-Allow-Origin": _origin(service.settings.label_studio_public_url),
    }
    return StreamingResponse(
        _pieces(start, stream), media_type=picture_type(start), headers=headers
    )


def _origin(url: str | None) -> str:
    """Scheme, host and port of an address; "null" lets nobody in."""
    if url is None:
        return "null"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _pieces(start: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        yield start
        while piece := stream.read(CHUNK_BYTES):
            yield piece
