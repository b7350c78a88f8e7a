"""Paths to source files: single files, folders and ZIP archives, one value for each.

Nothing here raises for a bad file. What cannot be read becomes an ``InputError`` in the
stream, so that one bad file never stops the rest.

What a folder or an archive may hold beside forms: system and hidden files are passed over
in silence, and so is any file that is neither of a readable format nor of a document-like
suffix. A document that cannot be read (Word, Excel, OFD …) is reported, because its owner
expects it in the result. A file that is named directly is always reported.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from extraction.errors import EmptyInput, InputError, UnsupportedInput
from extraction.limits import Limits
from extraction.pages.archives import ArchiveEntry, read_archive
from extraction.pages.formats import (
    HEAD_BYTES,
    find_format,
    is_document_name,
    is_system_name,
    natural_key,
    safe_stem,
    unreadable,
    without_suffix,
)
from extraction.pages.too_large import too_many_bytes


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's bytes.

    ``name`` is what a person calls it, ``archive.zip/b.pdf`` inside an archive; ``stem`` is
    the output path without suffix, unique in the run: ``archive/b``.
    """

    name: str
    stem: str
    data: bytes = field(repr=False)
    sha256: str


@dataclass(slots=True)
class _Stems:
    """Hands out each stem once; compared without case, as some file systems do."""

    taken: set[str] = field(default_factory=set)

    def unique(self, stem: str) -> str:
        candidate, number = stem, 1
        while candidate.casefold() in self.taken:
            number += 1
            candidate = f"{stem}-{number}"
        self.taken.add(candidate.casefold())
        return candidate


@dataclass(frozen=True, slots=True)
class _Place:
    """A file on disk, and what it is called in the output."""

    path: Path
    name: str
    named_directly: bool


def iter_sources(
    paths: Iterable[Path | str], limits: Limits | None = None
) -> Iterator[SourceFile | InputError]:
    """All files under ``paths`` in the order given, folders in natural order."""
    limits = limits or Limits()
    stems = _Stems()
    for given in paths:
        for place in _places_of(Path(given)):
            if isinstance(place, InputError):
                yield place
            else:
                yield from _read_place(place, limits, stems)


def _places_of(path: Path) -> Iterator[_Place | InputError]:
    name = path.name or str(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        yield InputError("there is no such file or folder", name=str(path))
        return
    except (OSError, ValueError) as error:
        yield InputError(_os_reason(error), name=str(path))
        return
    if stat.S_ISDIR(mode):
        found = False
        for place in _folder_places(path):
            found = True
            yield place
        if not found:
            yield EmptyInput("the folder holds no PDF, picture or ZIP", name=str(path))
    elif stat.S_ISREG(mode):
        yield _Place(path, name, True)
    else:
        yield UnsupportedInput("not a regular file", name=name)


def _folder_places(folder: Path) -> Iterator[_Place | InputError]:
    """Files below ``folder``; links to folders are not followed, so no walk is endless."""
    errors: list[OSError] = []
    for root, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = sorted((f for f in folders if not is_system_name(f)), key=natural_key)
        for file in sorted(files, key=natural_key):
            path = Path(root, file)
            name = path.relative_to(folder).as_posix()
            if is_system_name(file) or not _is_wanted(path):
                continue
            yield _Place(path, name, False)
    for error in errors:
        yield InputError(_os_reason(error), name=str(error.filename))


def _is_wanted(path: Path) -> bool:
    if is_document_name(path.name):
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return find_format(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _read_place(place: _Place, limits: Limits, stems: _Stems) -> Iterator[SourceFile | InputError]:
    try:
        if not place.path.is_file():
            yield UnsupportedInput("not a regular file", name=place.name)
            return
        size = place.path.stat().st_size
        with place.path.open("rb") as file:
            format_ = find_format(file.read(HEAD_BYTES))
            if format_ == "zip":
                for entry in read_archive(file, place.name, limits):
                    yield from _entry_sources(entry, limits, stems)
                return
            if size > limits.max_bytes:
                yield too_many_bytes(limits, place.name)
                return
            file.seek(0)
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        yield InputError(_os_reason(error), name=place.name)
        return
    yield _source(place.name, place.name, data, limits, stems)


def _entry_sources(
    entry: ArchiveEntry | InputError, limits: Limits, stems: _Stems
) -> Iterator[SourceFile | InputError]:
    if isinstance(entry, InputError):
        yield entry
        return
    leaf = entry.path[-1]
    format_ = find_format(entry.data[:HEAD_BYTES])
    if format_ is None and not is_document_name(leaf):
        return
    name = "/".join(entry.path)
    if format_ == "zip":
        yield UnsupportedInput("an archive inside an archive inside an archive", name=name)
        return
    # An archive's own suffix has no place in a folder's name; other dots are the user's.
    folders = [without_suffix(part) for part in entry.path[:-1]]
    yield _source(name, "/".join([*folders, leaf]), entry.data, limits, stems)


def _source(
    name: str, output: str, data: bytes, limits: Limits, stems: _Stems
) -> SourceFile | InputError:
    if not data:
        return EmptyInput("the file is empty", name=name)
    if len(data) > limits.max_bytes:
        return too_many_bytes(limits, name)
    if find_format(data[:HEAD_BYTES]) is None:
        return unreadable(data, name)
    stem = stems.unique(safe_stem(output))
    return SourceFile(name, stem, data, hashlib.sha256(data).hexdigest())


def _os_reason(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"
