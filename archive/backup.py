"""Back-up and restore: rows and blobs of one moment in one file, for either database.

A ZIP: ``rows/<table>.jsonl``, ``blobs/<key>``, ``folders/<name>/<path>`` and, written last,
``manifest.json``. Rows are plain JSON, so a back-up of SQLite restores into PostgreSQL and
the reverse, and one of an older schema is brought up to date after it is restored.

Left out: web sessions (people sign in again), signs of life, kept exports.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import DateTime, MetaData, Table, func, insert, select
from sqlalchemy.orm import Session

from archive.blobs import CHUNK_BYTES, Blobs, document_prefix
from archive.database import Database
from archive.errors import BadBackup, BlobMissing, StorageFull
from archive.ids import new_id
from archive.migrations.upgrade import known_versions, newest_version
from archive.tables import Canary, Document, Heartbeat, ProcessLease, Row, User, WebSession
from extraction.json_values import Json, JsonObject

FORMAT: Final = "formloop.backup/1"
_BATCH: Final = 500
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ValueError,
    BlobMissing,  # a key that leads out of the storage
)
_UNFINISHED: Final = (".new", ".part", ".lock")
_LEFT_OUT: Final = frozenset(
    {row.__tablename__ for row in (WebSession, Heartbeat, Canary, ProcessLease)}
)

Folders = Mapping[str, Path]
"""Folders beside the database and the storage, by the name that they have in the back-up."""


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """``missing`` are keys that rows speak of but the storage did not hold; ``files`` are
    those of folders."""

    schema: str
    rows: int
    blobs: int
    bytes: int
    missing: tuple[str, ...]
    files: int = 0


def write_backup(
    database: Database, blobs: Blobs, file: Path, folders: Folders = MappingProxyType({})
) -> BackupSummary:
    """Writes the file, which appears when it is complete. The service may go on working.

    Blobs are never changed once written, so those of the rows' moment are still there
    unless their document was deleted meanwhile; these are named as missing. What is in
    ``folders`` is taken along, but for files whose name marks them as being written.
    """
    schema = database.schema_version()
    if schema != newest_version():
        raise BadBackup(f"the database has schema {schema}, not {newest_version()}: migrate first")
    part = file.with_name(f"{file.name}.part-{new_id()}")
    try:
        part.touch(mode=0o600, exist_ok=False)
        with part.open("wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as backup:
                summary = _write_all(database, blobs, folders, backup, schema)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        raise StorageFull(f"cannot write the back-up: {error}", name=str(file)) from error
    finally:
        part.unlink(missing_ok=True)
    return summary


def restore_backup(
    file: Path, database: Database, blobs: Blobs, folders: Folders = MappingProxyType({})
) -> BackupSummary:
    """Restores into an empty database; BadBackup when it is not, or the file is damaged.

    A folder of the back-up that is none of ``folders`` is left out. Rows come last and in one
    transaction: a restore that breaks off leaves no rows, and can be run again.
    """
    try:
        with zipfile.ZipFile(file) as backup:
            summary = _read_manifest(backup)
            _check_empty(database)
            for name in _names(backup, "blobs/"):
                with backup.open(name) as stream:
                    blobs.write(name.removeprefix("blobs/"), stream)
            for name, folder in folders.items():
                _restore_folder(backup, name, folder)
            database.migrate(summary.schema)
            with database.write() as session:
                rows = _restore_rows(session, backup)
    except _DAMAGE as error:
        raise BadBackup(f"is damaged: {error}", name=str(file)) from error
    except FileNotFoundError as error:
        raise BadBackup("is not there", name=str(file)) from error
    if rows != summary.rows:
        raise BadBackup(f"has {rows} rows of {summary.rows}", name=str(file))
    database.migrate()
    return summary


def _write_all(
    database: Database, blobs: Blobs, folders: Folders, backup: zipfile.ZipFile, schema: str
) -> BackupSummary:
    with database.snapshot() as session:
        rows = sum(
            _write_table(session, table, backup)
            for table in Row.metadata.sorted_tables
            if table.name not in _LEFT_OUT
        )
        sources = tuple(session.scalars(select(Document.blob_key).distinct()))
        ids = tuple(session.scalars(select(Document.id)))
    kept, size, missing = 0, 0, []
    for key in _blob_keys(blobs, sources, ids):
        try:
            size += _copy_blob(blobs, key, backup)
            kept += 1
        except BlobMissing:
            missing.append(key)
    files = tuple(_folder_files(folders))
    size += sum(_copy_file(path, name, backup) for path, name in files)
    summary = BackupSummary(schema, rows, kept, size, tuple(missing), len(files))
    manifest = {"format": FORMAT, "created_at": datetime.now(UTC).isoformat(), **asdict(summary)}
    backup.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
    return summary


def _write_table(session: Session, table: Table, backup: zipfile.ZipFile) -> int:
    query = select(table).order_by(*table.primary_key.columns)
    if "duplicate_of" in table.columns:
        # Originals first, so that the rows can be inserted in this order.
        query = query.order_by(None).order_by(table.c.duplicate_of.is_not(None), table.c.id)
    entry = zipfile.ZipInfo(f"rows/{table.name}.jsonl", datetime.now(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    count = 0
    with backup.open(entry, "w", force_zip64=True) as stream:
        for row in session.execute(query.execution_options(yield_per=_BATCH)).mappings():
            line = {name: _to_json(value) for name, value in row.items()}
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            count += 1
    return count


def _to_json(value: Json | datetime) -> Json:
    return value.isoformat() if isinstance(value, datetime) else value


def _blob_keys(blobs: Blobs, sources: Iterable[str], ids: Iterable[str]) -> Iterator[str]:
    yield from sources
    for document_id in ids:
        yield from blobs.keys(document_prefix(document_id))


def _copy_blob(blobs: Blobs, key: str, backup: zipfile.ZipFile) -> int:
    with blobs.open(key) as source, backup.open(f"blobs/{key}", "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)
        return source.tell()


def _folder_files(folders: Folders) -> Iterator[tuple[Path, str]]:
    """With their names in the back-up; those at the top of a folder first, since they point at
    what is below."""
    for name, folder in folders.items():
        inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        for path in sorted(inside, key=lambda one: (len(one.parts), one)):
            if path.parts[0][0] != "." and path.suffix not in _UNFINISHED:
                yield folder / path, f"folders/{name}/{path.as_posix()}"


def _copy_file(path: Path, name: str, backup: zipfile.ZipFile) -> int:
    with path.open("rb") as source, backup.open(name, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)
        return source.tell()


def _restore_folder(backup: zipfile.ZipFile, name: str, folder: Path) -> None:
    start = f"folders/{name}/"
    # What points at others comes last.
    for entry in reversed(_names(backup, start)):
        path = (folder / entry.removeprefix(start)).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ValueError(f"{entry} leads out of its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with backup.open(entry) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)


def _read_manifest(backup: zipfile.ZipFile) -> BackupSummary:
    manifest = json.loads(backup.read("manifest.json"))
    if manifest.get("format") != FORMAT:
        raise BadBackup(f"is no back-up of this kind: {manifest.get('format')!r}")
    if manifest["schema"] not in known_versions():
        raise BadBackup(f"has schema {manifest['schema']}: install the newer formloop")
    return BackupSummary(
        str(manifest["schema"]),
        int(manifest["rows"]),
        int(manifest["blobs"]),
        int(manifest["bytes"]),
        tuple(str(key) for key in manifest["missing"]),
        int(manifest.get("files", 0)),
    )


def _check_empty(database: Database) -> None:
    if database.schema_version() is None:
        return
    database.migrate()
    with database.read() as session:
        for table in (User, Document):
            if session.scalar(select(func.count()).select_from(table)):
                raise BadBackup("restores into an empty database only; this one has rows")


def _names(backup: zipfile.ZipFile, start: str) -> list[str]:
    return [name for name in backup.namelist() if name.startswith(start)]


def _restore_rows(session: Session, backup: zipfile.ZipFile) -> int:
    # The tables as they are at the back-up's schema, not as this code would have them.
    schema = MetaData()
    schema.reflect(session.connection())
    stored = {name.removeprefix("rows/").removesuffix(".jsonl") for name in _names(backup, "rows/")}
    count = 0
    for table in schema.sorted_tables:
        if table.name not in stored:
            continue
        with backup.open(f"rows/{table.name}.jsonl") as stream:
            lines = iter(stream)
            while batch := [json.loads(line) for line in islice(lines, _BATCH)]:
                session.execute(insert(table), [_to_row(table, line, session) for line in batch])
                count += len(batch)
    return count


def _to_row(table: Table, line: JsonObject, session: Session) -> dict[str, Json | datetime]:
    row: dict[str, Json | datetime] = {}
    for name, value in line.items():
        is_time = isinstance(table.c[name].type, DateTime)
        row[name] = _to_time(value, session) if is_time and isinstance(value, str) else value
    return row


def _to_time(value: str, session: Session) -> datetime:
    at = datetime.fromisoformat(value).astimezone(UTC)
    # SQLite keeps no zone; what is stored there is UTC.
    return at.replace(tzinfo=None) if session.get_bind().dialect.name == "sqlite" else at
