"""Pages of words as windows of tokens with boxes, and labels merged back to words.

Inside a window boxes run 0–1000 over the width and height of their page; nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from extraction.normalise import plain
from extraction.values import Box, Grid, PageReading, Word
from models.tokens import Piece, PieceSettings, Vocabulary, text_to_pieces

BOX_SCALE = 1000
LAST_POSITION = 31
LAST_PAGE = 3
CONTEXT_PAGES = 2
CONTEXT_WORD_LENGTH = 8
"""Words of earlier pages that head columns are short and hold no digit."""

ThousandthsBox = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word as the model sees it. Boxes are in thousandths of the page.

    ``area`` is the box of its cell, or its own where it stands in none; ``line`` counts
    the words of a cell from 0; ``page`` counts the pages of the document from 0.
    """

    text: str
    box: ThousandthsBox
    area: ThousandthsBox
    line: int
    page: int

    @property
    def in_cell(self) -> bool:
        return self.area != self.box


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """Sizes in tokens. ``box`` says which box a token carries."""

    pieces: PieceSettings = field(default_factory=PieceSettings)
    length: int = 512
    overlap: int = 128
    context: int = 96
    use_cell_box: bool = True

    def __post_init__(self) -> None:
        longest_word = self.pieces.first + self.pieces.last
        if self.length < self.context + self.overlap + longest_word:
            raise ValueError(f"a window of {self.length} tokens cannot hold overlap and context")


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens of one run of words. ``n`` tokens of ``p`` characters.

    ``words`` holds the index of each token's word, -1 for a token that is only context;
    ``positions`` its place inside its cell; ``pages`` the page within the document.
    """

    pieces: NDArray[np.int64]
    """n × p"""
    boxes: NDArray[np.int64]
    """n × 4"""
    positions: NDArray[np.int64]
    pages: NDArray[np.int64]
    words: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows padded to one length: b windows of n tokens of p characters."""

    pieces: NDArray[np.int64]
    boxes: NDArray[np.int64]
    positions: NDArray[np.int64]
    pages: NDArray[np.int64]
    mask: NDArray[np.int64]
    """1 where there is a token, b × n"""

    def as_inputs(self) -> dict[str, NDArray[np.int64]]:
        """The arrays by the names of the network's inputs."""
        return {
            "pieces": self.pieces,
            "boxes": self.boxes,
            "positions": self.positions,
            "pages": self.pages,
            "mask": self.mask,
        }


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is read as one: the words of a cell, or a loose word."""

    top: float
    x0: float
    area: Box
    words: tuple[Word, ...]


def readings_to_words(
    readings: Sequence[PageReading],
) -> tuple[tuple[PlacedWord, ...], tuple[Word, ...]]:
    """All words of a document in reading order, as placed and as they came."""
    placed: list[PlacedWord] = []
    words: list[Word] = []
    for number, reading in enumerate(readings):
        for unit in _reading_order(reading):
            area = box_to_thousandths(unit.area, reading.width, reading.height)
            for line, word in enumerate(unit.words):
                box = box_to_thousandths(word.box, reading.width, reading.height)
                is_loose = unit.area == word.box
                placed.append(PlacedWord(word.text, box, box if is_loose else area, line, number))
                words.append(word)
    return tuple(placed), tuple(words)


def box_to_thousandths(box: Box, width: int, height: int) -> ThousandthsBox:
    """A box in thousandths of the page, clipped to it, corners in order."""
    x0, x1 = sorted((_thousandth(box.x0, width), _thousandth(box.x1, width)))
    top, bottom = sorted((_thousandth(box.top, height), _thousandth(box.bottom, height)))
    return x0, top, x1, bottom


def _thousandth(at: float, size: int) -> int:
    return min(max(round(BOX_SCALE * at / max(size, 1)), 0), BOX_SCALE)


def _reading_order(reading: PageReading) -> list[_Unit]:
    """Units top to bottom, and left to right where their tops are nearly the same."""
    units = [unit for grid in reading.grids for unit in _grid_to_units(grid)]
    units += [_Unit(word.box.top, word.box.x0, word.box, (word,)) for word in reading.loose_words]
    if not units:
        return []
    threshold = 0.5 * median(word.box.height for unit in units for word in unit.words)
    ordered: list[_Unit] = []
    band: list[_Unit] = []
    for unit in sorted(units, key=lambda unit: unit.top):
        if band and unit.top - band[0].top > threshold:
            ordered += sorted(band, key=lambda unit: unit.x0)
            band = []
        band.append(unit)
    return ordered + sorted(band, key=lambda unit: unit.x0)


def _grid_to_units(grid: Grid) -> Iterator[_Unit]:
    """Cells that hold words. Cells of one row share a top, however ragged their boxes."""
    tops: dict[int, list[float]] = defaultdict(list)
    for cell in grid.cells:
        tops[cell.row].append(cell.box.top)
    for cell in grid.cells:
        if cell.words:
            yield _Unit(median(tops[cell.row]), cell.box.x0, cell.box, cell.words)


def words_to_windows(
    words: Sequence[PlacedWord], vocabulary: Vocabulary, settings: WindowSettings
) -> list[Window]:
    """Windows that together hold every word whole; none where there are no words."""
    pieces = _words_to_pieces(words, vocabulary, settings.pieces)
    counts = [len(word_pieces) for word_pieces in pieces]
    if sum(counts) <= settings.length:
        runs = [range(len(words))] if words else []
    else:
        runs = _find_runs(counts, settings.length - settings.context, settings.overlap)
    return [
        _run_to_window(words, pieces, run, _context_of(words, run, settings.context), settings)
        for run in runs
    ]


def _words_to_pieces(
    words: Sequence[PlacedWord], vocabulary: Vocabulary, settings: PieceSettings
) -> list[list[Piece]]:
    return [text_to_pieces(word.text, word.line, vocabulary, settings) for word in words]


def _find_runs(counts: Sequence[int], length: int, overlap: int) -> list[range]:
    """Runs of words of at most ``length`` tokens that overlap by about ``overlap``."""
    runs: list[range] = []
    start = 0
    while True:
        stop, total = start, 0
        while stop < len(counts) and total + counts[stop] <= length:
            total += counts[stop]
            stop += 1
        runs.append(range(start, stop))
        if stop == len(counts):
            return runs
        back, shared = stop, 0
        while back - 1 > start and shared + counts[back - 1] <= overlap:
            back -= 1
            shared += counts[back]
        start = back


def _context_of(words: Sequence[PlacedWord], run: range, size: int) -> list[int]:
    """Short wordings before the run, which may head its columns; the nearest ``size``."""
    if run.start == 0:
        return []
    first_page = words[run.start].page - CONTEXT_PAGES
    found = [
        index
        for index in range(run.start)
        if words[index].page >= first_page and _could_head(words[index])
    ]
    return found[-size:]


def _could_head(word: PlacedWord) -> bool:
    text = plain(word.text)
    return (
        word.line == 0
        and 2 <= len(text) <= CONTEXT_WORD_LENGTH
        and not any(character.isdigit() for character in text)
    )


def _run_to_window(
    words: Sequence[PlacedWord],
    pieces: Sequence[Sequence[Piece]],
    run: range,
    context: Sequence[int],
    settings: WindowSettings,
) -> Window:
    """One token for each word of the context, all tokens of the words of the run."""
    tokens = [(index, -1, pieces[index][0]) for index in context]
    tokens += [(index, index, piece) for index in run for piece in pieces[index]]
    indices = [index for index, _, _ in tokens]
    boxes = [words[i].area if settings.use_cell_box else words[i].box for i in indices]
    return Window(
        pieces=np.array([piece for _, _, piece in tokens], dtype=np.int64),
        boxes=np.array(boxes, dtype=np.int64),
        positions=_positions(words, indices),
        pages=np.array([min(words[i].page, LAST_PAGE) for i in indices], dtype=np.int64),
        words=np.array([word for _, word, _ in tokens], dtype=np.int64),
    )


def _positions(words: Sequence[PlacedWord], indices: Sequence[int]) -> NDArray[np.int64]:
    """The place of each token inside its cell: the order of cells is told by their boxes."""
    positions = np.zeros(len(indices), dtype=np.int64)
    for at, index in enumerate(indices):
        starts_cell = words[index].line == 0 and (at == 0 or indices[at - 1] != index)
        if at and not starts_cell:
            positions[at] = min(positions[at - 1] + 1, LAST_POSITION)
    return positions


def windows_to_batch(windows: Sequence[Window], multiple: int = 1) -> Batch:
    """Windows padded to the longest, rounded up to ``multiple`` tokens."""
    longest = max(len(window) for window in windows)
    length = -(-longest // multiple) * multiple

    def padded(arrays: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        out = np.zeros((len(arrays), length, *arrays[0].shape[1:]), dtype=np.int64)
        for row, array in enumerate(arrays):
            out[row, : len(array)] = array
        return out

    return Batch(
        pieces=padded([window.pieces for window in windows]),
        boxes=padded([window.boxes for window in windows]),
        positions=padded([window.positions for window in windows]),
        pages=padded([window.pages for window in windows]),
        mask=padded([np.ones(len(window), dtype=np.int64) for window in windows]),
    )


def merge_windows(
    windows: Sequence[Window], logits: Sequence[NDArray[np.float32]], words: int
) -> NDArray[np.float64]:
    """Probabilities, words × labels, from logits of tokens × labels for each window.

    The tokens of a word vote with the mean of their log-probabilities. A word of several
    windows is taken from the one in which it stands farthest from both ends.
    """
    merged = np.full((words, logits[0].shape[1] if logits else 0), np.nan)
    best = np.full(words, -1.0)
    for window, window_logits in zip(windows, logits, strict=True):
        means, margins = _window_to_words(window, window_logits, words)
        better = margins > best
        merged[better] = means[better]
        best[better] = margins[better]
    if np.isnan(merged).any():
        raise AssertionError("a word stands in no window")
    weights = np.exp(merged - merged.max(axis=1, keepdims=True)) if words else merged
    return weights / weights.sum(axis=1, keepdims=True) if words else merged


def _window_to_words(
    window: Window, logits: NDArray[np.float32], words: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean log-probabilities, and the distance to the nearer end (-1: not in here)."""
    own = window.words >= 0
    scores = _log_softmax(logits[: len(window)].astype(np.float64))[own]
    owners = window.words[own]
    sums = np.zeros((words, scores.shape[1]))
    np.add.at(sums, owners, scores)
    counts = np.bincount(owners, minlength=words)
    places = np.flatnonzero(own)
    ends = np.minimum(places, len(window) - 1 - places)
    margins = np.full(words, -1.0)
    np.maximum.at(margins, owners, ends)
    return sums / np.maximum(counts, 1)[:, None], margins


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
