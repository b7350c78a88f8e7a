"""Pictures of lines with their texts, by which recognisers are held against each other.

A folder of them is what is exported to train PaddleOCR's recogniser: ``rec_gt_test.txt`` has
a line ``path<TAB>text`` for each picture that no training may see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from extraction.errors import ModelError
from extraction.normalise import plain
from extraction.values import Image
from models.outcomes import FormOutcome

HELD_OUT_FILE = "rec_gt_test.txt"

ReadLines = Callable[[Sequence[Image]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class LinePicture:
    """``document_id`` is of the document that it was cut from: its lines err together.
    ``folder`` is the name of the set that it is of."""

    document_id: str
    folder: str
    path: Path
    text: str


def read_line_list(folder: Path) -> tuple[LinePicture, ...]:
    """The held-out lines of an exported folder; ModelError where it is no such folder."""
    file = folder / HELD_OUT_FILE
    if not file.is_file():
        reason = f"holds no {HELD_OUT_FILE}; export the recognition lines first"
        raise ModelError(reason, name=str(folder))
    lines = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        name, tab, text = line.partition("\t")
        path = folder / name
        if not tab or not path.is_file():
            raise ModelError(f"line {number} names no picture and its text", name=str(file))
        lines.append(LinePicture(_document_of(path), folder.name, path, text))
    return tuple(lines)


def lines_digest(lines: Sequence[LinePicture]) -> str:
    """Of all pictures and texts, in any order."""
    told = sorted(f"{sha256(line.path.read_bytes()).hexdigest()}\t{line.text}" for line in lines)
    return sha256("\n".join(told).encode("utf-8")).hexdigest()


def find_line_outcomes(lines: Sequence[LinePicture], read: ReadLines) -> tuple[FormOutcome, ...]:
    """For each document how many of its lines are not read exactly; spaces do not count."""
    by_document: dict[tuple[str, str], list[LinePicture]] = defaultdict(list)
    for line in lines:
        by_document[line.folder, line.document_id].append(line)
    outcomes = []
    for (folder, document_id), some in sorted(by_document.items()):
        texts = read([read_line(line.path) for line in some])
        wrong = sum(plain(text) != plain(line.text) for text, line in zip(texts, some, strict=True))
        outcomes.append(
            FormOutcome(f"{folder}/{document_id}", folder, "corrected", len(some), wrong, {}, {})
        )
    return tuple(outcomes)


def read_line(path: Path) -> Image:
    """The picture, RGB; ModelError where it is none."""
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ModelError("is no picture of a line", name=str(path))
    return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8)[:, :, ::-1])


def _document_of(path: Path) -> str:
    return path.stem.rpartition("_")[0] or path.stem
