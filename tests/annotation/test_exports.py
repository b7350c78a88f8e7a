"""Pictures of lines for PaddleOCR, and a folder that Hugging Face's library loads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotation.examples import ReviewedText, TrainingExample, reviewed_to_example
from annotation.exports.hugging_face import write_hugging_face
from annotation.exports.lines import crop_line, example_to_lines, find_split
from annotation.exports.recognition import write_recognition
from extraction.values import Box, Image, PageReading, Word
from tests.annotation.corrected_forms import reviewed
from tests.annotation.small_form import (
    DECLARATION,
    HEIGHT,
    WIDTH,
    answer,
    retyped,
    small_record,
    small_task,
)

LINE = 40.0


def small_example(document_id: str) -> TrainingExample:
    record = small_record()
    task = small_task(record, "total", "buyer", "items[1].article")
    given = answer(task, {"buyer": retyped(task, "buyer", "西风\t公司")})
    return replace(
        reviewed_to_example(reviewed(task, [given], record), DECLARATION), document_id=document_id
    )


def lines_example(read: tuple[str, ...], shown: str, text: str) -> TrainingExample:
    """One cell of several lines, confirmed or retyped as a whole."""
    words = tuple(
        Word(line, Box(10, LINE * number, 400, LINE * number + 30), 0.9, 0.9, 1)
        for number, line in enumerate(read)
    )
    reading = PageReading(1, 500, 500, 100.0, "ocr", (), words, {})
    numbers = tuple(range(len(words)))
    region = ReviewedText("buyer", 1, Box(0, 0, 450, 400), text, shown, numbers, False)
    return TrainingExample("d", "order", 1, "0", (reading,), {}, (region,), False)


def told(example: TrainingExample) -> Mapping[float, str]:
    """The text of each line by its number."""
    return {line.box.top / LINE: line.text for line in example_to_lines(example)}


def white(document_id: str, page: int) -> Image:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    picture[:, :, 2] = page
    return picture


def test_lines_of_a_confirmed_text_are_as_they_were_read() -> None:
    assert told(lines_example(("第一行字", "第二行"), "第一行字第二行", "第一行字第二行")) == {
        0: "第一行字",
        1: "第二行",
    }


def test_a_retyped_text_is_cut_where_its_lines_certainly_end() -> None:
    # The slip stands inside the second line, so all ends are certain.
    example = lines_example(
        ("第一行字", "第彳亍二", "第三行"), "第一行字第彳亍二第三行", "第一行字第行二第三行"
    )
    assert told(example) == {0: "第一行字", 1: "第行二", 2: "第三行"}


def test_a_line_whose_end_is_not_certain_is_left_out() -> None:
    # What was missed stood at the end of the first line or at the start of the second.
    example = lines_example(
        ("第一行", "第二行", "末行文"), "第一行第二行末行文", "第一行字第二行末行文"
    )
    assert told(example) == {2: "末行文"}


def test_words_that_print_more_than_the_field_teach_nothing() -> None:
    assert told(lines_example(("买方：东风公司",), "东风公司", "东风公司")) == {}


def test_a_missed_line_is_told_by_its_box_if_it_is_one_line() -> None:
    example = lines_example(("第一行",), "", "新的")
    (region,) = example.texts
    one = replace(region, words=(), box=Box(10, 200, 400, 235))
    several = replace(region, words=(), box=Box(10, 200, 400, 335))
    assert told(replace(example, texts=(one,))) == {5: "新的"}
    assert told(replace(example, texts=(several,))) == {}


def test_a_crop_has_a_little_paper_around_it_and_stays_on_the_page() -> None:
    picture = white("d", 1)
    assert crop_line(picture, Box(100, 100, 200, 130)).shape == (34, 104, 3)
    assert crop_line(picture, Box(-50, -50, 20, 20)).shape == (22, 22, 3)
    assert min(crop_line(picture, Box(5000, 5000, 6000, 6000)).shape) > 0


def test_recognition_folder_is_as_paddleocr_reads_it(tmp_path: Path) -> None:
    documents = [f"{number:03}" for number in range(30)]
    counts = write_recognition(tmp_path, [small_example(name) for name in documents], white)
    assert counts.train == 3 * sum(find_split(name) == "train" for name in documents)
    assert counts.test == 3 * sum(find_split(name) == "test" for name in documents) > 0
    for split in ("train", "test"):
        for line in (tmp_path / f"rec_gt_{split}.txt").read_text("utf-8").splitlines():
            # The reader of PaddleOCR splits at the tab and takes what comes second.
            path, text = line.split("\t", 1)
            assert path.startswith(f"{split}/")
            picture = cv2.imread(str(tmp_path / path))
            assert picture is not None
            assert picture[0, 0].tolist() == [1, 255, 255]
            assert "\t" not in text
    characters = (tmp_path / "dict.txt").read_text("utf-8").split("\n")
    assert {"西", "梨", "5"} <= set(characters)


def test_same_examples_give_the_same_files(tmp_path: Path) -> None:
    examples = [small_example("b"), small_example("a")]
    for name, order in (("one", examples), ("other", examples[::-1])):
        write_recognition(tmp_path / name / "r", order, white)
        write_hugging_face(tmp_path / name / "h", order, white)
    files = sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) > 10
    for path in files:
        other = tmp_path / "other" / path.relative_to(tmp_path / "one")
        assert other.read_bytes() == path.read_bytes()


def test_hugging_faces_library_loads_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    if os.environ.get("CI") != "true":
        pytest.importorskip("datasets")
    from datasets import load_dataset  # noqa: PLC0415 - after its home is set

    folder = tmp_path / "set"
    documents = [f"{number:03}" for number in range(12)]
    write_hugging_face(folder, [small_example(name) for name in documents], white)
    cache = str(tmp_path / "cache")
    pages = load_dataset(str(folder), "pages", cache_dir=cache)
    assert sum(len(part) for part in pages.values()) == len(documents)
    row = pages["train"][0]
    assert row["image"].size == (WIDTH, HEIGHT)
    assert len(row["words"]) == len(row["boxes"]) == len(row["labels"])
    labelled = {w: label for w, label in zip(row["words"], row["labels"], strict=True) if label}
    assert labelled["50"] == "total"
    assert "" in row["labels"]
    lines = load_dataset(str(folder), "lines", cache_dir=cache)
    assert {row["text"] for row in lines["train"]} == {"50", "梨", "西风 公司"}
