"""Training examples as JSON Lines and back: what comes back equals what went in.

The same examples give the same bytes, so that the digest of a data set names its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from annotation.examples import ReviewedText, TrainingExample
from extraction.errors import InputError
from extraction.json_values import (
    Json,
    JsonObject,
    as_integer,
    as_list,
    as_number,
    as_object,
)
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.values import Box

SCHEMA: Final = "formloop.example/1"


def examples_to_jsonl(examples: Iterable[TrainingExample]) -> Iterator[str]:
    """One line for each, its line break included, in the order of the documents' ids."""
    for example in sorted(examples, key=_order):
        stored = example_to_json(example)
        yield json.dumps(stored, ensure_ascii=False, separators=(",", ":")) + "\n"


def examples_from_jsonl(lines: Iterable[str]) -> Iterator[TrainingExample]:
    """The examples of ``examples_to_jsonl``; InputError names the line that is none."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield example_from_json(as_object(json.loads(line)))
        except InputError as error:
            raise InputError(f"line {number}: {error.reason}") from error
        except ValueError as error:
            raise InputError(f"line {number}: is no training example: {error}") from error


def dataset_digest(examples: Iterable[TrainingExample]) -> str:
    """SHA-256 of what the examples say, hexadecimal, whatever order they come in.

    Times that reading took do not count: a page read again the same is the same example.
    """
    digest = hashlib.sha256()
    for example in sorted(examples, key=_order):
        stored = example_to_json(example)
        for reading in as_list(stored["readings"]):
            as_object(reading)["elapsed_ms"] = {}
        digest.update(json.dumps(stored, ensure_ascii=False, sort_keys=True).encode("utf-8"))
        digest.update(b"\n")
    return digest.hexdigest()


def example_to_json(example: TrainingExample) -> JsonObject:
    return {
        "schema": SCHEMA,
        "document_id": example.document_id,
        "form_type": example.form_type,
        "revision": example.revision,
        "layout": example.layout,
        "is_whole": example.is_whole,
        "labels": {str(word): label for word, label in sorted(example.labels.items())},
        "texts": [_text_to_json(text) for text in example.texts],
        "readings": [reading_to_json(reading) for reading in example.readings],
    }


def example_from_json(stored: Mapping[str, Json]) -> TrainingExample:
    """InputError for anything that ``example_to_json`` did not make."""
    if stored.get("schema") != SCHEMA:
        found = stored.get("schema")
        raise InputError(f"is no training example: schema is {found!r}, not {SCHEMA!r}")
    try:
        return TrainingExample(
            document_id=_as_text(stored["document_id"]),
            form_type=_as_text(stored["form_type"]),
            revision=as_integer(stored["revision"]),
            layout=_as_text(stored["layout"]),
            readings=tuple(reading_from_json(as_object(r)) for r in as_list(stored["readings"])),
            labels={int(w): _as_text(label) for w, label in as_object(stored["labels"]).items()},
            texts=tuple(_text_from_json(as_object(text)) for text in as_list(stored["texts"])),
            is_whole=stored["is_whole"] is True,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is a damaged training example: {error!r}") from error


def _text_to_json(text: ReviewedText) -> JsonObject:
    return {
        "name": text.name,
        "page": text.page,
        "box": [float(side) for side in text.box],
        "text": text.text,
        "read": text.read,
        "words": [*text.words],
        "audit": text.audit,
    }


def _text_from_json(stored: JsonObject) -> ReviewedText:
    return ReviewedText(
        name=_as_text(stored["name"]),
        page=as_integer(stored["page"]),
        box=Box(*(as_number(side) for side in as_list(stored["box"]))),
        text=_as_text(stored["text"]),
        read=_as_text(stored["read"]),
        words=tuple(as_integer(word) for word in as_list(stored["words"])),
        audit=stored["audit"] is True,
    )


def _as_text(stored: Json) -> str:
    if not isinstance(stored, str):
        raise ValueError(f"expected a text, found {stored!r}")
    return stored


def _order(example: TrainingExample) -> tuple[str, int]:
    return example.document_id, example.revision
