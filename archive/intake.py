"""A file comes in: its bytes to the storage, its row to the database, in that order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, Final

from archive.blobs import Blobs, source_key
from archive.database import Database
from archive.documents import add_document
from archive.ids import new_id
from archive.tables import Document
from extraction.errors import EmptyInput, TooLarge

CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on this machine that can be read twice. ``name`` is what a person calls it."""

    name: str
    stream: IO[bytes]


def store_file(
    database: Database,
    blobs: Blobs,
    archive_id: str,
    incoming: Incoming,
    most_bytes: int,
    *,
    form_type: str | None = None,
    user_id: str | None = None,
) -> Document:
    """The document's row, ``received`` or a duplicate; it is durable when this returns.

    TooLarge or EmptyInput for what cannot be taken, StorageFull, DatabaseGone or NotFound
    (of the archive) with nothing left behind.
    """
    sha256, size = _measure(incoming, most_bytes)
    key = source_key(sha256, new_id())
    blobs.write(key, incoming.stream)
    kept = False
    try:
        with database.write() as session:
            document = add_document(
                session, archive_id, incoming.name, sha256, size, key, form_type, user_id=user_id
            )
        kept = document.blob_key == key
    finally:
        if not kept:
            blobs.delete(key)
    return document


def _measure(incoming: Incoming, most_bytes: int) -> tuple[str, int]:
    """Digest and size, the stream back at its start."""
    digest, size = hashlib.sha256(), 0
    while chunk := incoming.stream.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if size > most_bytes:
            raise TooLarge(f"has more than {most_bytes:,} bytes", name=incoming.name)
    if not size:
        raise EmptyInput("is empty", name=incoming.name)
    incoming.stream.seek(0)
    return digest.hexdigest(), size
