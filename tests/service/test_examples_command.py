"""``formloop examples``: what is written, and what is said where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotation.examples_json import examples_from_jsonl
from archive.blobs import picture_key, reading_key
from archive.tables import Result
from extraction.reading_json import reading_to_json
from extraction.values import Box, PageReading, Word
from service.cli import app
from tests.service.web.reviewing import start_review
from tests.service.web.stage import page_picture
from tests.service.worlds import running_world


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one corrected document, its readings and pictures."""
    folder = tmp_path_factory.mktemp("data")
    with running_world(folder) as world:
        found = start_review(world, "改.pdf")
        blobs, document_id = world.service.blobs, found.document_id
        with world.service.database.write() as session:
            for result in session.query(Result).filter_by(document_id=document_id):
                result.result_key = reading_key(document_id, 1, result.page)
        for page in found.record.pages:
            words = tuple(
                Word(item.text, Box(*item.source.box).padded(-5), 0.9, 0.9, page.number)
                for item in found.record.fields.values()
                if item.source is not None and item.source.page == page.number
            )
            reading = PageReading(page.number, page.width, page.height, 72.0, "ocr", (), words)
            stored = json.dumps(reading_to_json(reading)).encode()
            blobs.write(reading_key(document_id, 1, page.number), stored)
            blobs.write(picture_key(document_id, 1, page.number), page_picture(found.record, 1))
        found.answer(500, {"郭睿": "郭春"})
    return folder


def call(data: Path, out: Path, *more: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["examples", "--data", str(data), "--out", str(out), *more])
    return answer.exit_code, answer.output


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        ("jsonl", ("examples.jsonl",)),
        ("recognition", ("rec_gt_train.txt", "rec_gt_test.txt", "dict.txt")),
        ("datasets", ("README.md",)),
    ],
)
def test_each_format_is_written_to_a_new_folder(
    data: Path, tmp_path: Path, wanted: str, files: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    code, said = call(data, out, "--all", "--format", wanted)
    assert code == 0, said
    assert "1 documents" in said
    assert all((out / name).is_file() for name in files)
    if wanted == "jsonl":
        with (out / files[0]).open(encoding="utf-8") as lines:
            (example,) = examples_from_jsonl(lines)
        assert {"leader", "total_score"} <= set(example.labels.values())
        assert "phone" not in example.labels.values()
    if wanted == "recognition":
        told = "".join((out / name).read_text("utf-8") for name in files[:2])
        assert "\t郭春\n" in told
    code, said = call(data, out, "--all")
    assert (code, "is not empty" in said) == (1, True)


def test_of_one_archive_by_its_name(data: Path, tmp_path: Path) -> None:
    assert call(data, tmp_path / "out", "箱 改.pdf")[0] == 0
    code, said = call(data, tmp_path / "other", "没有")
    assert (code, "there is no archive '没有'" in said) == (1, True)


def test_a_wrong_call_and_an_empty_archive_are_said(tmp_path: Path) -> None:
    assert call(tmp_path, tmp_path / "out")[0] == 2
    assert call(tmp_path / "nowhere", tmp_path / "out", "--all")[0] == 1
    with running_world(tmp_path / "empty"):
        pass
    code, said = call(tmp_path / "empty", tmp_path / "out", "--all")
    assert (code, "nothing was corrected" in said) == (1, True)
    assert not (tmp_path / "out").exists()
