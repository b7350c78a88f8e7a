"""One document of a run: what it writes, when it is done, and what a failure leaves."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest

from extraction.record import record_from_json
from service.extract_job import FILE_FORMATS, ExtractJob, extract_job
from service.extract_worker import StationsReader
from tests.service.fake_reader import FakeReader, bytes_to_source


@pytest.fixture
def job(tmp_path: Path) -> ExtractJob:
    return ExtractJob(bytes_to_source(b"good"), tmp_path / "out", FILE_FORMATS)


def test_every_format_is_written_under_the_stem(job: ExtractJob) -> None:
    deep = replace(job, source=bytes_to_source(b"good", "scans.zip/甲/a.pdf", "scans/甲/a"))
    outcome = extract_job(deep, FakeReader())
    assert outcome.record is not None and not outcome.failures
    folder = job.folder / "scans" / "甲"
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "a.html", "a.json", "a.xlsx"]
    read = record_from_json(json.loads((folder / "a.json").read_text(encoding="utf-8")))
    assert read == outcome.record


def test_what_is_done_is_not_read_again(job: ExtractJob) -> None:
    reader = FakeReader()
    first = extract_job(job, reader)
    second = extract_job(job, reader)
    assert reader.reads == 1 and second.skipped
    assert second.record == first.record


@pytest.mark.parametrize("change", ["bytes", "versions", "format", "json", "again", "type"])
def test_what_is_not_quite_done_is_read_again(job: ExtractJob, change: str) -> None:
    reader = FakeReader()
    extract_job(job, reader)
    json_path = job.path("json")
    match change:
        case "bytes":
            job = replace(job, source=bytes_to_source(b"other"))
        case "versions":
            reader.producer = {"formloop": "newer"}
        case "format":
            job.path("html").unlink()
        case "json":
            json_path.write_bytes(json_path.read_bytes()[:100])
        case "again":
            job = replace(job, again=True)
        case "type":
            job = replace(job, form_type="project_self_evaluation")
    assert not extract_job(job, reader).skipped
    assert reader.reads == 2


def test_a_refused_document_leaves_no_file(job: ExtractJob) -> None:
    outcome = extract_job(replace(job, source=bytes_to_source(b"bad")), FakeReader())
    assert outcome.record is None and not job.folder.exists()
    assert [str(failure) for failure in outcome.failures] == ["a.pdf: page 2: the file ends early"]


def test_a_failed_page_stands_beside_the_record_of_the_others(job: ExtractJob) -> None:
    outcome = extract_job(replace(job, source=bytes_to_source(b"half")), FakeReader())
    assert outcome.record is not None and job.path("json").is_file()
    assert [failure.category for failure in outcome.failures] == ["blank_page"]


def test_nothing_half_written_is_left(job: ExtractJob) -> None:
    extract_job(job, FakeReader())
    assert not list(job.folder.glob(".*"))


def test_the_fake_keeps_the_contract_of_the_real_reader() -> None:
    for name in ("read", "producer"):
        fake, real = getattr(FakeReader, name, None), getattr(StationsReader, name)
        if callable(real):
            assert inspect.signature(fake) == inspect.signature(real)
        else:
            assert name in FakeReader.__dataclass_fields__
