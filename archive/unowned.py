"""Blobs that no row owns: a process died between storing one and committing its row, or
between deleting rows and noting their blobs. Found and removed long after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.blobs import DOCUMENTS, SOURCES, Blobs, document_prefix
from archive.database import Database
from archive.errors import Refused
from archive.ids import in_batches
from archive.kept_settings import read_setting, write_setting
from archive.reports import find_owned_blobs
from archive.tables import Document

AGE: Final = timedelta(hours=24)
"""A blob is stored before its row is written: by then every upload has ended, one way or
the other."""
FEW: Final = 100
_SETTING: Final = "unowned_blobs"


@dataclass(frozen=True, slots=True)
class Unowned:
    """``looked_at`` are files and documents in the storage, ``prefixes`` those without a row
    and old enough."""

    looked_at: int
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """How many were ever removed, and when was last looked; None: not yet."""

    blobs: int
    looked_at: datetime | None


def remove_unowned(database: Database, blobs: Blobs, now: datetime, age: timedelta = AGE) -> int:
    """Removes what has no row and was written longer ago than ``age``; how much.

    Refused, with nothing removed, where more than half of a storage has no row: then it is
    rather the wrong database.
    """
    found = find_unowned(database, blobs, now - age)
    if len(found.prefixes) > max(FEW, found.looked_at / 2):
        raise Refused(
            f"{len(found.prefixes)} of {found.looked_at} files and documents in the storage have "
            "no row: see that FORMLOOP_DATABASE_URL and FORMLOOP_STORAGE_URL belong together; "
            "nothing was removed"
        )
    for prefix in found.prefixes:
        blobs.delete(prefix)
    removed = len(found.prefixes) + blobs.delete_parts(now - age)
    with database.write() as session:
        total = find_removed(session).blobs + removed
        write_setting(session, _SETTING, {"removed": total, "at": now.isoformat()}, now)
    return removed


def find_unowned(database: Database, blobs: Blobs, before: datetime) -> Unowned:
    """What has no row and was written before then."""
    without: list[str] = []
    looked_at = 0
    for keys in _keys_by_folder(blobs):
        looked_at += len(keys)
        with database.read() as session:
            owned = find_owned_blobs(session, keys)
        without += [key for key in keys if key not in owned]
    ids = blobs.names(DOCUMENTS)
    with database.read() as session:
        without += [document_prefix(document_id) for document_id in _without_row(session, ids)]
    # A row that is written meanwhile belongs to a blob that is too young.
    old = tuple(prefix for prefix in without if _is_old(blobs, prefix, before))
    return Unowned(looked_at + len(ids), old)


def find_removed(session: Session) -> Removed:
    """What the sweeps of before have told."""
    kept = read_setting(session, _SETTING) or {}
    removed, at = kept.get("removed"), kept.get("at")
    return Removed(
        removed if isinstance(removed, int) else 0,
        datetime.fromisoformat(at) if isinstance(at, str) else None,
    )


def _keys_by_folder(blobs: Blobs) -> Iterator[tuple[str, ...]]:
    """The keys of uploaded files, as many at a time as have the first two signs in common."""
    for folder in blobs.names(SOURCES):
        prefix = f"{SOURCES}/{folder}"
        yield tuple(f"{prefix}/{name}" for name in blobs.names(prefix))


def _is_old(blobs: Blobs, prefix: str, before: datetime) -> bool:
    written_at = blobs.written_at(prefix)
    return written_at is not None and written_at < before


def _without_row(session: Session, ids: Sequence[str]) -> list[str]:
    known: set[str] = set()
    for some in in_batches(ids):
        known.update(session.scalars(select(Document.id).where(Document.id.in_(some))))
    return [document_id for document_id in ids if document_id not in known]
