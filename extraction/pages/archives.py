"""ZIP archives to the bytes of their entries, with nothing trusted.

Sizes are counted while the bytes come out, because the sizes that an archive states can
lie. Entries are only ever read into memory, never written to disk.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from extraction.errors import (
    DamagedInput,
    EmptyInput,
    EncryptedInput,
    InputError,
    TooLarge,
    UnsafePath,
    UnsupportedInput,
)
from extraction.limits import Limits
from extraction.pages.formats import is_system_name, natural_key
from extraction.pages.too_large import too_many_bytes

_CHUNK_BYTES = 1 << 20
_ENTRY_DIRECTORY_BYTES = 512
"""More than the directory of an archive takes for one entry."""
_OFFICE_NAMES = frozenset({"[Content_Types].xml", "mimetype", "OFD.xml"})
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """``path`` runs from the outermost archive to the entry's own name inside the last."""

    path: tuple[str, ...]
    data: bytes


@dataclass(slots=True)
class _Budget:
    """What is left for one outermost archive, over all that is nested in it."""

    limits: Limits
    packed_bytes: int
    unpacked_bytes: int = 0
    files: int = 0

    def take(self, size: int) -> None:
        self.unpacked_bytes += size
        if self.unpacked_bytes > self.limits.max_zip_bytes:
            size_gb = self.limits.max_zip_bytes / 2**30
            facts = {"gigabytes": f"{size_gb:.3g}"}
            raise TooLarge(f"the archive holds more than {size_gb:.3g} GB", facts=facts)
        over = self.unpacked_bytes > self.limits.free_zip_bytes
        if over and self.unpacked_bytes > self.limits.max_zip_ratio * self.packed_bytes:
            raise TooLarge("the archive unpacks to far more than its size: a ZIP bomb")


def read_archive(file: IO[bytes], name: str, limits: Limits) -> Iterator[ArchiveEntry | InputError]:
    """Entries of a ZIP in natural order, those of a ZIP inside it in its place.

    One bad entry does not stop the rest; a bomb stops its archive.
    """
    packed = file.seek(0, io.SEEK_END)
    budget = _Budget(limits, max(packed, 1))
    try:
        yield from _read_level(file, (name,), budget)
    except TooLarge as error:
        error.at(name=name)
        yield error


def _too_many_files(limits: Limits) -> TooLarge:
    most = limits.max_zip_files
    return TooLarge(f"the archive holds more than {most} files", facts={"files": most})


def _read_level(
    file: IO[bytes], path: tuple[str, ...], budget: _Budget
) -> Iterator[ArchiveEntry | InputError]:
    name = "/".join(path)
    limits = budget.limits
    try:
        if _directory_size(file) > limits.max_zip_files * _ENTRY_DIRECTORY_BYTES:
            raise _too_many_files(limits)
        archive = zipfile.ZipFile(file)
    except (NotImplementedError, *_ZIP_ERRORS):
        yield DamagedInput("the ZIP archive is damaged or cut short", name=name)
        return
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        budget.files += len(entries)
        if budget.files > limits.max_zip_files:
            raise _too_many_files(limits)
        if _OFFICE_NAMES & {entry.filename for entry in entries}:
            yield UnsupportedInput("an Office or OFD document; save it as PDF", name=name)
            return
        if not entries:
            yield EmptyInput("the archive is empty", name=name)
        for entry in sorted(entries, key=lambda entry: natural_key(entry_name(entry))):
            yield from _read_entry(archive, entry, path, budget)


def _read_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: tuple[str, ...], budget: _Budget
) -> Iterator[ArchiveEntry | InputError]:
    entry_path = (*path, entry_name(entry))
    name = "/".join(entry_path)
    if any(is_system_name(part) for part in entry_path[-1].split("/") if part != ".."):
        return
    refusal = _refusal(entry, entry_path[-1], name)
    if refusal is not None:
        yield refusal
        return
    try:
        data = _unpacked(archive, entry, budget)
    except NotImplementedError:
        yield UnsupportedInput("packed in a way that is not supported", name=name)
        return
    except RuntimeError:
        yield EncryptedInput("protected by a password", name=name)
        return
    except _ZIP_ERRORS:
        yield DamagedInput("cannot be unpacked: the archive is damaged here", name=name)
        return
    if data is None:
        yield too_many_bytes(budget.limits, name)
    elif len(path) == 1 and data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _read_level(io.BytesIO(data), entry_path, budget)
    else:
        yield ArchiveEntry(entry_path, data)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget) -> bytes | None:
    """The bytes of an entry, or None where they pass the limit for one file."""
    chunks: list[bytes] = []
    size = 0
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            budget.take(len(chunk))
            size += len(chunk)
            if size > budget.limits.max_bytes:
                return None
            chunks.append(chunk)
    return b"".join(chunks)


def _refusal(entry: zipfile.ZipInfo, leaf: str, name: str) -> InputError | None:
    unsafe = (
        leaf.startswith("/") or re.match(r"[A-Za-z]:", leaf) is not None or ".." in leaf.split("/")
    )
    if unsafe:
        return UnsafePath("its name leads out of the archive", name=name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        return UnsafePath("a symbolic link inside an archive", name=name)
    if entry.flag_bits & 0x1:
        return EncryptedInput("protected by a password", name=name)
    return None


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name as its maker meant it: archives made on Chinese Windows hold GBK bytes."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        raw = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _directory_size(file: IO[bytes]) -> int:
    """Bytes of the central directory as the end record states, 0 where there is none.

    ``zipfile`` loads that whole directory at once, so it is looked at first.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    (size,) = struct.unpack_from("<L", tail, at + 12)
    big = tail.rfind(b"PK\x06\x06", 0, at)
    if size == 0xFFFFFFFF and big >= 0 and len(tail) >= big + 48:
        (size,) = struct.unpack_from("<Q", tail, big + 40)
    return int(size)
