"""Multipart bodies to files on disk, never whole in memory.

Each part is hashed and counted while it comes in. A file of a wrong type or over its limit
is dropped where that shows, and the rest of the body is read on, so that every file gets
an answer.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from extraction.errors import EmptyInput, InputError, UnsafePath
from extraction.limits import Limits
from extraction.pages.formats import HEAD_BYTES, Format, find_format, unreadable
from extraction.pages.too_large import too_many_bytes
from service.api.incoming_files import IncomingFile, RefusedFile, error_to_refused
from service.api.problems import Problem

FILES_PART: Final = "files"
_BATCH_BYTES: Final = 1 << 20
_LONGEST_FIELD_BYTES: Final = 16_384
_MOST_FIELDS: Final = 32
_LONGEST_NAME: Final = 500


@dataclass(frozen=True, slots=True)
class IncomingForm:
    """What a multipart body held."""

    fields: dict[str, str]
    files: tuple[IncomingFile, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(slots=True)
class _Part:
    """The part that is coming in."""

    name: str = ""
    file_name: str | None = None
    head: bytearray = field(default_factory=bytearray)
    size: int = 0
    format: Format | None = None
    refusal: InputError | None = None
    path: Path | None = None
    out: IO[bytes] | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


class FormReader:
    """Takes a multipart body piece by piece and writes its files into ``folder``.

    Problem ``too_large`` when the body passes ``max_body_bytes`` or holds too many files,
    ``bad_request`` when it is malformed or cut short, ``storage_full`` when the disk is.
    """

    def __init__(
        self, content_type: str, folder: Path, limits: Limits, max_body_bytes: int
    ) -> None:
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data":
            raise Problem("unsupported_media_type", "send multipart/form-data")
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise Problem("bad_request", "the content type names no boundary")
        self._folder, self._limits, self._max_body_bytes = folder, limits, max_body_bytes
        self._fields: dict[str, str] = {}
        self._files: list[IncomingFile] = []
        self._refused: list[RefusedFile] = []
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self.body_bytes, self._file_count, self._is_whole = 0, 0, False
        self._parser = self._make_parser(boundary)

    def take(self, data: bytes) -> None:
        """The next piece of the body."""
        self.body_bytes += len(data)
        if self.body_bytes > self._max_body_bytes:
            raise _too_large(self._max_body_bytes)
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem("bad_request", f"the multipart body is malformed: {error}") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Problem("storage_full", "no room for the upload") from error
            raise

    def finish(self) -> IncomingForm:
        """All that came in, once the body has ended."""
        if not self._is_whole:
            raise Problem("bad_request", "the multipart body is cut short")
        return IncomingForm(self._fields, tuple(self._files), tuple(self._refused))

    def close(self) -> None:
        """Let go of the file that is being written, if any."""
        if self._part.out is not None:
            self._part.out.close()

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._header[0].extend(
                        data[start:end]
                    ),
                    "on_header_value": lambda data, start, end: self._header[1].extend(
                        data[start:end]
                    ),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open_part,
                    "on_part_data": self._take_part_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end_body,
                },
            )
        except FormParserError as error:
            raise Problem("bad_request", str(error)) from error

    def _begin_part(self) -> None:
        self._part = _Part()
        self._header = (bytearray(), bytearray())

    def _end_header(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(value))
            self._part.name = _decode(options.get(b"name", b""))
            if b"filename" in options:
                self._part.file_name = _decode(options[b"filename"])[:_LONGEST_NAME]
        self._header = (bytearray(), bytearray())

    def _open_part(self) -> None:
        part = self._part
        if not part.name:
            raise Problem("bad_request", "a part has no name")
        if part.file_name is None:
            if len(self._fields) >= _MOST_FIELDS:
                raise Problem("too_large", f"more than {_MOST_FIELDS} fields")
            return
        if part.name != FILES_PART:
            raise Problem("invalid", f"files come in parts named {FILES_PART!r}")
        self._file_count += 1
        if self._file_count > self._limits.max_zip_files:
            raise Problem("too_large", f"more than {self._limits.max_zip_files} files at once")
        part.refusal = find_name_refusal(part.file_name)
        if part.refusal is None:
            part.path = self._folder / f"{self._file_count:05d}"
            part.out = part.path.open("wb")

    def _take_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        piece = data[start:end]
        part.size += len(piece)
        if part.file_name is None:
            if part.size > _LONGEST_FIELD_BYTES:
                raise Problem("too_large", f"the field {part.name!r} is too long")
            part.head += piece
        elif part.refusal is None and part.out is not None:
            if len(part.head) < HEAD_BYTES:
                part.head += piece[: HEAD_BYTES - len(part.head)]
                part.format = find_format(bytes(part.head))
            part.refusal = self._find_refusal(part)
            if part.refusal is None:
                part.digest.update(piece)
                part.out.write(piece)
            else:
                _drop(part)

    def _find_refusal(self, part: _Part) -> InputError | None:
        assert part.file_name is not None
        if len(part.head) >= HEAD_BYTES and part.format is None:
            return unreadable(bytes(part.head), part.file_name)
        # An archive is measured by what it holds.
        if part.size > self._limits.max_bytes and part.format != "zip":
            return too_many_bytes(self._limits, part.file_name)
        return None

    def _end_part(self) -> None:
        part = self._part
        if part.file_name is None:
            self._fields[part.name] = _decode(bytes(part.head))
            return
        if not part.file_name and not part.size:
            # What a browser sends of a file field that was left empty.
            _drop(part)
            return
        if part.refusal is None and not part.size:
            part.refusal = EmptyInput("the file is empty", name=part.file_name)
        elif part.refusal is None and part.format is None:
            part.refusal = unreadable(bytes(part.head), part.file_name)
        if part.refusal is not None:
            _drop(part)
            self._refused.append(error_to_refused(part.refusal))
            return
        assert part.out is not None and part.path is not None and part.format is not None
        part.out.close()
        self._files.append(
            IncomingFile(part.file_name, part.path, part.size, part.digest.hexdigest(), part.format)
        )

    def _end_body(self) -> None:
        self._is_whole = True


async def read_form(body: AsyncIterator[bytes], reader: FormReader) -> IncomingForm:
    """The whole body through ``reader``; parsing, hashing and writing run in a thread."""
    batch: list[bytes] = []
    size = 0
    try:
        async for piece in body:
            batch.append(piece)
            size += len(piece)
            if size >= _BATCH_BYTES:
                await run_in_threadpool(reader.take, b"".join(batch))
                batch, size = [], 0
        await run_in_threadpool(reader.take, b"".join(batch))
        return reader.finish()
    finally:
        reader.close()


def check_stated_length(stated: str | None, max_body_bytes: int) -> None:
    """Problem ``too_large`` where the request says itself that it passes the limit."""
    if stated is not None and stated.isdigit() and int(stated) > max_body_bytes:
        raise _too_large(max_body_bytes)


def find_name_refusal(name: str) -> InputError | None:
    """What is wrong with a file's name, which may hold folders."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith("/"):
        return UnsafePath("its name leads out of the upload", name=name)
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return UnsafePath("its name holds control characters", name=repr(name)[1:-1])
    return None


def clear_folder(folder: Path) -> None:
    """Remove what an upload left on disk."""
    shutil.rmtree(folder, ignore_errors=True)


def _too_large(max_body_bytes: int) -> Problem:
    return Problem("too_large", f"an upload may hold {max_body_bytes / 2**30:.3g} GB")


def _drop(part: _Part) -> None:
    if part.out is not None:
        part.out.close()
        part.out = None
    if part.path is not None:
        part.path.unlink(missing_ok=True)


def _decode(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", errors="replace")
