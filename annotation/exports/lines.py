"""Lines of text with what is certain to stand in them, to train a recogniser of text on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median
from typing import Final, Literal

import numpy as np

from annotation.examples import ReviewedText, TrainingExample
from extraction.values import Box, Image, Word, words_text

PagePicture = Callable[[str, int], Image]
"""The upright page by the document's id and the number of the page."""

Split = Literal["train", "test"]
TEST_SHARE: Final = 0.1
PADDING_PX: Final = 2.0
_ONE_LINE: Final = 1.7
"""A box without words is one line if it is at most so many usual lines high."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One printed line that a person saw, and its text."""

    document_id: str
    page: int
    box: Box
    text: str
    name: str


def example_to_lines(example: TrainingExample) -> Iterator[TextLine]:
    """The lines of all regions whose text can be told line by line; others are left out."""
    words = example.words
    seen: set[tuple[int, Box]] = set()
    for region in example.texts:
        for box, text in _region_lines(region, words):
            if text.strip() and "\n" not in text.strip() and (region.page, box) not in seen:
                seen.add((region.page, box))
                # A tab would end the text where it is read.
                said = " ".join(text.split())
                yield TextLine(example.document_id, region.page, box, said, region.name)


def find_split(document_id: str) -> Split:
    """The same for a document for ever, so that no page is trained on and tested with."""
    number = int.from_bytes(hashlib.sha256(document_id.encode("utf-8")).digest()[:4], "big")
    return "test" if number < TEST_SHARE * 2**32 else "train"


def crop_line(picture: Image, box: Box) -> Image:
    """The part of the page with a little paper around it; never without any pixel."""
    height, width = picture.shape[:2]
    around = box.padded(PADDING_PX)
    left, top = max(0, round(around.x0)), max(0, round(around.top))
    right, bottom = min(width, round(around.x1)), min(height, round(around.bottom))
    left, top = min(left, width - 1), min(top, height - 1)
    return np.ascontiguousarray(picture[top : max(bottom, top + 1), left : max(right, left + 1)])


def _region_lines(region: ReviewedText, words: Sequence[Word]) -> Iterator[tuple[Box, str]]:
    own = [words[number] for number in region.words]
    if not own:
        if _is_one_line(region, words):
            yield region.box, region.text
        return
    printed = words_text(own)
    if _same(printed, region.text):
        # What was read was confirmed, or typed as it was read: each line is as it was read.
        yield from ((word.box, word.text) for word in own)
    elif _same(printed, region.read):
        yield from _retyped_lines(own, region.text)
    # Else the words print more than the field, and nobody vouches for the rest.


def _retyped_lines(words: Sequence[Word], text: str) -> Iterator[tuple[Box, str]]:
    """``text`` cut where the lines of ``words`` end, where that is certain."""
    if len(words) == 1:
        yield words[0].box, text
        return
    ends = _line_ends(words)
    places = _map_places(words_text(words), text)
    for number, (start, end) in enumerate(ends):
        first = 0 if number == 0 else places.get(start)
        last = len(text) if number == len(ends) - 1 else places.get(end)
        if first is not None and last is not None and first < last:
            yield words[number].box, text[first:last]


def _line_ends(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Start and end of each line within ``words_text(words)``."""
    ends = [len(words_text(words[: number + 1])) for number in range(len(words))]
    return [(end - len(word.text), end) for end, word in zip(ends, words, strict=True)]


def _map_places(before: str, after: str) -> dict[int, int]:
    """Places between two characters of ``before`` that stand side by side in ``after``, too."""
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(1, block.size)}


def _is_one_line(region: ReviewedText, words: Sequence[Word]) -> bool:
    heights = [word.box.height for word in words if word.page == region.page]
    return bool(heights) and region.box.height <= _ONE_LINE * median(heights)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())
