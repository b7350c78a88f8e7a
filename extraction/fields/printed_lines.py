"""Lines of loose words, and keys that share a line or a cell with their value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from extraction.fields.table_view import TableView
from extraction.normalise import plain
from extraction.values import Cell, Word, words_text

_SAME_LINE = 0.5
_HEAD_ROWS = 3
_HEAD_SHARE = 0.8

Letter = tuple[str, int, int]
"""A character after NFKC, the number of its word and its place in that word."""


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """Words side by side; ``cell`` and ``view`` where the line is a cell of a table."""

    words: tuple[Word, ...]
    view: TableView | None = None
    cell: Cell | None = None

    @property
    def text(self) -> str:
        return words_text(self.words)

    @property
    def page(self) -> int:
        return self.words[0].page


@dataclass(frozen=True, slots=True)
class InlinePair:
    """A key and the value behind its colon, with the words that print the value."""

    key: str
    value: str
    words: tuple[Word, ...]


def find_lines(words: Sequence[Word]) -> tuple[PrintedLine, ...]:
    """Words grouped by page and height, from the top, each line from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w.page, w.box.center[1])):
        line = lines[-1] if lines else []
        if line and line[0].page == word.page and _level(line[-1], word):
            line.append(word)
        else:
            lines.append([word])
    return tuple(PrintedLine(tuple(sorted(line, key=lambda w: w.box.x0))) for line in lines)


def find_head_cells(views: Sequence[TableView]) -> tuple[PrintedLine, ...]:
    """Cells of the first rows over nearly all of a table: titles are printed there, too."""
    return tuple(
        PrintedLine(cell.words, view, cell)
        for view in views
        for row in range(min(_HEAD_ROWS, view.grid.rows))
        for cell in view.starting_in(row)
        if cell.words and cell.colspan > _HEAD_SHARE * view.grid.columns > _HEAD_SHARE
    )


def split_inline(words: Sequence[Word], keys: Sequence[str]) -> tuple[InlinePair, ...]:
    """Pairs ``key: value`` of a line; a value ends where the next of ``keys`` opens."""
    known = sorted({plain(key) for key in keys}, key=len, reverse=True)
    letters: list[Letter] = [
        (letter, number, place)
        for number, word in enumerate(words)
        for place, character in enumerate(word.text)
        for letter in plain(character)
    ]
    text = "".join(letter for letter, _, _ in letters)
    if not known or ":" not in text:
        return ()
    openings = [
        found
        for found in re.finditer(f"({'|'.join(map(re.escape, known))}):", text)
        if found.start() == 0 or _may_open(letters, found.start())
    ]
    ends = [found.start() for found in openings[1:]] + [len(text)]
    return tuple(
        InlinePair(found[1], *_printed(words, letters[found.end() : end]))
        for found, end in zip(openings, ends, strict=False)
        if end > found.end()
    )


def _may_open(letters: Sequence[Letter], start: int) -> bool:
    """A key opens at a word's start, after white space or after a mark."""
    before, number, place = letters[start - 1]
    _, next_number, next_place = letters[start]
    return (number, place + 1) != (next_number, next_place) or not before.isalnum()


def _printed(words: Sequence[Word], letters: Sequence[Letter]) -> tuple[str, tuple[Word, ...]]:
    """The text as printed from the first to the last of ``letters``, and its words."""
    text = ""
    numbers = sorted({number for _, number, _ in letters})
    for number in numbers:
        places = [place for _, other, place in letters if other == number]
        text += words[number].text[min(places) : max(places) + 1]
    return text, tuple(words[number] for number in numbers)


def _level(a: Word, b: Word) -> bool:
    shared = min(a.box.bottom, b.box.bottom) - max(a.box.top, b.box.top)
    return shared > _SAME_LINE * min(a.box.height, b.box.height)
