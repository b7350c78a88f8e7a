"""A run over many documents, with the reader's engines left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from service import extract_command
from service.extract_job import ExtractJob, Outcome
from service.options import ExtractOptions
from tests.service import fake_reader


def work(settings: object, job: ExtractJob) -> Outcome:
    """The fake in place of ``extract_worker.work``; the file's last word says what happens."""
    word = job.source.data.split()[-1]
    return fake_reader.work(replace(job, source=replace(job.source, data=word)))


def start() -> None:
    pass


@dataclass(frozen=True)
class OneProcess:
    """``Crew`` without processes of its own, which take seconds to start."""

    work: Callable[[ExtractJob], Outcome]
    lost: Callable[[ExtractJob, BaseException], Outcome]
    start: Callable[[], None]
    processes: int

    def run(self, tasks: Iterator[ExtractJob]) -> Iterator[Outcome]:
        return map(self.work, tasks)


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_command, "Crew", OneProcess)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two good inputs of one stem, one with a lost page, one refused, one that is no form."""
    monkeypatch.setattr(extract_command, "work", work)
    monkeypatch.setattr(extract_command, "start", start)
    scans = tmp_path / "scans"
    for name, word in (
        ("a.pdf", "good"),
        ("b/a.pdf", "good2"),
        ("c.pdf", "half"),
        ("d.pdf", "bad"),
    ):
        path = scans / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%PDF-1.7\n" + word.encode())
    (scans / "e.docx").write_bytes(b"not a form")
    return scans


def options(folder: Path, out: str, **others: object) -> ExtractOptions:
    return ExtractOptions(paths=[folder / "a.pdf", folder], out=out, **others)


def test_a_run_names_each_failure_and_finishes_the_rest(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert extract_command.run(options(folder, str(out), formats="json", jobs=2)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    errors = sorted(line for line in said.err.splitlines() if line.startswith("error: "))
    assert len(errors) == 3
    assert errors[0].startswith("error: c.pdf: page 2: ")
    assert errors[1].startswith("error: d.pdf: page 2: the file ends early")
    assert errors[2].startswith("error: e.docx: ")
    assert len(list(out.rglob("*.json"))) == 4
    kept = [json.loads(line) for line in (out / "errors.jsonl").read_text("utf-8").splitlines()]
    assert sorted(failure["name"] for failure in kept) == ["c.pdf", "d.pdf", "e.docx"]


@pytest.mark.usefixtures("one_process")
def test_a_second_run_takes_up_what_is_left(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = options(folder, str(tmp_path / "out"), formats="json")
    extract_command.run(chosen)
    capsys.readouterr()
    extract_command.run(chosen)
    said = capsys.readouterr().err
    assert said.count("done before") == 3 + 1
    assert "c.pdf: unknown, 1 pages" in said
    (folder / "c.pdf").unlink()
    (folder / "d.pdf").unlink()
    (folder / "e.docx").unlink()
    assert extract_command.run(chosen) == 0
    assert not (tmp_path / "out" / "errors.jsonl").exists()


@pytest.mark.usefixtures("one_process")
def test_a_dash_prints_json_lines_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extract_command.run(options(folder, "-")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["schema"] for line in lines] == ["formloop.record/1"] * 4


@pytest.mark.usefixtures("one_process")
def test_tables_are_printed_on_request(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extract_command.run(options(folder, str(tmp_path / "out"), formats="json,table"))
    said = capsys.readouterr()
    assert "未知表单" in said.out and "未知表单" not in said.err


@pytest.mark.usefixtures("one_process")
def test_an_error_that_would_meet_every_input_ends_the_run(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(extract_command, "work", fatal)
    assert extract_command.run(options(folder, str(tmp_path / "out"))) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "no weights" in line]
    assert len(errors) == 1


def fatal(settings: object, job: ExtractJob) -> Outcome:
    failure = extract_command.Failure("formloop", None, "model", "no weights")
    return Outcome(job.source.name, job.source.sha256, 0.0, failures=(failure,), fatal=True)
