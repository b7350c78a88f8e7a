"""ZIP archives to the files in them, by the rules of ``extraction.pages``.

An entry is unpacked in memory before it is known to be harmless. That happens in a process
of its own, run as ``python -m service.api.expansion ZIP NAME FOLDER LIMITS``, so that the web
process neither grows nor dies of it. It writes the files into FOLDER and prints a JSON line
for each.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from extraction.errors import DamagedInput, EmptyInput, InputError, TooLarge, UnsupportedInput
from extraction.limits import Limits
from extraction.pages.archives import ArchiveEntry, read_archive
from extraction.pages.formats import HEAD_BYTES, find_format, is_document_name, unreadable
from service.api.incoming_files import IncomingFile, RefusedFile, error_to_refused

_LONGEST_SECONDS: Final = 900
_FULL_DISK_EXIT: Final = 74


class ExpansionFull(OSError):
    """The disk is full."""


def expand_archive(
    file: IncomingFile, folder: Path, limits: Limits
) -> Iterator[IncomingFile | RefusedFile]:
    """The files of a ZIP, written into ``folder``, and what is refused of it.

    ExpansionFull when the disk is full.
    """
    folder.mkdir()
    command = [sys.executable, "-m", "service.api.expansion"]
    arguments = [str(file.path), file.name, str(folder), json.dumps(asdict(limits))]
    try:
        done = subprocess.run(
            [*command, *arguments], capture_output=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        facts = {"minutes": _LONGEST_SECONDS // 60}
        yield error_to_refused(TooLarge("takes too long to unpack", name=file.name, facts=facts))
        return
    if done.returncode == _FULL_DISK_EXIT:
        raise ExpansionFull("no room to unpack an archive")
    for line in done.stdout.decode().splitlines():
        yield _line_to_file(line, folder)
    if done.returncode != 0:
        yield error_to_refused(DamagedInput("cannot be unpacked", name=file.name))


def _line_to_file(line: str, folder: Path) -> IncomingFile | RefusedFile:
    told = json.loads(line)
    if "reason" in told:
        return RefusedFile(**told)
    return IncomingFile(
        told["name"], folder / told["file"], told["size"], told["sha256"], told["format"]
    )


def write_entries(path: Path, name: str, folder: Path, limits: Limits) -> Iterator[str]:
    """Unpack the archive into ``folder``; a JSON line for each file or refusal."""
    with path.open("rb") as file:
        for number, entry in enumerate(read_archive(file, name, limits)):
            if isinstance(entry, InputError):
                yield _refusal_to_line(entry)
            elif _is_wanted(entry):
                yield _write_entry(entry, folder, f"{number:05d}")


def _is_wanted(entry: ArchiveEntry) -> bool:
    """Archives hold notes and thumbnails too; what cannot be a form is passed over."""
    return find_format(entry.data[:HEAD_BYTES]) is not None or is_document_name(entry.path[-1])


def _write_entry(entry: ArchiveEntry, folder: Path, file_name: str) -> str:
    name = "/".join(entry.path)
    format_ = find_format(entry.data[:HEAD_BYTES])
    if format_ == "zip":
        error = UnsupportedInput("an archive inside an archive inside an archive", name=name)
        return _refusal_to_line(error)
    if not entry.data:
        return _refusal_to_line(EmptyInput("the file is empty", name=name))
    if format_ is None:
        return _refusal_to_line(unreadable(entry.data, name))
    (folder / file_name).write_bytes(entry.data)
    told = {
        "name": name,
        "file": file_name,
        "size": len(entry.data),
        "sha256": hashlib.sha256(entry.data).hexdigest(),
        "format": format_,
    }
    return json.dumps(told)


def _refusal_to_line(error: InputError) -> str:
    return json.dumps(asdict(error_to_refused(error)))


def main(arguments: list[str]) -> int:
    path, name, folder, limits = arguments
    try:
        for line in write_entries(Path(path), name, Path(folder), Limits(**json.loads(limits))):
            sys.stdout.write(line + "\n")
    except OSError:
        return _FULL_DISK_EXIT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
