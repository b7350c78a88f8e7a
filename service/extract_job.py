"""One document of a run: read, or taken from an earlier run, and written in every format."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from extraction.declarations import load_declarations
from extraction.errors import FormloopError
from extraction.exports.csv import record_to_csv
from extraction.exports.html import record_to_html
from extraction.exports.naming import find_titles
from extraction.exports.xlsx import record_to_xlsx
from extraction.record import record_from_json, record_to_json
from extraction.values import Record

if TYPE_CHECKING:
    from extraction.pages.sources import SourceFile
    from extraction.pipeline import Extraction

FileFormat = Literal["json", "xlsx", "csv", "html"]
FILE_FORMATS: tuple[FileFormat, ...] = ("json", "xlsx", "csv", "html")


@dataclass(frozen=True, slots=True)
class ExtractJob:
    """``folder`` is None where the record is only printed. ``again`` ignores earlier results."""

    source: SourceFile
    folder: Path | None
    formats: tuple[FileFormat, ...]
    form_type: str | None = None
    again: bool = False

    def path(self, file_format: FileFormat) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{self.source.stem}.{file_format}"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a row: what went wrong, and where."""

    name: str
    page: int | None
    category: str
    reason: str

    def __str__(self) -> str:
        place = self.name if self.page is None else f"{self.name}: page {self.page}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job. A record may stand beside failures: other pages went well.

    ``fatal`` means that the next job would fail in the same way.
    """

    name: str
    sha256: str
    seconds: float
    record: Record | None = None
    skipped: bool = False
    failures: tuple[Failure, ...] = ()
    fatal: bool = False


class Reader(Protocol):
    """What turns a source into a record; ``producer`` says which versions do it."""

    @property
    def producer(self) -> Mapping[str, str]: ...

    def read(self, source: SourceFile) -> Extraction: ...


def extract_job(job: ExtractJob, reader: Reader) -> Outcome:
    """Read the job's document and write its files, unless an earlier run did."""
    started = time.perf_counter()
    source = job.source

    def outcome(
        record: Record | None, failures: tuple[Failure, ...] = (), *, skipped: bool = False
    ) -> Outcome:
        seconds = time.perf_counter() - started
        return Outcome(source.name, source.sha256, seconds, record, skipped, failures)

    done = None if job.again else find_done(job, reader.producer)
    if done is not None:
        return outcome(done, skipped=True)
    try:
        extraction = reader.read(source)
    except FormloopError as error:
        return outcome(None, (error_to_failure(error, source.name),))
    write_outputs(job, extraction)
    failures = tuple(error_to_failure(error, source.name) for error in extraction.errors)
    return outcome(extraction.record, failures)


def error_to_failure(error: FormloopError, name: str) -> Failure:
    return Failure(error.name or name, error.page, error.category, error.reason)


def find_done(job: ExtractJob, producer: Mapping[str, str]) -> Record | None:
    """The record of an earlier run on the same bytes by the same versions, if all is there."""
    paths = [job.path(file_format) for file_format in job.formats]
    json_path = job.path("json")
    if json_path is None or json_path not in paths or not all(p and p.is_file() for p in paths):
        return None
    try:
        record = record_from_json(json.loads(json_path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, FormloopError):
        return None
    same = record.sha256 == job.source.sha256 and dict(record.producer) == dict(producer)
    same_type = job.form_type in (None, record.form_type)
    return record if same and same_type else None


def write_outputs(job: ExtractJob, extraction: Extraction) -> None:
    """Every format that was asked for, the JSON last: it says that the rest is there."""
    record = extraction.record
    titles = find_titles(record.form_type, load_declarations())
    to_bytes: dict[FileFormat, Callable[[], bytes]] = {
        "xlsx": lambda: record_to_xlsx(record, titles),
        "csv": lambda: record_to_csv(record),
        "html": lambda: record_to_html(record, extraction.images, titles),
        "json": lambda: record_to_json_bytes(record),
    }
    for file_format, content in to_bytes.items():
        path = job.path(file_format)
        if path is not None and file_format in job.formats:
            write_whole(path, content())


def record_to_json_bytes(record: Record) -> bytes:
    return json.dumps(record_to_json(record), ensure_ascii=False, indent=1).encode("utf-8") + b"\n"


def write_whole(path: Path, content: bytes) -> None:
    """The file with all of its content, or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
