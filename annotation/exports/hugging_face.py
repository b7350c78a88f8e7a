"""A folder that ``datasets.load_dataset(FOLDER, "pages")`` reads, and ``"lines"``.

``pages`` has a row for each page: its picture, its words with their boxes in thousandths of
the page, and their labels, "" where nobody said which it is. ``lines`` has a row for each
printed line that a person saw: its picture and its text. Both are split by document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from annotation.examples import TrainingExample, example_labels
from annotation.examples_json import dataset_digest
from annotation.exports.lines import PagePicture, Split, find_split
from annotation.exports.recognition import find_pictures, write_png
from extraction.json_values import Json, JsonObject
from models.windows import readings_to_words

CARD_FILE: Final = "README.md"
ROWS_FILE: Final = "metadata.jsonl"
"""The name by which the library finds what belongs to a folder's pictures."""
UNKNOWN: Final = ""
_SPLITS: Final[tuple[Split, ...]] = ("train", "test")
_CARD: Final = """---
pretty_name: Corrected forms
language:
- zh
task_categories:
- token-classification
- image-to-text
configs:
{configs}
---
# Corrected forms

{documents} scanned forms that people corrected; digest `{digest}`.

| | train | test |
|---|---|---|
| pages | {pages[train]} | {pages[test]} |
| words with a label | {words[train]} | {words[test]} |
| lines | {lines[train]} | {lines[test]} |

`pages`: `image`, `words`, `boxes` (x0, top, x1, bottom in thousandths of the page), `cells` (the
box of the word's cell, or its own), `labels` (the field a word belongs to, `key` or `other`; empty:
nobody looked at it, so leave it out of the loss), `document_id`, `page`, `form_type`, `layout`.
`lines`: `image`, `text`, `field`, `document_id`, `page`. A document is in one split, for ever.

```python
from datasets import load_dataset
pages = load_dataset("FOLDER", "pages")
lines = load_dataset("FOLDER", "lines")
```
"""


def write_hugging_face(
    folder: Path, examples: Iterable[TrainingExample], read_picture: PagePicture
) -> None:
    """Fill ``folder``; the same examples give the same files."""
    ordered = sorted(examples, key=lambda item: item.document_id)
    pages: dict[Split, list[JsonObject]] = {split: [] for split in _SPLITS}
    lines: dict[Split, list[JsonObject]] = {split: [] for split in _SPLITS}
    for example in ordered:
        split = find_split(example.document_id)
        pages[split] += _write_pages(folder / "pages" / split, example, read_picture)
        lines[split] += _write_lines(folder / "lines" / split, example, read_picture)
    for name, rows in (("pages", pages), ("lines", lines)):
        for split, own in rows.items():
            _write_rows(folder / name / split, own)
    card = _card(ordered, pages, lines)
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def _write_pages(
    folder: Path, example: TrainingExample, read_picture: PagePicture
) -> Iterator[JsonObject]:
    placed, words = readings_to_words(example.readings)
    labels = example_labels(example)
    for at, reading in enumerate(example.readings):
        name = f"{example.document_id}_{reading.number:03}.png"
        write_png(folder / name, read_picture(example.document_id, reading.number))
        own = [number for number, word in enumerate(placed) if word.page == at]
        yield {
            "file_name": name,
            "document_id": example.document_id,
            "page": reading.number,
            "form_type": example.form_type,
            "layout": example.layout,
            "words": [words[number].text for number in own],
            "boxes": [[*placed[number].box] for number in own],
            "cells": [[*placed[number].area] for number in own],
            # No null: reading JSON, pyarrow moves those at the start of a list to its end.
            "labels": [labels[number] or UNKNOWN for number in own],
        }


def _write_lines(
    folder: Path, example: TrainingExample, read_picture: PagePicture
) -> Iterator[JsonObject]:
    for name, line, picture in find_pictures(example, read_picture):
        write_png(folder / name, picture)
        yield {
            "file_name": name,
            "text": line.text,
            "field": line.name,
            "document_id": line.document_id,
            "page": line.page,
        }


def _write_rows(folder: Path, rows: Sequence[JsonObject]) -> None:
    if not rows:
        return
    told = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / ROWS_FILE).write_text(told, encoding="utf-8")


def _card(
    examples: Sequence[TrainingExample],
    pages: dict[Split, list[JsonObject]],
    lines: dict[Split, list[JsonObject]],
) -> str:
    return _CARD.format(
        configs="\n".join([*_config("pages", pages), *_config("lines", lines)]),
        documents=len(examples),
        digest=dataset_digest(examples)[:12],
        pages={split: len(rows) for split, rows in pages.items()},
        lines={split: len(rows) for split, rows in lines.items()},
        words={split: sum(map(_labelled, rows)) for split, rows in pages.items()},
    )


def _config(name: str, rows: dict[Split, list[JsonObject]]) -> Iterator[str]:
    """A split without rows is not named: the library refuses a pattern that finds nothing."""
    yield f"- config_name: {name}"
    yield "  drop_labels: true"
    yield "  data_files:"
    for split in _SPLITS:
        if rows[split]:
            yield f"  - split: {split}"
            yield f'    path: "{name}/{split}/**"'


def _labelled(row: JsonObject) -> int:
    labels: Json = row["labels"]
    return sum(label != UNKNOWN for label in labels) if isinstance(labels, list) else 0
