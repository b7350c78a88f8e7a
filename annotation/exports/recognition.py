"""Pictures of lines with their texts, in the form that PaddleOCR trains its recogniser on.

``rec_gt_train.txt`` and ``rec_gt_test.txt`` have a line ``path<TAB>text`` for each picture
below ``train`` and ``test``; ``dict.txt`` has each character that occurs, one a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from annotation.examples import TrainingExample
from annotation.exports.lines import (
    PagePicture,
    Split,
    TextLine,
    crop_line,
    example_to_lines,
    find_split,
)
from extraction.values import Image

LABEL_FILE = "rec_gt_{split}.txt"
CHARACTERS_FILE = "dict.txt"


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Pictures written, by split."""

    train: int
    test: int


def write_recognition(
    folder: Path, examples: Iterable[TrainingExample], read_picture: PagePicture
) -> LineCounts:
    """Fill ``folder``; the same examples give the same files."""
    entries: dict[Split, list[str]] = {"train": [], "test": []}
    characters: set[str] = set()
    for example in sorted(examples, key=lambda item: item.document_id):
        split = find_split(example.document_id)
        for name, line, picture in find_pictures(example, read_picture):
            path = f"{split}/{name}"
            write_png(folder / path, picture)
            entries[split].append(f"{path}\t{line.text}\n")
            characters.update(line.text)
    for split, lines in entries.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        label_file = folder / LABEL_FILE.format(split=split)
        label_file.write_text("".join(lines), encoding="utf-8")
    known = "".join(f"{character}\n" for character in sorted(characters - {" ", "\t"}))
    (folder / CHARACTERS_FILE).write_text(known, encoding="utf-8")
    return LineCounts(len(entries["train"]), len(entries["test"]))


def find_pictures(
    example: TrainingExample, read_picture: PagePicture
) -> Iterator[tuple[str, TextLine, Image]]:
    """File name, line and picture of each line; each page is read once."""
    lines = sorted(example_to_lines(example), key=lambda line: line.page)
    page, picture = 0, None
    for number, line in enumerate(lines, start=1):
        if picture is None or line.page != page:
            page, picture = line.page, read_picture(example.document_id, line.page)
        yield f"{example.document_id}_{number:04}.png", line, crop_line(picture, line.box)


def write_png(path: Path, picture: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes())
