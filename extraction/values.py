"""The values that move along the road, one frozen type per station.

Boxes are ``x0, top, x1, bottom`` in pixels of the upright page, origin top left.
A *score* is what an engine says of itself; a *confidence* is calibrated to 0..1 or None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""height × width × 3, RGB."""

PageSource = Literal["ocr", "text_layer"]
Route = Literal["accept", "review"]
Axis = Literal["horizontal", "vertical"]


class Box(NamedTuple):
    """An axis-parallel rectangle in pixels of the upright page."""

    x0: float
    top: float
    x1: float
    bottom: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.top + self.bottom) / 2

    def intersection(self, other: Box) -> Box:
        """The shared rectangle; its width or height is negative where there is none."""
        return Box(
            max(self.x0, other.x0),
            max(self.top, other.top),
            min(self.x1, other.x1),
            min(self.bottom, other.bottom),
        )

    def contains_point(self, x: float, y: float) -> bool:
        return self.x0 <= x < self.x1 and self.top <= y < self.bottom

    def padded(self, by: float) -> Box:
        return Box(self.x0 - by, self.top - by, self.x1 + by, self.bottom + by)


def boxes_union(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of ``boxes``; ValueError when there are none."""
    x0s, tops, x1s, bottoms = zip(*boxes, strict=True)
    return Box(min(x0s), min(tops), max(x1s), max(bottoms))


@dataclass(frozen=True, slots=True)
class Word:
    """One line of text, or the part of it that lies in one cell.

    ``score`` is the recogniser's mean character probability; ``weakest`` the lowest of
    its characters. Both are 1.0 for words of a text layer. ``overlooked`` is the highest
    probability of a sign where the text has none.
    """

    text: str
    box: Box
    score: float
    weakest: float
    page: int
    overlooked: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A straight ruling line: horizontal at ``y = at`` or vertical at ``x = at``.

    ``start`` and ``end`` run along the line; ``score`` is the share of it that shows ink.
    """

    axis: Axis
    at: float
    start: float
    end: float
    score: float = 1.0

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a grid, blank ones too. Rows and columns count from 0.

    ``quality`` is the evidence for the weakest of its four sides, 0..1.
    ``continues`` marks the second half of a cell that a page break cuts in two.
    """

    row: int
    column: int
    rowspan: int
    colspan: int
    box: Box
    page: int
    words: tuple[Word, ...] = ()
    quality: float = 1.0
    continues: bool = False

    @property
    def text(self) -> str:
        """The words in reading order without breaks between lines of Chinese text."""
        return words_text(self.words)

    @property
    def rows(self) -> range:
        return range(self.row, self.row + self.rowspan)

    @property
    def columns(self) -> range:
        return range(self.column, self.column + self.colspan)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. On one page as the finder of grids gives it, or joined over pages."""

    rows: int
    columns: int
    cells: tuple[Cell, ...]
    ruled: bool = True
    joined_because: str | None = None

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(sorted({cell.page for cell in self.cells}))

    def box_on(self, page: int) -> Box:
        return boxes_union(cell.box for cell in self.cells if cell.page == page)


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as the file holds it, perhaps skewed, turned or photographed at an angle.

    ``words`` and ``edges`` are given (exact) for a page with a text layer and None for a
    scanned one.
    """

    number: int
    image: Image
    dpi: float
    words: tuple[Word, ...] | None = None
    edges: tuple[Edge, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """An upright page, ready to be read.

    ``words`` and ``edges`` are given (exact) for a page with a text layer and None for a
    scanned one. ``to_source`` maps pixels of the upright page to pixels of the source
    picture, a 3 × 3 projective matrix; ``from_source`` is its inverse. Where ``grey``, no pixel
    of the image has a colour.
    """

    number: int
    image: Image
    dpi: float
    source: PageSource
    to_source: NDArray[np.float64]
    from_source: NDArray[np.float64]
    words: tuple[Word, ...] | None = None
    edges: tuple[Edge, ...] | None = None
    grey: bool = False
    elapsed_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class PageReading:
    """All that was read on one page: its grids with their words, and the words outside."""

    number: int
    width: int
    height: int
    dpi: float
    source: PageSource
    grids: tuple[Grid, ...]
    loose_words: tuple[Word, ...]
    elapsed_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelledWord:
    """A word with the label that the model gives it; ``runner_up`` is the second best."""

    word: Word
    label: str
    probability: float
    runner_up: str
    runner_up_probability: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field stands: page, box and, inside a table, its cell."""

    page: int
    box: Box
    table: int | None = None
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A named value of a form: text as printed, and its normalised value beside it."""

    text: str
    value: str | float | int | None
    confidence: float | None
    route: Route
    reasons: tuple[str, ...]
    source: Source | None


@dataclass(frozen=True, slots=True)
class Check:
    """A rule of the form. ``passed`` is None where it could not be run."""

    name: str
    passed: bool | None
    message: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A printed key with its value, on a form of no declared type."""

    key: str
    value: str
    confidence: float | None
    source: Source


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell as the record gives it."""

    row: int
    column: int
    rowspan: int
    colspan: int
    text: str
    page: int
    box: Box
    confidence: float | None
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    pages: tuple[int, ...]
    rows: int
    columns: int
    joined_because: str | None
    cells: tuple[TableCell, ...]


@dataclass(frozen=True, slots=True)
class PageSummary:
    number: int
    width: int
    height: int
    dpi: float
    source: PageSource
    elapsed_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Record:
    """What leaves the system: one per document."""

    name: str
    sha256: str
    form_type: str
    producer: Mapping[str, str]
    fields: Mapping[str, Field]
    groups: Mapping[str, tuple[Mapping[str, Field], ...]]
    tables: tuple[Table, ...]
    checks: tuple[Check, ...]
    pages: tuple[PageSummary, ...]
    key_values: tuple[KeyValue, ...] = ()


def words_text(words: Iterable[Word]) -> str:
    """Join words: nothing between lines, one space where two Latin words would fuse."""
    text = ""
    for word in words:
        if text and word.text and _is_latin(text[-1]) and _is_latin(word.text[0]):
            text += " "
        text += word.text
    return text


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalpha()
