"""Forms whose words have labels: what a labeller is trained and scored on.

On disk a shard is gzipped JSON Lines, one form a line.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.windows import PlacedWord

FormSource = Literal["printed", "ocr", "corrected"]
OTHER = "other"
LEAST_OVERLAP = 0.25
"""Share of the smaller box that must lie in the other for a label to be carried."""


@dataclass(frozen=True, slots=True)
class LabelledForm:
    """A document's words in reading order, with a label each.

    ``family`` names the layout it was made from, ``source`` how its words were read.
    """

    family: str
    seed: int
    source: FormSource
    words: tuple[PlacedWord, ...]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.labels):
            raise ValueError(f"{len(self.words)} words but {len(self.labels)} labels")


def form_to_json(form: LabelledForm) -> str:
    words = [[word.text, *word.box, *word.area, word.line, word.page] for word in form.words]
    stored = {
        "family": form.family,
        "seed": form.seed,
        "source": form.source,
        "words": words,
        "labels": form.labels,
    }
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":"))


def json_to_form(text: str) -> LabelledForm:
    stored = json.loads(text)
    words = (
        PlacedWord(entry[0], tuple(entry[1:5]), tuple(entry[5:9]), entry[9], entry[10])
        for entry in stored["words"]
    )
    return LabelledForm(
        stored["family"], stored["seed"], stored["source"], tuple(words), tuple(stored["labels"])
    )


def write_forms(path: Path, forms: Iterable[LabelledForm]) -> None:
    """Write a shard; the same forms give the same bytes."""
    lines = "".join(form_to_json(form) + "\n" for form in forms)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".part")
    written.write_bytes(gzip.compress(lines.encode("utf-8"), compresslevel=5, mtime=0))
    written.replace(path)


def read_forms(path: Path) -> Iterator[LabelledForm]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json_to_form(line)


def files_digest(paths: Sequence[Path]) -> str:
    """SHA-256 over the bytes of ``paths`` in the given order, hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def carry_labels(printed: LabelledForm, read: Sequence[PlacedWord]) -> tuple[str, ...]:
    """The labels of the printed words on the words that were read in the same places.

    A word read where nothing is printed (a seal, a pen stroke) is ``other``.
    """
    owners = find_printed(printed.words, read)
    return tuple(OTHER if owner is None else printed.labels[owner] for owner in owners)


def find_printed(
    printed: Sequence[PlacedWord], read: Sequence[PlacedWord]
) -> tuple[int | None, ...]:
    """For each read word the index of the printed one that it shares most of its box with."""
    if not printed:
        return (None,) * len(read)
    shares = overlap_shares(read, printed)
    best = shares.argmax(axis=1)
    return tuple(
        int(index) if shares[row, index] >= LEAST_OVERLAP else None
        for row, index in enumerate(best)
    )


def overlap_shares(
    first: Sequence[PlacedWord], second: Sequence[PlacedWord]
) -> NDArray[np.float64]:
    """Shared area over the smaller of both boxes, first × second; 0 across pages."""
    a, b = _boxes(first)[:, None, :], _boxes(second)[None, :, :]
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=-1)
    areas_a, areas_b = (np.clip(x[..., 2:] - x[..., :2], 1.0, None).prod(axis=-1) for x in (a, b))
    same_page = np.equal.outer([word.page for word in first], [word.page for word in second])
    return np.asarray(same_page * shared / np.minimum(areas_a, areas_b))


def _boxes(words: Sequence[PlacedWord]) -> NDArray[np.float64]:
    return np.array([word.box for word in words], dtype=np.float64).reshape(-1, 4)


def number_lines(words: Sequence[PlacedWord]) -> tuple[PlacedWord, ...]:
    """The same words with ``line`` counted anew inside each cell."""
    counts: dict[tuple[int, tuple[int, int, int, int]], int] = {}
    numbered = []
    for word in words:
        key = (word.page, word.area)
        line = counts.get(key, 0) if word.in_cell else 0
        counts[key] = line + 1
        numbered.append(word if word.line == line else replace(word, line=line))
    return tuple(numbered)
