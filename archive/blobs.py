"""Files that belong to rows, by key, on a local disk or anywhere fsspec reaches."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from archive.errors import BlobMissing, StorageFull, StorageGone
from archive.ids import new_id

try:
    # Comes with the extra s3. Not all that it raises is an OSError.
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    _REMOTE_ERRORS: tuple[type[Exception], ...] = ()
else:
    _REMOTE_ERRORS = (BotoCoreError, ClientError)

CHUNK_BYTES: Final = 1024 * 1024
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_KEY = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_\-.]*(/[A-Za-z0-9_\-][A-Za-z0-9_\-.]*)*")
_PART: Final = ".part-"
SOURCES: Final = "sources"
DOCUMENTS: Final = "documents"


class Blobs:
    """``storage_url`` is a folder or an address such as ``s3://bucket/prefix``.

    Keys are paths of letters, digits, ``-``, ``_`` and ``.``; no part starts with a dot.
    A key either holds all of what was written to it or nothing.
    """

    def __init__(self, storage_url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(storage_url)
        self._local = isinstance(self._fs, LocalFileSystem)

    def write(self, key: str, content: bytes | IO[bytes]) -> int:
        """Stores the stream under ``key``, in place of what was there; its size in bytes.

        StorageFull when there is no room, StorageGone for any other trouble; what was
        there before then stays.
        """
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with _translated(key):
            return self._write_local(key, source) if self._local else self._write(key, source)

    def open(self, key: str) -> IO[bytes]:
        """The blob as a stream that can seek; BlobMissing if there is none."""
        with _translated(key):
            return cast(IO[bytes], self._fs.open(self._path(key), "rb"))

    def read(self, key: str) -> bytes:
        """The whole blob; BlobMissing if there is none."""
        with _translated(key), self.open(key) as stream:
            return stream.read()

    def exists(self, key: str) -> bool:
        with _translated(key):
            try:
                # fsspec's own isfile takes a storage that is gone for one without the file.
                return bool(self._fs.info(self._path(key))["type"] == "file")
            except FileNotFoundError:
                return False

    def size(self, key: str) -> int:
        """Bytes; BlobMissing if there is none."""
        with _translated(key):
            return int(self._fs.size(self._path(key)))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys under ``prefix`` (a folder of keys), in order."""
        start = self._path(prefix) if prefix else self._root
        with _translated(prefix):
            found = self._fs.find(start) if self._fs.exists(start) else []
        for path in sorted(found):
            key = str(path)[len(self._root) :].lstrip("/")
            if _PART not in key:
                yield key

    def names(self, prefix: str) -> tuple[str, ...]:
        """What lies directly under ``prefix``, blobs and folders of them, in order."""
        # Other processes write too, and what fsspec has listed before it keeps.
        self._fs.invalidate_cache()
        with _translated(prefix):
            try:
                paths = self._fs.ls(self._path(prefix), detail=False)
            except FileNotFoundError:
                return ()
        names = {str(path).rstrip("/").rpartition("/")[2] for path in paths}
        return tuple(sorted(name for name in names if _PART not in name))

    def written_at(self, prefix: str) -> datetime | None:
        """When the newest blob of this key or under it was written; None where there is none,
        or the storage does not say."""
        with _translated(prefix):
            found = self._fs.find(self._path(prefix), detail=True)
        times = [_info_to_time(info) for info in found.values()]
        known = [at for at in times if at is not None]
        return max(known) if known and len(known) == len(times) else None

    def delete_parts(self, before: datetime) -> int:
        """Deletes what was left of writes that broke off before then; how many.

        Only a local disk has such: elsewhere a blob is there as a whole or not at all.
        """
        if not self._local:
            return 0
        removed = 0
        with _translated(_PART):
            for path in Path(self._root).rglob(f"*{_PART}*"):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def delete(self, prefix: str) -> None:
        """Deletes the blob of this key and everything under it; nothing there is fine."""
        path = self._path(prefix)
        with _translated(prefix):
            try:
                self._fs.rm(path, recursive=True)
            except FileNotFoundError:
                return

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key.rstrip("/")):
            raise BlobMissing(f"{key!r} is no key")
        return f"{self._root}/{key.rstrip('/')}"

    def _write_local(self, key: str, source: IO[bytes]) -> int:
        target = Path(self._path(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}{_PART}{new_id()}")
        try:
            with part.open("wb") as stream:
                shutil.copyfileobj(source, stream, CHUNK_BYTES)
                stream.flush()
                os.fsync(stream.fileno())
                size = stream.tell()
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return size

    def _write(self, key: str, source: IO[bytes]) -> int:
        """By way of a local file: a stream that breaks off never reaches the storage."""
        with tempfile.NamedTemporaryFile() as part:
            shutil.copyfileobj(source, part, CHUNK_BYTES)
            part.flush()
            size = part.tell()
            self._fs.makedirs(self._fs._parent(self._path(key)), exist_ok=True)
            self._fs.put_file(part.name, self._path(key))
        return size


def source_key(sha256: str, upload_id: str) -> str:
    """Of an uploaded file. Unique to the upload, so deleting one never takes another's."""
    return f"{SOURCES}/{sha256[:2]}/{sha256}-{upload_id}"


def picture_key(document_id: str, generation: int, page: int) -> str:
    """The upright page, PNG or JPEG."""
    return f"{DOCUMENTS}/{document_id}/{generation}/page-{page:04d}.picture"


def reading_key(document_id: str, generation: int, page: int) -> str:
    """The page's reading, JSON."""
    return f"{DOCUMENTS}/{document_id}/{generation}/page-{page:04d}.json"


def document_prefix(document_id: str) -> str:
    return f"{DOCUMENTS}/{document_id}"


def export_prefix(archive_id: str) -> str:
    """Whatever exports of an archive are kept go under this."""
    return f"exports/{archive_id}"


def _info_to_time(info: Mapping[str, Any]) -> datetime | None:
    """Of fsspec's word about a file, which each kind of storage gives in its own way."""
    at = next((info[name] for name in ("mtime", "LastModified", "created") if name in info), None)
    if isinstance(at, int | float):
        return datetime.fromtimestamp(at, UTC)
    return at.astimezone(UTC) if isinstance(at, datetime) else None


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BlobMissing(f"there is no blob {key}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"no room to store {key}") from error
        raise StorageGone(f"cannot reach {key}: {error}") from error
    except _REMOTE_ERRORS as error:
        raise StorageGone(f"cannot reach {key}: {error}") from error
