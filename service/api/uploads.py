"""Uploads to documents: archives expanded, bytes stored, rows written, every file answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from archive.audit import Action, Actor, add_audit
from archive.blobs import source_key
from archive.documents import (
    add_archive,
    add_document,
    add_refusal,
    change_priority,
    find_archive,
)
from archive.errors import DatabaseGone
from archive.ids import new_id
from archive.reasons import Reason
from archive.reports import find_owned_blobs
from archive.steps import LostStep
from archive.tables import Document
from service.api.context import Service, send_steps
from service.api.expansion import ExpansionFull, expand_archive
from service.api.incoming import IncomingForm
from service.api.incoming_files import IncomingFile, RefusedFile
from service.api.problems import Problem
from workers.queue import take_ready_steps

_BATCH_ROWS: Final = 100
"""Rows of one transaction: few enough that workers never wait long for the database."""
_PAUSES_S: Final = (0.5, 1.0, 3.0)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class UploadWishes:
    """What the fields of an upload ask for; ``name`` is the archive's."""

    name: str
    form_type: str | None
    priority: int | None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose bytes are in the storage under ``blob_key``."""

    name: str
    size: int
    sha256: str
    blob_key: str


@dataclass(frozen=True, eq=False, slots=True)
class Upload:
    """What became of an upload: a row for each accepted file, a reason for each other."""

    archive_id: str
    documents: tuple[Document, ...]
    refused: tuple[RefusedFile, ...]


def store_upload(
    service: Service,
    actor: Actor,
    form: IncomingForm,
    wishes: UploadWishes,
    folder: Path,
    archive_id: str | None = None,
) -> Upload:
    """Make documents of the files in ``form``, in a new archive where none is given.

    Nothing is remembered of an upload that the storage has no room for.
    """
    files, refused = expand_files(form, folder, service)
    stored: list[StoredFile] = []
    try:
        for file in files:
            stored.append(_store_file(service, file))
        upload = _write_rows(service, actor, stored, refused, wishes, archive_id)
    finally:
        # A duplicate keeps the blob of its original, and rows may have failed to be written.
        _delete_unowned(service, [file.blob_key for file in stored])
    service.measures.upload_files.labels("accepted").inc(len(upload.documents))
    service.measures.upload_files.labels("refused").inc(len(upload.refused))
    return upload


def expand_files(
    form: IncomingForm, folder: Path, service: Service
) -> tuple[list[IncomingFile], list[RefusedFile]]:
    """The files of an upload with those in its archives in their place, and what is refused."""
    files: list[IncomingFile] = []
    refused = list(form.refused)
    for number, file in enumerate(form.files):
        for found in _expanded(file, folder / f"zip-{number:05d}", service):
            if isinstance(found, RefusedFile):
                refused.append(found)
            else:
                files.append(found)
    return files, refused


def _expanded(
    file: IncomingFile, folder: Path, service: Service
) -> Iterator[IncomingFile | RefusedFile]:
    if file.format != "zip":
        yield file
        return
    try:
        yield from expand_archive(file, folder, service.upload_limits)
    except ExpansionFull as error:
        raise Problem("storage_full", str(error)) from error
    file.path.unlink(missing_ok=True)


def _store_file(service: Service, file: IncomingFile) -> StoredFile:
    key = source_key(file.sha256, new_id())
    with file.path.open("rb") as stream:
        service.blobs.write(key, stream)
    file.path.unlink(missing_ok=True)
    return StoredFile(file.name, file.size, file.sha256, key)


def _write_rows(
    service: Service,
    actor: Actor,
    stored: Sequence[StoredFile],
    refused: Sequence[RefusedFile],
    wishes: UploadWishes,
    archive_id: str | None,
) -> Upload:
    archive_id = _patiently(
        partial(_open_archive, service, actor, wishes, archive_id, len(stored), refused)
    )
    documents: list[Document] = []
    for start in range(0, len(stored), _BATCH_ROWS):
        batch = stored[start : start + _BATCH_ROWS]
        documents += _patiently(partial(_add_documents, service, actor, archive_id, batch, wishes))
    return Upload(archive_id, tuple(documents), tuple(refused))


def _open_archive(
    service: Service,
    actor: Actor,
    wishes: UploadWishes,
    archive_id: str | None,
    accepted: int,
    refused: Sequence[RefusedFile],
) -> str:
    """The archive's id, with what is refused and the line of the audit log written to it."""
    with service.database.write() as session:
        if archive_id is None:
            archive = add_archive(session, wishes.name, actor.user_id, wishes.priority or 0)
        else:
            archive = find_archive(session, archive_id)
        for file in refused:
            reason = Reason(file.category, file.reason, file.facts)
            add_refusal(session, archive.id, file.name, reason)
        detail = {"accepted": accepted, "refused": len(refused)}
        add_audit(session, actor, Action.UPLOADED, f"archive:{archive.id}", {**detail})
        return archive.id


def _add_documents(
    service: Service,
    actor: Actor,
    archive_id: str,
    files: Sequence[StoredFile],
    wishes: UploadWishes,
) -> list[Document]:
    steps: list[LostStep] = []
    documents: list[Document] = []
    with service.database.write() as session:
        for file in files:
            documents.append(_add_document(session, actor, archive_id, file, wishes))
            steps += take_ready_steps(session, documents[-1].id)
    send_steps(service, steps)
    return documents


def _add_document(
    session: Session, actor: Actor, archive_id: str, file: StoredFile, wishes: UploadWishes
) -> Document:
    document = add_document(
        session,
        archive_id,
        file.name,
        file.sha256,
        file.size,
        file.blob_key,
        wishes.form_type,
        user_id=actor.user_id,
    )
    wanted = wishes.priority
    if wanted is None or wanted == document.priority or document.duplicate_of is not None:
        return document
    return change_priority(session, document.id, wanted, actor.user_id)


def _patiently(write: Callable[[], Value]) -> Value:
    """The bytes are here already, so a database that is away for a moment is waited for."""
    for pause_s in _PAUSES_S:
        try:
            return write()
        except DatabaseGone:
            time.sleep(pause_s)
    return write()


def _delete_unowned(service: Service, keys: Sequence[str]) -> None:
    """A database that does not answer leaves them: better a blob too many than one too few."""
    with service.database.read() as session:
        owned = find_owned_blobs(session, keys)
    for key in keys:
        if key not in owned:
            service.blobs.delete(key)
