"""``formloop upload``: files and folders to a running service, and the wait for their records."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from extraction.errors import FormloopError
from extraction.json_values import JsonObject
from extraction.pages.formats import (
    HEAD_BYTES,
    find_format,
    is_document_name,
    is_system_name,
    natural_key,
)
from service.client import ServiceClient, find_address, open_client
from service.client_options import UploadOptions
from service.terminal import answers, messages, say_error

BATCH_FILES: Final = 50
BATCH_BYTES: Final = 256 * 2**20
LOOK_SECONDS: Final = 1.0
BUSY_STATES: Final = ("received", "extracting")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to upload and what it is to be called."""

    path: Path
    name: str
    size: int


@dataclass(slots=True)
class Told:
    """What the service said of all files so far."""

    archive_id: str | None = None
    accepted: int = 0
    duplicates: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def run(options: UploadOptions) -> int:
    """Upload what the options name; 1 where a file was not taken or failed."""
    files, missing = find_files(options.paths)
    for reason in missing:
        say_error(reason)
    if not files:
        say_error("there is nothing to upload")
        return 1
    try:
        with open_client(find_address(options.data)) as client:
            told = upload_files(client, files, options)
            failed = _wait(client, told.archive_id) if options.wait and told.archive_id else 0
    except FormloopError as error:
        say_error(str(error))
        return 1
    except OSError as error:
        say_error(f"{error.filename}: {error.strerror}")
        return 1
    _say(told)
    return 1 if missing or told.refused or failed else 0


def find_files(paths: Iterable[Path]) -> tuple[list[Found], list[str]]:
    """The files under ``paths``, folders in natural order, and what could not be found.

    Of a folder only what can be a document is taken; a file that is named itself always is.
    """
    files: list[Found] = []
    missing: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = list(_find_in_folder(path))
            files += inside
            if not inside:
                missing.append(f"{path}: the folder holds no PDF, picture or ZIP")
        elif path.is_file():
            files.append(Found(path, path.name, path.stat().st_size))
        else:
            missing.append(f"{path}: there is no such file or folder")
    return files, missing


def upload_files(client: ServiceClient, files: Sequence[Found], options: UploadOptions) -> Told:
    """All files in batches: the first makes the archive, unless one has its name already."""
    told = Told()
    if options.archive is not None:
        told.archive_id = client.find_archive(options.archive)
    fields = {"name": options.archive or default_name(files, datetime.now().astimezone())}
    if options.form_type is not None:
        fields["form_type"] = options.form_type
    if options.priority:
        fields["priority"] = str(options.priority)
    with _progress() as progress:
        task = progress.add_task("upload", total=sum(file.size for file in files))
        for batch in to_batches(files):
            path = "/api/archives"
            if told.archive_id is not None:
                path = f"/api/archives/{told.archive_id}/documents"
            named = {file.name: file.path for file in batch}
            answer = client.post_files(path, fields, named, partial(progress.advance, task))
            _take_answer(told, answer)
    return told


def to_batches(files: Iterable[Found]) -> Iterator[list[Found]]:
    """A few files each, so that much is known early and no request is endless.

    No two files of a batch have the same name.
    """
    batch: list[Found] = []
    size = 0
    for file in files:
        names = {other.name for other in batch}
        full = len(batch) >= BATCH_FILES or size + file.size > BATCH_BYTES
        if batch and (full or file.name in names):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _find_in_folder(folder: Path) -> Iterator[Found]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted((f for f in folders if not is_system_name(f)), key=natural_key)
        for name in sorted(names, key=natural_key):
            path = Path(root, name)
            if not is_system_name(name) and path.is_file() and _is_wanted(path):
                shown = Path(folder.resolve().name, path.relative_to(folder)).as_posix()
                yield Found(path, shown, path.stat().st_size)


def _is_wanted(path: Path) -> bool:
    if is_document_name(path.name):
        return True
    try:
        with path.open("rb") as file:
            return find_format(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _take_answer(told: Told, answer: JsonObject) -> None:
    told.archive_id = str(answer["id"])
    documents, refused = answer["documents"], answer["refused"]
    assert isinstance(documents, list) and isinstance(refused, list)
    for document in documents:
        assert isinstance(document, dict)
        told.accepted += document["duplicate_of"] is None
        told.duplicates += document["duplicate_of"] is not None
    for file in refused:
        assert isinstance(file, dict)
        told.refused.append((str(file["name"]), str(file["reason"])))
        say_error(f"{file['name']}: {file['reason']}")


def _wait(client: ServiceClient, archive_id: str) -> int:
    """Until no machine has work in the archive any more; how many documents failed."""
    with _progress() as progress:
        task = progress.add_task("extract", total=None)
        while True:
            counts = client.get(f"/api/archives/{archive_id}")["counts"]
            assert isinstance(counts, dict)
            numbers = {state: int(str(count)) for state, count in counts.items()}
            busy = sum(numbers[state] for state in BUSY_STATES)
            ended = sum(numbers[state] for state in ("in_review", "done", "failed", "cancelled"))
            progress.update(task, completed=ended, total=busy + ended)
            if not busy:
                break
            time.sleep(LOOK_SECONDS)
    if numbers["failed"]:
        say_error(f"{numbers['failed']} documents failed; see formloop status {archive_id}")
    return numbers["failed"]


def _say(told: Told) -> None:
    messages().print(
        f"{told.accepted} accepted, {told.duplicates} known already, {len(told.refused)} refused",
        highlight=False,
    )
    if told.archive_id is not None:
        answers().print(told.archive_id, highlight=False)


def default_name(files: Sequence[Found], now: datetime) -> str:
    """As on the page: that of the one folder or file, without its suffix, else the time."""
    tops = {file.name.split("/")[0] for file in files}
    return Path(tops.pop()).stem if len(tops) == 1 else f"{now:%Y-%m-%d %H:%M}"


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=messages(),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
