"""``formloop models add-ocr``, ``promote-ocr``, ``rollback-ocr``: what is used, what is said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from archive.database import Database
from archive.promise import find_standing
from extraction.values import Image
from models.line_pictures import ReadLines
from models.ocr_gate import add_ocr
from models.ocr_versions import SHIPPED, OcrVersions
from service.cli import app
from tests.models.exported_recogniser import write_exported, write_lines


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("lines"))


def judged_as(monkeypatch: pytest.MonkeyPatch, every: int, tuned_every: int) -> None:
    """The recogniser in use misreads every so many-th line, and so does the tuned one."""

    def open_lines(recogniser: Path | None) -> ReadLines:
        step = every if recogniser is None else tuned_every

        def read(pictures: Sequence[Image]) -> list[str]:
            numbers = [int(picture[0, 0, 0]) for picture in pictures]
            return ["lime" if number % step == 0 else f"line {number}" for number in numbers]

        return read

    monkeypatch.setattr("service.ocr_command.add_ocr", partial(add_ocr, open_lines=open_lines))


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_better_recogniser_is_used_and_can_be_taken_back(
    exported: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_as(monkeypatch, 4, 40)
    database = Database(f"sqlite:///{tmp_path / 'formloop.db'}")
    database.migrate()
    done = call("add-ocr", exported, "--lines", lines, "--data", tmp_path)
    assert done.exit_code == 0, done.output
    name = OcrVersions.of_data(tmp_path).current()
    with database.read() as session:
        assert find_standing(session).since is not None, "what was audited counts no more"
    assert name.startswith("ocr-") and done.stdout.strip() == f"in use: {name}"
    assert "97.50 % of 120 lines read exactly; shipped: 75.00 %" in done.stderr
    assert call("rollback-ocr", "--data", tmp_path).stdout.strip() == f"in use: {SHIPPED}"
    assert call("promote-ocr", name, "--data", tmp_path).stdout.strip() == f"in use: {name}"


def test_worse_recogniser_is_refused_and_kept_out_of_use(
    exported: Path, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_as(monkeypatch, 40, 4)
    done = call("add-ocr", exported, "--lines", lines, "--data", tmp_path)
    assert done.exit_code == 1 and "refused" in done.stderr and not done.stdout
    versions = OcrVersions.of_data(tmp_path)
    (version,) = versions.list_versions()
    assert versions.current() == SHIPPED
    refused = call("promote-ocr", version.name, "--data", tmp_path)
    assert refused.exit_code == 1 and "the gate refused" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add-ocr", "{tmp}", "--lines", "{tmp}"), "holds no rec_gt_test.txt"),
        (("promote-ocr", "ocr-none"), "known: shipped"),
        (("rollback-ocr",), "no earlier OCR version"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    given = [part.format(tmp=tmp_path) for part in arguments]
    done = call(*given, "--data", tmp_path)
    assert done.exit_code == 1 and told in " ".join(done.stderr.split())


def test_data_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = call("rollback-ocr", "--data", tmp_path / "none")
    assert done.exit_code == 1 and "no data folder" in done.stderr
    assert not (tmp_path / "none").exists()
