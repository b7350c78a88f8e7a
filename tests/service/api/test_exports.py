"""Exports over HTTP: what each format holds, which documents, and that memory stays flat."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import Response
from openpyxl import load_workbook

from extraction.declarations import FormDeclaration
from extraction.record_json import record_from_json, record_to_json
from service.api import export_streams
from service.api.export_streams import (
    ExportedDocument,
    documents_to_large_zip,
    documents_to_zip,
)
from service.api.exports import to_disposition
from tests.service.worlds import World, pdf, sample_record

ToStream = Callable[[Iterable[ExportedDocument], tuple[FormDeclaration, ...]], Iterator[bytes]]


@pytest.fixture(scope="module")
def filled(world: World) -> tuple[str, list[str]]:
    archive_id, ids = world.upload(
        ("甲/a.pdf", pdf("a")), ("b.pdf", pdf("b")), ("c.pdf", pdf("c")), name='一"箱/..'
    )
    world.finish(ids[0], sample_record("甲/a.pdf"))
    unknown = replace(sample_record("b.pdf"), form_type="unknown", fields={}, groups={})
    world.finish(ids[1], unknown)
    return archive_id, ids


def export(world: World, path: str) -> Response:
    answer = world.client.get(path, headers=world.bearer())
    assert answer.status_code == 200, answer.text
    return answer


def test_json_lines_are_whole_records(world: World, filled: tuple[str, list[str]]) -> None:
    answer = export(world, f"/api/archives/{filled[0]}/export?format=jsonl")
    records = [record_from_json(json.loads(line)) for line in answer.text.splitlines()]
    assert [record.name for record in records] == ["甲/a.pdf", "b.pdf"]
    assert records[0] == sample_record("甲/a.pdf")


def test_csv_names_the_document_in_each_row(world: World, filled: tuple[str, list[str]]) -> None:
    answer = export(world, f"/api/archives/{filled[0]}/export?format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["document_id", "document", "field", "text"]
    assert rows[1][:4] == [filled[1][0], "甲/a.pdf", "project_name", "绩效目标"]
    assert rows[2][3] == "'=1+1", "no spreadsheet computes it"
    assert len(answer.content.split(b"document_id")) == 2


def test_xlsx_of_an_archive_has_a_sheet_per_form_type(
    world: World, filled: tuple[str, list[str]]
) -> None:
    answer = export(world, f"/api/archives/{filled[0]}/export?format=xlsx")
    book = load_workbook(io.BytesIO(answer.content))
    titles = {item.name: item.title for item in world.service.declarations}
    assert book.sheetnames[0] == "文件"
    assert titles["project_performance_target"][:31] in book.sheetnames
    documents = list(book["文件"].iter_rows(values_only=True))
    assert [row[0] for row in documents] == ["文件", "甲/a.pdf", "b.pdf"]
    assert [row[2] for row in documents[1:]] == ["project_performance_target", "unknown"]


def test_xlsx_of_one_document_shows_its_table(world: World, filled: tuple[str, list[str]]) -> None:
    answer = export(world, f"/api/documents/{filled[1][0]}/export?format=xlsx")
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[0] == "表格1"


def test_zip_holds_json_csv_and_xlsx_for_each(world: World, filled: tuple[str, list[str]]) -> None:
    answer = export(world, f"/api/archives/{filled[0]}/export?format=zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            f"{stem}.{suffix}" for stem in ("甲/a", "b") for suffix in ("json", "csv", "xlsx")
        )


def test_a_zip_of_many_has_one_workbook(
    world: World, filled: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_streams, "MOST_WORKBOOKS", 1)
    answer = export(world, f"/api/archives/{filled[0]}/export?format=zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            ["documents.xlsx"]
            + [f"{stem}.{suffix}" for stem in ("甲/a", "b") for suffix in ("json", "csv")]
        )
        book = load_workbook(io.BytesIO(archive.read("documents.xlsx")))
    assert [row[0].value for row in book["文件"].iter_rows(min_row=2)] == ["甲/a.pdf", "b.pdf"]


def test_a_document_does_not_take_the_name_of_the_workbook() -> None:
    documents = [ExportedDocument("1", "documents.pdf", "done", record_to_json(sample_record()))]
    data = b"".join(documents_to_large_zip(documents, ()))
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert names == ["documents-2.json", "documents-2.csv", "documents.xlsx"]


def test_a_zip_that_nobody_waits_for_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    documents = [ExportedDocument("1", "a.pdf", "done", record_to_json(sample_record()))] * 3
    stream = documents_to_large_zip(documents, ())
    next(stream)
    assert list(tmp_path.iterdir())
    del stream
    assert not list(tmp_path.iterdir())


def test_a_selection_keeps_its_order(world: World, filled: tuple[str, list[str]]) -> None:
    first, second, waiting = filled[1]
    path = f"/api/documents/export?format=jsonl&id={second}&id={first}&id={waiting}&id=nope"
    names = [json.loads(line)["document"]["name"] for line in export(world, path).text.splitlines()]
    assert names == ["b.pdf", "甲/a.pdf"]
    some = export(world, f"/api/archives/{filled[0]}/export?format=jsonl&document={second}")
    assert len(some.text.splitlines()) == 1
    matching = export(world, f"/api/documents/export?format=jsonl&archive={filled[0]}&q=绩效")
    assert len(matching.text.splitlines()) == 1


def test_what_has_no_record_cannot_be_exported(world: World, filled: tuple[str, list[str]]) -> None:
    path = f"/api/documents/{filled[1][2]}/export?format=csv"
    assert world.client.get(path, headers=world.bearer()).status_code == 409
    path = f"/api/archives/{filled[0]}/export?format=exe"
    assert world.client.get(path, headers=world.bearer()).status_code == 422


def test_the_file_name_is_safe_in_a_header(world: World, filled: tuple[str, list[str]]) -> None:
    answer = export(world, f"/api/archives/{filled[0]}/export?format=csv")
    said = answer.headers["content-disposition"]
    assert said.startswith("attachment; ")
    assert '"' not in said.split("filename=")[1].split(";")[0].strip('"')
    assert to_disposition("a\r\nSet-Cookie: x=1", "csv").isprintable()
    assert "%E6%A1%A3" in to_disposition("../档.pdf", "csv")
    assert to_disposition("\ud800", "csv")


def test_names_in_a_zip_stay_inside_and_apart() -> None:
    record = record_to_json(sample_record())
    documents = [
        ExportedDocument("1", "../../up.pdf", "done", record),
        ExportedDocument("2", "/up.pdf", "done", record),
        ExportedDocument("3", "UP.PDF", "done", record),
    ]
    data = b"".join(documents_to_zip(documents, ()))
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert [name for name in names if name.endswith("json")] == [
        "up.json",
        "up-2.json",
        "UP-3.json",
    ]


@pytest.mark.parametrize("documents_to_stream", [documents_to_zip, documents_to_large_zip])
def test_a_zip_is_given_away_while_it_is_made(documents_to_stream: ToStream) -> None:
    record = record_to_json(sample_record())
    made: list[int] = []

    def documents() -> Iterator[ExportedDocument]:
        for number in range(30):
            made.append(number)
            yield ExportedDocument(str(number), f"{number}.pdf", "done", record)

    stream = documents_to_stream(documents(), ())
    assert next(stream)
    assert made == [0]
