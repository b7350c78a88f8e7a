"""Records to files of many records, piece by piece: memory does not grow with their number."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Final, Literal

from extraction.declarations import FormDeclaration
from extraction.exports.csv import COLUMNS, record_to_csv, without_formula
from extraction.exports.naming import find_titles
from extraction.exports.xlsx import record_to_xlsx
from extraction.json_values import JsonObject
from extraction.pages.formats import safe_stem
from extraction.record_json import record_from_json
from extraction.values import Record
from service.api.export_workbook import SharedWorkbook

ExportFormat = Literal["xlsx", "csv", "jsonl", "zip"]
MEDIA_TYPES: Final[dict[ExportFormat, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "zip": "application/zip",
}
MOST_WORKBOOKS: Final = 500
"""A workbook takes longer to make than all else of its document, some 15 ms."""
_PIECE_BYTES: Final = 1 << 16
_ZIP_WORKBOOK: Final = "documents.xlsx"


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    """A document with its newest record."""

    document_id: str
    name: str
    state: str
    stored: JsonObject

    @property
    def record(self) -> Record:
        """Made anew at each look, because not every format needs it."""
        return record_from_json(self.stored)


def find_stream(
    format_: ExportFormat, declarations: tuple[FormDeclaration, ...], count: int
) -> Callable[[Iterable[ExportedDocument]], Iterator[bytes]]:
    """What turns up to ``count`` documents into the bytes of a file of this format."""

    def to_zip(documents: Iterable[ExportedDocument]) -> Iterator[bytes]:
        if count > MOST_WORKBOOKS:
            return documents_to_large_zip(documents, declarations)
        return documents_to_zip(documents, declarations)

    def to_xlsx(documents: Iterable[ExportedDocument]) -> Iterator[bytes]:
        return documents_to_xlsx(documents, declarations)

    return {
        "xlsx": to_xlsx,
        "csv": documents_to_csv,
        "jsonl": documents_to_jsonl,
        "zip": to_zip,
    }[format_]


def documents_to_jsonl(documents: Iterable[ExportedDocument]) -> Iterator[bytes]:
    """One record a line, in the shape of ``formloop.record/1``."""
    for document in documents:
        yield _to_line(document.stored) + b"\n"


def documents_to_csv(documents: Iterable[ExportedDocument]) -> Iterator[bytes]:
    """One row per field, with its document before it; with a byte order mark for Excel."""
    heading = ("document_id", "document", *COLUMNS)
    yield _csv_rows([heading]).encode("utf-8-sig")
    for document in documents:
        about = (document.document_id, without_formula(document.name))
        rows = csv.reader(io.StringIO(record_to_csv(document.record).decode("utf-8-sig")))
        next(rows)
        yield _csv_rows([(*about, *row) for row in rows]).encode()


def documents_to_zip(
    documents: Iterable[ExportedDocument], declarations: tuple[FormDeclaration, ...]
) -> Iterator[bytes]:
    """For ``a/b.pdf`` the entries ``a/b.json``, ``a/b.xlsx`` and ``a/b.csv``."""
    sink = _Sink()
    taken: set[str] = set()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for document in documents:
            stem, record = _unique_stem(document.name, taken), document.record
            _add_texts(archive, stem, document, record)
            # A workbook is a ZIP already.
            workbook = record_to_xlsx(record, find_titles(record.form_type, declarations))
            archive.writestr(f"{stem}.xlsx", workbook, compress_type=zipfile.ZIP_STORED)
            yield sink.taken()
    yield sink.taken()


def documents_to_large_zip(
    documents: Iterable[ExportedDocument], declarations: tuple[FormDeclaration, ...]
) -> Iterator[bytes]:
    """For ``a/b.pdf`` the entries ``a/b.json`` and ``a/b.csv``; one workbook for all."""
    sink, taken = _Sink(), {_ZIP_WORKBOOK.removesuffix(".xlsx")}
    with (
        closing(SharedWorkbook(declarations)) as workbook,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for document in documents:
            stem, record = _unique_stem(document.name, taken), document.record
            _add_texts(archive, stem, document, record)
            workbook.add(document.name, document.state, record)
            yield sink.taken()
        with tempfile.TemporaryFile() as file, archive.open(_ZIP_WORKBOOK, "w") as entry:
            workbook.write(file)
            for piece in _pieces(file):
                entry.write(piece)
                yield sink.taken()
    yield sink.taken()


def _add_texts(
    archive: zipfile.ZipFile, stem: str, document: ExportedDocument, record: Record
) -> None:
    archive.writestr(f"{stem}.json", _to_line(document.stored))
    archive.writestr(f"{stem}.csv", record_to_csv(record))


def documents_to_xlsx(
    documents: Iterable[ExportedDocument], declarations: tuple[FormDeclaration, ...]
) -> Iterator[bytes]:
    """A workbook with a sheet per form type; a single document as ``formloop extract`` does."""
    first, rest = _first_and_rest(documents)
    if first is not None and rest is None:
        record = first.record
        yield record_to_xlsx(record, find_titles(record.form_type, declarations))
        return
    with closing(SharedWorkbook(declarations)) as workbook, tempfile.TemporaryFile() as file:
        for item in () if first is None or rest is None else _chained(first, rest):
            workbook.add(item.name, item.state, item.record)
        workbook.write(file)
        yield from _pieces(file)


def _first_and_rest(
    documents: Iterable[ExportedDocument],
) -> tuple[ExportedDocument | None, Iterator[ExportedDocument] | None]:
    """The first document, and the others where there are any."""
    iterator = iter(documents)
    first = next(iterator, None)
    second = next(iterator, None)
    if second is None:
        return first, None
    return first, _chained(second, iterator)


def _chained(
    first: ExportedDocument, rest: Iterator[ExportedDocument]
) -> Iterator[ExportedDocument]:
    yield first
    yield from rest


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _to_line(stored: JsonObject) -> bytes:
    return json.dumps(stored, ensure_ascii=False).encode()


def _csv_rows(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _unique_stem(name: str, taken: set[str]) -> str:
    stem = candidate = safe_stem(name)
    number = 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem}-{number}"
    taken.add(candidate.casefold())
    return candidate


class _Sink(io.RawIOBase):
    """A file that cannot seek and gives away what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
