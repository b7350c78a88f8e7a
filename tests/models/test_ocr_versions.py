"""A recogniser that was tuned elsewhere comes back through the gate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from extraction.errors import ModelError
from extraction.ocr.weights import lay_out_recogniser
from extraction.values import Image
from models.line_pictures import HELD_OUT_FILE, LinePicture, lines_digest, read_line_list
from models.ocr_gate import add_ocr, open_line_reader
from models.ocr_versions import SHIPPED, OcrVersion, OcrVersions
from tests.models.exported_recogniser import LINES, write_exported, write_lines

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[LinePicture, ...]:
    return read_line_list(write_lines(tmp_path_factory.mktemp("lines")))


def reading(wrong: Callable[[int], bool]) -> Callable[[Sequence[Image]], list[str]]:
    def read(pictures: Sequence[Image]) -> list[str]:
        numbers = [int(picture[0, 0, 0]) for picture in pictures]
        return [f"line {number}" if not wrong(number) else "lime" for number in numbers]

    return read


def brought(
    exported: Path,
    lines: Sequence[LinePicture],
    data: Path,
    wrong: Callable[[int], bool],
) -> tuple[OcrVersions, OcrVersion]:
    """Held against a reader that misreads every fourth line."""
    versions = OcrVersions.of_data(data)
    champion = reading(lambda number: number % 4 == 0)
    version, _ = add_ocr(
        exported,
        lines,
        versions,
        NOW,
        open_lines=lambda path: champion if path is None else reading(wrong),
    )
    return versions, version


def test_better_one_passes_and_is_promoted_and_rolled_back(
    exported: Path, lines: tuple[LinePicture, ...], tmp_path: Path
) -> None:
    versions, version = brought(exported, lines, tmp_path, lambda number: number % 24 == 0)
    assert version.passed
    assert (version.parent, version.lines, version.parent_accuracy) == (SHIPPED, LINES, 0.75)
    assert version.accuracy == pytest.approx(23 / 24, abs=1e-4)
    assert versions.list_versions() == (version,)
    assert versions.current() == SHIPPED and versions.find_current() is None
    versions.promote(version.name)
    assert versions.find_current() == versions.folder / version.name
    assert versions.roll_back() == SHIPPED
    assert versions.find_current() is None
    with pytest.raises(ModelError):
        versions.roll_back()


@pytest.mark.parametrize("share", [4, 2])
def test_one_that_is_no_better_is_kept_but_refused(
    exported: Path, lines: tuple[LinePicture, ...], tmp_path: Path, share: int
) -> None:
    versions, version = brought(exported, lines, tmp_path, lambda number: number % share == 0)
    assert not version.passed
    assert versions.list_versions() == (version,)
    with pytest.raises(ModelError, match="refused"):
        versions.promote(version.name)
    assert versions.current() == SHIPPED


def test_one_that_is_gone_is_passed_over(
    exported: Path, lines: tuple[LinePicture, ...], tmp_path: Path
) -> None:
    versions, version = brought(exported, lines, tmp_path, lambda number: False)
    versions.promote(version.name)
    shutil.rmtree(versions.folder / version.name)
    assert versions.current() == SHIPPED
    with pytest.raises(ModelError, match="known: shipped"):
        versions.promote("../elsewhere")


def test_dictionary_of_another_training_is_refused(exported: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(exported / "inference.onnx", other / "inference.onnx")
    (other / "inference.yml").write_text('{"PostProcess": {"character_dict": ["甲"]}}', "utf-8")
    with pytest.raises(ModelError, match="export both from the same training"):
        lay_out_recogniser(other, tmp_path / "out")
    (other / "inference.yml").write_text("nothing", "utf-8")
    with pytest.raises(ModelError, match="names no characters"):
        lay_out_recogniser(other, tmp_path / "out")
    (other / "inference.onnx").write_bytes(b"no network")
    (other / "inference.yml").unlink()
    with pytest.raises(ModelError):
        lay_out_recogniser(other, tmp_path / "out")
    with pytest.raises(ModelError, match=r"inference\.onnx"):
        lay_out_recogniser(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_refused_folder_leaves_nothing_behind(
    lines: tuple[LinePicture, ...], tmp_path: Path
) -> None:
    versions = OcrVersions.of_data(tmp_path / "data")
    with pytest.raises(ModelError):
        add_ocr(tmp_path, lines, versions, NOW)
    assert list(versions.folder.iterdir()) == []
    with pytest.raises(ModelError, match="no held-out line"):
        add_ocr(tmp_path, (), versions, NOW)


def test_lines_are_told_by_what_they_show_and_say(lines: tuple[LinePicture, ...]) -> None:
    assert lines_digest(lines) == lines_digest(lines[::-1])
    assert lines_digest(lines) != lines_digest(lines[1:])
    assert len({line.document_id for line in lines}) == LINES // 3
    with pytest.raises(ModelError, match=HELD_OUT_FILE):
        read_line_list(lines[0].path.parent)


def test_laid_out_recogniser_reads_as_the_shipped_one(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ocr-0123456789"
    lay_out_recogniser(exported, folder)
    picture = np.full((48, 300, 3), 255, dtype=np.uint8)
    cv2.putText(picture, "2026", (20, 38), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
    assert open_line_reader(folder)([picture]) == open_line_reader(None)([picture]) == ["2026"]
