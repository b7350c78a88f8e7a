"""Addresses of archives: upload, list, one, its deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.deletion import delete_archive, delete_pending_blobs
from archive.documents import find_archive, find_archive_named, find_archives
from archive.errors import Refused
from archive.ids import new_id
from archive.people import Person
from archive.progress import archive_counts, archives_counts
from service.api.auth import MayDelete, MaySee, MayUpload, person_to_actor
from service.api.context import Service, TheService
from service.api.incoming import (
    FormReader,
    IncomingForm,
    check_stated_length,
    clear_folder,
    read_form,
)
from service.api.problems import Problem
from service.api.shapes import (
    PRIORITIES,
    ArchiveShape,
    ArchivesShape,
    RefusedShape,
    UploadShape,
    archive_to_shape,
    document_to_uploaded,
)
from service.api.trail import record_sight
from service.api.uploads import Upload, UploadWishes, store_upload

INCOMING_FOLDER: Final = "incoming"
PAGE_SIZE: Final = 50
_LONGEST_NAME: Final = 200

router = APIRouter(prefix="/api", tags=["archives"])

Id = Annotated[str, Path(min_length=1, max_length=64)]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]

_FORM_FIELDS: Final[dict[str, Any]] = {
    "files": {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "description": "PDF, TIFF, PNG, JPEG, BMP, WebP, and ZIPs of these.",
    },
    "form_type": {"type": "string", "description": "Take every file for this form type."},
    "priority": {
        "type": "integer",
        "minimum": min(PRIORITIES),
        "maximum": max(PRIORITIES),
        "description": "Higher goes first; the archive's by default, 0 for a new one.",
    },
}


def _body_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The body in OpenAPI's words; FastAPI cannot see it, because the route streams it."""
    schema = {"type": "object", "properties": fields, "required": ["files"]}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/archives",
    status_code=201,
    openapi_extra=_body_of(
        {"name": {"type": "string", "description": "What the archive is called."}} | _FORM_FIELDS
    ),
)
async def post_archive(
    request: Request, response: Response, service: TheService, person: MayUpload
) -> UploadShape:
    """Upload files into a new archive. Every file is answered: accepted, or refused and why."""
    upload = await _receive(request, service, person, None)
    response.headers["Location"] = f"/api/archives/{upload.archive_id}"
    return _upload_to_shape(upload)


@router.post(
    "/archives/{archive_id}/documents", status_code=201, openapi_extra=_body_of(_FORM_FIELDS)
)
async def post_documents(
    archive_id: Id, request: Request, service: TheService, person: MayUpload
) -> UploadShape:
    """Upload more files into an archive."""
    await run_in_threadpool(_check_archive, service, archive_id)
    return _upload_to_shape(await _receive(request, service, person, archive_id))


@router.get("/archives")
def get_archives(
    service: TheService,
    person: MaySee,
    page: PageNumber = 1,
    name: Annotated[str | None, Query(max_length=_LONGEST_NAME)] = None,
) -> ArchivesShape:
    """Archives, the newest first, 50 to a page; or the newest of exactly this name."""
    with service.database.read() as session:
        archives = find_archives(session, PAGE_SIZE, (page - 1) * PAGE_SIZE)
        if name is not None:
            named = find_archive_named(session, name)
            archives = () if named is None else (named,)
        counts = archives_counts(session, [archive.id for archive in archives])
    shapes = [archive_to_shape(archive, counts[archive.id]) for archive in archives]
    return ArchivesShape(archives=shapes, page=page)


@router.get("/archives/{archive_id}")
def get_archive(
    archive_id: Id, request: Request, service: TheService, person: MaySee
) -> ArchiveShape:
    """One archive: how many of its documents are in which state, and how fast it goes."""
    shape = read_archive_shape(service, archive_id)
    record_sight(service, request, person, f"archive:{archive_id}")
    return shape


@router.delete("/archives/{archive_id}", status_code=204)
def remove_archive(
    archive_id: Id, request: Request, service: TheService, person: MayDelete
) -> None:
    """Delete an archive with its documents, their records, files and pictures."""
    with service.database.write() as session:
        name = find_archive(session, archive_id).name
        delete_archive(session, archive_id)
        add_audit(
            session,
            person_to_actor(person, request),
            Action.DELETED,
            f"archive:{archive_id}",
            {"name": name},
        )
    delete_pending_blobs(service.database, service.blobs, utc_now())


def read_archive_shape(service: Service, archive_id: str) -> ArchiveShape:
    """NotFound where there is none."""
    with service.database.read() as session:
        archive = find_archive(session, archive_id)
        return archive_to_shape(archive, archive_counts(session, archive_id))


async def _receive(
    request: Request, service: Service, person: Person, archive_id: str | None
) -> Upload:
    """The request's body to disk, then to documents; its folder on disk is gone after."""
    limit = service.settings.limits.upload_bytes
    check_stated_length(request.headers.get("content-length"), limit)
    folder = service.settings.data / INCOMING_FOLDER / new_id()
    folder.mkdir(parents=True)
    try:
        content_type = request.headers.get("content-type", "")
        reader = FormReader(content_type, folder, service.upload_limits, limit)
        form = await read_form(request.stream(), reader)
        service.measures.upload_bytes.inc(reader.body_bytes)
        if not form.files and not form.refused:
            raise Problem("invalid", "the upload holds no file in a part named 'files'")
        wishes = _form_to_wishes(form, service)
        actor = person_to_actor(person, request)
        return await run_in_threadpool(
            store_upload, service, actor, form, wishes, folder, archive_id
        )
    finally:
        await run_in_threadpool(clear_folder, folder)


def _form_to_wishes(form: IncomingForm, service: Service) -> UploadWishes:
    form_type = form.fields.get("form_type") or None
    known = [declaration.name for declaration in service.declarations]
    if form_type is not None and form_type not in known:
        raise Refused(f"form_type: known are {', '.join(known)}")
    priority = form.fields.get("priority") or None
    if priority is not None and priority not in map(str, PRIORITIES):
        raise Refused(f"priority: a whole number from {min(PRIORITIES)} to {max(PRIORITIES)}")
    name = _to_line(form.fields.get("name", ""))[:_LONGEST_NAME]
    wanted = None if priority is None else int(priority)
    return UploadWishes(name or _default_name(utc_now()), form_type, wanted)


def _to_line(text: str) -> str:
    """One line that can be shown: no breaks, no control characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _default_name(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _check_archive(service: Service, archive_id: str) -> None:
    with service.database.read() as session:
        find_archive(session, archive_id)


def _upload_to_shape(upload: Upload) -> UploadShape:
    return UploadShape(
        id=upload.archive_id,
        documents=[document_to_uploaded(document) for document in upload.documents],
        refused=[
            RefusedShape(
                name=file.name,
                category=file.category,
                reason=file.reason,
                facts=dict(file.facts),
            )
            for file in upload.refused
        ],
    )
